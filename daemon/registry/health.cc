#include "daemon/registry/health.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/registry/merge.h"

namespace sasd::registry {
namespace {

constexpr uint8_t kDisk = 0x00, kHostManagedZonedDisk = 0x14;  // SPC peripheral device types

bool IsDrive(const LogicalUnit& unit) {
  return unit.peripheral_type == kDisk || unit.peripheral_type == kHostManagedZonedDisk;
}

// Collects the findings of one topology, rule by rule.
class Examination {
 public:
  Examination(const Topology& topology, const HealthCriteria& criteria)
      : topology_(topology),
        table_(topology.sources()),
        criteria_(criteria),
        slot_sources_(table_.SourcesOf(ResourceKind::kEndDevice, "slot")),
        ses_slot_sources_(table_.SourcesOf(ResourceKind::kEndDevice, "ses_slot")) {}

  std::vector<Finding> Run() {
    for (const auto& host : topology_.collection<Host>()) Examine(*host);
    for (const auto& port : topology_.collection<Port>()) Examine(*port);
    for (const auto& device : topology_.collection<EndDevice>()) Examine(*device);
    FindDualPathEnclosures();
    for (const auto& unit : topology_.collection<LogicalUnit>()) Examine(*unit);
    std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
      return a.severity > b.severity;  // the loops above go by kind and key
    });
    return std::move(findings_);
  }

 private:
  template <typename T>
  void Add(Severity severity, FindingReason reason, const T& resource, HostList hosts,
           std::string message) {
    findings_.push_back(
        {severity, reason, MakeId<T>(resource.key()), std::move(hosts), std::move(message)});
  }

  void Examine(const Host& host) {
    const DiscoveryFacts& discovery = host.discovery;
    const std::string name = absl::StrCat("host ", ToHex(host.key()));
    const std::string error = discovery.status_text.empty()
                                  ? absl::StrCat("status 0x", absl::Hex(discovery.status))
                                  : discovery.status_text;
    if (discovery.state == DiscoveryState::kFailed) {
      Add(Severity::kCritical, FindingReason::kDiscoveryError, host, {host.key()},
          absl::StrCat("discovery on ", name, " failed: ", error));
    } else if (discovery.status != 0) {
      Add(Severity::kWarning, FindingReason::kDiscoveryError, host, {host.key()},
          absl::StrCat("discovery on ", name, " ended with an error: ", error));
    }
    if (discovery.state == DiscoveryState::kRecovering) {
      Add(Severity::kWarning, FindingReason::kHostRecovering, host, {host.key()},
          absl::StrCat(name, " is recovering from a reset or from lost events"));
    }
  }

  void Examine(const Port& port) {
    if (!LeadsDown(port)) return;  // the port at the other end is examined
    if (port.width < port.widest) {
      Add(Severity::kWarning, FindingReason::kNarrowPort, port, {port.id.owner.host},
          absl::StrCat(Describe(MakeId<Port>(port.id)), " has ", port.width, " of ", port.widest,
                       " phys"));
    }
    if (!IsLinkUp(port.link_rate)) return;
    const LinkRate supported = Supported(port);
    if (port.link_rate < supported) {
      Add(Severity::kWarning, FindingReason::kSlowLink, port, {port.id.owner.host},
          absl::StrCat(Describe(MakeId<Port>(port.id)), " runs at ", ToString(port.link_rate),
                       ", both ends support ", ToString(supported)));
    } else if (port.link_rate < port.fastest) {
      Add(Severity::kWarning, FindingReason::kSlowLink, port, {port.id.owner.host},
          absl::StrCat(Describe(MakeId<Port>(port.id)), " runs at ", ToString(port.link_rate),
                       ", it ran at ", ToString(port.fastest)));
    }
  }

  // A link between two nodes has a port at each end. Only one of them is examined.
  bool LeadsDown(const Port& port) const {
    if (port.attached.kind == AttachedNode::Kind::kHost) return false;
    if (port.attached.kind != AttachedNode::Kind::kExpander) return true;
    const Expander* child = topology_.collection<Expander>().Find(port.attached_key());
    return child != nullptr && child->facts.parent == port.id.owner;
  }

  // The best rate that both ends of every phy of the port support; kUnknown where an end does not
  // report it.
  LinkRate Supported(const Port& port) const {
    LinkRate best = LinkRate::k22_5Gbps;
    for (PhyId id : port.phys) {
      const Phy* phy = topology_.collection<Phy>().Find({port.id.owner, id});
      if (phy == nullptr || !phy->facts.attached_phy.has_value()) return LinkRate::kUnknown;
      const Phy* peer =
          topology_.collection<Phy>().Find({port.attached_key(), *phy->facts.attached_phy});
      if (peer == nullptr) return LinkRate::kUnknown;
      for (const Phy* end : {phy, peer}) best = std::min(best, end->facts.hardware_max);
    }
    return port.phys.empty() || !IsLinkUp(best) ? LinkRate::kUnknown : best;
  }

  void Examine(const EndDevice& device) {
    const std::string name = Describe(MakeId<EndDevice>(device.key()));
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

  // Each source's slot number, and the enclosure's own, in the enclosure that the device shows.
  void CompareSlots(const EndDevice& device) {
    const EnclosureKey enclosure = device.facts.enclosure;
    std::vector<std::pair<absl::string_view, uint16_t>> slots;
    const auto add = [&](SourceSet sources, std::optional<uint16_t> EndDeviceRecord::*slot,
                         absl::string_view phrase) {
      for (const Source source : sources& device.sources) {
        const EndDeviceRecord* report =
            ReportOf(source, device.facts, device.by_source, device.sources);
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
        absl::StrCat(Describe(MakeId<EndDevice>(device.key())), " sits in slot ",
                     absl::StrJoin(slots, ", ", [](std::string* out, const auto& slot) {
                       absl::StrAppend(out, slot.second, " as ", slot.first, " has it");
                     })));
  }

  void CompareSources(const EndDevice& device) {
    const Host* host = topology_.collection<Host>().Find(device.key().host);
    const bool both_report = host != nullptr && HasFabric(host->sources) && HasOs(host->sources);
    const absl::Duration since = criteria_.now - device.state_time();
    if (!both_report || since <= criteria_.attach_grace) return;
    const DeviceState state = device.facts.state;
    const std::string name = Describe(MakeId<EndDevice>(device.key()));
    const std::string duration = absl::FormatDuration(absl::Trunc(since, absl::Seconds(1)));
    const bool on_its_way = state == DeviceState::kDiscovered || state == DeviceState::kAttaching;
    const bool lost = state == DeviceState::kRemoving && HasOs(device.sources);
    if (lost || !HasFabric(device.sources)) {
      Add(Severity::kWarning, FindingReason::kUnknownToFirmware, device, {device.key().host},
          absl::StrCat("the operating system knows ", name, " as ", device.facts.os_name.view(),
                       ", but the firmware does not, for ", duration));
    } else if (on_its_way && (device.facts.protocols.target & Protocols::kScsi) != 0) {
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

  void FindDualPathEnclosures() {
    for (const auto& unit : topology_.collection<LogicalUnit>()) {
      if (unit->paths.size() > 1 && IsDrive(*unit)) dual_path_.insert(unit->enclosure);
    }
    dual_path_.erase(EnclosureKey(0));
  }

  void Examine(const LogicalUnit& unit) {
    if (unit.paths.size() != 1) return;
    const std::string name = Describe(MakeId<LogicalUnit>(unit.key()));
    const HostList hosts = {unit.paths[0].device.host};
    if (unit.most_paths > 1) {
      Add(Severity::kWarning, FindingReason::kSinglePath, unit, hosts,
          absl::StrCat(name, " has one path of ", unit.most_paths,
                       unit.lost_hosts ? NoneOver(*unit.lost_hosts.get(), unit) : ""));
    } else if (IsDrive(unit) && dual_path_.contains(unit.enclosure) && HasTwoPorts(unit)) {
      Add(Severity::kWarning, FindingReason::kSinglePath, unit, hosts,
          absl::StrCat(name, " has one path, other drives of enclosure ",
                       absl::Hex(unit.enclosure.value(), absl::kZeroPad16), " have two",
                       NoneOver(HostsOf(unit.enclosure), unit)));
    }
  }

  HostList HostsOf(EnclosureKey key) const {
    const Enclosure* enclosure = topology_.collection<Enclosure>().Find(key);
    return enclosure == nullptr ? HostList() : enclosure->hosts;
  }

  // ", none over host 500605b00ab01230": the hosts without a path to the unit.
  static std::string NoneOver(HostList hosts, const LogicalUnit& unit) {
    hosts.erase(std::remove(hosts.begin(), hosts.end(), unit.paths[0].device.host), hosts.end());
    if (hosts.empty()) return "";
    return absl::StrCat(", none over host ",
                        absl::StrJoin(hosts, ", ", [](std::string* out, SasAddress host) {
                          absl::StrAppend(out, ToHex(host));
                        }));
  }

  // SATA drives have one port.
  bool HasTwoPorts(const LogicalUnit& unit) const {
    const EndDevice* device = topology_.collection<EndDevice>().Find(unit.paths[0].device);
    return device != nullptr && (device->facts.protocols.target & Protocols::kSsp) != 0;
  }

  const Topology& topology_;
  const SourceTable& table_;
  const HealthCriteria& criteria_;
  // Those that may report the field of an end device.
  const SourceSet slot_sources_, ses_slot_sources_;
  absl::flat_hash_set<EnclosureKey> dual_path_;  // with a drive that has two paths
  std::vector<Finding> findings_;
};

}  // namespace

absl::string_view ToString(FindingReason reason) {
  switch (reason) {
    case FindingReason::kNarrowPort:
      return "NARROW_PORT";
    case FindingReason::kSlowLink:
      return "SLOW_LINK";
    case FindingReason::kSinglePath:
      return "SINGLE_PATH";
    case FindingReason::kDeviceBlocked:
      return "DEVICE_BLOCKED";
    case FindingReason::kDeviceFailed:
      return "DEVICE_FAILED";
    case FindingReason::kDiscoveryError:
      return "DISCOVERY_ERROR";
    case FindingReason::kHostRecovering:
      return "HOST_RECOVERING";
    case FindingReason::kNotAttached:
      return "NOT_ATTACHED";
    case FindingReason::kUnknownToFirmware:
      return "UNKNOWN_TO_FIRMWARE";
    case FindingReason::kSlotContradiction:
      return "SLOT_CONTRADICTION";
  }
  return "UNKNOWN";
}

std::vector<Finding> FindProblems(const Topology& topology, const HealthCriteria& criteria) {
  return Examination(topology, criteria).Run();
}

}  // namespace sasd::registry
