#ifndef EMULATOR_FIRMWARE_EVENT_QUEUE_H_
#define EMULATOR_FIRMWARE_EVENT_QUEUE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "driver/base/endian.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/fabric/fabric_member.h"

namespace sasd::emulator {

// An event on its way out: a reply frame, or the fact that events were lost.
struct OutboundEvent {
  Bytes frame;          // EVENT NOTIFICATION reply; empty if lost
  uint32_t lost = 0;    // number of events lost here
  absl::Duration time;  // Clock::Monotonic() when the firmware queued it
};

// The firmware's event queue: masks, context numbers, acknowledgements, and the faults that events
// can suffer. Faults befall events that tell of a change, not those that frame a discovery.
// Thread-compatible.
class EventQueue {
 public:
  // What the host asked for; everything is masked before.
  void SetMasks(const mpi::EventNotificationRequest& request) { masks_ = request; }

  // Queues an event unless it is masked.
  void Post(const mpi::EventData& event, absl::Duration now);
  // What was queued since the last call, in order.
  std::vector<OutboundEvent> Take();

  // False if no such event awaits acknowledgement.
  bool Acknowledge(uint16_t event, uint32_t context);
  size_t unacknowledged() const { return unacknowledged_.size(); }

  // The next `count` events suffer `kind` (kEventLost to kEventsReordered).
  void Inject(FaultKind kind, uint32_t count) { faults_[kind] += count; }

  // Whether an event is held back, or the next one will suffer something.
  bool in_trouble() const;

  // Forgets everything, also the masks and faults; context numbers go on.
  void Reset();

 private:
  bool TakeFault(FaultKind kind);
  OutboundEvent Frame(const mpi::EventData& event, absl::Duration now);
  void Queue(OutboundEvent event);

  mpi::EventNotificationRequest masks_;
  uint32_t next_context_ = 1;
  std::vector<OutboundEvent> queue_;
  std::optional<OutboundEvent> held_;            // waits until the next one has passed
  std::map<uint32_t, uint16_t> unacknowledged_;  // context: event
  std::map<FaultKind, uint32_t> faults_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_EVENT_QUEUE_H_
