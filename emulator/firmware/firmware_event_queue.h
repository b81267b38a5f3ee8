#ifndef EMULATOR_FIRMWARE_FIRMWARE_EVENT_QUEUE_H_
#define EMULATOR_FIRMWARE_FIRMWARE_EVENT_QUEUE_H_

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

// An event on its way to the host: a reply frame, or a number of lost events.
struct OutboundEvent {
  Bytes frame;          // EVENT NOTIFICATION reply; empty if lost
  uint32_t lost = 0;    // number of events lost here
  absl::Duration time;  // Clock::Monotonic() when the firmware queued it
};

// The firmware's event queue: masks, context numbers, acknowledgements, and injected faults of
// events. Faults apply to events that report a change, not to those that frame a discovery.
// Thread-compatible.
class FirmwareEventQueue {
 public:
  // Sets the host's event masks. Before the first call every event is masked.
  void SetMasks(const mpi::EventNotificationRequest& request) { masks_ = request; }

  // Queues an event unless it is masked.
  void Post(const mpi::EventData& event, absl::Duration now);
  // Takes the events queued since the last call, in order.
  std::vector<OutboundEvent> Take();

  // False if no such event awaits acknowledgement.
  bool Acknowledge(uint16_t event, uint32_t context);
  size_t unacknowledged() const { return unacknowledged_.size(); }

  // The next `count` events suffer `kind` (kEventLost to kEventsReordered).
  void Inject(FaultKind kind, uint32_t count) { faults_[kind] += count; }

  // Whether an event is held back, or a fault applies to the next one.
  bool in_trouble() const;

  // Forgets everything, masks and faults too. Context numbers go on.
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

#endif  // EMULATOR_FIRMWARE_FIRMWARE_EVENT_QUEUE_H_
