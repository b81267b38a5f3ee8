#include "daemon/service/from_proto.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/service/convert.h"
#include "daemon/service/names.h"

namespace sasd::service {
namespace {

using registry::IndexOf;
using registry::ResourceId;

// Reads the fields of one message. The first bad one counts; those after it give empty values.
class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  const absl::Status& status() const { return status_; }

  template <typename Value>
  void Fail(absl::string_view field, const Value& value) {
    status_.Update(absl::InvalidArgumentError(
        absl::StrCat("\"", name_, "\": field ", field, " has the value \"", value, "\"")));
  }

  // The key in the resource's own name.
  template <typename T>
  typename T::Key Key() {
    return KeyIn<T>("name", name_);
  }
  template <typename T>
  typename T::Key KeyIn(absl::string_view field, const std::string& name) {
    absl::StatusOr<ResourceId> id = ParseName(name);
    if (id.ok() && id->index() == IndexOf<T>()) return std::get<IndexOf<T>()>(*std::move(id));
    Fail(field, name);
    return typename T::Key();
  }
  NodeKey Owner(absl::string_view field, const std::string& name) {
    const absl::StatusOr<NodeKey> key = ParseOwnerName(name);
    if (!key.ok()) Fail(field, name);
    return key.ok() ? *key : NodeKey();
  }
  EnclosureKey EnclosureOrNone(const std::string& name) {
    return name.empty() ? EnclosureKey(0) : KeyIn<registry::Enclosure>("enclosure", name);
  }
  SasAddress Address(absl::string_view field, const std::string& text) {
    if (text.empty()) return SasAddress(0);
    const absl::StatusOr<SasAddress> address = ParseSasAddress(text);
    if (!address.ok() || ToHex(*address) != text) {
      Fail(field, text);
      return SasAddress(0);
    }
    return *address;
  }

  template <typename Int, typename Value>
  Int Number(absl::string_view field, Value value) {
    if (value < 0 || static_cast<uint64_t>(value) > std::numeric_limits<Int>::max()) {
      Fail(field, value);
      return 0;
    }
    return static_cast<Int>(value);
  }

  // The value of Enum whose ToProto() is `value`; `first` to `last` are all that there are.
  template <typename Enum, typename Proto, typename Convert>
  Enum Inverse(absl::string_view field, Proto value, Enum last, Convert convert) {
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (convert(static_cast<Enum>(i)) == value) return static_cast<Enum>(i);
    }
    Fail(field, static_cast<int>(value));
    return Enum();
  }
  LinkRate Rate(absl::string_view field, sas::v1::LinkRate value) {
    return Inverse(field, value, LinkRate::k22_5Gbps, [](LinkRate r) { return ToProto(r); });
  }
  DeviceState State(absl::string_view field, sas::v1::DeviceState value) {
    return Inverse(field, value, DeviceState::kFailed, [](DeviceState s) { return ToProto(s); });
  }

  template <typename Protocols>
  uint8_t ProtocolBits(absl::string_view field, const Protocols& protocols) {
    uint8_t bits = 0;
    for (const int protocol : protocols) {
      switch (protocol) {
        case sas::v1::PROTOCOL_SSP:
          bits |= sasd::Protocols::kSsp;
          break;
        case sas::v1::PROTOCOL_STP:
          bits |= sasd::Protocols::kStp;
          break;
        case sas::v1::PROTOCOL_SMP:
          bits |= sasd::Protocols::kSmp;
          break;
        case sas::v1::PROTOCOL_SATA:
          bits |= sasd::Protocols::kSata;
          break;
        default:
          Fail(field, protocol);
      }
    }
    return bits;
  }

  template <typename Names>
  registry::HostList Hosts(absl::string_view field, const Names& names) {
    registry::HostList hosts;
    for (const std::string& name : names) hosts.push_back(KeyIn<registry::Host>(field, name));
    return hosts;
  }

  // Nanoseconds since 1970.
  int64_t Time(absl::string_view field, const google::protobuf::Timestamp& time) {
    constexpr int64_t kBillion = 1'000'000'000, kMaxSeconds = 9'000'000'000;
    if (time.seconds() < -kMaxSeconds || time.seconds() > kMaxSeconds ||
        time.nanos() <= -kBillion || time.nanos() >= kBillion) {
      Fail(field, time.seconds());
      return 0;
    }
    return time.seconds() * kBillion + time.nanos();
  }

  // What every resource has.
  template <typename Message>
  void Common(const Message& message, registry::SourceSet& sources, registry::Stamp& stamp) {
    for (const int source : message.sources()) {
      if (source < 1 || source > static_cast<int>(registry::kMaxSources)) {
        Fail("sources", source);
      } else {
        sources.Add(static_cast<Source>(source - 1));
      }
    }
    stamp.revision = message.revision();
    stamp.unix_nanos = Time("update_time", message.update_time());
  }

 private:
  const std::string name_;
  absl::Status status_;
};

// The units of what sits in the slot, as stand-ins: those of the first occupant.
void AddUnits(const sas::v1::Slot& message, Reader& in, registry::Slot& slot) {
  const int count = std::max(
      {message.logical_units_size(), message.block_devices_size(), message.serials_size()});
  if (count > 0 && (message.logical_units().empty() || slot.occupants.empty())) {
    return in.Fail("logical_units", "");
  }
  for (int i = 0; i < count; ++i) {
    auto path = std::make_shared<registry::UnitPath>();
    const int unit = std::min(i, message.logical_units_size() - 1);
    path->unit = in.KeyIn<registry::LogicalUnit>("logical_units", message.logical_units(unit));
    if (i < message.block_devices_size()) path->facts.block_device = message.block_devices(i);
    if (i < message.serials_size()) path->facts.serial = message.serials(i);
    slot.occupants.front().units.push_back(std::move(path));
  }
}

template <typename T>
absl::StatusOr<T> Result(const Reader& reader, T resource) {
  if (!reader.status().ok()) return reader.status();
  return resource;
}

}  // namespace

absl::StatusOr<registry::Host> FromProto(const sas::v1::Host& message) {
  Reader in(message.name());
  registry::Host host;
  host.facts.key = host.discovery.host = in.Key<registry::Host>();
  host.alias = message.alias();
  host.facts.board_name = message.board_name();
  host.facts.chip_name = message.chip_name();
  host.facts.firmware_version = message.firmware_version();
  host.facts.driver_name = message.driver_name();
  host.facts.pci_address = message.pci_address();
  host.facts.os_name = message.os_name();
  host.facts.phy_count = in.Number<uint8_t>("phy_count", message.phy_count());
  const sas::v1::Discovery& discovery = message.discovery();
  host.discovery.state =
      in.Inverse("discovery.state", discovery.state(), DiscoveryState::kRecovering,
                 [](DiscoveryState state) { return ToProto(state); });
  host.discovery.status = discovery.status();
  host.discovery.status_text = discovery.status_text();
  host.discovery.reset_count = in.Number<uint32_t>("reset_count", discovery.reset_count());
  host.stale = discovery.stale();
  in.Common(message, host.sources, host.stamp);
  return Result(in, std::move(host));
}

absl::StatusOr<registry::Phy> FromProto(const sas::v1::Phy& message) {
  Reader in(message.name());
  registry::Phy phy;
  registry::PhyRecord& facts = phy.facts;
  facts.key = in.Key<registry::Phy>();
  facts.negotiated = in.Rate("negotiated_link_rate", message.negotiated_link_rate());
  facts.hardware_min = in.Rate("hardware_minimum_link_rate", message.hardware_minimum_link_rate());
  facts.hardware_max = in.Rate("hardware_maximum_link_rate", message.hardware_maximum_link_rate());
  facts.programmed_min =
      in.Rate("programmed_minimum_link_rate", message.programmed_minimum_link_rate());
  facts.programmed_max =
      in.Rate("programmed_maximum_link_rate", message.programmed_maximum_link_rate());
  facts.attached = in.Address("attached_sas_address", message.attached_sas_address());
  if (message.has_attached_phy_identifier()) {
    facts.attached_phy =
        PhyId(in.Number<uint8_t>("attached_phy_identifier", message.attached_phy_identifier()));
  }
  facts.routing = in.Inverse("routing", message.routing(), RoutingAttribute::kTable,
                             [](RoutingAttribute routing) { return ToProto(routing); });
  facts.is_virtual = message.virtual_phy();
  facts.vacant = message.vacant();
  facts.os_name = message.os_name();
  in.Common(message, phy.sources, phy.stamp);
  return Result(in, std::move(phy));
}

absl::StatusOr<registry::Port> FromProto(const sas::v1::Port& message) {
  using Kind = registry::AttachedNode::Kind;
  Reader in(message.name());
  registry::Port port;
  port.id = in.Key<registry::Port>();
  if (!message.attached().empty()) {
    const absl::StatusOr<ResourceId> id = ParseName(message.attached());
    if (id.ok() && id->index() == IndexOf<registry::Host>()) {
      port.attached.kind = Kind::kHost;
    } else if (id.ok() && id->index() == IndexOf<registry::Expander>()) {
      port.attached = {Kind::kExpander, std::get<IndexOf<registry::Expander>()>(*id).port};
    } else if (id.ok() && id->index() == IndexOf<registry::EndDevice>()) {
      port.attached = {Kind::kEndDevice, std::get<IndexOf<registry::EndDevice>()>(*id).port};
    } else {
      in.Fail("attached", message.attached());
    }
  }
  port.width = in.Number<uint8_t>("width", message.width());
  port.widest = in.Number<uint8_t>("widest_count", message.widest_count());
  port.fastest = in.Rate("fastest_link_rate", message.fastest_link_rate());
  port.link_rate = in.Rate("link_rate", message.link_rate());
  for (const uint32_t phy : message.phy_identifiers()) {
    port.phys.push_back(PhyId(in.Number<uint8_t>("phy_identifiers", phy)));
  }
  port.facts.os_name = message.os_name();
  in.Common(message, port.sources, port.stamp);
  return Result(in, std::move(port));
}

absl::StatusOr<registry::Expander> FromProto(const sas::v1::Expander& message) {
  Reader in(message.name());
  registry::Expander expander;
  registry::ExpanderRecord& facts = expander.facts;
  facts.key = in.Key<registry::Expander>();
  facts.parent = in.Owner("parent", message.parent());
  facts.handle = DevHandle(in.Number<uint16_t>("device_handle", message.device_handle()));
  facts.enclosure = in.EnclosureOrNone(message.enclosure());
  facts.phy_count = in.Number<uint8_t>("phy_count", message.phy_count());
  facts.level = in.Number<uint8_t>("level", message.level());
  facts.vendor = message.vendor();
  facts.product = message.product();
  facts.revision = message.product_revision();
  facts.os_name = message.os_name();
  expander.link_width = in.Number<uint8_t>("link_width", message.link_width());
  expander.link_rate = in.Rate("link_rate", message.link_rate());
  in.Common(message, expander.sources, expander.stamp);
  return Result(in, std::move(expander));
}

absl::StatusOr<registry::EndDevice> FromProto(const sas::v1::EndDevice& message) {
  Reader in(message.name());
  registry::EndDevice device;
  registry::EndDeviceRecord& facts = device.facts;
  facts.key = in.Key<registry::EndDevice>();
  facts.parent = in.Owner("parent", message.parent());
  if (message.has_parent_phy_identifier()) {
    facts.parent_phy =
        PhyId(in.Number<uint8_t>("parent_phy_identifier", message.parent_phy_identifier()));
  }
  facts.handle = DevHandle(in.Number<uint16_t>("device_handle", message.device_handle()));
  facts.state = in.State("state", message.state());
  facts.protocols.target = in.ProtocolBits("target_protocols", message.target_protocols());
  facts.protocols.initiator = in.ProtocolBits("initiator_protocols", message.initiator_protocols());
  facts.enclosure = in.EnclosureOrNone(message.enclosure());
  if (message.has_slot()) facts.slot = in.Number<uint16_t>("slot", message.slot());
  device.slot_label = message.slot_label();
  if (message.has_enclosure_level()) {
    facts.enclosure_level = in.Number<uint8_t>("enclosure_level", message.enclosure_level());
  }
  facts.connector_name = message.connector_name();
  facts.device_name = in.Address("device_name", message.device_name());
  facts.access_status = in.Number<uint8_t>("access_status", message.access_status());
  facts.failure = message.failure();
  facts.os_name = message.os_name();
  device.link_rate = in.Rate("link_rate", message.link_rate());
  device.link_width = in.Number<uint8_t>("link_width", message.link_width());
  int block_device = message.block_device().empty() ? 0 : 1;
  for (const std::string& name : message.logical_units()) {
    auto unit = std::make_shared<registry::UnitPath>();
    unit->unit = in.KeyIn<registry::LogicalUnit>("logical_units", name);
    unit->facts.lun = device.units.size();
    if (device.units.empty()) {
      unit->facts.block_device = message.block_device();
      unit->facts.scsi_address = message.scsi_address();
      unit->facts.vendor = message.vendor();
      unit->facts.model = message.model();
      unit->facts.serial = message.serial();
      unit->facts.peripheral_type =
          in.Number<uint8_t>("peripheral_type", message.peripheral_type());
    } else if (block_device < message.block_devices_size()) {
      unit->facts.block_device = message.block_devices(block_device++);
    }
    device.units.push_back(std::move(unit));
  }
  if (block_device < message.block_devices_size()) {
    in.Fail("block_devices", message.block_devices(block_device));
  }
  device.state_unix_nanos = in.Time("state_time", message.state_time());
  in.Common(message, device.sources, device.stamp);
  return Result(in, std::move(device));
}

absl::StatusOr<registry::LogicalUnit> FromProto(const sas::v1::LogicalUnit& message) {
  Reader in(message.name());
  registry::LogicalUnit unit;
  unit.id = in.Key<registry::LogicalUnit>();
  unit.wwid = message.wwid();
  const absl::string_view plain =
      absl::string_view(unit.id.text())
          .substr(0, unit.id.text().size() - unit.id.Discriminator().size() -
                         (unit.id.IsPlain() ? 0 : 1));
  const bool is_named = unit.wwid.empty()
                            ? unit.id.IsPlain() && unit.id.IsFallback()
                            : registry::LogicalUnitKey::Plain(unit.wwid).text() == plain;
  if (!is_named) in.Fail("wwid", message.wwid());
  unit.rejected_wwid = message.rejected_wwid();
  unit.peripheral_type = in.Number<uint8_t>("peripheral_type", message.peripheral_type());
  unit.vendor = message.vendor();
  unit.model = message.model();
  unit.revision = message.product_revision();
  unit.serial = message.serial();
  unit.size_bytes = message.size_bytes();
  unit.most_paths = in.Number<uint8_t>("most_path_count", message.most_path_count());
  if (message.lost_hosts_size() > 0) {
    unit.lost_hosts =
        registry::Boxed<registry::HostList>(in.Hosts("lost_hosts", message.lost_hosts()));
  }
  if (message.paths().empty()) in.Fail("paths", "");
  for (const sas::v1::Path& shown : message.paths()) {
    auto path = std::make_shared<registry::UnitPath>();
    path->unit = unit.id;
    path->facts.wwid = unit.wwid;
    path->facts.rejected_wwid = unit.rejected_wwid;
    if (shown.lun().size() != 16 || !absl::SimpleHexAtoi(shown.lun(), &path->facts.lun)) {
      in.Fail("paths.lun", shown.lun());
    }
    path->facts.scsi_address = shown.scsi_address();
    path->facts.block_device = shown.block_device();
    path->facts.generic_device = shown.generic_device();
    for (const sas::v1::Holder& holder : shown.holders()) {
      path->facts.holders.push_back(
          {holder.name(), holder.block_device(),
           in.Inverse("paths.holders.kind", holder.kind(), HolderKind::kZfs,
                      [](HolderKind kind) { return ToProto(kind); })});
    }
    path->facts.vendor = unit.vendor;
    path->facts.model = unit.model;
    path->facts.revision = unit.revision;
    path->facts.serial = unit.serial;
    path->facts.size_bytes = unit.size_bytes;
    path->facts.peripheral_type = unit.peripheral_type;
    unit.paths.push_back({in.KeyIn<registry::EndDevice>("paths.end_device", shown.end_device()),
                          std::move(path), in.State("paths.state", shown.state())});
  }
  unit.enclosure = in.EnclosureOrNone(message.enclosure());
  if (message.has_slot()) unit.slot = in.Number<uint16_t>("slot", message.slot());
  unit.slot_label = message.slot_label();
  in.Common(message, unit.sources, unit.stamp);
  return Result(in, std::move(unit));
}

absl::StatusOr<registry::Enclosure> FromProto(const sas::v1::Enclosure& message) {
  Reader in(message.name());
  registry::Enclosure enclosure;
  enclosure.id = in.Key<registry::Enclosure>();
  enclosure.alias = message.alias();
  enclosure.hosts = in.Hosts("hosts", message.hosts());
  enclosure.vendor = message.vendor();
  enclosure.model = message.model();
  enclosure.revision = message.product_revision();
  enclosure.slot_count = in.Number<uint16_t>("slot_count", message.slot_count());
  if (enclosure.slot_count > registry::Enclosure::kMaxSlots) {
    in.Fail("slot_count", message.slot_count());
  }
  enclosure.start_slot = in.Number<uint16_t>("start_slot", message.start_slot());
  if (message.has_level()) enclosure.level = in.Number<uint8_t>("level", message.level());
  enclosure.occupied_slot_count =
      in.Number<uint16_t>("occupied_slot_count", message.occupied_slot_count());
  for (const std::string& device : message.ses_devices()) {
    enclosure.ses_devices.push_back(in.KeyIn<registry::EndDevice>("ses_devices", device));
  }
  for (const std::string& expander : message.expanders()) {
    enclosure.expanders.push_back(in.KeyIn<registry::Expander>("expanders", expander));
  }
  enclosure.os_name = message.os_name();
  in.Common(message, enclosure.sources, enclosure.stamp);
  return Result(in, std::move(enclosure));
}

absl::StatusOr<registry::Slot> FromProto(const sas::v1::Slot& message) {
  Reader in(message.name());
  registry::Slot slot;
  slot.id = in.Key<registry::Slot>();
  slot.facts.label = message.label();
  slot.facts.os_name = message.os_name();
  for (int i = 0; i < message.end_devices_size(); ++i) {
    registry::Slot::Occupant occupant;
    occupant.device = in.KeyIn<registry::EndDevice>("end_devices", message.end_devices(i));
    slot.occupants.push_back(std::move(occupant));
  }
  AddUnits(message, in, slot);
  if (!message.logical_unit().empty()) {
    slot.logical_unit = in.KeyIn<registry::LogicalUnit>("logical_unit", message.logical_unit());
  }
  slot.vendor = message.vendor();
  slot.model = message.model();
  slot.serial = message.serial();
  slot.hosts = in.Hosts("hosts", message.hosts());
  in.Common(message, slot.sources, slot.stamp);
  return Result(in, std::move(slot));
}

absl::Status StateReader::Add(const sas::v1::Resource& message, bool present) {
  const auto add = [this](auto resource) {
    if (resource.ok()) builder_.Add(*std::move(resource));
    return resource.status();
  };
  if (message.resource_case() == sas::v1::Resource::kPort && !present) {
    const absl::StatusOr<registry::Port> port = FromProto(message.port());
    if (port.ok()) builder_.AddLost(*port);
    return port.status();
  }
  if (!present) return absl::OkStatus();
  switch (message.resource_case()) {
    case sas::v1::Resource::kHost:
      return add(FromProto(message.host()));
    case sas::v1::Resource::kPhy:
      return add(FromProto(message.phy()));
    case sas::v1::Resource::kPort:
      return add(FromProto(message.port()));
    case sas::v1::Resource::kExpander:
      return add(FromProto(message.expander()));
    case sas::v1::Resource::kEndDevice:
      return add(FromProto(message.end_device()));
    case sas::v1::Resource::kLogicalUnit:
      return add(FromProto(message.logical_unit()));
    case sas::v1::Resource::kEnclosure:
      return add(FromProto(message.enclosure()));
    case sas::v1::Resource::kSlot:
      return add(FromProto(message.slot()));
    case sas::v1::Resource::RESOURCE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a stored resource is of no kind");
}

absl::StatusOr<registry::Restored> StateReader::Finish(int64_t revision) {
  absl::StatusOr<registry::Restored> restored = builder_.Finish();
  if (restored.ok()) restored->revision = revision;
  return restored;
}

}  // namespace sasd::service
