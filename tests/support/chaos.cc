#include "tests/support/chaos.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::testing {

using emulator::ElementKind;
using emulator::FaultKind;

Chaos::Chaos(uint64_t seed, const ChaosShares& shares, emulator::Emulator& emulator)
    : shares_(shares), fabric_(emulator.fabric()), random_(seed) {
  for (const emulator::ElementState& element : fabric_.ListElements()) {
    switch (element.kind) {
      case ElementKind::kHost:
        hosts_.push_back(element.id);
        break;
      case ElementKind::kExpander:
        expanders_.push_back(element.id);
        break;
      case ElementKind::kEnclosure:
        enclosures_.push_back(element.id);
        break;
      case ElementKind::kDevice:
        if (element.slot.has_value()) drives_.push_back(element.id);
        break;
    }
  }
}

std::string Chaos::Act() {
  while (true) {
    const bool mend = !broken_.empty() && Below(2) == 0;
    std::string done = mend ? Mend() : Break();
    if (!done.empty()) return done;
  }
}

std::string Chaos::Mend() {
  const size_t at = Below(broken_.size());
  Broken broken = std::exchange(broken_[at], broken_.back());
  broken_.pop_back();
  // It can fail: a pulled drive's enclosure may be without power, an act may have been undone by
  // a larger one. What is still broken then stays so.
  return broken.mend().ok() ? absl::StrCat("mend: ", broken.what) : "";
}

std::string Chaos::Break() {
  int at = static_cast<int>(Below(1000));
  if ((at -= shares_.phy) < 0) return BreakPhy();
  if ((at -= shares_.expander) < 0) return BreakExpander();
  if ((at -= shares_.enclosure) < 0) return BreakEnclosure();
  if ((at -= shares_.firmware) < 0) return BreakFirmware();
  if ((at -= shares_.host_reset) < 0) return ResetHost();
  return BreakDrive();
}

std::string Chaos::BreakDrive() {
  const std::string& id = Any(drives_);
  // One in eight comes back as another drive.
  const std::string serial = Below(8) == 0 ? absl::StrCat("CHAOS", ++replacements_) : "";
  return Remember(fabric_.Pull(id), {absl::StrCat("pull ", id), [this, id, serial] {
                                       return fabric_.Insert(id, serial).status();
                                     }});
}

std::string Chaos::BreakPhy() {
  const std::string& id = Any(expanders_.empty() ? hosts_ : expanders_);
  const uint32_t phy = static_cast<uint32_t>(Below(24));
  if (Below(4) == 0) {
    const absl::Status status = fabric_.SetPhy(id, phy, true, 3);
    return Remember(status, {absl::StrCat("slow ", id, " phy ", phy),
                             [this, id, phy] { return fabric_.SetPhy(id, phy, true); }});
  }
  return Remember(fabric_.SetPhy(id, phy, false),
                  {absl::StrCat("down ", id, " phy ", phy),
                   [this, id, phy] { return fabric_.SetPhy(id, phy, true); }});
}

std::string Chaos::BreakExpander() {
  if (expanders_.empty()) return "";
  const std::string& id = Any(expanders_);
  return Remember(fabric_.SetExpander(id, false), {absl::StrCat("lose ", id), [this, id] {
                                                     return fabric_.SetExpander(id, true);
                                                   }});
}

std::string Chaos::BreakEnclosure() {
  if (enclosures_.empty()) return "";
  const std::string& id = Any(enclosures_);
  return Remember(
      fabric_.SetEnclosurePower(id, false),
      {absl::StrCat("power off ", id), [this, id] { return fabric_.SetEnclosurePower(id, true); }});
}

std::string Chaos::BreakFirmware() {
  static constexpr FaultKind kKinds[] = {FaultKind::kEventLost, FaultKind::kEventDuplicated,
                                         FaultKind::kEventTruncated, FaultKind::kEventsReordered,
                                         FaultKind::kPageReadFails};
  const size_t kind = Below(std::size(kKinds));
  const std::string& id = Any(hosts_);
  const uint32_t count = static_cast<uint32_t>(1 + Below(3));
  if (!fabric_.InjectFault(id, kKinds[kind], count).ok()) return "";
  return absl::StrCat("fault ", kind, " x", count, " on ", id);
}

std::string Chaos::ResetHost() {
  const std::string& id = Any(hosts_);
  return fabric_.ResetHost(id).ok() ? absl::StrCat("reset ", id) : "";
}

std::string Chaos::Remember(const absl::Status& status, Broken broken) {
  if (!status.ok()) return "";
  broken_.push_back(std::move(broken));
  return broken_.back().what;
}

}  // namespace sasd::testing
