#ifndef DAEMON_WATCH_PUMP_H_
#define DAEMON_WATCH_PUMP_H_

#include <thread>  // NOLINT: one owned thread

#include "daemon/registry/registry_event_queue.h"
#include "daemon/watch/watch_log.h"
#include "driver/observation/observation.h"

namespace sasd::watch {

// What stands between the drivers, the registry and the log: passes observations on to the
// registry, and the registry's events to the log. While few subscribers are idle that is done in
// the thread that observes, when it is about to wait, since to wake another thread would take
// longer than all the rest; else in a thread of its own, so that nobody who observes is held up.
// Thread-safe.
class Pump : public ObservationSink {
 public:
  // Starts. Borrows the log (and its registry) for its lifetime.
  explicit Pump(WatchLog& log);
  // Stops; events that are still queued stay in the registry. Closes the registry's queue for
  // waiting, so that a registry has one Pump in its life. Nobody observes any more.
  ~Pump() override;

  void Observe(ObservationBatch batch) override;
  void Flush() override;
  // Whoever waits for a settled registry looks again.
  void SetPending(bool pending) override;

 private:
  // Pumps until there is nothing; the caller has claimed the queue.
  void Run();

  WatchLog& log_;
  registry::RegistryEventQueue& events_;
  std::thread thread_;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_PUMP_H_
