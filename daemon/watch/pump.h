#ifndef DAEMON_WATCH_PUMP_H_
#define DAEMON_WATCH_PUMP_H_

#include <thread>  // NOLINT: one owned thread

#include "daemon/watch/watch_log.h"

namespace sasd::watch {

// The thread between registry and log: runs WatchLog::PumpOnce whenever the registry has an event.
// Thread-safe.
class Pump {
 public:
  // Starts. Borrows the log (and its registry) for its lifetime.
  explicit Pump(WatchLog& log);
  // Stops; events that are still queued stay in the registry. Closes the registry's queue for
  // waiting, so that a registry has one Pump in its life.
  ~Pump();

 private:
  WatchLog& log_;
  std::thread thread_;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_PUMP_H_
