#include "driver/transport/mpt3ctl/ctl_codec.h"

#include <string>

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand from mpt3sas_ctl.h (Linux 6.1), not by the encoder; the offset of
// each line stands beside it.
namespace sasd::mpt3ctl {
namespace {

using mpi::ExpectDecodesFrom;
using mpi::FromHex;
using mpi::Zeros;

// _IOWR of include/uapi/asm-generic/ioctl.h: direction 3 at bit 30, size at 16, type at 8.
constexpr uint32_t Iowr(uint32_t number, uint32_t size) {
  return 3u << 30 | size << 16 | uint32_t{'L'} << 8 | number;
}
static_assert(ioctl_number::kIocInfo == Iowr(17, CtlIocInfo::kSize));
static_assert(ioctl_number::kCommand == Iowr(20, CommandHeader::kMinArgument));
static_assert(ioctl_number::kEventQuery == Iowr(21, EventQuery::kSize));
static_assert(ioctl_number::kEventEnable == Iowr(22, kEventEnableSize));
static_assert(ioctl_number::kEventReport == Iowr(23, CtlHeader::kSize + LogEntry::kSize));

TEST(IocInfoTest, FieldsAreWhereTheKernelHasThem) {
  const Bytes bytes = FromHex(
      "00000000 00000000 00000000"             // 00 header: not returned
      "06000000 01000000 97000000"             // 0C adapter_type, port_number, pci_id
      "02000000 e0300000 00100000"             // 18 hw_rev, subsystem_device, subsystem_vendor
      "00000000 00000110 00250108"             // 24 rsvd0, firmware_version, bios_version
      "6d707433 7361732d 34332e31 30302e3030"  // 30 driver_version "mpt3sas-43.100.00"
      "ff" +
      Zeros(14) +            // 41 not printable
      "00 00 0000"           // 50 rsvd1, scsi_id, rsvd2
      "4b030000 01000000");  // 54 bus 3, function 2, device 11; 58 segment_id
  const auto info = DecodeIocInfo(bytes);
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->adapter_type, 6u);
  EXPECT_EQ(info->port_number, 1u);
  EXPECT_EQ(info->pci_device_id, 0x97u);
  EXPECT_EQ(info->hardware_revision, 2u);
  EXPECT_EQ(info->subsystem_device, 0x30E0u);
  EXPECT_EQ(info->subsystem_vendor, 0x1000u);
  EXPECT_EQ(info->firmware_version, 0x10010000u);
  EXPECT_EQ(info->bios_version, 0x08012500u);
  EXPECT_EQ(info->driver_version, "mpt3sas-43.100.00?");
  EXPECT_EQ(info->PciAddress(), "0001:03:0b.2");
  ExpectDecodesFrom(DecodeIocInfo, bytes, 0x5C);
  EXPECT_EQ(DecodeIocInfo(EncodeIocInfo(*info))->PciAddress(), "0001:03:0b.2");
}

TEST(IocInfoTest, UnterminatedDriverVersionIsCutAtItsField) {
  CtlIocInfo info;
  info.driver_version = std::string(40, 'x');
  EXPECT_EQ(DecodeIocInfo(EncodeIocInfo(info))->driver_version, std::string(32, 'x'));
}

TEST(EventQueryTest, FieldsAreWhereTheKernelHasThem) {
  const Bytes bytes = FromHex(
      "01000000 00000000 20000000"             // 00 header
      "c800 0000"                              // 0C event_entries, rsvd
      "00804000 02000000 00000000 00000080");  // 10 event_types
  const auto query = DecodeEventQuery(bytes);
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->entries, 200);
  for (const uint16_t event : {0x0F, 0x16, 0x21, 0x7F})
    EXPECT_TRUE(query->mask.Has(event)) << event;
  for (const uint16_t event : {0x00, 0x10, 0x20, 0x60, 0x80}) EXPECT_FALSE(query->mask.Has(event));
  ExpectDecodesFrom(DecodeEventQuery, bytes, 0x20);
  EXPECT_EQ(DecodeEventQuery(EncodeEventQuery(*query))->mask, query->mask);
  EXPECT_EQ(EncodeEventQueryRequest(1), FromHex("01000000 00000000 20000000" + Zeros(20)));
}

TEST(EventEnableTest, FieldsAreWhereTheKernelHasThem) {
  EventMask mask;
  mask.Add(mpi::EventCode::kSasTopologyChangeList);
  mask.Add(mpi::EventCode::kLogEntryAdded);
  const Bytes bytes = FromHex(
      "02000000 00000000 1c000000"             // 00 header
      "00000010 02000000 00000000 00000000");  // 0C event_types
  EXPECT_EQ(EncodeEventEnable(2, mask), bytes);
  EXPECT_EQ(*DecodeEventEnable(bytes), mask);
  ExpectDecodesFrom(DecodeEventEnable, bytes, 0x1C);
}

TEST(EventMaskTest, UnionHasBoth) {
  EventMask ours, theirs;
  ours.Add(mpi::EventCode::kSasDiscovery);
  theirs.Add(mpi::EventCode::kLogEntryAdded);
  EXPECT_FALSE(theirs.Contains(ours));
  EXPECT_TRUE(theirs.Union(ours).Contains(ours));
  EXPECT_TRUE(theirs.Union(ours).Contains(theirs));
}

TEST(LogEntryTest, FieldsAreWhereTheKernelHasThem) {
  const Bytes bytes = FromHex(
      "1c000000 c9000000"  // 00 event, context
      "0200 0900" +
      Zeros(188));  // 08 data
  const auto entry = DecodeLogEntry(bytes);
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->event, 0x1Cu);
  EXPECT_EQ(entry->context, 201u);
  EXPECT_EQ(LoadLe32(entry->data, 0), 0x00090002u);
  EXPECT_EQ(EncodeLogEntry(*entry), bytes);
  ExpectDecodesFrom(DecodeLogEntry, bytes, 200);
}

// Trap: with max_data_size below 12 the kernel's subtraction wraps, and it writes 40,000 bytes.
TEST(EventReportTest, ReportHasRoomForTheWholeLog) {
  const Bytes request = EncodeEventReportRequest(3);
  ASSERT_EQ(request.size(), 40'012u);
  EXPECT_EQ(LoadLe32(request, 0x00), 3u);
  EXPECT_EQ(LoadLe32(request, 0x08), 40'012u);  // max_data_size
  EXPECT_EQ(LogSlot(request, 0).data() - request.data(), 12);
  EXPECT_EQ(LogSlot(request, 199).data() + 200, request.data() + request.size());
}

// Trap: data_sge_offset counts words.
TEST(CommandTest, FieldsAreWhereTheKernelHasThem) {
  CommandHeader header;
  header.ioc_number = 1;
  header.timeout_s = 60;
  header.reply_address = 0x1122334455667788;
  header.data_in_address = 0x1000;
  header.data_out_address = 0x2000;
  header.sense_address = 0x3000;
  header.max_reply_bytes = 0x400;
  header.data_in_size = 0x40;
  header.data_out_size = 0x0C;
  header.max_sense_bytes = 0x60;
  const Bytes bytes = FromHex(
      "01000000 00000000 54000000"             // 00 header
      "3c000000"                               // 0C timeout
      "8877665544332211 0010000000000000"      // 10 reply_frame_buf_ptr, data_in_buf_ptr
      "0020000000000000 0030000000000000"      // 20 data_out_buf_ptr, sense_data_ptr
      "00040000 40000000 0c000000 60000000"    // 30 max_reply_bytes, data_in/out_size, max_sense
      "04000000"                               // 40 data_sge_offset: 16 bytes
      "01020304 05060708 090a0b0c 0d0e0f10");  // 44 mf
  EXPECT_EQ(EncodeCommand(header, FromHex("01020304 05060708 090a0b0c 0d0e0f10")), bytes);
  const auto decoded = DecodeCommandHeader(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->reply_address, header.reply_address);
  EXPECT_EQ(decoded->sense_address, header.sense_address);
  EXPECT_EQ(decoded->data_out_size, header.data_out_size);
  EXPECT_EQ(decoded->data_sge_offset, 4u);
  ExpectDecodesFrom(DecodeCommandHeader, bytes, 0x48);
}

TEST(CommandTest, ArgumentCoversWhatTheKernelCopies) {
  EXPECT_EQ(EncodeCommand({}, {}).size(), 0x48u);
}

TEST(CtlHeaderTest, FieldsAreWhereTheKernelHasThem) {
  const Bytes bytes = FromHex("01000000 02000000 03000000");
  EXPECT_EQ(DecodeCtlHeader(bytes)->ioc_number, 1u);
  EXPECT_EQ(DecodeCtlHeader(bytes)->port_number, 2u);
  EXPECT_EQ(DecodeCtlHeader(bytes)->max_data_size, 3u);
  ExpectDecodesFrom(DecodeCtlHeader, bytes, 12);
}

}  // namespace
}  // namespace sasd::mpt3ctl
