#include "emulator/service/truth_convert.h"

#include "gtest/gtest.h"

namespace sasd::emulator {
namespace {

TEST(TruthConvertTest, AbsentFactsStayUnset) {
  emulator::HostTruth truth;
  truth.id = "hba0";
  truth.address = SasAddress(0x500605b00ab01230);
  truth.phys.resize(2);
  truth.phys[1].phy = PhyId(1);
  truth.phys[1].rate = LinkRate::kDisabled;
  truth.devices.resize(1);

  const sas::emulator::v1::HostTruth proto = ToProto(truth);

  EXPECT_EQ(proto.sas_address(), "500605b00ab01230");
  EXPECT_EQ(proto.phys(0).attached_sas_address(), "");
  EXPECT_FALSE(proto.phys(0).has_attached_phy());
  EXPECT_EQ(proto.phys(0).link_rate(), sas::v1::LINK_RATE_UNSPECIFIED);
  EXPECT_EQ(proto.phys(1).link_rate(), sas::v1::LINK_RATE_DISABLED);
  EXPECT_FALSE(proto.devices(0).has_slot());
  EXPECT_FALSE(proto.devices(0).has_enclosure_level());
}

TEST(TruthConvertTest, WidePortAndDriveKeepTheirFacts) {
  emulator::HostTruth truth;
  emulator::TruthExpander& expander = truth.expanders.emplace_back();
  expander.parent_phys = {PhyId(4), PhyId(5)};
  expander.level = 1;
  expander.phys.resize(1);
  expander.phys[0].rate = LinkRate::k12Gbps;
  expander.phys[0].attached_phy = PhyId(0);
  emulator::TruthDevice& device = truth.devices.emplace_back();
  device.enclosure = SasAddress(0x5000ccab03001100);
  device.slot = 0;
  device.rate = LinkRate::k6Gbps;
  device.sata = true;
  device.serial = "ZC100008";
  device.units = {{0, "naa.6000c500ca1100000000000000000000"},
                  {1, "naa.6000c500ca1100000001000000000000"}};

  const sas::emulator::v1::HostTruth proto = ToProto(truth);

  ASSERT_EQ(proto.expanders(0).parent_phys_size(), 2);
  EXPECT_EQ(proto.expanders(0).parent_phys(1), 5);
  EXPECT_EQ(proto.expanders(0).phys(0).link_rate(), sas::v1::LINK_RATE_12_GBPS);
  EXPECT_TRUE(proto.expanders(0).phys(0).has_attached_phy());
  EXPECT_TRUE(proto.devices(0).has_slot());
  EXPECT_EQ(proto.devices(0).slot(), 0);
  EXPECT_EQ(proto.devices(0).enclosure_logical_id(), "5000ccab03001100");
  EXPECT_TRUE(proto.devices(0).sata());
  EXPECT_EQ(proto.devices(0).serial(), "ZC100008");
  ASSERT_EQ(proto.devices(0).units_size(), 2);
  EXPECT_EQ(proto.devices(0).units(1).lun(), 1);
  EXPECT_EQ(proto.devices(0).units(1).wwid(), "naa.6000c500ca1100000001000000000000");
}

}  // namespace
}  // namespace sasd::emulator
