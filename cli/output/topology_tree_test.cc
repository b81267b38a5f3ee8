#include "cli/output/topology_tree.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHost[] = "hosts/500605b00ab01230";
constexpr char kSwitch[] = "hosts/500605b00ab01230/expanders/500e004aaaaaaa1f";
constexpr char kJbod[] = "hosts/500605b00ab01230/expanders/5000ccab0300113f";

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Parses a message from one text, and merges another.
template <typename T>
T Parse(const std::string& text, const std::string& rest) {
  T message = Parse<T>(text);
  message.MergeFrom(Parse<T>(rest));
  return message;
}

sas::v1::Host Host(const std::string& rest = "") {
  return Parse<sas::v1::Host>(
      absl::StrCat("name: \"", kHost,
                   "\" sas_address: \"500605b00ab01230\" os_name: \"host1\" "
                   "board_name: \"HBA 9500-16e\" chip_name: \"SAS3816\" "
                   "firmware_version: \"22.00.00.00\" pci_address: \"0000:3b:00.0\""),
      rest);
}

sas::v1::Expander Switch() {
  return Parse<sas::v1::Expander>(
      absl::StrCat("name: \"", kSwitch, "\" sas_address: \"500e004aaaaaaa1f\" host: \"", kHost,
                   "\" parent: \"", kHost,
                   "\" os_name: \"expander-1:0\" vendor: \"ASTEK\" product: \"Switch184\" "
                   "product_revision: \"0100\" device_handle: 9 link_rate: LINK_RATE_12_GBPS"));
}

sas::v1::Expander Jbod() {
  return Parse<sas::v1::Expander>(absl::StrCat(
      "name: \"", kJbod, "\" sas_address: \"5000ccab0300113f\" host: \"", kHost, "\" parent: \"",
      kSwitch, "\" os_name: \"expander-1:9\" vendor: \"HGST\" link_rate: LINK_RATE_12_GBPS"));
}

// An attached disk below a parent, in the slot of its number, with the fields in `rest`.
sas::v1::EndDevice Disk(const std::string& parent, int number, const std::string& rest = "") {
  const std::string address = absl::StrCat("5000c500a7b2610", number);
  return Parse<sas::v1::EndDevice>(
      absl::StrCat("name: \"", kHost, "/endDevices/", address, "\" sas_address: \"", address,
                   "\" host: \"", kHost, "\" parent: \"", parent, "\" slot: ", number,
                   " link_rate: LINK_RATE_12_GBPS link_width: 1 "
                   "peripheral_type: 0 state: DEVICE_STATE_ATTACHED"),
      rest);
}

sas::v1::EndDevice Ses(const std::string& parent, const std::string& os_name,
                       const std::string& enclosure, const std::string& identity) {
  return Parse<sas::v1::EndDevice>(absl::StrCat(
      "name: \"", kHost, "/endDevices/", os_name, "\" sas_address: \"500e004aaaaaaa1e\" host: \"",
      kHost, "\" parent: \"", parent, "\" os_name: \"", os_name, "\" enclosure: \"enclosures/",
      enclosure, "\" state: DEVICE_STATE_ATTACHED peripheral_type: 13 ",
      "link_rate: LINK_RATE_12_GBPS link_width: 1 ", identity));
}

sas::v1::Port PortOf(const std::string& owner, const std::string& attached, int width, int widest) {
  return Parse<sas::v1::Port>(absl::StrCat("owner: \"", owner, "\" attached: \"", attached,
                                           "\" width: ", width, " widest_count: ", widest));
}

// host1 - 8x - switch with its enclosure - 10x - JBOD with three disks; and a host without devices.
TreeSnapshot TwoHosts() {
  TreeSnapshot snapshot;
  snapshot.hosts = {Parse<sas::v1::Host>("name: \"hosts/10\" sas_address: \"10\" "
                                         "os_name: \"host10\" board_name: \"HBA 9400-8i8e\""),
                    Host()};
  snapshot.expanders = {Jbod(), Switch()};
  snapshot.ports = {PortOf(kHost, kSwitch, 8, 8), PortOf(kSwitch, kJbod, 10, 10)};
  snapshot.devices = {
      Disk(kJbod, 1), Disk(kJbod, 2), Disk(kJbod, 3),
      Ses(kSwitch, "end_device-1:0:0", "500e004aaaaaaa00", "vendor: \"ASTEK\" model: \"Switch\""),
      Ses(kJbod, "end_device-1:9:0", "5000ccab0405db00", "vendor: \"HGST\" model: \"H4060-J\"")};
  return snapshot;
}

// A host with these devices.
TreeSnapshot With(std::vector<sas::v1::EndDevice> devices) {
  TreeSnapshot snapshot;
  snapshot.hosts = {Host()};
  snapshot.devices = std::move(devices);
  return snapshot;
}

std::string Draw(const TreeSnapshot& snapshot, int verbosity = 0, bool colour = false) {
  TreeStyle style;
  style.verbosity = verbosity;
  style.paint = Paint(colour);
  return DrawTree(BuildTree("node1", snapshot, style));
}

TEST(TopologyTreeTest, FoldsSimilarDevicesAndShowsLanes) {
  EXPECT_EQ(Draw(TwoHosts()),
            "node1\n"
            "|--host1 HBA 9500-16e\n"
            "|  `--8x--expander-1:0 ASTEK  12G\n"
            "|         |--1x--end_device-1:0:0\n"
            "|         |      `--enclosure 500e004aaaaaaa00 ASTEK Switch\n"
            "|         `--10x--expander-1:9 HGST  12G\n"
            "|            |--  3 x end_device -- disk  12G\n"
            "|            `--  1 x end_device -- enclosure 5000ccab0405db00 HGST H4060-J  12G\n"
            "`--host10 HBA 9400-8i8e\n");
}

TEST(TopologyTreeTest, VerboseDrawsEachDeviceAligned) {
  TreeSnapshot snapshot = With(
      {Disk(kHost, 2,
            "os_name: \"end_device-1:10\" block_device: \"sdaa\" vendor: \"SEAGATE\" "
            "model: \"ST8000NM0075\" serial: \"ZA1\""),
       Disk(kHost, 1,
            "os_name: \"end_device-1:9\" block_device: \"sdb\" vendor: \"HGST\" model: \"HUH72\" "
            "serial: \"2TJ12345\" link_rate: LINK_RATE_6_GBPS"),
       Parse<sas::v1::EndDevice>(absl::StrCat("parent: \"", kHost, "\" host: \"", kHost,
                                              "\" sas_address: \"5000c500a7b26110\""))});
  EXPECT_EQ(
      Draw(snapshot, 1),
      "node1\n"
      "`--host1 HBA 9500-16e SAS3816 22.00.00.00\n"
      "   |--1x--end_device-1:9               slot 1  sdb     HGST HUH72            2TJ12345  "
      "6G   attached\n"
      "   |--1x--end_device-1:10              slot 2  sdaa    SEAGATE ST8000NM0075  ZA1       "
      "12G  attached\n"
      "   `--end_device-5000c500a7b26110          device\n");
}

TEST(TopologyTreeTest, TwiceVerboseAddsAddressesAndHandles) {
  TreeSnapshot snapshot;
  snapshot.hosts = {Host()};
  snapshot.expanders = {Switch()};
  snapshot.ports = {PortOf(kHost, kSwitch, 4, 4)};
  snapshot.devices = {Disk(kSwitch, 1,
                           "os_name: \"end_device-1:0:1\" block_device: \"sdb\" "
                           "device_name: \"5000c500a7b26100\" device_handle: 18 "
                           "scsi_address: \"1:0:0:0\"")};
  EXPECT_EQ(Draw(snapshot, 2),
            "node1\n"
            "`--host1 HBA 9500-16e SAS3816 22.00.00.00  500605b00ab01230 0000:3b:00.0\n"
            "   `--4x--expander-1:0 ASTEK Switch184 0100  12G  500e004aaaaaaa1f 0x0009\n"
            "          `--1x--end_device-1:0:1  slot 1  sdb      12G  attached  5000c500a7b26101 "
            "wwn 5000c500a7b26100 0x0012 1:0:0:0\n");
}

TEST(TopologyTreeTest, VerboseEnclosuresShowOccupiedSlots) {
  TreeSnapshot snapshot = TwoHosts();
  snapshot.enclosures = {
      Parse<sas::v1::Enclosure>("name: \"enclosures/5000ccab0405db00\" slot_count: 60 "
                                "occupied_slot_count: 3")};
  EXPECT_THAT(Draw(snapshot, 1),
              HasSubstr("--1x--end_device-1:9:0\n"
                        "|                 |      `--enclosure 5000ccab0405db00 HGST H4060-J  "
                        "3 of 60 slots occupied\n"));
  EXPECT_THAT(Draw(snapshot), Not(HasSubstr("occupied")));
}

TEST(TopologyTreeTest, FoldsByTypeRateAndProtocol) {
  sas::v1::EndDevice without_rate = Disk(kHost, 6);
  without_rate.clear_link_rate();
  EXPECT_EQ(Draw(With({Disk(kHost, 1, "link_rate: LINK_RATE_6_GBPS"), Disk(kHost, 2),
                       Disk(kHost, 3,
                            "link_rate: LINK_RATE_6_GBPS target_protocols: PROTOCOL_STP "
                            "target_protocols: PROTOCOL_SATA"),
                       Disk(kHost, 4, "peripheral_type: 1"), Disk(kHost, 5), without_rate})),
            "node1\n"
            "`--host1 HBA 9500-16e\n"
            "   |--  2 x end_device -- disk  12G\n"
            "   |--  1 x end_device -- disk  6G\n"
            "   |--  1 x end_device -- disk\n"
            "   |--  1 x end_device -- disk  6G SATA\n"
            "   `--  1 x end_device -- tape  12G\n");
}

TEST(TopologyTreeTest, DevicesInTroubleFoldLastWithNames) {
  EXPECT_EQ(Draw(With({Disk(kHost, 1, "state: DEVICE_STATE_BLOCKED block_device: \"sdb\""),
                       Disk(kHost, 2, "state: DEVICE_STATE_BLOCKED"), Disk(kHost, 3),
                       Disk(kHost, 4, "state: DEVICE_STATE_FAILED failure: \"no sector 0\""),
                       Disk(kHost, 5, "state: DEVICE_STATE_ATTACHING")})),
            "node1\n"
            "`--host1 HBA 9500-16e\n"
            "   |--  1 x end_device -- disk  12G\n"
            "   |--  1 x end_device -- disk  12G  attaching: slot 5\n"
            "   |--  2 x end_device -- disk  12G  BLOCKED: slot 1 sdb, slot 2\n"
            "   `--  1 x end_device -- disk  12G  FAILED: slot 4 (no sector 0)\n");
}

TEST(TopologyTreeTest, NamesAtMostEightDevicesInTrouble) {
  std::vector<sas::v1::EndDevice> devices;
  for (int i = 0; i < 10; ++i) devices.push_back(Disk(kHost, i, "state: DEVICE_STATE_BLOCKED"));
  EXPECT_THAT(Draw(With(devices)), HasSubstr(" 10 x end_device -- disk  12G  BLOCKED: slot 0, "));
  EXPECT_THAT(Draw(With(devices)), HasSubstr(", slot 7, and 2 more\n"));
}

TEST(TopologyTreeTest, VerboseShowsAFailureAtItsDevice) {
  EXPECT_THAT(
      Draw(With({Disk(kHost, 4, "state: DEVICE_STATE_FAILED failure: \"no sector 0\"")}), 1),
      HasSubstr("12G  FAILED no sector 0\n"));
}

TEST(TopologyTreeTest, APortWithLostLanesIsNarrow) {
  TreeSnapshot snapshot = TwoHosts();
  snapshot.ports[1] = PortOf(kSwitch, kJbod, 7, 10);
  EXPECT_THAT(Draw(snapshot), HasSubstr("`--7x--expander-1:9 HGST  12G  NARROW 7 of 10 lanes\n"));
}

TEST(TopologyTreeTest, WithoutAPortTheLinkWidthCounts) {
  TreeSnapshot snapshot = TwoHosts();
  snapshot.ports.clear();
  snapshot.expanders[0].set_link_width(4);
  const std::string tree = Draw(snapshot);
  EXPECT_THAT(tree, HasSubstr("`--expander-1:0")) << "an unknown width is not drawn";
  EXPECT_THAT(tree, HasSubstr("`--4x--expander-1:9"));
}

// hpsa and smartpqi show ports without phys.
TEST(TopologyTreeTest, AnUnknownWidthIsNotDrawn) {
  sas::v1::EndDevice disk = Disk(kHost, 1);
  disk.clear_link_width();
  TreeSnapshot snapshot = With({disk});
  EXPECT_THAT(Draw(snapshot, 1), AllOf(HasSubstr("--end_device"), Not(HasSubstr("x--"))));
  snapshot.ports = {PortOf(kHost, disk.name(), 0, 0)};
  EXPECT_THAT(Draw(snapshot, 1), Not(HasSubstr("x--")));
}

TEST(TopologyTreeTest, AWideDeviceShowsItsLanes) {
  const sas::v1::EndDevice device = Disk(kHost, 1, "os_name: \"end_device-1:1\"");
  TreeSnapshot snapshot = With({device});
  snapshot.ports = {PortOf(kHost, device.name(), 2, 2)};
  EXPECT_THAT(Draw(snapshot, 1), HasSubstr("`--2x--end_device-1:1 "));
}

TEST(TopologyTreeTest, HostsAreInNumericOrder) {
  TreeSnapshot snapshot;
  for (const char* name : {"host10", "host2", "host1"}) {
    snapshot.hosts.push_back(
        Parse<sas::v1::Host>(absl::StrCat("name: \"hosts/", name, "\" os_name: \"", name, "\"")));
  }
  EXPECT_EQ(Draw(snapshot), "node1\n|--host1\n|--host2\n`--host10\n");
}

TEST(TopologyTreeTest, NumbersInNamesAreOrderedByValue) {
  const std::vector<std::string> sorted = {
      "7",
      "12",
      "a99999999999999999999",  // more than 64 bits hold
      "a100000000000000000000",
      "expander-1:9",
      "expander-1:10",
      "expander-2:0",
      "host",
      "host1",
      "host1:0",
      "host2",
      "host10",
      "host10a",
  };
  for (size_t i = 0; i < sorted.size(); ++i) {
    for (size_t j = 0; j < sorted.size(); ++j) {
      if (i == j) continue;
      TreeSnapshot snapshot;
      for (const std::string& name : {sorted[i], sorted[j]}) {
        snapshot.hosts.push_back(Parse<sas::v1::Host>(
            absl::StrCat("name: \"hosts/", name, "\" os_name: \"", name, "\"")));
      }
      EXPECT_EQ(Draw(snapshot), absl::StrCat("node1\n|--", sorted[std::min(i, j)], "\n`--",
                                             sorted[std::max(i, j)], "\n"));
    }
  }
}

// The operating system may not have reported all names yet.
TEST(TopologyTreeTest, OrderIsIndependentOfTheSnapshot) {
  const auto host = [](const char* name, const char* address) {
    return Parse<sas::v1::Host>(absl::StrCat("name: \"hosts/", address, "\" sas_address: \"",
                                             address, "\" os_name: \"", name, "\""));
  };
  std::vector<sas::v1::Host> hosts = {host("host2", "1"), host("", "2"), host("host1", "3"),
                                      host("", "0")};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    TreeSnapshot snapshot;
    for (const size_t i : order) snapshot.hosts.push_back(hosts[i]);
    EXPECT_EQ(Draw(snapshot), "node1\n|--host1\n|--host2\n|--host-0\n`--host-2\n");
  } while (std::next_permutation(order.begin(), order.end()));

  const std::vector<sas::v1::EndDevice> disks = {Disk(kHost, 1, "os_name: \"end_device-1:2\""),
                                                 Disk(kHost, 2),
                                                 Disk(kHost, 3, "os_name: \"end_device-1:1\"")};
  order = {0, 1, 2};
  do {
    std::vector<sas::v1::EndDevice> devices;
    for (const size_t i : order) devices.push_back(disks[i]);
    std::vector<std::string> slots;
    for (const absl::string_view line : absl::StrSplit(Draw(With(devices), 1), '\n')) {
      const size_t slot = line.find("slot ");
      if (slot != absl::string_view::npos) slots.emplace_back(line.substr(slot, 6));
    }
    EXPECT_THAT(slots, ::testing::ElementsAre("slot 3", "slot 1", "slot 2"));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(TopologyTreeTest, UnnamedDevicesAreInSlotOrder) {
  const std::string tree = Draw(With({Disk(kHost, 1, "slot: 12"), Disk(kHost, 2, "slot: 3")}), 1);
  EXPECT_LT(tree.find("slot 3"), tree.find("slot 12"));
}

TEST(TopologyTreeTest, UnnamedObjectsShowTheirAddress) {
  TreeSnapshot snapshot;
  snapshot.hosts = {Host()};
  snapshot.hosts[0].clear_os_name();
  snapshot.expanders = {Switch()};
  snapshot.expanders[0].clear_os_name();
  const std::string tree = Draw(snapshot);
  EXPECT_THAT(tree, HasSubstr("`--host-500605b00ab01230 HBA 9500-16e\n"));
  EXPECT_THAT(tree, HasSubstr("`--expander-500e004aaaaaaa1f ASTEK  12G\n"));
}

TEST(TopologyTreeTest, AnUnknownParentMeansTheHost) {
  TreeSnapshot snapshot;
  snapshot.hosts = {Host()};
  snapshot.expanders = {Jbod()};  // its parent, the switch, is missing
  snapshot.devices = {Disk("hosts/500605b00ab01230/expanders/gone", 1)};
  EXPECT_EQ(Draw(snapshot),
            "node1\n"
            "`--host1 HBA 9500-16e\n"
            "   |--  1 x end_device -- disk  12G\n"
            "   `--expander-1:9 HGST  12G\n");
}

TEST(TopologyTreeTest, LeavesOutALoopOfParents) {
  TreeSnapshot snapshot = TwoHosts();
  snapshot.expanders[1].set_parent(kJbod);
  EXPECT_EQ(Draw(snapshot), "node1\n|--host1 HBA 9500-16e\n`--host10 HBA 9400-8i8e\n");
}

TEST(TopologyTreeTest, AHostShowsUnfinishedDiscovery) {
  struct Case {
    const char* discovery;
    const char* line;
  };
  for (const Case& c : std::vector<Case>{
           {"state: DISCOVERY_STATE_SETTLED", "`--host1 HBA 9500-16e\n"},
           {"state: DISCOVERY_STATE_IDLE", "`--host1 HBA 9500-16e\n"},
           {"state: DISCOVERY_STATE_IN_PROGRESS", "`--host1 HBA 9500-16e  discovery in-progress\n"},
           {"state: DISCOVERY_STATE_RECOVERING", "`--host1 HBA 9500-16e  discovery recovering\n"},
           {"state: DISCOVERY_STATE_FAILED status_text: \"loop detected\"",
            "`--host1 HBA 9500-16e  DISCOVERY FAILED loop detected\n"}}) {
    TreeSnapshot snapshot;
    snapshot.hosts = {Host(absl::StrCat("discovery { ", c.discovery, " }"))};
    EXPECT_EQ(Draw(snapshot), absl::StrCat("node1\n", c.line));
  }
}

TEST(TopologyTreeTest, LinesHaveNoTrailingBlanks) {
  TreeSnapshot snapshot = TwoHosts();  // without handles, as from sysfs
  snapshot.expanders[1].clear_device_handle();
  snapshot.hosts[0].mutable_discovery()->set_state(sas::v1::DISCOVERY_STATE_FAILED);
  for (const int verbosity : {0, 1, 2}) {
    EXPECT_THAT(Draw(snapshot, verbosity), Not(HasSubstr(" \n"))) << verbosity;
  }
}

std::string WithoutColours(std::string text) {
  for (size_t at = text.find("\033["); at != std::string::npos; at = text.find("\033[")) {
    text.erase(at, text.find('m', at) + 1 - at);
  }
  return text;
}

TEST(TopologyTreeTest, ColoursChangeNoText) {
  TreeSnapshot snapshot = TwoHosts();
  snapshot.ports[1] = PortOf(kSwitch, kJbod, 7, 10);
  snapshot.devices.push_back(Disk(kJbod, 4, "state: DEVICE_STATE_FAILED"));
  snapshot.devices.push_back(Disk(kJbod, 5, "state: DEVICE_STATE_BLOCKED"));
  for (const int verbosity : {0, 1, 2}) {
    const std::string plain = Draw(snapshot, verbosity);
    const std::string painted = Draw(snapshot, verbosity, /*colour=*/true);
    EXPECT_THAT(plain, Not(HasSubstr("\033")));
    EXPECT_THAT(painted, HasSubstr("\033[33m7x\033[0m--"));
    EXPECT_THAT(painted, HasSubstr("\033[31mFAILED"));
    EXPECT_THAT(painted, HasSubstr("\033[33mBLOCKED"));
    EXPECT_EQ(WithoutColours(painted), plain);
  }
}

}  // namespace
}  // namespace sasd::cli
