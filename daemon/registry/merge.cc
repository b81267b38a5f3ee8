#include "daemon/registry/merge.h"

#include <type_traits>

#include "absl/container/inlined_vector.h"

namespace sasd::registry {
namespace {

// How far from settled.
int Unsettledness(DiscoveryState state) {
  switch (state) {
    case DiscoveryState::kSettled:
      return 0;
    case DiscoveryState::kIdle:
      return 1;
    case DiscoveryState::kInProgress:
      return 2;
    case DiscoveryState::kFailed:
      return 3;
    case DiscoveryState::kRecovering:
      return 4;
  }
  return 1;
}

// The firmware reports an unknown rate of a phy that it knows where nothing is attached. There
// mpt3sas leaves the rate and the address of the device that was pulled.
bool KnowsPhy(const PhyRecord& record) {
  return record.negotiated != LinkRate::kUnknown || record.hardware_max != LinkRate::kUnknown;
}

// Applies the rows of the table to the reports on one object.
template <typename Record>
class Merger {
 public:
  using Rule = FieldRule<Record>;
  using Reports = absl::Span<const SourceReport<Record>>;

  Merger(const SourceTable& table, Reports reports) : table_(table), reports_(reports) {}

  Record Run() {
    for (const Rule& row : table_.rules<Record>()) Apply(row);
    return std::move(merged_);
  }

 private:
  void Apply(const Rule& row) {
    switch (row.rule) {
      case MergeRule::kFirstKnown:
        return Take(row, First(row, [&](const Record& r) { return row.known(r); }));
      case MergeRule::kFirstReport:
      case MergeRule::kKey:
        return Take(row, First(row, [](const Record&) { return true; }));
      case MergeRule::kTogether:
        return TakeTogether(row);
      case MergeRule::kPhyLink:
        if constexpr (std::is_same_v<Record, PhyRecord>) {
          Take(row, First(row, [&](const Record& r) { return row.known(r) || KnowsPhy(r); }));
        }
        return;
      case MergeRule::kDeviceState:
        if constexpr (std::is_same_v<Record, EndDeviceRecord>) MergeState(row);
        return;
      case MergeRule::kLeastSettled:
        if constexpr (std::is_same_v<Record, DiscoveryFacts>) TakeLeastSettled(row);
        return;
      case MergeRule::kFirstUnit:
        return;  // of no field of the record
    }
  }

  void Take(const Rule& row, const Record* record) {
    if (record != nullptr && row.copy != nullptr) row.copy(*record, merged_);
  }

  // The first report, in the order of the row, that is good; null where none is.
  template <typename IsGood>
  const Record* First(const Rule& row, IsGood is_good) const {
    for (const Source source : row.order) {
      for (const SourceReport<Record>& report : reports_) {
        if (report.source == source && is_good(*report.record)) return report.record;
      }
    }
    return nullptr;
  }
  const Record* FirstOf(const Rule& row, SourceSet sources) const {
    for (const Source source : row.order) {
      if (!sources.Has(source)) continue;
      for (const SourceReport<Record>& report : reports_) {
        if (report.source == source) return report.record;
      }
    }
    return nullptr;
  }

  void TakeTogether(const Rule& row) {
    if (const Record* all = First(row, [&](const Record& r) { return row.known(r); })) {
      return row.copy(*all, merged_);
    }
    for (const Source source : row.order) {
      for (const SourceReport<Record>& report : reports_) {
        if (report.source == source) row.copy_known(*report.record, merged_);
      }
    }
  }

  void MergeState(const Rule& row) {
    const Record* fabric = FirstOf(row, table_.fabric());
    const Record* system = FirstOf(row, table_.operating_system());
    const Record* decides = fabric == nullptr ? system : fabric;
    if (decides == nullptr) return;
    merged_.state = decides->state;
    const bool on_its_way =
        merged_.state == DeviceState::kDiscovered || merged_.state == DeviceState::kAttaching;
    if (fabric == nullptr || system == nullptr || !on_its_way) return;
    merged_.state =
        system->state == DeviceState::kDiscovered ? DeviceState::kAttaching : system->state;
  }

  void TakeLeastSettled(const Rule& row) {
    const Record* least = nullptr;
    for (const Source source : row.order) {
      for (const SourceReport<Record>& report : reports_) {
        if (report.source != source) continue;
        if (least == nullptr || Unsettledness(report.record->state) > Unsettledness(least->state)) {
          least = report.record;
        }
      }
    }
    Take(row, least);
  }

  const SourceTable& table_;
  const Reports reports_;
  Record merged_;
};

}  // namespace

template <typename Record>
Record Merge(const SourceTable& table, absl::Span<const SourceReport<Record>> reports) {
  return Merger<Record>(table, reports).Run();
}

template <typename Record>
Record Merge(const SourceTable& table, const ReportSet<Record>& reports) {
  absl::InlinedVector<SourceReport<Record>, kMaxSources> list;
  for (const Source source : reports.sources()) list.push_back({source, reports.Find(source)});
  return Merge<Record>(table, list);
}

#define SASD_INSTANTIATE_MERGE(Record)                                               \
  template Record Merge(const SourceTable&, absl::Span<const SourceReport<Record>>); \
  template Record Merge(const SourceTable&, const ReportSet<Record>&)
SASD_INSTANTIATE_MERGE(HostFacts);
SASD_INSTANTIATE_MERGE(DiscoveryFacts);
SASD_INSTANTIATE_MERGE(PhyRecord);
SASD_INSTANTIATE_MERGE(PortRecord);
SASD_INSTANTIATE_MERGE(ExpanderRecord);
SASD_INSTANTIATE_MERGE(EndDeviceRecord);
SASD_INSTANTIATE_MERGE(UnitRecord);
SASD_INSTANTIATE_MERGE(EnclosureFacts);
SASD_INSTANTIATE_MERGE(SlotRecord);
#undef SASD_INSTANTIATE_MERGE

void AddPathFields(const UnitRecord& path, LogicalUnit& unit) {
  if (unit.wwid.empty()) unit.wwid = path.wwid;
  if (unit.rejected_wwid.empty()) unit.rejected_wwid = path.rejected_wwid;
  if (unit.vendor.empty()) unit.vendor = path.vendor;
  if (unit.model.empty()) unit.model = path.model;
  if (unit.revision.empty()) unit.revision = path.revision;
  if (unit.serial.empty()) unit.serial = path.serial;
  if (unit.size_bytes == 0) unit.size_bytes = path.size_bytes;
  if (unit.peripheral_type == 0) unit.peripheral_type = path.peripheral_type;
}

PhyRecord Compact(const PhyFacts& facts) {
  PhyRecord record;
  record.key = facts.key;
  record.attached = facts.attached;
  record.os_name = facts.os_name;
  record.negotiated = facts.negotiated;
  record.hardware_min = facts.hardware_min;
  record.hardware_max = facts.hardware_max;
  record.programmed_min = facts.programmed_min;
  record.programmed_max = facts.programmed_max;
  record.attached_phy = facts.attached_phy;
  record.routing = facts.routing;
  record.is_virtual = facts.is_virtual;
  record.vacant = facts.vacant;
  record.nothing_attached = facts.nothing_attached;
  return record;
}

PortRecord Compact(const PortFacts& facts) { return {facts.os_name, facts.width}; }

ExpanderRecord Compact(const ExpanderFacts& facts, TextPool& pool) {
  ExpanderRecord record;
  record.key = facts.key;
  record.parent = facts.parent;
  record.enclosure = facts.enclosure;
  record.vendor = pool.Intern(facts.vendor);
  record.product = pool.Intern(facts.product);
  record.revision = pool.Intern(facts.revision);
  record.os_name = facts.os_name;
  record.handle = facts.handle;
  record.phy_count = facts.phy_count;
  record.level = facts.level;
  return record;
}

EndDeviceRecord Compact(const EndDeviceFacts& facts, TextPool& pool) {
  EndDeviceRecord record;
  record.key = facts.key;
  record.parent = facts.parent;
  record.enclosure = facts.enclosure;
  record.device_name = facts.device_name;
  record.connector_name = pool.Intern(facts.connector_name);
  record.failure = pool.Intern(facts.failure);
  record.os_name = facts.os_name;
  record.slot = facts.slot;
  record.ses_slot = facts.ses_slot;
  record.handle = facts.handle;
  record.parent_phy = facts.parent_phy;
  record.enclosure_level = facts.enclosure_level;
  record.protocols = facts.protocols;
  record.state = facts.state;
  record.access_status = facts.access_status;
  return record;
}

UnitRecord Compact(const LogicalUnitFacts& facts, TextPool& pool) {
  UnitRecord record;
  record.lun = facts.lun;
  record.size_bytes = facts.size_bytes;
  record.wwid = facts.wwid;
  record.rejected_wwid = pool.Intern(facts.rejected_wwid);
  record.vendor = pool.Intern(facts.vendor);
  record.model = pool.Intern(facts.model);
  record.revision = pool.Intern(facts.revision);
  record.serial = facts.serial;
  record.scsi_address = facts.scsi_address;
  record.block_device = facts.block_device;
  record.generic_device = facts.generic_device;
  for (const Holder& holder : facts.holders) {
    record.holders.push_back({pool.Intern(holder.name), holder.block_device, holder.kind});
  }
  record.peripheral_type = facts.peripheral_type;
  return record;
}

SlotRecord Compact(const SlotFacts& facts, TextPool& pool) {
  return {pool.Intern(facts.label), pool.Intern(facts.os_name)};
}

}  // namespace sasd::registry
