#include "driver/sysfs/sysfs_follower.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/fake_clock.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sink.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kHost5[] = "/devices/pci0000:00/0000:03:00.0/host5";
constexpr char kExpander[] = "/devices/pci0000:00/0000:03:00.0/host5/port-5:0/expander-5:0";

// Counts reads, and records the names of the attributes read. Use the fields only between readings.
class CountingFileIo : public PosixFileIo {
 public:
  ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) override {
    {
      absl::MutexLock lock(&mu_);
      ++reads;
      names.insert(name);
    }
    return PosixFileIo::ReadFile(at, name, buffer, size);
  }
  int OpenRoot(const char* path) override {
    if (failing) return -EMFILE;
    if (on_open) on_open();
    return PosixFileIo::OpenRoot(path);
  }
  int reads = 0;
  bool failing = false;
  std::function<void()> on_open;
  std::set<std::string> names;

 private:
  absl::Mutex mu_;
};

class SysfsFollowerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/sysfs-follower";
    Write({Machine(), OtherMachine()});
    Follow(FollowerOptions());
    clock_.Advance(absl::Seconds(5));
  }

  // Starts a new follower that has reported everything.
  void Follow(FollowerOptions options) {
    auto source = SysfsSource::Create(root_, io_, clock_, sink_);
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
    follower_ = std::make_unique<SysfsFollower>(*source_, clock_, std::move(options));
    Cause cause;
    cause.kind = CauseKind::kScan;
    ASSERT_TRUE(follower_->ScanTree(cause).ok());
    sink_.Take();
  }

  void Write(const std::vector<FakeHost>& hosts) {
    std::filesystem::remove_all(root_);
    ASSERT_TRUE(WriteFakeSysfs(root_, hosts).ok());
  }

  void Note(const char* action, const std::string& path, const char* subsystem) {
    follower_->Note({action, path, subsystem, 0});
  }
  // The uevents of a drive's removal or arrival, in the kernel's order.
  void NoteDrive(const char* action, int i) {
    const std::string device = absl::StrCat(kExpander, "/port-5:0:", i, "/end_device-5:0:", i);
    const std::string unit = absl::StrCat(device, "/target5:0:", i, "/5:0:", i, ":0");
    std::vector<std::pair<std::string, const char*>> events = {
        {absl::StrCat(kExpander, "/port-5:0:", i, "/sas_port/port-5:0:", i), "sas_port"},
        {absl::StrCat(device, "/sas_device/end_device-5:0:", i), "sas_device"},
        {absl::StrCat(device, "/sas_end_device/end_device-5:0:", i), "sas_end_device"},
        {absl::StrCat(device, "/bsg/end_device-5:0:", i), "bsg"},
        {absl::StrCat(device, "/target5:0:", i), "scsi"},
        {unit, "scsi"},
        {absl::StrCat(unit, "/block/sd", std::string(1, static_cast<char>('a' + i))), "block"},
    };
    if (std::string(action) == "remove") std::reverse(events.begin(), events.end());
    for (const auto& [path, subsystem] : events) Note(action, path, subsystem);
  }

  // Waits until the uevents are quiet. Returns the observations reported then.
  std::vector<std::string> Settle() {
    clock_.Advance(absl::Milliseconds(100));
    EXPECT_TRUE(follower_->RunDue().ok());
    return Take();
  }
  std::vector<std::string> Take() {
    last_cause_ = sink_.batches().empty() ? Cause() : sink_.batches().back().cause;
    batches_ = sink_.batches().size();
    return sink_.Take();
  }

  // The last report equals the tree.
  void ExpectConverged() {
    EXPECT_FALSE(follower_->pending());
    EXPECT_TRUE(source_->Scan().ok());
    EXPECT_THAT(sink_.Take(), IsEmpty());
  }

  FakeHost Without(size_t drive) {
    FakeHost host = Machine();
    auto& ports = ExpanderOf(host).ports;
    ports.erase(ports.begin() + static_cast<std::ptrdiff_t>(drive));
    return host;
  }

  std::string root_;
  CountingFileIo io_;
  FakeClock clock_;
  FakeSink sink_;
  std::unique_ptr<SysfsSource> source_;
  std::unique_ptr<SysfsFollower> follower_;
  Cause last_cause_;
  size_t batches_ = 0;
};

// ------------------------------------------------------------------------------ times of readings

TEST_F(SysfsFollowerTest, BurstIsReportedOnceItIsQuiet) {
  Write({Without(2), OtherMachine()});
  NoteDrive("remove", 2);
  EXPECT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), IsEmpty()) << "not quiet yet";
  EXPECT_EQ(follower_->NextDue(), clock_.Monotonic() + absl::Milliseconds(100));

  EXPECT_THAT(Settle(), Contains("device gone 211"));
  EXPECT_EQ(batches_, 1u);
  EXPECT_EQ(last_cause_.kind, CauseKind::kUevent);
  EXPECT_EQ(last_cause_.text, "uevent remove block/sdc and 6 more");
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, EndlessBurstIsReportedWithinASecond) {
  Write({Without(2), OtherMachine()});
  const absl::Duration begin = clock_.Monotonic();
  std::vector<std::string> reported;
  while (reported.empty()) {
    Note("change", absl::StrCat(kHost5, "/x/block/sda"), "block");
    clock_.Advance(absl::Milliseconds(50));
    ASSERT_TRUE(follower_->RunDue().ok());
    reported = Take();
    ASSERT_LE(clock_.Monotonic() - begin, absl::Seconds(1));
  }
  EXPECT_THAT(reported, Contains("device gone 211"));
}

TEST_F(SysfsFollowerTest, OnlyTheNamedHostIsRead) {
  FakeHost changed = Machine(), other = OtherMachine();
  changed.phys[0].rate = other.phys[0].rate = "6.0 Gbit";
  Write({changed, other});
  Note("change", absl::StrCat(kHost5, "/scsi_host/host5"), "scsi_host");
  EXPECT_THAT(Settle(), ElementsAre("phy 0"));
  EXPECT_EQ(follower_->stats().host_scans, 1u);
  EXPECT_EQ(follower_->stats().tree_scans, 1u) << "the first reading";
}

TEST_F(SysfsFollowerTest, HostIsReadAgainTwoSecondsLater) {
  Note("remove", absl::StrCat(kHost5, "/x/block/sdc"), "block");
  EXPECT_THAT(Settle(), IsEmpty()) << "the kernel removes the folder after the uevent";
  Write({Without(2), OtherMachine()});
  EXPECT_EQ(follower_->NextDue(), clock_.Monotonic() + absl::Seconds(2));
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Settle(), Contains("device gone 211"));
  EXPECT_EQ(last_cause_.text, "uevent remove block/sdc, looked at again");
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, UeventsOutsideSasCauseNoReading) {
  const int before = io_.reads;
  Note("change", "/devices/virtual/block/loop0", "block");
  Note("add", "/devices/virtual/net/veth0", "net");
  Note("change", "/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sr0",
       "block");
  EXPECT_THAT(Settle(), IsEmpty());
  EXPECT_EQ(io_.reads, before);
  EXPECT_EQ(follower_->stats().ignored, 3u);
}

TEST_F(SysfsFollowerTest, ReportNowDoesNotWait) {
  Write({Without(2), OtherMachine()});
  NoteDrive("remove", 2);
  ASSERT_TRUE(follower_->ReportNow().ok());
  EXPECT_THAT(Take(), Contains("device gone 211"));
  EXPECT_FALSE(follower_->pending());
}

TEST_F(SysfsFollowerTest, RestAfterReadingIsFiveSecondsAtMost) {
  // The rest after a reading that takes `opening` to open its folders.
  const auto rest_after = [this](absl::Duration opening) {
    io_.on_open = [this, opening] { clock_.Advance(opening); };
    NoteDrive("change", 0);
    clock_.Advance(absl::Seconds(1));
    const absl::Duration begin = clock_.Monotonic();
    EXPECT_TRUE(follower_->RunDue().ok());
    const absl::Duration end = clock_.Monotonic();
    EXPECT_GE(end - begin, opening);
    NoteDrive("change", 0);
    const absl::Duration rest = follower_->NextDue() - end;
    clock_.Advance(rest);
    return rest;
  };
  EXPECT_GE(rest_after(absl::Milliseconds(300)), absl::Milliseconds(1200));
  EXPECT_EQ(rest_after(absl::Seconds(20)), absl::Seconds(5));
}

TEST_F(SysfsFollowerTest, FailedReadingIsRepeatedAfterDoublingDelays) {
  Write({Without(2), OtherMachine()});
  NoteDrive("remove", 2);
  io_.failing = true;
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(follower_->RunDue().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(follower_->pending());
  for (int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(follower_->NextDue(), clock_.Monotonic() + absl::Seconds(seconds));
    clock_.Advance(absl::Seconds(seconds));
    EXPECT_FALSE(follower_->RunDue().ok());
  }
  io_.failing = false;
  clock_.Advance(absl::Seconds(60));
  EXPECT_THAT(Settle(), Contains("device gone 211"));
  EXPECT_EQ(last_cause_.text, "uevent remove block/sdc and 6 more");
  ExpectConverged();
}

// ------------------------------------------------------------------------------------- orders

TEST_F(SysfsFollowerTest, ChangeOfGoneDriveBringsNothingBack) {
  Write({Without(2), OtherMachine()});
  NoteDrive("remove", 2);
  NoteDrive("change", 2);
  EXPECT_THAT(Settle(), Contains("device gone 211"));
  NoteDrive("change", 2);
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, ChangeBeforeRemoveLeavesNoPhantom) {
  Write({Without(2), OtherMachine()});
  NoteDrive("change", 2);
  EXPECT_THAT(Settle(), Contains("device gone 211")) << "the tree already shows it";
  NoteDrive("remove", 2);
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, TwoAddsReportOneDevice) {
  Write({Without(2), OtherMachine()});
  NoteDrive("remove", 2);
  Settle();
  Write({Machine(), OtherMachine()});
  NoteDrive("add", 2);
  NoteDrive("add", 2);
  const std::vector<std::string> reported = Settle();
  EXPECT_EQ(std::count(reported.begin(), reported.end(), "device 211"), 1);
  NoteDrive("add", 2);
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, RemoveWithoutAddReportsNothing) {
  NoteDrive("remove", 7);
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, RemoveOfPresentDriveReportsNothing) {
  NoteDrive("remove", 1);  // as `udevadm trigger --action=remove` sends it
  EXPECT_THAT(Settle(), IsEmpty());
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, ParentMayGoFirst) {
  FakeHost bare = Machine();
  bare.ports.clear();
  Write({bare, OtherMachine()});
  Note("remove", absl::StrCat(kExpander, "/sas_expander/expander-5:0"), "sas_expander");
  std::vector<std::string> reported = Settle();
  ASSERT_GE(reported.size(), 4u);
  reported.resize(4);
  EXPECT_THAT(reported, ElementsAre("device gone 211", "device gone 111", "device gone 11",
                                    "expander gone 13f"));
  for (int i : {0, 1, 2}) NoteDrive("remove", i);
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, HostMayGoBeforeItsDrives) {
  Write({OtherMachine()});
  Note("remove", absl::StrCat(kHost5, "/sas_host/host5"), "sas_host");
  for (int i : {0, 1, 2}) NoteDrive("remove", i);
  Note("remove", absl::StrCat(kHost5, "/scsi_host/host5"), "scsi_host");
  EXPECT_THAT(Settle(), ElementsAre("host gone 230"));
  NoteDrive("remove", 1);
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, NewHbaMayReuseTheHostNumber) {
  FakeHost replacement = OtherMachine();
  replacement.number = 5;
  replacement.address = 0x500605B00AB09990;
  replacement.pci = "0000:05:00.0";
  Write({replacement, OtherMachine()});
  Note("remove", "/devices/pci0000:00/0000:03:00.0", "pci");
  Note("add", "/devices/pci0000:00/0000:05:00.0", "pci");
  EXPECT_THAT(Settle(), ElementsAre("host gone 230", "host 990", "discovery 990", "phy 0"));
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, DiskNameMayBeReused) {
  FakeHost swapped = Without(2);
  DriveOf(swapped, 0).units[0].block = "sdc";
  DriveOf(swapped, 1).units[0].block = "sda";
  Write({swapped, OtherMachine()});
  NoteDrive("add", 0);
  NoteDrive("remove", 2);
  const std::vector<std::string> reported = Settle();
  for (const char* name : {"device gone 211", "unit of 11", "unit of 111"}) {
    EXPECT_THAT(reported, Contains(name));
  }
  EXPECT_THAT(reported, Not(Contains("device gone 11")));
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, ChangeMayNameAMissingObject) {
  Note("change", "/devices/pci0000:00/0000:03:00.0/host5/nowhere/5:0:99:0", "scsi");
  Note("change", "/devices/pci0000:00/0000:99:00.0/host77/target77:0:0/77:0:0:0", "scsi");
  Note("change", "/devices/nowhere", "scsi");
  EXPECT_THAT(Settle(), IsEmpty());
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, FiveThousandUeventsCauseFewReadings) {
  Write({Without(1), OtherMachine()});
  for (int i = 0; i < 5'000; ++i) {
    NoteDrive(i % 2 == 0 ? "add" : "remove", i % 3);
    if (i % 100 == 0) {
      EXPECT_TRUE(follower_->RunDue().ok());
    }
  }
  const std::vector<std::string> reported = Settle();
  EXPECT_EQ(std::count(reported.begin(), reported.end(), "device gone 111"), 1);
  EXPECT_EQ(follower_->stats().host_scans, 1u);
  EXPECT_EQ(follower_->stats().uevents, 35'000u);
  ExpectConverged();
}

// In any order, repetition and timing of uevents, the last report equals the tree.
TEST_F(SysfsFollowerTest, AnyOrderConverges) {
  uint32_t random = 1;
  const auto next = [&random](uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 16) % below;
  };
  for (int round = 0; round < 60; ++round) {
    FakeHost host = Machine();
    auto& ports = ExpanderOf(host).ports;
    for (size_t i = ports.size(); i-- > 0;) {
      if (next(2) == 0) ports.erase(ports.begin() + static_cast<std::ptrdiff_t>(i));
    }
    std::vector<FakeHost> hosts = {host, OtherMachine()};
    if (next(4) == 0) hosts.erase(hosts.begin() + next(2));
    Write(hosts);
    constexpr const char* kActions[] = {"add", "remove", "change", "bind", "move"};
    for (uint32_t event = 0; event < 1 + next(10); ++event) {
      NoteDrive(kActions[next(5)], static_cast<int>(next(4)));
      if (next(3) == 0) Settle();
    }
    if (hosts.size() == 1 || source_->last().size() == 1) {
      Note("change", "/devices/pci0000:00/0000:04:00.0/host6/sas_host/host6", "sas_host");
    }
    Settle();
    ExpectConverged();
  }
}

// --------------------------------------------------------------------------------------- gaps

TEST_F(SysfsFollowerTest, GapIsReportedWithItsCount) {
  FakeHost changed = Machine(), other = OtherMachine();
  changed.phys[0].rate = other.phys[0].rate = "6.0 Gbit";
  Write({changed, other});
  NoteDrive("change", 0);
  follower_->NoteGap(30);
  follower_->NoteGap(7);
  clock_.Advance(absl::Milliseconds(100));
  ASSERT_TRUE(follower_->RunDue().ok());
  ASSERT_EQ(sink_.batches().size(), 2u) << "both hosts were read";
  for (const ObservationBatch& batch : sink_.batches()) {
    EXPECT_EQ(batch.cause.kind, CauseKind::kResync);
    EXPECT_EQ(batch.cause.text, "at most 37 uevents lost");
  }
  EXPECT_EQ(sink_.batches()[0].cause.lost_events, 37u);
  Take();
  EXPECT_EQ(follower_->stats().lost_events, 37u);
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, GapIsReportedThoughNothingDiffers) {
  follower_->NoteGap(0);
  EXPECT_THAT(Settle(), IsEmpty());
  EXPECT_EQ(batches_, 1u);
  EXPECT_EQ(last_cause_.kind, CauseKind::kResync);
  clock_.Advance(absl::Minutes(1));
  Settle();
  EXPECT_EQ(batches_, 0u) << "once";
}

TEST_F(SysfsFollowerTest, GapOutlivesAFailedReading) {
  follower_->NoteGap(5);
  io_.failing = true;
  EXPECT_FALSE(follower_->ReportNow().ok());
  NoteDrive("change", 0);
  io_.failing = false;
  ASSERT_TRUE(follower_->ReportNow().ok());
  Take();
  EXPECT_EQ(last_cause_.kind, CauseKind::kResync);
  EXPECT_EQ(last_cause_.lost_events, 5u);
}

TEST_F(SysfsFollowerTest, RequestedScanReportsAGapToo) {
  follower_->NoteGap(5);
  Cause cause;
  cause.kind = CauseKind::kScan;
  ASSERT_TRUE(follower_->ScanTree(cause).ok());
  Take();
  EXPECT_EQ(last_cause_.lost_events, 5u);
  EXPECT_FALSE(follower_->pending());
}

// -------------------------------------------------------------------------- facts without uevents

TEST_F(SysfsFollowerTest, SilentRateChangeIsReported) {
  FakeHost changed = Machine();
  changed.phys[1].rate = "6.0 Gbit";
  Write({changed, OtherMachine()});
  clock_.Advance(absl::Seconds(54));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), IsEmpty()) << "not due yet";
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), ElementsAre("phy 1"));
  EXPECT_EQ(last_cause_.kind, CauseKind::kScan);
  EXPECT_EQ(last_cause_.text, "phy-5:1 is at 6 Gbps, was at 12 Gbps");
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, NarrowedPortIsReported) {
  FakeHost narrow = Machine();
  narrow.ports[0].phys = {0};
  Write({narrow, OtherMachine()});
  clock_.Advance(absl::Seconds(55));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), Contains("port to 13f"));
  EXPECT_EQ(last_cause_.text, "port-5:0 has phy-5:0, had phy-5:0 phy-5:1");
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, WidenedPortIsReported) {
  FakeHost wide = Machine();
  wide.phys.push_back({2, "12.0 Gbit"});
  Write({wide, OtherMachine()});
  Follow(FollowerOptions());
  wide.ports[0].phys = {0, 1, 2};
  Write({wide, OtherMachine()});
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), Contains("port to 13f"));
  EXPECT_EQ(last_cause_.text, "port-5:0 has phy-5:0 phy-5:1 phy-5:2, had phy-5:0 phy-5:1");
  ExpectConverged();
}

// Only the drive has uevents. The same reading reports the phy that led to it.
TEST_F(SysfsFollowerTest, PhyIsReportedWithItsRemovedDrive) {
  FakeHost without = Without(2);
  ExpanderOf(without).phys[2].rate = "Unknown";
  Write({without, OtherMachine()});
  NoteDrive("remove", 2);
  const std::vector<std::string> reported = Settle();
  EXPECT_THAT(reported, Contains("device gone 211"));
  EXPECT_THAT(reported, Contains("phy 6"));
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, LookKeepsToItsBudgetAndAttributes) {
  FollowerOptions options;
  options.look_reads = 3;
  Follow(options);
  FakeHost changed = Machine();
  ExpanderOf(changed).phys[2].rate = "6.0 Gbit";  // the fifth fact in the order of looks
  Write({changed, OtherMachine()});
  io_.names.clear();
  int before = io_.reads;
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_LE(io_.reads - before, 2 * (1 + 3)) << "for two hosts";
  EXPECT_THAT(io_.names, ElementsAre("ioc_reset_count", "negotiated_linkrate"));
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), Contains("phy 6")) << "the second look continues after the first";
}

// A reset renumbers the handles, and has no uevent. With a control node sasd learns of it there.
TEST_F(SysfsFollowerTest, LookFindsAResetOfTheHost) {
  Follow(FollowerOptions());
  FakeHost reset = Machine();
  ++reset.reset_count;
  DriveOf(reset, 2).handle += 3;
  Write({reset, OtherMachine()});
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), Contains("device 211"));
  EXPECT_EQ(last_cause_.text, "host5 was reset: 1 resets, were 0");
  ExpectConverged();
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(SysfsFollowerTest, NoLooksIfDisabledOrUnneeded) {
  FollowerOptions options;
  options.look_interval = absl::ZeroDuration();
  Follow(options);
  EXPECT_EQ(follower_->NextDue(), absl::InfiniteDuration());
  options.look_interval = absl::Seconds(30);
  options.has_control_node = [](const HostKey&) { return true; };
  Follow(options);
  EXPECT_EQ(follower_->NextDue(), absl::InfiniteDuration());
}

TEST_F(SysfsFollowerTest, IntervalOfLooksCanChange) {
  FollowerOptions options;
  options.look_interval = absl::ZeroDuration();
  Follow(options);
  follower_->SetLookInterval(absl::Seconds(30));
  EXPECT_EQ(follower_->NextDue(), clock_.Monotonic() + absl::Seconds(30));
  follower_->SetLookInterval(absl::Seconds(5));
  EXPECT_EQ(follower_->NextDue(), clock_.Monotonic() + absl::Seconds(5));
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(follower_->RunDue().ok());
  EXPECT_EQ(follower_->NextDue(), clock_.Monotonic() + absl::Seconds(5));
  follower_->SetLookInterval(absl::ZeroDuration());
  EXPECT_EQ(follower_->NextDue(), absl::InfiniteDuration());
}

// ------------------------------------------------------------------------------- Linux behaviour

// A disk's "add" can come 10 s after its end device's, and its "remove" 10 s before.
TEST_F(SysfsFollowerTest, EndDeviceStaysWithoutItsDisk) {
  FakeHost childless = Machine();
  DriveOf(childless, 2).units.clear();
  Write({childless, OtherMachine()});
  Note("remove", absl::StrCat(kExpander, "/port-5:0:2/end_device-5:0:2/t/5:0:2:0/block/sdc"),
       "block");
  EXPECT_THAT(Settle(), Contains("unit gone of 211"));
  clock_.Advance(absl::Seconds(10));
  EXPECT_THAT(Settle(), IsEmpty());
  Write({Machine(), OtherMachine()});
  Note("add", absl::StrCat(kExpander, "/port-5:0:2/end_device-5:0:2/t/5:0:2:0/block/sdc"), "block");
  EXPECT_THAT(Settle(), Contains("unit of 211"));
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, UnloadedDriverLeavesNoHosts) {
  std::filesystem::remove_all(root_);
  std::filesystem::create_directories(root_ + "/class");
  Note("remove", absl::StrCat(kHost5, "/sas_host/host5"), "sas_host");
  EXPECT_THAT(Settle(), ElementsAre("host gone 230", "host gone 670"));
  Write({Machine()});
  Note("add", absl::StrCat(kHost5, "/sas_host/host5"), "sas_host");
  EXPECT_THAT(Settle(), Contains("host 230"));
  ExpectConverged();
}

// The link to an enclosure's slot appears seconds after the disk, without a uevent.
TEST_F(SysfsFollowerTest, SlotLinkIsFoundTwoSecondsLater) {
  FakeUnit services;
  services.type = 13;
  services.slots = {{"Slot 01", 1, ""}};
  FakeHost host = Machine();
  FakeEndDevice& ses = DriveOf(host, 2);
  ses.enclosure = 0x5000CCAB03001100;
  ses.units = {services};
  Write({host, OtherMachine()});
  NoteDrive("add", 2);
  EXPECT_THAT(Settle(), Contains("slot 1"));
  ses.units[0].slots[0].occupant = "end_device-5:0:0";
  Write({host, OtherMachine()});
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Settle(), Contains("device 11"));
  ExpectConverged();
}

// --------------------------------------------------------------------------------- holders

// The holders of a unit in the last reading.
std::string HoldersOf(const SysfsSource& source, const std::string& block) {
  std::string text;
  for (const HostReading& reading : source.last()) {
    for (const Observation& observation : reading.observations) {
      const auto* unit = std::get_if<LogicalUnitFacts>(&observation);
      if (unit == nullptr || unit->block_device != block) continue;
      for (const Holder& holder : unit->holders) {
        absl::StrAppend(&text, static_cast<int>(holder.kind), " ", holder.name, " ",
                        holder.block_device, "; ");
      }
    }
  }
  return text;
}

TEST_F(SysfsFollowerTest, HolderOfDiskIsReportedOnEachChange) {
  FakeHost held = Machine();
  DriveOf(held, 0).units[0].holders = {{"dm-0", "mpatha", "mpath-35000c500", false},
                                       {"md127", "", "", true}};
  DriveOf(held, 1).units[0].holders = {{"dm-0", "mpatha", "mpath-35000c500", false},
                                       {"dm-10", "vg0-data", "LVM-abc", false},
                                       {"dm-9", "luks", "CRYPT-LUKS2-x", true},
                                       {"dm-11", "sda1", "part1-mpath-x", false}};
  Write({held, OtherMachine()});
  Note("change", "/devices/virtual/block/dm-0", "block");
  EXPECT_THAT(Settle(), ElementsAre("unit of 11", "unit of 111"));
  EXPECT_EQ(last_cause_.text, "uevent change block/dm-0");
  EXPECT_EQ(HoldersOf(*source_, "sda"), "2 mpatha dm-0; 5 md127 md127; ");
  EXPECT_EQ(HoldersOf(*source_, "sdb"),
            "2 mpatha dm-0; 4 luks dm-9; 3 vg0-data dm-10; 1 sda1 dm-11; ");
  EXPECT_EQ(follower_->stats().host_scans, 1u) << "host6 has no such disk";

  DriveOf(held, 1).units[0].holders.clear();
  Write({held, OtherMachine()});
  Note("remove", "/devices/virtual/block/dm-10", "block");
  EXPECT_THAT(Settle(), ElementsAre("unit of 111"));
  EXPECT_EQ(HoldersOf(*source_, "sdb"), "");
  ExpectConverged();
}

TEST_F(SysfsFollowerTest, HolderOfForeignDisksIsIgnored) {
  Note("change", "/devices/virtual/block/dm-7", "block");
  EXPECT_THAT(Settle(), IsEmpty());
  EXPECT_EQ(follower_->stats().host_scans, 0u);
  EXPECT_EQ(follower_->stats().ignored, 1u);
}

}  // namespace
}  // namespace sasd::sysfs
