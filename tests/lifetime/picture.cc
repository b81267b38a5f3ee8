#include "tests/lifetime/picture.h"

#include <iterator>
#include <optional>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/lifetime/fact_text.h"

namespace sasd::lifetime {
namespace {

constexpr size_t kMostDifferences = 20;

}  // namespace

absl::string_view ToString(DeviceState state) {
  switch (state) {
    case DeviceState::kDiscovered:
      return "discovered";
    case DeviceState::kAttaching:
      return "attaching";
    case DeviceState::kAttached:
      return "attached";
    case DeviceState::kBlocked:
      return "blocked";
    case DeviceState::kRemoving:
      return "removing";
    case DeviceState::kFailed:
      return "failed";
  }
  return "?";
}

void Picture::Take(const ObservationBatch& batch) {
  for (const Observation& observation : batch.observations) {
    std::visit([this](const auto& facts) { Take(facts); }, observation);
  }
  CheckPlaces(batch);
}

// A batch is one step: the parents must be right at its end.
void Picture::CheckPlaces(const ObservationBatch& batch) {
  for (const Observation& observation : batch.observations) {
    if (const auto* gone = std::get_if<ExpanderGone>(&observation)) {
      if (IsNode(gone->key)) continue;  // back already
      for (const auto& [key, device] : devices_) {
        if (device.parent == gone->key) Forbid(key, "stays after its expander was removed");
      }
      for (const auto& [key, expander] : expanders_) {
        if (expander.parent == gone->key) Forbid(key, "stays after its expander was removed");
      }
    } else if (const auto* facts = std::get_if<EndDeviceFacts>(&observation)) {
      const auto device = devices_.find(facts->key);
      if (device != devices_.end()) CheckParent(facts->key, device->second.parent);
    } else if (const auto* node = std::get_if<ExpanderFacts>(&observation)) {
      const auto expander = expanders_.find(node->key);
      if (expander != expanders_.end()) CheckParent(node->key, expander->second.parent);
    }
  }
}

void Picture::CheckParent(const NodeKey& key, const NodeKey& parent) {
  if (!IsNode(parent)) Forbid(key, "is reported under an absent parent");
}

void Picture::Forbid(const NodeKey& key, absl::string_view what) {
  absl::StrAppend(&illegal_, ToHex(key.address), " ", what, "\n");
}

bool Picture::IsNode(const NodeKey& key) const {
  return key.is_host() || expanders_.count(key) != 0;
}

void Picture::Take(const EndDeviceFacts& device) {
  const bool begins = devices_.count(device.key) == 0;
  if (begins && device.state != DeviceState::kDiscovered && device.state != DeviceState::kFailed) {
    Forbid(device.key, absl::StrCat("begins as ", ToString(device.state)));
  }
  devices_[device.key] = device;
}

void Picture::Take(const EndDeviceGone& gone) {
  units_.erase(gone.key);
  if (devices_.erase(gone.key) == 0) Forbid(gone.key, "is removed but was absent");
}

void Picture::Take(const LogicalUnitFacts& unit) {
  const auto device = devices_.find(unit.device);
  if (device == devices_.end()) return Forbid(unit.device, "has a unit but is absent");
  const DeviceState state = device->second.state;
  if (state != DeviceState::kAttached && state != DeviceState::kBlocked) {
    Forbid(unit.device, absl::StrCat("has a unit while ", ToString(state)));
  }
  units_[unit.device] = unit;
}

void Picture::Take(const ExpanderFacts& expander) { expanders_[expander.key] = expander; }

void Picture::Take(const ExpanderGone& gone) {
  if (expanders_.erase(gone.key) == 0) Forbid(gone.key, "is removed but was absent");
  for (auto it = phys_.begin(); it != phys_.end();) {
    it = it->first.owner == gone.key ? phys_.erase(it) : std::next(it);
  }
}

void Picture::Take(const PhyFacts& phy) {
  if (!IsNode(phy.key.owner)) Forbid(phy.key.owner, "has a phy but is absent");
  phys_[phy.key] = phy;
}

void Picture::Take(const EnclosureGone& gone) {
  if (enclosures_.erase(gone.key) == 0) {
    absl::StrAppend(&illegal_, "enclosure ", absl::Hex(gone.key.value()),
                    " is removed but was absent\n");
  }
}

std::string Picture::Differences(const emulator::HostTruth& truth) const {
  FactTexts facts;
  if (host_.key != HostKey()) facts.insert(HostFact(host_.key.address));
  for (const auto& [key, phy] : phys_) {
    // The truth has the phy at the other end only for a host or expander.
    facts.insert(PhyFact(key.owner.address, key.phy, phy.negotiated, phy.attached,
                         HasNodeAt(phy.attached) ? phy.attached_phy : std::nullopt));
  }
  for (const auto& [key, expander] : expanders_) {
    facts.insert(ExpanderFact(key.address, key.port, expander.parent.address, expander.handle,
                              expander.level, expander.enclosure.value(), expander.product));
  }
  for (const auto& [key, device] : devices_) {
    const auto unit = units_.find(key);
    const bool attached = unit != units_.end() && device.state == DeviceState::kAttached;
    const bool failing = device.state == DeviceState::kFailed && device.access_status != 0;
    const std::string serial = attached  ? unit->second.serial
                               : failing ? FailingFact(device.access_status)
                                         : absl::StrCat("(not attached: ", device.failure, ")");
    facts.insert(DeviceFact(key.address, key.port, device.parent.address, device.parent_phy,
                            device.handle, device.enclosure.value(), device.slot, serial,
                            attached ? unit->second.size_bytes : 0));
  }
  for (const auto& [key, enclosure] : enclosures_) {
    facts.insert(EnclosureFact(key.value(), enclosure.slot_count, enclosure.start_slot));
  }
  return absl::StrJoin(DifferencesOf(FactsOf(truth), facts, kMostDifferences), "\n");
}

bool Picture::HasNodeAt(SasAddress address) const {
  if (address == host_.key.address) return true;
  for (const auto& [key, expander] : expanders_) {
    if (key.address == address) return true;
  }
  return false;
}

}  // namespace sasd::lifetime
