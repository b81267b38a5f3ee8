#ifndef DAEMON_SERVICE_NODE_INFO_H_
#define DAEMON_SERVICE_NODE_INFO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daemon/diagnosis/check.h"
#include "driver/observation/scsi_host.h"
#include "sas/v1/node_service.pb.h"

namespace sasd::service {

// What sasd reports about itself. A value.
struct NodeInfo {
  std::string node_name;  // the host name
  std::string version;
  std::string backend;  // "sysfs /sys", "virtual HBA, fabric oak-816"
  absl::Time start_time;
  // What sasd can and cannot see, now. Thread-safe; null: nothing to report.
  std::function<std::vector<DiagnosisCheck>()> diagnose;
  // What the operating system shows beside the SAS objects; never null. Thread-safe, makes no I/O;
  // null: nothing.
  std::function<std::shared_ptr<const ScsiHosts>()> scsi_hosts;
  // Where the history is kept. Thread-safe; null: nowhere.
  std::function<sas::v1::Journal()> journal;
  // Where sasd listens. Thread-safe; null: unknown.
  std::function<std::vector<sas::v1::Listener>()> listeners;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_NODE_INFO_H_
