// SHARED_IDENTIFIER, BAD_IDENTIFIER, and drives that contradict the slots.
#include <string>
#include <utility>

#include "daemon/health/fake_node.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using registry::Drive;
using registry::HostOf;
using registry::kHostA;
using registry::Settled;
using registry::Unit;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IdentityRulesTest : public ::testing::Test {
 protected:
  IdentityRulesTest() { node_.Report({HostOf(kHostA), Settled(kHostA)}); }

  static LogicalUnitFacts UnitOf(uint64_t address, const std::string& wwid,
                                 const std::string& serial, uint64_t lun = 0) {
    LogicalUnitFacts facts = Unit(kHostA, address, wwid);
    facts.serial = serial;
    facts.lun = lun;
    return facts;
  }
  static EndDeviceGone Gone(uint64_t address) {
    return {{kHostA, SasAddress(address), PhysicalPort(0)}};
  }

  FakeNode node_;
};

TEST_F(IdentityRulesTest, SharedIdentifierIsOneFindingWithAllSerials) {
  node_.Report({Drive(kHostA, 0x11), UnitOf(0x11, "naa.5", "S1"), Drive(kHostA, 0x12),
                UnitOf(0x12, "naa.5", "S2"), Drive(kHostA, 0x13), UnitOf(0x13, "naa.6", "S3")});
  EXPECT_THAT(node_.Problems(),
              ElementsAre(AllOf(HasSubstr("2 SHARED_IDENTIFIER 2 drives report the identifier "
                                          "naa.5: S1 (slot 1), S2 (slot 2)"),
                                HasSubstr("dm-multipath"))));
}

TEST_F(IdentityRulesTest, PulledDriveOfASharedIdentifierIsMissingAndNoLostPath) {
  node_.Report({Drive(kHostA, 0x11), UnitOf(0x11, "naa.5", "S1"), Drive(kHostA, 0x12),
                UnitOf(0x12, "naa.5", "S2")});
  node_.Report({Gone(0x11)});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING drive S1")));
  // A third one of the batch does not pass for it.
  node_.Report({Drive(kHostA, 0x13), UnitOf(0x13, "naa.5", "S3")});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING drive S1"),
                                            HasSubstr("2 SHARED_IDENTIFIER 2 drives")));
  node_.Report({Drive(kHostA, 0x11), UnitOf(0x11, "naa.5", "S1")});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("2 SHARED_IDENTIFIER 3 drives")));
}

TEST_F(IdentityRulesTest, LateSerialOfAnotherDriveIsNoLostPath) {
  EndDeviceFacts elsewhere = Drive(kHostA, 0x12);
  elsewhere.enclosure = EnclosureKey(0);
  elsewhere.slot = std::nullopt;
  node_.Report(
      {Drive(kHostA, 0x11), UnitOf(0x11, "naa.5", "S1"), elsewhere, UnitOf(0x12, "naa.5", "")});
  node_.Report({UnitOf(0x12, "naa.5", "S2")});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("2 SHARED_IDENTIFIER")));
}

TEST_F(IdentityRulesTest, EnclosuresOfOneLogicalIdAreOneFinding) {
  EnclosureFacts facts;
  facts.host = kHostA;
  for (const EnclosureKey key : {EnclosureKey(0x77), EnclosureKey(0x77, 1), EnclosureKey(0x78)}) {
    facts.key = key;
    node_.Report({facts});
  }
  EXPECT_THAT(node_.Problems(),
              ElementsAre(HasSubstr("2 SHARED_IDENTIFIER enclosures 0000000000000077 and "
                                    "0000000000000077-2 have one logical identifier")));
}

TEST_F(IdentityRulesTest, RejectedIdentifierIsNamed) {
  LogicalUnitFacts unit = UnitOf(0x11, "serial.S1", "S1");
  unit.rejected_wwid = "naa.0000000000000000";
  node_.Report({Drive(kHostA, 0x11), unit});
  EXPECT_THAT(node_.Problems(),
              ElementsAre(AllOf(HasSubstr("2 BAD_IDENTIFIER"), HasSubstr("naa.0000000000000000"))));
}

TEST_F(IdentityRulesTest, SeveralDrivesInOneSlotAreAContradiction) {
  EndDeviceFacts second = Drive(kHostA, 0x12);
  second.slot = 1;
  node_.Report(
      {Drive(kHostA, 0x11), UnitOf(0x11, "naa.5", "S1"), second, UnitOf(0x12, "naa.6", "S2")});
  EXPECT_THAT(node_.Problems(), ElementsAre(AllOf(HasSubstr("2 SLOT_CONTRADICTION slot 1"),
                                                  HasSubstr("holds 2 drives: S1, S2"))));
}

TEST_F(IdentityRulesTest, TwoUnitsOrTwoPathsOfOneDriveAreNoContradiction) {
  EndDeviceFacts other_path = Drive(kHostA, 0x12);
  other_path.slot = 1;
  node_.Report({Drive(kHostA, 0x11), UnitOf(0x11, "naa.5", "S1"), UnitOf(0x11, "naa.6", "S1", 1),
                other_path, UnitOf(0x12, "naa.5", "S1"), UnitOf(0x12, "naa.6", "S1", 1)});
  EXPECT_THAT(node_.Problems(), IsEmpty());
}

TEST_F(IdentityRulesTest, OneDriveInTwoSlotsIsAContradiction) {
  node_.Report({Drive(kHostA, 0x11), UnitOf(0x11, "naa.5", "S1"), Drive(kHostA, 0x12),
                UnitOf(0x12, "naa.5", "S1")});
  EXPECT_THAT(node_.Problems(), ElementsAre(AllOf(HasSubstr("2 SLOT_CONTRADICTION logical unit"),
                                                  HasSubstr("1, 2"))));
}

}  // namespace
}  // namespace sasd::health
