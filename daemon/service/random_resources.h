#ifndef DAEMON_SERVICE_RANDOM_RESOURCES_H_
#define DAEMON_SERVICE_RANDOM_RESOURCES_H_

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "daemon/registry/resources.h"

// Random resources, for tests: each field has a few values, so that two resources often agree in a
// field. All invariants of resources.h hold, except those between a resource and others.
namespace sasd::service {

class RandomResources {
 public:
  explicit RandomResources(uint32_t seed) : random_(seed) {}

  // A number below `bound`.
  template <typename Int = int>
  Int Below(int bound) {
    return static_cast<Int>(std::uniform_int_distribution<int>(0, bound - 1)(random_));
  }

  // With `varied` random fields.
  template <typename T>
  T Make(int varied = 30) {
    T made;
    SetKey(made);
    for (int i = 0; i < varied; ++i) Vary(made);
    return made;
  }

  // Gives one field another value, or the same again. Never the key.
  void Vary(registry::Host& r) {
    switch (Below(17)) {
      case 16:
        r.alias = Text();
        break;
      case 0:
        r.facts.board_name = String();
        break;
      case 1:
        r.facts.chip_name = String();
        break;
      case 2:
        r.facts.firmware_version = String();
        break;
      case 3:
        r.facts.driver_name = String();
        break;
      case 4:
        r.facts.pci_address = String();
        break;
      case 5:
        r.facts.os_name = String();
        break;
      case 6:
        r.facts.phy_count = Below<uint8_t>(3);
        break;
      case 7:
        r.discovery.state = Below<DiscoveryState>(5);
        break;
      case 8:
        r.discovery.status = Below<uint32_t>(3);
        break;
      case 9:
        r.discovery.status_text = String();
        break;
      case 10:
        r.discovery.reset_count = Below<uint32_t>(3);
        break;
      case 11:
        r.sources = Sources();
        break;
      case 12:
        r.stale = Below(2) != 0;
        break;
      case 13:
        r.by_source = Reports<HostFacts>();
        break;
      case 14:
        r.discovery_by_source.Set(Below<Source>(2), DiscoveryFacts());
        break;
      case 15:
        Stamp(r.stamp);
        break;
    }
  }

  void Vary(registry::Phy& r) {
    switch (Below(14)) {
      case 0:
        r.facts.negotiated = Rate();
        break;
      case 1:
        r.facts.hardware_min = Rate();
        break;
      case 2:
        r.facts.hardware_max = Rate();
        break;
      case 3:
        r.facts.programmed_min = Rate();
        break;
      case 4:
        r.facts.programmed_max = Rate();
        break;
      case 5:
        r.facts.attached = Address();
        break;
      case 6:
        r.facts.attached_phy = Maybe<PhyId>();
        break;
      case 7:
        r.facts.routing = Below<RoutingAttribute>(4);
        break;
      case 8:
        r.facts.is_virtual = Below(2) != 0;
        break;
      case 9:
        r.facts.vacant = Below(2) != 0;
        break;
      case 10:
        r.facts.os_name = Text();
        break;
      case 11:
        r.sources = Sources();
        break;
      case 12:
        r.by_source = Reports<registry::PhyRecord>();
        break;
      case 13:
        Stamp(r.stamp);
        break;
    }
  }

  void Vary(registry::Port& r) {
    using Kind = registry::AttachedNode::Kind;
    switch (Below(12)) {
      case 0: {
        r.phys.clear();
        for (int phy = 0; phy < 3; ++phy) {
          if (Below(2) != 0) r.phys.push_back(PhyId(static_cast<uint8_t>(phy)));
        }
        break;
      }
      case 1:
        r.width = Below<uint8_t>(3);
        break;
      case 2:
        r.widest = Below<uint8_t>(3);
        break;
      case 3:
        r.link_rate = Rate();
        break;
      case 4:
        r.fastest = Rate();
        break;
      case 5: {
        const auto kind = Below<Kind>(4);
        const bool has_port = kind == Kind::kExpander || kind == Kind::kEndDevice;
        r.attached = {kind, PhysicalPort(has_port ? Below<uint8_t>(2) : uint8_t{0})};
        break;
      }
      case 6:
        r.facts.os_name = Text();
        break;
      case 7:
        r.sources = Sources();
        break;
      case 8:
        r.facts.width = Below<uint8_t>(3);
        break;
      case 9:
        r.reported_by = Sources();
        break;
      case 10:
        r.by_source = Reports<registry::PortRecord>();
        break;
      case 11:
        Stamp(r.stamp);
        break;
    }
  }

  void Vary(registry::Expander& r) {
    switch (Below(14)) {
      case 0:
        r.facts.parent = Parent(r.facts.key);
        break;
      case 1:
        r.facts.handle = DevHandle(Below<uint16_t>(3));
        break;
      case 2:
        r.facts.enclosure = SomeEnclosure();
        break;
      case 3:
        r.facts.phy_count = Below<uint8_t>(3);
        break;
      case 4:
        r.facts.level = Below<uint8_t>(3);
        break;
      case 5:
        r.facts.vendor = Text();
        break;
      case 6:
        r.facts.product = Text();
        break;
      case 7:
        r.facts.revision = Text();
        break;
      case 8:
        r.facts.os_name = Text();
        break;
      case 9:
        r.link_width = Below<uint8_t>(3);
        break;
      case 10:
        r.link_rate = Rate();
        break;
      case 11:
        r.sources = Sources();
        break;
      case 12:
        r.by_source = Reports<registry::ExpanderRecord>();
        break;
      case 13:
        Stamp(r.stamp);
        break;
    }
  }

  void Vary(registry::EndDevice& r) {
    switch (Below(24)) {
      case 21:
        r.slot_label = Text();
        break;
      case 0:
        r.facts.parent = Parent(r.facts.key);
        break;
      case 1:
        r.facts.handle = DevHandle(Below<uint16_t>(3));
        break;
      case 2:
        r.facts.enclosure = SomeEnclosure();
        break;
      case 3:
        r.facts.device_name = Address();
        break;
      case 4:
        r.facts.connector_name = Text();
        break;
      case 5:
        r.facts.failure = Text();
        break;
      case 6:
        r.facts.os_name = Text();
        break;
      case 7:
        r.facts.slot = Maybe<uint16_t>();
        break;
      case 8:
        r.facts.ses_slot = Maybe<uint16_t>();
        break;
      case 9:
        r.facts.parent_phy = Maybe<PhyId>();
        break;
      case 10:
        r.facts.enclosure_level = Maybe<uint8_t>();
        break;
      case 11:
        r.facts.protocols.target = Below<uint8_t>(16);
        break;
      case 12:
        r.facts.protocols.initiator = Below<uint8_t>(16);
        break;
      case 13:
        r.facts.state = Below<DeviceState>(6);
        break;
      case 14:
        r.facts.access_status = Below<uint8_t>(3);
        break;
      case 15:
        r.link_width = Below<uint8_t>(3);
        break;
      case 16:
        r.link_rate = Rate();
        break;
      case 17:
        r.sources = Sources();
        break;
      case 18:
        r.by_source = Reports<registry::EndDeviceRecord>();
        break;
      case 19:
        Stamp(r.stamp);
        break;
      case 20: {
        r.units.clear();
        for (int lun = 0; lun < Below(3); ++lun) r.units.push_back(Path(lun));
        break;
      }
      default:
        if (!r.units.empty()) {
          auto& path = r.units[Below<size_t>(static_cast<int>(r.units.size()))];
          auto varied = std::make_shared<registry::UnitPath>(*path);
          VaryPath(*varied);
          path = std::move(varied);
        }
    }
  }

  void Vary(registry::LogicalUnit& r) {
    switch (Below(20)) {
      case 17:
        r.identity = Text();
        break;
      case 18:
        r.rejected_wwid = Text();
        break;
      case 19:
        r.slot_label = Text();
        break;
      case 0:
        r.vendor = Text();
        break;
      case 1:
        r.model = Text();
        break;
      case 2:
        r.revision = Text();
        break;
      case 3:
        r.serial = Text();
        break;
      case 4:
        r.size_bytes = Below<uint64_t>(3);
        break;
      case 5:
        r.enclosure = SomeEnclosure();
        break;
      case 6:
        r.slot = Maybe<uint16_t>();
        break;
      case 7:
        r.peripheral_type = Below<uint8_t>(3);
        break;
      case 8:
        r.most_paths = Below<uint8_t>(3);
        break;
      case 9:
        r.lost_hosts = LostHosts();
        break;
      case 10:
        r.sources = Sources();
        break;
      case 11:
        Stamp(r.stamp);
        break;
      case 12: {
        r.paths.clear();
        for (uint64_t device = 1; device <= 2; ++device) {
          registry::UnitPathPtr path = Path(Below(2));
          if (Below(2) != 0) {
            r.paths.push_back({Node(device), std::move(path), Below<DeviceState>(6)});
          }
        }
        break;
      }
      default:
        if (!r.paths.empty()) {
          auto& path = r.paths[Below<size_t>(static_cast<int>(r.paths.size()))];
          auto varied = std::make_shared<registry::UnitPath>(*path.facts);
          VaryPath(*varied);
          path.facts = std::move(varied);
          path.state = Below<DeviceState>(6);
        }
    }
  }

  void Vary(registry::Enclosure& r) {
    switch (Below(17)) {
      case 15:
        r.alias = Text();
        break;
      case 14:
        r.lists_slots = Below(2) != 0;
        break;
      case 0:
        r.hosts = Hosts();
        break;
      case 1:
        r.vendor = Text();
        break;
      case 2:
        r.model = Text();
        break;
      case 3:
        r.revision = Text();
        break;
      case 4:
        r.slot_count = Below<uint16_t>(3);
        break;
      case 5:
        r.start_slot = Below<uint16_t>(3);
        break;
      case 6:
        r.level = Maybe<uint8_t>();
        break;
      case 7:
        r.occupied_slot_count = Below<uint16_t>(3);
        break;
      case 8: {
        r.ses_devices.clear();
        for (uint64_t device = 1; device <= 2; ++device) {
          if (Below(2) != 0) r.ses_devices.push_back(Node(device));
        }
        break;
      }
      case 9:
        r.os_name = Text();
        break;
      case 10:
        r.sources = Sources();
        break;
      case 11:
        r.slots_reported_by = Sources();
        break;
      case 12: {
        r.reports.clear();
        if (Below(2) != 0) r.reports.push_back({Below<Source>(2), EnclosureFacts()});
        break;
      }
      case 13:
        Stamp(r.stamp);
        break;
      case 16: {
        r.expanders.clear();
        for (uint64_t expander = 1; expander <= 2; ++expander) {
          if (Below(2) != 0) r.expanders.push_back(Node(expander));
        }
        break;
      }
    }
  }

  void Vary(registry::Slot& r) {
    switch (Below(13)) {
      case 0:
        r.facts.label = Text();
        break;
      case 1:
        r.facts.os_name = Text();
        break;
      case 2:
      case 3: {
        r.occupants.clear();
        for (uint64_t device = 1; device <= 2; ++device) {
          if (Below(3) == 0) continue;
          registry::Slot::Occupant occupant;
          occupant.device = Node(device);
          for (int lun = 0; lun < Below(3); ++lun) occupant.units.push_back(Path(lun));
          r.occupants.push_back(std::move(occupant));
        }
        break;
      }
      case 4:
        r.logical_unit = Below(2) != 0 ? Unit() : registry::LogicalUnitKey();
        break;
      case 5:
        r.vendor = Text();
        break;
      case 6:
        r.model = Text();
        break;
      case 7:
        r.serial = Text();
        break;
      case 8:
        r.hosts = Hosts();
        break;
      case 9:
        r.sources = Sources();
        break;
      case 10:
        r.reported_by = Sources();
        break;
      case 11:
        r.by_source = Reports<registry::SlotRecord>();
        break;
      case 12:
        Stamp(r.stamp);
        break;
    }
  }

 private:
  // The second host with its address: its names have its location.
  inline static const HostLocation kLocation = HostLocation::OfPci("0000:82:00.0");
  inline static const HostKey kHost{SasAddress(0x500605b00ab01230), kLocation};

  static NodeKey Node(uint64_t device) {
    return {kHost, SasAddress(0x5000c500a7b26100 + device), PhysicalPort(0)};
  }
  void SetKey(registry::Host& r) { r.facts.key = r.discovery.host = kHost; }
  void SetKey(registry::Phy& r) { r.facts.key = {NodeKey::Host(kHost), PhyId(3)}; }
  void SetKey(registry::Port& r) { r.id = {NodeKey::Host(kHost), SasAddress(0x5000ccab0300113f)}; }
  void SetKey(registry::Expander& r) {
    r.facts.key = Node(9);
    r.facts.parent = Parent(Node(9));
  }
  void SetKey(registry::EndDevice& r) {
    r.facts.key = Node(1);
    r.facts.parent = Parent(Node(1));
  }
  void SetKey(registry::LogicalUnit& r) {
    r.id = Unit();
    r.wwid = Unit().text();
  }
  void SetKey(registry::Enclosure& r) { r.id = EnclosureKey(0x77, 1); }
  void SetKey(registry::Slot& r) { r.id = {EnclosureKey(0x77, 1), 3}; }

  EnclosureKey SomeEnclosure() {
    const auto id = Below<uint64_t>(3);
    return id == 0 ? EnclosureKey() : EnclosureKey(id, Below<uint8_t>(2));
  }

  std::string String() {
    static constexpr const char* kTexts[] = {"", "a", "b c"};
    return kTexts[Below(3)];
  }
  registry::Text Text() { return String(); }
  LinkRate Rate() { return Below(4) == 0 ? LinkRate::kUnknown : Below<LinkRate>(7); }
  SasAddress Address() { return SasAddress(Below<uint64_t>(3)); }
  template <typename T>
  std::optional<T> Maybe() {
    const int value = Below(3);
    return value == 0 ? std::nullopt : std::make_optional(T(static_cast<uint8_t>(value - 1)));
  }
  NodeKey Parent(const NodeKey& key) {
    if (Below(2) == 0) return NodeKey::Host(key.host);
    return {key.host, SasAddress(0x5000ccab0300113f), PhysicalPort(Below<uint8_t>(2))};
  }
  registry::SourceSet Sources() {
    registry::SourceSet sources;
    const int bits = 1 + Below(3);
    if ((bits & 1) != 0) sources.Add(Source::kFirmware);
    if ((bits & 2) != 0) sources.Add(Source::kSysfs);
    return sources;
  }
  template <typename Record>
  registry::BySource<Record> Reports() {
    if (Below(2) == 0) return {};
    registry::ReportSet<Record> reports;
    reports.Set(Below<Source>(2), Record());
    return registry::BySource<Record>(std::move(reports));
  }
  registry::HostList Hosts() {
    registry::HostList hosts;
    for (uint64_t host = 1; host <= 2; ++host) {
      if (Below(2) != 0)
        hosts.emplace_back(SasAddress(kHost.address.value() + 1),
                           host == 1 ? HostLocation() : kLocation);
    }
    return hosts;
  }
  registry::Boxed<registry::HostList> LostHosts() {
    registry::HostList hosts = Hosts();
    if (hosts.empty()) return {};
    return registry::Boxed<registry::HostList>(std::move(hosts));
  }
  static registry::LogicalUnitKey Unit(int number = 0) {
    const registry::LogicalUnitKey key(registry::Text("naa.5000c500a7b26111"));
    return number == 0 ? key : key.WithDiscriminator("serial");
  }
  registry::UnitPathPtr Path(int lun) {
    auto path = std::make_shared<registry::UnitPath>();
    path->unit = Unit(Below(2));
    path->facts.lun = static_cast<uint64_t>(lun);
    for (int i = 0; i < 10; ++i) VaryPath(*path);
    return path;
  }
  void VaryPath(registry::UnitPath& path) {
    registry::UnitRecord& r = path.facts;
    switch (Below(15)) {
      case 14:
        r.rejected_wwid = Text();
        break;
      case 0:
        r.size_bytes = Below<uint64_t>(3);
        break;
      case 1:
        r.wwid = Text();
        break;
      case 2:
        r.vendor = Text();
        break;
      case 3:
        r.model = Text();
        break;
      case 4:
        r.revision = Text();
        break;
      case 5:
        r.serial = Text();
        break;
      case 6:
        r.scsi_address = Text();
        break;
      case 7:
        r.block_device = Text();
        break;
      case 8:
        r.generic_device = Text();
        break;
      case 9: {
        r.holders.clear();
        if (Below(2) != 0) r.holders.push_back({Text(), Text(), Below<HolderKind>(7)});
        break;
      }
      case 10:
        r.peripheral_type = Below<uint8_t>(3);
        break;
      case 11:
        path.sources = Sources();
        break;
      case 12:
        path.by_source = Reports<registry::UnitRecord>();
        break;
      case 13:
        r.lun = Below<uint64_t>(2);
        break;
    }
  }
  void Stamp(registry::Stamp& stamp) {
    stamp.revision = Below<int64_t>(100);
    stamp.unix_nanos = Below<int64_t>(100);
  }

  std::mt19937 random_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_RANDOM_RESOURCES_H_
