#ifndef DAEMON_HEARTBEAT_H_
#define DAEMON_HEARTBEAT_H_

#include <functional>
#include <thread>  // NOLINT: one owned thread

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace sasd {

// Feeds a watchdog as long as a check succeeds, on a thread of its own: so a service that lives but
// answers nobody is restarted, and one that is slow to end is not fed by the wait for its end.
class Heartbeat {
 public:
  // Every `interval`: calls `check`, and `feed` if it succeeded, `report` with the error otherwise.
  // Infinite: there is no watchdog, and nothing is called.
  Heartbeat(absl::Duration interval, std::function<absl::Status()> check,
            std::function<void()> feed, std::function<void(const absl::Status&)> report);
  // Waits for a check that runs.
  ~Heartbeat();

 private:
  absl::Notification stop_;
  std::thread thread_;
};

}  // namespace sasd

#endif  // DAEMON_HEARTBEAT_H_
