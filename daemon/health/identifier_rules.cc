#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::Enclosure;
using registry::Expander;
using registry::Host;
using registry::Topology;

// "host11, PCI address 0000:82:00.0", as far as known.
std::string PlaceOf(const Host& host) {
  std::vector<std::string> parts;
  if (!host.facts.os_name.empty()) parts.push_back(host.facts.os_name);
  if (!host.facts.pci_address.empty()) {
    parts.push_back(absl::StrCat("PCI address ", host.facts.pci_address));
  } else if (host.facts.key.location.known()) {
    parts.push_back(host.facts.key.location.Describe());
  }
  return parts.empty() ? "" : absl::StrCat(" (", absl::StrJoin(parts, ", "), ")");
}

// The finding is about the first of the objects, and affects all of them.
template <typename T>
void AddShared(const std::vector<const T*>& objects, registry::HostList hosts, std::string message,
               std::vector<Finding>& findings) {
  AddFinding(Severity::kWarning, FindingReason::kSharedIdentifier, *objects[0], std::move(hosts),
             std::move(message), findings);
  Finding& finding = findings.back();
  for (size_t i = 1; i < objects.size(); ++i) {
    finding.affected.push_back(registry::MakeId<T>(objects[i]->key()));
    // It began when the last of them came.
    const int64_t revision = objects[i]->stamp.revision;
    if (revision <= finding.first_seen.revision) continue;
    finding.first_seen.revision = revision;
    finding.first_seen.time = objects[i]->stamp.time();
  }
}

void ExamineGroup(const std::vector<const Host*>& group, std::vector<Finding>& findings) {
  if (group.size() < 2) return;
  registry::HostList hosts;
  std::vector<std::string> names;
  for (const Host* host : group) {
    hosts.push_back(host->key());
    names.push_back(absl::StrCat(ToText(host->key()), PlaceOf(*host)));
  }
  AddShared(group, std::move(hosts),
            absl::StrCat("hosts ", absl::StrJoin(names, " and "), " have one SAS address, ",
                         ToHex(group[0]->facts.key.address),
                         ": an expander or a drive that both reach cannot tell them apart; write "
                         "the address of its label into each HBA (sas2flash or sas3flash with "
                         "-sasadd, storcli for newer ones), then restart the machine"),
            findings);
}

// The logical units of the drives that the expander reaches itself.
absl::btree_set<registry::LogicalUnitKey> UnitsBehind(const Topology& topology,
                                                      const Expander& expander) {
  absl::btree_set<registry::LogicalUnitKey> units;
  topology.VisitEndDevicesOf(expander.key().host, [&](const auto& device) {
    if (device->facts.parent != expander.key()) return;
    for (const registry::UnitPathPtr& path : device->units) {
      if (IsDrive(path->facts.peripheral_type)) units.insert(path->unit);
    }
  });
  return units;
}

bool HaveCommonUnit(const absl::btree_set<registry::LogicalUnitKey>& a,
                    const absl::btree_set<registry::LogicalUnitKey>& b) {
  for (const registry::LogicalUnitKey& unit : a) {
    if (b.contains(unit)) return true;
  }
  return false;
}

// One expander on two ports of an HBA is legal: both show the same drives. Two expanders show
// different ones.
void ExamineGroup(const Topology& topology, const std::vector<const Expander*>& group,
                  std::vector<Finding>& findings) {
  if (group.size() < 2) return;
  std::vector<const Expander*> different;
  std::vector<absl::btree_set<registry::LogicalUnitKey>> units;
  for (const Expander* expander : group) {
    auto behind = UnitsBehind(topology, *expander);
    bool known = behind.empty();
    for (const auto& other : units) known |= HaveCommonUnit(behind, other);
    if (known) continue;
    different.push_back(expander);
    units.push_back(std::move(behind));
  }
  if (different.size() < 2) return;
  std::vector<std::string> names;
  for (const Expander* expander : different) {
    names.push_back(Describe(registry::MakeId<Expander>(expander->key())));
  }
  AddShared(different, {different[0]->key().host},
            absl::StrCat(absl::StrJoin(names, " and "),
                         " have one SAS address and different drives: an HBA may take them for one "
                         "wide port; write an address of its own into each (with the tool of the "
                         "enclosure's vendor, one enclosure connected at a time), then power them "
                         "off and on"),
            findings);
}

void ExamineGroup(const std::vector<const Enclosure*>& group, std::vector<Finding>& findings) {
  if (group.size() < 2) return;
  registry::HostList hosts;
  std::vector<std::string> names;
  for (const Enclosure* enclosure : group) {
    for (const HostKey& host : enclosure->hosts) {
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
    }
    names.push_back(ToText(enclosure->id));
  }
  AddShared(
      group, std::move(hosts),
      absl::StrCat("enclosures ", absl::StrJoin(names, " and "),
                   " have one logical identifier: other programs take them for one; write an "
                   "identifier of its own into each (with the tool of the enclosure's vendor)"),
      findings);
}

}  // namespace

void ExamineIdentifiers(const Examined& examined, std::vector<Finding>& findings) {
  // Objects with one identifier are neighbours in the order of the keys.
  std::vector<const Host*> hosts;
  for (const auto& host : examined.topology.collection<Host>()) {
    if (!hosts.empty() && hosts[0]->facts.key.address != host->facts.key.address) {
      ExamineGroup(hosts, findings);
      hosts.clear();
    }
    hosts.push_back(host.get());
  }
  ExamineGroup(hosts, findings);

  std::vector<const Enclosure*> enclosures;
  for (const auto& enclosure : examined.topology.collection<Enclosure>()) {
    // An HBA's own enclosure has the HBA's address, which the finding of the hosts names.
    const bool is_board =
        std::any_of(enclosure->hosts.begin(), enclosure->hosts.end(),
                    [&](const HostKey& host) { return IsHost(enclosure->id, host); });
    if (is_board) continue;
    if (!enclosures.empty() && enclosures[0]->id.value() != enclosure->id.value()) {
      ExamineGroup(enclosures, findings);
      enclosures.clear();
    }
    enclosures.push_back(enclosure.get());
  }
  ExamineGroup(enclosures, findings);

  std::vector<const Expander*> expanders;
  for (const auto& expander : examined.topology.collection<Expander>()) {
    const bool same = !expanders.empty() && expanders[0]->key().host == expander->key().host &&
                      expanders[0]->key().address == expander->key().address;
    if (!same) {
      ExamineGroup(examined.topology, expanders, findings);
      expanders.clear();
    }
    expanders.push_back(expander.get());
  }
  ExamineGroup(examined.topology, expanders, findings);
}

}  // namespace sasd::health
