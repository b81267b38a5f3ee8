#include "tests/support/truth_check.h"

#include <optional>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tests/lifetime/fact_text.h"

namespace sasd::testing {
namespace {

using lifetime::FactTexts;

FactTexts FactsOf(const registry::Topology& topology, HostKey host) {
  FactTexts facts;
  if (topology.Get<registry::Host>(host) != nullptr) facts.insert(lifetime::HostFact(host.address));

  // The truth has the attached phy only for hosts and expanders.
  absl::flat_hash_set<SasAddress> nodes = {host.address};
  topology.VisitExpandersOf(host, [&](const auto& e) { nodes.insert(e->key().address); });
  for (const auto& phy : topology.collection<registry::Phy>()) {
    const registry::PhyRecord& f = phy->facts;
    if (f.key.owner.host != host) continue;
    facts.insert(lifetime::PhyFact(f.key.owner.address, f.key.phy, f.negotiated, f.attached,
                                   nodes.contains(f.attached) ? f.attached_phy : std::nullopt));
  }
  topology.VisitExpandersOf(host, [&](const auto& e) {
    const registry::ExpanderRecord& f = e->facts;
    facts.insert(lifetime::ExpanderFact(f.key.address, f.key.port, f.parent.address, f.handle,
                                        f.level, f.enclosure.value(), f.product.view()));
  });
  topology.VisitEndDevicesOf(host, [&](const auto& d) {
    const registry::EndDeviceRecord& f = d->facts;
    const registry::UnitPath* unit = d->first_unit();
    const bool failing = f.state == DeviceState::kFailed && f.access_status != 0;
    const std::string serial = failing ? lifetime::FailingFact(f.access_status)
                               : unit == nullptr
                                   ? absl::StrCat("(not attached: ", f.failure.view(), ")")
                                   : std::string(unit->facts.serial.view());
    facts.insert(lifetime::DeviceFact(f.key.address, f.key.port, f.parent.address, f.parent_phy,
                                      f.handle, f.enclosure.value(), f.slot, serial,
                                      failing || unit == nullptr ? 0 : unit->facts.size_bytes));
  });
  for (const auto& e : topology.collection<registry::Enclosure>()) {
    if (!absl::c_linear_search(e->hosts, host)) continue;
    // As the host reports it: of the host itself, the number of slots is not shown.
    const auto report = absl::c_find_if(e->reports, [&](const auto& each) {
      return each.facts.host == host && each.source == Source::kFirmware;
    });
    if (report == e->reports.end()) continue;
    facts.insert(
        lifetime::EnclosureFact(e->id.value(), report->facts.slot_count, report->facts.start_slot));
  }
  return facts;
}

}  // namespace

std::vector<std::string> DifferencesFromTruth(const registry::Topology& topology,
                                              const emulator::HostTruth& truth, size_t limit) {
  return lifetime::DifferencesOf(lifetime::FactsOf(truth),
                                 FactsOf(topology, HostKey(truth.address)), limit);
}

}  // namespace sasd::testing
