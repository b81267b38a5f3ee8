#ifndef DAEMON_WATCH_PUMP_H_
#define DAEMON_WATCH_PUMP_H_

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
  // Stops the thread; queued events stay in the registry. Ends waits on the registry's queue for
  // good, so that a registry has one Pump in its life. No thread may observe any more.
  ~Pump() override;

  void Observe(ObservationBatch batch) override;
  void Flush() override;
  // Those who wait for a settled registry check again.
  void SetPending(bool pending) override;

  // Waits until all that was committed before the call is published.
  void AwaitPublished();

 private:
  // Publishes until the queue is empty. The caller has claimed it.
  void Run();

  Publisher& publisher_;
  registry::Registry& registry_;
  registry::RegistryEventQueue& events_;
  std::thread thread_;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_PUMP_H_
