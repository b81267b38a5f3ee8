#include "driver/lifetime/fact_text.h"

#include <iterator>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

namespace sasd::lifetime {
namespace {

std::string Number(const std::optional<PhyId>& phy) {
  return phy.has_value() ? absl::StrCat(phy->value()) : "-";
}

void AddPhys(SasAddress owner, const std::vector<emulator::TruthPhy>& phys, FactTexts* facts) {
  for (const emulator::TruthPhy& phy : phys) {
    facts->insert(PhyFact(owner, phy.phy, phy.rate, phy.attached, phy.attached_phy));
  }
}

}  // namespace

std::string HostFact(SasAddress address) { return absl::StrCat("host ", ToHex(address)); }

std::string PhyFact(SasAddress owner, PhyId phy, LinkRate rate, SasAddress attached,
                    const std::optional<PhyId>& attached_phy) {
  return absl::StrCat("phy ", ToHex(owner), "/", phy.value(), ": rate ", static_cast<int>(rate),
                      ", attached ", ToHex(attached), "/", Number(attached_phy));
}

std::string ExpanderFact(SasAddress address, PhysicalPort port, SasAddress parent, DevHandle handle,
                         int level, uint64_t enclosure, absl::string_view product) {
  return absl::StrCat("expander ", ToHex(address), " port ", port.value(), ": parent ",
                      ToHex(parent), ", handle ", handle.value(), ", level ", level, ", enclosure ",
                      absl::Hex(enclosure), ", ", product);
}

std::string DeviceFact(SasAddress address, PhysicalPort port, SasAddress parent,
                       const std::optional<PhyId>& phy, DevHandle handle, uint64_t enclosure,
                       const std::optional<uint16_t>& slot, absl::string_view serial,
                       uint64_t size) {
  return absl::StrCat("end device ", ToHex(address), " port ", port.value(), ": parent ",
                      ToHex(parent), "/", Number(phy), ", handle ", handle.value(), ", enclosure ",
                      absl::Hex(enclosure), " slot ", slot.has_value() ? absl::StrCat(*slot) : "-",
                      ", serial ", serial, ", ", size, " bytes");
}

std::string EnclosureFact(uint64_t id, int slots, int start) {
  return absl::StrCat("enclosure ", absl::Hex(id), ": ", slots, " slots from ", start);
}

FactTexts FactsOf(const emulator::HostTruth& truth) {
  FactTexts facts;
  facts.insert(HostFact(truth.address));
  AddPhys(truth.address, truth.phys, &facts);
  for (const emulator::TruthExpander& e : truth.expanders) {
    facts.insert(ExpanderFact(e.address, e.port, e.parent, e.handle, e.level, e.enclosure.value(),
                              e.product));
    AddPhys(e.address, e.phys, &facts);
  }
  for (const emulator::TruthDevice& d : truth.devices) {
    const bool placed = d.enclosure != SasAddress(0);
    facts.insert(DeviceFact(
        d.address, d.port, d.parent, d.parent_phy, d.handle, d.enclosure.value(),
        placed ? std::optional<uint16_t>(d.slot) : std::nullopt, d.serial, d.size_bytes));
  }
  for (const emulator::TruthEnclosure& e : truth.enclosures) {
    facts.insert(EnclosureFact(e.logical_id.value(), e.slot_count, e.start_slot));
  }
  return facts;
}

std::vector<std::string> DifferencesOf(const FactTexts& expected, const FactTexts& actual,
                                       size_t limit) {
  std::vector<std::string> missing, extra, lines;
  absl::c_set_difference(expected, actual, std::back_inserter(missing));
  absl::c_set_difference(actual, expected, std::back_inserter(extra));
  for (const std::string& fact : missing) lines.push_back("- " + fact);
  for (const std::string& fact : extra) lines.push_back("+ " + fact);
  absl::c_sort(
      lines, [](const std::string& a, const std::string& b) { return a.substr(2) < b.substr(2); });
  if (lines.size() > limit) lines.resize(limit);
  return lines;
}

}  // namespace sasd::lifetime
