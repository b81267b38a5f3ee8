#ifndef DRIVER_WIRE_MPI_EVENTS_H_
#define DRIVER_WIRE_MPI_EVENTS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/wire/mpi/constants.h"

// The data of MPI 2.x events (mpi2_ioc.h, MPI2_EVENT_DATA_*). Pure functions, thread-safe.
namespace sasd::mpi {

// SAS topology change list (MPI2_EVENT_DATA_SAS_TOPOLOGY_CHANGE_LIST).
struct TopologyChangeList {
  struct Entry {
    DevHandle attached_handle;
    LinkRate rate = LinkRate::kUnknown;           // now
    LinkRate previous_rate = LinkRate::kUnknown;  // before
    PhyReason reason = PhyReason::kNoChange;
    bool vacant = false;
  };
  EnclosureHandle enclosure_handle;
  DevHandle expander_handle;  // 0: the HBA's own phys
  uint8_t phy_count = 0;
  PhyId start_phy;  // of entries[0]
  ExpanderStatus status = ExpanderStatus::kNoExpander;
  PhysicalPort port;
  std::vector<Entry> entries;
};

// SAS discovery (MPI2_EVENT_DATA_SAS_DISCOVERY).
struct DiscoveryEvent {
  static constexpr uint8_t kStarted = 1, kCompleted = 2;
  static constexpr uint8_t kFlagInProgress = 1, kFlagDeviceChange = 2;
  uint8_t flags = 0;
  uint8_t reason = 0;
  PhysicalPort port;
  uint32_t status = 0;
};

// SAS device status change (MPI2_EVENT_DATA_SAS_DEVICE_STATUS_CHANGE).
struct DeviceStatusChange {
  uint16_t task_tag = 0;
  DeviceStatusReason reason = DeviceStatusReason::kSmartData;
  PhysicalPort port;
  uint8_t asc = 0;
  uint8_t ascq = 0;
  DevHandle handle;
  SasAddress address;
  uint64_t lun = 0;  // the 8-byte LUN, big-endian
};

// SAS enclosure device status change (MPI2_EVENT_DATA_SAS_ENCL_DEV_STATUS_CHANGE).
struct EnclosureStatusChange {
  static constexpr uint8_t kAdded = 1, kNotResponding = 2;
  EnclosureHandle handle;
  uint8_t reason = 0;
  PhysicalPort port;
  SasAddress logical_id;
  uint16_t slot_count = 0;
  uint16_t start_slot = 0;
  uint32_t phy_bits = 0;
};

// SAS broadcast primitive (MPI2_EVENT_DATA_SAS_BROADCAST_PRIMITIVE).
struct BroadcastPrimitive {
  static constexpr uint8_t kChange = 1, kSes = 2, kExpander = 3, kAsynchronousEvent = 4;
  PhyId phy;
  PhysicalPort port;
  uint8_t port_width = 0;
  uint8_t primitive = 0;
};

// SAS device discovery error (MPI25_EVENT_DATA_SAS_DEVICE_DISCOVERY_ERROR).
struct DeviceDiscoveryError {
  static constexpr uint8_t kSmpFailed = 1, kSmpTimeout = 2;
  DevHandle handle;
  uint8_t reason = 0;
  PhysicalPort port;
  SasAddress address;
};

// IR configuration change list (MPI2_EVENT_DATA_IR_CONFIG_CHANGE_LIST).
struct IrConfigurationChangeList {
  struct Element {
    uint16_t flags = 0;
    DevHandle volume_handle;
    uint8_t reason = 0;  // 1 add, 2 remove, 3 no change, 4 hide, 5 unhide, 6 volume created, ...
    uint8_t disk_number = 0;
    DevHandle disk_handle;
  };
  uint8_t config_number = 0;
  uint32_t flags = 0;  // bit 0: foreign configuration
  std::vector<Element> elements;
};

// IR volume and IR physical disk (MPI2_EVENT_DATA_IR_VOLUME, MPI2_EVENT_DATA_IR_PHYSICAL_DISK).
struct IrVolume {
  DevHandle handle;
  uint8_t reason = 0;  // 1 settings, 2 status flags, 3 state
  uint32_t value = 0;
  uint32_t previous_value = 0;
};
struct IrPhysicalDisk {
  uint8_t reason = 0;
  uint8_t number = 0;
  DevHandle handle;
  uint16_t slot = 0;
  EnclosureHandle enclosure_handle;
  uint32_t value = 0;
  uint32_t previous_value = 0;
};

// Log entry added (MPI2_EVENT_DATA_LOG_ENTRY_ADDED).
struct LogEntryAdded {
  uint64_t timestamp_ms = 0;
  uint16_t sequence = 0;
  uint16_t qualifier = 0;
  Bytes data;  // at most 28 bytes
};

// Temperature threshold (MPI2_EVENT_DATA_TEMPERATURE): degrees Celsius.
struct TemperatureThreshold {
  uint16_t status = 0;  // bits 0-3: thresholds exceeded
  uint8_t sensor = 0;
  uint16_t temperature = 0;
};

// Active cable exception (MPI26_EVENT_DATA_ACTIVE_CABLE_EXCEPT): power in milliwatts.
struct ActiveCableException {
  uint32_t power_requirement = 0;
  uint8_t reason = 0;  // 0 insufficient power, 1 present, 2 degraded
  uint8_t receptacle = 0;
};

// SAS phy counter (MPI2_EVENT_DATA_SAS_PHY_COUNTER).
struct PhyCounter {
  uint8_t code = 0;
  PhyId phy;
  uint32_t value = 0;
  uint32_t threshold = 0;
};

// Hard reset received (MPI2_EVENT_DATA_HARD_RESET_RECEIVED).
struct HardResetReceived {
  uint8_t port = 0;
};

// An event whose data this room does not decode.
struct UnknownEvent {
  uint16_t code = 0;
  Bytes data;
};

using EventData =
    std::variant<UnknownEvent, TopologyChangeList, DiscoveryEvent, DeviceStatusChange,
                 EnclosureStatusChange, BroadcastPrimitive, DeviceDiscoveryError,
                 IrConfigurationChangeList, IrVolume, IrPhysicalDisk, LogEntryAdded,
                 TemperatureThreshold, ActiveCableException, PhyCounter, HardResetReceived>;

// Decodes an event's data. Errors (kInvalidArgument): data shorter than the layout, or than its own
// count of entries needs: "topology change list: 12 entries need 60 bytes, 40 are there".
absl::StatusOr<EventData> DecodeEvent(uint16_t event, ByteSpan data);

// The event's code and data.
EventCode CodeOf(const EventData& data);
Bytes EncodeEvent(const EventData& data);

// One line for logs: "topology change list: expander 0x0009 responding, phy 5 0x000f not
// responding".
std::string ToString(const EventData& data);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_MPI_EVENTS_H_
