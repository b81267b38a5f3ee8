#ifndef DRIVER_OBSERVATION_OBSERVATION_H_
#define DRIVER_OBSERVATION_OBSERVATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/observation/host_key.h"
#include "driver/observation/keys.h"

// The driver's output: typed facts, in batches that name their source and cause. Plain values.
// An observation holds all facts of its object: it replaces the earlier one of the same source.
// Strings have no trailing blanks. An empty string, a 0 address or nullopt means "this source does
// not know".
namespace sasd {

// The source of a fact. Each number is that of sas.v1.Source less 1, and less than 8. A new source
// goes to the end; daemon/registry/source_table.h gives the meaning of its reports.
enum class Source : uint8_t { kFirmware, kSysfs };

// Protocols that a device or phy speaks, as a bit set (SPL-4 DISCOVER response).
struct Protocols {
  static constexpr uint8_t kSsp = 1, kStp = 2, kSmp = 4, kSata = 8;
  static constexpr uint8_t kScsi = kSsp | kStp | kSata;  // any that carries SCSI commands
  uint8_t initiator = 0;
  uint8_t target = 0;
  friend bool operator==(Protocols a, Protocols b) {
    return a.initiator == b.initiator && a.target == b.target;
  }
};

struct HostFacts {
  HostKey key;
  std::string board_name;        // "SAS9400-8i8e"
  std::string chip_name;         // "SAS3408"
  std::string firmware_version;  // "12.00.00.00"
  std::string driver_name;       // "mpt3sas", "mptsas"; "virtual" for a virtual HBA
  std::string pci_address;       // "0000:03:00.0"
  std::string os_name;           // "host11"
  uint8_t phy_count = 0;
  bool operator==(const HostFacts& o) const;
};

enum class RoutingAttribute : uint8_t { kUnknown, kDirect, kSubtractive, kTable };

struct PhyFacts {
  PhyKey key;
  LinkRate negotiated = LinkRate::kUnknown;
  LinkRate hardware_min = LinkRate::kUnknown, hardware_max = LinkRate::kUnknown;
  LinkRate programmed_min = LinkRate::kUnknown, programmed_max = LinkRate::kUnknown;
  SasAddress attached;  // 0: nothing attached
  std::optional<PhyId> attached_phy;
  RoutingAttribute routing = RoutingAttribute::kUnknown;
  bool is_virtual = false;
  bool vacant = false;
  // The source knows that the link leads to nothing. False: it leads to something, is down, or the
  // source does not know.
  bool nothing_attached = false;
  std::string os_name;  // "phy-11:0:4"
  bool operator==(const PhyFacts& o) const;
};

// A port as the operating system names and counts it. The members follow from the phys'
// `attached`. `width` is for sources that count the members but do not list them.
struct PortFacts {
  PortKey key;
  std::string os_name;  // "port-11:0:1"
  uint8_t width = 0;    // number of phys that the source reports
  bool operator==(const PortFacts& o) const;
};

struct ExpanderFacts {
  NodeKey key;
  NodeKey parent;  // a host or an expander
  DevHandle handle;
  EnclosureKey enclosure;  // 0: none
  uint8_t phy_count = 0;
  uint8_t level = 0;                      // 1: attached to the host
  std::string vendor, product, revision;  // SMP REPORT MANUFACTURER INFORMATION
  std::string os_name;                    // "expander-11:0"
  bool operator==(const ExpanderFacts& o) const;
};

// The state of an end device's life (docs/architecture.md draws the chain). EndDeviceGone reports
// its end.
enum class DeviceState : uint8_t {
  kDiscovered,  // the firmware has it; the operating system does not have it yet
  kAttaching,
  kAttached,  // the operating system has it
  kBlocked,   // "delay not responding": it may come back
  kRemoving,
  kFailed,  // see access_status
};

struct EndDeviceFacts {
  NodeKey key;
  NodeKey parent;                   // a host or an expander
  std::optional<PhyId> parent_phy;  // the lowest phy of the parent that leads to it
  DevHandle handle;
  DeviceState state = DeviceState::kDiscovered;
  Protocols protocols;
  EnclosureKey enclosure;  // 0: none
  std::optional<uint16_t> slot;
  std::optional<uint16_t> ses_slot;  // in the same enclosure, as its SES device reports it
  std::optional<uint8_t> enclosure_level;
  std::string connector_name;  // "C0.1"
  SasAddress device_name;      // world wide name (SATA: IDENTIFY DEVICE; SAS: device name)
  uint8_t access_status = 0;   // MPI 2.x AccessStatus; 0: no error
  std::string failure;         // why kFailed, in words
  std::string os_name;         // "end_device-11:0:1"
  bool operator==(const EndDeviceFacts& o) const;
};

// What holds a block device open in the operating system, and so suffers from its loss.
enum class HolderKind : uint8_t {
  kUnknown,
  kDeviceMapper,
  kMultipath,
  kLvm,
  kCrypt,
  kMdRaid,
  kZfs
};

struct Holder {
  HolderKind kind = HolderKind::kUnknown;
  std::string name;          // "mpatha", "vg0-data", "md127"
  std::string block_device;  // "dm-3", "md127"; empty for kZfs, whose name is the pool's
  bool operator==(const Holder& o) const;
};

// A logical unit as one end device reaches it (one path).
struct LogicalUnitFacts {
  NodeKey device;
  uint64_t lun = 0;             // as the 8-byte LUN, big-endian
  uint8_t peripheral_type = 0;  // SPC: 0 disk, 13 enclosure services, ...
  std::string wwid;             // "naa.5000c500a7b26111", "eui....", "t10....", "serial...."
  // What the unit reports in place of `wwid` and cannot be the identifier of one unit; empty: it
  // reports no such thing. Spelled as wwid.
  std::string rejected_wwid;
  std::string vendor, model, revision, serial;
  uint64_t size_bytes = 0;     // 0: unknown
  std::string scsi_address;    // "11:0:0:0" (H:C:T:L)
  std::string block_device;    // "sdb"
  std::string generic_device;  // "sg3"
  // Holders of block_device and its partitions, ordered by Holder::block_device, pools last. File
  // systems do not count.
  std::vector<Holder> holders;
  bool operator==(const LogicalUnitFacts& o) const;
};

struct EnclosureFacts {
  EnclosureKey key;
  HostKey host;             // the host that reports it
  EnclosureHandle handle;   // on that host
  uint16_t slot_count = 0;  // 0: unknown
  uint16_t start_slot = 0;
  // The source reports each slot that exists (SlotFacts): slot_count is their number, and there may
  // be gaps between their numbers.
  bool lists_slots = false;
  // It is the host itself. Its slots are places for direct attached devices, and there is a bay
  // only where one of them is.
  bool is_host = false;
  std::optional<uint8_t> level;
  DevHandle sep_handle;  // 0: none
  std::string os_name;   // "11:0:2:0", the SES device; "PORT 1I BOX 1" under hpsa and smartpqi
  // The host or expander that leads to it. None (no address): the report is on all that `host`
  // reaches under the identifier. A source may report one enclosure once per place.
  NodeKey place = NodeKey();
  bool operator==(const EnclosureFacts& o) const;
};

struct SlotFacts {
  SlotKey key;
  std::string label;          // the SES element descriptor: "Slot 01"
  std::string os_name;        // the component's directory
  NodeKey place = NodeKey();  // as EnclosureFacts::place
  bool operator==(const SlotFacts& o) const;
};

enum class DiscoveryState : uint8_t { kIdle, kInProgress, kSettled, kFailed, kRecovering };

struct DiscoveryFacts {
  HostKey host;
  DiscoveryState state = DiscoveryState::kIdle;
  uint32_t status = 0;  // MPI 2.x DiscoveryStatus bits; 0: no error
  std::string status_text;
  uint32_t reset_count = 0;  // host resets since the start: the epoch of the handles
  bool operator==(const DiscoveryFacts& o) const;
};

// An occurrence that leaves no state: SMART warning, temperature, log entry, broadcast, discovery
// error. `subject` is the object concerned, or the host's own key if it is unknown.
struct Notice {
  enum class Severity : uint8_t { kInfo, kWarning, kCritical };
  Severity severity = Severity::kInfo;
  NodeKey subject;
  std::string text;
  bool operator==(const Notice& o) const;
};

struct HostGone {
  HostKey host;
};  // with everything under it
struct ExpanderGone {
  NodeKey key;
};  // with its phys and ports; the same batch reports each child
struct EndDeviceGone {
  NodeKey key;
};  // with its logical units' paths over it
struct LogicalUnitGone {
  NodeKey device;
  uint64_t lun;
};
// What was reported from this place.
struct EnclosureGone {
  EnclosureKey key;
  HostKey host;
  NodeKey place = NodeKey();
};

using Observation =
    std::variant<HostFacts, HostGone, PhyFacts, PortFacts, ExpanderFacts, ExpanderGone,
                 EndDeviceFacts, EndDeviceGone, LogicalUnitFacts, LogicalUnitGone, EnclosureFacts,
                 EnclosureGone, SlotFacts, DiscoveryFacts, Notice>;

// The reason for a batch.
enum class CauseKind : uint8_t {
  kStartup,        // the first reading of a host
  kFirmwareEvent,  // one event from the firmware
  kAttach,         // the driver finished (or gave up) enabling a device
  kScan,           // a reading of sysfs
  kUevent,         // a reading of sysfs after uevents of the kernel
  kResync,         // differences found by a rescan after a declared gap
  kHostReset,      // the host was reset: handles are renumbered
  kControl,        // a client asked for it
  kSourceLost,     // a source can no longer be read
  kRestart,        // sasd began again, and compared what it had kept
  kAudit,          // a client called a method that changes something; what it changed comes before
};
constexpr CauseKind kLastCauseKind = CauseKind::kAudit;

struct Cause {
  CauseKind kind = CauseKind::kStartup;
  uint16_t event_code = 0;     // MPI event, for kFirmwareEvent
  uint32_t event_context = 0;  // the firmware's or the ring's event context
  uint32_t lost_events = 0;    // for kResync: how many events the gap lost; 0: not known here
  std::string text;            // one line for people: "expander 5001...bf phy 5 not responding"
};

// A cause that is neither an event nor a gap.
inline Cause MakeCause(CauseKind kind, std::string text) {
  Cause cause;
  cause.kind = kind;
  cause.text = std::move(text);
  return cause;
}

// One occurrence with all changes it made. The whole batch becomes one revision. A batch without
// news makes no revision, unless its cause is a gap, reset or notice.
struct ObservationBatch {
  Source source = Source::kFirmware;
  HostKey host;  // none: not of one host
  Cause cause;
  absl::Time time;         // when the driver learned it (wall clock)
  absl::Duration arrival;  // when the event arrived (Clock::Monotonic); zero: no event
  std::vector<Observation> observations;
};

// Takes batches. Those of one host come in the order of their truth. Implementations are
// thread-safe and return quickly. They must not call back into the driver.
class ObservationSink {
 public:
  virtual ~ObservationSink() = default;
  virtual void Observe(ObservationBatch batch) = 0;

  // The caller is about to wait, for I/O or for an event. A sink that holds batches back, to send
  // them with later ones, sends them now.
  virtual void Flush() {}

  // True while the caller knows of a change that it has not yet read and reported. Discovery is not
  // settled until it is false.
  virtual void SetPending(bool pending) { (void)pending; }
};

}  // namespace sasd

#endif  // DRIVER_OBSERVATION_OBSERVATION_H_
