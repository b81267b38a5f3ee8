#include "daemon/registry/resources.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace sasd::registry {
namespace {

constexpr absl::string_view kFallbackPrefix = "path.";
constexpr absl::string_view kSerialPrefix = "serial.";
constexpr char kSeparator = '~';

std::string DescribeNode(absl::string_view kind, const NodeKey& key) {
  return absl::StrCat(kind, " ", ToHex(key.address), " on host ", ToText(key.host));
}

std::string DescribeOwner(const NodeKey& owner) {
  return owner.is_host() ? absl::StrCat("host ", ToText(owner.host))
                         : DescribeNode("expander", owner);
}

struct HostsVisitor {
  HostList operator()(const std::shared_ptr<const Host>& r) const { return {r->key()}; }
  HostList operator()(const std::shared_ptr<const Phy>& r) const {
    return {r->facts.key.owner.host};
  }
  HostList operator()(const std::shared_ptr<const Port>& r) const { return {r->id.owner.host}; }
  HostList operator()(const std::shared_ptr<const Expander>& r) const {
    return {r->facts.key.host};
  }
  HostList operator()(const std::shared_ptr<const EndDevice>& r) const {
    return {r->facts.key.host};
  }
  HostList operator()(const std::shared_ptr<const LogicalUnit>& r) const {
    HostList hosts;
    for (const LogicalUnit::Path& path : r->paths) hosts.push_back(path.device.host);
    // Paths are in the order of devices, so hosts ascend.
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    return hosts;
  }
  HostList operator()(const std::shared_ptr<const Enclosure>& r) const { return r->hosts; }
  HostList operator()(const std::shared_ptr<const Slot>& r) const { return r->hosts; }
};

// Without ses_slot, which only health looks at.
bool LooksTheSame(const EndDeviceRecord& a, const EndDeviceRecord& b) {
  return std::tie(a.key, a.parent, a.enclosure, a.device_name, a.slot, a.handle, a.parent_phy,
                  a.enclosure_level, a.protocols, a.state, a.access_status, a.connector_name,
                  a.failure, a.os_name) ==
         std::tie(b.key, b.parent, b.enclosure, b.device_name, b.slot, b.handle, b.parent_phy,
                  b.enclosure_level, b.protocols, b.state, b.access_status, b.connector_name,
                  b.failure, b.os_name);
}

// What it shows of its first unit.
bool LooksTheSame(const UnitPath& a, const UnitPath& b) {
  const UnitRecord &x = a.facts, &y = b.facts;
  return std::tie(x.block_device, x.scsi_address, x.vendor, x.model, x.serial, x.peripheral_type) ==
         std::tie(y.block_device, y.scsi_address, y.vendor, y.model, y.serial, y.peripheral_type);
}

// What a logical unit shows of a path.
bool SamePath(const LogicalUnit::Path& a, const LogicalUnit::Path& b) {
  const UnitRecord &x = a.facts->facts, &y = b.facts->facts;
  return a.device == b.device && a.state == b.state &&
         (a.facts == b.facts ||
          std::tie(x.lun, x.scsi_address, x.block_device, x.generic_device, x.holders) ==
              std::tie(y.lun, y.scsi_address, y.block_device, y.generic_device, y.holders));
}

// Each value once, in the order of the occupants and their LUNs. `get` returns a text or key.
template <typename Get>
auto ValuesOf(const Slot& slot, Get get) {
  std::vector<std::decay_t<decltype(get(std::declval<const UnitPath&>()))>> values;
  for (const Slot::Occupant& occupant : slot.occupants) {
    for (const UnitPathPtr& path : occupant.units) {
      const auto& value = get(*path);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
  }
  return values;
}

std::vector<Text> BlockDevices(const EndDevice& device) {
  std::vector<Text> names;
  for (const UnitPathPtr& path : device.units) {
    if (!path->facts.block_device.empty()) names.push_back(path->facts.block_device);
  }
  return names;
}

std::vector<Text> WithoutEmpty(std::vector<Text> texts) {
  texts.erase(std::remove(texts.begin(), texts.end(), Text()), texts.end());
  return texts;
}

}  // namespace

absl::string_view ToString(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kHost:
      return "host";
    case ResourceKind::kPhy:
      return "phy";
    case ResourceKind::kPort:
      return "port";
    case ResourceKind::kExpander:
      return "expander";
    case ResourceKind::kEndDevice:
      return "end device";
    case ResourceKind::kLogicalUnit:
      return "logical unit";
    case ResourceKind::kEnclosure:
      return "enclosure";
    case ResourceKind::kSlot:
      return "slot";
  }
  return "resource";
}

LogicalUnitKey LogicalUnitKey::Fallback(const NodeKey& device, uint64_t lun) {
  return LogicalUnitKey(absl::StrFormat("%s%s.%s.%d.%x", kFallbackPrefix, ToText(device.host),
                                        ToHex(device.address), device.port.value(), lun));
}

LogicalUnitKey LogicalUnitKey::Plain(const Text& wwid) {
  if (wwid.view().find_first_of("%~") == absl::string_view::npos) return LogicalUnitKey(wwid);
  return LogicalUnitKey(absl::StrReplaceAll(wwid.view(), {{"%", "%25"}, {"~", "%7E"}}));
}

LogicalUnitKey LogicalUnitKey::WithDiscriminator(absl::string_view text) const {
  return LogicalUnitKey(absl::StrCat(text_.view(), std::string(1, kSeparator), text));
}

absl::string_view LogicalUnitKey::Discriminator() const {
  const absl::string_view text = text_.view();
  const size_t separator = text.find(kSeparator);
  return separator == absl::string_view::npos ? "" : text.substr(separator + 1);
}

bool LogicalUnitKey::IsFallback() const {
  return absl::StartsWith(IsPlain() ? text_.view() : Discriminator(), kFallbackPrefix);
}

template <typename T>
Text IdentityOf(const T& unit) {
  if (!absl::StartsWith(unit.wwid.view(), kSerialPrefix)) return unit.serial;
  if (unit.vendor.empty() && unit.model.empty()) return Text();
  return absl::StrCat(unit.vendor.view(), " ", unit.model.view());
}
template Text IdentityOf(const UnitRecord& unit);
template Text IdentityOf(const LogicalUnit& unit);

std::vector<LogicalUnitKey> Slot::LogicalUnits() const {
  return ValuesOf(*this, [](const UnitPath& path) -> const LogicalUnitKey& { return path.unit; });
}

std::vector<Text> Slot::BlockDevices() const {
  return WithoutEmpty(
      ValuesOf(*this, [](const UnitPath& path) -> const Text& { return path.facts.block_device; }));
}

std::vector<Text> Slot::Serials() const {
  return WithoutEmpty(
      ValuesOf(*this, [](const UnitPath& path) -> const Text& { return path.facts.serial; }));
}

bool PhyRecord::operator==(const PhyRecord& o) const {
  return std::tie(key, attached, negotiated, hardware_min, hardware_max, programmed_min,
                  programmed_max, attached_phy, routing, is_virtual, vacant, nothing_attached,
                  os_name) == std::tie(o.key, o.attached, o.negotiated, o.hardware_min,
                                       o.hardware_max, o.programmed_min, o.programmed_max,
                                       o.attached_phy, o.routing, o.is_virtual, o.vacant,
                                       o.nothing_attached, o.os_name);
}

bool ExpanderRecord::operator==(const ExpanderRecord& o) const {
  return std::tie(key, parent, enclosure, handle, phy_count, level, vendor, product, revision,
                  os_name) == std::tie(o.key, o.parent, o.enclosure, o.handle, o.phy_count, o.level,
                                       o.vendor, o.product, o.revision, o.os_name);
}

bool HolderRecord::operator==(const HolderRecord& o) const {
  return std::tie(name, block_device, kind) == std::tie(o.name, o.block_device, o.kind);
}

bool UnitRecord::operator==(const UnitRecord& o) const {
  return std::tie(lun, size_bytes, peripheral_type, wwid, rejected_wwid, vendor, model, revision,
                  serial, scsi_address, block_device, generic_device,
                  holders) == std::tie(o.lun, o.size_bytes, o.peripheral_type, o.wwid,
                                       o.rejected_wwid, o.vendor, o.model, o.revision, o.serial,
                                       o.scsi_address, o.block_device, o.generic_device, o.holders);
}

bool EndDeviceRecord::operator==(const EndDeviceRecord& o) const {
  return std::tie(key, parent, enclosure, device_name, slot, ses_slot, handle, parent_phy,
                  enclosure_level, protocols, state, access_status, connector_name, failure,
                  os_name) == std::tie(o.key, o.parent, o.enclosure, o.device_name, o.slot,
                                       o.ses_slot, o.handle, o.parent_phy, o.enclosure_level,
                                       o.protocols, o.state, o.access_status, o.connector_name,
                                       o.failure, o.os_name);
}

bool IsNull(const ResourceRef& ref) {
  return std::visit([](const auto& pointer) { return pointer == nullptr; }, ref);
}

ResourceId IdOf(const ResourceRef& ref) {
  return std::visit(
      [](const auto& pointer) {
        using T = std::decay_t<decltype(*pointer)>;
        return MakeId<std::remove_const_t<T>>(pointer->key());
      },
      ref);
}

void PutReport(Enclosure::Report report, std::vector<Enclosure::Report>& reports) {
  const auto at = std::partition_point(reports.begin(), reports.end(), [&](const auto& other) {
    return other.origin() < report.origin();
  });
  if (at != reports.end() && at->origin() == report.origin()) {
    *at = std::move(report);
  } else {
    reports.insert(at, std::move(report));
  }
}

HostList HostsOf(const ResourceRef& ref) { return std::visit(HostsVisitor(), ref); }

std::string Describe(const ResourceId& id) {
  switch (KindOf(id)) {
    case ResourceKind::kHost:
      return absl::StrCat("host ", ToText(std::get<0>(id)));
    case ResourceKind::kPhy: {
      const PhyKey& key = std::get<1>(id);
      return absl::StrCat("phy ", key.phy.value(), " of ", DescribeOwner(key.owner));
    }
    case ResourceKind::kPort: {
      const PortKey& key = std::get<2>(id);
      return absl::StrCat("port to ", ToHex(key.attached), " of ", DescribeOwner(key.owner));
    }
    case ResourceKind::kExpander:
      return DescribeNode("expander", std::get<3>(id));
    case ResourceKind::kEndDevice:
      return DescribeNode("end device", std::get<4>(id));
    case ResourceKind::kLogicalUnit:
      return absl::StrCat("logical unit ", std::get<5>(id).text().view());
    case ResourceKind::kEnclosure:
      return absl::StrCat("enclosure ", ToText(std::get<6>(id)));
    case ResourceKind::kSlot: {
      const SlotKey& key = std::get<7>(id);
      return absl::StrCat("slot ", key.slot, " of enclosure ", ToText(key.enclosure));
    }
  }
  return "resource";
}

// What follows mirrors the fields that daemon/service/convert.cc gives each message, less name,
// revision and times; daemon/service/same_content_test.cc holds the two together.

bool SameContent(const Host& a, const Host& b) {
  return std::tie(a.facts, a.discovery, a.stale, a.alias, a.sources) ==
         std::tie(b.facts, b.discovery, b.stale, b.alias, b.sources);
}

bool SameContent(const Phy& a, const Phy& b) {
  PhyRecord seen = a.facts;
  seen.nothing_attached = b.facts.nothing_attached;  // which only health looks at
  return seen == b.facts && a.sources == b.sources;
}

bool SameContent(const Port& a, const Port& b) {
  return std::tie(a.id, a.phys, a.width, a.widest, a.link_rate, a.fastest, a.attached,
                  a.facts.os_name, a.sources) == std::tie(b.id, b.phys, b.width, b.widest,
                                                          b.link_rate, b.fastest, b.attached,
                                                          b.facts.os_name, b.sources);
}

bool SameContent(const Expander& a, const Expander& b) {
  return std::tie(a.link_width, a.link_rate, a.sources, a.facts) ==
         std::tie(b.link_width, b.link_rate, b.sources, b.facts);
}

bool SameContent(const EndDevice& a, const EndDevice& b) {
  return std::tie(a.link_width, a.link_rate, a.slot_label, a.sources) ==
             std::tie(b.link_width, b.link_rate, b.slot_label, b.sources) &&
         LooksTheSame(a.facts, b.facts) &&
         std::equal(
             a.units.begin(), a.units.end(), b.units.begin(), b.units.end(),
             [](const UnitPathPtr& x, const UnitPathPtr& y) { return x->unit == y->unit; }) &&
         BlockDevices(a) == BlockDevices(b) &&
         (a.units.empty() || LooksTheSame(*a.first_unit(), *b.first_unit()));
}

bool SameContent(const LogicalUnit& a, const LogicalUnit& b) {
  return std::tie(a.id, a.wwid, a.rejected_wwid, a.vendor, a.model, a.revision, a.serial,
                  a.size_bytes, a.enclosure, a.slot, a.slot_label, a.peripheral_type, a.most_paths,
                  a.lost_hosts, a.sources) ==
             std::tie(b.id, b.wwid, b.rejected_wwid, b.vendor, b.model, b.revision, b.serial,
                      b.size_bytes, b.enclosure, b.slot, b.slot_label, b.peripheral_type,
                      b.most_paths, b.lost_hosts, b.sources) &&
         std::equal(a.paths.begin(), a.paths.end(), b.paths.begin(), b.paths.end(), SamePath);
}

bool SameContent(const Enclosure& a, const Enclosure& b) {
  return std::tie(a.id, a.hosts, a.ses_devices, a.expanders, a.vendor, a.model, a.revision,
                  a.os_name, a.slot_count, a.level, a.occupied_slot_count, a.alias,
                  a.sources) == std::tie(b.id, b.hosts, b.ses_devices, b.expanders, b.vendor,
                                         b.model, b.revision, b.os_name, b.slot_count, b.level,
                                         b.occupied_slot_count, b.alias, b.sources) &&
         (a.slot_count == 0 || a.start_slot == b.start_slot);
}

bool SameContent(const Slot& a, const Slot& b) {
  return std::tie(a.id, a.facts, a.logical_unit, a.vendor, a.model, a.serial, a.hosts, a.sources) ==
             std::tie(b.id, b.facts, b.logical_unit, b.vendor, b.model, b.serial, b.hosts,
                      b.sources) &&
         std::equal(a.occupants.begin(), a.occupants.end(), b.occupants.begin(), b.occupants.end(),
                    [](const auto& x, const auto& y) { return x.device == y.device; }) &&
         a.LogicalUnits() == b.LogicalUnits() && a.BlockDevices() == b.BlockDevices() &&
         a.Serials() == b.Serials();
}

}  // namespace sasd::registry
