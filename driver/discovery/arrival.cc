#include "driver/discovery/arrival.h"

#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::discovery {
namespace {

// The deepest valid cascade of expanders; more is a loop in the firmware's data.
constexpr int kMaxDepth = 32;

// Events that change the tables. If one is lost, a walk finds what it would have reported.
bool ChangesTables(uint16_t code) {
  return code == static_cast<uint16_t>(mpi::EventCode::kSasTopologyChangeList) ||
         code == static_cast<uint16_t>(mpi::EventCode::kSasEnclosureDeviceStatusChange) ||
         code == static_cast<uint16_t>(mpi::EventCode::kSasDeviceStatusChange) ||
         code == static_cast<uint16_t>(mpi::EventCode::kSasDiscovery);
}

// IR configuration change list, element reasons (mpi2_ioc.h, MPI2_EVENT_IR_CHANGE_RC_*).
constexpr uint8_t kIrRemoved = 2, kIrUnhide = 5, kIrVolumeDeleted = 7;

}  // namespace

void Arrival::Acknowledge(const transport::EventArrival& event) {
  mpi::EventAckRequest ack;
  ack.event = event.event;
  ack.context = event.context;
  sender_.Send(mpi::EncodeEventAckRequest(ack), [](auto) {});
}

void Arrival::OnEvent(const transport::EventArrival& arrival) {
  received_.fetch_add(1, std::memory_order_relaxed);
  if (arrival.ack_required) Acknowledge(arrival);
  auto event = std::make_shared<Event>();
  absl::StatusOr<mpi::EventData> data = mpi::DecodeEvent(arrival.event, arrival.data);
  if (!data.ok() || !CheckHandles(*data).ok()) {
    rejected_.fetch_add(1, std::memory_order_relaxed);
    // A walk must find what it would have reported.
    if (ChangesTables(arrival.event)) Push(Event::Kind::kGap, 1);
    return;
  }
  event->code = arrival.event;
  event->context = arrival.context;
  event->arrival = arrival.time;
  event->epoch = epoch();
  event->data = *std::move(data);
  Prepare(*event);
  queue_.Push(std::move(event));
}

absl::Status Arrival::CheckHandles(const mpi::EventData& data) const {
  const auto* list = std::get_if<mpi::TopologyChangeList>(&data);
  if (list == nullptr) return absl::OkStatus();
  DevHandle highest = list->expander_handle;
  for (const auto& entry : list->entries) highest = std::max(highest, entry.attached_handle);
  if (highest <= max_handle_) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrFormat("handle 0x%04x exceeds MaxDevHandle 0x%04x",
                                               highest.value(), max_handle_.value()));
}

void Arrival::Prepare(Event& event) {
  if (const auto* list = std::get_if<mpi::TopologyChangeList>(&event.data)) {
    PrepareTopology(*list, event);
  } else if (const auto* status = std::get_if<mpi::DeviceStatusChange>(&event.data)) {
    PrepareStatus(*status);
  } else if (const auto* raid = std::get_if<mpi::IrConfigurationChangeList>(&event.data)) {
    PrepareRaid(*raid);
  }
}

void Arrival::PrepareTopology(const mpi::TopologyChangeList& list, Event& event) {
  if (list.status == mpi::ExpanderStatus::kAdded) devices_.HandleIsReused(list.expander_handle);
  for (const auto& entry : list.entries) {
    if (entry.attached_handle == DevHandle(0)) continue;
    if (entry.reason == mpi::PhyReason::kTargetAdded) {
      devices_.HandleIsReused(entry.attached_handle);
    }
    // A vacant phy whose target does not respond counts, too.
    if (entry.reason == mpi::PhyReason::kTargetNotResponding) StartHandshake(entry.attached_handle);
    if (entry.reason == mpi::PhyReason::kDelayNotResponding) Block(entry.attached_handle, event);
  }
  if (list.status == mpi::ExpanderStatus::kDelayNotResponding) {
    if (const device::NodeRef node = nodes_.FindByHandle(list.expander_handle)) {
      BlockBeneath(node, 0, event);
    }
  }
  if (list.status == mpi::ExpanderStatus::kNotResponding) {
    queue_.IgnoreExpander(list.expander_handle);
  }
}

void Arrival::StartHandshake(DevHandle handle) {
  if (handshake_ == nullptr) return;
  if (devices_.StartHandshake(handle)) handshake_->Start(handle);  // false: a duplicate event
}

void Arrival::Block(DevHandle handle, Event& event) {
  device::DeviceRef device = devices_.FindByHandle(handle);
  if (device == nullptr || !devices_.Block(*device)) return;
  event.touched.push_back(std::move(device));
}

void Arrival::BlockBeneath(const device::NodeRef& node, int depth, Event& event) {
  if (depth > kMaxDepth) return;
  for (device::DeviceRef& child : devices_.ChildrenOf(node->key())) {
    if (devices_.Block(*child)) event.touched.push_back(std::move(child));
  }
  for (const device::NodeRef& child : nodes_.ExpandersOf(node->key())) {
    BlockBeneath(child, depth + 1, event);
  }
}

void Arrival::PrepareRaid(const mpi::IrConfigurationChangeList& list) {
  if (handshake_ == nullptr) return;
  // An element whose reason needs no volume or disk has handle 0 there.
  const auto is_handle = [this](DevHandle handle) {
    return handle != DevHandle(0) && handle <= max_handle_;
  };
  // A volume's handshake comes before its disks'.
  for (const auto& element : list.elements) {
    if (element.reason == kIrVolumeDeleted || element.reason == kIrRemoved) {
      if (is_handle(element.volume_handle)) handshake_->Start(element.volume_handle);
    }
  }
  for (const auto& element : list.elements) {
    if (element.reason == kIrUnhide && is_handle(element.disk_handle)) {
      handshake_->ResetTarget(element.disk_handle);
    }
  }
}

void Arrival::PrepareStatus(const mpi::DeviceStatusChange& change) {
  const bool begins = change.reason == mpi::DeviceStatusReason::kInternalDeviceReset;
  const bool ends = change.reason == mpi::DeviceStatusReason::kInternalDeviceResetComplete;
  if (!begins && !ends) return;
  if (const device::DeviceRef device = devices_.FindByHandle(change.handle)) {
    devices_.SetBusy(*device, begins);
  }
}

void Arrival::Push(Event::Kind kind, uint32_t lost) {
  if (kind == Event::Kind::kGap) devices_.AnyHandleMayBeReused();
  auto event = std::make_shared<Event>();
  event->kind = kind;
  event->lost = lost;
  event->epoch = epoch();
  queue_.Push(std::move(event));
}

void Arrival::OnEventsLost(uint32_t count) {
  lost_.fetch_add(count, std::memory_order_relaxed);
  Push(Event::Kind::kGap, count);
}

void Arrival::OnResetBegin() {
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  nodes_.ForgetHandles();
  nodes_.ForgetEnclosureHandles();
  devices_.ForgetHandles();
  sender_.DropQueued();
  queue_.TakeTopology();
  Push(Event::Kind::kResetBegin, 0);
}

void Arrival::OnReady() { Push(Event::Kind::kReady, 0); }

}  // namespace sasd::discovery
