#include <algorithm>
#include <vector>

#include "daemon/registry/derive.h"

namespace sasd::registry {

// Not of an enclosure services device, which names a slot without sitting in it.
Text Deriver::LabelOf(const EndDevice& device) const {
  if (device.facts.enclosure == EnclosureKey(0) || !device.facts.slot) return Text();
  const Slot* slot = changes_.Find<Slot>({device.facts.enclosure, *device.facts.slot});
  if (slot == nullptr || slot->facts.label.empty()) return Text();
  const bool sits =
      std::any_of(slot->occupants.begin(), slot->occupants.end(),
                  [&](const Slot::Occupant& occupant) { return occupant.device == device.key(); });
  return sits ? slot->facts.label : Text();
}

Text Deriver::LabelOf(const LogicalUnit& unit) const {
  for (const LogicalUnit::Path& path : unit.paths) {
    const EndDevice* device = changes_.Find<EndDevice>(path.device);
    if (device == nullptr || device->facts.enclosure != unit.enclosure) continue;
    if (device->facts.slot == unit.slot) return LabelOf(*device);
  }
  return Text();
}

template <typename T>
void Deriver::DeriveLabelsOf() {
  std::vector<typename T::Key> keys;
  for (const auto& [key, draft] : changes_.drafts<T>()) keys.push_back(key);
  for (const auto& key : keys) {
    const T* resource = changes_.Find<T>(key);
    if (resource == nullptr) continue;
    const Text label = LabelOf(*resource);
    if (label != resource->slot_label) changes_.Edit<T>(key).slot_label = label;
  }
}

void Deriver::DeriveLabels() {
  std::vector<NodeKey> devices;
  for (const auto& [key, draft] : changes_.drafts<Slot>()) {
    const bool same = draft.before != nullptr && draft.after != nullptr &&
                      draft.before->facts.label == draft.after->facts.label;
    for (const Slot* slot : {draft.before.get(), static_cast<const Slot*>(draft.after.get())}) {
      if (same || slot == nullptr) continue;
      for (const Slot::Occupant& occupant : slot->occupants) devices.push_back(occupant.device);
    }
  }
  for (const NodeKey& key : Unique(std::move(devices))) {
    if (changes_.Find<EndDevice>(key) == nullptr) continue;
    const EndDevice& device = changes_.Edit<EndDevice>(key);
    for (const UnitPathPtr& path : device.units) {
      if (changes_.Find<LogicalUnit>(path->unit) != nullptr) changes_.Edit<LogicalUnit>(path->unit);
    }
  }
  DeriveLabelsOf<EndDevice>();
  DeriveLabelsOf<LogicalUnit>();
}

}  // namespace sasd::registry
