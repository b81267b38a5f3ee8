#include "driver/sysfs/sysfs_source.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sink.h"
#include "driver/sysfs/fake_sysfs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

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
  // The observations of a scan that finds `hosts`.
  std::vector<std::string> Scan(const std::vector<FakeHost>& hosts) {
    Write(hosts);
    EXPECT_TRUE(source_->Scan().ok());
    return listener_.Take();
  }

  std::string root_;
  PosixFileIo io_;
  FakeClock clock_;
  FakeSink listener_;
  std::unique_ptr<SysfsSource> source_;
};

TEST_F(SysfsSourceTest, FirstScanReportsEverything) {
  ASSERT_TRUE(source_->Scan().ok());
  ASSERT_EQ(listener_.batches().size(), 1u);
  EXPECT_EQ(listener_.batches()[0].source, Source::kSysfs);
  EXPECT_EQ(listener_.batches()[0].host, HostKey(SasAddress(0x500605B00AB01230)));
  EXPECT_EQ(listener_.batches()[0].cause.kind, CauseKind::kScan);
  EXPECT_EQ(listener_.batches()[0].time, clock_.Now());
  const std::vector<std::string> reported = listener_.Take();
  for (const char* name : {"host 230", "expander 13f", "device 11", "device 111", "device 211",
                           "unit of 11", "phy 0", "port to 13f", "discovery 230"}) {
    EXPECT_THAT(reported, testing::Contains(name));
  }
}

TEST_F(SysfsSourceTest, UnchangedTreeReportsNothing) {
  Scan({Machine()});
  EXPECT_THAT(Scan({Machine()}), IsEmpty());
}

TEST_F(SysfsSourceTest, OnlyChangedObjectsAreReported) {
  Scan({Machine()});
  FakeHost changed = Machine();
  changed.phys[1].rate = "6.0 Gbit";
  EXPECT_THAT(Scan({changed}), ElementsAre("phy 1"));
  DriveOf(changed, 2).units[0].block = "sdz";
  EXPECT_THAT(Scan({changed}), ElementsAre("unit of 211"));
}

TEST_F(SysfsSourceTest, GoneDriveTakesItsUnitWithIt) {
  Scan({Machine()});
  FakeHost without = Machine();
  ExpanderOf(without).ports.pop_back();
  const std::vector<std::string> reported = Scan({without});
  ASSERT_FALSE(reported.empty());
  EXPECT_EQ(reported.front(), "device gone 211");
  EXPECT_THAT(reported, Not(testing::Contains("unit gone of 211")));
}

TEST_F(SysfsSourceTest, GoneUnitLeavesItsDrive) {
  Scan({Machine()});
  FakeHost without = Machine();
  DriveOf(without, 1).units.clear();
  const std::vector<std::string> reported = Scan({without});
  ASSERT_FALSE(reported.empty());
  EXPECT_EQ(reported.front(), "unit gone of 111");
  EXPECT_THAT(reported, Not(testing::Contains("device gone 111")));
}

// Children go first, so that no device is ever below a gone expander.
TEST_F(SysfsSourceTest, ExpanderGoesAfterItsDevices) {
  Scan({Machine()});
  FakeHost without = Machine();
  without.ports.clear();
  std::vector<std::string> reported = Scan({without});
  ASSERT_GE(reported.size(), 4u);
  reported.resize(4);
  EXPECT_THAT(reported, ElementsAre("device gone 211", "device gone 111", "device gone 11",
                                    "expander gone 13f"));
}

TEST_F(SysfsSourceTest, GoneAndNewHostHaveSeparateBatches) {
  Scan({Machine()});
  FakeHost other;
  other.number = 6;
  other.address = 0x500605B00AB05670;
  other.pci = "0000:04:00.0";
  other.phys = {{0, "Unknown"}};
  Write({other});
  ASSERT_TRUE(source_->Scan().ok());
  ASSERT_EQ(listener_.batches().size(), 2u) << "a batch is about one host";
  const std::vector<std::string> reported = listener_.Take();
  EXPECT_EQ(reported.front(), "host gone 230");
  EXPECT_THAT(reported, testing::Contains("host 670"));
  EXPECT_EQ(source_->last().size(), 1u);
}

Cause Uevent() {
  Cause cause;
  cause.kind = CauseKind::kUevent;
  cause.text = "uevent remove block/sdb";
  return cause;
}

TEST_F(SysfsSourceTest, ScanHostReadsOneHostOnly) {
  Scan({Machine(), OtherMachine()});
  FakeHost changed = Machine(), other = OtherMachine();
  DriveOf(changed, 2).units[0].block = "sdz";
  other.phys[0].rate = "6.0 Gbit";
  Write({changed, other});
  ASSERT_TRUE(source_->ScanHost("host5", Uevent()).ok());
  ASSERT_EQ(listener_.batches().size(), 1u);
  EXPECT_EQ(listener_.batches()[0].cause.kind, CauseKind::kUevent);
  EXPECT_EQ(listener_.batches()[0].cause.text, "uevent remove block/sdb");
  EXPECT_THAT(listener_.Take(), ElementsAre("unit of 211")) << "host6 was not read";
  ASSERT_TRUE(source_->ScanHost("host6", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("phy 0"));
}

TEST_F(SysfsSourceTest, HostWithoutSasReportsNothing) {
  Scan({Machine()});
  EXPECT_TRUE(source_->ScanHost("host0", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), IsEmpty());
}

TEST_F(SysfsSourceTest, ScanHostFindsNewAndGoneHosts) {
  Scan({Machine()});
  Write({Machine(), OtherMachine()});
  ASSERT_TRUE(source_->ScanHost("host6", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("host 670", "discovery 670", "phy 0"));
  Write({Machine()});
  ASSERT_TRUE(source_->ScanHost("host6", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("host gone 670"));
}

// hostN is reused: a driver that is loaded again gets the lowest free number.
TEST_F(SysfsSourceTest, AnotherHostMayReuseTheNumber) {
  Scan({Machine()});
  FakeHost other = OtherMachine();
  other.number = 5;
  Write({other});
  ASSERT_TRUE(source_->ScanHost("host5", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), ElementsAre("host gone 230", "host 670", "discovery 670", "phy 0"));
}

TEST_F(SysfsSourceTest, RenumberedHostStays) {
  Scan({Machine()});
  FakeHost renumbered = OtherMachine();
  renumbered.address = Machine().address;
  renumbered.ports.clear();
  Write({renumbered});
  ASSERT_TRUE(source_->ScanHost("host5", Uevent()).ok());
  EXPECT_THAT(listener_.Take(), Not(testing::Contains("host gone 230")));
  EXPECT_EQ(source_->last()[0].os_name, "host6");
}

TEST_F(SysfsSourceTest, LostEventsAreReportedOnce) {
  Scan({Machine(), OtherMachine()});
  Cause gap;
  gap.kind = CauseKind::kResync;
  gap.lost_events = 37;
  ASSERT_TRUE(source_->Scan(gap).ok());
  ASSERT_EQ(listener_.batches().size(), 1u) << "though nothing differs";
  EXPECT_EQ(listener_.batches()[0].host, HostKey());
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

// The kernel adds class devices after the folder, and removes them before it.
TEST_F(SysfsSourceTest, DeviceWithoutClassDevicesIsLeftOut) {
  Scan({Machine()});
  FakeHost bare = Machine();
  DriveOf(bare, 2).units.clear();
  Write({bare});
  const std::string port = root_ +
                           "/devices/pci0000:00/0000:03:00.0/host5/port-5:0/expander-5:0/"
                           "port-5:0:2/";
  std::filesystem::remove_all(port + "end_device-5:0:2/sas_device");
  ASSERT_TRUE(source_->Scan().ok());
  std::vector<std::string> reported = listener_.Take();
  ASSERT_FALSE(reported.empty());
  EXPECT_EQ(reported.front(), "device gone 211");
  for (const std::string& name : reported) EXPECT_THAT(name, Not(testing::StartsWith("device 2")));
  EXPECT_EQ(std::count_if(reported.begin(), reported.end(),
                          [](const std::string& name) { return name.find("device ") == 0; }),
            1)
      << "no device of another name";
}

TEST_F(SysfsSourceTest, FailedScanReportsAndForgetsNothing) {
  Scan({Machine()});
  std::filesystem::remove_all(root_);
  EXPECT_TRUE(absl::IsNotFound(source_->Scan()));
  EXPECT_THAT(listener_.Take(), IsEmpty());
  EXPECT_THAT(Scan({Machine()}), IsEmpty());
}

TEST_F(SysfsSourceTest, CreateFailsWithoutATree) {
  const auto source = SysfsSource::Create(root_ + "/nowhere", io_, clock_, listener_);
  EXPECT_TRUE(absl::IsNotFound(source.status()));
  EXPECT_THAT(std::string(source.status().message()), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace sasd::sysfs
