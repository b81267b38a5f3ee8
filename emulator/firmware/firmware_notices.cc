// Events that are not caused by a change of the fabric.
#include <algorithm>
#include <utility>

#include "emulator/firmware/firmware.h"

namespace sasd::emulator {
namespace {

constexpr uint32_t kSmpTimeoutStatus = 0x10;  // mpi2_cnfg.h, MPI2_SAS_DISC_STATUS_SMP_TIMEOUT
constexpr size_t kLogDataSize = 28;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

// The handle of the element; 0: the element is not known.
uint16_t Firmware::HandleOf(const FabricState& fabric, ElementRef element) const {
  switch (element.kind) {
    case ElementKind::kHost:
      return topology_.NodeHandle({true, element.index});
    case ElementKind::kExpander:
      return topology_.NodeHandle({false, element.index});
    case ElementKind::kDevice: {
      const uint16_t first = topology_.DeviceHandle(fabric, element.index, 0);
      return first != 0 ? first : topology_.DeviceHandle(fabric, element.index, 1);
    }
    case ElementKind::kEnclosure:
      break;
  }
  return 0;
}

void Firmware::OnNotice(const FabricState& fabric, const FirmwareNotice& notice,
                        absl::Duration now) {
  if (state_ != mpi::IocState::kOperational) return;
  std::vector<mpi::EventData> events;
  const auto discovery_error = [&](const DiscoveryErrorNotice& n) {
    const uint16_t handle = HandleOf(fabric, n.element);
    if (handle == 0) return;
    const HandleEntry& entry = *topology_.handles().Find(handle);
    mpi::DiscoveryEvent started, completed;
    started.flags = mpi::DiscoveryEvent::kFlagInProgress;
    started.reason = mpi::DiscoveryEvent::kStarted;
    completed.reason = mpi::DiscoveryEvent::kCompleted;
    completed.status = settings_.discovery_status = n.discovery_status;
    mpi::DeviceDiscoveryError error;
    error.handle = DevHandle(handle);
    error.reason = n.discovery_status & kSmpTimeoutStatus ? mpi::DeviceDiscoveryError::kSmpTimeout
                                                          : mpi::DeviceDiscoveryError::kSmpFailed;
    error.port = PhysicalPort(entry.port);
    error.address = entry.address;
    events = {started, error, completed};
  };
  const auto device_status = [&](const DeviceStatusNotice& n) {
    for (int port = 0; port < fabric.device(n.device).port_count(); ++port) {
      const uint16_t handle = topology_.DeviceHandle(fabric, n.device, port);
      if (handle == 0) continue;
      const HandleEntry& entry = *topology_.handles().Find(handle);
      mpi::DeviceStatusChange change;
      change.reason = mpi::DeviceStatusReason(n.reason);
      change.port = PhysicalPort(entry.port);
      change.asc = n.asc;
      change.ascq = n.ascq;
      change.handle = DevHandle(handle);
      change.address = entry.address;
      events.push_back(change);
    }
  };
  const auto temperature = [&](const TemperatureNotice& n) {
    mpi::TemperatureThreshold threshold;
    threshold.status = 0x0001;
    threshold.sensor = n.sensor;
    threshold.temperature = n.celsius;
    events.push_back(threshold);
  };
  const auto log_entry = [&](const LogEntryNotice& n) {
    mpi::LogEntryAdded entry;
    entry.timestamp_ms = static_cast<uint64_t>(absl::ToInt64Milliseconds(now));
    entry.sequence = ++log_sequence_;
    entry.qualifier = n.qualifier;
    entry.data.assign(n.text.begin(), n.text.begin() + std::min(n.text.size(), kLogDataSize));
    events.push_back(std::move(entry));
  };
  const auto broadcast = [&](const BroadcastNotice& n) {
    mpi::BroadcastPrimitive primitive;
    primitive.phy = PhyId(n.phy);
    primitive.port_width = 1;
    primitive.primitive = n.primitive;
    events.push_back(primitive);
  };
  std::visit(Overloaded{discovery_error, device_status, temperature, log_entry, broadcast}, notice);
  Post(events, now);
}

}  // namespace sasd::emulator
