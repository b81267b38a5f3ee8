#include "emulator/fabric/element_index.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "rpc/did_you_mean.h"

namespace sasd::emulator {

ElementIndex::ElementIndex(const FabricSpec& spec) : spec_(spec) {
  by_id_.reserve(spec.hosts.size() + spec.expanders.size() + spec.enclosures.size() +
                 spec.devices.size());
  // The first element with an address keeps it: an expander before its enclosure's logical id.
  for (uint32_t i = 0; i < spec.hosts.size(); ++i) {
    by_id_[spec.hosts[i].id] = {ElementKind::kHost, i};
    by_address_.try_emplace(spec.hosts[i].address, ElementRef{ElementKind::kHost, i});
  }
  for (uint32_t i = 0; i < spec.expanders.size(); ++i) {
    by_id_[spec.expanders[i].id] = {ElementKind::kExpander, i};
    by_address_.try_emplace(spec.expanders[i].address, ElementRef{ElementKind::kExpander, i});
  }
  for (uint32_t i = 0; i < spec.devices.size(); ++i) {
    by_id_[spec.devices[i].id] = {ElementKind::kDevice, i};
    for (int port = 0; port < spec.devices[i].port_count(); ++port) {
      by_address_.try_emplace(spec.devices[i].ports[port].address,
                              ElementRef{ElementKind::kDevice, i});
    }
  }
  for (uint32_t i = 0; i < spec.enclosures.size(); ++i) {
    by_id_[spec.enclosures[i].id] = {ElementKind::kEnclosure, i};
    by_address_.try_emplace(spec.enclosures[i].logical_id, ElementRef{ElementKind::kEnclosure, i});
  }
}

absl::StatusOr<ElementRef> ElementIndex::Find(absl::string_view element) const {
  const auto by_id = by_id_.find(element);
  if (by_id != by_id_.end()) return by_id->second;
  const size_t slash = element.find('/');
  if (slash != absl::string_view::npos) {
    return FindSlot(element.substr(0, slash), element.substr(slash + 1), element);
  }
  const absl::StatusOr<SasAddress> address = ParseSasAddress(element);
  if (address.ok()) {
    const auto by_address = by_address_.find(*address);
    if (by_address != by_address_.end()) return by_address->second;
  }
  return NotFound(element);
}

absl::StatusOr<ElementRef> ElementIndex::FindSlot(absl::string_view enclosure,
                                                  absl::string_view slot,
                                                  absl::string_view whole) const {
  const absl::StatusOr<ElementRef> found = Find(enclosure);
  uint32_t number = 0;
  if (!found.ok() || found->kind != ElementKind::kEnclosure || !absl::SimpleAtoi(slot, &number)) {
    return NotFound(found.ok() ? whole : enclosure);
  }
  const EnclosureSpec& in = spec_.enclosures[found->index];
  for (uint32_t i = 0; i < spec_.devices.size(); ++i) {
    if (spec_.devices[i].enclosure == found->index && spec_.devices[i].slot == number) {
      return ElementRef{ElementKind::kDevice, i};
    }
  }
  return absl::NotFoundError(absl::StrCat(
      "no drive is defined for slot ", number, " of enclosure \"", in.id, "\", which has ",
      in.slot_count == 0
          ? "none"
          : absl::StrCat("slots ", in.start_slot, " to ", in.start_slot + in.slot_count - 1)));
}

absl::Status ElementIndex::NotFound(absl::string_view element) const {
  std::vector<std::string> names;
  names.reserve(by_id_.size());
  for (const auto& [id, ref] : by_id_) names.emplace_back(id);
  std::sort(names.begin(), names.end());
  return absl::NotFoundError(
      absl::StrCat("the fabric has no element \"", element, "\"", rpc::DidYouMean(element, names)));
}

void ElementIndex::ReplaceAddress(SasAddress before, SasAddress after, uint32_t device) {
  if (before == after) return;
  by_address_.erase(before);
  by_address_[after] = {ElementKind::kDevice, device};
}

}  // namespace sasd::emulator
