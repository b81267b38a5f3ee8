#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "daemon/health/cause_finder.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::Enclosure;
using registry::EndDevice;
using registry::Expander;
using registry::Host;
using registry::HostList;
using registry::LogicalUnit;
using registry::LogicalUnitKey;
using registry::MakeId;
using registry::Port;
using registry::ResourceId;
using registry::ResourceKind;

template <typename T>
const T& As(const Missing& missing) {
  return *std::get<registry::IndexOf<T>()>(missing.last_known);
}

FindingReason ReasonOf(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kHost:
      return FindingReason::kHostMissing;
    case ResourceKind::kExpander:
      return FindingReason::kExpanderMissing;
    case ResourceKind::kEnclosure:
      return FindingReason::kEnclosureMissing;
    case ResourceKind::kLogicalUnit:
      return FindingReason::kDriveMissing;
    case ResourceKind::kPort:
      return FindingReason::kPortLost;
    case ResourceKind::kEndDevice:
    case ResourceKind::kPhy:
    case ResourceKind::kSlot:
      break;
  }
  return FindingReason::kPathMissing;
}

std::string InWords(const std::string& vendor, const std::string& product) {
  if (vendor.empty() && product.empty()) return "";
  return absl::StrCat(" (", vendor, vendor.empty() || product.empty() ? "" : " ", product, ")");
}

std::string NameOf(const NodeKey& node) {
  return node.is_host() ? absl::StrCat("host ", ToText(node.host))
                        : absl::StrCat("expander ", ToHex(node.address));
}

// "port of host 5006... (phys 0 to 3)"
std::string NameOf(const Port& port) {
  std::string phys = absl::StrCat(port.widest, port.widest == 1 ? " phy" : " phys");
  if (!port.phys.empty()) {
    const int first = port.phys.front().value(), last = port.phys.back().value();
    const bool in_a_row = static_cast<size_t>(last - first) + 1 == port.phys.size();
    if (first == last) {
      phys = absl::StrCat("phy ", first);
    } else if (in_a_row) {
      phys = absl::StrCat("phys ", first, " to ", last);
    } else {
      phys = absl::StrCat("phys ", absl::StrJoin(port.phys, ", ", [](std::string* out, PhyId phy) {
                            absl::StrAppend(out, phy.value());
                          }));
    }
  }
  return absl::StrCat("port of ", NameOf(port.id.owner), " (", phys, ")");
}

std::string Behind(const Missing& missing, const NodeKey& parent) {
  return absl::StrCat(" behind ", missing.port == nullptr ? NameOf(parent) : NameOf(*missing.port));
}

std::string NameOf(const LogicalUnit& unit) {
  std::string name =
      absl::StrCat("drive ", unit.serial.empty() ? unit.id.text().view() : unit.serial.view(),
                   InWords(unit.vendor.str(), unit.model.str()));
  if (unit.slot.has_value()) absl::StrAppend(&name, " in slot ", *unit.slot);
  if (!unit.slot_label.empty()) absl::StrAppend(&name, " (", unit.slot_label.view(), ")");
  if (unit.enclosure != EnclosureKey(0)) {
    absl::StrAppend(&name, " of enclosure ", ToText(unit.enclosure));
  }
  return name;
}

// "500605b00ab01230 (SAS9400-8i8e, 0000:03:00.0)"
std::string NameOf(const Host& host) {
  std::vector<absl::string_view> words;
  if (!host.facts.board_name.empty()) words.push_back(host.facts.board_name);
  if (!host.facts.pci_address.empty()) words.push_back(host.facts.pci_address);
  const std::string name = absl::StrCat("host ", ToText(host.key()));
  return words.empty() ? name : absl::StrCat(name, " (", absl::StrJoin(words, ", "), ")");
}

// Where an HBA is that is in the machine and that no driver shows; null: it is not there.
const NodeFacts::HandedOverHba* FindHandedOver(const Missing& missing, const NodeFacts& facts) {
  if (KindOf(missing.id) != ResourceKind::kHost) return nullptr;
  const std::string& address = As<Host>(missing).facts.pci_address;
  const auto found =
      std::find_if(facts.handed_over.begin(), facts.handed_over.end(),
                   [&](const NodeFacts::HandedOverHba& hba) { return hba.pci_address == address; });
  return address.empty() || found == facts.handed_over.end() ? nullptr : &*found;
}

// What is gone, without what follows from it.
std::string Sentence(const Missing& missing) {
  switch (KindOf(missing.id)) {
    case ResourceKind::kHost:
      return absl::StrCat(NameOf(As<Host>(missing)), " is missing");
    case ResourceKind::kExpander: {
      const Expander& expander = As<Expander>(missing);
      return absl::StrCat(NameOf(expander.key()),
                          InWords(expander.facts.vendor.str(), expander.facts.product.str()),
                          Behind(missing, expander.facts.parent), " is missing");
    }
    case ResourceKind::kEnclosure: {
      const Enclosure& enclosure = As<Enclosure>(missing);
      return absl::StrCat(Describe(missing.id),
                          InWords(enclosure.vendor.str(), enclosure.model.str()), " is missing");
    }
    case ResourceKind::kPort: {
      const Port& port = As<Port>(missing);
      return absl::StrCat(NameOf(port), " to ", ToHex(port.id.attached), " has lost all ",
                          port.widest, " phys");
    }
    case ResourceKind::kLogicalUnit: {
      const LogicalUnit& unit = As<LogicalUnit>(missing);
      std::string text = absl::StrCat(NameOf(unit), " is missing");
      for (const LogicalUnit::Path& path : unit.paths) {
        if (path.facts == nullptr || path.facts->facts.block_device.empty()) continue;
        absl::StrAppend(&text, ", last seen as ", path.facts->facts.block_device.view());
        break;
      }
      return text;
    }
    case ResourceKind::kEndDevice: {
      const EndDevice& device = As<EndDevice>(missing);
      const registry::UnitPath* unit = device.first_unit();
      const absl::string_view serial = unit == nullptr ? "" : unit->facts.serial.view();
      const absl::string_view key =
          missing.units.empty() ? "" : missing.units.front().text().view();
      return absl::StrCat("drive ", serial.empty() ? key : serial, " has lost its path over ",
                          Describe(missing.id), Behind(missing, device.facts.parent));
    }
    case ResourceKind::kPhy:
    case ResourceKind::kSlot:
      break;
  }
  return absl::StrCat(Describe(missing.id), " is missing");
}

// A cause without its place, where the message already has that: "not responding" for "expander
// 5000ccab0300113f phy 0: end device 5000c500a7b26111 not responding, slot 0" of a lost path to
// this end device.
std::string NewPartOf(const std::string& cause, const registry::ResourceId& id) {
  if (registry::KindOf(id) != ResourceKind::kEndDevice) return cause;
  const NodeKey& device = std::get<registry::IndexOf<EndDevice>()>(id);
  const std::string subject = absl::StrCat(": end device ", ToHex(device.address), " ");
  const size_t at = cause.find(subject);
  // A cause with several clauses is about more than this device.
  if (at == std::string::npos || absl::StrContains(cause, ";")) return cause;
  const std::string rest = cause.substr(at + subject.size());
  return rest.substr(0, rest.find(", slot "));
}

// A loss with all that follows from it.
struct Group {
  std::vector<size_t> members;  // of the losses, the root too
  // How many drives lost a path, and how many of them all paths.
  size_t drives = 0, lost_drives = 0;
};

class MissingRules {
 public:
  explicit MissingRules(const Examined& examined)
      : missing_(examined.baseline.missing), facts_(examined.facts), finder_(missing_) {
    for (size_t i = 0; i < missing_.size(); ++i) groups_[finder_.RootOf(i)].members.push_back(i);
    for (auto& [root, group] : groups_) CountDrives(group);
  }

  void Run(std::vector<Finding>& findings) {
    for (Finding& finding : findings) AttachToLoss(finding);
    std::vector<Finding> found;
    for (const auto& [root, group] : groups_) {
      const auto more = consequences_.find(root);
      for (const size_t member : group.members) {
        Finding finding = Make(*missing_[member]);
        if (member != root) finding.root_cause = IdOf(root);
        // It is no loss: the HBA is there, and what is behind it comes back with it.
        if (FindHandedOver(*missing_[root], facts_) != nullptr) {
          finding.severity = Severity::kWarning;
        }
        found.push_back(std::move(finding));
      }
      Finding& cause =
          *std::find_if(found.end() - static_cast<std::ptrdiff_t>(group.members.size()),
                        found.end(), [](const Finding& f) { return !f.root_cause.has_value(); });
      Complete(*missing_[root], group, cause);
      if (more == consequences_.end()) continue;
      cause.affected.insert(cause.affected.end(), more->second.begin(), more->second.end());
    }
    std::move(found.begin(), found.end(), std::back_inserter(findings));
  }

 private:
  FindingId IdOf(size_t index) const {
    return {missing_[index]->id, ReasonOf(KindOf(missing_[index]->id))};
  }
  bool IsMissing(const LogicalUnitKey& unit) const {
    const ResourceId id = MakeId<LogicalUnit>(unit);
    const auto it = std::lower_bound(
        missing_.begin(), missing_.end(), id,
        [](const MissingPtr& missing, const ResourceId& key) { return missing->id < key; });
    return it != missing_.end() && (*it)->id == id;
  }

  bool HasLostAll(const UnitKeys& units) const {
    return std::any_of(units.begin(), units.end(),
                       [this](const LogicalUnitKey& unit) { return IsMissing(unit); });
  }
  // The first unit of the drive that the unit is of.
  LogicalUnitKey DriveOf(const LogicalUnitKey& unit) const {
    const absl::Span<const size_t> paths = finder_.PathsOf(unit);
    return paths.empty() ? unit : missing_[paths.front()]->units.front();
  }

  void CountDrives(Group& group) const {
    absl::flat_hash_map<LogicalUnitKey, bool> drives;  // whether it has lost all paths
    for (const size_t member : group.members) {
      const Missing& missing = *missing_[member];
      if (KindOf(missing.id) == ResourceKind::kEndDevice) {
        if (missing.units.empty()) continue;
        drives.try_emplace(missing.units.front(), HasLostAll(missing.units));
      } else if (KindOf(missing.id) == ResourceKind::kLogicalUnit) {
        drives.try_emplace(DriveOf(As<LogicalUnit>(missing).id), true);
      }
    }
    group.drives = drives.size();
    group.lost_drives = static_cast<size_t>(
        std::count_if(drives.begin(), drives.end(), [](const auto& each) { return each.second; }));
  }

  // A drive with one path left has it because the other one is gone.
  void AttachToLoss(Finding& finding) {
    if (finding.id.reason != FindingReason::kSinglePath) return;
    const auto& unit = std::get<registry::IndexOf<LogicalUnit>()>(*finding.id.resource);
    const absl::Span<const size_t> paths = finder_.PathsOf(unit);
    if (paths.empty()) return;
    const size_t root = finder_.RootOf(paths.front());
    finding.root_cause = IdOf(root);
    consequences_[root].push_back(*finding.id.resource);
  }

  Finding Make(const Missing& missing) const {
    Finding finding;
    const ResourceKind kind = KindOf(missing.id);
    const bool has_other_path = kind == ResourceKind::kEndDevice && !HasLostAll(missing.units);
    finding.severity = has_other_path ? Severity::kWarning : Severity::kCritical;
    finding.id = {missing.id, ReasonOf(kind)};
    finding.hosts = HostsOf(missing);
    finding.message = Sentence(missing);
    finding.first_seen = missing.since;
    finding.affected = {missing.id};
    finding.last_known = missing.last_known;
    return finding;
  }

  // Those of a drive's paths, too: it may have lost them one by one.
  HostList HostsOf(const Missing& missing) const {
    HostList hosts = registry::HostsOf(missing.last_known);
    if (KindOf(missing.id) == ResourceKind::kLogicalUnit) {
      for (const size_t path : finder_.PathsOf(As<LogicalUnit>(missing).id)) {
        hosts.push_back(std::get<registry::IndexOf<EndDevice>()>(missing_[path]->id).host);
      }
      std::sort(hosts.begin(), hosts.end());
      hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    }
    return hosts;
  }

  void Complete(const Missing& root, const Group& group, Finding& finding) const {
    const ResourceKind kind = KindOf(root.id);
    const bool leads_to_drives =
        kind != ResourceKind::kLogicalUnit && kind != ResourceKind::kEndDevice;
    if (leads_to_drives && group.drives > 0) {
      absl::StrAppend(&finding.message, ": ", group.drives,
                      group.drives == 1 ? " drive" : " drives", " lost a path, ",
                      group.lost_drives == 0 ? "none" : absl::StrCat(group.lost_drives),
                      " lost all");
    }
    if (const auto* hba = FindHandedOver(root, facts_); hba != nullptr) {
      finding.message = absl::StrCat(NameOf(As<Host>(root)),
                                     " is in the machine, and nobody drives it: ", hba->where);
    } else if (!root.since.cause.text.empty()) {
      absl::StrAppend(&finding.message, " (", NewPartOf(root.since.cause.text, root.id), ")");
    }
    for (const size_t member : group.members) {
      if (missing_[member]->id != root.id) finding.affected.push_back(missing_[member]->id);
    }
  }

  const std::vector<MissingPtr>& missing_;
  const NodeFacts& facts_;
  const CauseFinder finder_;
  std::map<size_t, Group> groups_;                          // by root
  std::map<size_t, std::vector<ResourceId>> consequences_;  // that are there, by root
};

}  // namespace

void ExamineMissing(const Examined& examined, std::vector<Finding>& findings) {
  MissingRules(examined).Run(findings);
}

}  // namespace sasd::health
