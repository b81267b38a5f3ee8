#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/rules.h"
#include "daemon/registry/merge.h"

namespace sasd::health {
namespace {

using registry::EndDevice;
using registry::EndDeviceRecord;
using registry::Host;
using registry::ResourceKind;
using registry::SourceSet;
using registry::SourceTable;

class DeviceRules {
 public:
  DeviceRules(const Examined& examined, std::vector<Finding>& findings)
      : examined_(examined),
        topology_(examined.topology),
        table_(topology_.sources()),
        slot_sources_(table_.SourcesOf(ResourceKind::kEndDevice, "slot")),
        ses_slot_sources_(table_.SourcesOf(ResourceKind::kEndDevice, "ses_slot")),
        findings_(findings) {}

  void Examine(const EndDevice& device) {
    const std::string name = Describe(registry::MakeId<EndDevice>(device.key()));
    if (device.facts.state == DeviceState::kBlocked) {
      Add(Severity::kWarning, FindingReason::kDeviceBlocked, device, {device.key().host},
          absl::StrCat(name, " does not respond; the HBA waits for it to come back"));
    }
    if (device.facts.state == DeviceState::kFailed) {
      const std::string why = device.facts.failure.empty()
                                  ? absl::StrCat("access status ", device.facts.access_status)
                                  : device.facts.failure.str();
      Add(Severity::kCritical, FindingReason::kDeviceFailed, device, {device.key().host},
          absl::StrCat(name, " failed: ", why));
    }
    CompareSlots(device);
    CompareSources(device);
  }

 private:
  void Add(Severity severity, FindingReason reason, const EndDevice& device,
           registry::HostList hosts, std::string message) {
    AddFinding(severity, reason, device, std::move(hosts), std::move(message), findings_);
  }

  // Each source's slot number, and the enclosure's own, in the enclosure that the device shows.
  void CompareSlots(const EndDevice& device) {
    const EnclosureKey enclosure = device.facts.enclosure;
    std::vector<std::pair<absl::string_view, uint16_t>> slots;
    const auto add = [&](SourceSet sources, std::optional<uint16_t> EndDeviceRecord::*slot,
                         absl::string_view phrase) {
      for (const Source source : sources& device.sources) {
        const EndDeviceRecord* report =
            registry::ReportOf(source, device.facts, device.by_source, device.sources);
        if (report == nullptr || report->enclosure != enclosure || !(report->*slot)) continue;
        slots.emplace_back(phrase.empty() ? table_.info(source).phrase : phrase, *(report->*slot));
      }
    };
    add(slot_sources_, &EndDeviceRecord::slot, "");
    add(ses_slot_sources_, &EndDeviceRecord::ses_slot, "the enclosure");
    const bool agree = std::all_of(slots.begin(), slots.end(), [&](const auto& slot) {
      return slot.second == slots.front().second;
    });
    if (agree) return;
    Add(Severity::kWarning, FindingReason::kSlotContradiction, device, {device.key().host},
        absl::StrCat(Describe(registry::MakeId<EndDevice>(device.key())), " sits in slot ",
                     absl::StrJoin(slots, ", ", [](std::string* out, const auto& slot) {
                       absl::StrAppend(out, slot.second, " as ", slot.first, " has it");
                     })));
  }

  void CompareSources(const EndDevice& device) {
    const Host* host = topology_.collection<Host>().Find(device.key().host);
    const bool both_report = host != nullptr && HasFabric(host->sources) && HasOs(host->sources);
    if (!both_report) return;
    const DeviceState state = device.facts.state;
    const bool on_its_way = state == DeviceState::kDiscovered || state == DeviceState::kAttaching;
    const bool lost = state == DeviceState::kRemoving && HasOs(device.sources);
    const bool of_os_alone = lost || !HasFabric(device.sources);
    if (!of_os_alone && !(on_its_way && (device.facts.protocols.target & Protocols::kScsi) != 0)) {
      return;
    }
    const absl::Duration since = examined_.now - device.state_time();
    const registry::ResourceId id = registry::MakeId<EndDevice>(device.key());
    if (since <= examined_.attach_grace) {
      examined_.LookAgain(id, device.state_time() + examined_.attach_grace + absl::Nanoseconds(1));
      return;
    }
    const std::string name = Describe(id);
    const absl::Duration seconds = absl::Trunc(since, absl::Seconds(1));
    examined_.LookAgain(id, device.state_time() + seconds + absl::Seconds(1));
    const std::string duration = absl::FormatDuration(seconds);
    if (of_os_alone) {
      Add(Severity::kWarning, FindingReason::kUnknownToFirmware, device, {device.key().host},
          absl::StrCat("the operating system knows ", name, " as ", device.facts.os_name.view(),
                       ", but the firmware does not, for ", duration));
    } else {
      Add(Severity::kWarning, FindingReason::kNotAttached, device, {device.key().host},
          absl::StrCat("the firmware knows ", name, ", but the operating system does not, for ",
                       duration, ": ", WhyNotAttached(device, *host)));
    }
  }

  bool HasFabric(SourceSet sources) const { return sources.HasAny(table_.fabric()); }
  bool HasOs(SourceSet sources) const { return sources.HasAny(table_.operating_system()); }

  std::string WhyNotAttached(const EndDevice& device, const Host& host) const {
    if (device.facts.access_status != 0) {
      return absl::StrCat("its access status is ", device.facts.access_status);
    }
    if (host.discovery.state != DiscoveryState::kSettled) return "discovery has not settled";
    if (HasOs(device.sources)) {
      return absl::StrCat(device.facts.os_name.view(),
                          " has no SCSI device: it was deleted, or did not answer INQUIRY; rescan "
                          "with echo '- - -' > /sys/class/scsi_host/",
                          host.facts.os_name, "/scan");
    }
    return absl::StrCat("the kernel's log may show why, at handle 0x",
                        absl::Hex(device.facts.handle.value(), absl::kZeroPad4));
  }

  const Examined& examined_;
  const registry::Topology& topology_;
  const SourceTable& table_;
  // Those that may report the field of an end device.
  const SourceSet slot_sources_, ses_slot_sources_;
  std::vector<Finding>& findings_;
};

}  // namespace

void ExamineDevices(const Examined& examined, std::vector<Finding>& findings) {
  DeviceRules rules(examined, findings);
  for (const auto& device : examined.topology.collection<EndDevice>()) rules.Examine(*device);
}

}  // namespace sasd::health
