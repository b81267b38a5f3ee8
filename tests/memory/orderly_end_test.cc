// An orderly end of sasd is not a gap: what it keeps is what it would keep after kill -9, although
// every source ends. Firmware and sysfs of one HBA, with a real state directory.
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/resource_name.h"
#include "daemon/backend/linux_backend.h"
#include "daemon/daemon.h"
#include "driver/base/clock.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/fake_uevent_source.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"
#include "spdlog/spdlog.h"
#include "tests/support/fake_kernel.h"

namespace sasd {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAreArray;
using ::testing::MatchesRegex;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kNode[] = "/dev/mpt3ctl";

class Nowhere : public ObservationSink {
 public:
  void Observe(ObservationBatch) override {}
};

// The nodes of a kernel that outlives sasd.
class BorrowedNodes : public mpt3ctl::CtlNodes {
 public:
  explicit BorrowedNodes(mpt3ctl::CtlNodes& nodes) : nodes_(nodes) {}
  int Open(const char* path) override { return nodes_.Open(path); }
  int Ioctl(int descriptor, uint32_t number, MutableByteSpan argument) override {
    return nodes_.Ioctl(descriptor, number, argument);
  }
  int Poll(absl::Span<const int> descriptors, absl::Duration timeout) override {
    return nodes_.Poll(descriptors, timeout);
  }
  void Interrupt() override { nodes_.Interrupt(); }
  void Close(int descriptor) override { nodes_.Close(descriptor); }

 private:
  mpt3ctl::CtlNodes& nodes_;
};

// The HBA as sysfs shows it.
sysfs::FakeHost InSysfs(const emulator::HostTruth& truth, const std::string& pci) {
  const auto name = [](absl::string_view kind, size_t i) { return absl::StrCat(kind, "-5:0:", i); };
  sysfs::FakeExpander expander;
  expander.name = "expander-5:0";
  expander.address = truth.expanders[0].address.value();
  for (size_t i = 0; i < truth.devices.size(); ++i) {
    const emulator::TruthDevice& device = truth.devices[i];
    sysfs::FakeEndDevice drive;
    drive.name = name("end_device", i);
    drive.address = device.address.value();
    drive.enclosure = device.enclosure.value();
    drive.bay = device.slot;
    drive.target = static_cast<int>(i);
    sysfs::FakeUnit unit;
    unit.wwid = device.units[0].wwid;
    unit.serial = device.serial;
    unit.block = absl::StrCat("sd", std::string(1, static_cast<char>('a' + i)));
    drive.units = {unit};
    sysfs::FakePort port;
    port.name = name("port", i);
    port.phys = {device.parent_phy.value()};
    port.end_device = {drive};
    expander.phys.push_back({device.parent_phy.value(), "12.0 Gbit"});
    expander.ports.push_back(port);
  }
  sysfs::FakePort port;
  port.name = "port-5:0";
  sysfs::FakeHost host;
  for (const PhyId phy : truth.expanders[0].parent_phys) {
    port.phys.push_back(phy.value());
    host.phys.push_back({phy.value(), "12.0 Gbit"});
  }
  port.expander = {expander};
  host.number = 5;
  host.pci = pci;
  host.address = truth.address.value();
  host.ports = {port};
  return host;
}

class OrderlyEndTest : public ::testing::Test {
 protected:
  void SetUp() override {
    spdlog::default_logger();  // before any thread, as in control_links_test
    char folder[] = "/tmp/orderly-end-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    emulator::SyntheticFabricOptions options;
    options.expanders_per_host = 1;
    options.devices_per_expander = 4;
    options.ses = false;
    auto emulator =
        emulator::Emulator::Create(emulator::SyntheticFabric(options), {}, SystemClock());
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    mpt3ctl::CtlIocInfo info;
    info.pci_bus = 0x10;
    nodes_.Add({kNode, 0}, info);
    auto kernel = mpt3ctl::FakeKernel::Start(emulator_->transport(0), nodes_, {kNode, 0},
                                             SystemClock(), nowhere_);
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    kernel_ = *std::move(kernel);
    ASSERT_TRUE(kernel_->WaitIdle(kPatience).ok());
    ASSERT_TRUE(
        sysfs::WriteFakeSysfs(folder_ / "sys", {InSysfs(emulator_->Truth(0), info.PciAddress())})
            .ok());
    fs::create_directories(folder_ / "first");
  }
  void TearDown() override {
    daemon_.reset();
    fs::remove_all(folder_);
  }

  // Starts sasd on this state, and waits until it knows all.
  void Start(const std::string& state) {
    // The journal's mark in shared memory goes with the state.
    setenv("RUNTIME_DIRECTORY", (folder_ / state).c_str(), 1);
    DaemonOptions options;
    options.server.listen = {absl::StrCat("unix:", (folder_ / "s").string())};
    options.memory.directory = folder_ / state;
    options.boot_grace = absl::ZeroDuration();
    options.start_live = [this](Clock& clock, ObservationSink& sink, KeyAssignments& keys) {
      LinuxSeams seams;
      seams.uevents = std::make_unique<sysfs::FakeUeventSource>();
      seams.nodes = std::make_unique<BorrowedNodes>(nodes_);
      LinuxBackendOptions live;
      live.root = folder_ / "sys";
      live.keys = &keys;
      return StartLinuxBackend(live, std::move(seams), clock, sink);
    };
    auto daemon = Daemon::Start(options, SystemClock());
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
    ASSERT_TRUE(daemon_->backend().WaitIdle(kPatience).ok());
    const auto settled = daemon_->registry().WaitSettled({}, kPatience);
    ASSERT_TRUE(settled.ok()) << settled.status();
  }

  // What this run of sasd has reported so far: "CAUSE KIND name fields".
  std::vector<std::string> Changes() {
    std::vector<std::string> lines;
    const int64_t oldest = daemon_->log().oldest_revision();
    const auto history = daemon_->log().Read(oldest - 1, 1'000'000);
    EXPECT_TRUE(history.ok()) << history.status();
    if (!history.ok()) return lines;
    for (const watch::EncodedEventPtr& encoded : history->events) {
      sas::v1::Event event;
      std::string bytes(encoded->header());
      for (size_t i = 0; i < encoded->piece_count(); ++i) {
        absl::StrAppend(&bytes, encoded->piece_bytes(i));
      }
      EXPECT_TRUE(event.ParseFromString(bytes));
      for (const sas::v1::Change& change : event.changes()) {
        lines.push_back(absl::StrCat(sas::v1::CauseKind_Name(event.cause().kind()), " ",
                                     sas::v1::ChangeKind_Name(change.kind()), " ",
                                     client::NameOf(change.resource()), " ",
                                     absl::StrJoin(change.changed_fields().paths(), ",")));
      }
    }
    return lines;
  }

  fs::path folder_;
  Nowhere nowhere_;
  mpt3ctl::FakeCtlNodes nodes_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<mpt3ctl::FakeKernel> kernel_;
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(OrderlyEndTest, NextStartComparesAsAfterAKill) {
  Start("first");
  EXPECT_EQ(daemon_->registry().Snapshot()->collection<registry::LogicalUnit>().size(), 4u);
  // What a kill would leave.
  fs::copy(folder_ / "first", folder_ / "killed", fs::copy_options::recursive);
  daemon_.reset();

  Start("killed");
  const std::vector<std::string> after_kill = Changes();
  daemon_.reset();
  Start("first");
  EXPECT_THAT(Changes(), ElementsAreArray(after_kill));
  for (const std::string& line : after_kill) {
    EXPECT_THAT(line, MatchesRegex("CAUSE_KIND_RESTART .* hosts/[^/]* .*"))
        << "nothing has changed";
  }
}

// The process exits while the threads of the backend still run.
TEST_F(OrderlyEndTest, EndedDaemonTakesNoReport) {
  Start("first");
  const int64_t last = daemon_->registry().revision();
  daemon_->End();
  EXPECT_EQ(daemon_->registry().revision(), last);
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d002").ok());
  ASSERT_TRUE(kernel_->WaitIdle(kPatience).ok());
  ASSERT_TRUE(daemon_->backend().WaitIdle(kPatience).ok());
  daemon_->backend().Release();
  EXPECT_EQ(daemon_->registry().committed_revision(), last);
  daemon_->End();
  daemon_.reset();
}

// SIGUSR1: sasd goes on with less, and reports that.
TEST_F(OrderlyEndTest, ReleasedControlNodeIsReported) {
  Start("first");
  const int64_t last = daemon_->registry().revision();
  daemon_->backend().Release();
  ASSERT_TRUE(daemon_->registry().WaitForRevision(last + 1, kPatience).ok());
  const auto history = daemon_->log().Read(last, 1);
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->events.size(), 1u);
  EXPECT_EQ(history->events[0]->cause(), CauseKind::kSourceLost);
}

}  // namespace
}  // namespace sasd
