// Several HBAs with one SAS address: each is a host of its own with all its drives, in a recorded
// tree, in a tree of this machine and in a fabric; no restart and no upgrade renames one.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "daemon/daemon.h"
#include "daemon/journal/state_store.h"
#include "driver/base/clock.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sysfs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace sasd {
namespace {

namespace fs = std::filesystem;
using sysfs::FakeEndDevice;
using sysfs::FakeHost;
using sysfs::FakePort;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kAddress = 0x500605B00C0FFE00;
constexpr absl::Duration kPatience = absl::Seconds(60);

class SharedAddressTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/shared-address-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override {
    daemon_.reset();
    fs::remove_all(folder_);
  }

  // An HBA at this bus, with a drive of its own at each phy.
  static FakeHost Hba(int number, int bus, int drives, uint64_t address = kAddress) {
    FakeHost host;
    host.number = number;
    host.pci = absl::StrCat("0000:", bus, ":00.0");
    host.address = address;
    for (int i = 0; i < drives; ++i) {
      FakeEndDevice drive = sysfs::Drive(i);
      drive.name = absl::StrCat("end_device-", number, ":", i);
      drive.address += static_cast<uint64_t>(bus) << 16;
      drive.units[0].wwid = absl::StrCat("naa.5000c5000", bus, "00", i, "10");
      drive.units[0].serial = absl::StrCat("Z", bus, "-", i);
      drive.units[0].block = absl::StrCat("sd", std::string(1, static_cast<char>('a' + bus % 26)),
                                          std::string(1, static_cast<char>('a' + i)));
      FakePort port;
      port.name = absl::StrCat("port-", number, ":", i);
      port.phys = {i};
      port.end_device = {drive};
      host.phys.push_back({i, "12.0 Gbit"});
      host.ports.push_back(port);
    }
    return host;
  }

  void WriteTree(const std::vector<FakeHost>& hosts) {
    fs::remove_all(folder_ / "sys");
    ASSERT_TRUE(sysfs::WriteFakeSysfs(folder_ / "sys", hosts).ok());
  }

  // Starts sasd, instead of one that runs.
  void Start(DaemonOptions options) {
    daemon_.reset();
    options.server.listen = {absl::StrCat("unix:", (folder_ / "s").string())};
    options.memory.directory = state_directory_;
    auto daemon = Daemon::Start(options, SystemClock());
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
    ASSERT_TRUE(daemon_->backend().WaitIdle(kPatience).ok());
    ASSERT_TRUE(daemon_->registry().WaitSettled({}, kPatience).ok());
  }
  void StartOnTree() {
    DaemonOptions options;
    options.sysfs_root = folder_ / "sys";
    Start(std::move(options));
  }
  // As on this machine: a backend that follows uevents, of which there are none.
  void StartLiveOnTree() {
    DaemonOptions options;
    options.live.root = folder_ / "sys";
    options.live.control_nodes = false;
    Start(std::move(options));
  }
  void StartFabric(const std::string& text) {
    std::ofstream(folder_ / "fabric.textproto") << text;
    DaemonOptions options;
    options.fabric = folder_ / "fabric.textproto";
    Start(std::move(options));
  }
  void ForgetAssignments() const {
    journal::StateStore::Options options;
    options.directory = state_directory_;
    std::ifstream("/etc/machine-id") >> options.machine;
    options.source = absl::StrCat("sysfs ", (folder_ / "sys").string());
    auto state = journal::StateStore::Open(options);
    ASSERT_TRUE(state.ok()) << state.status();
    const auto names = (*state)->Read("names");
    ASSERT_TRUE(names.ok());
    ASSERT_FALSE(names->empty());
    std::vector<journal::StateStore::Edit> edits;
    for (const auto& [key, value] : *names) edits.push_back({"names", key, std::nullopt});
    ASSERT_TRUE((*state)->Write(edits).ok());
  }
  void KeepState() {
    state_directory_ = folder_ / "state";
    fs::create_directory(state_directory_);
  }

  // The hosts that are there, by their place.
  std::map<std::string, std::string> Hosts() const {
    std::map<std::string, std::string> hosts;
    for (const auto& host : daemon_->registry().Snapshot()->collection<registry::Host>()) {
      EXPECT_TRUE(hosts.emplace(host->facts.pci_address, ToText(host->key())).second);
    }
    return hosts;
  }
  std::set<std::string> Serials() const {
    std::set<std::string> serials;
    for (const auto& unit : daemon_->registry().Snapshot()->collection<registry::LogicalUnit>()) {
      EXPECT_TRUE(serials.insert(unit->serial.str()).second);
    }
    return serials;
  }
  std::vector<std::string> SharedIdentifiers() {
    std::vector<std::string> messages;
    for (const health::Finding& finding : daemon_->health().Current()->findings) {
      if (finding.id.reason == health::FindingReason::kSharedIdentifier) {
        messages.push_back(finding.message);
      }
    }
    return messages;
  }

  fs::path folder_;
  std::string state_directory_;
  std::unique_ptr<Daemon> daemon_;
};

// Of tests/e2e/cases_test.py (driver/sysfs/testdata/README.md names the source).
TEST_F(SharedAddressTest, TwoHbasThatWereFlashedWithOneAddress) {
  const std::string command = absl::StrCat(
      "tar -xzf driver/sysfs/testdata/cases/two-hbas-one-address.sys.tar.gz -C ", folder_.string());
  ASSERT_EQ(system(command.c_str()), 0);
  for (const bool live : {false, true}) {
    live ? StartLiveOnTree() : StartOnTree();
    EXPECT_EQ(Hosts().size(), 2u);
    std::set<std::string> disks;
    for (const auto& unit : daemon_->registry().Snapshot()->collection<registry::LogicalUnit>()) {
      for (const auto& path : unit->paths) disks.insert(path.facts->facts.block_device.str());
    }
    EXPECT_THAT(disks, ElementsAre("sda", "sdb", "sdc", "sdd"));
    EXPECT_THAT(SharedIdentifiers(), ElementsAre(HasSubstr("have one SAS address")));
  }
}

TEST_F(SharedAddressTest, ThreeHbasAndAnotherPairAtOnce) {
  WriteTree({Hba(1, 31, 2), Hba(2, 32, 1), Hba(3, 33, 3), Hba(4, 41, 1, kAddress + 16),
             Hba(5, 42, 2, kAddress + 16), Hba(6, 51, 1, kAddress + 32)});
  StartOnTree();
  EXPECT_THAT(Hosts(), UnorderedElementsAre(Pair("0000:31:00.0", "500605b00c0ffe00"),
                                            Pair("0000:32:00.0", "500605b00c0ffe00-0000.32.00.0"),
                                            Pair("0000:33:00.0", "500605b00c0ffe00-0000.33.00.0"),
                                            Pair("0000:41:00.0", "500605b00c0ffe10"),
                                            Pair("0000:42:00.0", "500605b00c0ffe10-0000.42.00.0"),
                                            Pair("0000:51:00.0", "500605b00c0ffe20")));
  EXPECT_EQ(Serials().size(), 10u);
  EXPECT_THAT(SharedIdentifiers(),
              ElementsAre(AllOf(HasSubstr("0000:31:00.0"), HasSubstr("0000:32:00.0"),
                                HasSubstr("0000:33:00.0")),
                          AllOf(HasSubstr("0000:41:00.0"), HasSubstr("0000:42:00.0"))));
}

TEST_F(SharedAddressTest, HbasWithTheirOwnAddressesAreFine) {
  WriteTree({Hba(1, 31, 1), Hba(2, 32, 1, kAddress + 16)});
  StartOnTree();
  EXPECT_THAT(SharedIdentifiers(), IsEmpty());
}

// isci has two hosts on one PCI function.
TEST_F(SharedAddressTest, TwoHostsWithoutAnAddressOnOneFunction) {
  std::vector<FakeHost> hosts = {Hba(6, 31, 1, 0), Hba(7, 31, 0, 0)};
  for (FakeHost& host : hosts) host.driver = "isci";
  // A controller has its phys also with nothing at them; one without is starting.
  hosts[1].phys = {{0, "Unknown"}, {1, "Unknown"}, {2, "Unknown"}, {3, "Unknown"}};
  WriteTree(hosts);
  StartOnTree();
  const auto snapshot = daemon_->registry().Snapshot();
  ASSERT_EQ(snapshot->collection<registry::Host>().size(), 2u);
  std::vector<std::string> names;
  for (const auto& host : snapshot->collection<registry::Host>()) {
    names.push_back(ToText(host->key()));
  }
  EXPECT_THAT(names[1], HasSubstr("-0000.31.00.0.1"));
  EXPECT_EQ(Serials().size(), 1u);
}

TEST_F(SharedAddressTest, VirtualHbasWithOneAddress) {
  std::ifstream demo("emulator/fabrics/demo.textproto");
  std::string text((std::istreambuf_iterator<char>(demo)), std::istreambuf_iterator<char>());
  StartFabric(text);
  const std::set<std::string> all = Serials();
  ASSERT_GT(all.size(), 30u);
  ASSERT_EQ(absl::StrReplaceAll({{"500605b00ab05670", "500605b00ab01230"}}, &text), 1);
  text += "\nshared_identifiers: true\n";
  StartFabric(text);
  EXPECT_THAT(Hosts(), UnorderedElementsAre(Pair("0000:3b:00.0", "500605b00ab01230"),
                                            Pair("0000:af:00.0", "500605b00ab01230-0000.af.00.0")));
  EXPECT_EQ(Serials(), all);
  EXPECT_THAT(SharedIdentifiers(), ElementsAre(HasSubstr("0000:af:00.0")));
}

TEST_F(SharedAddressTest, RestartDoesNotSwapNames) {
  KeepState();
  WriteTree({Hba(1, 82, 1)});
  StartOnTree();
  EXPECT_THAT(Hosts(), ElementsAre(Pair("0000:82:00.0", "500605b00c0ffe00")));
  // The other one comes first, by its number and its place.
  for (const int number : {0, 9}) {
    WriteTree({Hba(number, 81, 2), Hba(1, 82, 1)});
    for (int restart = 0; restart < 2; ++restart) {
      StartOnTree();
      EXPECT_THAT(Hosts(),
                  UnorderedElementsAre(Pair("0000:81:00.0", "500605b00c0ffe00-0000.81.00.0"),
                                       Pair("0000:82:00.0", "500605b00c0ffe00")));
      EXPECT_EQ(Serials().size(), 3u);
    }
  }
}

TEST_F(SharedAddressTest, RestartWithOneOfTwoDoesNotRenameIt) {
  KeepState();
  WriteTree({Hba(1, 81, 1), Hba(2, 82, 1)});
  StartOnTree();
  WriteTree({Hba(1, 82, 1)});
  StartOnTree();
  EXPECT_THAT(Hosts(), Contains(Pair("0000:82:00.0", "500605b00c0ffe00-0000.82.00.0")));
}

// A state directory of a sasd that kept no assignments.
TEST_F(SharedAddressTest, UpgradeDoesNotRenameTheHostThatWasThere) {
  KeepState();
  WriteTree({Hba(1, 82, 1)});
  StartOnTree();
  daemon_.reset();
  ForgetAssignments();
  WriteTree({Hba(0, 81, 1), Hba(1, 82, 1)});
  StartOnTree();
  EXPECT_THAT(Hosts(), UnorderedElementsAre(Pair("0000:81:00.0", "500605b00c0ffe00-0000.81.00.0"),
                                            Pair("0000:82:00.0", "500605b00c0ffe00")));
}

TEST_F(SharedAddressTest, CardInAnotherSlotKeepsItsName) {
  KeepState();
  WriteTree({Hba(1, 82, 1)});
  StartOnTree();
  WriteTree({Hba(1, 83, 1)});
  StartOnTree();
  EXPECT_THAT(Hosts(), ElementsAre(Pair("0000:83:00.0", "500605b00c0ffe00")));
}

// A host with drives of one address at these phys, in the order in which the kernel found them.
FakeHost SameDrivesAt(const std::vector<int>& phys) {
  FakeHost host;
  host.number = 1;
  host.pci = "0000:31:00.0";
  host.address = kAddress;
  for (size_t i = 0; i < phys.size(); ++i) {
    const std::string at = absl::StrCat(phys[i]);
    FakeEndDevice drive = sysfs::Drive(0);
    drive.name = absl::StrCat("end_device-1:", i);
    drive.target = static_cast<int>(i);
    drive.units[0].wwid = absl::StrCat("naa.5000c5000310", at, "10");
    drive.units[0].serial = absl::StrCat("at phy ", at);
    drive.units[0].block = absl::StrCat("sd", std::string(1, static_cast<char>('a' + i)));
    FakePort port;
    port.name = absl::StrCat("port-1:", i);
    port.phys = {phys[i]};
    port.end_device = {drive};
    host.phys.push_back({phys[i], "12.0 Gbit"});
    host.ports.push_back(port);
  }
  return host;
}

class SameDrivesTest : public SharedAddressTest {
 protected:
  // The number of each drive, by its serial.
  std::map<std::string, int> Numbers() const {
    std::map<std::string, int> numbers;
    for (const auto& unit : daemon_->registry().Snapshot()->collection<registry::LogicalUnit>()) {
      for (const auto& path : unit->paths) numbers[unit->serial.str()] = path.device.port.value();
    }
    return numbers;
  }
};

TEST_F(SameDrivesTest, RestartInAnotherOrderRenamesNoDrive) {
  KeepState();
  WriteTree({SameDrivesAt({4})});
  StartOnTree();
  EXPECT_THAT(Numbers(), ElementsAre(Pair("at phy 4", 0)));
  // The new one comes first, then last; then the old one is away, and comes back.
  for (const std::vector<int>& order : {std::vector<int>{2, 4}, std::vector<int>{4, 2},
                                        std::vector<int>{2}, std::vector<int>{2, 4}}) {
    WriteTree({SameDrivesAt(order)});
    for (int restart = 0; restart < 2; ++restart) {
      StartOnTree();
      EXPECT_THAT(Numbers(), Contains(Pair("at phy 2", 1)));
      if (order.size() > 1) EXPECT_THAT(Numbers(), Contains(Pair("at phy 4", 0)));
    }
  }
  // Another drive than the two takes the place of the one that is gone.
  WriteTree({SameDrivesAt({2, 7})});
  StartOnTree();
  EXPECT_THAT(Numbers(), UnorderedElementsAre(Pair("at phy 2", 1), Pair("at phy 7", 0)));
}

TEST_F(SameDrivesTest, DriveInAnotherSlotKeepsItsName) {
  KeepState();
  for (const int phy : {4, 2}) {
    WriteTree({SameDrivesAt({phy})});
    StartOnTree();
    EXPECT_EQ(Numbers().begin()->second, 0);
  }
}

// What happens again and again: counted over a restart, too.
TEST_F(SharedAddressTest, FlappingOutlivesARestart) {
  KeepState();
  const auto flaps = [this] {
    int count = 0;
    for (const health::Finding& finding : daemon_->health().Current()->findings) {
      if (finding.id.reason == health::FindingReason::kFlapping) ++count;
    }
    return count;
  };
  // Pulls a drive, and puts it back.
  const auto flap = [this] {
    for (const int drives : {1, 2}) {
      WriteTree({Hba(1, 31, drives)});
      ASSERT_TRUE(daemon_->backend().Rescan().ok());
    }
  };
  WriteTree({Hba(1, 31, 2)});
  StartOnTree();
  flap();
  flap();
  EXPECT_EQ(flaps(), 0);
  StartOnTree();
  flap();
  EXPECT_EQ(flaps(), 1) << "twice before the restart, and once after it";
  StartOnTree();
  EXPECT_EQ(flaps(), 1);
}

// ------------------------------------------------------------------ enclosures and logical units

// Two cages whose expanders nobody has given an identifier, each with an HBA port of its own.
// `drives`: those of each cage, by slot; '-' is an empty one.
std::string TwoCages(const std::string& first, const std::string& second) {
  std::string text = R"(
    name: "cages" description: "two cages with one logical id" shared_identifiers: true
    host { id: "hba" address: "500605b00c0ffe00" phys: 8 pci: "0000:04:00.0" }
    model { id: "one" vendor: "SEAGATE" product: "ST8000NM0075" revision: "E004" size: "8TB" }
  )";
  for (int cage = 0; cage < 2; ++cage) {
    absl::StrAppend(&text, "enclosure { id: \"e", cage,
                    "\" logical_id: \"5003048000000000\" slots: 4 }\n", "expander { id: \"x", cage,
                    "\" address: \"500304800000", cage, "03f\" phys: 12 enclosure: \"e", cage,
                    "\" vendor: \"LSI\" product: \"SAS3x28\" revision: \"0601\" }\n",
                    "link { a: \"hba\" a_phy: ", 4 * cage, " b: \"x", cage,
                    "\" b_phy: 8 width: 4 }\n");
    const std::string& drives = cage == 0 ? first : second;
    for (size_t slot = 0; slot < drives.size(); ++slot) {
      if (drives[slot] == '-') continue;
      absl::StrAppend(&text, "device { id: \"d", cage, slot, "\" model: \"one\" serial: \"",
                      std::string(1, drives[slot]), "1\" wwn: \"5000c500cb00",
                      absl::Hex(drives[slot]), "00\" slot: ", slot, " port { at: \"x", cage,
                      "\" phy: ", slot, " } }\n");
    }
  }
  return text;
}

class SharedEnclosureTest : public SharedAddressTest {
 protected:
  // "5003048000000000-2 1:C": the occupied slots, each with the first letters of its serials.
  std::vector<std::string> Slots() const {
    std::vector<std::string> slots;
    for (const auto& slot : daemon_->registry().Snapshot()->collection<registry::Slot>()) {
      if (!slot->occupied()) continue;
      std::string text = absl::StrCat(ToText(slot->id.enclosure), " ", slot->id.slot, ":");
      for (const auto& serial : slot->Serials()) absl::StrAppend(&text, serial.view().substr(0, 1));
      slots.push_back(text);
    }
    return slots;
  }
};

TEST_F(SharedEnclosureTest, TwoCagesWithOneLogicalIdAreTwo) {
  StartFabric(TwoCages("AB", "-CD"));
  const std::string first = "5003048000000000", second = "5003048000000000-2";
  EXPECT_THAT(Slots(),
              ElementsAre(first + " 0:A", first + " 1:B", second + " 1:C", second + " 2:D"));
  EXPECT_THAT(SharedIdentifiers(), ElementsAre(HasSubstr("one logical identifier")));
  const auto snapshot = daemon_->registry().Snapshot();
  EXPECT_EQ(snapshot->collection<registry::Enclosure>().size(), 3u) << "both, and the HBA's own";
  EXPECT_EQ(snapshot->collection<registry::Slot>().size(), 8u) << "all slots of both";
}

TEST_F(SharedEnclosureTest, RestartKeepsWhichCageIsWhich) {
  KeepState();
  const std::string first = "5003048000000000", second = "5003048000000000-2";
  StartFabric(TwoCages("AB", "-CD"));
  // One without drives, then a drive that contradicts nothing: the names stay.
  StartFabric(TwoCages("--", "-CD"));
  EXPECT_THAT(Slots(), ElementsAre(second + " 1:C", second + " 2:D"));
  StartFabric(TwoCages("A-", "--D"));
  EXPECT_THAT(Slots(), ElementsAre(first + " 0:A", second + " 2:D"));
}

TEST_F(SharedEnclosureTest, RestartRenamesNoUnitOfASharedIdentifier) {
  KeepState();
  const auto with = [&](const std::vector<std::string>& serials) {
    FakeHost host = Hba(1, 31, static_cast<int>(serials.size()));
    for (size_t i = 0; i < serials.size(); ++i) {
      auto& unit = host.ports[i].end_device[0].units[0];
      unit.wwid = "naa.5031534700a20001";
      unit.serial = serials[i];
    }
    WriteTree({host});
    StartOnTree();
    std::map<std::string, std::string> names;
    for (const auto& unit : daemon_->registry().Snapshot()->collection<registry::LogicalUnit>()) {
      names[unit->serial.str()] = unit->id.text().str();
    }
    return names;
  };
  const std::string plain = "naa.5031534700a20001";
  const auto one = Pair("S5", plain), other = Pair("S1", plain + "~S1");
  EXPECT_THAT(with({"S5"}), UnorderedElementsAre(one));
  EXPECT_THAT(with({"S1", "S5"}), UnorderedElementsAre(one, other)) << "though it is the first now";
  EXPECT_THAT(with({"S1"}), UnorderedElementsAre(other)) << "though it is alone";
  EXPECT_THAT(with({"S0", "S1"}), UnorderedElementsAre(other, Pair("S0", plain + "~S0")));
  EXPECT_THAT(with({"S5", "S1"}), UnorderedElementsAre(one, other));
}

// ------------------------------------------------------------------------------- random fabrics

// A machine in which identifiers of every kind collide: hosts, expanders, enclosures and drives.
// The serial numbers are those of the drives.
struct Machine {
  std::string text;
  std::set<std::string> serials;
};

Machine RandomMachine(uint64_t seed) {
  testing::Random random(seed);
  Machine machine;
  machine.text = R"(
    name: "random" description: "colliding identifiers" shared_identifiers: true
    model { id: "sata" protocol: SATA product: "CHEAP 512GB" revision: "1A0" size: "512GB" }
    model { id: "sas" vendor: "SEAGATE" product: "ST8000NM0075" revision: "E004" size: "8TB" }
    model { id: "two" vendor: "SEAGATE" product: "ST14000NM0001" revision: "K003" size: "7TB" luns: 2 }
  )";
  const auto add_drive = [&](const std::string& at, int phy, int slot) {
    const size_t number = machine.serials.size();
    const std::string serial = absl::StrCat("S", number);
    machine.serials.insert(serial);
    const char* const models[] = {"sata", "sas", "two"};
    const size_t model = random.Below(3);
    // A SAS drive has its address from its name, so two on one expander have different ones.
    const uint64_t wwn =
        model == 0 ? 0x5031534700A20000 + random.Below(2) : 0x5000C500CB000000 + 16 * number;
    absl::StrAppend(&machine.text, "device { id: \"d", number, "\" model: \"", models[model],
                    "\" serial: \"", serial, "\" wwn: \"", absl::Hex(wwn), "\" slot: ", slot,
                    " port { at: \"", at, "\" phy: ", phy, " } }\n");
  };
  const uint64_t hosts = 1 + random.Below(3);
  for (uint64_t host = 0; host < hosts; ++host) {
    const std::string hba = absl::StrCat("h", host);
    absl::StrAppend(&machine.text, "host { id: \"", hba, "\" address: \"500605b00c0ffe",
                    random.OneIn(2) ? "00" : "10", "\" phys: 8 pci: \"0000:0", host + 1,
                    ":00.0\" }\n");
    for (int phy = 6; phy < 8; ++phy) {
      if (random.OneIn(2)) add_drive(hba, phy, phy);
    }
    const uint64_t cages = random.Below(3);
    for (uint64_t cage = 0; cage < cages; ++cage) {
      const std::string id = absl::StrCat(host, cage);
      // Those of one HBA differ: it would take two of one address for one wide port.
      absl::StrAppend(&machine.text, "enclosure { id: \"e", id, "\" logical_id: \"5003048000000",
                      random.OneIn(2) ? "000" : "100", "\" slots: 4 }\nexpander { id: \"x", id,
                      "\" address: \"500304800000", cage, "03f\" phys: 12 enclosure: \"e", id,
                      "\" vendor: \"LSI\" product: \"SAS3x28\" revision: \"0601\" }\nlink { a: \"",
                      hba, "\" a_phy: ", 2 * cage, " b: \"x", id, "\" b_phy: 8 width: 2 }\n");
      for (int slot = 0; slot < 4; ++slot) {
        if (!random.OneIn(3)) add_drive("x" + id, slot, slot);
      }
    }
  }
  return machine;
}

TEST_F(SharedEnclosureTest, RandomFabricsShowAllTheirDrives) {
  size_t drives = 0, collisions = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    const Machine machine = RandomMachine(seed);
    StartFabric(machine.text);
    std::set<std::string> shown;
    const auto snapshot = daemon_->registry().Snapshot();
    for (const auto& unit : snapshot->collection<registry::LogicalUnit>()) {
      shown.insert(unit->serial.str());
      collisions += unit->id.IsPlain() ? 0 : 1;
    }
    EXPECT_EQ(shown, machine.serials);
    EXPECT_EQ(snapshot->collection<registry::EndDevice>().size(), machine.serials.size());
    for (const auto& slot : snapshot->collection<registry::Slot>()) {
      EXPECT_LE(slot->Serials().size(), 1u) << Describe(registry::MakeId<registry::Slot>(slot->id));
    }
    for (const auto& enclosure : snapshot->collection<registry::Enclosure>()) {
      collisions += enclosure->id.copy() > 0 ? 1 : 0;
    }
    drives += shown.size();
  }
  EXPECT_GT(drives, 60u);
  EXPECT_GT(collisions, 20u);
}

}  // namespace
}  // namespace sasd
