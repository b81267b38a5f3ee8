#ifndef DRIVER_DISCOVERY_EMITTER_H_
#define DRIVER_DISCOVERY_EMITTER_H_

#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/discovery/change_set.h"
#include "driver/observation/observation.h"

namespace sasd::discovery {

// Turns change sets into batches and hands them to the sink, in an order that is true.
//
// A batch is rendered and queued under one lock, so a batch that comes later tells a state that is
// at least as new; whoever changes an object commits afterwards, so the last batch that tells of
// an object tells its final state. Devices are attached after that (DeviceTable::SetTold()). The
// queue is handed to the sink by whichever committer finds nobody at it, one batch at a time and
// with no lock held.
//
// Thread-safe. Lock order: this one, then NodeTable's, then DeviceTable's.
class Emitter {
 public:
  // Borrows everything for its lifetime.
  Emitter(Clock& clock, ObservationSink& sink, device::NodeTable& nodes,
          device::DeviceTable& devices)
      : clock_(clock), sink_(sink), nodes_(nodes), devices_(devices) {}

  enum class When { kIfChanged, kAlways };
  // Emits one batch with what `changes` amounts to now. Its text is the cause's unless that has
  // one. `arrival`: of the event that caused it; zero: none did.
  void Commit(const ChangeSet& changes, Cause cause, absl::Duration arrival = absl::ZeroDuration(),
              When when = When::kIfChanged) ABSL_LOCKS_EXCLUDED(mu_);

  // Emits nothing more; no call of the sink is running or will come once this returns.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  bool idle() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Deliver() ABSL_LOCKS_EXCLUDED(mu_);

  Clock& clock_;
  ObservationSink& sink_;
  device::NodeTable& nodes_;
  device::DeviceTable& devices_;

  mutable absl::Mutex mu_;
  std::deque<ObservationBatch> queue_ ABSL_GUARDED_BY(mu_);
  bool delivering_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_EMITTER_H_
