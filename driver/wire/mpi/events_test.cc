#include "driver/wire/mpi/events.h"

#include <random>
#include <variant>
#include <vector>

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand from mpi2_ioc.h (Linux 6.1), not by the encoder. The comments give
// the offset of each line.
namespace sasd::mpi {
namespace {

// Decodes event data that is of type T.
template <typename T>
T Decode(EventCode code, const Bytes& bytes) {
  const absl::StatusOr<EventData> data = DecodeEvent(static_cast<uint16_t>(code), bytes);
  EXPECT_TRUE(data.ok()) << data.status();
  if (!data.ok() || !std::holds_alternative<T>(*data)) {
    ADD_FAILURE() << "another type of event";
    return T();
  }
  EXPECT_EQ(CodeOf(*data), code);
  return std::get<T>(*data);
}

void ExpectNeeds(EventCode code, const Bytes& bytes, size_t needed) {
  ExpectDecodesFrom(
      [code](ByteSpan data) { return DecodeEvent(static_cast<uint16_t>(code), data); }, bytes,
      needed);
}

const Bytes kTopologyList = FromHex(
    "0200 0900 25000000"  // 00 EnclosureHandle, ExpanderDevHandle, NumPhys 37
    "03 05 03 01"         // 08 NumEntries, StartPhyNum, ExpStatus responding, PhysicalPort
    "1300 b0 01"          // 0C AttachedDevHandle, LinkRate now 12 was unknown, target added
    "1400 0a 02"          // 10 now unknown was 6, target not responding
    "0000 11 83");        // 14 disabled; vacant, phy changed

TEST(TopologyChangeListTest, FieldsMatchTheKernelHeaders) {
  const auto list = Decode<TopologyChangeList>(EventCode::kSasTopologyChangeList, kTopologyList);
  EXPECT_EQ(list.enclosure_handle, EnclosureHandle(2));
  EXPECT_EQ(list.expander_handle, DevHandle(9));
  EXPECT_EQ(list.phy_count, 37);
  EXPECT_EQ(list.start_phy, PhyId(5));
  EXPECT_EQ(list.status, ExpanderStatus::kResponding);
  EXPECT_EQ(list.port, PhysicalPort(1));
  ASSERT_EQ(list.entries.size(), 3u);
  EXPECT_EQ(list.entries[0].attached_handle, DevHandle(0x13));
  EXPECT_EQ(list.entries[0].rate, LinkRate::k12Gbps);
  EXPECT_EQ(list.entries[0].previous_rate, LinkRate::kUnknown);
  EXPECT_EQ(list.entries[0].reason, PhyReason::kTargetAdded);
  EXPECT_EQ(list.entries[1].rate, LinkRate::kUnknown);
  EXPECT_EQ(list.entries[1].previous_rate, LinkRate::k6Gbps);
  EXPECT_EQ(list.entries[1].reason, PhyReason::kTargetNotResponding);
  EXPECT_FALSE(list.entries[1].vacant);
  EXPECT_EQ(list.entries[2].rate, LinkRate::kDisabled);
  EXPECT_TRUE(list.entries[2].vacant);
}

TEST(TopologyChangeListTest, EncodesTheBytesItDecodes) {
  EXPECT_EQ(EncodeEvent(*DecodeEvent(0x1C, kTopologyList)), kTopologyList);
}

TEST(TopologyChangeListTest, ListShorterThanItsCountIsAnError) {
  ExpectNeeds(EventCode::kSasTopologyChangeList, kTopologyList, kTopologyList.size());
}

TEST(TopologyChangeListTest, TextNamesExpanderAndPhys) {
  const std::string text = ToString(*DecodeEvent(0x1C, kTopologyList));
  EXPECT_NE(text.find("expander 0x0009"), std::string::npos) << text;
  EXPECT_NE(text.find("0x0014"), std::string::npos) << text;
}

const Bytes kDiscovery = FromHex(
    "03 02 01 00"  // 00 Flags, ReasonCode completed, PhysicalPort
    "10000000");   // 04 DiscoveryStatus: SMP timeout

TEST(DiscoveryEventTest, FieldsMatchTheKernelHeaders) {
  const auto event = Decode<DiscoveryEvent>(EventCode::kSasDiscovery, kDiscovery);
  EXPECT_EQ(event.flags, DiscoveryEvent::kFlagInProgress | DiscoveryEvent::kFlagDeviceChange);
  EXPECT_EQ(event.reason, DiscoveryEvent::kCompleted);
  EXPECT_EQ(event.port, PhysicalPort(1));
  EXPECT_EQ(event.status, 0x10u);
  EXPECT_EQ(EncodeEvent(event), kDiscovery);
  ExpectNeeds(EventCode::kSasDiscovery, kDiscovery, 8);
}

const Bytes kDeviceStatus = FromHex(
    "3412 05 01 5d 10 1300"      // 00 TaskTag, ReasonCode SMART data, PhysicalPort, ASC, ASCQ,
                                 // DevHandle
    "00000000"                   // 08
    "9d cc 3c e2 00 c5 00 50"    // 0C SASAddress
    "00 01 00 00 00 00 00 00");  // 14 LUN 1

TEST(DeviceStatusChangeTest, FieldsMatchTheKernelHeaders) {
  const auto event = Decode<DeviceStatusChange>(EventCode::kSasDeviceStatusChange, kDeviceStatus);
  EXPECT_EQ(event.task_tag, 0x1234);
  EXPECT_EQ(event.reason, DeviceStatusReason::kSmartData);
  EXPECT_EQ(event.port, PhysicalPort(1));
  EXPECT_EQ(event.asc, 0x5d);
  EXPECT_EQ(event.ascq, 0x10);
  EXPECT_EQ(event.handle, DevHandle(0x13));
  EXPECT_EQ(event.address, SasAddress(0x5000c500e23ccc9d));
  EXPECT_EQ(event.lun, 0x0001000000000000u);
  EXPECT_EQ(EncodeEvent(event), kDeviceStatus);
}

const Bytes kEnclosureStatus = FromHex(
    "0200 01 03"               // 00 EnclosureHandle, ReasonCode added, PhysicalPort
    "00 11 00 03 ab cc 00 50"  // 04 EnclosureLogicalID
    "1800 0100 0f000000");     // 0C NumSlots, StartSlot, PhyBits

TEST(EnclosureStatusChangeTest, FieldsMatchTheKernelHeaders) {
  const auto event =
      Decode<EnclosureStatusChange>(EventCode::kSasEnclosureDeviceStatusChange, kEnclosureStatus);
  EXPECT_EQ(event.handle, EnclosureHandle(2));
  EXPECT_EQ(event.reason, EnclosureStatusChange::kAdded);
  EXPECT_EQ(event.port, PhysicalPort(3));
  EXPECT_EQ(event.logical_id, SasAddress(0x5000ccab03001100));
  EXPECT_EQ(event.slot_count, 24);
  EXPECT_EQ(event.start_slot, 1);
  EXPECT_EQ(event.phy_bits, 15u);
  EXPECT_EQ(EncodeEvent(event), kEnclosureStatus);
}

TEST(BroadcastPrimitiveTest, FieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex("07 01 04 04");  // PhyNum, Port, PortWidth, asynchronous event
  const auto event = Decode<BroadcastPrimitive>(EventCode::kSasBroadcastPrimitive, bytes);
  EXPECT_EQ(event.phy, PhyId(7));
  EXPECT_EQ(event.port, PhysicalPort(1));
  EXPECT_EQ(event.port_width, 4);
  EXPECT_EQ(event.primitive, BroadcastPrimitive::kAsynchronousEvent);
  EXPECT_EQ(EncodeEvent(event), bytes);
}

TEST(DeviceDiscoveryErrorTest, FieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex(
      "1300 02 01 00000000 00000000"  // 00 DevHandle, SMP timeout, PhysicalPort
      "bf f0 75 01 80 04 30 50"       // 0C SASAddress
      "00000000 00000000");           // 14
  const auto event = Decode<DeviceDiscoveryError>(EventCode::kSasDeviceDiscoveryError, bytes);
  EXPECT_EQ(event.handle, DevHandle(0x13));
  EXPECT_EQ(event.reason, DeviceDiscoveryError::kSmpTimeout);
  EXPECT_EQ(event.address, SasAddress(0x503004800175f0bf));
  EXPECT_EQ(EncodeEvent(event), bytes);
}

TEST(TemperatureThresholdTest, FieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex("0300 02 00 5f00 0000 00000000 00000000");
  const auto event = Decode<TemperatureThreshold>(EventCode::kTemperatureThreshold, bytes);
  EXPECT_EQ(event.status, 3);
  EXPECT_EQ(event.sensor, 2);
  EXPECT_EQ(event.temperature, 95);
  EXPECT_EQ(EncodeEvent(event), bytes);
}

TEST(LogEntryAddedTest, FieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex(
      "e803000000000000 00000000 0700 0180 00 00 0000"  // 00 TimeStamp, LogSequence, Qualifier
      "6869000000000000 0000000000000000 0000000000000000 00000000");  // 14 LogData
  const auto event = Decode<LogEntryAdded>(EventCode::kLogEntryAdded, bytes);
  EXPECT_EQ(event.timestamp_ms, 1000u);
  EXPECT_EQ(event.sequence, 7);
  EXPECT_EQ(event.qualifier, 0x8001);
  ASSERT_GE(event.data.size(), 2u);
  EXPECT_EQ(event.data[0], 'h');
}

TEST(EventsTest, UnknownEventKeepsItsBytes) {
  const Bytes bytes = FromHex("01020304");
  const absl::StatusOr<EventData> data = DecodeEvent(0x7E, bytes);
  ASSERT_TRUE(data.ok());
  const auto& unknown = std::get<UnknownEvent>(*data);
  EXPECT_EQ(unknown.code, 0x7E);
  EXPECT_EQ(unknown.data, bytes);
  EXPECT_EQ(EncodeEvent(*data), bytes);
}

TEST(EventsTest, AnyBytesGiveAValueOrAnError) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(random() % 80);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const absl::StatusOr<EventData> data =
        DecodeEvent(static_cast<uint16_t>(random() % 0x38), bytes);
    if (!data.ok()) continue;
    EXPECT_FALSE(ToString(*data).empty());
    (void)EncodeEvent(*data);
  }
}

}  // namespace
}  // namespace sasd::mpi
