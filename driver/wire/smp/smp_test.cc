#include "driver/wire/smp/smp.h"

#include <string>
#include <vector>

#include "driver/wire/smp/smp_discover.h"
#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// Requests as smp_utils 0.99 sends them, written by hand, without the CRC. The comments give the
// offset of each line.
namespace sasd::mpi {
namespace {

SmpRequest Decoded(absl::string_view hex) {
  const auto request = DecodeSmpRequest(FromHex(hex));
  EXPECT_TRUE(request.ok()) << hex << ": " << request.status();
  return request.value_or(SmpRequest());
}

TEST(SmpRequestTest, EncodesTheBytesOfSmpUtils) {
  struct Row {
    std::string bytes;
    SmpRequest request;
    std::string text;
  };
  std::vector<Row> rows(9);
  rows[0].bytes = "40 00 11 00";
  rows[0].request.function = SmpFunction::kReportGeneral;
  rows[0].request.allocated_dwords = 17;
  rows[0].text = "SMP report general";
  rows[1].bytes = "40 03 ff 01  0000 0102";
  rows[1].request.function = SmpFunction::kReportSelfConfigurationStatus;
  rows[1].request.allocated_dwords = 0xFF;
  rows[1].request.index = 0x102;
  rows[1].text = "SMP report self-configuration status";
  rows[2].bytes = "40 10 1d 02  00000000 00 07 0000";
  rows[2].request.function = SmpFunction::kDiscover;
  rows[2].request.allocated_dwords = 29;
  rows[2].request.phy = PhyId(7);
  rows[2].text = "SMP discover, phy 7";
  rows[3].bytes = "40 12 10 02  00000000 00 0b 02 00";
  rows[3].request.function = SmpFunction::kReportPhySata;
  rows[3].request.allocated_dwords = 16;
  rows[3].request.phy = PhyId(11);
  rows[3].request.affiliation_context = 2;
  rows[3].text = "SMP report phy SATA, phy 11";
  rows[4].bytes = "40 13 09 02  0000 0203 00 1c 0000";
  rows[4].request.function = SmpFunction::kReportRouteInformation;
  rows[4].request.allocated_dwords = 9;
  rows[4].request.index = 0x203;
  rows[4].request.phy = PhyId(28);
  rows[4].text = "SMP report route information, phy 28";
  rows[5].bytes = "40 20 ff 06  00000000  05 fe 02 01" + Zeros(16);
  rows[5].request.function = SmpFunction::kDiscoverList;
  rows[5].request.allocated_dwords = 0xFF;
  rows[5].request.phy = PhyId(5);
  rows[5].request.max_descriptors = 254;
  rows[5].request.filter = PhyFilter::kToAny;
  rows[5].request.descriptor_type = DescriptorType::kShort;
  rows[5].text = "SMP discover list, phy 5";
  rows[6].bytes = "40 22 ff 06  00000000  003e 0100 " + Zeros(7) + " 30 " + Zeros(8);
  rows[6].request.function = SmpFunction::kReportExpanderRouteTableList;
  rows[6].request.allocated_dwords = 0xFF;
  rows[6].request.max_descriptors = 62;
  rows[6].request.index = 0x100;
  rows[6].request.phy = PhyId(48);
  rows[6].text = "SMP report expander route table list, phy 48";
  rows[7].bytes =
      "40 80 00 04  1234  0a0b"  // 00 expected change count, SSP connect time limit
      "ff 11 0c0d 0e0f 1a1b"     // 08 what is updated, open delay, the STP and SMP times
      "12 13 1c1d";              // 10 reduced functionality, power done, reject to open
  rows[7].request.function = SmpFunction::kConfigureGeneral;
  rows[7].request.expected_change_count = 0x1234;
  rows[7].request.configuration = {0xFF, 0x0A0B, 0x11, 0x0C0D, 0x0E0F, 0x1A1B, 0x12, 0x13, 0x1C1D};
  rows[7].text = "SMP configure general";
  rows[8].bytes = "40 91 00 09  0017 000000 03 02 00" + Zeros(20) + "80 a0" + Zeros(6);
  rows[8].request.function = SmpFunction::kPhyControl;
  rows[8].request.expected_change_count = 0x17;
  rows[8].request.phy = PhyId(3);
  rows[8].request.operation = PhyOperation::kHardReset;
  rows[8].request.programmed_min = LinkRate::k1_5Gbps;
  rows[8].request.programmed_max = LinkRate::k6Gbps;
  rows[8].text = "SMP phy control, phy 3, hard reset";
  for (const Row& row : rows) {
    EXPECT_EQ(EncodeSmpRequest(row.request), FromHex(row.bytes)) << row.text;
    // The two frames differ if decoding reads a field at a wrong offset.
    EXPECT_EQ(EncodeSmpRequest(Decoded(row.bytes)), FromHex(row.bytes)) << row.text;
    EXPECT_EQ(ToString(Decoded(row.bytes)), row.text);
  }
}

TEST(SmpRequestTest, FieldsAreWhereSmpUtilsPutsThem) {
  EXPECT_EQ(Decoded("40 10 00 02 00000000 00 07 0000").phy, PhyId(7));
  EXPECT_EQ(Decoded("40 13 09 02 0000 0203 00 1c 0000").index, 0x203);
  const SmpRequest list = Decoded("40 20 ff 06  00000000  05 fe 82 01" + Zeros(16));
  EXPECT_EQ(list.phy, PhyId(5));
  EXPECT_EQ(list.max_descriptors, 254);
  EXPECT_EQ(list.filter, PhyFilter::kToAny);  // the bit beside it is IGNORE ZONE GROUP
  EXPECT_EQ(list.descriptor_type, DescriptorType::kShort);
  const SmpRequest control =
      Decoded("40 91 00 09 0017 000000 03 02 00" + Zeros(20) + "80 a0" + Zeros(6));
  EXPECT_EQ(control.expected_change_count, 0x17);
  EXPECT_EQ(control.operation, PhyOperation::kHardReset);
  EXPECT_EQ(control.programmed_min, LinkRate::k1_5Gbps);
  EXPECT_EQ(control.programmed_max, LinkRate::k6Gbps);
  const SmpRequest general = Decoded("40 80 00 04 0000 0000 04 00 0000 0000 07d0 00 00 0000");
  EXPECT_EQ(general.configuration.update, GeneralConfiguration::kNexusLoss);
  EXPECT_EQ(general.configuration.nexus_loss_ms, 2000);
}

TEST(SmpRequestTest, LengthMustFitTheFunction) {
  const struct {
    std::string bytes;
    bool ok;
  } kRows[] = {
      {"40 00 00 00", true},
      {"40 00 00 01 00000000", false},                       // longer than any REPORT GENERAL
      {"40 10 00 00 00000000 00070000", true},               // SAS-1.1: no REQUEST LENGTH
      {"40 10 1d 02 00000000 00070000", true},               //
      {"40 10 1d 01 00000000", false},                       //
      {"40 10 1d 02 00000000", false},                       // shorter than its length
      {"40 10 1d 02 00000000 00070000 00000000", false},     // longer than its length
      {"40 14 ff 00 00000000 00070000", false},              // not a SAS-1.1 function
      {"40 14 ff 02 00000000 00070000", true},               //
      {"40 20 ff 06 00000000 00010000", false},              //
      {"40 91 00 09 00000000 00030100" + Zeros(28), true},   //
      {"40 91 00 08 00000000 00030100" + Zeros(28), false},  //
      {"40 91 00 09 00000000 00030100" + Zeros(32), false},  //
      {"40 7f 00 00", true},                                 // unknown functions have any length
      {"40 7f 00 ff 00", true},
      {"40 00 00", false},
      {"41 00 00 00", false},
  };
  for (const auto& row : kRows) {
    const auto decoded = DecodeSmpRequest(FromHex(row.bytes));
    EXPECT_EQ(decoded.ok(), row.ok) << row.bytes << ": " << decoded.status();
    EXPECT_EQ(decoded.status().code(),
              row.ok ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument);
  }
}

TEST(SmpResponseTest, FailureIsReportedInWords) {
  const struct {
    std::string bytes;
    std::string text;
  } kRows[] = {
      {"41 10 10 00", "SMP discover: phy does not exist"},
      {"41 10 16 00", "SMP discover: phy vacant"},
      {"41 10 01 00", "SMP discover: unknown function"},
      {"41 10 03 00", "SMP discover: invalid request frame length"},
      {"41 10 04 00", "SMP discover: invalid expander change count"},
      {"41 10 77 00", "SMP discover: function result 0x77"},
  };
  for (const auto& row : kRows) {
    const absl::Status status = CheckSmpResponse(SmpFunction::kDiscover, FromHex(row.bytes));
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_EQ(status.message(), row.text);
    EXPECT_EQ(DecodeDiscoverResponse(FromHex(row.bytes)).status(), status);
  }
  EXPECT_EQ(EncodeSmpResult(SmpFunction::kPhyControl, SmpResult::kUnknownPhyOperation),
            FromHex("41 91 13 00"));
  EXPECT_TRUE(
      absl::IsInvalidArgument(CheckSmpResponse(SmpFunction::kDiscover, FromHex("41 11 00 00"))));
  EXPECT_TRUE(
      absl::IsInvalidArgument(CheckSmpResponse(SmpFunction::kDiscover, FromHex("40 10 00 00"))));
}

TEST(SmpResponseTest, ResponseIsCutToTheRequestedLength) {
  const struct {
    SmpFunction function;
    uint8_t allocated;
    size_t whole;
    size_t size;
    uint8_t length;  // RESPONSE LENGTH
  } kRows[] = {
      // 0: SAS-1.1's form. The sizes are smp_lib.c's, smp_def_rrlen_arr.
      {SmpFunction::kReportGeneral, 0, 72, 28, 0},
      {SmpFunction::kReportManufacturer, 0, 60, 60, 0},
      {SmpFunction::kDiscover, 0, 120, 52, 0},
      {SmpFunction::kReportPhyErrorLog, 0, 28, 28, 0},
      {SmpFunction::kReportPhySata, 0, 68, 56, 0},
      {SmpFunction::kReportRouteInformation, 0, 40, 40, 0},
      {SmpFunction::kPhyControl, 0, 4, 4, 0},
      {SmpFunction::kReportPhyEvent, 0, 64, 4, 15},  // no SAS-1.1 function
      // The allocated length holds the whole response, or cuts it.
      {SmpFunction::kReportGeneral, 17, 72, 72, 17},
      {SmpFunction::kReportGeneral, 0xFF, 72, 72, 17},
      {SmpFunction::kDiscover, 29, 120, 120, 29},
      {SmpFunction::kDiscover, 18, 120, 76, 29},
      {SmpFunction::kDiscover, 1, 120, 8, 29},
  };
  for (const auto& row : kRows) {
    SmpRequest request;
    request.function = row.function;
    request.allocated_dwords = row.allocated;
    Bytes frame = NewSmpResponse(row.function, row.whole);
    FitSmpResponse(request, frame);
    EXPECT_EQ(frame.size(), row.size) << ToString(row.function) << " " << int{row.allocated};
    EXPECT_EQ(frame[3], row.length) << ToString(row.function) << " " << int{row.allocated};
  }
}

}  // namespace
}  // namespace sasd::mpi
