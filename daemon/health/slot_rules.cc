#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::EndDevice;
using registry::LogicalUnit;
using registry::LogicalUnitKey;
using registry::Slot;

// The drives in a slot, each as its units. Two LUNs of one device are one drive, and so are two
// devices that lead to one unit.
std::vector<std::vector<LogicalUnitKey>> DrivesIn(const Slot& slot) {
  std::vector<std::vector<LogicalUnitKey>> drives;
  for (const Slot::Occupant& occupant : slot.occupants) {
    std::vector<LogicalUnitKey> drive;
    for (const registry::UnitPathPtr& path : occupant.units) {
      if (IsDrive(path->facts.peripheral_type)) drive.push_back(path->unit);
    }
    if (drive.empty()) continue;
    const auto overlaps = [&](const std::vector<LogicalUnitKey>& other) {
      return std::any_of(other.begin(), other.end(), [&](const LogicalUnitKey& key) {
        return std::find(drive.begin(), drive.end(), key) != drive.end();
      });
    };
    std::vector<std::vector<LogicalUnitKey>> apart;
    for (std::vector<LogicalUnitKey>& other : drives) {
      if (overlaps(other)) {
        drive.insert(drive.end(), other.begin(), other.end());
      } else {
        apart.push_back(std::move(other));
      }
    }
    apart.push_back(std::move(drive));
    drives = std::move(apart);
  }
  return drives;
}

std::string NameOf(const registry::Topology& topology, const LogicalUnitKey& key) {
  const LogicalUnit* unit = topology.collection<LogicalUnit>().Find(key);
  const bool has_serial = unit != nullptr && !unit->serial.empty();
  return std::string(has_serial ? unit->serial.view() : key.text().view());
}

void ExamineSlot(const Examined& examined, const Slot& slot, std::vector<Finding>& findings) {
  if (slot.occupants.size() < 2) return;
  const auto drives = DrivesIn(slot);
  if (drives.size() < 2) return;
  std::vector<std::string> names;
  for (const auto& drive : drives) names.push_back(NameOf(examined.topology, drive.front()));
  AddFinding(
      Severity::kWarning, FindingReason::kSlotContradiction, slot, slot.hosts,
      absl::StrCat(Describe(registry::MakeId<Slot>(slot.id)),
                   slot.facts.label.empty() ? std::string()
                                            : absl::StrCat(" (", slot.facts.label.view(), ")"),
                   " holds ", drives.size(), " drives: ", absl::StrJoin(names, ", ")),
      findings);
  for (const auto& drive : drives) {
    for (const LogicalUnitKey& key : drive) {
      findings.back().affected.push_back(registry::MakeId<LogicalUnit>(key));
    }
  }
}

// The paths over one host to one drive end in one slot.
void ExamineDrive(const Examined& examined, const LogicalUnit& unit,
                  std::vector<Finding>& findings) {
  if (unit.paths.size() < 2 || !unit.slot || !IsDrive(unit.peripheral_type)) return;
  // Two hosts may number the slots differently.
  std::map<HostKey, std::set<uint16_t>> slots_of;
  for (const LogicalUnit::Path& path : unit.paths) {
    const EndDevice* device = examined.topology.collection<EndDevice>().Find(path.device);
    if (device == nullptr || device->facts.enclosure != unit.enclosure) continue;
    if (device->facts.slot) slots_of[path.device.host].insert(*device->facts.slot);
  }
  const auto it = std::find_if(slots_of.begin(), slots_of.end(),
                               [](const auto& each) { return each.second.size() > 1; });
  if (it == slots_of.end()) return;
  const auto& slots = it->second;
  AddFinding(
      Severity::kWarning, FindingReason::kSlotContradiction, unit, {it->first},
      absl::StrCat(Describe(registry::MakeId<LogicalUnit>(unit.id)),
                   " has paths in several slots of its enclosure: ", absl::StrJoin(slots, ", "),
                   "; it may be several drives of one identifier and serial number"),
      findings);
}

}  // namespace

void ExamineSlots(const Examined& examined, std::vector<Finding>& findings) {
  for (const auto& slot : examined.topology.collection<Slot>()) {
    ExamineSlot(examined, *slot, findings);
  }
  for (const auto& unit : examined.topology.collection<LogicalUnit>()) {
    ExamineDrive(examined, *unit, findings);
  }
}

}  // namespace sasd::health
