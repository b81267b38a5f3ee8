#include "driver/wire/mpi/messages.h"

#include <random>

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand from mpi2_ioc.h, mpi2_cnfg.h, mpi2_init.h and mpi2_sas.h
// (Linux 6.1). The comments give the offset of each line.
namespace sasd::mpi {
namespace {

TEST(ConfigTest, RequestFieldsMatchTheKernelHeaders) {
  ConfigRequest request;
  request.action = ConfigAction::kReadCurrent;
  request.page = {2, 0, PageType::kExtended, ExtPageType::kSasDevice, 14};
  request.address = 0x20000013;
  const Bytes bytes = EncodeConfigRequest(request);
  ASSERT_GE(bytes.size(), 0x1Cu);
  EXPECT_EQ(bytes[0x00], 0x01);      // Action: read current
  EXPECT_EQ(bytes[0x03], 0x04);      // Function
  EXPECT_EQ(bytes[0x04], 14);        // ExtPageLength
  EXPECT_EQ(bytes[0x06], 0x12);      // ExtPageType: SAS device
  EXPECT_EQ(bytes[0x14 + 2], 0);     // Header.PageNumber
  EXPECT_EQ(bytes[0x14 + 3], 0x0F);  // Header.PageType: extended
  EXPECT_EQ(bytes[0x18], 0x13);      // PageAddress
  EXPECT_EQ(bytes[0x1B], 0x20);
  const absl::StatusOr<ConfigRequest> back = DecodeConfigRequest(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->address, request.address);
  EXPECT_EQ(back->page.ext_type, ExtPageType::kSasDevice);
}

const Bytes kConfigReply = FromHex(
    "00 00 06 04 0e00 12 00"  // 00 Action, MsgLength, Function, ExtPageLength, ExtPageType
    "00 00 0000 0000 2200"    // 08 IOCStatus at 0E: invalid page
    "78563412"                // 10 IOCLogInfo
    "09 00 00 0f");           // 14 Header

TEST(ConfigTest, ReplyFieldsMatchTheKernelHeaders) {
  const absl::StatusOr<ConfigReply> reply = DecodeConfigReply(kConfigReply);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(static_cast<uint16_t>(reply->header.status), 0x22);
  EXPECT_EQ(reply->header.log_info, 0x12345678u);
  EXPECT_EQ(reply->page.dwords, 14);
  EXPECT_EQ(reply->page.version, 9);
  EXPECT_EQ(reply->page.ext_type, ExtPageType::kSasDevice);
  // A reply that ends before the page header still gives its error status.
  ExpectDecodesFrom(DecodeConfigReply, kConfigReply, ReplyHeader::kSize);
}

TEST(TaskManagementTest, RequestFieldsMatchTheKernelHeaders) {
  TaskManagementRequest request;
  request.handle = DevHandle(0x0213);
  const Bytes bytes = EncodeTaskManagementRequest(request);
  ASSERT_EQ(bytes.size(), 0x34u);
  EXPECT_EQ(bytes[0x00], 0x13);  // DevHandle
  EXPECT_EQ(bytes[0x01], 0x02);
  EXPECT_EQ(bytes[0x03], 0x01);  // Function
  EXPECT_EQ(bytes[0x05], 0x03);  // TaskType: target reset
}

TEST(SasControlTest, RequestFieldsMatchTheKernelHeaders) {
  SasControlRequest request;
  request.operation = SasControlOp::kRemoveDevice;
  request.handle = DevHandle(0x0213);
  request.phy = PhyId(7);
  const Bytes bytes = EncodeSasControlRequest(request);
  ASSERT_EQ(bytes.size(), 0x2Cu);
  EXPECT_EQ(bytes[0x00], 0x0D);  // Operation: remove device
  EXPECT_EQ(bytes[0x03], 0x1B);  // Function
  EXPECT_EQ(bytes[0x04], 0x13);  // DevHandle
  EXPECT_EQ(bytes[0x0E], 7);     // PhyNum
  const absl::StatusOr<SasControlRequest> back = DecodeSasControlRequest(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->handle, request.handle);
}

TEST(SmpPassthroughTest, FieldsMatchTheKernelHeaders) {
  SmpPassthroughRequest request;
  request.port = PhysicalPort(2);
  request.request_size = 8;
  request.address = SasAddress(0x500304800175f0bf);
  const Bytes bytes = EncodeSmpPassthroughRequest(request);
  ASSERT_EQ(bytes.size(), 0x20u);
  EXPECT_EQ(bytes[0x01], 2);     // PhysicalPort
  EXPECT_EQ(bytes[0x03], 0x1A);  // Function
  EXPECT_EQ(bytes[0x04], 8);     // RequestDataLength
  EXPECT_EQ(bytes[0x10], 0xbf);  // SASAddress
  EXPECT_EQ(bytes[0x17], 0x50);

  const Bytes reply = FromHex(
      "00 02 07 1a 2400 00 00"  // 00 PhysicalPort, MsgLength, Function, ResponseDataLength
      "00 00 0000 00 01 0000"   // 08 SASStatus at 0D
      "00000000 00000000"       // 10
      "00000000");              // 18 ResponseData
  const absl::StatusOr<SmpPassthroughReply> decoded = DecodeSmpPassthroughReply(reply);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->response_size, 0x24);
  EXPECT_EQ(decoded->sas_status, 1);
  EXPECT_EQ(decoded->port, PhysicalPort(2));
}

TEST(EventNotificationTest, SetBitMasksTheEvent) {
  EventNotificationRequest request;
  request.Unmask(EventCode::kSasTopologyChangeList);
  const Bytes bytes = EncodeEventNotificationRequest(request);
  ASSERT_EQ(bytes.size(), 0x2Cu);
  EXPECT_EQ(bytes[0x03], 0x07);              // Function
  EXPECT_EQ(bytes[0x14 + 3], 0xFF & ~0x10);  // EventMasks: event 0x1C is bit 28 of the first word
  EXPECT_FALSE(request.IsMasked(0x1C));
  EXPECT_TRUE(request.IsMasked(0x1D));
  EXPECT_TRUE(request.IsMasked(0x80)) << "beyond the masks";
}

TEST(EventNotificationTest, EventFieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex(
      "0200 09 07 0000 01 00"   // 00 EventDataLength, MsgLength, Function, AckRequired
      "00 00 0000 0000 0000"    // 08
      "00000000 1600 0000"      // 10 IOCLogInfo, Event
      "44332211"                // 18 EventContext
      "03 02 01 00 10000000");  // 1C EventData
  const absl::StatusOr<EventNotificationReply> event = DecodeEventNotificationReply(bytes);
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_TRUE(event->ack_required);
  EXPECT_EQ(event->event, 0x16);
  EXPECT_EQ(event->context, 0x11223344u);
  EXPECT_EQ(event->data.size(), 8u);
  EXPECT_EQ(event->data[1], 2);
  ExpectDecodesFrom(DecodeEventNotificationReply, bytes, bytes.size());
}

TEST(IocFactsTest, FieldsMatchTheKernelHeaders) {
  Bytes bytes(0x44);
  bytes[0x03] = 0x03;                      // Function
  bytes[0x01] = 0x02, bytes[0x00] = 0x05;  // MsgVersion
  bytes[0x19] = 0x26, bytes[0x18] = 0x01;  // RequestCredit
  bytes[0x23] = 16, bytes[0x21] = 12;      // FWVersion: major, unit
  bytes[0x39] = 0x02, bytes[0x38] = 0x10;  // MaxDevHandle
  const absl::StatusOr<IocFactsReply> facts = DecodeIocFactsReply(bytes);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(FirmwareVersionText(facts->firmware_version), "16.00.12.00");
  EXPECT_EQ(facts->request_credit, 0x2601);
  EXPECT_EQ(facts->max_dev_handle, 0x0210);
}

TEST(MessagesTest, AnyBytesGiveAValueOrAnError) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(random() % 0x70);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    (void)DecodeFunction(bytes);
    (void)DecodeReplyHeader(bytes);
    (void)DecodeIocInitRequest(bytes);
    (void)DecodeIocFactsReply(bytes);
    (void)DecodePortFactsReply(bytes);
    (void)DecodeEventNotificationRequest(bytes);
    (void)DecodeEventNotificationReply(bytes);
    (void)DecodeEventAckRequest(bytes);
    (void)DecodeConfigRequest(bytes);
    (void)DecodeConfigReply(bytes);
    (void)DecodeTaskManagementRequest(bytes);
    (void)DecodeTaskManagementReply(bytes);
    (void)DecodeSasControlRequest(bytes);
    (void)DecodeSasControlReply(bytes);
    (void)DecodeSmpPassthroughRequest(bytes);
    (void)DecodeSmpPassthroughReply(bytes);
    (void)DecodeScsiIoRequest(bytes);
    (void)DecodeScsiIoReply(bytes);
  }
}

}  // namespace
}  // namespace sasd::mpi
