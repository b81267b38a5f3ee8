#ifndef DAEMON_DIAGNOSIS_LIVE_SYSTEM_H_
#define DAEMON_DIAGNOSIS_LIVE_SYSTEM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/control_node_state.h"
#include "daemon/diagnosis/machine.h"
#include "driver/observation/scsi_host.h"

namespace sasd {

// Whether sasd receives the kernel's uevents. A plain value.
struct UeventState {
  absl::Status error;            // why sasd receives none; OK: it receives them
  int receive_buffer_bytes = 0;  // granted to the socket; 0: unknown
  int wanted_buffer_bytes = 0;   // requested for the socket
};

// A live machine as its backend knows it. A plain value.
struct LiveSystem {
  MachineFacts machine;
  UeventState uevents;
  bool asks_control_nodes = true;               // --control-nodes
  std::vector<ControlNodeState> control_nodes;  // one per HBA with a link to its firmware
  absl::Duration look_interval;                 // between two looks at the links; 0: never
  std::string reading_error;                    // of the last reading of sysfs; empty: none
  // What sysfs shows beside the SAS objects; null: nothing.
  std::shared_ptr<const ScsiHosts> scsi_hosts;
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_LIVE_SYSTEM_H_
