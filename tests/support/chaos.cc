#include "tests/support/chaos.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sasd::testing {
namespace {

using Kind = Step::Kind;

// Only the first phys of a large expander break. The uplink is among them and breaks often enough.
constexpr uint32_t kPhys = 24;
constexpr uint32_t kWhole = 0xFFFFFFFF;

bool IsOfPhy(const Step& step) { return step.kind == Kind::kPhyDown || step.kind == Kind::kPhyUp; }

}  // namespace

Chaos::Chaos(uint64_t seed, const ChaosShares& shares, const emulator::FabricSpec& fabric)
    : shares_(shares), random_(seed) {
  for (const auto& host : fabric.hosts) hosts_.push_back({host.id, host.phy_count});
  for (const auto& expander : fabric.expanders) {
    expanders_.push_back({expander.id, expander.phy_count});
  }
  for (const auto& enclosure : fabric.enclosures) enclosures_.push_back(enclosure.id);
  for (const auto& device : fabric.devices) {
    if (fabric.models[device.model].type != emulator::DeviceModel::Type::kDisk) continue;
    drives_.push_back(device.id);
    if (!device.absent) continue;
    broken_.emplace(device.id, kWhole);
    mends_.push_back(Of(Kind::kInsert, device.id));
  }
}

Step Chaos::Of(Step::Kind kind, std::string element, uint32_t a, uint32_t b) const {
  Step step;
  step.kind = kind;
  step.element = std::move(element);
  step.a = a;
  step.b = b;
  return step;
}

Step Chaos::Next() {
  std::optional<Step> step;
  if (!mends_.empty() && random_.OneIn(2)) {
    std::swap(mends_[random_.Below(mends_.size())], mends_.back());
    step = std::move(mends_.back());
    mends_.pop_back();
    broken_.erase({step->element, IsOfPhy(*step) ? step->a : kWhole});
  }
  while (!step.has_value()) step = Break();
  if (std::optional<Step> mend = MendOf(*step)) {
    broken_.emplace(mend->element, IsOfPhy(*mend) ? mend->a : kWhole);
    mends_.push_back(*std::move(mend));
  }
  return *std::move(step);
}

std::vector<Step> Chaos::Take(size_t steps) {
  std::vector<Step> taken;
  while (taken.size() < steps) taken.push_back(Next());
  return taken;
}

std::optional<Step> Chaos::MendOf(const Step& step) {
  switch (step.kind) {
    case Kind::kPull: {
      // One drive in eight is replaced by another one; one in sixteen fails to come up.
      if (random_.OneIn(16)) {
        return Of(Kind::kInsertFailing, step.element, static_cast<uint32_t>(1 + random_.Below(3)));
      }
      Step insert = Of(Kind::kInsert, step.element);
      if (random_.OneIn(8)) insert.text = absl::StrCat("CHAOS", ++replacements_);
      return insert;
    }
    case Kind::kInsertFailing:
      return Of(Kind::kPull, step.element);
    case Kind::kPhyDown:
      return Of(Kind::kPhyUp, step.element, step.a);
    case Kind::kPhyUp:
      if (step.b == 0) return std::nullopt;
      return Of(Kind::kPhyUp, step.element, step.a);
    case Kind::kLoseExpander:
      return Of(Kind::kReturnExpander, step.element);
    case Kind::kPowerOff:
      return Of(Kind::kPowerOn, step.element);
    default:
      return std::nullopt;
  }
}

std::optional<Step> Chaos::Break() {
  int at = static_cast<int>(random_.Below(1000));
  if ((at -= shares_.phy) < 0) return BreakPhy(expanders_.empty() ? hosts_ : expanders_);
  if ((at -= shares_.host_phy) < 0) return BreakPhy(hosts_);
  if ((at -= shares_.expander) < 0) {
    if (expanders_.empty()) return std::nullopt;
    const std::string& id = Any(expanders_).id;
    if (broken_.contains({id, kWhole})) return std::nullopt;
    return Of(Kind::kLoseExpander, id);
  }
  if ((at -= shares_.enclosure) < 0) {
    if (enclosures_.empty()) return std::nullopt;
    const std::string& id = Any(enclosures_);
    if (broken_.contains({id, kWhole})) return std::nullopt;
    return Of(Kind::kPowerOff, id);
  }
  if ((at -= shares_.firmware) < 0) return BreakFirmware();
  if ((at -= shares_.notice) < 0) return Notify();
  if ((at -= shares_.host_reset) < 0) return Of(Kind::kReset, Any(hosts_).id);
  if ((at -= shares_.ioc_fault) < 0) {
    return Of(Kind::kIocFault, Any(hosts_).id, static_cast<uint32_t>(random_.Below(20)));
  }
  return BreakDrive();
}

std::optional<Step> Chaos::BreakDrive() {
  if (drives_.empty()) return BreakPhy(hosts_);
  const std::string& id = Any(drives_);
  if (broken_.contains({id, kWhole})) return std::nullopt;
  return Of(Kind::kPull, id);
}

std::optional<Step> Chaos::BreakPhy(const std::vector<Node>& nodes) {
  const Node& node = Any(nodes);
  const auto phy = static_cast<uint32_t>(random_.Below(std::min(node.phy_count, kPhys)));
  if (broken_.contains({node.id, phy})) return std::nullopt;
  if (random_.OneIn(4)) return Of(Kind::kPhyUp, node.id, phy, 3);
  return Of(Kind::kPhyDown, node.id, phy);
}

Step Chaos::BreakFirmware() {
  static const std::vector<Kind> kKinds = {Kind::kEventsLost,      Kind::kEventsDoubled,
                                           Kind::kEventsTruncated, Kind::kEventsReordered,
                                           Kind::kPageFaults,      Kind::kSmpFaults};
  return Of(Any(kKinds), Any(hosts_).id, static_cast<uint32_t>(1 + random_.Below(3)));
}

Step Chaos::Notify() {
  // SMART data; the end of an internal device reset; a task abort; an unknown reason.
  static const std::vector<uint32_t> kReasons = {0x05, 0x0E, 0x0A, 0x7F};
  const Node& host = Any(hosts_);
  if (!drives_.empty() && !random_.OneIn(4)) {
    return Of(Kind::kDeviceStatus, Any(drives_), Any(kReasons));
  }
  return Of(Kind::kBroadcast, host.id, static_cast<uint32_t>(random_.Below(host.phy_count)),
            static_cast<uint32_t>(1 + random_.Below(4)));
}

}  // namespace sasd::testing
