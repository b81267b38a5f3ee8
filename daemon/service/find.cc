#include "daemon/service/find.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "daemon/service/names.h"
#include "daemon/service/spellings.h"
#include "rpc/edit_distance.h"

namespace sasd::service {
namespace {

using registry::ResourceKind;
using registry::ResourceRef;
using registry::Topology;

constexpr size_t kSuggestions = 5;

// "enclosure/slot": the slots, and what sits there where other kinds are asked for.
std::vector<ResourceRef> FindSlots(const Topology& topology, absl::string_view query) {
  std::vector<ResourceRef> slots;
  SlotQuery wanted;
  if (!ParseSlotQuery(query, &wanted)) return slots;
  for (const auto& enclosure : topology.collection<registry::Enclosure>()) {
    const std::string id = ToHex(SasAddress(enclosure->id.value()));
    if (!MeansEnclosure(wanted.enclosure, id, enclosure->model.view())) continue;
    if (auto slot = topology.Get<registry::Slot>({enclosure->id, wanted.slot})) {
      slots.emplace_back(std::move(slot));
    }
  }
  return slots;
}

bool Wanted(ResourceKind kind, absl::Span<const ResourceKind> kinds) {
  return kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

// Adds what a slot holds, of the kinds that are asked for by name.
void AddOccupants(const Topology& topology, const registry::Slot& slot,
                  absl::Span<const ResourceKind> kinds, std::vector<ResourceRef>& out) {
  if (kinds.empty() || Wanted(ResourceKind::kSlot, kinds)) return;
  if (Wanted(ResourceKind::kLogicalUnit, kinds)) {
    for (const registry::LogicalUnitKey& key : slot.LogicalUnits()) {
      if (auto unit = topology.Get<registry::LogicalUnit>(key)) out.emplace_back(unit);
    }
  }
  if (Wanted(ResourceKind::kEndDevice, kinds)) {
    for (const registry::Slot::Occupant& occupant : slot.occupants) {
      if (auto device = topology.Get<registry::EndDevice>(occupant.device)) {
        out.emplace_back(device);
      }
    }
  }
}

// Without kinds, a logical unit stands for the end devices that lead to it, and an enclosure for
// the phys and ports of the same name.
void PreferWhole(std::vector<ResourceRef>& found) {
  const bool has_unit = std::any_of(found.begin(), found.end(), [](const ResourceRef& ref) {
    return registry::KindOf(ref) == ResourceKind::kLogicalUnit;
  });
  if (!has_unit) return;
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const ResourceRef& ref) {
                               return registry::KindOf(ref) == ResourceKind::kEndDevice;
                             }),
              found.end());
}

std::vector<std::string> Suggest(const Topology& topology, absl::string_view query,
                                 absl::Span<const ResourceKind> kinds) {
  const std::string text = SpellingMatcher(query).text();
  const size_t limit = std::max<size_t>(1, text.size() / 4);
  std::set<std::pair<size_t, std::string>> closest;
  topology.VisitAll([&](const ResourceRef& ref) {
    if (!Wanted(registry::KindOf(ref), kinds)) return;
    for (const std::string& spelling : SpellingsOf(ref)) {
      const std::string folded = absl::AsciiStrToLower(spelling);
      const size_t distance = rpc::EditDistance(text, folded, limit);
      const bool contains = text.size() >= 4 && absl::StrContains(folded, text);
      if (distance > limit && !contains) continue;
      closest.emplace(contains ? 0 : distance, spelling);
      if (closest.size() > kSuggestions) closest.erase(std::prev(closest.end()));
    }
  });
  std::vector<std::string> suggestions;
  for (const auto& [distance, spelling] : closest) suggestions.push_back(spelling);
  return suggestions;
}

}  // namespace

FoundResources FindResources(const Topology& topology, absl::string_view query,
                             absl::Span<const ResourceKind> kinds) {
  FoundResources found;
  if (const absl::StatusOr<registry::ResourceId> id = ParseName(query); id.ok()) {
    ResourceRef ref = topology.Get(*id);
    if (!registry::IsNull(ref) && Wanted(registry::KindOf(ref), kinds)) {
      found.resources.push_back(std::move(ref));
      return found;
    }
  }
  for (ResourceRef& slot : FindSlots(topology, query)) {
    AddOccupants(topology, *std::get<std::shared_ptr<const registry::Slot>>(slot), kinds,
                 found.resources);
    if (Wanted(ResourceKind::kSlot, kinds)) found.resources.push_back(std::move(slot));
  }
  const SpellingMatcher matcher(query);
  topology.VisitAll([&](const ResourceRef& ref) {
    if (!Wanted(registry::KindOf(ref), kinds)) return;
    if (matcher.Matches(SpellingsOf(ref))) found.resources.push_back(ref);
  });
  if (kinds.empty()) PreferWhole(found.resources);
  if (found.resources.empty()) found.suggestions = Suggest(topology, query, kinds);
  return found;
}

}  // namespace sasd::service
