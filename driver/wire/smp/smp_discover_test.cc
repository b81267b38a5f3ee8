#include "driver/wire/smp/smp_discover.h"

#include <string>

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand, not by the encoder. Sources: Linux's include/scsi/sas.h, and the
// offsets that smp_utils 0.99 reads. The comments give the offset of each line.
namespace sasd::mpi {
namespace {

// struct discover_resp, then smp_discover.c: 96 bytes from byte 18 on.
const char kDiscoverBody[] =
    "00 03 0000"                  // 08 phy 3
    "10 0a 00 01"                 // 0C end device, 6 Gbps, no initiator, SATA target
    "5000ccab0300113f"            // 10 the expander
    "5000ccab03001103"            // 18 the device
    "05 00000000000000"           // 20 its phy
    "88 ab 2a 87 02 000000"       // 28 rates; change count, virtual and timeout, routing
    "00000000 "                   // 30
    "5000c500a7b26113"            // 34 attached device name
    "00000000 00000000"           // 3C zoning; self-configuration
    "0000000000000000"            // 44
    "00000000 00000000 00000000"  // 4C phy capabilities
    "000000000000 0a 00"          // 58 negotiated physical rate
    "00000000 00000000 00000000"  // 60 default, saved, shadow zoning
    "11 ff 000000000000"          // 6C slot, no slot group
    "0000 00 00";                 // 74
const Bytes kDiscover = FromHex(std::string("41 10 00 1d  0105 0000") + kDiscoverBody);

void ExpectPhy3(const DiscoverResponse& phy) {
  EXPECT_EQ(phy.phy, PhyId(3));
  EXPECT_EQ(phy.attached_device_type, 1);
  EXPECT_EQ(phy.negotiated, LinkRate::k6Gbps);
  EXPECT_EQ(phy.attached_initiators, 0);
  EXPECT_EQ(phy.attached_targets, 1);
  EXPECT_EQ(phy.attached_address, SasAddress(0x5000ccab03001103));
  EXPECT_EQ(phy.attached_phy, PhyId(5));
  EXPECT_EQ(phy.change_count, 0x2A);
  EXPECT_TRUE(phy.is_virtual);
  EXPECT_EQ(phy.routing, 2);
}

TEST(DiscoverTest, FieldsAreWhereSmpUtilsReadsThem) {
  const auto phy = DecodeDiscoverResponse(kDiscover);
  ASSERT_TRUE(phy.ok()) << phy.status();
  ExpectPhy3(*phy);
  EXPECT_EQ(phy->change_count_of_expander, 0x105);
  EXPECT_EQ(phy->address, SasAddress(0x5000ccab0300113f));
  EXPECT_EQ(phy->programmed_min, LinkRate::k1_5Gbps);
  EXPECT_EQ(phy->hardware_min, LinkRate::k1_5Gbps);
  EXPECT_EQ(phy->programmed_max, LinkRate::k6Gbps);
  EXPECT_EQ(phy->hardware_max, LinkRate::k12Gbps);
  EXPECT_EQ(phy->partial_pathway_timeout_us, 7);
  EXPECT_EQ(phy->attached_device_name, SasAddress(0x5000c500a7b26113));
  EXPECT_EQ(phy->slot, 0x11);
  EXPECT_EQ(EncodeDiscoverResponse(*phy), kDiscover);
  ExpectDecodesFrom(DecodeDiscoverResponse, kDiscover, 48);
  const auto old = DecodeDiscoverResponse(ByteSpan(kDiscover).subspan(0, 52));
  EXPECT_EQ(old->attached_device_name, SasAddress());
  EXPECT_EQ(old->slot, DiscoverResponse::kNoSlot);
}

TEST(DiscoverListTest, LongDescriptorsAreDiscoverResponses) {
  const Bytes bytes = FromHex(
      "41 20 00 47  0106 0000"  // 00 48 and 2 * 120 bytes
      "03 02 03 00 1e 000000"   // 08 first phy, 2 phys; filter, type, 30 dwords each
      "c8 00 0007" +
      Zeros(28) +  // 10 zoning, self-configuring; last status descriptor
      "41 10 00 1d 0105 0000" + kDiscoverBody + "41 10 00 1d 0105 0000" + kDiscoverBody);
  const auto list = DecodeDiscoverListResponse(bytes);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->change_count, 0x106);
  EXPECT_EQ(list->first_phy, PhyId(3));
  EXPECT_EQ(list->filter, PhyFilter::kToEndDevice);
  EXPECT_EQ(list->type, DescriptorType::kLong);
  EXPECT_EQ(list->flags, 0xC8);
  EXPECT_EQ(list->last_status_index, 7);
  ASSERT_EQ(list->phys.size(), 2u);
  for (const DiscoverResponse& phy : list->phys) ExpectPhy3(phy);
  EXPECT_EQ(list->phys[1].slot, 0x11);
  EXPECT_EQ(EncodeDiscoverListResponse(*list), bytes);
  ExpectDecodesFrom(DecodeDiscoverListResponse, bytes, bytes.size());
}

TEST(DiscoverListTest, ShortDescriptorsMatchSmpUtils) {
  const std::string header = "41 20 00 17  0106 0000 03 02 00 01 06 000000" + Zeros(32);
  const std::string phy =
      "03 00 10 0a 00 01"  // 00 phy, result; end device, 6 Gbps; initiators, targets
      "82 0a 00 00"        // 06 virtual, table routing; 6 Gbps; zoning
      "05 2a"              // 0A attached phy, change count
      "5000ccab03001103"   // 0C attached address
      "00000000";          // 14
  const Bytes bytes = FromHex(header + phy + phy);
  const auto list = DecodeDiscoverListResponse(bytes);
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->phys.size(), 2u);
  for (const DiscoverResponse& one : list->phys) ExpectPhy3(one);
  EXPECT_EQ(EncodeDiscoverListResponse(*list), bytes);
  ExpectDecodesFrom(DecodeDiscoverListResponse, bytes, bytes.size());
}

TEST(DiscoverListTest, VacantPhyIsLeftOut) {
  const auto longs = DecodeDiscoverListResponse(FromHex(
      "41 20 00 29  0106 0000 03 01 00 00 1e 000000" + Zeros(32) + "41 10 16 1d" + Zeros(116)));
  ASSERT_TRUE(longs.ok()) << longs.status();
  EXPECT_TRUE(longs->phys.empty());
  const auto shorts = DecodeDiscoverListResponse(
      FromHex("41 20 00 11  0106 0000 03 01 00 01 06 000000" + Zeros(32) + "03 16" + Zeros(22)));
  ASSERT_TRUE(shorts.ok()) << shorts.status();
  EXPECT_TRUE(shorts->phys.empty());
}

TEST(DiscoverListTest, FrameHolds8LongAnd40Short) {
  DiscoverListResponse list;
  list.phys.resize(60);
  EXPECT_EQ(EncodeDiscoverListResponse(list).size(), 48u + 8 * 120);
  list.type = DescriptorType::kShort;
  EXPECT_EQ(EncodeDiscoverListResponse(list).size(), 48u + 40 * 24);
}

TEST(DiscoverListTest, TooShortDescriptorIsAnError) {
  for (const char* type_and_length : {"01 05", "00 00"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        DecodeDiscoverListResponse(
            FromHex("41 20 00 0b" + Zeros(5) + "01 00 " + type_and_length + Zeros(59)))
            .status()));
  }
}

}  // namespace
}  // namespace sasd::mpi
