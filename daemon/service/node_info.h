#ifndef DAEMON_SERVICE_NODE_INFO_H_
#define DAEMON_SERVICE_NODE_INFO_H_

#include <string>

#include "absl/time/time.h"

namespace sasd::service {

// What sasd tells of itself. A value.
struct NodeInfo {
  std::string node_name;  // the host name
  std::string version;
  std::string backend;  // "sysfs /sys", "virtual HBA, fabric oak-816"
  absl::Time start_time;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_NODE_INFO_H_
