#ifndef DAEMON_DIAGNOSIS_CONTROL_NODE_STATE_H_
#define DAEMON_DIAGNOSIS_CONTROL_NODE_STATE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "driver/observation/host_key.h"

namespace sasd {

// The state of sasd's link to the firmware of an HBA of the kernel's mpt3sas. A plain value.
struct ControlNodeState {
  enum class Kind : uint8_t {
    kConnecting,
    kConnected,  // the firmware reports
    kFailed,     // see `error`; sasd tries again
    kReleased,   // closed on request, until the HBA reappears or a rescan
  };
  std::string os_name;  // "host11"
  HostKey host;         // none if unknown
  std::string node;     // "/dev/mpt3ctl"
  Kind kind = Kind::kConnecting;
  absl::Status error;  // for kFailed: the cause and the remedy
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_CONTROL_NODE_STATE_H_
