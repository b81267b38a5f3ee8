#ifndef DAEMON_REGISTRY_MERGE_H_
#define DAEMON_REGISTRY_MERGE_H_

#include <utility>

#include "absl/types/span.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/source_table.h"

// Makes one record of an object out of the reports of its sources, as the table of sources
// (source_table.h) orders them. The reports stay beside the merged record, so that a contradiction
// can be shown. Pure functions.
namespace sasd::registry {

template <typename Record>
struct SourceReport {
  Source source;
  const Record* record;  // not null
};

// Merges the reports on one object. A source may have several (an enclosure has one of each host);
// they are asked in their order. For HostFacts, DiscoveryFacts, EnclosureFacts and the records of
// resources.h.
template <typename Record>
Record Merge(const SourceTable& table, absl::Span<const SourceReport<Record>> reports);
template <typename Record>
Record Merge(const SourceTable& table, const ReportSet<Record>& reports);

// Whether the record of an object that these sources report is the report of one of them.
inline bool IsOneReport(const SourceTable& table, SourceSet sources) {
  return sources.size() == 1 && table.proving().HasAll(sources);
}

// `source` reports `report` on an object of which `sources` have reported `facts` and `by_source`.
template <typename Facts>
void AddReport(const SourceTable& table, Source source, Facts report, Facts& facts,
               BySource<Facts>& by_source, SourceSet& sources) {
  const SourceSet before = sources;
  sources.Add(source);
  if (IsOneReport(table, sources)) {
    facts = std::move(report);
    return;
  }
  if (!by_source) {
    ReportSet<Facts> reports;
    for (const Source other : before) reports.Set(other, std::move(facts));  // it is only one
    by_source = BySource<Facts>(std::move(reports));
  }
  by_source.mutable_get()->Set(source, std::move(report));
  facts = Merge(table, *by_source.get());
}

// `source` does not report the object any more. Where no source is left, `facts` stays as it was.
template <typename Facts>
void WithdrawReport(const SourceTable& table, Source source, Facts& facts,
                    BySource<Facts>& by_source, SourceSet& sources) {
  if (!sources.Has(source)) return;
  sources.Remove(source);
  if (!by_source) return;
  by_source.mutable_get()->Remove(source);
  if (!sources.empty()) facts = Merge(table, *by_source.get());
  if (sources.empty() || IsOneReport(table, sources)) by_source = BySource<Facts>();
}

// The last report of `source` itself; null where it has not reported the object.
template <typename Facts>
const Facts* ReportOf(Source source, const Facts& facts, const BySource<Facts>& by_source,
                      SourceSet sources) {
  if (!sources.Has(source)) return nullptr;
  return by_source ? by_source.get()->Find(source) : &facts;
}

// Gives the unit what the path knows and the paths before did not.
void AddPathFields(const UnitRecord& path, LogicalUnit& unit);

// The compact forms. Texts that repeat from object to object share their characters in `pool`.
PhyRecord Compact(const PhyFacts& facts);
PortRecord Compact(const PortFacts& facts);
ExpanderRecord Compact(const ExpanderFacts& facts, TextPool& pool);
EndDeviceRecord Compact(const EndDeviceFacts& facts, TextPool& pool);
UnitRecord Compact(const LogicalUnitFacts& facts, TextPool& pool);
SlotRecord Compact(const SlotFacts& facts, TextPool& pool);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_MERGE_H_
