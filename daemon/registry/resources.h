#ifndef DAEMON_REGISTRY_RESOURCES_H_
#define DAEMON_REGISTRY_RESOURCES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "daemon/registry/source_set.h"
#include "daemon/registry/text.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/observation/keys.h"
#include "driver/observation/observation.h"

// The objects of the node as the registry holds them: the merged reports of the sources (`facts`,
// see merge.h), and what follows from them. A published resource is immutable and shared
// (std::shared_ptr<const T>). Plain values. They are small on purpose: a node with 100,000 drives
// has five of them per drive.
namespace sasd::registry {

// The numbers equal sas.v1.ResourceKind and, less one, the alternatives of ResourceRef/ResourceId.
enum class ResourceKind : uint8_t {
  kHost = 1,
  kPhy = 2,
  kPort = 3,
  kExpander = 4,
  kEndDevice = 5,
  kLogicalUnit = 6,
  kEnclosure = 7,
  kSlot = 8,
};
inline constexpr size_t kResourceKindCount = 8;

// "host", "end device", ...
absl::string_view ToString(ResourceKind kind);

// Hosts, ascending.
using HostList = absl::InlinedVector<HostKey, 2>;

// When a resource last changed.
struct Stamp {
  int64_t revision = 0;
  int64_t unix_nanos = 0;
  absl::Time time() const { return absl::FromUnixNanos(unix_nanos); }
};

// A value that is rarely set: 8 bytes, copied deeply.
template <typename T>
class Boxed {
 public:
  Boxed() = default;
  explicit Boxed(T value) : box_(std::make_unique<T>(std::move(value))) {}
  Boxed(const Boxed& o) : box_(o.box_ ? std::make_unique<T>(*o.box_) : nullptr) {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed o) noexcept {
    box_ = std::move(o.box_);
    return *this;
  }
  const T* get() const { return box_.get(); }
  T* mutable_get() { return box_.get(); }
  explicit operator bool() const { return box_ != nullptr; }
  friend bool operator==(const Boxed& a, const Boxed& b) {
    return a.box_ && b.box_ ? *a.box_ == *b.box_ : !a.box_ == !b.box_;
  }

 private:
  std::unique_ptr<T> box_;
};

// The reports of several sources on one object. Empty where `facts` is the report of one source
// that proves existence (merge.h).
template <typename Facts>
using BySource = Boxed<ReportSet<Facts>>;

// ---------------------------------------------------------------------------------------- Host

struct Host {
  using Key = HostKey;
  static constexpr ResourceKind kKind = ResourceKind::kHost;

  HostFacts facts;           // facts.key is always set
  DiscoveryFacts discovery;  // merged: the least settled of the sources
  BySource<HostFacts> by_source;
  ReportSet<DiscoveryFacts> discovery_by_source;
  SourceSet sources;
  // The picture of this host is from before a restart, and is not compared yet.
  bool stale = false;
  Text alias;  // Aliases::Of(key())
  Stamp stamp;

  Key key() const { return facts.key; }
};

// ----------------------------------------------------------------------------------------- Phy

// The compact form of sasd::PhyFacts; fields as there.
struct PhyRecord {
  PhyKey key;
  SasAddress attached;
  Text os_name;
  LinkRate negotiated = LinkRate::kUnknown;
  LinkRate hardware_min = LinkRate::kUnknown, hardware_max = LinkRate::kUnknown;
  LinkRate programmed_min = LinkRate::kUnknown, programmed_max = LinkRate::kUnknown;
  std::optional<PhyId> attached_phy;
  RoutingAttribute routing = RoutingAttribute::kUnknown;
  bool is_virtual = false;
  bool vacant = false;
  // Of one source's report; the merged record does not have it.
  bool nothing_attached = false;
  bool operator==(const PhyRecord& o) const;
};

struct Phy {
  using Key = PhyKey;
  static constexpr ResourceKind kKind = ResourceKind::kPhy;

  PhyRecord facts;
  BySource<PhyRecord> by_source;
  Stamp stamp;
  SourceSet sources;

  const Key& key() const { return facts.key; }
};

// ---------------------------------------------------------------------------------------- Port

// The compact form of sasd::PortFacts.
struct PortRecord {
  Text os_name;
  uint8_t width = 0;
  bool operator==(const PortRecord& o) const { return os_name == o.os_name && width == o.width; }
};

// The node at the other end of a port.
struct AttachedNode {
  enum class Kind : uint8_t { kUnknown, kHost, kExpander, kEndDevice };
  Kind kind = Kind::kUnknown;
  PhysicalPort port;  // of its NodeKey
  bool operator==(const AttachedNode& o) const { return kind == o.kind && port == o.port; }
};

// Derived from the phys of `owner` whose attached address is `attached` and whose link is up or has
// no known rate. Exists while it has such a phy, or a source reports it (PortFacts).
struct Port {
  using Key = PortKey;
  static constexpr ResourceKind kKind = ResourceKind::kPort;

  PortKey id;
  absl::InlinedVector<PhyId, 16> phys;  // ascending; empty where the source only counts
  PortRecord facts;                     // empty where no source reports the port itself
  BySource<PortRecord> by_source;
  uint8_t width = 0;   // phys.size(), or facts.width where no phy is shown
  uint8_t widest = 0;  // the most it has had, also before it was lost for a while
  LinkRate link_rate = LinkRate::kUnknown;  // the slowest of its phys
  LinkRate fastest = LinkRate::kUnknown;    // the best link_rate it has had
  AttachedNode attached;
  SourceSet reported_by;  // the sources of PortFacts
  SourceSet sources;      // those and the phys'
  Stamp stamp;

  const Key& key() const { return id; }
  // Of the expander or end device at the other end (see attached.kind).
  NodeKey attached_key() const { return {id.owner.host, id.attached, attached.port}; }
};

// ------------------------------------------------------------------------------------ Expander

// The compact form of sasd::ExpanderFacts.
struct ExpanderRecord {
  NodeKey key;
  NodeKey parent;
  EnclosureKey enclosure;
  Text vendor, product, revision;
  Text os_name;
  DevHandle handle;
  uint8_t phy_count = 0;
  uint8_t level = 0;
  bool operator==(const ExpanderRecord& o) const;
};

struct Expander {
  using Key = NodeKey;
  static constexpr ResourceKind kKind = ResourceKind::kExpander;

  ExpanderRecord facts;
  BySource<ExpanderRecord> by_source;
  Stamp stamp;
  SourceSet sources;
  // Of the parent's port to it; 0 and kUnknown where not known.
  uint8_t link_width = 0;
  LinkRate link_rate = LinkRate::kUnknown;

  const Key& key() const { return facts.key; }
};

// ----------------------------------------------------------------------------------- EndDevice

// A logical unit's key: its wwid, or where it has none a text made of device and LUN
// ("path.{host}.{address}.{port}.{lun}", hexadecimal; see IsFallback). Where several units report
// one wwid, the first of them has it as its key; the others' keys go on with '~' and what tells
// them apart: the serial number, or the text made of device and LUN.
class LogicalUnitKey {
 public:
  LogicalUnitKey() = default;
  explicit LogicalUnitKey(Text text) : text_(std::move(text)) {}
  static LogicalUnitKey Fallback(const NodeKey& device, uint64_t lun);
  // `wwid` is not empty. A '~' or '%' in it is "%7E" or "%25" in the key.
  static LogicalUnitKey Plain(const Text& wwid);
  LogicalUnitKey WithDiscriminator(absl::string_view text) const;
  // Whether it has no discriminator.
  bool IsPlain() const { return Discriminator().empty(); }
  absl::string_view Discriminator() const;  // after the '~'

  const Text& text() const { return text_; }
  // Whether the key, or what tells it from another unit's, is made of device and LUN.
  bool IsFallback() const;

  friend bool operator==(const LogicalUnitKey& a, const LogicalUnitKey& b) {
    return a.text_ == b.text_;
  }
  friend bool operator!=(const LogicalUnitKey& a, const LogicalUnitKey& b) { return !(a == b); }
  friend bool operator<(const LogicalUnitKey& a, const LogicalUnitKey& b) {
    return a.text_ < b.text_;
  }
  template <typename H>
  friend H AbslHashValue(H h, const LogicalUnitKey& k) {
    return H::combine(std::move(h), k.text_);
  }

 private:
  Text text_;
};

// The compact form of sasd::Holder.
struct HolderRecord {
  Text name, block_device;
  HolderKind kind = HolderKind::kUnknown;
  bool operator==(const HolderRecord& o) const;
};

// The compact form of sasd::LogicalUnitFacts.
struct UnitRecord {
  uint64_t lun = 0;
  uint64_t size_bytes = 0;
  Text wwid, rejected_wwid;
  Text vendor, model, revision, serial;
  Text scsi_address, block_device, generic_device;
  std::vector<HolderRecord> holders;
  uint8_t peripheral_type = 0;
  bool operator==(const UnitRecord& o) const;
};

// One path: a logical unit as one end device reaches it. Both share it.
struct UnitPath {
  LogicalUnitKey unit;
  UnitRecord facts;
  BySource<UnitRecord> by_source;
  SourceSet sources;
};
using UnitPathPtr = std::shared_ptr<const UnitPath>;

// The compact form of sasd::EndDeviceFacts.
struct EndDeviceRecord {
  NodeKey key;
  NodeKey parent;
  EnclosureKey enclosure;
  SasAddress device_name;
  Text connector_name, failure, os_name;
  std::optional<uint16_t> slot, ses_slot;
  DevHandle handle;
  std::optional<PhyId> parent_phy;
  std::optional<uint8_t> enclosure_level;
  Protocols protocols;
  DeviceState state = DeviceState::kDiscovered;
  uint8_t access_status = 0;
  bool operator==(const EndDeviceRecord& o) const;
};

struct EndDevice {
  using Key = NodeKey;
  static constexpr ResourceKind kKind = ResourceKind::kEndDevice;

  EndDeviceRecord facts;
  absl::InlinedVector<UnitPathPtr, 1> units;  // ascending by LUN
  BySource<EndDeviceRecord> by_source;
  Stamp stamp;
  // Since when the state, and the set of sources that prove existence, are what they are.
  int64_t state_unix_nanos = 0;
  SourceSet sources;
  // Of the parent's port to it; 0 and kUnknown where that is not known.
  uint8_t link_width = 0;
  LinkRate link_rate = LinkRate::kUnknown;
  Text slot_label;  // of the slot where it sits

  const Key& key() const { return facts.key; }
  absl::Time state_time() const { return absl::FromUnixNanos(state_unix_nanos); }
  // The first logical unit; null while none is known.
  const UnitPath* first_unit() const { return units.empty() ? nullptr : units[0].get(); }
};

// --------------------------------------------------------------------------------- LogicalUnit

struct LogicalUnit {
  using Key = LogicalUnitKey;
  static constexpr ResourceKind kKind = ResourceKind::kLogicalUnit;

  struct Path {
    NodeKey device;
    UnitPathPtr facts;  // lun, scsi_address, block_device, generic_device, holders of this path
    DeviceState state = DeviceState::kDiscovered;  // of the end device
  };

  LogicalUnitKey id;
  absl::InlinedVector<Path, 1> paths;  // never empty; ascending by device
  Text wwid;                           // of all paths; empty where none knows one
  // Each from the first path that knows it.
  Text rejected_wwid, vendor, model, revision, serial;
  // What tells it from other units of its wwid (see IdentityOf), as soon as a path has shown it.
  // Clients do not see it.
  Text identity;
  uint64_t size_bytes = 0;
  EnclosureKey enclosure;  // 0: none
  Text slot_label;
  Stamp stamp;
  std::optional<uint16_t> slot;
  uint8_t peripheral_type = 0;
  uint8_t most_paths = 0;  // the most paths since it came
  // Hosts that had a path since it came and have none now; ascending. Rarely set.
  Boxed<HostList> lost_hosts;
  SourceSet sources;

  const Key& key() const { return id; }
};

// What two units of one wwid differ in: the serial number. Where the wwid is made of that
// ("serial."), vendor and model. Empty: not known. `T` is UnitRecord or LogicalUnit.
template <typename T>
Text IdentityOf(const T& unit);

// ----------------------------------------------------------------------------------- Enclosure

struct Enclosure {
  using Key = EnclosureKey;
  static constexpr ResourceKind kKind = ResourceKind::kEnclosure;
  static constexpr uint16_t kMaxSlots = 1024;

  // What one source reports through one host, from one place.
  struct Report {
    Source source;
    EnclosureFacts facts;
    bool operator==(const Report& o) const { return source == o.source && facts == o.facts; }
    auto origin() const { return std::make_tuple(facts.host, source, facts.place); }
  };

  EnclosureKey id;
  std::vector<Report> reports;       // ascending by origin; empty: only its members name it
  HostList hosts;                    // those that report it, or have a device or expander in it
  SourceSet slots_reported_by;       // the sources of SlotFacts
  std::vector<NodeKey> ses_devices;  // ascending: end devices with a unit of peripheral type 13
  std::vector<NodeKey> expanders;    // ascending: those in it
  Text vendor, model, revision;      // of the first SES device that knows them
  // Merged from the reports.
  Text os_name;
  uint16_t slot_count = 0;  // at most kMaxSlots, even if more are reported; 0: unknown
  uint16_t start_slot = 0;
  bool lists_slots = false;  // as EnclosureFacts::lists_slots, of one report
  std::optional<uint8_t> level;
  uint16_t occupied_slot_count = 0;
  SourceSet sources;
  Text alias;  // Aliases::Of(id)
  Stamp stamp;

  Key key() const { return id; }
  // Whether a slot exists although no source reports it. Where one lists the slots, none does.
  bool InRange(uint16_t slot) const {
    return !lists_slots && slot >= start_slot && slot < uint32_t{start_slot} + slot_count;
  }
};

// Puts the report at its place, instead of an earlier one of its origin.
void PutReport(Enclosure::Report report, std::vector<Enclosure::Report>& reports);

// ---------------------------------------------------------------------------------------- Slot

// The compact form of sasd::SlotFacts.
struct SlotRecord {
  Text label, os_name;
  bool operator==(const SlotRecord& o) const { return label == o.label && os_name == o.os_name; }
};

// Exists for every slot that a source reports (SlotFacts), and where a device sits; where no source
// lists the slots of the enclosure, for every number in its range, too. An enclosure services
// device sits in no slot, even if it reports a number.
struct Slot {
  using Key = SlotKey;
  static constexpr ResourceKind kKind = ResourceKind::kSlot;

  struct Occupant {
    NodeKey device;
    absl::InlinedVector<UnitPathPtr, 1> units;  // those of the device
  };

  SlotKey id;
  SlotRecord facts;
  // The paths to the drive here, ascending by device. More than one drive is a contradiction of the
  // sources; all are here.
  absl::InlinedVector<Occupant, 1> occupants;
  // Of the first occupant that has a unit; empty where none has.
  LogicalUnitKey logical_unit;
  Text vendor, model, serial;
  HostList hosts;  // of the enclosure
  BySource<SlotRecord> by_source;
  Stamp stamp;
  SourceSet reported_by;  // the sources of SlotFacts
  SourceSet sources;
  // Who reported what is not known, since this slot was restored (restored.h). The first report
  // replaces all.
  bool restored = false;
  // The sources that the restored slot had. They stay among `sources` until all hosts of the
  // enclosure are compared: another host may be the one that a source has the slot through. They
  // do not prove that the slot exists.
  SourceSet restored_sources;

  const Key& key() const { return id; }
  bool occupied() const { return !occupants.empty(); }
  // Of all sources, the restored ones too.
  void ForgetReports() {
    restored = false;
    facts = SlotRecord();
    by_source = BySource<SlotRecord>();
    reported_by = SourceSet();
  }
  // Each once, in the order of the occupants and their LUNs.
  std::vector<LogicalUnitKey> LogicalUnits() const;
  std::vector<Text> BlockDevices() const;
  std::vector<Text> Serials() const;
};

// ------------------------------------------------------------------------------------- Any kind

// One resource of any kind, or (a null pointer) none. index() + 1 is its ResourceKind.
using ResourceRef =
    std::variant<std::shared_ptr<const Host>, std::shared_ptr<const Phy>,
                 std::shared_ptr<const Port>, std::shared_ptr<const Expander>,
                 std::shared_ptr<const EndDevice>, std::shared_ptr<const LogicalUnit>,
                 std::shared_ptr<const Enclosure>, std::shared_ptr<const Slot>>;

// The key of one resource of any kind; by position: index() + 1 is its ResourceKind.
using ResourceId =
    std::variant<HostKey, PhyKey, PortKey, NodeKey, NodeKey, LogicalUnitKey, EnclosureKey, SlotKey>;

template <typename T>
constexpr size_t IndexOf() {
  return static_cast<size_t>(T::kKind) - 1;
}
// MakeId<Expander>(key).
template <typename T>
ResourceId MakeId(const typename T::Key& key) {
  return ResourceId(std::in_place_index<IndexOf<T>()>, key);
}
inline ResourceKind KindOf(const ResourceRef& r) {
  return static_cast<ResourceKind>(r.index() + 1);
}
inline ResourceKind KindOf(const ResourceId& r) { return static_cast<ResourceKind>(r.index() + 1); }
bool IsNull(const ResourceRef& ref);
// `ref` is not null.
ResourceId IdOf(const ResourceRef& ref);
// The hosts of a resource: its own; for logical units, enclosures and slots all that reach it.
// `ref` is not null.
HostList HostsOf(const ResourceRef& ref);
// For logs and findings: "end device 5000c500e23ccd9d on host 500605b00d0f1230".
std::string Describe(const ResourceId& id);

// Whether clients see no difference: all is equal that the messages of the API carry
// (daemon/service/convert.h), except for stamps and times. The reports of each source, and what
// only the registry counts, may differ. Both have the same key.
bool SameContent(const Host& a, const Host& b);
bool SameContent(const Phy& a, const Phy& b);
bool SameContent(const Port& a, const Port& b);
bool SameContent(const Expander& a, const Expander& b);
bool SameContent(const EndDevice& a, const EndDevice& b);
bool SameContent(const LogicalUnit& a, const LogicalUnit& b);
bool SameContent(const Enclosure& a, const Enclosure& b);
bool SameContent(const Slot& a, const Slot& b);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_RESOURCES_H_
