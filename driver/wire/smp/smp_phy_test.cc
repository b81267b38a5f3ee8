#include "driver/wire/smp/smp_phy.h"

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand, not by the encoder. Sources: Linux's include/scsi/sas.h, and the
// offsets that smp_utils 0.99 reads. The comments give the offset of each line.
namespace sasd::mpi {
namespace {

TEST(ReportPhyErrorLogTest, FieldsAreWhereSmpUtilsReadsThem) {
  const Bytes bytes = FromHex(
      "41 11 00 06  0107 0000  00 04 0000"  // 00 change count; phy
      "00000001 00000002 00000003 00000004");
  const auto log = DecodeReportPhyErrorLogResponse(bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->change_count, 0x107);
  EXPECT_EQ(log->phy, PhyId(4));
  EXPECT_EQ(log->invalid_dword_count, 1u);
  EXPECT_EQ(log->running_disparity_error_count, 2u);
  EXPECT_EQ(log->loss_of_dword_sync_count, 3u);
  EXPECT_EQ(log->phy_reset_problem_count, 4u);
  EXPECT_EQ(EncodeReportPhyErrorLogResponse(*log), bytes);
  ExpectDecodesFrom(DecodeReportPhyErrorLogResponse, bytes, 28);
}

// struct report_phy_sata_resp.
TEST(ReportPhySataTest, FieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex(
      "41 12 00 10  0108 0000  00 0b 00 07"           // 00 phy 11; all three flags
      "00000000 5000ccab0300210b"                     // 0C STP address
      "34005001 01000000 00000000 01000000 00000000"  // 18 FIS
      "00000000 500605b00ab01230"                     // 2C affiliated initiator
      "500605b00ab05670"                              // 38 initiator of the nexus loss
      "00 01 02 03");                                 // 40 affiliation context, how many, most
  const auto sata = DecodeReportPhySataResponse(bytes);
  ASSERT_TRUE(sata.ok()) << sata.status();
  EXPECT_EQ(sata->change_count, 0x108);
  EXPECT_EQ(sata->phy, PhyId(11));
  EXPECT_TRUE(sata->nexus_loss_occurred);
  EXPECT_TRUE(sata->affiliations_supported);
  EXPECT_TRUE(sata->affiliation_valid);
  EXPECT_EQ(sata->stp_address, SasAddress(0x5000ccab0300210b));
  EXPECT_EQ(sata->fis[0], 0x34);
  EXPECT_EQ(sata->fis[3], 0x01);
  EXPECT_EQ(sata->fis[12], 0x01);
  EXPECT_EQ(sata->affiliated_initiator, SasAddress(0x500605b00ab01230));
  EXPECT_EQ(sata->nexus_loss_initiator, SasAddress(0x500605b00ab05670));
  EXPECT_EQ(sata->affiliation_context, 1);
  EXPECT_EQ(sata->affiliation_contexts, 2);
  EXPECT_EQ(sata->max_affiliation_contexts, 3);
  EXPECT_EQ(EncodeReportPhySataResponse(*sata), bytes);
  ExpectDecodesFrom(DecodeReportPhySataResponse, bytes, 56);
  Bytes none = bytes;
  for (const uint8_t flag : {0x01, 0x02, 0x04}) {
    none[11] = flag;
    const auto one = DecodeReportPhySataResponse(none);
    EXPECT_EQ(one->affiliation_valid, flag == 0x01);
    EXPECT_EQ(one->affiliations_supported, flag == 0x02);
    EXPECT_EQ(one->nexus_loss_occurred, flag == 0x04);
  }
}

TEST(ReportPhyEventTest, FieldsAreWhereSmpUtilsReadsThem) {
  const Bytes bytes = FromHex(
      "41 14 00 09  0109 0000  00 05 000000 00 03 02"  // 00 phy 5; 3 dwords each, 2 of them
      "00000001 00000011 00000000"                     // 10
      "00000004 00000022 00000033");                   // 1C
  const auto events = DecodeReportPhyEventResponse(bytes);
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->change_count, 0x109);
  EXPECT_EQ(events->phy, PhyId(5));
  ASSERT_EQ(events->events.size(), 2u);
  EXPECT_EQ(events->events[0].source, PhyEventSource::kInvalidDwords);
  EXPECT_EQ(events->events[0].value, 0x11u);
  EXPECT_EQ(events->events[1].source, PhyEventSource::kPhyResetProblems);
  EXPECT_EQ(events->events[1].value, 0x22u);
  EXPECT_EQ(events->events[1].threshold, 0x33u);
  EXPECT_EQ(EncodeReportPhyEventResponse(*events), bytes);
  ExpectDecodesFrom(DecodeReportPhyEventResponse, bytes, bytes.size());
}

TEST(ReportPhyEventTest, TooShortDescriptorIsAnError) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      DecodeReportPhyEventResponse(FromHex("41 14 00 03" + Zeros(10) + "02 01" + Zeros(12)))
          .status()));
}

}  // namespace
}  // namespace sasd::mpi
