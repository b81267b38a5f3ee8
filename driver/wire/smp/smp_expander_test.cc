#include "driver/wire/smp/smp_expander.h"

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand, not by the encoder. Sources: Linux's include/scsi/sas.h, and the
// offsets that smp_utils 0.99 reads. The comments give the offset of each line.
namespace sasd::mpi {
namespace {

// struct report_general_resp, then smp_rep_general.c.
const Bytes kGeneral = FromHex(
    "41 00 00 11  0102 0400"  // 00 header; change count, route indexes
    "80 29 8c 00"             // 08 long response; 41 phys; flags
    "5000ccab03001100" +      // 0C enclosure logical identifier
    Zeros(8) +                // 14
    "000a 0014 001e 07d0"     // 1C SSP connect time, STP inactivity, STP connect time, nexus loss
    "03 00 1000" +            // 24 zoning supported and enabled; routed SAS addresses
    Zeros(8) +                // 28 active zone manager
    "0000 0000 1e 00 00 05"   // 30 lock inactivity; power done timeout; open delay
    "00 00 0a 00"             // 38 initial time to reduced functionality
    "0007 003e 0000 0000"     // 3C self-configuration status: last, stored; phy events
    "0002 0000");             // 44 STP reject to open limit

TEST(ReportGeneralTest, FieldsAreWhereSmpUtilsReadsThem) {
  const auto general = DecodeReportGeneralResponse(kGeneral);
  ASSERT_TRUE(general.ok()) << general.status();
  EXPECT_EQ(general->change_count, 0x102);
  EXPECT_EQ(general->route_indexes, 0x400);
  EXPECT_TRUE(general->long_response);
  EXPECT_EQ(general->phy_count, 41);
  EXPECT_EQ(general->flags, ReportGeneralResponse::kTableToTable |
                                ReportGeneralResponse::kOpenRejectRetry |
                                ReportGeneralResponse::kConfiguresOthers);
  EXPECT_EQ(general->enclosure_logical_id, SasAddress(0x5000ccab03001100));
  EXPECT_EQ(general->ssp_connect_time_100us, 10);
  EXPECT_EQ(general->stp_bus_inactivity_100us, 20);
  EXPECT_EQ(general->stp_connect_time_100us, 30);
  EXPECT_EQ(general->nexus_loss_ms, 2000);
  EXPECT_EQ(general->zoning, 3);
  EXPECT_EQ(general->max_routed_addresses, 0x1000);
  EXPECT_EQ(general->power_done_s, 30);
  EXPECT_EQ(general->open_delay_100ns, 5);
  EXPECT_EQ(general->reduced_function_100ms, 10);
  EXPECT_EQ(general->last_status_index, 7);
  EXPECT_EQ(general->max_status_descriptors, 62);
  EXPECT_EQ(general->stp_reject_to_open_10us, 2);
  EXPECT_EQ(EncodeReportGeneralResponse(*general), kGeneral);
  ExpectDecodesFrom(DecodeReportGeneralResponse, kGeneral, 20);
  const auto old = DecodeReportGeneralResponse(ByteSpan(kGeneral).subspan(0, 28));
  EXPECT_EQ(old->phy_count, 41);
  EXPECT_EQ(old->nexus_loss_ms, 0);
}

TEST(ReportManufacturerTest, FieldsAreWhereSmpUtilsReadsThem) {
  const Bytes bytes = FromHex(
      "41 01 00 0e  0103 0000"            // 00
      "01 000000"                         // 08 SAS-1.1 format
      "4c53492020202020"                  // 0C "LSI"
      "53415333783430202020202020202020"  // 14 "SAS3x40"
      "30363031"                          // 24 "0601"
      "4c53492020202020"                  // 28 "LSI"
      "0233 03 00" +
      Zeros(8));  // 30 component, its revision; vendor specific
  const auto manufacturer = DecodeReportManufacturerResponse(bytes);
  ASSERT_TRUE(manufacturer.ok()) << manufacturer.status();
  EXPECT_EQ(manufacturer->change_count, 0x103);
  EXPECT_EQ(manufacturer->vendor, "LSI");
  EXPECT_EQ(manufacturer->product, "SAS3x40");
  EXPECT_EQ(manufacturer->revision, "0601");
  EXPECT_EQ(manufacturer->component_vendor, "LSI");
  EXPECT_EQ(manufacturer->component_id, 0x233);
  EXPECT_EQ(manufacturer->component_revision, 3);
  EXPECT_EQ(EncodeReportManufacturerResponse(*manufacturer), bytes);
  ExpectDecodesFrom(DecodeReportManufacturerResponse, bytes, 51);
}

TEST(SelfConfigurationStatusTest, FieldsAreWhereSmpUtilsReadsThem) {
  const Bytes bytes = FromHex(
      "41 03 00 08  0104 0001"                   // 00 change count, first descriptor's index
      "0009 0005 04 00 0000"                     // 08 9 in all, the last is 5; 4 dwords each
      "0000 00 01"                               // 10 one here
      "22 01 00 0c 00000000 5000ccab0300213f");  // 14 status, final, phy; address
  const auto status = DecodeReportSelfConfigurationStatusResponse(bytes);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->change_count, 0x104);
  EXPECT_EQ(status->first_index, 1);
  EXPECT_EQ(status->total, 9);
  EXPECT_EQ(status->last_index, 5);
  ASSERT_EQ(status->descriptors.size(), 1u);
  EXPECT_EQ(status->descriptors[0].status, 0x22);
  EXPECT_TRUE(status->descriptors[0].is_final);
  EXPECT_EQ(status->descriptors[0].phy, PhyId(12));
  EXPECT_EQ(status->descriptors[0].address, SasAddress(0x5000ccab0300213f));
  EXPECT_EQ(EncodeReportSelfConfigurationStatusResponse(*status), bytes);
  ExpectDecodesFrom(DecodeReportSelfConfigurationStatusResponse, bytes, bytes.size());
}

TEST(SelfConfigurationStatusTest, TooShortDescriptorIsAnError) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      DecodeReportSelfConfigurationStatusResponse(
          FromHex("41 03 00 04" + Zeros(8) + "03" + Zeros(6) + "01" + Zeros(16)))
          .status()));
}

}  // namespace
}  // namespace sasd::mpi
