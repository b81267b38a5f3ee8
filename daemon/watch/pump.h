#ifndef DAEMON_WATCH_PUMP_H_
#define DAEMON_WATCH_PUMP_H_

#include <atomic>
#include <thread>  // NOLINT: one owned thread

#include "daemon/registry/registry.h"
#include "daemon/registry/registry_event_queue.h"
#include "daemon/watch/publisher.h"
#include "driver/observation/observation.h"

namespace sasd::watch {

// Passes observations of the sources to the registry, and has its events published. While few
// subscribers are idle, the observing thread publishes when it is about to wait: waking another
// thread would take longer than all the rest. Otherwise the pump's own thread does it, so that
// observing threads are not delayed. Thread-safe.
class Pump : public ObservationSink {
 public:
  // Starts the thread. Borrows the publisher for its lifetime.
  explicit Pump(Publisher& publisher);
  // Calls Stop(). No thread may observe any more.
  ~Pump() override;

  // Nothing is published after it; queued events stay in the registry. Waits for the few that are
  // being published by the pump's thread; one that observes may still publish them. Ends waits on
  // the registry's queue for good, so that a registry has one Pump in its life. By one thread; may
  // be called again.
  void Stop();

  void Observe(ObservationBatch batch) override;
  void Flush() override;
  // Those who wait for a settled registry check again.
  void SetPending(bool pending) override;

  // Waits until all that was committed before the call is published.
  void AwaitPublished();

 private:
  // Publishes until the queue is empty, or Stop() is called. The caller has claimed it.
  void Run();

  Publisher& publisher_;
  registry::Registry& registry_;
  registry::RegistryEventQueue& events_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_PUMP_H_
