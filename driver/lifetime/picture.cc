#include "driver/lifetime/picture.h"

#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "driver/lifetime/fact_text.h"

namespace sasd::lifetime {
namespace {

constexpr size_t kMostDifferences = 20;

}  // namespace

void Picture::Observe(ObservationBatch batch) {
  for (const Observation& observation : batch.observations) {
    std::visit([this](const auto& facts) { Take(facts); }, observation);
  }
}

void Picture::Forbid(absl::string_view what, const NodeKey& key) {
  absl::StrAppend(&illegal_, what, " ", ToHex(key.address), "\n");
}

void Picture::Take(const EndDeviceGone& gone) {
  units_.erase(gone.key);
  if (devices_.erase(gone.key) == 0) Forbid("goes without having been told:", gone.key);
}

void Picture::Take(const LogicalUnitFacts& unit) {
  const auto device = devices_.find(unit.device);
  if (device == devices_.end()) return Forbid("has a logical unit without being told:", unit.device);
  if (device->second.state != DeviceState::kAttached &&
      device->second.state != DeviceState::kBlocked) {
    Forbid("has a logical unit without being attached:", unit.device);
  }
  units_[unit.device] = unit;
}

void Picture::Take(const ExpanderGone& gone) {
  for (auto it = phys_.begin(); it != phys_.end();) {
    it = it->first.owner == gone.key ? phys_.erase(it) : std::next(it);
  }
  if (expanders_.erase(gone.key) == 0) Forbid("goes without having been told:", gone.key);
}

void Picture::Take(const EnclosureGone& gone) { enclosures_.erase(gone.key); }

std::string Picture::Differences(const emulator::HostTruth& truth) const {
  FactTexts facts;
  if (host_.address != SasAddress()) facts.insert(HostFact(host_.address));
  for (const auto& [key, phy] : phys_) {
    // The truth knows the phy at the other end only where that is a host or expander.
    const bool leads_to_node =
        phy.attached == host_.address || ExpanderAt(phy.attached) != nullptr;
    facts.insert(PhyFact(key.owner.address, key.phy, phy.negotiated, phy.attached,
                         leads_to_node ? phy.attached_phy : std::nullopt));
  }
  for (const auto& [key, expander] : expanders_) {
    facts.insert(ExpanderFact(key.address, key.port, expander.parent.address, expander.handle,
                              expander.level, expander.enclosure.value(), expander.product));
  }
  for (const auto& [key, device] : devices_) {
    const auto unit = units_.find(key);
    const bool attached = unit != units_.end() && device.state == DeviceState::kAttached;
    facts.insert(DeviceFact(key.address, key.port, device.parent.address, device.parent_phy,
                            device.handle, device.enclosure.value(), device.slot,
                            attached ? unit->second.serial
                                     : absl::StrCat("(not attached: ", device.failure, ")"),
                            attached ? unit->second.size_bytes : 0));
  }
  for (const auto& [key, enclosure] : enclosures_) {
    facts.insert(EnclosureFact(key.value(), enclosure.slot_count, enclosure.start_slot));
  }
  return absl::StrJoin(DifferencesOf(FactsOf(truth), facts, kMostDifferences), "\n");
}

const ExpanderFacts* Picture::ExpanderAt(SasAddress address) const {
  for (const auto& [key, expander] : expanders_) {
    if (key.address == address) return &expander;
  }
  return nullptr;
}

}  // namespace sasd::lifetime
