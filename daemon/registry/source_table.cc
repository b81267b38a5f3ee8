#include "daemon/registry/source_table.h"

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace sasd::registry {
namespace {

template <typename Member>
struct MemberOf;
template <typename R, typename V>
struct MemberOf<V R::*> {
  using Record = R;
  using Value = V;
};
template <auto Member>
using RecordOf = typename MemberOf<decltype(Member)>::Record;

template <auto Member>
bool IsKnown(const RecordOf<Member>& record) {
  return !(record.*Member == typename MemberOf<decltype(Member)>::Value());
}

template <auto Member>
void CopyKnown(const RecordOf<Member>& from, RecordOf<Member>& to) {
  if (IsKnown<Member>(from)) to.*Member = from.*Member;
}

constexpr SourceOrder kFirmwareFirst = {Source::kFirmware, Source::kSysfs};
constexpr SourceOrder kSysfsFirst = {Source::kSysfs, Source::kFirmware};

// A row of the members `First` and `Rest` of one record.
template <auto First, auto... Rest>
constexpr FieldRule<RecordOf<First>> Row(absl::string_view fields, SourceOrder order,
                                         MergeRule rule = MergeRule::kFirstKnown) {
  using Record = RecordOf<First>;
  FieldRule<Record> row;
  row.fields = fields;
  row.order = order;
  row.rule = rule;
  row.known = rule == MergeRule::kTogether
                  ? +[](const Record& r) { return IsKnown<First>(r) && (IsKnown<Rest>(r) && ...); }
                  : +[](const Record& r) { return IsKnown<First>(r); };
  row.copy = [](const Record& from, Record& to) {
    to.*First = from.*First;
    ((to.*Rest = from.*Rest), ...);
  };
  row.copy_known = [](const Record& from, Record& to) {
    CopyKnown<First>(from, to);
    (CopyKnown<Rest>(from, to), ...);
  };
  return row;
}

template <auto First, auto... Rest>
constexpr FieldRule<RecordOf<First>> Key(absl::string_view fields) {
  return Row<First, Rest...>(fields, kFirmwareFirst, MergeRule::kKey);
}

// A row whose value makes, names or removes objects.
template <auto First, auto... Rest>
constexpr FieldRule<RecordOf<First>> Object(absl::string_view fields,
                                            MergeRule rule = MergeRule::kFirstKnown) {
  FieldRule<RecordOf<First>> row = Row<First, Rest...>(fields, kFirmwareFirst, rule);
  row.makes_objects = true;
  return row;
}

// A row of which the record has no value.
template <typename Record>
constexpr FieldRule<Record> NotOfRecord(absl::string_view fields, MergeRule rule) {
  FieldRule<Record> row;
  row.fields = fields;
  row.order = kFirmwareFirst;
  row.rule = rule;
  return row;
}

using H = HostFacts;
using P = PhyRecord;
using X = ExpanderRecord;
using D = EndDeviceRecord;
using U = UnitRecord;
using E = EnclosureFacts;

constexpr SourceTable kNodeSources(
    {
        {Source::kFirmware, "FIRMWARE", "the firmware", SourceRole::kFabric},
        {Source::kSysfs, "SYSFS", "the kernel", SourceRole::kOperatingSystem},
    },
    {
        {
            Key<&H::key>("sas_address"),
            Row<&H::board_name>("board_name", kFirmwareFirst),
            Row<&H::chip_name>("chip_name", kFirmwareFirst),
            Row<&H::firmware_version>("firmware_version", kFirmwareFirst),
            Row<&H::driver_name>("driver_name", kSysfsFirst),
            Row<&H::pci_address>("pci_address", kSysfsFirst),
            Row<&H::os_name>("os_name", kSysfsFirst),
            Row<&H::phy_count>("phy_count", kFirmwareFirst),
        },
        {
            Object<&DiscoveryFacts::state, &DiscoveryFacts::host, &DiscoveryFacts::status,
                   &DiscoveryFacts::status_text>(
                "discovery.state, discovery.status, discovery.status_text",
                MergeRule::kLeastSettled),
            Row<&DiscoveryFacts::reset_count>("discovery.reset_count", kFirmwareFirst),
        },
        {
            Key<&P::key>("owner, phy_identifier"),
            Object<&P::negotiated>("negotiated_link_rate", MergeRule::kPhyLink),
            Row<&P::hardware_min>("hardware_minimum_link_rate", kFirmwareFirst),
            Row<&P::hardware_max>("hardware_maximum_link_rate", kFirmwareFirst),
            Row<&P::programmed_min>("programmed_minimum_link_rate", kFirmwareFirst),
            Row<&P::programmed_max>("programmed_maximum_link_rate", kFirmwareFirst),
            Object<&P::attached>("attached_sas_address", MergeRule::kPhyLink),
            Object<&P::attached_phy>("attached_phy_identifier", MergeRule::kPhyLink),
            Row<&P::routing>("routing", kFirmwareFirst),
            Row<&P::is_virtual>("virtual_phy", kFirmwareFirst, MergeRule::kFirstReport),
            Row<&P::vacant>("vacant", kFirmwareFirst, MergeRule::kFirstReport),
            Row<&P::os_name>("os_name", kSysfsFirst),
        },
        {
            NotOfRecord<PortRecord>("owner, attached_sas_address", MergeRule::kKey),
            Row<&PortRecord::width>("width", kFirmwareFirst),
            Row<&PortRecord::os_name>("os_name", kSysfsFirst),
        },
        {
            Key<&X::key>("sas_address, host"),
            Object<&X::parent>("parent"),
            Row<&X::handle>("device_handle", kFirmwareFirst),
            Object<&X::enclosure>("enclosure"),
            Row<&X::phy_count>("phy_count", kFirmwareFirst),
            Row<&X::level>("level", kFirmwareFirst),
            Row<&X::vendor>("vendor", kFirmwareFirst),
            Row<&X::product>("product", kFirmwareFirst),
            Row<&X::revision>("product_revision", kFirmwareFirst),
            Row<&X::os_name>("os_name", kSysfsFirst),
        },
        {
            Key<&D::key>("sas_address, host"),
            Object<&D::parent>("parent"),
            Row<&D::parent_phy>("parent_phy_identifier", kFirmwareFirst),
            Row<&D::handle>("device_handle", kFirmwareFirst),
            Object<&D::state>("state", MergeRule::kDeviceState),
            Row<&D::protocols>("target_protocols, initiator_protocols", kFirmwareFirst),
            Object<&D::enclosure, &D::slot>("enclosure, slot", MergeRule::kTogether),
            Row<&D::ses_slot>("ses_slot", kFirmwareFirst),
            Row<&D::enclosure_level>("enclosure_level", kFirmwareFirst),
            Row<&D::connector_name>("connector_name", kFirmwareFirst),
            Row<&D::device_name>("device_name", kFirmwareFirst),
            Row<&D::access_status>("access_status", kFirmwareFirst, MergeRule::kFirstReport),
            Row<&D::failure>("failure", kFirmwareFirst),
            NotOfRecord<D>("logical_units, block_device, block_devices, scsi_address, vendor, "
                           "model, serial, peripheral_type",
                           MergeRule::kFirstUnit),
            Row<&D::os_name>("os_name", kSysfsFirst),
        },
        {
            Object<&U::wwid>("wwid"),
            Row<&U::rejected_wwid>("rejected_wwid", kFirmwareFirst),
            Row<&U::peripheral_type>("peripheral_type", kFirmwareFirst),
            Row<&U::vendor>("vendor", kFirmwareFirst),
            Row<&U::model>("model", kFirmwareFirst),
            Row<&U::revision>("product_revision", kFirmwareFirst),
            Row<&U::serial>("serial", kFirmwareFirst),
            Row<&U::size_bytes>("size_bytes", kFirmwareFirst),
            Key<&U::lun>("paths.lun"),
            Row<&U::scsi_address>("paths.scsi_address", kSysfsFirst),
            Row<&U::block_device>("paths.block_device", kSysfsFirst),
            Row<&U::generic_device>("paths.generic_device", kSysfsFirst),
            Row<&U::holders>("paths.holders", kSysfsFirst),
        },
        {
            Key<&E::key>("logical_id"),
            Object<&E::slot_count, &E::start_slot>("slot_count, start_slot"),
            Row<&E::level>("level", kFirmwareFirst),
            Row<&E::os_name>("os_name", kSysfsFirst),
        },
        {
            NotOfRecord<SlotRecord>("enclosure, slot", MergeRule::kKey),
            Row<&SlotRecord::label>("label", kFirmwareFirst),
            Row<&SlotRecord::os_name>("os_name", kSysfsFirst),
        },
    });
static_assert(kNodeSources.IsValid(), "see SourceTable::IsValid");

}  // namespace

const SourceTable& NodeSources() { return kNodeSources; }

bool FieldRow::Names(absl::string_view field) const {
  for (const absl::string_view name : absl::StrSplit(fields, ", ")) {
    if (name == field) return true;
    if (absl::StartsWith(name, field) && name[field.size()] == '.') return true;
  }
  return false;
}

SourceSet SourceTable::SourcesOf(ResourceKind kind, absl::string_view field) const {
  SourceSet sources;
  VisitRows(kind, [&](const FieldRow& row) {
    if (row.Names(field)) sources.Add(row.order.set());
  });
  return sources;
}

bool SourceTable::SetOrder(ResourceKind kind, absl::string_view field, SourceOrder order) {
  bool found = false;
  VisitRowsIn(rows_, kind, [&](FieldRow& row) {
    if (!row.Names(field)) return;
    row.order = order;
    found = true;
  });
  return found;
}

absl::string_view Describe(MergeRule rule) {
  switch (rule) {
    case MergeRule::kFirstKnown:
      return "the first source that knows the value";
    case MergeRule::kFirstReport:
      return "the first source that reports the object, even without a value";
    case MergeRule::kKey:
      return "part of the identity: equal in all sources";
    case MergeRule::kTogether:
      return "the first source that knows all of these fields; where none does, each field from "
             "the last source that knows it";
    case MergeRule::kPhyLink:
      return "the first source that knows the value or a rate of the phy; a source that knows the "
             "phy but no value means that there is none";
    case MergeRule::kDeviceState:
      return "the fabric's state; where that is DISCOVERED or ATTACHING, the operating system's, "
             "with ATTACHING instead of DISCOVERED";
    case MergeRule::kLeastSettled:
      return "the source whose discovery is least settled: RECOVERING, FAILED, IN_PROGRESS, IDLE, "
             "SETTLED";
    case MergeRule::kFirstUnit:
      return "as in the device's first logical unit";
  }
  return "";
}

absl::string_view Describe(SourceRole role) {
  switch (role) {
    case SourceRole::kFabric:
      return "sees the fabric; proves that an object exists";
    case SourceRole::kOperatingSystem:
      return "attaches devices; proves that an object exists";
    case SourceRole::kFields:
      return "adds fields to objects that other sources prove";
  }
  return "";
}

}  // namespace sasd::registry
