// Random machines whose hosts, expanders, enclosures and ports have colliding identifiers: what
// sasd shows is what is there.
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/registry.h"
#include "driver/base/fake_clock.h"
#include "driver/observation/key_table.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/sysfs_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace sasd {
namespace {

namespace fs = std::filesystem;
using testing::Random;

// Makes machines. Few identifiers, so that they collide; each drive has a WWID, a serial and a
// block device of its own.
class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  std::vector<sysfs::FakeHost> Machine() {
    std::vector<sysfs::FakeHost> hosts;
    const size_t count = 1 + random_.Below(4);
    for (size_t i = 0; i < count; ++i) {
      sysfs::FakeHost host;
      host.number = static_cast<int>(i);
      // Two hosts on one PCI function, now and then.
      const bool shares = i > 0 && random_.OneIn(4);
      host.pci = shares ? hosts.back().pci : absl::StrCat("0000:", 20 + i, ":00.0");
      host.address = random_.OneIn(4) ? 0 : 0x500605B00C0FFE00 + random_.Below(2) * 0x10;
      host.phys = Phys();
      host.ports = Ports(absl::StrCat(i), 0);
      hosts.push_back(std::move(host));
    }
    return hosts;
  }

  const std::set<std::string>& drives() const { return drives_; }
  size_t expanders() const { return expanders_; }

 private:
  static std::vector<sysfs::FakePhy> Phys() {
    std::vector<sysfs::FakePhy> phys;
    for (int id = 0; id < 8; ++id) phys.push_back({id, "12.0 Gbit"});
    return phys;
  }

  // `place`: of the owner in the kernel's names, "0" or "0:1".
  std::vector<sysfs::FakePort> Ports(const std::string& place, int depth) {
    std::vector<sysfs::FakePort> ports;
    for (int phy = 0; phy < 4; ++phy) {
      sysfs::FakePort port;
      port.name = absl::StrCat("port-", place, ":", phy);
      port.phys = {phy};
      if (depth < 2 && random_.OneIn(3)) {
        port.expander = {Expander(place, depth)};
      } else if (!random_.OneIn(3)) {
        port.end_device = {Drive(place, phy)};
      }
      ports.push_back(std::move(port));
    }
    return ports;
  }

  sysfs::FakeExpander Expander(const std::string& place, int depth) {
    const std::string host = place.substr(0, place.find(':'));
    const std::string own = absl::StrCat(host, ":", expanders_++);
    sysfs::FakeExpander expander;
    expander.name = absl::StrCat("expander-", own);
    expander.address = 0x5003048000000000 + random_.Below(2) * 0x40;
    expander.phys = Phys();
    expander.ports = Ports(own, depth + 1);
    return expander;
  }

  sysfs::FakeEndDevice Drive(const std::string& place, int phy) {
    const size_t number = drives_.size();
    const std::string serial = absl::StrCat("S", number);
    drives_.insert(serial);
    sysfs::FakeUnit unit;
    unit.wwid = absl::StrCat("naa.5000c500000", 10000 + number);
    unit.serial = serial;
    unit.block = absl::StrCat("sd", std::string(1, static_cast<char>('a' + number / 26)),
                              std::string(1, static_cast<char>('a' + number % 26)));
    sysfs::FakeEndDevice drive;
    drive.name = absl::StrCat("end_device-", place, ":", phy);
    // The address of a SATA drive is made by its expander, and so may occur again.
    drive.address =
        random_.OneIn(3) ? 0x4433221100000000 + random_.Below(2) : 0x5000C50000000001 + 4 * number;
    if (!random_.OneIn(4)) {
      drive.enclosure = 0x500304800000003F + random_.Below(2) * 0x40;
      drive.bay = static_cast<int>(random_.Below(3));
    }
    drive.target = static_cast<int>(number);
    drive.units = {unit};
    return drive;
  }

  Random random_;
  std::set<std::string> drives_;
  size_t expanders_ = 0;
};

class CollidingIdentifiersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/colliding-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::vector<sysfs::FakeHost>& hosts) {
    fs::remove_all(folder_ / "sys");
    ASSERT_TRUE(sysfs::WriteFakeSysfs(folder_ / "sys", hosts).ok());
  }

  static std::set<std::string> DrivesOf(const registry::Topology& topology) {
    std::set<std::string> serials;
    for (const auto& unit : topology.collection<registry::LogicalUnit>()) {
      serials.insert(unit->serial.str());
    }
    return serials;
  }
  // Two drives in one slot have it from one expander or host: what different ones show are
  // different enclosures.
  static void ExpectOneDrivePerPlace(const registry::Topology& topology) {
    for (const auto& slot : topology.collection<registry::Slot>()) {
      std::set<NodeKey> parents;
      for (const auto& occupant : slot->occupants) {
        parents.insert(topology.Get<registry::EndDevice>(occupant.device)->facts.parent);
      }
      EXPECT_LE(parents.size(), 1u) << Describe(registry::MakeId<registry::Slot>(slot->id));
    }
  }
  // The key of each host, by its name in the operating system and its place.
  static std::map<std::string, std::string> KeysOf(const registry::Topology& topology) {
    std::map<std::string, std::string> keys;
    for (const auto& host : topology.collection<registry::Host>()) {
      keys[host->facts.os_name + " " + host->facts.pci_address] = ToText(host->key());
    }
    return keys;
  }

  fs::path folder_;
  sysfs::PosixFileIo io_;
  FakeClock clock_;
};

TEST_F(CollidingIdentifiersTest, WhatIsShownIsWhatIsThere) {
  size_t collisions = 0, drives = 0;
  const char* const more = getenv("COLLIDING_FABRICS");
  const uint64_t fabrics = more == nullptr ? 6 : strtoull(more, nullptr, 10);
  for (uint64_t seed = 0; seed < fabrics; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Maker maker(seed);
    const std::vector<sysfs::FakeHost> machine = maker.Machine();
    Write(machine);
    registry::SelfPublishingRegistry registry{registry::Registry::Options{"00000000000000aa", 0}};
    KeyTable keys;
    auto source = sysfs::SysfsSource::Create(folder_ / "sys", io_, clock_, registry, &keys);
    ASSERT_TRUE(source.ok()) << source.status();
    ASSERT_TRUE((*source)->Scan().ok());
    const auto topology = registry.Snapshot();
    EXPECT_EQ(DrivesOf(*topology), maker.drives());
    EXPECT_EQ(topology->collection<registry::EndDevice>().size(), maker.drives().size());
    EXPECT_EQ(topology->collection<registry::Host>().size(), machine.size());
    EXPECT_EQ(topology->collection<registry::Expander>().size(), maker.expanders());
    for (const auto& host : topology->collection<registry::Host>()) {
      if (host->key().location.known()) ++collisions;
    }
    drives += maker.drives().size();
    ExpectOneDrivePerPlace(*topology);

    // Any order of the same hosts, and a second reading, change no key.
    const std::map<std::string, std::string> before = KeysOf(*topology);
    ASSERT_TRUE((*source)->Scan().ok());
    for (const sysfs::FakeHost& host : machine) {
      ASSERT_TRUE((*source)
                      ->ScanHost(absl::StrCat("host", host.number), sysfs::SysfsSource::ScanCause())
                      .ok());
    }
    EXPECT_EQ(KeysOf(*registry.Snapshot()), before);
    EXPECT_EQ(registry.Snapshot()->revision(), topology->revision());
  }
  EXPECT_GT(collisions, fabrics / 4) << "the machines collide";
  EXPECT_GT(drives, 100u);
}

// Two cages with SES devices of one logical identifier: each has its own slots and labels.
TEST_F(CollidingIdentifiersTest, EachCageHasItsOwnSlotsAndLabels) {
  sysfs::FakeHost host;
  host.address = 0x500605B00C0FFE00;
  for (int cage = 0; cage < 2; ++cage) {
    const std::string place = absl::StrCat("0:", cage);
    sysfs::FakeExpander expander;
    expander.name = absl::StrCat("expander-", place);
    expander.address = 0x5003048000000040 + static_cast<uint64_t>(cage) * 0x40;
    sysfs::FakeEndDevice ses;
    ses.name = absl::StrCat("end_device-", place, ":8");
    ses.address = expander.address - 1;
    ses.enclosure = 0x5003048000000000;
    ses.target = 8 + cage;
    ses.units.resize(1);
    ses.units[0].type = 13;
    for (int slot = 0; slot < 2 + cage; ++slot) {
      const std::string drive = absl::StrCat("end_device-", place, ":", slot);
      ses.units[0].slots.push_back({absl::StrCat("Cage ", cage, " Slot ", slot), slot, drive});
      sysfs::FakeEndDevice device;
      device.name = drive;
      device.address = 0x5000C50000000001 + static_cast<uint64_t>(16 * cage + 4 * slot);
      device.enclosure = ses.enclosure;
      device.bay = slot;
      device.target = 2 * slot + cage;
      device.units.resize(1);
      device.units[0].serial = absl::StrCat("S", cage, slot);
      device.units[0].wwid = absl::StrCat("naa.5000c5000000", cage, "00", slot);
      expander.phys.push_back({slot, "12.0 Gbit"});
      expander.ports.push_back({absl::StrCat("port-", place, ":", slot), {slot}, {}, {device}});
    }
    expander.phys.push_back({8, "12.0 Gbit"});
    expander.ports.push_back({absl::StrCat("port-", place, ":8"), {8}, {}, {ses}});
    host.phys.push_back({cage, "12.0 Gbit"});
    host.ports.push_back({absl::StrCat("port-0:", cage), {cage}, {expander}, {}});
  }
  Write({host});
  registry::SelfPublishingRegistry registry{registry::Registry::Options{"00000000000000aa", 0}};
  auto source = sysfs::SysfsSource::Create(folder_ / "sys", io_, clock_, registry);
  ASSERT_TRUE(source.ok()) << source.status();
  ASSERT_TRUE((*source)->Scan().ok());
  const auto shown = [&] {
    std::vector<std::string> slots;
    for (const auto& slot : registry.Snapshot()->collection<registry::Slot>()) {
      std::string text = absl::StrCat(slot->id.enclosure.copy(), " ", slot->id.slot, " ",
                                      slot->facts.label.view());
      for (const auto& serial : slot->Serials()) absl::StrAppend(&text, " ", serial.view());
      slots.push_back(text);
    }
    return slots;
  };
  EXPECT_THAT(shown(), ::testing::ElementsAre("0 0 Cage 0 Slot 0 S00", "0 1 Cage 0 Slot 1 S01",
                                              "1 0 Cage 1 Slot 0 S10", "1 1 Cage 1 Slot 1 S11",
                                              "1 2 Cage 1 Slot 2 S12"));
  const int64_t revision = registry.Snapshot()->revision();
  ASSERT_TRUE((*source)->Scan().ok());
  EXPECT_EQ(registry.Snapshot()->revision(), revision);
  // The second cage is unplugged: nothing of it is left, and all of the first.
  host.ports.pop_back();
  Write({host});
  ASSERT_TRUE((*source)->Scan().ok());
  EXPECT_THAT(shown(), ::testing::ElementsAre("0 0 Cage 0 Slot 0 S00", "0 1 Cage 0 Slot 1 S01"));
  EXPECT_EQ(registry.Snapshot()->collection<registry::Enclosure>().size(), 1u);
}

}  // namespace
}  // namespace sasd
