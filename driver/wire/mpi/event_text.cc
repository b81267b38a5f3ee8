#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/text.h"

namespace sasd::mpi {
namespace {

std::string Handle(DevHandle handle) { return absl::StrFormat("0x%04x", handle.value()); }

constexpr uint32_t kForeignConfiguration = 0x00000001;

// mpi2_ioc.h, MPI2_EVENT_IR_CHANGE_RC_*.
constexpr Word kIrReasons[] = {
    {1, "added"},          {2, "removed"},      {3, "unchanged"},
    {4, "hidden"},         {5, "unhidden"},     {6, "volume created"},
    {7, "volume deleted"}, {8, "disk created"}, {9, "disk deleted"},
};

// mpi2_ioc.h, MPI2_EVENT_ACTIVE_CABLE_*.
constexpr Word kCableReasons[] = {{0, "insufficient power"}, {1, "present"}, {2, "degraded"}};

constexpr Word kPrimitives[] = {
    {1, "change"},
    {2, "SES"},
    {3, "expander"},
    {4, "asynchronous event"},
};

// mpi2_ioc.h, MPI2_EVENT_IR_VOLUME_RC_* and MPI2_EVENT_IR_PHYSDISK_RC_*.
std::string IrChange(uint8_t reason, uint32_t previous, uint32_t now,
                     std::string (*state_text)(uint8_t)) {
  static constexpr Word kReasons[] = {{1, "settings"}, {2, "status flags"}, {3, "state"}};
  constexpr uint8_t kState = 3;
  if (reason == kState && previous <= 0xFF && now <= 0xFF) {
    return absl::StrCat("state ", state_text(static_cast<uint8_t>(previous)), " -> ",
                        state_text(static_cast<uint8_t>(now)));
  }
  return absl::StrFormat("%s 0x%08x -> 0x%08x", TextOf(kReasons, reason, "reason"), previous, now);
}

struct Describer {
  std::string operator()(const UnknownEvent& e) const {
    return absl::StrFormat("%s: %u bytes", ToString(static_cast<EventCode>(e.code)), e.data.size());
  }

  std::string operator()(const TopologyChangeList& e) const {
    std::string text = "topology change list: host";
    if (e.expander_handle != DevHandle(0)) {
      text = absl::StrCat("topology change list: expander ", Handle(e.expander_handle), " ",
                          ToString(e.status));
    }
    uint8_t phy = e.start_phy.value();
    for (const TopologyChangeList::Entry& entry : e.entries) {
      if (entry.reason != PhyReason::kNoChange) {
        absl::StrAppendFormat(&text, ", phy %u %s%s %s %s", phy, entry.vacant ? "(vacant) " : "",
                              Handle(entry.attached_handle), ToString(entry.reason),
                              ToString(entry.rate));
      }
      ++phy;
    }
    return text;
  }

  std::string operator()(const DiscoveryEvent& e) const {
    const std::string status = DiscoveryStatusText(e.status);
    return absl::StrCat("discovery ",
                        e.reason == DiscoveryEvent::kStarted ? "started"
                        : e.reason == DiscoveryEvent::kCompleted
                            ? "completed"
                            : absl::StrCat("reason ", e.reason),
                        status.empty() ? "" : ": ", status);
  }

  std::string operator()(const DeviceStatusChange& e) const {
    return absl::StrFormat("device status change: %s %s, %s", ToHex(e.address), Handle(e.handle),
                           ToString(e.reason));
  }

  std::string operator()(const EnclosureStatusChange& e) const {
    return absl::StrFormat("enclosure %s 0x%04x %s, %u slots", ToHex(e.logical_id),
                           e.handle.value(),
                           e.reason == EnclosureStatusChange::kAdded           ? "added"
                           : e.reason == EnclosureStatusChange::kNotResponding ? "not responding"
                                                                               : "changed",
                           e.slot_count);
  }

  std::string operator()(const BroadcastPrimitive& e) const {
    return absl::StrFormat("broadcast primitive %s on phy %u",
                           TextOf(kPrimitives, e.primitive, "number"), e.phy.value());
  }

  std::string operator()(const DeviceDiscoveryError& e) const {
    return absl::StrFormat("device discovery error: %s %s, %s", ToHex(e.address), Handle(e.handle),
                           e.reason == DeviceDiscoveryError::kSmpFailed    ? "SMP failed"
                           : e.reason == DeviceDiscoveryError::kSmpTimeout ? "SMP timeout"
                                                                           : "unknown reason");
  }

  std::string operator()(const IrConfigurationChangeList& e) const {
    std::string text = absl::StrCat("IR configuration change list",
                                    (e.flags & kForeignConfiguration) != 0 ? " (foreign)" : "");
    for (const IrConfigurationChangeList::Element& element : e.elements) {
      absl::StrAppendFormat(&text, ", volume %s disk %u %s %s", Handle(element.volume_handle),
                            element.disk_number, Handle(element.disk_handle),
                            TextOf(kIrReasons, element.reason, "reason"));
    }
    return text;
  }

  std::string operator()(const IrVolume& e) const {
    return absl::StrCat("IR volume ", Handle(e.handle), ": ",
                        IrChange(e.reason, e.previous_value, e.value, VolumeStateText));
  }

  std::string operator()(const IrPhysicalDisk& e) const {
    return absl::StrCat("IR physical disk ", e.number, " ", Handle(e.handle), ": ",
                        IrChange(e.reason, e.previous_value, e.value, PhysicalDiskStateText));
  }

  std::string operator()(const LogEntryAdded& e) const {
    return absl::StrFormat("log entry %u added, qualifier 0x%04x", e.sequence, e.qualifier);
  }

  std::string operator()(const TemperatureThreshold& e) const {
    return absl::StrFormat("temperature sensor %u: %u degrees Celsius, thresholds 0x%x", e.sensor,
                           e.temperature, e.status);
  }

  std::string operator()(const ActiveCableException& e) const {
    return absl::StrFormat("active cable exception: receptacle %u %s, needs %u mW", e.receptacle,
                           TextOf(kCableReasons, e.reason, "reason"), e.power_requirement);
  }

  std::string operator()(const PhyCounter& e) const {
    return absl::StrFormat("phy counter: phy %u code 0x%02x value %u threshold %u", e.phy.value(),
                           e.code, e.value, e.threshold);
  }

  std::string operator()(const HardResetReceived& e) const {
    return absl::StrFormat("hard reset received on port %u", e.port);
  }
};

}  // namespace

std::string ToString(const EventData& data) { return std::visit(Describer(), data); }

}  // namespace sasd::mpi
