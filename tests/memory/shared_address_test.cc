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

// ../shared/fixtures/cases/two-hbas-one-address (driver/sysfs/testdata/README.md names the source).
TEST_F(SharedAddressTest, TwoHbasThatWereFlashedWithOneAddress) {
  const std::string command = absl::StrCat(
      "tar -xzf driver/sysfs/testdata/two-hbas-one-address.sys.tar.gz -C ", folder_.string());
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
  WriteTree({Hba(6, 31, 1, 0), Hba(7, 31, 0, 0)});
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

}  // namespace
}  // namespace sasd
