#ifndef DRIVER_DISCOVERY_EMITTER_H_
#define DRIVER_DISCOVERY_EMITTER_H_

#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/discovery/change_set.h"
#include "driver/discovery/port_numbers.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"

namespace sasd::discovery {

// Turns change sets into batches and hands them to the sink, in a correct order.
//
// A batch is rendered and queued under one lock, so a later batch reports a state that is at least
// as new. A thread commits after it has changed an object, so the last batch with an object reports
// its final state. Devices are attached after that (DeviceTable::SetReported()). One committer at a
// time hands the queue to the sink, batch by batch and with no lock held.
//
// Thread-safe. Lock order: this one, then NodeTable's, then DeviceTable's.
class Emitter {
 public:
  // Borrows everything for its lifetime.
  Emitter(Clock& clock, ObservationSink& sink, device::NodeTable& nodes,
          device::DeviceTable& devices, PortNumbering numbering, KeyAssignments* keys = nullptr)
      : clock_(clock),
        sink_(sink),
        nodes_(nodes),
        devices_(devices),
        port_numbers_(numbering, keys) {}

  // See PortNumbers.
  void SetRoots(PortNumbers::Roots roots) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    port_numbers_.SetRoots(std::move(roots));
  }

  enum class When { kIfChanged, kAlways };
  // Emits one batch with the current content of `changes`. The cause gets their text unless it has
  // its own. `arrival`: that of the event that caused it; zero: no event did.
  void Commit(const ChangeSet& changes, Cause cause, absl::Duration arrival = absl::ZeroDuration(),
              When when = When::kIfChanged) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the emitter. When this returns, the sink is not being called and never will be.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  bool idle() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Deliver() ABSL_LOCKS_EXCLUDED(mu_);

  Clock& clock_;
  ObservationSink& sink_;
  device::NodeTable& nodes_;
  device::DeviceTable& devices_;

  mutable absl::Mutex mu_;
  PortNumbers port_numbers_ ABSL_GUARDED_BY(mu_);
  std::deque<ObservationBatch> queue_ ABSL_GUARDED_BY(mu_);
  bool delivering_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_EMITTER_H_
