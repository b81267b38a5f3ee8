#include "tests/support/truth_check.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace sasd::testing {
namespace {

using Facts = std::set<std::string>;

std::string Number(const std::optional<PhyId>& phy) {
  return phy.has_value() ? absl::StrCat(phy->value()) : "-";
}

// Both sides write a fact by the same function, so that a difference is one of values.
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
                       std::optional<PhyId> phy, DevHandle handle, uint64_t enclosure,
                       std::optional<uint16_t> slot, absl::string_view serial, uint64_t size) {
  return absl::StrCat("end device ", ToHex(address), " port ", port.value(), ": parent ",
                      ToHex(parent), "/", Number(phy), ", handle ", handle.value(), ", enclosure ",
                      absl::Hex(enclosure), " slot ", slot.has_value() ? absl::StrCat(*slot) : "-",
                      ", serial ", serial, ", ", size, " bytes");
}

std::string EnclosureFact(uint64_t id, int slots, int start) {
  return absl::StrCat("enclosure ", absl::Hex(id), ": ", slots, " slots from ", start);
}

void AddPhys(SasAddress owner, const std::vector<emulator::TruthPhy>& phys, Facts* facts) {
  for (const emulator::TruthPhy& phy : phys) {
    facts->insert(PhyFact(owner, phy.phy, phy.rate, phy.attached, phy.attached_phy));
  }
}

Facts FactsOf(const emulator::HostTruth& truth) {
  Facts facts;
  facts.insert(absl::StrCat("host ", ToHex(truth.address)));
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

Facts FactsOf(const registry::Topology& topology, SasAddress host) {
  Facts facts;
  if (topology.Get<registry::Host>(host) != nullptr)
    facts.insert(absl::StrCat("host ", ToHex(host)));

  // The truth knows the phy at the other end only where that is a host or expander.
  absl::flat_hash_set<SasAddress> nodes = {host};
  topology.VisitExpandersOf(host, [&](const auto& e) { nodes.insert(e->key().address); });
  for (const auto& phy : topology.collection<registry::Phy>()) {
    const registry::PhyRecord& f = phy->facts;
    if (f.key.owner.host != host) continue;
    facts.insert(PhyFact(f.key.owner.address, f.key.phy, f.negotiated, f.attached,
                         nodes.contains(f.attached) ? f.attached_phy : std::nullopt));
  }
  topology.VisitExpandersOf(host, [&](const auto& e) {
    const registry::ExpanderRecord& f = e->facts;
    facts.insert(ExpanderFact(f.key.address, f.key.port, f.parent.address, f.handle, f.level,
                              f.enclosure.value(), f.product.view()));
  });
  topology.VisitEndDevicesOf(host, [&](const auto& d) {
    const registry::EndDeviceRecord& f = d->facts;
    const registry::UnitPath* unit = d->first_unit();
    const std::string serial = unit == nullptr
                                   ? absl::StrCat("(not attached: ", f.failure.view(), ")")
                                   : std::string(unit->facts.serial.view());
    facts.insert(DeviceFact(f.key.address, f.key.port, f.parent.address, f.parent_phy, f.handle,
                            f.enclosure.value(), f.slot, serial,
                            unit == nullptr ? 0 : unit->facts.size_bytes));
  });
  for (const auto& e : topology.collection<registry::Enclosure>()) {
    if (!absl::c_linear_search(e->hosts, host)) continue;
    facts.insert(EnclosureFact(e->id.value(), e->slot_count, e->start_slot));
  }
  return facts;
}

}  // namespace

std::vector<std::string> DifferencesFromTruth(const registry::Topology& topology,
                                              const emulator::HostTruth& truth, size_t limit) {
  const Facts expected = FactsOf(truth), actual = FactsOf(topology, truth.address);
  std::vector<std::string> missing, extra, lines;
  absl::c_set_difference(expected, actual, std::back_inserter(missing));
  absl::c_set_difference(actual, expected, std::back_inserter(extra));
  for (const std::string& fact : missing) lines.push_back("- " + fact);
  for (const std::string& fact : extra) lines.push_back("+ " + fact);
  absl::c_sort(lines, [](const std::string& a, const std::string& b) {
    return a.substr(2) < b.substr(2);  // the two versions of one fact beside each other
  });
  if (lines.size() > limit) lines.resize(limit);
  return lines;
}

}  // namespace sasd::testing
