#include "daemon/service/list_filters.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "daemon/service/behind.h"
#include "daemon/service/convert.h"
#include "daemon/service/filter_bounds.h"
#include "daemon/service/filter_fields.h"
#include "daemon/service/filter_matchers.h"
#include "daemon/service/filter_values.h"
#include "daemon/service/names.h"
#include "daemon/service/shown_fields.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rpc/did_you_mean.h"
#include "rpc/glob.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using registry::Topology;
using sas::v1::Condition;

using filters::Address;
using filters::AddressCodec;
using filters::Bit;
using filters::Bool;
using filters::Compiled;
using filters::Derived;
using filters::EnclosureCodec;
using filters::Enum;
using filters::Field;
using filters::Fields;
using filters::HostCodec;
using filters::IsNegated;
using filters::LogicalUnitCodec;
using filters::MadeText;
using filters::MessagePath;
using filters::Name;
using filters::NameCodec;
using filters::Names;
using filters::Number;
using filters::OwnerCodec;
using filters::Rate;
using filters::Text;
using filters::Texts;

std::string KnownHosts(const Topology& topology) {
  std::vector<std::string> names;
  for (const auto& host : topology.collection<registry::Host>()) {
    names.push_back(HostName(host->key()));
  }
  return names.empty() ? "there is none" : absl::StrCat("there are ", absl::StrJoin(names, ", "));
}

template <typename V>
bool Contains(const V& values, const typename V::value_type& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Those of a filter are ascending.
bool Contains(const std::vector<registry::Host::Key>& hosts, const registry::Host::Key& host) {
  return std::binary_search(hosts.begin(), hosts.end(), host);
}

// Only hosts and enclosures have one.
template <typename T>
absl::string_view AliasOf(const T& t) {
  if constexpr (std::is_same_v<T, registry::Host> || std::is_same_v<T, registry::Enclosure>) {
    return t.alias.view();
  } else {
    return {};
  }
}

// Adds the fields that every resource has: the first to the front.
template <typename T>
void AddCommon(Fields<T>& fields) {
  fields.insert(fields.begin(), {Name<T, NameCodec<T>>(
                                     "name", [](const T& t) -> typename T::Key { return t.key(); }),
                                 Text<T>("alias", [](const T& t) { return AliasOf(t); })});
  fields.push_back(Enum<T>("sources", sas::v1::Source_descriptor(), [](const T& t) {
    uint32_t bits = 0;
    for (const Source source : t.sources) bits |= Bit(ToProto(source));
    return bits;
  }));
  fields.push_back(Number<T>("revision", [](const T& t) -> std::optional<uint64_t> {
    return static_cast<uint64_t>(t.stamp.revision);
  }));
}

uint32_t ProtocolBits(uint8_t protocols) {
  return ((protocols & Protocols::kSsp) ? Bit(sas::v1::PROTOCOL_SSP) : 0) |
         ((protocols & Protocols::kStp) ? Bit(sas::v1::PROTOCOL_STP) : 0) |
         ((protocols & Protocols::kSmp) ? Bit(sas::v1::PROTOCOL_SMP) : 0) |
         ((protocols & Protocols::kSata) ? Bit(sas::v1::PROTOCOL_SATA) : 0);
}

// The numbers of RoutingAttribute are those of sas.v1.Routing.
static_assert(static_cast<int>(RoutingAttribute::kTable) == sas::v1::ROUTING_TABLE);

template <typename Small>
std::optional<uint64_t> Widened(const std::optional<Small>& number) {
  if (!number) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::optional<uint64_t> Widened(const std::optional<PhyId>& phy) {
  if (!phy) return std::nullopt;
  return phy->value();
}

absl::string_view UnitText(const registry::EndDevice& device,
                           registry::Text registry::UnitRecord::*member) {
  return device.units.empty() ? absl::string_view() : (device.first_unit()->facts.*member).view();
}

bool AnyHost(const registry::HostList& hosts, absl::FunctionRef<bool(const HostKey&)> matches) {
  return std::any_of(hosts.begin(), hosts.end(), matches);
}

// The text of any path of a logical unit.
template <registry::Text registry::UnitRecord::*kMember>
bool AnyPathText(const registry::LogicalUnit& unit,
                 absl::FunctionRef<bool(const absl::string_view&)> matches) {
  return std::any_of(unit.paths.begin(), unit.paths.end(), [matches](const auto& path) {
    return matches((path.facts->facts.*kMember).view());
  });
}

// A text of any unit of an end device, and of what sits in a slot. Empty ones do not count.
bool AnyText(const absl::InlinedVector<registry::UnitPathPtr, 1>& units,
             registry::Text registry::UnitRecord::*member,
             absl::FunctionRef<bool(const absl::string_view&)> matches) {
  return std::any_of(units.begin(), units.end(), [member, matches](const auto& path) {
    const registry::Text& text = path->facts.*member;
    return !text.empty() && matches(text.view());
  });
}
bool AnyOccupantText(const registry::Slot& slot, registry::Text registry::UnitRecord::*member,
                     absl::FunctionRef<bool(const absl::string_view&)> matches) {
  return std::any_of(
      slot.occupants.begin(), slot.occupants.end(),
      [member, matches](const auto& occupant) { return AnyText(occupant.units, member, matches); });
}

// The tables. Each lists the fields of the kind's message in its order, then derived ones; those of
// AddCommon() apart.
using OptionalNumber = std::optional<uint64_t>;

OptionalNumber IfSlotsAreKnown(const registry::Enclosure& enclosure, uint16_t number) {
  if (enclosure.slot_count == 0) return std::nullopt;
  return number;
}

template <typename T>
Fields<T> Table();

template <>
Fields<registry::Host> Table() {
  using T = registry::Host;
  return {
      Address<T>("sas_address", [](const T& t) { return t.facts.key.address; }),
      Text<T>("board_name", [](const T& t) { return absl::string_view(t.facts.board_name); }),
      Text<T>("chip_name", [](const T& t) { return absl::string_view(t.facts.chip_name); }),
      Text<T>("firmware_version",
              [](const T& t) { return absl::string_view(t.facts.firmware_version); }),
      Text<T>("driver_name", [](const T& t) { return absl::string_view(t.facts.driver_name); }),
      Text<T>("pci_address", [](const T& t) { return absl::string_view(t.facts.pci_address); }),
      Text<T>("os_name", [](const T& t) { return absl::string_view(t.facts.os_name); }),
      Number<T>("phy_count", [](const T& t) -> OptionalNumber { return t.facts.phy_count; }),
      Derived("`discovery.state`", "discovery.state",
              Enum<T>("discovery_state", sas::v1::DiscoveryState_descriptor(),
                      [](const T& t) { return Bit(ToProto(t.discovery.state)); })),
      Derived("`discovery.reset_count`", "discovery.reset_count",
              Number<T>("reset_count",
                        [](const T& t) -> OptionalNumber { return t.discovery.reset_count; })),
  };
}

template <>
Fields<registry::Phy> Table() {
  using T = registry::Phy;
  return {
      Name<T, OwnerCodec>("owner", [](const T& t) { return t.facts.key.owner; }),
      Number<T>("phy_identifier",
                [](const T& t) -> OptionalNumber { return t.facts.key.phy.value(); }),
      Rate<T>("negotiated_link_rate", [](const T& t) { return t.facts.negotiated; }),
      Rate<T>("hardware_minimum_link_rate", [](const T& t) { return t.facts.hardware_min; }),
      Rate<T>("hardware_maximum_link_rate", [](const T& t) { return t.facts.hardware_max; }),
      Rate<T>("programmed_minimum_link_rate", [](const T& t) { return t.facts.programmed_min; }),
      Rate<T>("programmed_maximum_link_rate", [](const T& t) { return t.facts.programmed_max; }),
      Address<T>("attached_sas_address", [](const T& t) { return t.facts.attached; }),
      Number<T>("attached_phy_identifier",
                [](const T& t) { return Widened(t.facts.attached_phy); }),
      Enum<T>("routing", sas::v1::Routing_descriptor(),
              [](const T& t) { return Bit(static_cast<int>(t.facts.routing)); }),
      Bool<T>("virtual_phy", [](const T& t) { return t.facts.is_virtual; }),
      Bool<T>("vacant", [](const T& t) { return t.facts.vacant; }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Derived("The host of the owner", "owner",
              Name<T, HostCodec>("host", [](const T& t) { return t.facts.key.owner.host; })),
      Derived("Whether `attached_sas_address` is not empty", "attached_sas_address",
              Bool<T>("attached", [](const T& t) { return t.facts.attached != SasAddress(0); })),
  };
}

std::string AttachedName(const registry::Port& port) {
  switch (port.attached.kind) {
    case registry::AttachedNode::Kind::kUnknown:
      break;
    case registry::AttachedNode::Kind::kHost:
      return HostName(port.id.owner.host);
    case registry::AttachedNode::Kind::kExpander:
      return OwnerName(port.attached_key());
    case registry::AttachedNode::Kind::kEndDevice:
      return EndDeviceName(port.attached_key());
  }
  return "";
}

template <>
Fields<registry::Port> Table() {
  using T = registry::Port;
  return {
      Name<T, OwnerCodec>("owner", [](const T& t) { return t.id.owner; }),
      Address<T>("attached_sas_address", [](const T& t) { return t.id.attached; }),
      MadeText<T>("attached", &AttachedName),
      Number<T>("width", [](const T& t) -> OptionalNumber { return t.width; }),
      Number<T>("widest_count", [](const T& t) -> OptionalNumber { return t.widest; }),
      Rate<T>("fastest_link_rate", [](const T& t) { return t.fastest; }),
      Rate<T>("link_rate", [](const T& t) { return t.link_rate; }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Derived("The host of the owner", "owner",
              Name<T, HostCodec>("host", [](const T& t) { return t.id.owner.host; })),
  };
}

template <>
Fields<registry::Expander> Table() {
  using T = registry::Expander;
  return {
      Address<T>("sas_address", [](const T& t) { return t.facts.key.address; }),
      Name<T, HostCodec>("host", [](const T& t) { return t.facts.key.host; }),
      Name<T, OwnerCodec>("parent", [](const T& t) { return t.facts.parent; }),
      Number<T>("device_handle",
                [](const T& t) -> OptionalNumber { return t.facts.handle.value(); }),
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.facts.enclosure; }),
      Number<T>("phy_count", [](const T& t) -> OptionalNumber { return t.facts.phy_count; }),
      Number<T>("level", [](const T& t) -> OptionalNumber { return t.facts.level; }),
      Text<T>("vendor", [](const T& t) { return t.facts.vendor.view(); }),
      Text<T>("product", [](const T& t) { return t.facts.product.view(); }),
      Text<T>("product_revision", [](const T& t) { return t.facts.revision.view(); }),
      Number<T>("link_width", [](const T& t) -> OptionalNumber { return t.link_width; }),
      Rate<T>("link_rate", [](const T& t) { return t.link_rate; }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
  };
}

template <>
Fields<registry::EndDevice> Table() {
  using T = registry::EndDevice;
  using registry::UnitRecord;
  return {
      Address<T>("sas_address", [](const T& t) { return t.facts.key.address; }),
      Name<T, HostCodec>("host", [](const T& t) { return t.facts.key.host; }),
      Name<T, OwnerCodec>("parent", [](const T& t) { return t.facts.parent; }),
      Number<T>("parent_phy_identifier", [](const T& t) { return Widened(t.facts.parent_phy); }),
      Number<T>("device_handle",
                [](const T& t) -> OptionalNumber { return t.facts.handle.value(); }),
      Enum<T>("state", sas::v1::DeviceState_descriptor(),
              [](const T& t) { return Bit(ToProto(t.facts.state)); }),
      Enum<T>("target_protocols", sas::v1::Protocol_descriptor(),
              [](const T& t) { return ProtocolBits(t.facts.protocols.target); }),
      Enum<T>("initiator_protocols", sas::v1::Protocol_descriptor(),
              [](const T& t) { return ProtocolBits(t.facts.protocols.initiator); }),
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.facts.enclosure; }),
      Number<T>("slot", [](const T& t) { return Widened(t.facts.slot); }),
      Number<T>("enclosure_level", [](const T& t) { return Widened(t.facts.enclosure_level); }),
      Text<T>("connector_name", [](const T& t) { return t.facts.connector_name.view(); }),
      Address<T>("device_name", [](const T& t) { return t.facts.device_name; }),
      Number<T>("access_status",
                [](const T& t) -> OptionalNumber { return t.facts.access_status; }),
      Text<T>("failure", [](const T& t) { return t.facts.failure.view(); }),
      Rate<T>("link_rate", [](const T& t) { return t.link_rate; }),
      Number<T>("link_width", [](const T& t) -> OptionalNumber { return t.link_width; }),
      Names<T, LogicalUnitCodec>(
          "logical_units",
          [](const T& t, absl::FunctionRef<bool(const registry::LogicalUnitKey&)> matches) {
            return std::any_of(t.units.begin(), t.units.end(),
                               [matches](const auto& path) { return matches(path->unit); });
          }),
      Text<T>("block_device", [](const T& t) { return UnitText(t, &UnitRecord::block_device); }),
      Text<T>("scsi_address", [](const T& t) { return UnitText(t, &UnitRecord::scsi_address); }),
      Text<T>("vendor", [](const T& t) { return UnitText(t, &UnitRecord::vendor); }),
      Text<T>("model", [](const T& t) { return UnitText(t, &UnitRecord::model); }),
      Text<T>("serial", [](const T& t) { return UnitText(t, &UnitRecord::serial); }),
      Number<T>("peripheral_type",
                [](const T& t) -> OptionalNumber {
                  if (t.units.empty()) return std::nullopt;
                  return t.first_unit()->facts.peripheral_type;
                }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Texts<T>("block_devices",
               [](const T& t, absl::FunctionRef<bool(const absl::string_view&)> matches) {
                 return AnyText(t.units, &UnitRecord::block_device, matches);
               }),
      Text<T>("slot_label", [](const T& t) { return t.slot_label.view(); }),
  };
}

template <>
Fields<registry::LogicalUnit> Table() {
  using T = registry::LogicalUnit;
  using registry::UnitRecord;
  return {
      Text<T>("wwid", [](const T& t) { return t.wwid.view(); }),
      Number<T>("peripheral_type", [](const T& t) -> OptionalNumber { return t.peripheral_type; }),
      Text<T>("vendor", [](const T& t) { return t.vendor.view(); }),
      Text<T>("model", [](const T& t) { return t.model.view(); }),
      Text<T>("product_revision", [](const T& t) { return t.revision.view(); }),
      Text<T>("serial", [](const T& t) { return t.serial.view(); }),
      Number<T>("size_bytes", [](const T& t) -> OptionalNumber { return t.size_bytes; }),
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.enclosure; }),
      Number<T>("slot", [](const T& t) { return Widened(t.slot); }),
      Number<T>("most_path_count", [](const T& t) -> OptionalNumber { return t.most_paths; }),
      Names<T, HostCodec>("lost_hosts",
                          [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                            return t.lost_hosts && AnyHost(*t.lost_hosts.get(), matches);
                          }),
      Text<T>("rejected_wwid", [](const T& t) { return t.rejected_wwid.view(); }),
      Text<T>("slot_label", [](const T& t) { return t.slot_label.view(); }),
      Derived("The number of `paths`", "paths",
              Number<T>("path_count", [](const T& t) -> OptionalNumber { return t.paths.size(); })),
      Derived("The hosts of its `paths`", "paths.host",
              Names<T, HostCodec>("host",
                                  [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                                    return std::any_of(t.paths.begin(), t.paths.end(),
                                                       [matches](const auto& path) {
                                                         return matches(path.device.host);
                                                       });
                                  })),
      Derived("The end devices of its `paths`", "paths.end_device",
              Names<T, NameCodec<registry::EndDevice>>(
                  "end_device",
                  [](const T& t, absl::FunctionRef<bool(const NodeKey&)> matches) {
                    return std::any_of(t.paths.begin(), t.paths.end(), [matches](const auto& path) {
                      return matches(path.device);
                    });
                  })),
      Derived("The states of its `paths`", "paths.state",
              Enum<T>("state", sas::v1::DeviceState_descriptor(),
                      [](const T& t) {
                        uint32_t bits = 0;
                        for (const T::Path& path : t.paths) bits |= Bit(ToProto(path.state));
                        return bits;
                      })),
      Derived("The block devices of its `paths`", "paths.block_device",
              Texts<T>("block_device", &AnyPathText<&UnitRecord::block_device>)),
      Derived("The SCSI addresses of its `paths`", "paths.scsi_address",
              Texts<T>("scsi_address", &AnyPathText<&UnitRecord::scsi_address>)),
      Derived("The SCSI generic devices of its `paths`", "paths.generic_device",
              Texts<T>("generic_device", &AnyPathText<&UnitRecord::generic_device>)),
  };
}

template <>
Fields<registry::Enclosure> Table() {
  using T = registry::Enclosure;
  return {
      Address<T>("logical_id", [](const T& t) { return SasAddress(t.id.value()); }),
      Names<T, HostCodec>("hosts",
                          [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                            return AnyHost(t.hosts, matches);
                          }),
      Text<T>("vendor", [](const T& t) { return t.vendor.view(); }),
      Text<T>("model", [](const T& t) { return t.model.view(); }),
      Text<T>("product_revision", [](const T& t) { return t.revision.view(); }),
      Number<T>("slot_count", [](const T& t) { return IfSlotsAreKnown(t, t.slot_count); }),
      Number<T>("start_slot", [](const T& t) { return IfSlotsAreKnown(t, t.start_slot); }),
      Number<T>("level", [](const T& t) { return Widened(t.level); }),
      Number<T>("occupied_slot_count",
                [](const T& t) -> OptionalNumber { return t.occupied_slot_count; }),
      Names<T, NameCodec<registry::EndDevice>>(
          "ses_devices",
          [](const T& t, absl::FunctionRef<bool(const NodeKey&)> matches) {
            return std::any_of(t.ses_devices.begin(), t.ses_devices.end(), matches);
          }),
      Names<T, NameCodec<registry::Expander>>(
          "expanders",
          [](const T& t, absl::FunctionRef<bool(const NodeKey&)> matches) {
            return std::any_of(t.expanders.begin(), t.expanders.end(), matches);
          }),
      Text<T>("os_name", [](const T& t) { return t.os_name.view(); }),
  };
}

template <>
Fields<registry::Slot> Table() {
  using T = registry::Slot;
  return {
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.id.enclosure; }),
      Number<T>("slot", [](const T& t) -> OptionalNumber { return t.id.slot; }),
      Text<T>("label", [](const T& t) { return t.facts.label.view(); }),
      Bool<T>("occupied", [](const T& t) { return t.occupied(); }),
      Names<T, NameCodec<registry::EndDevice>>(
          "end_devices",
          [](const T& t, absl::FunctionRef<bool(const NodeKey&)> matches) {
            return std::any_of(t.occupants.begin(), t.occupants.end(),
                               [matches](const auto& o) { return matches(o.device); });
          }),
      Name<T, LogicalUnitCodec>("logical_unit", [](const T& t) { return t.logical_unit; }),
      Text<T>("vendor", [](const T& t) { return t.vendor.view(); }),
      Text<T>("model", [](const T& t) { return t.model.view(); }),
      Text<T>("serial", [](const T& t) { return t.serial.view(); }),
      Texts<T>("block_devices",
               [](const T& t, absl::FunctionRef<bool(const absl::string_view&)> matches) {
                 return AnyOccupantText(t, &registry::UnitRecord::block_device, matches);
               }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Names<T, HostCodec>("hosts",
                          [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                            return AnyHost(t.hosts, matches);
                          }),
      Names<T, LogicalUnitCodec>(
          "logical_units",
          [](const T& t, absl::FunctionRef<bool(const registry::LogicalUnitKey&)> matches) {
            return std::any_of(t.occupants.begin(), t.occupants.end(), [matches](const auto& o) {
              return std::any_of(o.units.begin(), o.units.end(),
                                 [matches](const auto& path) { return matches(path->unit); });
            });
          }),
      Texts<T>("serials",
               [](const T& t, absl::FunctionRef<bool(const absl::string_view&)> matches) {
                 return AnyOccupantText(t, &registry::UnitRecord::serial, matches);
               }),
  };
}

// The message of a kind.
const Descriptor& MessageOf(registry::ResourceKind kind) {
  return *sas::v1::Resource::descriptor()
              ->FindFieldByNumber(static_cast<int>(kind))
              ->message_type();
}

MessagePath PathOf(const Descriptor& message, const std::string& text) {
  MessagePath path;
  const Descriptor* type = &message;
  for (const absl::string_view name : absl::StrSplit(text, '.')) {
    const FieldDescriptor* const field = type->FindFieldByName(std::string(name));
    ABSL_INTERNAL_CHECK(field != nullptr, "the table names fields of the messages");
    path.push_back(field);
    type = field->message_type();
  }
  return path;
}

template <typename T>
const Fields<T>& FieldsOf() {
  static const auto* const fields = [] {
    auto* made = new Fields<T>(Table<T>());
    AddCommon(*made);
    std::stable_partition(made->begin(), made->end(),
                          [](const Field<T>& field) { return field.about.note.empty(); });
    for (Field<T>& field : *made) {
      field.message_path =
          PathOf(MessageOf(T::kKind), field.shown.empty() ? field.about.name : field.shown);
    }
    return made;
  }();
  return *fields;
}

// ------------------------------------------------------------------------------------- Filters

bool BelongsTo(const registry::Host& host, const std::vector<HostKey>& hosts) {
  return Contains(hosts, host.facts.key);
}
bool BelongsTo(const registry::Phy& phy, const std::vector<HostKey>& hosts) {
  return Contains(hosts, phy.facts.key.owner.host);
}
bool BelongsTo(const registry::Port& port, const std::vector<HostKey>& hosts) {
  return Contains(hosts, port.id.owner.host);
}
bool BelongsTo(const registry::Expander& expander, const std::vector<HostKey>& hosts) {
  return Contains(hosts, expander.facts.key.host);
}
bool BelongsTo(const registry::EndDevice& device, const std::vector<HostKey>& hosts) {
  return Contains(hosts, device.facts.key.host);
}
bool BelongsTo(const registry::LogicalUnit& unit, const std::vector<HostKey>& hosts) {
  return std::any_of(unit.paths.begin(), unit.paths.end(),
                     [&hosts](const auto& path) { return Contains(hosts, path.device.host); });
}
bool BelongsTo(const registry::Enclosure& enclosure, const std::vector<HostKey>& hosts) {
  return AnyHost(enclosure.hosts, [&hosts](HostKey host) { return Contains(hosts, host); });
}
bool BelongsTo(const registry::Slot& slot, const std::vector<HostKey>& hosts) {
  return AnyHost(slot.hosts, [&hosts](HostKey host) { return Contains(hosts, host); });
}

template <typename T>
const Field<T>* FindField(const std::string& name) {
  const Fields<T>& fields = FieldsOf<T>();
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&name](const auto& known) { return known.about.name == name; });
  return field == fields.end() ? nullptr : &*field;
}

// `of`: the kinds that do not have the field, "slots".
grpc::Status UnknownField(const std::string& path, const std::string& field, absl::string_view of,
                          const std::vector<std::string>& names) {
  return rpc::BadField(
      absl::StrCat(path, ".field"),
      absl::StrCat("no field \"", field, "\" of ", of, " to filter by",
                   rpc::DidYouMean(field, names), " (fields: ", absl::StrJoin(names, ", "), ")"));
}

std::string ConditionPath(int i) { return absl::StrCat("filter.conditions[", i, "]"); }

template <typename T>
grpc::Status ReadCondition(const Condition& condition, const std::string& path,
                           Compiled<T>* compiled) {
  const Field<T>* const field = FindField<T>(condition.field());
  if (field == nullptr) {
    std::vector<std::string> names;
    for (const auto& known : FieldsOf<T>()) names.push_back(known.about.name);
    return UnknownField(path, condition.field(), absl::StrCat(registry::ToString(T::kKind), "s"),
                        names);
  }
  grpc::Status status = filters::CheckOperator(condition, field->about, path);
  if (!status.ok()) return status;
  return field->compile(condition, path, field->message_path, compiled);
}

template <typename T>
std::vector<FilterField> AboutFields() {
  std::vector<FilterField> about;
  for (const Field<T>& field : FieldsOf<T>()) about.push_back(field.about);
  return about;
}

}  // namespace

grpc::Status ReadHosts(const google::protobuf::RepeatedPtrField<std::string>& names,
                       absl::string_view field, const Topology& topology,
                       std::vector<HostKey>* hosts) {
  for (int i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(field, "[", i, "]");
    const absl::StatusOr<HostKey> host = ParseHostName(names[i]);
    if (!host.ok()) return rpc::BadField(path, host.status().message());
    if (topology.collection<registry::Host>().Find(*host) == nullptr) {
      return rpc::BadField(path,
                           absl::StrCat("\"", names[i], "\" is not there; ", KnownHosts(topology)));
    }
    hosts->push_back(*host);
  }
  return grpc::Status::OK;
}

template <typename T>
grpc::Status ReadFilter(const sas::v1::Filter& filter, const Topology& topology,
                        Predicate<T>* predicate) {
  grpc::Status status = CheckBounds(filter);
  if (!status.ok()) return status;
  if (!filter.kinds().empty()) return rpc::BadField("filter.kinds", "a list has one kind");
  std::vector<Predicate<T>> all;
  std::vector<HostKey> hosts;
  status = ReadHosts(filter.hosts(), "filter.hosts", topology, &hosts);
  if (!hosts.empty()) {
    std::sort(hosts.begin(), hosts.end());
    all.push_back([hosts = std::move(hosts)](const T& t) { return BelongsTo(t, hosts); });
  }
  if (status.ok() && !filter.behind().empty()) {
    std::shared_ptr<const Behind> behind;
    status = ReadBehind(filter.behind(), "filter.behind", topology, &behind);
    all.push_back([behind](const T& t) { return behind->Has(t); });
  }
  for (int i = 0; status.ok() && i < filter.conditions_size(); ++i) {
    Compiled<T> compiled;
    status = ReadCondition(filter.conditions(i), ConditionPath(i), &compiled);
    all.push_back(std::move(compiled.resource));
  }
  *predicate = [all = std::move(all)](const T& t) {
    return std::all_of(all.begin(), all.end(), [&t](const Predicate<T>& p) { return p(t); });
  };
  return status;
}

#define SASD_READ_FILTER(T) \
  template grpc::Status ReadFilter<T>(const sas::v1::Filter&, const Topology&, Predicate<T>*)
SASD_READ_FILTER(registry::Host);
SASD_READ_FILTER(registry::Phy);
SASD_READ_FILTER(registry::Port);
SASD_READ_FILTER(registry::Expander);
SASD_READ_FILTER(registry::EndDevice);
SASD_READ_FILTER(registry::LogicalUnit);
SASD_READ_FILTER(registry::Enclosure);
SASD_READ_FILTER(registry::Slot);
#undef SASD_READ_FILTER

namespace {

// The kind of what each value of a condition on `name` names. None: a pattern, or no name.
using NamedKinds = std::vector<std::optional<registry::ResourceKind>>;

NamedKinds NamedKindsOf(const Condition& condition) {
  NamedKinds kinds;
  if (condition.field() != "name") return kinds;
  for (const std::string& value : condition.values()) {
    kinds.emplace_back();
    const absl::StatusOr<rpc::Glob> glob = rpc::Glob::Parse(value);
    if (!glob.ok() || !glob->is_plain()) continue;
    const absl::StatusOr<registry::ResourceId> id = ParseName(glob->plain());
    if (id.ok()) kinds.back() = registry::KindOf(*id);
  }
  return kinds;
}

// Reads the conditions of one of several kinds. `named`: for each condition.
using KindReader = grpc::Status (*)(const sas::v1::Filter& filter,
                                    const std::vector<NamedKinds>& named, KindConditions* out);

// The condition without values that name a resource of another kind. True if such a value was left
// out and none remains.
bool LeaveOutOtherKinds(registry::ResourceKind kind, const NamedKinds& named,
                        const Condition& condition, Condition* left) {
  left->set_field(condition.field());
  left->set_operator_(condition.operator_());
  for (int i = 0; i < condition.values_size(); ++i) {
    const std::optional<registry::ResourceKind>& of = named[static_cast<size_t>(i)];
    if (!of.has_value() || *of == kind) left->add_values(condition.values(i));
  }
  return condition.values_size() > 0 && left->values().empty();
}

template <typename T>
grpc::Status ReadKind(const sas::v1::Filter& filter, const std::vector<NamedKinds>& named,
                      KindConditions* out) {
  std::vector<Predicate<T>> resource;
  std::vector<Predicate<Message>> message;
  const bool only_kind = filter.kinds_size() == 1;
  for (int i = 0; i < filter.conditions_size(); ++i) {
    const Condition* condition = &filter.conditions(i);
    const NamedKinds& kinds = named[static_cast<size_t>(i)];
    Condition left;
    if (!only_kind && !kinds.empty()) {
      if (LeaveOutOtherKinds(T::kKind, kinds, *condition, &left)) {
        if (IsNegated(*condition)) continue;
        return grpc::Status::OK;  // no resource of the kind has one of these names
      }
      condition = &left;
    }
    Compiled<T> compiled;
    grpc::Status status = ReadCondition(*condition, ConditionPath(i), &compiled);
    if (!status.ok()) return status;
    resource.push_back(std::move(compiled.resource));
    message.push_back(std::move(compiled.message));
  }
  out->resource = [all = std::move(resource)](const registry::ResourceRef& ref) {
    const T& t = *std::get<registry::IndexOf<T>()>(ref);
    return std::all_of(all.begin(), all.end(), [&t](const Predicate<T>& p) { return p(t); });
  };
  out->message = [all = std::move(message)](const Message& m) {
    return std::all_of(all.begin(), all.end(), [&m](const auto& p) { return p(m); });
  };
  return grpc::Status::OK;
}

constexpr KindReader kKindReaders[registry::kResourceKindCount] = {
    &ReadKind<registry::Host>,      &ReadKind<registry::Phy>,
    &ReadKind<registry::Port>,      &ReadKind<registry::Expander>,
    &ReadKind<registry::EndDevice>, &ReadKind<registry::LogicalUnit>,
    &ReadKind<registry::Enclosure>, &ReadKind<registry::Slot>,
};

// The kinds that a filter names, or all.
std::vector<registry::ResourceKind> KindsOf(const sas::v1::Filter& filter) {
  std::vector<registry::ResourceKind> kinds;
  for (size_t i = 1; i <= registry::kResourceKindCount; ++i) {
    const auto kind = static_cast<registry::ResourceKind>(i);
    if (filter.kinds().empty() || Contains(filter.kinds(), static_cast<int>(i))) {
      kinds.push_back(kind);
    }
  }
  return kinds;
}

bool HasField(registry::ResourceKind kind, const std::string& field) {
  const std::vector<FilterField> fields = FilterFieldsOf(kind);
  return std::any_of(fields.begin(), fields.end(),
                     [&field](const FilterField& known) { return known.name == field; });
}

}  // namespace

grpc::Status ReadConditions(const sas::v1::Filter& filter, ConditionsByKind* out) {
  std::vector<registry::ResourceKind> kinds = KindsOf(filter);
  std::vector<std::string> fields;
  for (int i = 0; i < filter.conditions_size(); ++i) {
    const std::string& field = filter.conditions(i).field();
    if (std::none_of(kinds.begin(), kinds.end(),
                     [&field](const auto kind) { return HasField(kind, field); })) {
      std::vector<std::string> names, plurals;
      for (const auto kind : kinds) {
        plurals.push_back(absl::StrCat(registry::ToString(kind), "s"));
        for (const FilterField& known : FilterFieldsOf(kind)) {
          if (!Contains(names, known.name)) names.push_back(known.name);
        }
      }
      return UnknownField(ConditionPath(i), field,
                          filter.kinds().empty() ? "any kind" : absl::StrJoin(plurals, ", "),
                          names);
    }
    if (!Contains(fields, field)) fields.push_back(field);
  }
  kinds.erase(std::remove_if(kinds.begin(), kinds.end(),
                             [&fields](const auto kind) {
                               return !std::all_of(
                                   fields.begin(), fields.end(),
                                   [kind](const auto& field) { return HasField(kind, field); });
                             }),
              kinds.end());
  if (kinds.empty()) {
    return rpc::BadField("filter.conditions", absl::StrCat("no kind has all of the fields ",
                                                           absl::StrJoin(fields, ", ")));
  }
  std::vector<NamedKinds> named;
  for (const Condition& condition : filter.conditions()) named.push_back(NamedKindsOf(condition));
  for (const auto kind : kinds) {
    const size_t i = static_cast<size_t>(kind) - 1;
    grpc::Status status = kKindReaders[i](filter, named, &(*out)[i]);
    if (!status.ok()) return status;
  }
  return grpc::Status::OK;
}

std::vector<FilterField> FilterFieldsOf(registry::ResourceKind kind) {
  switch (kind) {
    case registry::ResourceKind::kHost:
      return AboutFields<registry::Host>();
    case registry::ResourceKind::kPhy:
      return AboutFields<registry::Phy>();
    case registry::ResourceKind::kPort:
      return AboutFields<registry::Port>();
    case registry::ResourceKind::kExpander:
      return AboutFields<registry::Expander>();
    case registry::ResourceKind::kEndDevice:
      return AboutFields<registry::EndDevice>();
    case registry::ResourceKind::kLogicalUnit:
      return AboutFields<registry::LogicalUnit>();
    case registry::ResourceKind::kEnclosure:
      return AboutFields<registry::Enclosure>();
    case registry::ResourceKind::kSlot:
      return AboutFields<registry::Slot>();
  }
  return {};
}

std::string FilterFieldsMarkdown() {
  std::string text;
  for (size_t i = 1; i <= registry::kResourceKindCount; ++i) {
    const auto kind = static_cast<registry::ResourceKind>(i);
    const auto* message = sas::v1::Resource::descriptor()->FindFieldByNumber(static_cast<int>(i));
    absl::StrAppend(&text, i == 1 ? "" : "\n", "## ", message->message_type()->name(),
                    "\n\n| Field | Type | Operators | Derived from |\n|---|---|---|---|\n");
    for (const FilterField& field : FilterFieldsOf(kind)) {
      absl::StrAppend(&text, "| `", field.name, "` | ", field.type, " | ",
                      field.ordered ? "`=` `!=` `<` `<=` `>` `>=`" : "`=` `!=`", " | ", field.note,
                      " |\n");
    }
  }
  return text;
}

}  // namespace sasd::service
