#include "daemon/backend/control_links.h"

#include <errno.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "driver/observation/key_table.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "spdlog/spdlog.h"
#include "tests/support/fake_kernel.h"

// Links to the control nodes of a fake kernel with virtual HBAs.
namespace sasd {
namespace {

using ::testing::HasSubstr;
using Kind = ControlNodeState::Kind;

constexpr absl::Duration kTimeout = absl::Seconds(60);
constexpr char kNode[] = "/dev/mpt3ctl";

// Drops the observations of the fake kernel's driver.
class Nowhere : public ObservationSink {
 public:
  void Observe(ObservationBatch) override {}
};

// Keeps what the firmware reports through the links. Thread-safe.
class Listener : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    EXPECT_EQ(batch.source, Source::kFirmware);
    for (const Observation& o : batch.observations) {
      if (const auto* device = std::get_if<EndDeviceFacts>(&o)) devices_.insert(device->key);
      if (const auto* gone = std::get_if<EndDeviceGone>(&o)) devices_.erase(gone->key);
      if (const auto* gone = std::get_if<HostGone>(&o)) Forget(gone->host);
      if (const auto* facts = std::get_if<DiscoveryFacts>(&o)) discovery_.push_back(facts->state);
      if (const auto* facts = std::get_if<HostFacts>(&o)) hosts_.insert(facts->key);
    }
  }

  size_t devices() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return devices_.size();
  }
  size_t hosts() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return hosts_.size();
  }
  bool AwaitDevices(size_t count) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto so = [this, count]()
                        ABSL_SHARED_LOCKS_REQUIRED(mu_) { return devices_.size() == count; };
    return mu_.AwaitWithTimeout(absl::Condition(&so), kTimeout);
  }
  std::vector<DiscoveryState> discovery() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return discovery_;
  }

 private:
  void Forget(HostKey host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    hosts_.erase(host);
    for (auto it = devices_.begin(); it != devices_.end();) {
      it = it->host == host ? devices_.erase(it) : std::next(it);
    }
  }

  mutable absl::Mutex mu_;  // a leaf
  std::set<HostKey> hosts_ ABSL_GUARDED_BY(mu_);
  std::set<NodeKey> devices_ ABSL_GUARDED_BY(mu_);
  std::vector<DiscoveryState> discovery_ ABSL_GUARDED_BY(mu_);
};

class ControlLinksTest : public ::testing::Test {
 protected:
  static constexpr size_t kDevicesPerHost = 9;  // an expander's 8, and its SES device

  void SetUp() override {
    // Before any thread: ThreadSanitizer does not see how Debian's libspdlog makes it once.
    spdlog::default_logger();
    emulator::SyntheticFabricOptions options;
    options.hosts = 2;
    options.expanders_per_host = 1;
    options.devices_per_expander = 8;
    emulator::FabricSpec fabric = emulator::SyntheticFabric(options);
    Change(fabric);
    auto emulator = emulator::Emulator::Create(fabric, {}, SystemClock());
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    for (uint32_t i = 0; i < 2; ++i) {
      mpt3ctl::CtlIocInfo info;
      info.pci_bus = 0x10 + i;
      nodes_.Add({kNode, i}, info);
      auto kernel = mpt3ctl::FakeKernel::Start(emulator_->transport(i), nodes_, {kNode, i},
                                               SystemClock(), nowhere_);
      ASSERT_TRUE(kernel.ok()) << kernel.status();
      ASSERT_TRUE((*kernel)->WaitIdle(kTimeout).ok());
      kernels_.push_back(*std::move(kernel));
      sysfs::ControlledHost host;
      host.ctl.node = kNode;
      host.ctl.ioc_number = i;
      host.ctl.os_name = absl::StrCat("host", i);
      host.ctl.driver_name = "mpt3sas";
      host.ctl.pci_address = info.PciAddress();
      host.ctl.sas_address = fabric.hosts[i].address;
      host.key = keys_.KeyOf({host.ctl.sas_address, HostLocation::OfPci(host.ctl.pci_address)});
      host.scsi_host = absl::StrCat("devices/", i);
      hosts_.push_back(host);
    }
    ControlLinkOptions to_links;
    to_links.reset_count = [this](const sysfs::ControlledHost& host) {
      return [kernel = kernels_[host.ctl.ioc_number].get()] { return kernel->reset_count(); };
    };
    to_links.keys = &keys_;
    to_links.on_change = to_links.on_loss = [this] {
      absl::MutexLock lock(&mu_);
      ++changes_;
    };
    links_ = std::make_unique<ControlLinks>(nodes_, SystemClock(), listener_, std::move(to_links));
  }

  // What a test needs of the fabric.
  virtual void Change(emulator::FabricSpec&) {}

  // Waits until `condition` holds; checks it again after each change. False after kTimeout.
  template <typename Condition>
  bool Await(Condition condition) {
    const absl::Time deadline = absl::Now() + kTimeout;
    while (true) {
      int seen;
      {
        absl::MutexLock lock(&mu_);
        seen = changes_;
      }
      if (condition()) return true;
      absl::MutexLock lock(&mu_);
      const auto changed = [this, seen]()
                               ABSL_SHARED_LOCKS_REQUIRED(mu_) { return changes_ != seen; };
      if (!mu_.AwaitWithDeadline(absl::Condition(&changed), deadline)) return false;
    }
  }
  Kind KindOf(size_t i) { return links_->states()[i].kind; }

  KeyTable keys_;
  Nowhere nowhere_;
  Listener listener_;
  mpt3ctl::FakeCtlNodes nodes_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::vector<std::unique_ptr<mpt3ctl::FakeKernel>> kernels_;
  std::vector<sysfs::ControlledHost> hosts_;
  absl::Mutex mu_;  // a leaf
  int changes_ ABSL_GUARDED_BY(mu_) = 0;
  std::unique_ptr<ControlLinks> links_;
};

class LinksToOneAddressTest : public ControlLinksTest {
 protected:
  void Change(emulator::FabricSpec& fabric) override {
    fabric.hosts[1].address = fabric.hosts[0].address;
    fabric.shared_identifiers = true;
  }
};

TEST_F(LinksToOneAddressTest, FirmwareReportsUnderTheKeysOfSysfs) {
  ASSERT_EQ(hosts_[0].key.address, hosts_[1].key.address);
  ASSERT_NE(hosts_[0].key, hosts_[1].key);
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  EXPECT_EQ(listener_.hosts(), 2u);
  EXPECT_EQ(listener_.devices(), 2 * kDevicesPerHost);
  EXPECT_TRUE(links_->IsConnected(hosts_[0].key));
  EXPECT_TRUE(links_->IsConnected(hosts_[1].key));
  links_->Follow({hosts_[0]});
  EXPECT_TRUE(listener_.AwaitDevices(kDevicesPerHost)) << "the other one alone is gone";
  EXPECT_EQ(listener_.hosts(), 1u);
}

TEST_F(ControlLinksTest, FirmwareOfEveryHbaReports) {
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  EXPECT_EQ(listener_.hosts(), 2u);
  EXPECT_EQ(listener_.devices(), 2 * kDevicesPerHost);
  EXPECT_EQ(listener_.discovery().front(), DiscoveryState::kInProgress);
  EXPECT_TRUE(links_->IsConnected(hosts_[0].key));
  EXPECT_EQ(KindOf(1), Kind::kConnected);
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d002").ok());
  EXPECT_TRUE(listener_.AwaitDevices(2 * kDevicesPerHost - 1));
}

TEST_F(ControlLinksTest, FollowingAgainChangesNothing) {
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  const size_t open = nodes_.open_descriptors();
  links_->Follow(hosts_);
  EXPECT_EQ(nodes_.open_descriptors(), open);
  EXPECT_EQ(KindOf(0), Kind::kConnected);
}

TEST_F(ControlLinksTest, RemovedHostIsReleased) {
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  links_->Follow({hosts_[1]});
  EXPECT_TRUE(listener_.AwaitDevices(kDevicesPerHost));
  EXPECT_FALSE(links_->IsConnected(hosts_[0].key));
  // The host gets a new link only after the old one has ended.
  EXPECT_TRUE(Await([&] {
    links_->Follow(hosts_);
    return links_->states().size() == 2;
  }));
  EXPECT_TRUE(listener_.AwaitDevices(2 * kDevicesPerHost));
}

TEST_F(ControlLinksTest, UnpluggedHbaIsRetriedUntilSysfsDropsIt) {
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  nodes_.Remove({kNode, 0});
  nodes_.Tick();
  EXPECT_TRUE(listener_.AwaitDevices(kDevicesPerHost));
  EXPECT_TRUE(Await([&] { return KindOf(0) == Kind::kFailed; }));
  EXPECT_THAT(std::string(links_->states()[0].error.message()), HasSubstr("gone"));
  EXPECT_EQ(KindOf(1), Kind::kConnected);
  links_->Follow({hosts_[1]});
  EXPECT_EQ(links_->states().size(), 1u);
}

TEST_F(ControlLinksTest, FailedOpenIsReportedAndRetried) {
  nodes_.FailOpen(kNode, EACCES);
  links_->Follow(hosts_);
  EXPECT_TRUE(Await([&] { return KindOf(0) == Kind::kFailed; }));
  EXPECT_EQ(links_->states()[0].error.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(listener_.hosts(), 0u);
  nodes_.FailOpen(kNode, 0);
  links_->Retry();
  EXPECT_TRUE(Await([&] { return KindOf(0) == Kind::kConnected; }));
}

TEST_F(ControlLinksTest, ReleasingClosesEveryNode) {
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  links_->Release();
  EXPECT_EQ(nodes_.open_descriptors(), 0u);
  EXPECT_EQ(listener_.devices(), 0u);
  EXPECT_EQ(listener_.hosts(), 0u);
  links_->Follow(hosts_);
  EXPECT_EQ(nodes_.open_descriptors(), 0u);
  EXPECT_EQ(KindOf(0), Kind::kReleased);
  // An HBA that was missing in between counts as new.
  links_->Follow({hosts_[0]});
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  EXPECT_EQ(listener_.devices(), kDevicesPerHost);
  links_->Retry();
  links_->Follow(hosts_);
  ASSERT_TRUE(links_->WaitIdle(kTimeout).ok());
  EXPECT_EQ(listener_.devices(), 2 * kDevicesPerHost);
}

TEST_F(ControlLinksTest, HbaOtherThanInSysfsIsRefused) {
  std::swap(hosts_[0].ctl.ioc_number, hosts_[1].ctl.ioc_number);
  links_->Follow({hosts_[0]});
  EXPECT_TRUE(Await([&] { return KindOf(0) == Kind::kFailed; }));
  EXPECT_THAT(std::string(links_->states()[0].error.message()),
              HasSubstr("mpt3ctl:1 is at 0000:11:00.0, not at 0000:10:00.0"));
  EXPECT_EQ(listener_.hosts(), 0u);
  EXPECT_EQ(listener_.devices(), 0u);
}

TEST_F(ControlLinksTest, LinkEndsWhileConnecting) {
  links_->Follow(hosts_);
  links_ = nullptr;
  EXPECT_EQ(nodes_.open_descriptors(), 0u);
  EXPECT_EQ(listener_.devices(), 0u);
}

}  // namespace
}  // namespace sasd
