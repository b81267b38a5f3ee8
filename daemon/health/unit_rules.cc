#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::HostList;
using registry::LogicalUnit;

constexpr size_t kMostNamed = 4;

// "AB2211040010007 (sdg, slot 0)"
std::string NameOf(const LogicalUnit& unit) {
  std::vector<std::string> places;
  for (const LogicalUnit::Path& path : unit.paths) {
    const absl::string_view name = path.facts->facts.block_device.view();
    if (!name.empty()) places.emplace_back(name);
  }
  if (unit.slot) places.push_back(absl::StrCat("slot ", *unit.slot));
  std::string name(unit.serial.empty() ? unit.id.text().view() : unit.serial.view());
  if (!places.empty()) absl::StrAppend(&name, " (", absl::StrJoin(places, ", "), ")");
  return name;
}

HostList HostsOf(const LogicalUnit& unit) {
  HostList hosts;
  for (const LogicalUnit::Path& path : unit.paths) hosts.push_back(path.device.host);
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

void AddShared(const std::vector<const LogicalUnit*>& units, std::vector<Finding>& findings) {
  std::vector<std::string> names;
  HostList hosts;
  for (const LogicalUnit* unit : units) {
    if (names.size() < kMostNamed) names.push_back(NameOf(*unit));
    for (const HostKey host : HostsOf(*unit)) hosts.push_back(host);
  }
  if (units.size() > names.size()) {
    names.push_back(absl::StrCat("and ", units.size() - names.size(), " more"));
  }
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  const bool are_drives = std::all_of(units.begin(), units.end(), [](const LogicalUnit* unit) {
    return IsDrive(unit->peripheral_type);
  });
  AddFinding(Severity::kWarning, FindingReason::kSharedIdentifier, *units.front(), hosts,
             absl::StrCat(units.size(), are_drives ? " drives" : " logical units",
                          " report the identifier ", units.front()->wwid.view(), ": ",
                          absl::StrJoin(names, ", "),
                          are_drives ? "; dm-multipath joins them as paths of one drive" : ""),
             findings);
  std::vector<registry::ResourceId>& affected = findings.back().affected;
  for (size_t i = 1; i < units.size(); ++i) {
    affected.push_back(registry::MakeId<LogicalUnit>(units[i]->id));
  }
}

}  // namespace

void ExamineUnits(const Examined& examined, std::vector<Finding>& findings) {
  std::map<absl::string_view, std::vector<const LogicalUnit*>> shared;
  const LogicalUnit* plain = nullptr;  // the last one without a discriminator
  for (const auto& unit : examined.topology.collection<LogicalUnit>()) {
    if (!unit->rejected_wwid.empty()) {
      AddFinding(
          Severity::kWarning, FindingReason::kBadIdentifier, *unit, HostsOf(*unit),
          absl::StrCat(Describe(registry::MakeId<LogicalUnit>(unit->id)),
                       " reports the identifier ", unit->rejected_wwid.view(),
                       ", which cannot be that of one unit; dm-multipath may join it with others"),
          findings);
    }
    if (unit->id.IsPlain()) {
      plain = unit.get();
      continue;
    }
    // The plain one stands before all others of its wwid.
    std::vector<const LogicalUnit*>& units = shared[unit->wwid.view()];
    if (units.empty() && plain != nullptr && plain->wwid == unit->wwid) units.push_back(plain);
    units.push_back(unit.get());
  }
  for (const auto& [wwid, units] : shared) {
    if (units.size() > 1) AddShared(units, findings);
  }
}

}  // namespace sasd::health
