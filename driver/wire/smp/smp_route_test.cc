#include "driver/wire/smp/smp_route.h"

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand, not by the encoder. Sources: Linux's include/scsi/sas.h, and the
// offsets that smp_utils 0.99 reads. The comments give the offset of each line.
namespace sasd::mpi {
namespace {

TEST(ReportRouteInformationTest, FieldsAreWhereSmpUtilsReadsThem) {
  const Bytes bytes = FromHex(
      "41 13 00 09  010a 0203  00 1c 0000"  // 00 change count, index; phy
      "80 000000 5000c500a7b26111" +
      Zeros(16));  // 0C disabled; routed address
  const auto route = DecodeReportRouteInformationResponse(bytes);
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_EQ(route->change_count, 0x10A);
  EXPECT_EQ(route->index, 0x203);
  EXPECT_EQ(route->phy, PhyId(28));
  EXPECT_TRUE(route->disabled);
  EXPECT_EQ(route->routed_address, SasAddress(0x5000c500a7b26111));
  EXPECT_EQ(EncodeReportRouteInformationResponse(*route), bytes);
  ExpectDecodesFrom(DecodeReportRouteInformationResponse, bytes, 40);
}

TEST(ExpanderRouteTableListTest, FieldsAreWhereSmpUtilsReadsThem) {
  const Bytes bytes = FromHex(
      "41 22 00 0b  010b 0304  08 00 04 01"  // 00 both change counts; flags, 4 dwords each, 1
      "0100 0105 000000 30" +
      Zeros(12) +                               // 0C first and last index; first phy
      "5000c500a7b26111 8000 00000001 00 02");  // 20 address, phys, zone group
  const auto table = DecodeReportExpanderRouteTableListResponse(bytes);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->change_count, 0x10B);
  EXPECT_EQ(table->table_change_count, 0x304);
  EXPECT_EQ(table->flags, 8);
  EXPECT_EQ(table->first_index, 0x100);
  EXPECT_EQ(table->last_index, 0x105);
  EXPECT_EQ(table->first_phy, PhyId(48));
  ASSERT_EQ(table->routes.size(), 1u);
  EXPECT_EQ(table->routes[0].address, SasAddress(0x5000c500a7b26111));
  EXPECT_EQ(table->routes[0].phys, uint64_t{1} << 47 | 1);
  EXPECT_EQ(table->routes[0].zone_group, 2);
  EXPECT_EQ(EncodeReportExpanderRouteTableListResponse(*table), bytes);
  ExpectDecodesFrom(DecodeReportExpanderRouteTableListResponse, bytes, bytes.size());
}

TEST(ExpanderRouteTableListTest, TooShortDescriptorIsAnError) {
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeReportExpanderRouteTableListResponse(
                                          FromHex("41 22 00 07" + Zeros(6) + "03 01" + Zeros(36)))
                                          .status()));
}

}  // namespace
}  // namespace sasd::mpi
