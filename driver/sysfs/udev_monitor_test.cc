// UdevMonitor on umockdev's netlink. udev_monitor_test.sh runs it, and preloads umockdev.
#include "driver/sysfs/udev_monitor.h"

#include <memory>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "driver/sysfs/fake_testbed.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

constexpr char kHost[] = "/devices/pci0000:00/0000:03:00.0/host5";
constexpr char kDisk[] = "/devices/pci0000:00/0000:03:00.0/host5/target5:0:3/5:0:3:0/block/sdx";
constexpr absl::Duration kLong = absl::Minutes(1);  // for events that come at once

class UdevMonitorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(testbed_) << "libumockdev is missing";
    ASSERT_TRUE(testbed_.Add(kHost, "scsi"));
    ASSERT_TRUE(testbed_.Add(absl::StrCat(kHost, "/sas_host/host5"), "sas_host"));
    ASSERT_TRUE(testbed_.Add(kDisk, "block"));
    auto monitor = UdevMonitor::Open();
    ASSERT_TRUE(monitor.ok()) << monitor.status();
    monitor_ = *std::move(monitor);
  }

  // "remove block/sdx", "nothing" or "gap".
  std::string Receive(absl::Duration timeout) {
    const UeventSource::Received received = monitor_->Receive(timeout);
    if (const auto* uevent = std::get_if<Uevent>(&received)) return Describe(*uevent);
    return std::holds_alternative<UeventSource::Gap>(received) ? "gap" : "nothing";
  }

  Testbed testbed_;
  std::unique_ptr<UdevMonitor> monitor_;
};

TEST_F(UdevMonitorTest, UeventsComeInOrder) {
  testbed_.Send("add", absl::StrCat(kHost, "/sas_host/host5"));
  testbed_.Send("change", kDisk);
  testbed_.Send("remove", kDisk);
  EXPECT_EQ(Receive(kLong), "add sas_host/host5");
  EXPECT_EQ(Receive(kLong), "change block/sdx");
  EXPECT_EQ(Receive(kLong), "remove block/sdx");
  EXPECT_EQ(Receive(absl::ZeroDuration()), "nothing");
}

TEST_F(UdevMonitorTest, UeventHasItsWholePath) {
  testbed_.Send("remove", kDisk);
  const UeventSource::Received received = monitor_->Receive(kLong);
  const auto* uevent = std::get_if<Uevent>(&received);
  ASSERT_NE(uevent, nullptr);
  EXPECT_EQ(uevent->action, "remove");
  EXPECT_EQ(uevent->devpath, kDisk);
  EXPECT_EQ(uevent->subsystem, "block");
  EXPECT_GT(uevent->sequence_number, 0u);
  EXPECT_EQ(ScopeOf(*uevent).name, "host5");
}

TEST_F(UdevMonitorTest, BurstOfUeventsIsReceivedCompletely) {
  int received = 0;
  for (int i = 0; i < 5'000; ++i) {
    testbed_.Send("change", kDisk);
    // The mock's socket holds ten uevents.
    if (i % 5 == 4) {
      while (Receive(absl::ZeroDuration()) == "change block/sdx") ++received;
    }
  }
  EXPECT_EQ(received, 5'000);
}

TEST_F(UdevMonitorTest, WakeEndsAWaitingReceive) {
  monitor_->Wake();
  EXPECT_EQ(Receive(absl::InfiniteDuration()), "nothing");
  monitor_->Wake();
  testbed_.Send("change", kDisk);
  EXPECT_EQ(Receive(absl::InfiniteDuration()), "change block/sdx") << "a queued uevent comes first";
  EXPECT_EQ(Receive(absl::InfiniteDuration()), "nothing") << "the wake is not lost";
}

}  // namespace
}  // namespace sasd::sysfs
