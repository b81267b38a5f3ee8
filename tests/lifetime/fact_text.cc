#include "tests/lifetime/fact_text.h"

#include <iterator>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace sasd::lifetime {
namespace {

std::string Number(const std::optional<PhyId>& phy) {
  return phy.has_value() ? absl::StrCat(phy->value()) : "-";
}

// `seen`: what the host has.
void AddPhys(SasAddress owner, const std::vector<emulator::TruthPhy>& phys,
             const absl::flat_hash_set<SasAddress>& seen, FactTexts* facts) {
  for (const emulator::TruthPhy& phy : phys) {
    const bool shows = seen.contains(phy.attached);
    facts->insert(PhyFact(owner, phy.phy, phy.rate, shows ? phy.attached : SasAddress(0),
                          shows ? phy.attached_phy : std::nullopt));
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

std::string FailingFact(uint8_t access_status) {
  return absl::StrCat("(access status ", access_status, ")");
}

std::string EnclosureFact(uint64_t id, int slots, int start) {
  return absl::StrCat("enclosure ", absl::Hex(id), ": ", slots, " slots from ", start);
}

FactTexts FactsOf(const emulator::HostTruth& truth) {
  FactTexts facts;
  facts.insert(HostFact(truth.address));
  absl::flat_hash_set<SasAddress> seen = {truth.address};
  for (const emulator::TruthExpander& e : truth.expanders) seen.insert(e.address);
  for (const emulator::TruthDevice& d : truth.devices) seen.insert(d.address);
  AddPhys(truth.address, truth.phys, seen, &facts);
  for (const emulator::TruthExpander& e : truth.expanders) {
    facts.insert(ExpanderFact(e.address, e.port, e.parent, e.handle, e.level, e.enclosure.value(),
                              e.product));
    AddPhys(e.address, e.phys, seen, &facts);
  }
  for (const emulator::TruthDevice& d : truth.devices) {
    const bool placed = d.enclosure != SasAddress(0);
    facts.insert(DeviceFact(d.address, d.port, d.parent, d.parent_phy, d.handle,
                            d.enclosure.value(),
                            placed ? std::optional<uint16_t>(d.slot) : std::nullopt,
                            d.access_status == 0 ? d.serial : FailingFact(d.access_status),
                            d.access_status == 0 ? d.size_bytes : 0));
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
