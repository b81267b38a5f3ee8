#include "daemon/service/find.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/service/names.h"
#include "rpc/edit_distance.h"

namespace sasd::service {
namespace {

using registry::ResourceKind;
using registry::ResourceRef;
using registry::Topology;

constexpr size_t kSuggestions = 5;

// The spellings of an object other than its name, as people see them.
class Spellings {
 public:
  explicit Spellings(const ResourceRef& ref) {
    std::visit([this](const auto& resource) { Collect(*resource); }, ref);
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  void Add(absl::string_view text) {
    if (!text.empty()) all_.emplace_back(text);
  }
  void Add(SasAddress address) {
    if (address != SasAddress(0)) all_.push_back(ToHex(address));
  }
  void Add(const registry::UnitRecord& unit) {
    Add(unit.serial);
    Add(unit.block_device);
    Add(unit.generic_device);
    Add(unit.scsi_address);
  }

  void Collect(const registry::Host& host) {
    Add(host.facts.address);
    Add(host.facts.os_name);
    Add(host.facts.pci_address);
  }
  void Collect(const registry::Phy& phy) { Add(phy.facts.os_name); }
  void Collect(const registry::Port& port) { Add(port.facts.os_name); }
  void Collect(const registry::Expander& expander) {
    Add(expander.facts.key.address);
    Add(expander.facts.os_name);
  }
  void Collect(const registry::EndDevice& device) {
    Add(device.facts.key.address);
    Add(device.facts.device_name);
    Add(device.facts.os_name);
    for (const registry::UnitPathPtr& path : device.units) {
      Add(path->facts);
      Add(path->facts.wwid);
    }
  }
  void Collect(const registry::LogicalUnit& unit) {
    Add(unit.wwid());
    Add(unit.serial);
    for (const registry::LogicalUnit::Path& path : unit.paths) Add(path.facts->facts);
  }
  void Collect(const registry::Enclosure& enclosure) {
    Add(SasAddress(enclosure.id.value()));
    Add(enclosure.os_name);
  }
  void Collect(const registry::Slot&) {}

  std::vector<std::string> all_;
};

// What the query may be spelled as, lower-case: as it is, without /dev/ or /dev/disk/by-id/, and as
// a bare WWN.
std::vector<std::string> QuerySpellings(absl::string_view query) {
  std::string text = absl::AsciiStrToLower(absl::StripAsciiWhitespace(query));
  absl::string_view rest = text;
  absl::ConsumePrefix(&rest, "/dev/");
  absl::ConsumePrefix(&rest, "disk/by-id/");
  std::vector<std::string> spellings = {std::string(rest)};
  absl::string_view wwn = rest;
  for (absl::string_view prefix : {"wwn-", "scsi-3", "naa.", "eui.", "0x"}) {
    absl::ConsumePrefix(&wwn, prefix);
  }
  std::string bare(wwn);
  if (const absl::StatusOr<SasAddress> address = ParseSasAddress(wwn);
      address.ok() && bare.size() >= 16) {
    bare = ToHex(*address);
  }
  if (bare != rest) spellings.push_back(bare);
  if (!absl::StartsWith(bare, "naa.")) spellings.push_back(absl::StrCat("naa.", bare));
  spellings.push_back(absl::StrCat("eui.", bare));
  return spellings;
}

// Enclosures that the text before the slash means: identifier, the end of it, or model.
bool MeansEnclosure(const registry::Enclosure& enclosure, absl::string_view text) {
  const std::string id = ToHex(SasAddress(enclosure.id.value()));
  absl::string_view wanted = text;
  absl::ConsumePrefix(&wanted, "0x");
  absl::ConsumePrefix(&wanted, "enclosures/");
  return (wanted.size() >= 3 && absl::EndsWith(id, wanted)) ||
         (!enclosure.model.empty() && absl::AsciiStrToLower(enclosure.model.view()) == wanted);
}

// "enclosure/slot": the slots, and what sits there where other kinds are asked for.
std::vector<ResourceRef> FindSlots(const Topology& topology, absl::string_view query) {
  std::vector<ResourceRef> slots;
  const std::string text = absl::AsciiStrToLower(query);
  const size_t slash = text.rfind('/');
  uint32_t number = 0;
  if (slash == std::string::npos || !absl::SimpleAtoi(text.substr(slash + 1), &number) ||
      number > 0xFFFF) {
    return slots;
  }
  for (const auto& enclosure : topology.collection<registry::Enclosure>()) {
    if (!MeansEnclosure(*enclosure, text.substr(0, slash))) continue;
    if (auto slot = topology.Get<registry::Slot>({enclosure->id, static_cast<uint16_t>(number)})) {
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
    if (auto unit = topology.Get<registry::LogicalUnit>(slot.logical_unit)) out.emplace_back(unit);
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
  const std::string text = QuerySpellings(query).front();
  const size_t limit = std::max<size_t>(1, text.size() / 4);
  std::set<std::pair<size_t, std::string>> closest;
  topology.VisitAll([&](const ResourceRef& ref) {
    if (!Wanted(registry::KindOf(ref), kinds)) return;
    const Spellings spellings(ref);
    for (const std::string& spelling : spellings.all()) {
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
  const std::vector<std::string> wanted = QuerySpellings(query);
  topology.VisitAll([&](const ResourceRef& ref) {
    if (!Wanted(registry::KindOf(ref), kinds)) return;
    const Spellings spellings(ref);
    const bool matches =
        std::any_of(wanted.begin(), wanted.end(), [&spellings](const std::string& text) {
          return std::any_of(spellings.all().begin(), spellings.all().end(),
                             [&text](const std::string& spelling) {
                               return absl::EqualsIgnoreCase(spelling, text);
                             });
        });
    if (matches) found.resources.push_back(ref);
  });
  if (kinds.empty()) PreferWhole(found.resources);
  if (found.resources.empty()) found.suggestions = Suggest(topology, query, kinds);
  return found;
}

}  // namespace sasd::service
