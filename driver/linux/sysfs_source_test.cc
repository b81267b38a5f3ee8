#include "driver/linux/sysfs_source.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/base/fake_clock.h"
#include "driver/linux/fake_sysfs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// "host", "host gone" and so on: what an observation tells of, with the end of its address.
std::string Name(const Observation& observation) {
  struct Namer {
    static std::string Of(const char* what, uint64_t address) {
      return absl::StrCat(what, " ", absl::Hex(address & 0xFFF));
    }
    std::string operator()(const HostFacts& f) { return Of("host", f.address.value()); }
    std::string operator()(const HostGone& f) { return Of("host gone", f.host.value()); }
    std::string operator()(const PhyFacts& f) { return absl::StrCat("phy ", f.key.phy.value()); }
    std::string operator()(const PortFacts& f) { return Of("port to", f.key.attached.value()); }
    std::string operator()(const ExpanderFacts& f) { return Of("expander", f.key.address.value()); }
    std::string operator()(const ExpanderGone& f) {
      return Of("expander gone", f.key.address.value());
    }
    std::string operator()(const EndDeviceFacts& f) { return Of("device", f.key.address.value()); }
    std::string operator()(const EndDeviceGone& f) {
      return Of("device gone", f.key.address.value());
    }
    std::string operator()(const LogicalUnitFacts& f) {
      return Of("unit of", f.device.address.value());
    }
    std::string operator()(const LogicalUnitGone& f) {
      return Of("unit gone of", f.device.address.value());
    }
    std::string operator()(const EnclosureFacts& f) { return Of("enclosure", f.key.value()); }
    std::string operator()(const EnclosureGone& f) { return Of("enclosure gone", f.key.value()); }
    std::string operator()(const SlotFacts& f) { return absl::StrCat("slot ", f.key.slot); }
    std::string operator()(const DiscoveryFacts& f) { return Of("discovery", f.host.value()); }
    std::string operator()(const Notice& f) { return "notice " + f.text; }
  };
  return std::visit(Namer(), observation);
}

class Listener : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override { batches_.push_back(std::move(batch)); }

  // What was told since the last call, batch after batch.
  std::vector<std::string> Take() {
    std::vector<std::string> names;
    for (const ObservationBatch& batch : batches_) {
      for (const Observation& observation : batch.observations) names.push_back(Name(observation));
    }
    batches_.clear();
    return names;
  }
  const std::vector<ObservationBatch>& batches() const { return batches_; }

 private:
  std::vector<ObservationBatch> batches_;
};

FakeEndDevice Drive(int number) {
  FakeUnit unit;
  unit.wwid = absl::StrCat("naa.5000c50000000", number, "10");
  unit.serial = absl::StrCat("ZA10000", number);
  unit.block = std::string(1, static_cast<char>('a' + number)).insert(0, "sd");
  FakeEndDevice drive;
  drive.name = absl::StrCat("end_device-5:0:", number);
  drive.address = 0x5000C50000000011 + static_cast<uint64_t>(number) * 0x100;
  drive.target = number;
  drive.units = {unit};
  return drive;
}

// A host with an expander, and drives 0 to 2 at its phys 4 to 6.
FakeHost Machine() {
  FakeExpander expander;
  expander.name = "expander-5:0";
  expander.address = 0x5000CCAB0300113F;
  for (int i = 0; i < 3; ++i) {
    expander.phys.push_back({4 + i, "12.0 Gbit"});
    FakePort port;
    port.name = absl::StrCat("port-5:0:", i);
    port.phys = {4 + i};
    port.end_device = {Drive(i)};
    expander.ports.push_back(port);
  }
  FakePort port;
  port.name = "port-5:0";
  port.phys = {0, 1};
  port.expander = {expander};
  FakeHost host;
  host.number = 5;
  host.address = 0x500605B00AB01230;
  host.phys = {{0, "12.0 Gbit"}, {1, "12.0 Gbit"}};
  host.ports = {port};
  return host;
}

FakeExpander& ExpanderOf(FakeHost& host) { return host.ports[0].expander[0]; }
FakeEndDevice& DriveOf(FakeHost& host, size_t i) { return ExpanderOf(host).ports[i].end_device[0]; }

class SysfsSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/sysfs-source";
    Write({Machine()});
    auto source = SysfsSource::Create(root_, io_, clock_, listener_);
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
  }

  void Write(const std::vector<FakeHost>& hosts) {
    std::filesystem::remove_all(root_);
    ASSERT_TRUE(WriteFakeSysfs(root_, hosts).ok());
  }
  // What a scan tells that finds `hosts`.
  std::vector<std::string> Scan(const std::vector<FakeHost>& hosts) {
    Write(hosts);
    EXPECT_TRUE(source_->Scan().ok());
    return listener_.Take();
  }

  std::string root_;
  PosixFileIo io_;
  FakeClock clock_;
  Listener listener_;
  std::unique_ptr<SysfsSource> source_;
};

TEST_F(SysfsSourceTest, TheFirstScanTellsAll) {
  ASSERT_TRUE(source_->Scan().ok());
  ASSERT_EQ(listener_.batches().size(), 1u);
  EXPECT_EQ(listener_.batches()[0].source, Source::kSysfs);
  EXPECT_EQ(listener_.batches()[0].host, SasAddress(0x500605B00AB01230));
  EXPECT_EQ(listener_.batches()[0].cause.kind, CauseKind::kScan);
  EXPECT_EQ(listener_.batches()[0].time, clock_.Now());
  const std::vector<std::string> told = listener_.Take();
  for (const char* name : {"host 230", "expander 13f", "device 11", "device 111", "device 211",
                           "unit of 11", "phy 0", "port to 13f", "discovery 230"}) {
    EXPECT_THAT(told, testing::Contains(name));
  }
}

TEST_F(SysfsSourceTest, NothingNewIsNothingTold) {
  Scan({Machine()});
  EXPECT_THAT(Scan({Machine()}), IsEmpty());
}

TEST_F(SysfsSourceTest, WhatChangedIsToldAndNothingElse) {
  Scan({Machine()});
  FakeHost changed = Machine();
  changed.phys[1].rate = "6.0 Gbit";
  EXPECT_THAT(Scan({changed}), ElementsAre("phy 1"));
  DriveOf(changed, 2).units[0].block = "sdz";
  EXPECT_THAT(Scan({changed}), ElementsAre("unit of 211"));
}

TEST_F(SysfsSourceTest, ADriveThatIsGoneTakesItsUnitWithIt) {
  Scan({Machine()});
  FakeHost without = Machine();
  ExpanderOf(without).ports.pop_back();
  const std::vector<std::string> told = Scan({without});
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), "device gone 211");
  EXPECT_THAT(told, Not(testing::Contains("unit gone of 211")));
}

TEST_F(SysfsSourceTest, AUnitThatIsGoneLeavesItsDrive) {
  Scan({Machine()});
  FakeHost without = Machine();
  DriveOf(without, 1).units.clear();
  const std::vector<std::string> told = Scan({without});
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), "unit gone of 111");
  EXPECT_THAT(told, Not(testing::Contains("device gone 111")));
}

// Children first: nobody is told of a device below what is gone.
TEST_F(SysfsSourceTest, AnExpanderGoesAfterWhatIsBehindIt) {
  Scan({Machine()});
  FakeHost without = Machine();
  without.ports.clear();
  std::vector<std::string> told = Scan({without});
  ASSERT_GE(told.size(), 4u);
  told.resize(4);
  EXPECT_THAT(told, ElementsAre("device gone 211", "device gone 111", "device gone 11",
                                "expander gone 13f"));
}

TEST_F(SysfsSourceTest, AHostThatIsGoneAndOneThatIsNew) {
  Scan({Machine()});
  FakeHost other;
  other.number = 6;
  other.address = 0x500605B00AB05670;
  other.pci = "0000:04:00.0";
  other.phys = {{0, "Unknown"}};
  Write({other});
  ASSERT_TRUE(source_->Scan().ok());
  ASSERT_EQ(listener_.batches().size(), 2u) << "a batch is about one host";
  const std::vector<std::string> told = listener_.Take();
  EXPECT_EQ(told.front(), "host gone 230");
  EXPECT_THAT(told, testing::Contains("host 670"));
  EXPECT_EQ(source_->last().size(), 1u);
}

Cause Uevent() {
  Cause cause;
  cause.kind = CauseKind::kUevent;
  cause.text = "uevent remove block/sdb";
  return cause;
}

FakeHost OtherMachine() {
  FakeHost other;
  other.number = 6;
  other.address = 0x500605B00AB05670;
  other.pci = "0000:04:00.0";
  other.phys = {{0, "12.0 Gbit"}};
  return other;
}

TEST_F(SysfsSourceTest, OneHostIsReadAlone) {
  Scan({Machine(), OtherMachine()});
  FakeHost changed = Machine(), other = OtherMachine();
  DriveOf(changed, 2).units[0].block = "sdz";
  other.phys[0].rate = "6.0 Gbit";
  Write({changed, other});
  ASSERT_TRUE(source_->ScanHost("host5", Uevent()).ok());
  ASSERT_EQ(listener_.batches().size(), 1u);
  EXPECT_EQ(listener_.batches()[0].cause.kind, CauseKind::kUevent);
  EXPECT_EQ(listener_.batches()[0].cause.text, "uevent remove block/sdb");
  EXPECT_THAT(listener_.Take(), ElementsAre("unit of 211")) << "host6 was not looked at";
  ASSERT_TRUE(source_->ScanHost("host6", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("phy 0"));
}

TEST_F(SysfsSourceTest, AHostThatIsNoSasHostTellsNothing) {
  Scan({Machine()});
  EXPECT_TRUE(source_->ScanHost("host0", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), IsEmpty());
}

TEST_F(SysfsSourceTest, AHostThatComesOrGoesIsFoundByItsName) {
  Scan({Machine()});
  Write({Machine(), OtherMachine()});
  ASSERT_TRUE(source_->ScanHost("host6", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("host 670", "discovery 670", "phy 0"));
  Write({Machine()});
  ASSERT_TRUE(source_->ScanHost("host6", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("host gone 670"));
}

// hostN is reused (a driver that is loaded again gets the lowest free number).
TEST_F(SysfsSourceTest, AnotherHostUnderTheSameNumberIsNotTheFirst) {
  Scan({Machine()});
  FakeHost other = OtherMachine();
  other.number = 5;
  Write({other});
  ASSERT_TRUE(source_->ScanHost("host5", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("host gone 230", "host 670", "discovery 670", "phy 0"));
}

TEST_F(SysfsSourceTest, TheSameHostUnderAnotherNumberStays) {
  Scan({Machine()});
  FakeHost renumbered = OtherMachine();
  renumbered.address = Machine().address;
  renumbered.ports.clear();
  Write({renumbered});
  ASSERT_TRUE(source_->ScanHost("host5", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), Not(testing::Contains("host gone 230")));
  EXPECT_EQ(source_->last()[0].os_name, "host6");
}

TEST_F(SysfsSourceTest, LostEventsAreTold) {
  Scan({Machine(), OtherMachine()});
  Cause gap;
  gap.kind = CauseKind::kResync;
  gap.lost_events = 37;
  ASSERT_TRUE(source_->Scan(gap).ok());
  ASSERT_EQ(listener_.batches().size(), 1u) << "though nothing differs";
  EXPECT_EQ(listener_.batches()[0].host, SasAddress());
  EXPECT_EQ(listener_.batches()[0].cause.lost_events, 37u);
  EXPECT_THAT(listener_.Take(), IsEmpty());

  FakeHost changed = Machine(), other = OtherMachine();
  changed.phys[1].rate = other.phys[0].rate = "6.0 Gbit";
  Write({changed, other});
  ASSERT_TRUE(source_->Scan(gap).ok());
  ASSERT_EQ(listener_.batches().size(), 2u);
  EXPECT_EQ(listener_.batches()[0].cause.lost_events, 37u);
  EXPECT_EQ(listener_.batches()[1].cause.lost_events, 0u) << "they are counted once";
}

// Its class devices are added after its folder and removed before.
TEST_F(SysfsSourceTest, WhatIsOnItsWayInOrOutIsNotThere) {
  Scan({Machine()});
  FakeHost bare = Machine();
  DriveOf(bare, 2).units.clear();
  Write({bare});
  const std::string port = root_ +
                           "/devices/pci0000:00/0000:03:00.0/host5/port-5:0/expander-5:0/"
                           "port-5:0:2/";
  std::filesystem::remove_all(port + "end_device-5:0:2/sas_device");
  ASSERT_TRUE(source_->Scan().ok());
  std::vector<std::string> told = listener_.Take();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), "device gone 211");
  for (const std::string& name : told) EXPECT_THAT(name, Not(testing::StartsWith("device 2")));
  EXPECT_EQ(std::count_if(told.begin(), told.end(),
                          [](const std::string& name) { return name.find("device ") == 0; }),
            1)
      << "no device of another name";
}

TEST_F(SysfsSourceTest, AScanThatFailsTellsNothingAndForgetsNothing) {
  Scan({Machine()});
  std::filesystem::remove_all(root_);
  EXPECT_TRUE(absl::IsNotFound(source_->Scan()));
  EXPECT_THAT(listener_.Take(), IsEmpty());
  EXPECT_THAT(Scan({Machine()}), IsEmpty());
}

TEST_F(SysfsSourceTest, WhereThereIsNoTreeThereIsNoSource) {
  const auto source = SysfsSource::Create(root_ + "/nowhere", io_, clock_, listener_);
  EXPECT_TRUE(absl::IsNotFound(source.status()));
  EXPECT_THAT(std::string(source.status().message()), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace sasd::sysfs
