#include "daemon/service/find.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <type_traits>
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
    if (!MeansEnclosure(wanted.enclosure, id, enclosure->model.view(), enclosure->alias.view())) {
      continue;
    }
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

// What an edit distance can be told from without looking at the order of the bytes.
uint64_t BytesIn(absl::string_view text) {
  uint64_t bytes = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bytes |= uint64_t{1} << ((byte ^ (byte >> 6)) & 63);
  }
  return bytes;
}

// Calls `visit` for each resource of these kinds until it returns false, parents before children.
template <typename Visit>
void VisitWhile(const Topology& topology, absl::Span<const ResourceKind> kinds, Visit visit) {
  const auto each = [&](const auto& map) {
    using T = std::remove_const_t<typename std::decay_t<decltype(*map.begin())>::element_type>;
    if (!Wanted(T::kKind, kinds)) return true;
    for (const auto& resource : map) {
      if (!visit(ResourceRef(resource))) return false;
    }
    return true;
  };
  // The order of VisitAll().
  (void)(each(topology.collection<registry::Host>()) &&
         each(topology.collection<registry::Enclosure>()) &&
         each(topology.collection<registry::Expander>()) &&
         each(topology.collection<registry::Phy>()) &&
         each(topology.collection<registry::Port>()) &&
         each(topology.collection<registry::EndDevice>()) &&
         each(topology.collection<registry::LogicalUnit>()) &&
         each(topology.collection<registry::Slot>()));
}

}  // namespace

std::vector<std::string> Suggest(const Topology& topology, absl::string_view query,
                                 absl::Span<const ResourceKind> kinds, Cancelled cancelled) {
  const std::string text = SpellingMatcher(query).text();
  const size_t limit = std::max<size_t>(1, text.size() / 4);
  const uint64_t bytes = BytesIn(text);
  std::set<std::pair<size_t, std::string>> closest;
  std::string folded;
  const auto look_at = [&](absl::string_view spelling) {
    const bool may_contain = text.size() >= 4 && spelling.size() >= text.size();
    if (spelling.size() + limit < text.size()) return;
    if (!may_contain && spelling.size() > text.size() + limit) return;
    folded.assign(spelling.data(), spelling.size());
    absl::AsciiStrToLower(&folded);
    const bool contains = may_contain && absl::StrContains(folded, text);
    size_t distance = 0;
    if (!contains) {
      if (spelling.size() > text.size() + limit) return;
      // Each byte that the spelling has not takes an edit.
      const uint64_t missing = bytes & ~BytesIn(folded);
      if (static_cast<size_t>(__builtin_popcountll(missing)) > limit) return;
      distance = rpc::EditDistance(text, folded, limit);
      if (distance > limit) return;
    }
    if (closest.size() == kSuggestions && distance > closest.rbegin()->first) return;
    closest.emplace(distance, std::string(spelling));
    if (closest.size() > kSuggestions) closest.erase(std::prev(closest.end()));
  };
  CancelledCheck is_cancelled(cancelled);
  VisitWhile(topology, kinds, [&](const ResourceRef& ref) {
    VisitSpellings(ref, look_at);
    return !is_cancelled();
  });
  std::vector<std::string> suggestions;
  for (const auto& [distance, spelling] : closest) suggestions.push_back(spelling);
  return suggestions;
}

std::vector<ResourceRef> FindExact(const Topology& topology, absl::string_view query,
                                   absl::Span<const ResourceKind> kinds, const SpellingIndex* index,
                                   Cancelled cancelled) {
  std::vector<ResourceRef> found;
  if (const absl::StatusOr<registry::ResourceId> id = ParseName(query); id.ok()) {
    ResourceRef ref = topology.Get(*id);
    if (!registry::IsNull(ref) && Wanted(registry::KindOf(ref), kinds)) {
      found.push_back(std::move(ref));
      return found;
    }
  }
  for (ResourceRef& slot : FindSlots(topology, query)) {
    AddOccupants(topology, *std::get<std::shared_ptr<const registry::Slot>>(slot), kinds, found);
    if (Wanted(ResourceKind::kSlot, kinds)) found.push_back(std::move(slot));
  }
  const SpellingMatcher matcher(query);
  if (index != nullptr) {
    std::vector<ResourceRef> indexed = index->Find(matcher, kinds);
    std::move(indexed.begin(), indexed.end(), std::back_inserter(found));
  } else {
    CancelledCheck is_cancelled(cancelled);
    VisitWhile(topology, kinds, [&](const ResourceRef& ref) {
      if (matcher.Matches(ref)) found.push_back(ref);
      return !is_cancelled();
    });
  }
  if (kinds.empty()) PreferWhole(found);
  return found;
}

FoundResources FindResources(const Topology& topology, absl::string_view query,
                             absl::Span<const ResourceKind> kinds, Cancelled cancelled) {
  FoundResources found;
  found.resources = FindExact(topology, query, kinds, nullptr, cancelled);
  if (found.resources.empty()) found.suggestions = Suggest(topology, query, kinds, cancelled);
  return found;
}

}  // namespace sasd::service
