#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/backend/linux_backend.h"
#include "daemon/diagnosis/check.h"
#include "daemon/registry/topology.h"
#include "driver/base/fake_clock.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/fake_uevent_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/call_guard.h"

namespace sasd {
namespace {

using ::testing::HasSubstr;

constexpr char kDisk[] =
    "/devices/pci0000:00/0000:03:00.0/host5/port-5:0/expander-5:0/port-5:0:2/end_device-5:0:2/"
    "target5:0:2/5:0:2:0/block/sdc";

// Keeps the end devices that were reported. Thread-safe.
class DeviceSink : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    causes_.push_back(batch.cause);
    for (const Observation& o : batch.observations) {
      if (const auto* device = std::get_if<EndDeviceFacts>(&o)) names_.insert(device->os_name);
      if (std::holds_alternative<HostFacts>(o)) ++hosts_;
      if (std::holds_alternative<EndDeviceGone>(o)) ++gone_;
    }
  }

  void SetPending(bool pending) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    pending_ = pending;
    pending_was_ |= pending;
  }
  // Waits until nothing is pending. True if something was pending before.
  bool WasPendingAndIsNot() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto is_not = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !pending_; };
    mu_.Await(absl::Condition(&is_not));
    return pending_was_;
  }

  size_t devices() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return names_.size();
  }
  int hosts() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return hosts_;
  }
  // How many end devices were reported gone.
  int gone() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return gone_;
  }
  // The causes of the batches since the last call.
  std::vector<Cause> TakeCauses() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return std::exchange(causes_, {});
  }
  void WaitForABatch() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto has_batch = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !causes_.empty(); };
    mu_.Await(absl::Condition(&has_batch));
  }

 private:
  absl::Mutex mu_;  // a leaf
  std::set<std::string> names_ ABSL_GUARDED_BY(mu_);
  bool pending_ ABSL_GUARDED_BY(mu_) = false, pending_was_ ABSL_GUARDED_BY(mu_) = false;
  int hosts_ ABSL_GUARDED_BY(mu_) = 0;
  int gone_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Cause> causes_ ABSL_GUARDED_BY(mu_);
};

// The check of `subject`; an empty one if there is none.
DiagnosisCheck CheckOf(Backend& backend, const registry::Topology& topology,
                       const std::string& subject) {
  for (const DiagnosisCheck& check : backend.Diagnose(topology)) {
    if (check.subject == subject) return check;
  }
  return DiagnosisCheck();
}

class LinuxBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.root = testing::TempDir() + "/linux-backend";
    Write({sysfs::Machine()});
  }

  // Replaces the tree by a rename, so that a backend never reads half of it.
  void Write(const std::vector<sysfs::FakeHost>& hosts) {
    const std::string beside = options_.root + ".new";
    std::filesystem::remove_all(beside);
    ASSERT_TRUE(sysfs::WriteFakeSysfs(beside, hosts).ok());
    std::filesystem::remove_all(options_.root);
    std::filesystem::rename(beside, options_.root);
  }
  void PullADrive() {
    sysfs::FakeHost host = sysfs::Machine();
    sysfs::ExpanderOf(host).ports.pop_back();
    Write({host});
  }

  void Start() {
    auto uevents = std::make_unique<sysfs::FakeUeventSource>();
    uevents_ = uevents.get();
    auto backend = StartLinuxBackend(options_, {std::move(uevents), nullptr}, clock_, sink_);
    ASSERT_TRUE(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
    sink_.TakeCauses();
  }

  LinuxBackendOptions options_;
  FakeClock clock_;
  DeviceSink sink_;
  sysfs::FakeUeventSource* uevents_ = nullptr;  // the backend's
  std::unique_ptr<Backend> backend_;
};

TEST_F(LinuxBackendTest, EveryDeviceIsKnownAtStart) {
  Start();
  EXPECT_EQ(sink_.hosts(), 1);
  EXPECT_EQ(sink_.devices(), 3u);
  rpc::OpenGuard guard;
  EXPECT_TRUE(backend_->services(guard).empty());
  EXPECT_THAT(backend_->description(), HasSubstr("linux-backend, live"));
}

TEST_F(LinuxBackendTest, MachineWithoutSasIsNormal) {
  std::filesystem::remove_all(options_.root);
  std::filesystem::create_directories(options_.root + "/class");
  Start();
  EXPECT_EQ(sink_.hosts(), 0);
  Write({sysfs::Machine()});
  uevents_->Push(sysfs::Uevent{"add", "/devices/pci0000:00/0000:03:00.0", "pci", 1});
  ASSERT_TRUE(backend_->WaitIdle(absl::InfiniteDuration()).ok());
  EXPECT_EQ(sink_.hosts(), 1);
}

TEST_F(LinuxBackendTest, WaitIdleReportsEveryReceivedUevent) {
  Start();
  PullADrive();
  for (int i = 0; i < 1'000; ++i) uevents_->Push(sysfs::Uevent{"remove", kDisk, "block", 1});
  ASSERT_TRUE(backend_->WaitIdle(absl::InfiniteDuration()).ok());
  EXPECT_EQ(sink_.gone(), 1);
  const std::vector<Cause> causes = sink_.TakeCauses();
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].kind, CauseKind::kUevent);
  EXPECT_THAT(causes[0].text, HasSubstr("uevent remove block/sdc"));
}

// Nobody waits: the thread reports once no more uevents come.
TEST_F(LinuxBackendTest, UeventsAreReportedOnceQuiet) {
  options_.follower.quiet_time = absl::ZeroDuration();
  Start();
  PullADrive();
  uevents_->Push(sysfs::Uevent{"remove", kDisk, "block", 1});
  sink_.WaitForABatch();
  EXPECT_EQ(sink_.gone(), 1);
  EXPECT_TRUE(sink_.WasPendingAndIsNot());
}

TEST_F(LinuxBackendTest, LostUeventsAreReportedAsGap) {
  Start();
  uevents_->Push(sysfs::UeventSource::Gap{12});
  ASSERT_TRUE(backend_->WaitIdle(absl::InfiniteDuration()).ok());
  const std::vector<Cause> causes = sink_.TakeCauses();
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].kind, CauseKind::kResync);
  EXPECT_EQ(causes[0].lost_events, 12u);
}

TEST_F(LinuxBackendTest, RescanReportsBeforeItReturns) {
  Start();
  PullADrive();
  ASSERT_TRUE(backend_->Rescan().ok());
  EXPECT_EQ(sink_.gone(), 1);
}

TEST_F(LinuxBackendTest, FailedReadingIsRetried) {
  Start();
  std::filesystem::rename(options_.root, options_.root + "-away");
  EXPECT_TRUE(absl::IsNotFound(backend_->Rescan()));
  const absl::Status idle = backend_->WaitIdle(absl::ZeroDuration());
  EXPECT_TRUE(absl::IsDeadlineExceeded(idle));
  std::filesystem::remove_all(options_.root + "-away");
  PullADrive();
  clock_.Advance(absl::Minutes(1));
  EXPECT_TRUE(backend_->WaitIdle(absl::InfiniteDuration()).ok());
  EXPECT_EQ(sink_.gone(), 1);
}

TEST_F(LinuxBackendTest, WithoutUeventsOnlyRescanFindsChanges) {
  auto backend = StartLinuxBackend(options_, LinuxSeams(), clock_, sink_);
  ASSERT_TRUE(backend.ok()) << backend.status();
  EXPECT_THAT((*backend)->description(), HasSubstr("without uevents"));
  PullADrive();
  ASSERT_TRUE((*backend)->WaitIdle(absl::InfiniteDuration()).ok());
  EXPECT_EQ(sink_.gone(), 0);
  ASSERT_TRUE((*backend)->Rescan().ok());
  EXPECT_EQ(sink_.gone(), 1);
}

TEST_F(LinuxBackendTest, DiagnosisNamesMissingSources) {
  const registry::Topology nothing(registry::Tables(), 0, "");
  Start();
  EXPECT_EQ(CheckOf(*backend_, nothing, "uevents").status, DiagnosisCheck::Status::kOk);
  EXPECT_THAT(CheckOf(*backend_, nothing, "sysfs").message, HasSubstr(options_.root));
  EXPECT_EQ(CheckOf(*backend_, nothing, "host5").reason, "HOST_NOT_TOLD");
  std::filesystem::remove_all(options_.root);
  EXPECT_FALSE(backend_->Rescan().ok());
  EXPECT_EQ(CheckOf(*backend_, nothing, "sysfs").reason, "SYSFS_UNREADABLE");

  Write({sysfs::Machine()});
  const auto without = StartLinuxBackend(options_, LinuxSeams(), clock_, sink_);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(CheckOf(**without, nothing, "uevents").reason, "UEVENTS_REFUSED");
}

TEST_F(LinuxBackendTest, UnreadableHostIsShownWhileItLasts) {
  Start();
  EXPECT_TRUE(backend_->scsi_hosts()->unreadable.empty());
  const std::string entry = options_.root + "/class/sas_host/host9";
  std::filesystem::create_symlink("../../devices/pci0000:00/gone/host9/sas_host/host9", entry);
  ASSERT_TRUE(backend_->Rescan().ok());
  ASSERT_EQ(backend_->scsi_hosts()->unreadable.size(), 1u);
  EXPECT_EQ(backend_->scsi_hosts()->unreadable[0].os_name, "host9");
  EXPECT_THAT(backend_->scsi_hosts()->unreadable[0].reason, HasSubstr("leads nowhere"));
  const registry::Topology nothing(registry::Tables(), 0, "");
  EXPECT_EQ(CheckOf(*backend_, nothing, "host9").reason, "HOST_UNREADABLE");
  std::filesystem::remove(entry);
  ASSERT_TRUE(backend_->Rescan().ok());
  EXPECT_TRUE(backend_->scsi_hosts()->unreadable.empty());
}

// A uevent of the volume's host is enough.
TEST_F(LinuxBackendTest, VolumeAppearsAndGoesByUevents) {
  Start();
  EXPECT_TRUE(backend_->scsi_hosts()->hosts.empty());
  const std::string target = options_.root + "/devices/pci0000:00/0000:03:00.0/host5/target5:1:0";
  std::filesystem::create_directories(target + "/5:1:0:0/block/sdz");
  const sysfs::Uevent uevent{
      "add", "/devices/pci0000:00/0000:03:00.0/host5/target5:1:0/5:1:0:0/block/sdz", "block", 1};
  uevents_->Push(uevent);
  ASSERT_TRUE(backend_->WaitIdle(absl::InfiniteDuration()).ok());
  ASSERT_EQ(backend_->scsi_hosts()->hosts.size(), 1u);
  EXPECT_EQ(backend_->scsi_hosts()->hosts[0].devices[0].facts.block_device, "sdz");
  std::filesystem::remove_all(target);
  uevents_->Push(uevent);
  ASSERT_TRUE(backend_->WaitIdle(absl::InfiniteDuration()).ok());
  EXPECT_TRUE(backend_->scsi_hosts()->hosts.empty());
}

TEST_F(LinuxBackendTest, MissingTreeIsAnError) {
  options_.root += "/nowhere";
  const auto backend = StartLinuxBackend(options_, LinuxSeams(), clock_, sink_);
  EXPECT_TRUE(absl::IsNotFound(backend.status()));
}

}  // namespace
}  // namespace sasd
