#ifndef DAEMON_DIAGNOSIS_LIVE_SYSTEM_H_
#define DAEMON_DIAGNOSIS_LIVE_SYSTEM_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/control_node_state.h"
#include "daemon/diagnosis/machine.h"

namespace sasd {

// How it stands with the kernel's uevents.
struct UeventState {
  absl::Status error;            // why none come; OK: they come
  int receive_buffer_bytes = 0;  // that the socket was granted; 0: unknown
  int wanted_buffer_bytes = 0;
};

// A live machine, as its backend knows it. Plain value.
struct LiveSystem {
  MachineFacts machine;
  UeventState uevents;
  bool asks_control_nodes = true;               // sasd was not told not to
  std::vector<ControlNodeState> control_nodes;  // of the HBAs whose firmware is asked
  absl::Duration look_interval;                 // at links; 0: never
  std::string reading_error;                    // of the last reading of sysfs; empty: it was fine
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_LIVE_SYSTEM_H_
