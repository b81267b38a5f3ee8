#include "emulator/firmware/smp_target.h"

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "driver/wire/smp/smp.h"
#include "driver/wire/smp/smp_discover.h"
#include "driver/wire/smp/smp_expander.h"
#include "driver/wire/smp/smp_route.h"
#include "driver/wire/test_bytes.h"
#include "emulator/fabric/fabric_loader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// The demo fabric's expanders. Requests are the bytes that smp_utils 0.99 sends (without the CRC).
// Answers are laid out by hand from the offsets that smp_utils reads and Linux's
// include/scsi/sas.h.
namespace sasd::emulator {
namespace {

using mpi::FromHex;
using mpi::Zeros;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// hba0 is at phys 24 to 27 of the first, whose phys 28 to 35 go to phys 12 to 19 of the second.
constexpr NodeRef kHost{true, 0}, kJbod1{false, 0}, kJbod2{false, 2};
constexpr uint8_t kDrive = 3, kEmpty = 23, kToHost = 24, kToJbod2 = 28, kSes = 40;
constexpr uint8_t kSata = 9, kSasOfJbod2 = 0;

std::string Hex(uint8_t byte) {
  return absl::BytesToHexString(std::string(1, static_cast<char>(byte)));
}
// "PHY CONTROL" of a phy with an operation; change count and rates where they matter.
std::string PhyControl(uint8_t phy, const std::string& operation, const std::string& count = "0000",
                       const std::string& min_and_max = "0000") {
  return "40 91 00 09 " + count + "000000" + Hex(phy) + operation + "00" + Zeros(20) + min_and_max +
         Zeros(6);
}

class SmpTargetTest : public ::testing::Test {
 protected:
  SmpTargetTest() : fabric_(*LoadFabric("demo")) {}

  Bytes Ask(NodeRef node, const std::string& request) {
    SmpAnswer answer = AnswerSmp(fabric_, node, FromHex(request));
    std::vector<PhyRef> changed;
    if (answer.action) fabric_.Act(*answer.action, changed);
    changed_ = changed.size();
    return answer.response;
  }
  mpi::DiscoverResponse Discover(NodeRef node, uint8_t phy) {
    const auto answer =
        mpi::DecodeDiscoverResponse(Ask(node, "40 10 1d 02 00000000 00" + Hex(phy) + "0000"));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(mpi::DiscoverResponse());
  }
  // The numbers of the phys in a DISCOVER LIST response.
  std::vector<int> List(const std::string& first_most_filter_type, const char* allocated = "ff") {
    const auto list = mpi::DecodeDiscoverListResponse(
        Ask(kJbod1,
            std::string("40 20") + allocated + "06 00000000" + first_most_filter_type + Zeros(16)));
    EXPECT_TRUE(list.ok()) << list.status();
    std::vector<int> phys;
    for (const auto& phy : list.value_or(mpi::DiscoverListResponse()).phys) {
      phys.push_back(phy.phy.value());
    }
    return phys;
  }

  FabricState fabric_;
  size_t changed_ = 0;
};

TEST_F(SmpTargetTest, AnswersInTheStandardsBytes) {
  const std::string drive =
      "00 03 0000  10 0b 00 08"                  // 08 phy; end device, 12 Gbps, SSP target
      "5000ccab0300113f 5000c500a7b2611d"        // 10 the expander, the drive's port
      "0000000000000000 88 bb 00 07 00 000000";  // 20 its phy; rates, timeout, direct routing
  const std::string general = "0001 0400 80 29 8c 00 5000ccab03001100" + Zeros(8);  // 04 to 1B
  const std::string disk =
      "00000000 5000ccab03002109"                     // 0C STP address
      "34005001 01000000 00000000 01000000 00000000"  // 18 a disk's signature
      "00000000";                                     // 2C
  const std::string sata = "0001 0000 00 09 00 03" + disk + "500605b00ab01230";  // to hba0
  const struct {
    NodeRef node;
    std::string request, answer;
  } kRows[] = {
      {kJbod1, "40 00 00 00", "41 00 00 00" + general},
      {kJbod1, "40 00 11 00",
       "41 00 00 11" + general + "0000 0000 0000 07d0  0000 1000" + Zeros(32)},
      {kJbod1, "40 01 0e 00",
       "41 01 00 0e 0001 0000 01 000000  4c53492020202020 53415333783430202020202020202020"
       "30363031 4c53492020202020 0233 03 00" +
           Zeros(8)},
      {kJbod1, "40 03 ff 01 0000 0000", "41 03 00 04 0001" + Zeros(6) + "04" + Zeros(7)},
      {kJbod1, "40 10 00 00 00000000 00030000", "41 10 00 00 0001 0000" + drive + Zeros(4)},
      {kJbod1, "40 10 1d 02 00000000 00030000",
       "41 10 00 1d 0001 0000" + drive + Zeros(4) + "5000c500a7b2611c" + Zeros(34) + "0b 00" +
           Zeros(12) + "03 ff" + Zeros(10)},
      {kJbod1, "40 11 06 02 00000000 00030000", "41 11 00 06 0001 0000 00 03 0000" + Zeros(16)},
      {kJbod2, "40 12 00 00 00000000 00090000", "41 12 00 00" + sata},
      {kJbod2, "40 12 10 02 00000000 00090000", "41 12 00 10" + sata + Zeros(8) + "00 00 01 01"},
      // An affiliation context that does not exist.
      {kJbod2, "40 12 10 02 00000000 00090100",
       "41 12 00 10 0001 0000 00 09 00 02" + disk + Zeros(16) + "00 01 01 01"},
      {kJbod1, "40 13 09 02 0000 0001 00 1c 0000",
       "41 13 00 09 0001 0001 00 1c 0000  00 000000 5000cca270a13d49" + Zeros(16)},
      {kJbod1, "40 13 09 02 0000 00ff 00 1c 0000",
       "41 13 00 09 0001 00ff 00 1c 0000  80 000000" + Zeros(24)},
      {kJbod1, "40 14 ff 02 00000000 00030000",
       "41 14 00 0f 0001 0000 00 03 00000000 03 04  00000001 00000000 00000000"
       "00000002 00000000 00000000 00000003 00000000 00000000 00000004 00000000 00000000"},
      {kJbod1, "40 20 ff 06 00000000  03 01 00 01" + Zeros(16),
       "41 20 00 11 0001 0000  03 01 00 01 06 000000" + Zeros(32) +
           "03 00 10 0b 00 08 00 0b 00 00 00 00 5000c500a7b2611d 00000000"},
      // The change counts of the expander and of the one behind it are 1.
      {kJbod1, "40 22 ff 06 00000000 0001 0001" + Zeros(7) + "00" + Zeros(8),
       "41 22 00 0b 0001 0002 00 00 04 01  0001 0001 000000 00" + Zeros(12) +
           "5000cca270a13d49 000f f0000000 00 00"},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(Ask(row.node, row.request), FromHex(row.answer)) << row.request;
}

TEST_F(SmpTargetTest, RefusesWithTheStandardsResults) {
  const struct {
    NodeRef node;
    std::string request, answer;
  } kRows[] = {
      // Functions of zoning, GPIO, broadcasts and vendors; the expander configures its routes
      // itself.
      {kJbod1, "40 02 00 00", "41 02 01 00"},
      {kJbod1, "40 04 ff 02 00000000 00000000", "41 04 01 00"},
      {kJbod1, "40 06 ff 01 00000000", "41 06 01 00"},
      {kJbod1, "40 21 ff 06", "41 21 01 00"},
      {kJbod1, "40 90 00 09", "41 90 01 00"},
      {kJbod1, "40 92 00 09", "41 92 01 00"},
      {kJbod1, "40 ff 00 00", "41 ff 01 00"},
      {kHost, "40 20 ff 06 00000000 00010000" + Zeros(16), "41 20 01 00"},
      {kHost, "40 12 10 02 00000000 00000000", "41 12 01 00"},
      // Lengths.
      {kJbod1, "40 10 1d 02 00000000", "41 10 03 00"},
      {kJbod1, "40 10 1d 03 00000000 00000000", "41 10 03 00"},
      {kJbod1, "40 20 ff 00 00000000 00010000" + Zeros(16), "41 20 03 00"},
      // Phys that do not exist or lack the function.
      {kJbod1, "40 10 1d 02 00000000 00290000", "41 10 10 00"},
      {kJbod1, "40 11 06 02 00000000 00290000", "41 11 10 00"},
      {kJbod1, "40 12 10 02 00000000 00290000", "41 12 10 00"},
      {kJbod1, "40 13 09 02 00000000 00290000", "41 13 10 00"},
      {kJbod1, "40 14 ff 02 00000000 00290000", "41 14 10 00"},
      {kJbod1, "40 20 ff 06 00000000 29010000" + Zeros(16), "41 20 10 00"},
      {kJbod1, PhyControl(0x29, "01"), "41 91 10 00"},
      {kJbod1, "40 12 10 02 00000000 00030000", "41 12 12 00"},               // a SAS drive
      {kJbod1, "40 12 10 02 00000000 00170000", "41 12 12 00"},               // an empty bay
      {kJbod1, "40 13 09 02 00000000 00030000", "41 13 11 00"},               // direct routing
      {kJbod1, "40 13 09 02 00000400 001c0000", "41 13 11 00"},               // route 1024
      {kJbod1, "40 22 ff 06 00000000 0001 000d" + Zeros(16), "41 22 11 00"},  // 13 routes
      {kJbod1, "40 20 ff 06 00000000 00010400" + Zeros(16), "41 20 19 00"},   // phy filter 4
      {kJbod1, "40 20 ff 06 00000000 00010002" + Zeros(16), "41 20 18 00"},   // descriptor type 2
      // PHY CONTROL.
      {kJbod1, PhyControl(kDrive, "04"), "41 91 13 00"},
      {kJbod1, PhyControl(kDrive, "09"), "41 91 13 00"},
      {kJbod1, PhyControl(kDrive, "06"), "41 91 02 00"},          // a SAS drive's affiliation
      {kJbod1, PhyControl(kDrive, "07"), "41 91 12 00"},          // and port selection
      {kJbod1, PhyControl(kDrive, "01", "0002"), "41 91 04 00"},  // the change count is 1
      {kJbod1, PhyControl(kDrive, "00", "0000", "00c0"), "41 91 02 00"},  // a 12 Gbps phy at 22.5
      {kJbod1, PhyControl(kDrive, "00", "0000", "b0a0"), "41 91 02 00"},  // at least 12, at most 6
      {kJbod1, PhyControl(kDrive, "00", "0000", "3000"), "41 91 02 00"},  // no rate
      {kJbod1, "40 80 00 04 0002 0000" + Zeros(12), "41 80 04 00"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Ask(row.node, row.request), FromHex(row.answer)) << row.request;
    EXPECT_EQ(changed_, 0u) << row.request;
  }
}

TEST_F(SmpTargetTest, DiscoverDescribesTheOtherEnd) {
  const struct {
    NodeRef node;
    uint8_t phy;
    int type, initiators, targets, attached_phy, routing, slot;
    uint64_t address, name;
  } kRows[] = {
      {kJbod1, kDrive, 1, 0, 8, 0, 0, 3, 0x5000c500a7b2611d, 0x5000c500a7b2611c},
      {kJbod1, kEmpty, 0, 0, 0, 0, 0, 23, 0, 0},
      {kJbod1, kToHost, 1, 0xE, 0, 0, 1, 0xFF, 0x500605b00ab01230, 0x500605b00ab01230},
      {kJbod1, kToJbod2, 2, 2, 2, 12, 2, 0xFF, 0x5000ccab0300213f, 0x5000ccab0300213f},
      {kJbod1, kSes, 1, 0, 8, 0, 0, 0xFF, 0x5000ccab0300113d, 0x5000ccab0300113d},
      {kJbod2, kSata, 1, 0, 1, 0, 0, 9, 0x5000ccab03002109, 0x5000c500c6d21004},
      {kHost, 1, 2, 2, 2, 25, 0, 0xFF, 0x5000ccab0300113f, 0x5000ccab0300113f},
  };
  for (const auto& row : kRows) {
    const mpi::DiscoverResponse phy = Discover(row.node, row.phy);
    EXPECT_EQ(phy.attached_device_type, row.type) << int{row.phy};
    EXPECT_EQ(phy.attached_initiators, row.initiators) << int{row.phy};
    EXPECT_EQ(phy.attached_targets, row.targets) << int{row.phy};
    EXPECT_EQ(phy.attached_phy, PhyId(static_cast<uint8_t>(row.attached_phy))) << int{row.phy};
    EXPECT_EQ(phy.routing, row.routing) << int{row.phy};
    EXPECT_EQ(phy.slot, row.slot) << int{row.phy};
    EXPECT_EQ(phy.attached_address, SasAddress(row.address)) << int{row.phy};
    EXPECT_EQ(phy.attached_device_name, SasAddress(row.name)) << int{row.phy};
  }
  EXPECT_TRUE(Discover(kJbod1, kSes).is_virtual);
  EXPECT_EQ(Discover(kJbod2, kSata).negotiated, LinkRate::k6Gbps);
}

TEST_F(SmpTargetTest, DiscoverListHonoursFilterAndSize) {
  EXPECT_THAT(List("00 fe 00 01"), SizeIs(40));  // 41 phys, of which a frame holds 40
  EXPECT_THAT(List("28 fe 00 01"), ElementsAre(40));
  EXPECT_THAT(List("00 fe 00 00"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(List("15 03 00 01"), ElementsAre(21, 22, 23));
  EXPECT_THAT(List("15 00 00 01"), IsEmpty());
  EXPECT_THAT(List("00 fe 01 01"), ElementsAre(28, 29, 30, 31, 32, 33, 34, 35));
  EXPECT_THAT(List("16 fe 02 01"),
              ElementsAre(22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 40));
  EXPECT_THAT(List("16 fe 03 01"), ElementsAre(22, 24, 25, 26, 27, 40));
  EXPECT_THAT(List("25 fe 03 00"), ElementsAre(40));
  // 17 dwords hold the header and one short descriptor. One dword less holds no descriptor.
  EXPECT_THAT(List("00 fe 00 01", "11"), ElementsAre(0));
  EXPECT_THAT(List("00 fe 00 01", "10"), IsEmpty());
  EXPECT_THAT(List("00 fe 00 00", "28"), IsEmpty());
  EXPECT_THAT(Ask(kJbod1, "40 20 05 06 00000000 00fe0001" + Zeros(16)), SizeIs(24));
}

TEST_F(SmpTargetTest, RouteTableListsDevicesBehindTheNextExpander) {
  const auto table = mpi::DecodeReportExpanderRouteTableListResponse(
      Ask(kJbod1, "40 22 ff 06 00000000 003e 0000" + Zeros(16)));
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_THAT(table->routes, SizeIs(13));  // 8 SAS and 4 SATA drives, SES; not the expander itself
  EXPECT_EQ(table->routes[0].address, SasAddress(0x5000cca270a13d45));
  EXPECT_EQ(table->routes[8].address, SasAddress(0x5000ccab03002108));
  EXPECT_EQ(table->routes[12].address, SasAddress(0x5000ccab0300213d));
  for (const auto& route : table->routes) EXPECT_EQ(route.phys, uint64_t{0xFF} << kToJbod2);
  // The same, phy by phy, and from another phy on.
  for (uint8_t i = 0; i < 13; ++i) {
    const auto route = mpi::DecodeReportRouteInformationResponse(
        Ask(kJbod1, "40 13 09 02 0000 00" + Hex(i) + "00 1f 0000"));
    ASSERT_TRUE(route.ok()) << route.status();
    EXPECT_EQ(route->routed_address, table->routes[i].address);
  }
  const auto later = mpi::DecodeReportExpanderRouteTableListResponse(
      Ask(kJbod1, "40 22 ff 06 00000000 0002 000b" + Zeros(7) + "1e" + Zeros(8)));
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(later->first_index, 11);
  EXPECT_EQ(later->last_index, 12);
  ASSERT_THAT(later->routes, SizeIs(2));
  EXPECT_EQ(later->routes[1].address, SasAddress(0x5000ccab0300213d));
  EXPECT_EQ(later->routes[1].phys, 0x3Fu);
  // The last expander routes to nothing.
  const auto none = mpi::DecodeReportExpanderRouteTableListResponse(
      Ask(kJbod2, "40 22 ff 06 00000000 003e 0000" + Zeros(16)));
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_THAT(none->routes, IsEmpty());
}

TEST_F(SmpTargetTest, RouteTableFollowsTheFabric) {
  const std::string request = "40 22 ff 06 00000000 003e 0000" + Zeros(16);
  const auto before = mpi::DecodeReportExpanderRouteTableListResponse(Ask(kJbod1, request));
  EXPECT_EQ(Ask(kJbod2, PhyControl(kSasOfJbod2, "03")), FromHex("41 91 00 00"));
  const auto after = mpi::DecodeReportExpanderRouteTableListResponse(Ask(kJbod1, request));
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_THAT(after->routes, SizeIs(12));
  EXPECT_EQ(after->change_count, before->change_count);
  EXPECT_EQ(after->table_change_count, before->table_change_count + 1);
}

// host - x0 - x1 - x2, phy 0 of each towards the host and phy 1 away from it.
TEST(SmpTargetOfChainTest, RoutesGoDownTheChainOnly) {
  FabricSpec spec;
  spec.hosts.emplace_back().address = SasAddress(0x500605b000000000);
  for (uint32_t i = 0; i < 3; ++i) {
    spec.expanders.emplace_back().phy_count = 2;
    spec.expanders[i].address = SasAddress(0x5003048000000000 + i);
    const PhyRef above = i == 0 ? PhyRef{{true, 0}, 0} : PhyRef{{false, i - 1}, 1};
    spec.links.push_back({above, {{false, i}, 0}, LinkRate::k12Gbps});
  }
  const FabricState fabric(spec);
  const std::string request = "40 22 ff 06 00000000 003e 0000" + Zeros(16);
  for (uint32_t i = 0; i < 3; ++i) {
    const auto table = mpi::DecodeReportExpanderRouteTableListResponse(
        AnswerSmp(fabric, {false, i}, FromHex(request)).response);
    ASSERT_TRUE(table.ok()) << table.status();
    if (i == 0) {
      ASSERT_THAT(table->routes, SizeIs(1));
      EXPECT_EQ(table->routes[0].address, spec.expanders[2].address);
      EXPECT_EQ(table->routes[0].phys, 2u);
    } else {
      EXPECT_THAT(table->routes, IsEmpty()) << i;
    }
    EXPECT_EQ(table->table_change_count, 3 - i) << i;
  }
}

TEST_F(SmpTargetTest, PhyControlChangesThePhy) {
  EXPECT_EQ(Ask(kJbod1, PhyControl(kDrive, "03", "0001")), FromHex("41 91 00 00"));
  EXPECT_EQ(Discover(kJbod1, kDrive).negotiated, LinkRate::kDisabled);
  EXPECT_EQ(Discover(kJbod1, kDrive).change_count_of_expander, 2);
  EXPECT_EQ(Discover(kJbod1, kDrive).slot, 3);
  EXPECT_EQ(Ask(kJbod1, PhyControl(kDrive, "01")), FromHex("41 91 00 00"));
  EXPECT_EQ(Discover(kJbod1, kDrive).negotiated, LinkRate::k12Gbps);
  EXPECT_EQ(fabric_.errors({kJbod1, kDrive}).loss_of_sync, 1u);
  EXPECT_EQ(Ask(kJbod1, PhyControl(kDrive, "05")), FromHex("41 91 00 00"));
  EXPECT_EQ(fabric_.errors({kJbod1, kDrive}).loss_of_sync, 0u);
  EXPECT_EQ(changed_, 0u);
  EXPECT_EQ(Ask(kJbod1, PhyControl(kDrive, "02")), FromHex("41 91 00 00"));
  EXPECT_EQ(changed_, 1u);
  for (const char* of_sata : {"00", "06", "07", "08"}) {
    EXPECT_EQ(Ask(kJbod2, PhyControl(kSata, of_sata)), FromHex("41 91 00 00"));
    EXPECT_EQ(changed_, 0u);
  }
}

TEST_F(SmpTargetTest, ProgrammedRatesHoldFromTheNextReset) {
  EXPECT_EQ(Ask(kJbod1, PhyControl(kDrive, "00", "0000", "90a0")), FromHex("41 91 00 00"));
  mpi::DiscoverResponse phy = Discover(kJbod1, kDrive);
  EXPECT_EQ(phy.programmed_min, LinkRate::k3Gbps);
  EXPECT_EQ(phy.programmed_max, LinkRate::k6Gbps);
  EXPECT_EQ(phy.hardware_min, LinkRate::k1_5Gbps);
  EXPECT_EQ(phy.hardware_max, LinkRate::k12Gbps);
  EXPECT_EQ(phy.negotiated, LinkRate::k12Gbps);
  Ask(kJbod1, PhyControl(kDrive, "01"));
  EXPECT_EQ(Discover(kJbod1, kDrive).negotiated, LinkRate::k6Gbps);
  // Both at once, and only one of them.
  Ask(kJbod1, PhyControl(kDrive, "02", "0000", "00b0"));
  phy = Discover(kJbod1, kDrive);
  EXPECT_EQ(phy.negotiated, LinkRate::k12Gbps);
  EXPECT_EQ(phy.programmed_min, LinkRate::k3Gbps);
}

TEST_F(SmpTargetTest, LinkBelowTheProgrammedMinimumFails) {
  Ask(kJbod1, PhyControl(kToJbod2, "01", "0000", "00a0"));
  EXPECT_EQ(Discover(kJbod2, 12).negotiated, LinkRate::k6Gbps);
  Ask(kJbod2, PhyControl(12, "01", "0000", "b000"));
  for (const mpi::DiscoverResponse& end : {Discover(kJbod1, kToJbod2), Discover(kJbod2, 12)}) {
    EXPECT_EQ(end.negotiated, LinkRate::kNegotiationFailed);
    EXPECT_EQ(end.attached_device_type, 0);
    EXPECT_EQ(end.attached_address, SasAddress());
  }
}

TEST_F(SmpTargetTest, ConfigureGeneralChangesTheRequestedTimes) {
  // All changes with the present change count; then none; then the nexus loss time alone.
  EXPECT_EQ(Ask(kJbod1, "40 80 00 04 0001 0102 ff 03 0405 0607 0809 0a 0b 0c0d"),
            FromHex("41 80 00 00"));
  Ask(kJbod1, "40 80 00 04 0000 ffff 00 ff ffff ffff ffff ff ff ffff");
  Ask(kJbod1, "40 80 00 04 0000 ffff 04 ff ffff ffff 1234 ff ff ffff");
  EXPECT_EQ(changed_, 0u);
  const Bytes general = Ask(kJbod1, "40 00 11 00");
  ASSERT_THAT(general, SizeIs(72));
  EXPECT_EQ(Bytes(general.begin() + 28, general.begin() + 36), FromHex("0102 0405 0607 1234"));
  EXPECT_EQ(Bytes(general.begin() + 52, general.begin() + 60), FromHex("0b 00 00 03 00 00 0a 00"));
  EXPECT_EQ(Bytes(general.begin() + 68, general.begin() + 70), FromHex("0c0d"));
  // The other expander's times are unchanged.
  const auto other = mpi::DecodeReportGeneralResponse(Ask(kJbod2, "40 00 11 00"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->nexus_loss_ms, 2000);
}

TEST_F(SmpTargetTest, HostReportsNoExpanderFields) {
  EXPECT_EQ(Ask(kHost, "40 00 00 00"),
            FromHex("41 00 00 00 0000 0000 80 08 00 00 500605b00ab01230" + Zeros(8)));
  EXPECT_EQ(Ask(kHost, PhyControl(1, "02", "0777")), FromHex("41 91 00 00"));
  EXPECT_EQ(changed_, 2u);  // both ends
}

}  // namespace
}  // namespace sasd::emulator
