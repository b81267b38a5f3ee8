#include "emulator/firmware/firmware_event_queue.h"

#include <algorithm>
#include <utility>

namespace sasd::emulator {
namespace {

// Events that the host must acknowledge, so that their content is not lost.
bool NeedsAck(mpi::EventCode event) {
  return event == mpi::EventCode::kSasEnclosureDeviceStatusChange ||
         event == mpi::EventCode::kLogEntryAdded;
}

bool CanSuffer(mpi::EventCode event) { return event != mpi::EventCode::kSasDiscovery; }

}  // namespace

bool FirmwareEventQueue::TakeFault(FaultKind kind) {
  const auto it = faults_.find(kind);
  if (it == faults_.end() || it->second == 0) return false;
  --it->second;
  return true;
}

bool FirmwareEventQueue::in_trouble() const {
  return held_.has_value() || std::any_of(faults_.begin(), faults_.end(),
                                          [](const auto& fault) { return fault.second != 0; });
}

void FirmwareEventQueue::Post(const mpi::EventData& event, absl::Duration now) {
  const mpi::EventCode code = mpi::CodeOf(event);
  if (masks_.IsMasked(static_cast<uint16_t>(code))) return;
  if (!CanSuffer(code)) {
    Queue(Frame(event, now));
    return;
  }
  if (TakeFault(FaultKind::kEventLost)) {
    OutboundEvent lost;
    lost.lost = 1;
    lost.time = now;
    Queue(std::move(lost));
    return;
  }
  OutboundEvent framed = Frame(event, now);
  if (TakeFault(FaultKind::kEventTruncated)) {
    // One dword less, in EventDataLength too: the frame itself is well formed.
    if (auto whole = mpi::DecodeEventNotificationReply(framed.frame); whole.ok()) {
      whole->data = whole->data.subspan(0, whole->data.size() - 4);
      framed.frame = mpi::EncodeEventNotificationReply(*whole);
    }
  }
  if (!held_ && TakeFault(FaultKind::kEventsReordered)) {
    held_ = std::move(framed);
    return;
  }
  const bool twice = TakeFault(FaultKind::kEventDuplicated);
  OutboundEvent copy = twice ? framed : OutboundEvent();
  Queue(std::move(framed));
  if (twice) Queue(std::move(copy));
}

OutboundEvent FirmwareEventQueue::Frame(const mpi::EventData& event, absl::Duration now) {
  const Bytes data = mpi::EncodeEvent(event);
  mpi::EventNotificationReply reply;
  reply.event = static_cast<uint16_t>(mpi::CodeOf(event));
  reply.context = next_context_++;
  reply.ack_required = NeedsAck(mpi::CodeOf(event));
  reply.data = data;
  if (reply.ack_required) unacknowledged_[reply.context] = reply.event;
  OutboundEvent framed;
  framed.frame = mpi::EncodeEventNotificationReply(reply);
  framed.time = now;
  return framed;
}

void FirmwareEventQueue::Queue(OutboundEvent event) {
  queue_.push_back(std::move(event));
  if (held_) {
    queue_.push_back(*std::move(held_));
    held_.reset();
  }
}

std::vector<OutboundEvent> FirmwareEventQueue::Take() { return std::exchange(queue_, {}); }

bool FirmwareEventQueue::Acknowledge(uint16_t event, uint32_t context) {
  const auto it = unacknowledged_.find(context);
  if (it == unacknowledged_.end() || it->second != event) return false;
  unacknowledged_.erase(it);
  return true;
}

void FirmwareEventQueue::Reset() {
  masks_ = mpi::EventNotificationRequest();
  queue_.clear();
  held_.reset();
  unacknowledged_.clear();
  faults_.clear();
}

}  // namespace sasd::emulator
