#ifndef DAEMON_DIAGNOSIS_CONTROL_NODE_STATE_H_
#define DAEMON_DIAGNOSIS_CONTROL_NODE_STATE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "driver/base/sas_address.h"

namespace sasd {

// How it stands with the firmware of an HBA that the kernel's mpt3sas has. A value.
struct ControlNodeState {
  enum class Kind : uint8_t {
    kConnecting,
    kConnected,  // the firmware tells what it has
    kFailed,     // see `error`; it is tried again
    kReleased,   // let go of on request, until the HBA comes anew or a rescan
  };
  std::string os_name;  // "host11"
  SasAddress host;      // 0 if unknown
  std::string node;     // "/dev/mpt3ctl"
  Kind kind = Kind::kConnecting;
  absl::Status error;  // of kFailed: what is wrong and what to do
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_CONTROL_NODE_STATE_H_
