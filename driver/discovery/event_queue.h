#ifndef DRIVER_DISCOVERY_EVENT_QUEUE_H_
#define DRIVER_DISCOVERY_EVENT_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/strong_id.h"
#include "driver/device/device.h"
#include "driver/wire/mpi/events.h"

namespace sasd::discovery {

// An event or a request for the worker. Its holder has a reference: first the arrival that made it,
// then the queue, then the worker while it runs it.
struct Event {
  enum class Kind : uint8_t {
    kFirmware,     // `data`
    kGap,          // events were lost: `lost` (0: unknown)
    kRescan,       // a walk over everything is wanted
    kResetBegin,   // the host's reset has begun
    kReady,        // the host operates again
    kPortEnabled,  // port enable has completed with `status`
  };

  // Constant once queued.
  Kind kind = Kind::kFirmware;
  uint16_t code = 0;
  uint32_t context = 0;
  uint32_t lost = 0;
  uint32_t epoch = 0;      // host resets before its arrival
  uint64_t sequence = 0;   // set by the queue, ascending
  absl::Duration arrival;  // Clock::Monotonic(); zero: unknown
  mpi::EventData data;
  absl::Status status;
  std::vector<device::DeviceRef> touched;  // devices that its arrival has changed

  // The worker skips the rest of it: the devices that it announces are lost.
  std::atomic<bool> ignore{false};
};
using EventRef = std::shared_ptr<Event>;

// The events between arrival and worker, in order. Thread-safe; its lock is a leaf.
class EventQueue {
 public:
  void Push(EventRef event) ABSL_LOCKS_EXCLUDED(mu_);

  // The next event, which counts as running until Done(); null if there is none. One runs at a
  // time.
  EventRef Pop() ABSL_LOCKS_EXCLUDED(mu_);
  void Done() ABSL_LOCKS_EXCLUDED(mu_);

  // Marks queued and running events about the appearance of an expander or its devices "ignore":
  // the expander no longer responds.
  void IgnoreExpander(DevHandle expander) ABSL_LOCKS_EXCLUDED(mu_);

  // Takes out the firmware's topology, enclosure and discovery events, because a walk or a reset
  // supersedes them, and makes the running one stop. Returns those taken out.
  std::vector<EventRef> TakeTopology() ABSL_LOCKS_EXCLUDED(mu_);
  // Takes out gaps and rescans: one walk handles them all.
  std::vector<EventRef> TakeGaps() ABSL_LOCKS_EXCLUDED(mu_);

  // Refuses new events and forgets the queued ones.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);
  bool idle() const ABSL_LOCKS_EXCLUDED(mu_);  // nothing queued, nothing running
  // The sequence of the last queued event; 0 if there was none.
  uint64_t last_sequence() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  template <typename Predicate>
  std::vector<EventRef> TakeIf(Predicate predicate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::deque<EventRef> queue_ ABSL_GUARDED_BY(mu_);
  EventRef running_ ABSL_GUARDED_BY(mu_);
  uint64_t last_sequence_ ABSL_GUARDED_BY(mu_) = 0;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_EVENT_QUEUE_H_
