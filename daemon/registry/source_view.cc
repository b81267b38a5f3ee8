#include "daemon/registry/source_view.h"

#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "daemon/registry/merge.h"

namespace sasd::registry {
namespace {

template <typename T>
std::optional<T> RecordOnly(Source source, const T& resource, SourceSet sources) {
  const auto* report = ReportOf(source, resource.facts, resource.by_source, sources);
  if (report == nullptr) return std::nullopt;
  T alone;
  alone.facts = *report;
  return alone;
}

UnitPathPtr OnlyFrom(Source source, const UnitPath& path) {
  const UnitRecord* report = ReportOf(source, path.facts, path.by_source, path.sources);
  if (report == nullptr) return nullptr;
  auto alone = std::make_shared<UnitPath>();
  alone->unit = path.unit;
  alone->facts = *report;
  return alone;
}

}  // namespace

std::optional<Host> OnlyFrom(const SourceTable&, Source source, const Host& host) {
  std::optional<Host> alone = RecordOnly(source, host, host.sources);
  const DiscoveryFacts* discovery = host.discovery_by_source.Find(source);
  if (alone.has_value() && discovery != nullptr) alone->discovery = *discovery;
  return alone;
}

std::optional<Phy> OnlyFrom(const SourceTable&, Source source, const Phy& phy) {
  return RecordOnly(source, phy, phy.sources);
}

std::optional<Port> OnlyFrom(const SourceTable&, Source source, const Port& port) {
  std::optional<Port> alone = RecordOnly(source, port, port.reported_by);
  if (!alone.has_value()) return alone;
  alone->id = port.id;
  alone->width = alone->facts.width;
  return alone;
}

std::optional<Expander> OnlyFrom(const SourceTable&, Source source, const Expander& expander) {
  return RecordOnly(source, expander, expander.sources);
}

std::optional<EndDevice> OnlyFrom(const SourceTable&, Source source, const EndDevice& device) {
  std::optional<EndDevice> alone = RecordOnly(source, device, device.sources);
  if (!alone.has_value()) return alone;
  for (const UnitPathPtr& path : device.units) {
    if (UnitPathPtr only = OnlyFrom(source, *path)) alone->units.push_back(std::move(only));
  }
  return alone;
}

std::optional<LogicalUnit> OnlyFrom(const SourceTable&, Source source, const LogicalUnit& unit) {
  LogicalUnit alone;
  alone.id = unit.id;
  for (const LogicalUnit::Path& path : unit.paths) {
    UnitPathPtr only = OnlyFrom(source, *path.facts);
    if (only == nullptr) continue;
    AddPathFields(only->facts, alone);
    alone.paths.push_back({path.device, std::move(only), path.state});
  }
  if (alone.paths.empty()) return std::nullopt;
  return alone;
}

std::optional<Enclosure> OnlyFrom(const SourceTable& table, Source source,
                                  const Enclosure& enclosure) {
  absl::InlinedVector<SourceReport<EnclosureFacts>, 4> reports;
  for (const Enclosure::Report& report : enclosure.reports) {
    if (report.source == source) reports.push_back({source, &report.facts});
  }
  if (reports.empty()) return std::nullopt;
  const EnclosureFacts facts = Merge<EnclosureFacts>(table, reports);
  Enclosure alone;
  alone.id = enclosure.id;
  alone.slot_count = facts.slot_count;
  alone.start_slot = facts.start_slot;
  alone.level = facts.level;
  alone.os_name = facts.os_name;
  return alone;
}

std::optional<Slot> OnlyFrom(const SourceTable&, Source source, const Slot& slot) {
  std::optional<Slot> alone = RecordOnly(source, slot, slot.reported_by);
  if (alone.has_value()) alone->id = slot.id;
  return alone;
}

}  // namespace sasd::registry
