#include "daemon/service/convert.h"

#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "daemon/registry/severity.h"
#include "daemon/service/names.h"

namespace sasd::service {
namespace {

// An address, empty for none.
std::string Address(SasAddress address) { return address == SasAddress(0) ? "" : ToHex(address); }

std::string EnclosureNameOrEmpty(EnclosureKey enclosure) {
  return enclosure == EnclosureKey(0) ? "" : EnclosureName(enclosure);
}

std::string Str(const registry::Text& text) { return text.str(); }

// What every resource has.
template <typename Out>
void SetCommon(registry::SourceSet sources, const registry::Stamp& stamp, Out* out) {
  for (const Source source : sources) out->add_sources(ToProto(source));
  out->set_revision(stamp.revision);
  SetTime(stamp.time(), out->mutable_update_time());
}

template <typename Add>
void AddProtocols(uint8_t bits, Add add) {
  if (bits & Protocols::kSsp) add(sas::v1::PROTOCOL_SSP);
  if (bits & Protocols::kStp) add(sas::v1::PROTOCOL_STP);
  if (bits & Protocols::kSmp) add(sas::v1::PROTOCOL_SMP);
  if (bits & Protocols::kSata) add(sas::v1::PROTOCOL_SATA);
}

}  // namespace

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t nanos = absl::ToUnixNanos(time);
  out->set_seconds(nanos / 1'000'000'000);
  out->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

sas::v1::LinkRate ToProto(LinkRate rate) {
  switch (rate) {
    case LinkRate::kUnknown:
      return sas::v1::LINK_RATE_UNSPECIFIED;
    case LinkRate::kDisabled:
      return sas::v1::LINK_RATE_DISABLED;
    case LinkRate::kNegotiationFailed:
      return sas::v1::LINK_RATE_NEGOTIATION_FAILED;
    case LinkRate::kSataOobComplete:
      return sas::v1::LINK_RATE_SATA_SPINUP_HOLD;
    case LinkRate::kPortSelector:
      return sas::v1::LINK_RATE_PORT_SELECTOR;
    case LinkRate::kResetInProgress:
      return sas::v1::LINK_RATE_RESET_IN_PROGRESS;
    case LinkRate::kUnsupportedPhy:
      return sas::v1::LINK_RATE_UNSUPPORTED_PHY;
    case LinkRate::k1_5Gbps:
      return sas::v1::LINK_RATE_1_5_GBPS;
    case LinkRate::k3Gbps:
      return sas::v1::LINK_RATE_3_GBPS;
    case LinkRate::k6Gbps:
      return sas::v1::LINK_RATE_6_GBPS;
    case LinkRate::k12Gbps:
      return sas::v1::LINK_RATE_12_GBPS;
    case LinkRate::k22_5Gbps:
      return sas::v1::LINK_RATE_22_5_GBPS;
  }
  return sas::v1::LINK_RATE_UNSPECIFIED;
}

sas::v1::DeviceState ToProto(DeviceState state) {
  switch (state) {
    case DeviceState::kDiscovered:
      return sas::v1::DEVICE_STATE_DISCOVERED;
    case DeviceState::kAttaching:
      return sas::v1::DEVICE_STATE_ATTACHING;
    case DeviceState::kAttached:
      return sas::v1::DEVICE_STATE_ATTACHED;
    case DeviceState::kBlocked:
      return sas::v1::DEVICE_STATE_BLOCKED;
    case DeviceState::kRemoving:
      return sas::v1::DEVICE_STATE_REMOVING;
    case DeviceState::kFailed:
      return sas::v1::DEVICE_STATE_FAILED;
  }
  return sas::v1::DEVICE_STATE_UNSPECIFIED;
}

sas::v1::DiscoveryState ToProto(DiscoveryState state) {
  switch (state) {
    case DiscoveryState::kIdle:
      return sas::v1::DISCOVERY_STATE_IDLE;
    case DiscoveryState::kInProgress:
      return sas::v1::DISCOVERY_STATE_IN_PROGRESS;
    case DiscoveryState::kSettled:
      return sas::v1::DISCOVERY_STATE_SETTLED;
    case DiscoveryState::kFailed:
      return sas::v1::DISCOVERY_STATE_FAILED;
    case DiscoveryState::kRecovering:
      return sas::v1::DISCOVERY_STATE_RECOVERING;
  }
  return sas::v1::DISCOVERY_STATE_UNSPECIFIED;
}

sas::v1::Routing ToProto(RoutingAttribute routing) {
  switch (routing) {
    case RoutingAttribute::kUnknown:
      return sas::v1::ROUTING_UNSPECIFIED;
    case RoutingAttribute::kDirect:
      return sas::v1::ROUTING_DIRECT;
    case RoutingAttribute::kSubtractive:
      return sas::v1::ROUTING_SUBTRACTIVE;
    case RoutingAttribute::kTable:
      return sas::v1::ROUTING_TABLE;
  }
  return sas::v1::ROUTING_UNSPECIFIED;
}

sas::v1::HolderKind ToProto(HolderKind kind) {
  switch (kind) {
    case HolderKind::kUnknown:
      return sas::v1::HOLDER_KIND_UNSPECIFIED;
    case HolderKind::kDeviceMapper:
      return sas::v1::HOLDER_KIND_DEVICE_MAPPER;
    case HolderKind::kMultipath:
      return sas::v1::HOLDER_KIND_MULTIPATH;
    case HolderKind::kLvm:
      return sas::v1::HOLDER_KIND_LVM;
    case HolderKind::kCrypt:
      return sas::v1::HOLDER_KIND_CRYPT;
    case HolderKind::kMdRaid:
      return sas::v1::HOLDER_KIND_MD_RAID;
    case HolderKind::kZfs:
      return sas::v1::HOLDER_KIND_ZFS;
  }
  return sas::v1::HOLDER_KIND_UNSPECIFIED;
}

sas::v1::Source ToProto(Source source) {
  return static_cast<sas::v1::Source>(static_cast<int>(source) + 1);  // the enum is open
}

sas::v1::CauseKind ToProto(CauseKind kind) {
  switch (kind) {
    case CauseKind::kStartup:
      return sas::v1::CAUSE_KIND_STARTUP;
    case CauseKind::kFirmwareEvent:
      return sas::v1::CAUSE_KIND_FIRMWARE_EVENT;
    case CauseKind::kAttach:
      return sas::v1::CAUSE_KIND_ATTACH;
    case CauseKind::kScan:
      return sas::v1::CAUSE_KIND_SCAN;
    case CauseKind::kUevent:
      return sas::v1::CAUSE_KIND_UEVENT;
    case CauseKind::kResync:
      return sas::v1::CAUSE_KIND_RESYNC;
    case CauseKind::kHostReset:
      return sas::v1::CAUSE_KIND_HOST_RESET;
    case CauseKind::kControl:
      return sas::v1::CAUSE_KIND_CONTROL;
    case CauseKind::kSourceLost:
      return sas::v1::CAUSE_KIND_SOURCE_LOST;
    case CauseKind::kRestart:
      return sas::v1::CAUSE_KIND_RESTART;
    case CauseKind::kAudit:
      return sas::v1::CAUSE_KIND_AUDIT;
  }
  return sas::v1::CAUSE_KIND_UNSPECIFIED;
}

sas::v1::Severity ToProto(Notice::Severity severity) {
  switch (severity) {
    case Notice::Severity::kInfo:
      return sas::v1::SEVERITY_INFO;
    case Notice::Severity::kWarning:
      return sas::v1::SEVERITY_WARNING;
    case Notice::Severity::kCritical:
      return sas::v1::SEVERITY_CRITICAL;
  }
  return sas::v1::SEVERITY_UNSPECIFIED;
}

void ToProto(const registry::Host& host, sas::v1::Host* out) {
  out->set_name(HostName(host.facts.key));
  out->set_alias(Str(host.alias));
  out->set_sas_address(Address(host.facts.key.address));
  out->set_board_name(host.facts.board_name);
  out->set_chip_name(host.facts.chip_name);
  out->set_firmware_version(host.facts.firmware_version);
  out->set_driver_name(host.facts.driver_name);
  out->set_pci_address(host.facts.pci_address);
  out->set_os_name(host.facts.os_name);
  out->set_phy_count(host.facts.phy_count);
  sas::v1::Discovery* discovery = out->mutable_discovery();
  discovery->set_state(ToProto(host.discovery.state));
  discovery->set_status(host.discovery.status);
  discovery->set_status_text(host.discovery.status_text);
  discovery->set_stale(host.stale);
  discovery->set_reset_count(host.discovery.reset_count);
  SetCommon(host.sources, host.stamp, out);
}

void ToProto(const registry::Phy& phy, sas::v1::Phy* out) {
  const registry::PhyRecord& facts = phy.facts;
  out->set_name(NameOf(registry::MakeId<registry::Phy>(facts.key)));
  out->set_owner(OwnerName(facts.key.owner));
  out->set_phy_identifier(facts.key.phy.value());
  out->set_negotiated_link_rate(ToProto(facts.negotiated));
  out->set_hardware_minimum_link_rate(ToProto(facts.hardware_min));
  out->set_hardware_maximum_link_rate(ToProto(facts.hardware_max));
  out->set_programmed_minimum_link_rate(ToProto(facts.programmed_min));
  out->set_programmed_maximum_link_rate(ToProto(facts.programmed_max));
  out->set_attached_sas_address(Address(facts.attached));
  if (facts.attached_phy) out->set_attached_phy_identifier(facts.attached_phy->value());
  out->set_routing(ToProto(facts.routing));
  out->set_virtual_phy(facts.is_virtual);
  out->set_vacant(facts.vacant);
  out->set_os_name(Str(facts.os_name));
  SetCommon(phy.sources, phy.stamp, out);
}

void ToProto(const registry::Port& port, sas::v1::Port* out) {
  out->set_name(NameOf(registry::MakeId<registry::Port>(port.id)));
  out->set_owner(OwnerName(port.id.owner));
  out->set_attached_sas_address(Address(port.id.attached));
  switch (port.attached.kind) {
    case registry::AttachedNode::Kind::kUnknown:
      break;
    case registry::AttachedNode::Kind::kHost:
      out->set_attached(HostName(port.id.owner.host));
      break;
    case registry::AttachedNode::Kind::kExpander:
      out->set_attached(OwnerName(port.attached_key()));
      break;
    case registry::AttachedNode::Kind::kEndDevice:
      out->set_attached(EndDeviceName(port.attached_key()));
      break;
  }
  out->set_width(port.width);
  out->set_widest_count(port.widest);
  out->set_fastest_link_rate(ToProto(port.fastest));
  out->set_link_rate(ToProto(port.link_rate));
  for (PhyId phy : port.phys) out->add_phy_identifiers(phy.value());
  out->set_os_name(Str(port.facts.os_name));
  SetCommon(port.sources, port.stamp, out);
}

void ToProto(const registry::Expander& expander, sas::v1::Expander* out) {
  const registry::ExpanderRecord& facts = expander.facts;
  out->set_name(OwnerName(facts.key));
  out->set_sas_address(Address(facts.key.address));
  out->set_host(HostName(facts.key.host));
  out->set_parent(OwnerName(facts.parent));
  out->set_device_handle(facts.handle.value());
  out->set_enclosure(EnclosureNameOrEmpty(facts.enclosure));
  out->set_phy_count(facts.phy_count);
  out->set_level(facts.level);
  out->set_vendor(Str(facts.vendor));
  out->set_product(Str(facts.product));
  out->set_product_revision(Str(facts.revision));
  out->set_link_width(expander.link_width);
  out->set_link_rate(ToProto(expander.link_rate));
  out->set_os_name(Str(facts.os_name));
  SetCommon(expander.sources, expander.stamp, out);
}

void ToProto(const registry::EndDevice& device, sas::v1::EndDevice* out) {
  const registry::EndDeviceRecord& facts = device.facts;
  out->set_name(EndDeviceName(facts.key));
  out->set_sas_address(Address(facts.key.address));
  out->set_host(HostName(facts.key.host));
  out->set_parent(OwnerName(facts.parent));
  if (facts.parent_phy) out->set_parent_phy_identifier(facts.parent_phy->value());
  out->set_device_handle(facts.handle.value());
  out->set_state(ToProto(facts.state));
  AddProtocols(facts.protocols.target,
               [out](sas::v1::Protocol protocol) { out->add_target_protocols(protocol); });
  AddProtocols(facts.protocols.initiator,
               [out](sas::v1::Protocol protocol) { out->add_initiator_protocols(protocol); });
  out->set_enclosure(EnclosureNameOrEmpty(facts.enclosure));
  if (facts.slot) out->set_slot(*facts.slot);
  out->set_slot_label(Str(device.slot_label));
  if (facts.enclosure_level) out->set_enclosure_level(*facts.enclosure_level);
  out->set_connector_name(Str(facts.connector_name));
  out->set_device_name(Address(facts.device_name));
  out->set_access_status(facts.access_status);
  out->set_failure(Str(facts.failure));
  out->set_link_rate(ToProto(device.link_rate));
  out->set_link_width(device.link_width);
  for (const registry::UnitPathPtr& path : device.units) {
    out->add_logical_units(LogicalUnitName(path->unit));
    if (!path->facts.block_device.empty()) out->add_block_devices(Str(path->facts.block_device));
  }
  if (const registry::UnitPath* first = device.first_unit(); first != nullptr) {
    out->set_block_device(Str(first->facts.block_device));
    out->set_scsi_address(Str(first->facts.scsi_address));
    out->set_vendor(Str(first->facts.vendor));
    out->set_model(Str(first->facts.model));
    out->set_serial(Str(first->facts.serial));
    out->set_peripheral_type(first->facts.peripheral_type);
  }
  out->set_os_name(Str(facts.os_name));
  SetTime(device.state_time(), out->mutable_state_time());
  SetCommon(device.sources, device.stamp, out);
}

void ToProto(const registry::LogicalUnit& unit, sas::v1::LogicalUnit* out) {
  out->set_name(LogicalUnitName(unit.id));
  out->set_wwid(Str(unit.wwid));
  out->set_rejected_wwid(Str(unit.rejected_wwid));
  out->set_peripheral_type(unit.peripheral_type);
  out->set_vendor(Str(unit.vendor));
  out->set_model(Str(unit.model));
  out->set_product_revision(Str(unit.revision));
  out->set_serial(Str(unit.serial));
  out->set_size_bytes(unit.size_bytes);
  out->set_most_path_count(unit.most_paths);
  if (unit.lost_hosts) {
    for (const HostKey host : *unit.lost_hosts.get()) out->add_lost_hosts(HostName(host));
  }
  for (const registry::LogicalUnit::Path& path : unit.paths) {
    sas::v1::Path* p = out->add_paths();
    p->set_end_device(EndDeviceName(path.device));
    p->set_host(HostName(path.device.host));
    p->set_state(ToProto(path.state));
    p->set_lun(absl::StrFormat("%016x", path.facts->facts.lun));
    p->set_scsi_address(Str(path.facts->facts.scsi_address));
    p->set_block_device(Str(path.facts->facts.block_device));
    p->set_generic_device(Str(path.facts->facts.generic_device));
    for (const registry::HolderRecord& holder : path.facts->facts.holders) {
      sas::v1::Holder* h = p->add_holders();
      h->set_kind(ToProto(holder.kind));
      h->set_name(Str(holder.name));
      h->set_block_device(Str(holder.block_device));
    }
  }
  out->set_enclosure(EnclosureNameOrEmpty(unit.enclosure));
  if (unit.slot) out->set_slot(*unit.slot);
  out->set_slot_label(Str(unit.slot_label));
  SetCommon(unit.sources, unit.stamp, out);
}

void ToProto(const registry::Enclosure& enclosure, sas::v1::Enclosure* out) {
  out->set_name(EnclosureName(enclosure.id));
  out->set_alias(Str(enclosure.alias));
  out->set_logical_id(ToHex(SasAddress(enclosure.id.value())));
  for (HostKey host : enclosure.hosts) out->add_hosts(HostName(host));
  out->set_vendor(Str(enclosure.vendor));
  out->set_model(Str(enclosure.model));
  out->set_product_revision(Str(enclosure.revision));
  if (enclosure.slot_count > 0) {
    out->set_slot_count(enclosure.slot_count);
    out->set_start_slot(enclosure.start_slot);
  }
  if (enclosure.level) out->set_level(*enclosure.level);
  out->set_occupied_slot_count(enclosure.occupied_slot_count);
  for (const NodeKey& device : enclosure.ses_devices) out->add_ses_devices(EndDeviceName(device));
  for (const NodeKey& expander : enclosure.expanders) out->add_expanders(OwnerName(expander));
  out->set_os_name(Str(enclosure.os_name));
  SetCommon(enclosure.sources, enclosure.stamp, out);
}

void ToProto(const registry::Slot& slot, sas::v1::Slot* out) {
  out->set_name(SlotName(slot.id));
  out->set_enclosure(EnclosureName(slot.id.enclosure));
  out->set_slot(slot.id.slot);
  out->set_label(Str(slot.facts.label));
  out->set_occupied(slot.occupied());
  for (const registry::Slot::Occupant& occupant : slot.occupants) {
    out->add_end_devices(EndDeviceName(occupant.device));
  }
  for (const auto& unit : slot.LogicalUnits()) out->add_logical_units(LogicalUnitName(unit));
  for (const registry::Text& name : slot.BlockDevices()) out->add_block_devices(Str(name));
  for (const registry::Text& serial : slot.Serials()) out->add_serials(Str(serial));
  if (!slot.logical_unit.text().empty()) out->set_logical_unit(LogicalUnitName(slot.logical_unit));
  out->set_vendor(Str(slot.vendor));
  out->set_model(Str(slot.model));
  out->set_serial(Str(slot.serial));
  out->set_os_name(Str(slot.facts.os_name));
  for (const HostKey host : slot.hosts) out->add_hosts(HostName(host));
  SetCommon(slot.sources, slot.stamp, out);
}

void ToProto(const registry::ResourceRef& ref, sas::v1::Resource* out) {
  std::visit(
      [out](const auto& resource) {
        using T = std::decay_t<decltype(*resource)>;
        if constexpr (std::is_same_v<T, registry::Host>) ToProto(*resource, out->mutable_host());
        if constexpr (std::is_same_v<T, registry::Phy>) ToProto(*resource, out->mutable_phy());
        if constexpr (std::is_same_v<T, registry::Port>) ToProto(*resource, out->mutable_port());
        if constexpr (std::is_same_v<T, registry::Expander>) {
          ToProto(*resource, out->mutable_expander());
        }
        if constexpr (std::is_same_v<T, registry::EndDevice>) {
          ToProto(*resource, out->mutable_end_device());
        }
        if constexpr (std::is_same_v<T, registry::LogicalUnit>) {
          ToProto(*resource, out->mutable_logical_unit());
        }
        if constexpr (std::is_same_v<T, registry::Enclosure>) {
          ToProto(*resource, out->mutable_enclosure());
        }
        if constexpr (std::is_same_v<T, registry::Slot>) ToProto(*resource, out->mutable_slot());
      },
      ref);
}

void TrimToBasic(sas::v1::Host* host) {
  host->clear_chip_name();
  host->clear_firmware_version();
  host->clear_pci_address();
  host->clear_sources();
  host->clear_update_time();
}

void TrimToBasic(sas::v1::Phy* phy) {
  phy->clear_hardware_minimum_link_rate();
  phy->clear_hardware_maximum_link_rate();
  phy->clear_programmed_minimum_link_rate();
  phy->clear_programmed_maximum_link_rate();
  phy->clear_routing();
  phy->clear_sources();
  phy->clear_update_time();
}

void TrimToBasic(sas::v1::Port* port) {
  port->clear_widest_count();
  port->clear_fastest_link_rate();
  port->clear_sources();
  port->clear_update_time();
}

void TrimToBasic(sas::v1::Expander* expander) {
  expander->clear_device_handle();
  expander->clear_product_revision();
  expander->clear_sources();
  expander->clear_update_time();
}

void TrimToBasic(sas::v1::EndDevice* device) {
  device->clear_device_handle();
  device->clear_initiator_protocols();
  device->clear_enclosure_level();
  device->clear_connector_name();
  device->clear_device_name();
  device->clear_access_status();
  device->clear_logical_units();
  device->clear_sources();
  device->clear_update_time();
  device->clear_state_time();
}

void TrimToBasic(sas::v1::LogicalUnit* unit) {
  unit->clear_product_revision();
  for (sas::v1::Path& path : *unit->mutable_paths()) {
    path.clear_lun();
    path.clear_generic_device();
  }
  unit->clear_sources();
  unit->clear_update_time();
}

void TrimToBasic(sas::v1::Enclosure* enclosure) {
  enclosure->clear_product_revision();
  enclosure->clear_level();
  enclosure->clear_ses_devices();
  enclosure->clear_expanders();
  enclosure->clear_sources();
  enclosure->clear_update_time();
}

void TrimToBasic(sas::v1::Slot* slot) {
  slot->clear_end_devices();
  slot->clear_hosts();
  slot->clear_sources();
  slot->clear_update_time();
}

sas::v1::Check ToProto(const DiagnosisCheck& check) {
  sas::v1::Check out;
  out.set_status(static_cast<sas::v1::CheckStatus>(check.status));  // the numbers are equal
  out.set_reason(check.reason);
  out.set_subject(check.subject);
  if (check.host != HostKey()) out.set_resource(HostName(check.host));
  out.set_message(check.message);
  out.set_remedy(check.remedy);
  out.set_command(check.command);
  return out;
}

sas::v1::Notice ToProto(const registry::EventNotice& notice) {
  sas::v1::Notice out;
  out.set_severity(ToProto(notice.severity));
  out.set_resource(NameOf(notice.subject));
  out.set_text(notice.text);
  out.set_reason(notice.reason);
  return out;
}

sas::v1::Event HeaderToProto(const registry::RegistryEvent& event,
                             const std::string& resume_token) {
  sas::v1::Event out;
  out.set_revision(event.revision);
  out.set_previous_revision(event.previous_revision);
  out.set_resume_token(resume_token);
  if (event.gap) {
    sas::v1::Gap* gap = out.mutable_gap();
    gap->set_first_revision(event.gap->first);
    gap->set_last_revision(event.gap->last);
    gap->set_reason(static_cast<sas::v1::GapReason>(event.gap->reason));  // the numbers are equal
  }
  SetTime(event.time, out.mutable_time());
  sas::v1::Cause* cause = out.mutable_cause();
  cause->set_kind(ToProto(event.cause.kind));
  if (event.host != HostKey()) cause->set_host(HostName(event.host));
  cause->set_text(event.cause.text);
  cause->set_event_code(event.cause.event_code);
  cause->set_event_context(event.cause.event_context);
  cause->set_lost_event_count(event.cause.lost_events);
  out.set_arrival_monotonic_time_ns(absl::ToInt64Nanoseconds(event.arrival));
  out.set_severity(ToProto(registry::SeverityOf(event)));
  if (event.audit != nullptr) {
    sas::v1::Audit* audit = out.mutable_audit();
    audit->set_caller(event.audit->caller);
    audit->set_role(event.audit->role);
    audit->set_method(event.audit->method);
    audit->set_request(event.audit->request);
    audit->set_code(event.audit->code);
    audit->set_message(event.audit->message);
    audit->set_left_out_count(event.audit->left_out);
  }
  return out;
}

}  // namespace sasd::service
