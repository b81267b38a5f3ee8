#include "driver/wire/mpi/events.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/wire/layout.h"

namespace sasd::mpi {
namespace {

// The layout of each event's data: its name in errors, the bytes it needs, its fields.
template <typename Event>
struct Wire;

// mpi2_ioc.h, MPI2_EVENT_DATA_SAS_DISCOVERY.
template <>
struct Wire<DiscoveryEvent> {
  static constexpr EventCode kCode = EventCode::kSasDiscovery;
  static constexpr size_t kSize = 0x08;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.flags);
    io(0x01, e.reason);
    io(0x02, e.port);
    io(0x04, e.status);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_SAS_DEVICE_STATUS_CHANGE, without the LUN.
template <>
struct Wire<DeviceStatusChange> {
  static constexpr EventCode kCode = EventCode::kSasDeviceStatusChange;
  static constexpr size_t kSize = 0x1C;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.task_tag);
    io(0x02, e.reason);
    io(0x03, e.port);
    io(0x04, e.asc);
    io(0x05, e.ascq);
    io(0x06, e.handle);
    io(0x0C, e.address);
  }
};
constexpr size_t kDeviceStatusLunOffset = 0x14;

// mpi2_ioc.h, MPI2_EVENT_DATA_SAS_ENCL_DEV_STATUS_CHANGE.
template <>
struct Wire<EnclosureStatusChange> {
  static constexpr EventCode kCode = EventCode::kSasEnclosureDeviceStatusChange;
  static constexpr size_t kSize = 0x14;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.handle);
    io(0x02, e.reason);
    io(0x03, e.port);
    io(0x04, e.logical_id);
    io(0x0C, e.slot_count);
    io(0x0E, e.start_slot);
    io(0x10, e.phy_bits);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_SAS_BROADCAST_PRIMITIVE.
template <>
struct Wire<BroadcastPrimitive> {
  static constexpr EventCode kCode = EventCode::kSasBroadcastPrimitive;
  static constexpr size_t kSize = 0x04;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.phy);
    io(0x01, e.port);
    io(0x02, e.port_width);
    io(0x03, e.primitive);
  }
};

// mpi2_ioc.h, MPI25_EVENT_DATA_SAS_DEVICE_DISCOVERY_ERROR.
template <>
struct Wire<DeviceDiscoveryError> {
  static constexpr EventCode kCode = EventCode::kSasDeviceDiscoveryError;
  static constexpr size_t kSize = 0x1C;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.handle);
    io(0x02, e.reason);
    io(0x03, e.port);
    io(0x0C, e.address);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_IR_VOLUME.
template <>
struct Wire<IrVolume> {
  static constexpr EventCode kCode = EventCode::kIrVolume;
  static constexpr size_t kSize = 0x0C;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.handle);
    io(0x02, e.reason);
    io(0x04, e.value);
    io(0x08, e.previous_value);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_IR_PHYSICAL_DISK.
template <>
struct Wire<IrPhysicalDisk> {
  static constexpr EventCode kCode = EventCode::kIrPhysicalDisk;
  static constexpr size_t kSize = 0x14;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x02, e.reason);
    io(0x03, e.number);
    io(0x04, e.handle);
    io(0x08, e.slot);
    io(0x0A, e.enclosure_handle);
    io(0x0C, e.value);
    io(0x10, e.previous_value);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_TEMPERATURE.
template <>
struct Wire<TemperatureThreshold> {
  static constexpr EventCode kCode = EventCode::kTemperatureThreshold;
  static constexpr size_t kSize = 0x10;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.status);
    io(0x02, e.sensor);
    io(0x04, e.temperature);
  }
};

// mpi2_ioc.h, MPI26_EVENT_DATA_ACTIVE_CABLE_EXCEPT.
template <>
struct Wire<ActiveCableException> {
  static constexpr EventCode kCode = EventCode::kActiveCableException;
  static constexpr size_t kSize = 0x08;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.power_requirement);
    io(0x04, e.reason);
    io(0x05, e.receptacle);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_SAS_PHY_COUNTER.
template <>
struct Wire<PhyCounter> {
  static constexpr EventCode kCode = EventCode::kSasPhyCounter;
  static constexpr size_t kSize = 0x20;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x0C, e.code);
    io(0x0D, e.phy);
    io(0x10, e.value);
    io(0x18, e.threshold);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_HARD_RESET_RECEIVED.
template <>
struct Wire<HardResetReceived> {
  static constexpr EventCode kCode = EventCode::kHardResetReceived;
  static constexpr size_t kSize = 0x04;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x01, e.port);
  }
};

// mpi2_ioc.h, MPI2_EVENT_DATA_LOG_ENTRY_ADDED, without its data.
template <>
struct Wire<LogEntryAdded> {
  static constexpr EventCode kCode = EventCode::kLogEntryAdded;
  static constexpr size_t kSize = 0x14;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.timestamp_ms);
    io(0x0C, e.sequence);
    io(0x0E, e.qualifier);
  }
};
constexpr size_t kLogDataOffset = 0x14, kLogDataSize = 0x1C;

// mpi2_ioc.h, MPI2_EVENT_DATA_SAS_TOPOLOGY_CHANGE_LIST, before its entries.
template <>
struct Wire<TopologyChangeList> {
  static constexpr EventCode kCode = EventCode::kSasTopologyChangeList;
  static constexpr size_t kSize = 0x0C;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x00, e.enclosure_handle);
    io(0x02, e.expander_handle);
    io(0x04, e.phy_count);
    io(0x09, e.start_phy);
    io(0x0A, e.status);
    io(0x0B, e.port);
  }
};
constexpr size_t kTopologyCountOffset = 0x08, kTopologyEntrySize = 4;

// mpi2_ioc.h, MPI2_EVENT_DATA_IR_CONFIG_CHANGE_LIST, before its elements.
template <>
struct Wire<IrConfigurationChangeList> {
  static constexpr EventCode kCode = EventCode::kIrConfigurationChangeList;
  static constexpr size_t kSize = 0x08;
  template <typename Io, typename E>
  static void Visit(const Io& io, E& e) {
    io(0x03, e.config_number);
    io(0x04, e.flags);
  }
};
constexpr size_t kIrElementSize = 8;

// mpi2_ioc.h, MPI2_EVENT_IR_CONFIG_ELEMENT.
template <typename Io, typename E>
void IrElementLayout(const Io& io, size_t at, E& e) {
  io(at + 0, e.flags);
  io(at + 2, e.volume_handle);
  io(at + 4, e.reason);
  io(at + 5, e.disk_number);
  io(at + 6, e.disk_handle);
}

template <typename Event>
absl::StatusOr<Event> DecodeFixed(ByteSpan data) {
  if (absl::Status s = CheckSize(ToString(Wire<Event>::kCode), data, Wire<Event>::kSize); !s.ok()) {
    return s;
  }
  Event event;
  Wire<Event>::Visit(Loader(data), event);
  return event;
}

template <typename Event>
Bytes EncodeFixed(const Event& event, size_t size = Wire<Event>::kSize) {
  Bytes data(size);
  Wire<Event>::Visit(Storer(absl::MakeSpan(data)), event);
  return data;
}

absl::Status CheckCount(EventCode code, size_t count, size_t needed, ByteSpan data) {
  if (data.size() >= needed) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(ToString(code), ": ", count, " entries need ",
                                                 needed, " bytes, ", data.size(), " are there"));
}

// mpi2_ioc.h, MPI2_EVENT_SAS_TOPO_PHY_ENTRY.
TopologyChangeList::Entry DecodeEntry(ByteSpan data, size_t at) {
  TopologyChangeList::Entry entry;
  entry.attached_handle = DevHandle(LoadLe16(data, at));
  const uint8_t rates = Load8(data, at + 2), status = Load8(data, at + 3);
  entry.rate = LinkRateFromNibble(rates >> 4);
  entry.previous_rate = LinkRateFromNibble(rates & 0xF);
  entry.reason = static_cast<PhyReason>(status & kPhyReasonMask);
  entry.vacant = (status & kPhyStatusVacant) != 0;
  return entry;
}

void EncodeEntry(const TopologyChangeList::Entry& entry, MutableByteSpan data, size_t at) {
  StoreLe16(data, at, entry.attached_handle.value());
  Store8(data, at + 2,
         static_cast<uint8_t>(static_cast<uint8_t>(entry.rate) << 4 |
                              static_cast<uint8_t>(entry.previous_rate)));
  Store8(data, at + 3,
         static_cast<uint8_t>(static_cast<uint8_t>(entry.reason) |
                              (entry.vacant ? kPhyStatusVacant : 0)));
}

absl::StatusOr<EventData> DecodeTopology(ByteSpan data) {
  absl::StatusOr<TopologyChangeList> list = DecodeFixed<TopologyChangeList>(data);
  if (!list.ok()) return list.status();
  const size_t count = Load8(data, kTopologyCountOffset);
  const size_t first = Wire<TopologyChangeList>::kSize;
  if (absl::Status s = CheckCount(EventCode::kSasTopologyChangeList, count,
                                  first + count * kTopologyEntrySize, data);
      !s.ok()) {
    return s;
  }
  list->entries.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    list->entries.push_back(DecodeEntry(data, first + i * kTopologyEntrySize));
  }
  return *std::move(list);
}

absl::StatusOr<EventData> DecodeIrConfiguration(ByteSpan data) {
  absl::StatusOr<IrConfigurationChangeList> list = DecodeFixed<IrConfigurationChangeList>(data);
  if (!list.ok()) return list.status();
  const size_t count = Load8(data, 0);
  const size_t first = Wire<IrConfigurationChangeList>::kSize;
  if (absl::Status s = CheckCount(EventCode::kIrConfigurationChangeList, count,
                                  first + count * kIrElementSize, data);
      !s.ok()) {
    return s;
  }
  list->elements.resize(count);
  for (size_t i = 0; i < count; ++i) {
    IrElementLayout(Loader(data), first + i * kIrElementSize, list->elements[i]);
  }
  return *std::move(list);
}

absl::StatusOr<EventData> DecodeDeviceStatus(ByteSpan data) {
  absl::StatusOr<DeviceStatusChange> change = DecodeFixed<DeviceStatusChange>(data);
  if (!change.ok()) return change.status();
  change->lun = LoadBe64(data, kDeviceStatusLunOffset);
  return *std::move(change);
}

absl::StatusOr<EventData> DecodeLogEntry(ByteSpan data) {
  absl::StatusOr<LogEntryAdded> entry = DecodeFixed<LogEntryAdded>(data);
  if (!entry.ok()) return entry.status();
  const ByteSpan rest = data.subspan(kLogDataOffset);
  entry->data.assign(rest.begin(), rest.begin() + std::min(rest.size(), kLogDataSize));
  return *std::move(entry);
}

template <typename Event>
absl::StatusOr<EventData> DecodeAs(ByteSpan data) {
  absl::StatusOr<Event> event = DecodeFixed<Event>(data);
  if (!event.ok()) return event.status();
  return *std::move(event);
}

struct Encoder {
  Bytes operator()(const UnknownEvent& event) const { return event.data; }

  Bytes operator()(const TopologyChangeList& list) const {
    const size_t first = Wire<TopologyChangeList>::kSize;
    Bytes data = EncodeFixed(list, first + list.entries.size() * kTopologyEntrySize);
    const MutableByteSpan out = absl::MakeSpan(data);
    Store8(out, kTopologyCountOffset, static_cast<uint8_t>(list.entries.size()));
    for (size_t i = 0; i < list.entries.size(); ++i) {
      EncodeEntry(list.entries[i], out, first + i * kTopologyEntrySize);
    }
    return data;
  }

  Bytes operator()(const IrConfigurationChangeList& list) const {
    const size_t first = Wire<IrConfigurationChangeList>::kSize;
    Bytes data = EncodeFixed(list, first + list.elements.size() * kIrElementSize);
    Store8(absl::MakeSpan(data), 0, static_cast<uint8_t>(list.elements.size()));
    for (size_t i = 0; i < list.elements.size(); ++i) {
      IrElementLayout(Storer(absl::MakeSpan(data)), first + i * kIrElementSize, list.elements[i]);
    }
    return data;
  }

  Bytes operator()(const DeviceStatusChange& change) const {
    Bytes data = EncodeFixed(change);
    StoreBe64(absl::MakeSpan(data), kDeviceStatusLunOffset, change.lun);
    return data;
  }

  Bytes operator()(const LogEntryAdded& entry) const {
    Bytes data = EncodeFixed(entry, kLogDataOffset + kLogDataSize);
    std::copy_n(entry.data.begin(), std::min(entry.data.size(), kLogDataSize),
                data.begin() + kLogDataOffset);
    return data;
  }

  template <typename Event>
  Bytes operator()(const Event& event) const {
    return EncodeFixed(event);
  }
};

}  // namespace

absl::StatusOr<EventData> DecodeEvent(uint16_t event, ByteSpan data) {
  switch (static_cast<EventCode>(event)) {
    case EventCode::kSasTopologyChangeList:
      return DecodeTopology(data);
    case EventCode::kSasDiscovery:
      return DecodeAs<DiscoveryEvent>(data);
    case EventCode::kSasDeviceStatusChange:
      return DecodeDeviceStatus(data);
    case EventCode::kSasEnclosureDeviceStatusChange:
      return DecodeAs<EnclosureStatusChange>(data);
    case EventCode::kSasBroadcastPrimitive:
      return DecodeAs<BroadcastPrimitive>(data);
    case EventCode::kSasDeviceDiscoveryError:
      return DecodeAs<DeviceDiscoveryError>(data);
    case EventCode::kIrConfigurationChangeList:
      return DecodeIrConfiguration(data);
    case EventCode::kIrVolume:
      return DecodeAs<IrVolume>(data);
    case EventCode::kIrPhysicalDisk:
      return DecodeAs<IrPhysicalDisk>(data);
    case EventCode::kLogEntryAdded:
      return DecodeLogEntry(data);
    case EventCode::kTemperatureThreshold:
      return DecodeAs<TemperatureThreshold>(data);
    case EventCode::kActiveCableException:
      return DecodeAs<ActiveCableException>(data);
    case EventCode::kSasPhyCounter:
      return DecodeAs<PhyCounter>(data);
    case EventCode::kHardResetReceived:
      return DecodeAs<HardResetReceived>(data);
    default:
      return UnknownEvent{event, Bytes(data.begin(), data.end())};
  }
}

EventCode CodeOf(const EventData& data) {
  return std::visit(
      [](const auto& event) {
        using Event = std::decay_t<decltype(event)>;
        if constexpr (std::is_same_v<Event, UnknownEvent>) {
          return static_cast<EventCode>(event.code);
        } else {
          return Wire<Event>::kCode;
        }
      },
      data);
}

Bytes EncodeEvent(const EventData& data) { return std::visit(Encoder(), data); }

}  // namespace sasd::mpi
