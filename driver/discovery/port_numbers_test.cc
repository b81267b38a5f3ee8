#include "driver/discovery/port_numbers.h"

#include <string>
#include <utility>
#include <vector>

#include "driver/observation/key_table.h"
#include "gtest/gtest.h"

namespace sasd::discovery {
namespace {

const HostKey kHost(SasAddress(0xA));
const SasAddress kExpander(0xE), kDisk(0xD);

NodeKey Node(SasAddress address, uint8_t port) { return {kHost, address, PhysicalPort(port)}; }

class PortNumbersTest : public ::testing::Test {
 protected:
  // Numbers the observations as one batch and returns the result.
  std::vector<Observation> Pass(std::vector<Observation> observations) {
    numbers_.Apply(observations);
    return observations;
  }
  uint8_t PortOf(SasAddress address, uint8_t port) {
    EndDeviceFacts facts;
    facts.key = Node(address, port);
    return std::get<EndDeviceFacts>(Pass({facts})[0]).key.port.value();
  }
  uint8_t PortOfGone(SasAddress address, uint8_t port) {
    return std::get<EndDeviceGone>(Pass({EndDeviceGone{Node(address, port)}})[0]).key.port.value();
  }

  PortNumbers numbers_{PortNumbering::kByAddress};
};

TEST_F(PortNumbersTest, OnlyNodeOfAnAddressGetsPort0) {
  EXPECT_EQ(PortOf(kDisk, 3), 0);
  EXPECT_EQ(PortOf(kDisk, 3), 0);
  EXPECT_EQ(PortOf(kExpander, 1), 0);
}

TEST_F(PortNumbersTest, FurtherNodesCountUpAndFreeNumbers) {
  EXPECT_EQ(PortOf(kDisk, 3), 0);
  EXPECT_EQ(PortOf(kDisk, 1), 1);
  EXPECT_EQ(PortOf(kDisk, 2), 2);
  EXPECT_EQ(PortOfGone(kDisk, 1), 1);
  EXPECT_EQ(PortOf(kDisk, 2), 2);  // keeps its own
  EXPECT_EQ(PortOf(kDisk, 7), 1);
}

TEST_F(PortNumbersTest, MoveWithinOneBatchKeepsTheNumber) {
  EXPECT_EQ(PortOf(kDisk, 3), 0);
  EndDeviceFacts moved;
  moved.key = Node(kDisk, 4);
  const auto out = Pass({moved, EndDeviceGone{Node(kDisk, 3)}});
  EXPECT_EQ(std::get<EndDeviceFacts>(out[0]).key, Node(kDisk, 0));
  EXPECT_EQ(std::get<EndDeviceGone>(out[1]).key, Node(kDisk, 0));
}

TEST_F(PortNumbersTest, LateDepartureFreesNoOtherNumber) {
  EXPECT_EQ(PortOf(kDisk, 3), 0);
  EXPECT_EQ(PortOfGone(kDisk, 9), 0);
  EXPECT_EQ(PortOf(kDisk, 5), 1);
}

TEST_F(PortNumbersTest, ReferencesFollowTheirNode) {
  ExpanderFacts expander, other;
  expander.key = Node(kExpander, 1);
  other.key = Node(kExpander, 2);
  expander.parent = other.parent = NodeKey::Host(kHost);
  EndDeviceFacts device;
  device.key = Node(kDisk, 2);
  device.parent = other.key;
  LogicalUnitFacts unit;
  unit.device = device.key;
  PhyFacts phy;
  phy.key = {other.key, PhyId(4)};
  PortFacts port;
  port.key = {other.key, kDisk};
  Notice notice;
  notice.subject = other.key;
  const auto out = Pass({expander, other, device, unit, phy, port, notice});
  EXPECT_EQ(std::get<ExpanderFacts>(out[0]).key, Node(kExpander, 0));
  EXPECT_EQ(std::get<ExpanderFacts>(out[1]).key, Node(kExpander, 1));
  EXPECT_EQ(std::get<ExpanderFacts>(out[1]).parent, NodeKey::Host(kHost));
  EXPECT_EQ(std::get<EndDeviceFacts>(out[2]).key, Node(kDisk, 0));
  EXPECT_EQ(std::get<EndDeviceFacts>(out[2]).parent, Node(kExpander, 1));
  EXPECT_EQ(std::get<LogicalUnitFacts>(out[3]).device, Node(kDisk, 0));
  EXPECT_EQ(std::get<PhyFacts>(out[4]).key.owner, Node(kExpander, 1));
  EXPECT_EQ(std::get<PortFacts>(out[5]).key.owner, Node(kExpander, 1));
  EXPECT_EQ(std::get<Notice>(out[6]).subject, Node(kExpander, 1));
}

TEST_F(PortNumbersTest, HostGoneFreesAllNumbers) {
  EXPECT_EQ(PortOf(kDisk, 3), 0);
  Pass({HostGone{kHost}});
  EXPECT_EQ(PortOf(kDisk, 4), 0);
}

TEST_F(PortNumbersTest, HostKeyStaysUnchanged) {
  Notice notice;
  notice.subject = NodeKey::Host(kHost);
  EXPECT_EQ(std::get<Notice>(Pass({notice})[0]).subject, NodeKey::Host(kHost));
}

TEST(PortNumbersOfFirmwareTest, KeysStayUnchanged) {
  EndDeviceFacts facts;
  facts.key = Node(kDisk, 3);
  std::vector<Observation> observations = {facts};
  PortNumbers(PortNumbering::kFirmware).Apply(observations);
  EXPECT_EQ(std::get<EndDeviceFacts>(observations[0]).key, Node(kDisk, 3));
}

// Through the host's phys, which sysfs knows, too.
TEST(PortNumbersOfSysfsTest, NodesHaveTheNumbersOfSysfsInAnyOrder) {
  KeyTable table;
  table.NumbersOf(kHost, {{kDisk, "4.2"}, {kDisk, "0"}, {kExpander, "1"}});
  for (const std::vector<uint8_t>& order : {std::vector<uint8_t>{5, 3}, {3, 5}}) {
    PortNumbers numbers(PortNumbering::kByAddress, &table);
    numbers.SetRoots({{PhysicalPort(3), PhyId(0)}, {PhysicalPort(5), PhyId(4)}});
    for (const uint8_t port : order) {
      EndDeviceFacts facts;
      facts.key = Node(kDisk, port);
      std::vector<Observation> batch = {facts};
      numbers.Apply(batch);
      EXPECT_EQ(std::get<EndDeviceFacts>(batch[0]).key.port.value(), port == 5 ? 0 : 1);
    }
    // One that sysfs does not know.
    ExpanderFacts facts;
    facts.key = Node(kExpander, 3);
    std::vector<Observation> batch = {facts};
    numbers.Apply(batch);
    EXPECT_EQ(std::get<ExpanderFacts>(batch[0]).key.port.value(), 0);
  }
}

}  // namespace
}  // namespace sasd::discovery
