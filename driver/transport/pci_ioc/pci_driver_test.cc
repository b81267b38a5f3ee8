// The project's driver, unchanged, on the transport: it must report what it reports on the
// in-process transport, whatever the IOC and its interrupts are, and survive what happens to a
// function.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one test's
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "driver/transport/pci_ioc/fake_pacer.h"
#include "driver/transport/pci_ioc/pci_ioc_transport.h"
#include "driver/transport/pci_ioc/system_interface.h"
#include "emulator/emulator.h"
#include "emulator/emulator_runner.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/fabric/shipped_fabrics.h"
#include "gtest/gtest.h"
#include "tests/support/observed_picture.h"

namespace sasd::pci_ioc {
namespace {

using emulator::Emulator;
using emulator::FabricSpec;
using emulator::FaultKind;
using emulator::MpiGeneration;

constexpr absl::Duration kTimeout = absl::Seconds(20);

emulator::pci::PciIdentity ChipOf(MpiGeneration generation, bool larger) {
  if (!larger || generation == MpiGeneration::k2_0) return emulator::pci::IdentityOf(generation);
  return generation == MpiGeneration::k2_6 ? emulator::pci::AeroIdentity()
                                           : emulator::pci::ManyVectorsIdentity();
}

// A machine with the virtual HBAs of a fabric in slots.
class Machine {
 public:
  // `larger`: chips with more reply queues and, of MPI 2.6, with atomic descriptors.
  explicit Machine(FabricSpec fabric, bool larger = false) {
    slots_.resize(fabric.hosts.size());
    emulator::EmulatorOptions options;
    options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t host) {
      slots_[host] = std::make_unique<FakeSlot>();
      return slots_[host]->Plug(hba, SystemClock(), ChipOf(fabric.hosts[host].generation, larger));
    };
    auto emulator = Emulator::Create(fabric, options, SystemClock());
    EXPECT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    runner_ = std::make_unique<emulator::EmulatorRunner>(*emulator_, SystemClock());
  }

  Emulator& emulator() { return *emulator_; }
  FakeSlot& slot(size_t host) { return *slots_[host]; }

 private:
  std::vector<std::unique_ptr<FakeSlot>> slots_;
  std::unique_ptr<Emulator> emulator_;
  std::unique_ptr<emulator::EmulatorRunner> runner_;
};

// A process that drives one HBA.
class Process {
 public:
  Process(FakeSlot& slot, FakeFrontEndBus::Options bus, PciIocOptions options) {
    auto made = std::make_unique<FakeFrontEndBus>(slot, std::move(bus));
    bus_ = made.get();
    options.on_gone = [this](const absl::Status& why) {
      absl::MutexLock lock(&mu_);
      why_gone_ = why;
      is_gone_ = true;
    };
    auto ioc = PciIocTransport::Create(std::move(made), SystemClock(), std::move(options));
    status_ = ioc.status();
    if (!ioc.ok()) return;
    ioc_ = *std::move(ioc);
    auto driver = HbaDriver::Start(*ioc_, SystemClock(), listener_);
    status_ = driver.status();
    if (driver.ok()) driver_ = *std::move(driver);
  }
  ~Process() { End(); }

  void End() {
    if (driver_ != nullptr) {
      driver_->Stop();
      EXPECT_EQ(driver_->live_objects(), 0u);
      EXPECT_EQ(driver_->stats().events_rejected, 0u);
    }
    if (ioc_ != nullptr) EXPECT_EQ(bus_->violations(), "");
    driver_.reset();
    ioc_.reset();
    bus_ = nullptr;
  }

  const absl::Status& status() const { return status_; }
  absl::Status Settle() {
    if (!status_.ok()) return status_;
    return driver_->WaitIdle(kTimeout);
  }
  // Waits until the driver has nothing to do any more, or its function is gone.
  void AwaitIdleOrGone() {
    bool idle = false;
    std::thread ender([this, &idle] {
      mu_.Lock();
      const auto over = [this, &idle]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return idle || is_gone_; };
      mu_.Await(absl::Condition(&over));
      const bool is_gone = is_gone_;
      mu_.Unlock();
      if (is_gone) driver_->Stop();  // ends WaitIdle()
    });
    EXPECT_TRUE(driver_->WaitIdle(kTimeout).ok());
    {
      absl::MutexLock lock(&mu_);
      idle = true;
    }
    ender.join();
  }
  ObservedPicture& listener() { return listener_; }
  PciIocTransport& ioc() { return *ioc_; }
  FakeFrontEndBus& bus() { return *bus_; }
  std::string State() {
    const PciIocStats stats = ioc_->stats();
    return absl::StrCat(
        Sizes(listener_.picture()), "; ", driver_->WaitIdle(absl::ZeroDuration()).ToString(), "; ",
        ioc_->requests_in_flight(), " requests in flight, ", stats.replies, " replies, ",
        stats.events, " events, ", stats.rejected, " rejected, ", stats.timeouts, " timeouts, ",
        stats.resets, " resets (", stats.last_reset, ")");
  }
  bool AwaitGone() {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&is_gone_), kTimeout);
  }
  absl::Status why_gone() {
    absl::MutexLock lock(&mu_);
    return why_gone_;
  }

 private:
  absl::Status status_;
  ObservedPicture listener_;
  FakeFrontEndBus* bus_ = nullptr;  // the transport's
  absl::Mutex mu_;
  bool is_gone_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status why_gone_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<PciIocTransport> ioc_;
  std::unique_ptr<HbaDriver> driver_;
};

FabricSpec SmallFabric(MpiGeneration generation = MpiGeneration::k2_6) {
  emulator::SyntheticFabricOptions options;
  options.expanders_per_host = 2;
  options.devices_per_expander = 4;
  FabricSpec fabric = emulator::SyntheticFabric(options);
  fabric.hosts[0].generation = generation;
  return fabric;
}
constexpr size_t kSmallDevices = 10;  // with the SES devices

void ExpectDmaWithinArenas(FakeSlot& slot) {
  const emulator::pci::DmaCounts counts = slot.front_end().dma_counts();
  EXPECT_EQ(counts.not_mapped, 0u);
  EXPECT_EQ(counts.not_bus_master, 0u);
}

bool IsBusMaster(FakeSlot& slot) {
  return (slot.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster) != 0;
}

// After an orderly end, the next driver finds an IOC that cannot write to memory.
void ExpectHandedBack(FakeSlot& slot) {
  EXPECT_EQ(slot.ioc_state(), mpi::IocState::kReady);
  EXPECT_FALSE(IsBusMaster(slot));
}

// ---------------------------------------------------------------- The same as in the process

struct Mode {
  const char* name;
  InterruptMode interrupts;
  size_t vectors;
  bool larger_chip = false;
};
constexpr Mode kModes[] = {{"MSI-X, 1 vector", InterruptMode::kMsix, 1},
                           {"MSI-X, 8 vectors", InterruptMode::kMsix, 8},
                           {"MSI-X, 16 vectors", InterruptMode::kMsix, 16, true},
                           {"INTx", InterruptMode::kIntx, 1},
                           {"polling", InterruptMode::kNone, 1}};

class SameObservationsTest
    : public ::testing::TestWithParam<std::tuple<std::string, MpiGeneration>> {
 protected:
  SameObservationsTest() {
    for (const emulator::ShippedFabric& shipped : emulator::ShippedFabrics()) {
      if (shipped.name != std::get<0>(GetParam())) continue;
      fabric_ = *emulator::ParseFabric(shipped.text, shipped.name);
    }
    for (auto& host : fabric_.hosts) host.generation = std::get<1>(GetParam());
  }

  FabricSpec fabric_;
};

// The whole table takes too long for every day: then 816 drives are asked once, without a
// sanitizer, and the processes of one generation die.
bool IsWhole() { return getenv("PCI_WHOLE_TABLE") != nullptr; }
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr bool kIsSlow = true;
#else
constexpr bool kIsSlow = false;
#endif

TEST_P(SameObservationsTest, InEveryInterruptMode) {
  const auto& [name, generation] = GetParam();
  if (!IsWhole() && name == "oak-816" && (kIsSlow || generation != MpiGeneration::k2_6)) {
    GTEST_SKIP() << "in the long test";
  }
  auto emulator = Emulator::Create(fabric_, {}, SystemClock());
  ASSERT_TRUE(emulator.ok()) << emulator.status();
  std::vector<Picture> expected;
  std::vector<transport::IocInfo> infos;
  for (size_t host = 0; host < (*emulator)->host_count(); ++host) {
    ObservedPicture listener;
    auto driver = HbaDriver::Start((*emulator)->transport(host), SystemClock(), listener);
    ASSERT_TRUE(driver.ok()) << driver.status();
    ASSERT_TRUE((*driver)->WaitIdle(kTimeout).ok());
    expected.push_back(listener.picture());
    infos.push_back((*emulator)->transport(host).Info());
    EXPECT_FALSE(expected.back().phys.empty());
  }
  for (const Mode& mode : kModes) {
    Machine machine(fabric_, mode.larger_chip);
    for (size_t host = 0; host < expected.size(); ++host) {
      SCOPED_TRACE(absl::StrCat(mode.name, ", host ", host));
      PciIocOptions options;
      options.info = infos[host];
      options.interrupts = mode.interrupts;
      options.vectors = mode.vectors;
      FakeFrontEndBus::Options bus;
      bus.max_vectors = mode.vectors;
      Process process(machine.slot(host), bus, options);
      ASSERT_TRUE(process.Settle().ok()) << process.status();
      const Picture picture = process.listener().picture();
      EXPECT_TRUE(picture == expected[host])
          << Sizes(picture) << "; in the process: " << Sizes(expected[host]);
      const PciIocStats stats = process.ioc().stats();
      const bool many = std::get<1>(GetParam()) != MpiGeneration::k2_0;
      EXPECT_EQ(stats.interrupts, mode.interrupts);
      EXPECT_EQ(stats.queues, many ? mode.vectors : 1u);
      EXPECT_EQ(stats.interrupts_taken > 0, mode.interrupts != InterruptMode::kNone);
      EXPECT_EQ(stats.rejected, 0u);
      EXPECT_EQ(stats.timeouts, 0u);
      EXPECT_EQ(stats.resets, 0u);
      process.End();
      ExpectHandedBack(machine.slot(host));
      ExpectDmaWithinArenas(machine.slot(host));
    }
  }
}

std::vector<std::string> FabricNames() {
  std::vector<std::string> names;
  for (const emulator::ShippedFabric& shipped : emulator::ShippedFabrics()) {
    names.emplace_back(shipped.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(ShippedFabrics, SameObservationsTest,
                         ::testing::Combine(::testing::ValuesIn(FabricNames()),
                                            ::testing::Values(MpiGeneration::k2_0,
                                                              MpiGeneration::k2_5,
                                                              MpiGeneration::k2_6)));

// ------------------------------------------------------------------------ What happens to an HBA

class PciDriverTest : public ::testing::Test {
 protected:
  void Start(MpiGeneration generation = MpiGeneration::k2_6, PciIocOptions options = {}) {
    machine_ = std::make_unique<Machine>(SmallFabric(generation));
    Restart(std::move(options));
    ASSERT_TRUE(process_->Settle().ok()) << process_->status();
    ASSERT_TRUE(process_->listener().AwaitDevices(kSmallDevices));
  }
  void Restart(PciIocOptions options = {}) {
    process_.reset();
    process_ = std::make_unique<Process>(slot(), FakeFrontEndBus::Options(), std::move(options));
  }
  void ExpectRecovered(uint32_t resets) {
    ASSERT_TRUE(process_->listener().AwaitReset(resets));
    ASSERT_EQ(process_->Settle(), absl::OkStatus());
    EXPECT_TRUE(process_->listener().AwaitDevices(kSmallDevices)) << process_->State();
    EXPECT_EQ(slot().ioc_state(), mpi::IocState::kOperational);
    EXPECT_TRUE(IsBusMaster(slot()));
  }

  FakeSlot& slot() { return machine_->slot(0); }
  emulator::VirtualFabric& fabric() { return machine_->emulator().fabric(); }

  std::unique_ptr<Machine> machine_;
  std::unique_ptr<Process> process_;
};

TEST_F(PciDriverTest, PullsAndInsertsAreReported) {
  for (const MpiGeneration generation : {MpiGeneration::k2_0, MpiGeneration::k2_6}) {
    process_.reset();
    Start(generation);
    ASSERT_TRUE(fabric().Pull("h0-x000-d002").ok());
    EXPECT_TRUE(process_->listener().AwaitDevices(kSmallDevices - 1)) << process_->State();
    ASSERT_TRUE(fabric().Insert("h0-x000-d002").ok());
    EXPECT_TRUE(process_->listener().AwaitDevices(kSmallDevices)) << process_->State();
    ASSERT_TRUE(fabric().SetExpander("h0-x001", false).ok());
    ASSERT_EQ(process_->Settle(), absl::OkStatus());
    EXPECT_TRUE(process_->listener().AwaitDevices(kSmallDevices / 2)) << process_->State();
    ASSERT_TRUE(fabric().SetExpander("h0-x001", true).ok());
    EXPECT_TRUE(process_->listener().AwaitDevices(kSmallDevices)) << process_->State();
    ASSERT_EQ(process_->Settle(), absl::OkStatus());
    EXPECT_EQ(process_->listener().resyncs(), 0);
    ExpectDmaWithinArenas(slot());
  }
}

TEST_F(PciDriverTest, AFaultIsNoticedAndRecovered) {
  Start(MpiGeneration::k2_5);
  const absl::Duration begin = SystemClock().Monotonic();
  ASSERT_TRUE(fabric().InjectFault("h0", FaultKind::kIocFault, 1, absl::Seconds(1)).ok());
  ExpectRecovered(1);
  EXPECT_LT(SystemClock().Monotonic() - begin, absl::Seconds(10));
  EXPECT_EQ(process_->ioc().stats().resets, 1u);
  EXPECT_NE(process_->ioc().stats().last_reset.find("code 0x5854"), std::string::npos);
  ExpectDmaWithinArenas(slot());
}

TEST_F(PciDriverTest, AResetByAnotherPathIsNoticed) {
  Start();
  slot().Write32(system_interface::kDoorbell, 0x40u << 24);  // a message unit reset
  ASSERT_EQ(slot().ioc_state(), mpi::IocState::kReady);
  ExpectRecovered(1);
  EXPECT_NE(process_->ioc().stats().last_reset.find("ready"), std::string::npos);
}

TEST_F(PciDriverTest, ABusMasterThatSomebodyTurnsOffIsNoticed) {
  Start();
  const uint32_t command = slot().ReadConfig(kPciCommand, 2);
  slot().WriteConfig(kPciCommand, command & ~kPciCommandBusMaster, 2);
  ExpectRecovered(1);
}

TEST_F(PciDriverTest, ResetOnRequestRenumbersAndRecovers) {
  Start();
  ASSERT_TRUE(process_->ioc().Reset().ok());
  ExpectRecovered(1);
  ExpectDmaWithinArenas(slot());
}

TEST_F(PciDriverTest, SurpriseRemovalEndsEverything) {
  Start();
  slot().Unplug();
  ASSERT_TRUE(process_->AwaitGone());
  EXPECT_TRUE(absl::IsNotFound(process_->why_gone())) << process_->why_gone();
  const Bytes frame = mpi::EncodeIocFactsRequest();
  transport::IocRequest request;
  request.frame = frame;
  EXPECT_TRUE(absl::IsFailedPrecondition(process_->ioc().Execute(request).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(process_->ioc().Reset()));
  process_->End();
}

TEST_F(PciDriverTest, TheSystemsRequestHandsTheIocBackWithinASecond) {
  Start();
  const absl::Duration begin = SystemClock().Monotonic();
  process_->bus().RequestRelease();
  ASSERT_TRUE(process_->AwaitGone());
  EXPECT_LT(SystemClock().Monotonic() - begin, absl::Seconds(1));
  EXPECT_TRUE(absl::IsCancelled(process_->why_gone()));
  ExpectHandedBack(slot());
  process_->End();
}

TEST_F(PciDriverTest, AnErrorOfTheFunctionEndsEverything) {
  Start();
  process_->bus().Fail(absl::UnavailableError("AER: uncorrectable"));
  ASSERT_TRUE(process_->AwaitGone());
  EXPECT_TRUE(absl::IsUnavailable(process_->why_gone()));
  process_->End();
}

// ------------------------------------------------------------------------------------- kill -9

// A process dies before each access of its start in turn. A drive is pulled
// after its death, and the next process settles. The dead one's memory is unmapped, and the kernel
// has turned bus master off: nothing is written to memory that is no longer anybody's.
class KillTest : public ::testing::TestWithParam<MpiGeneration> {
 protected:
  KillTest() : machine_(SmallFabric(GetParam())) { options_.pacer = &pacer_; }

  // Returns whether the process died, before its access `at`.
  bool Kill(uint64_t at) {
    FakeFrontEndBus::Options dies;
    dies.dies_before = at;
    dies.arena_address = 0x7F10000000 + 0x10000000 * (at % 3);  // not where the next one's is
    Process process(slot(), dies, options_);
    if (process.status().ok()) {
      // It dies while its drives are attached, or has reached its end before.
      process.AwaitIdleOrGone();
      if (!process.bus().dead()) process.bus().Fail(absl::InternalError("enough"));
      EXPECT_TRUE(process.AwaitGone());
    }
    const bool died = process.status().ok() ? process.bus().dead() : true;
    process.End();
    return died;
  }

  FakeSlot& slot() { return machine_.slot(0); }

  Machine machine_;
  QuickPacer pacer_;
  PciIocOptions options_;
};

TEST_P(KillTest, AtEveryStepOfTheStart) {
  if (!IsWhole() && GetParam() != MpiGeneration::k2_5) GTEST_SKIP() << "in the long test";
  uint64_t start = 0;
  {
    Process whole(slot(), {}, options_);
    ASSERT_TRUE(whole.Settle().ok()) << whole.status();
    start = whole.bus().accesses();
  }
  // Each access up to IOC INIT and to the first replies; then some of the many that are alike, or
  // all of them.
  int deaths = 0;
  for (uint64_t at = 1; at <= start; at += at < 250 || IsWhole() ? 1 : 41) {
    if (Kill(at)) ++deaths;
    ASSERT_FALSE(IsBusMaster(slot())) << at;
    ASSERT_TRUE(machine_.emulator().fabric().Pull("h0-x000-d001").ok());
    ASSERT_TRUE(machine_.emulator().fabric().Insert("h0-x000-d001").ok());
    // Some begin with what several dead ones have left.
    if (at % 3 == 0) continue;
    Process next(slot(), {}, options_);
    ASSERT_TRUE(next.Settle().ok()) << at << ": " << next.status();
    ASSERT_TRUE(next.listener().AwaitDevices(kSmallDevices)) << at << ": " << next.State();
    next.End();
    ASSERT_EQ(slot().front_end().dma_counts().not_mapped, 0u) << at;
    ExpectHandedBack(slot());
  }
  std::printf("%d processes of %d accesses died\n", deaths, static_cast<int>(start));
  EXPECT_GT(deaths, 200);
}

INSTANTIATE_TEST_SUITE_P(Generations, KillTest,
                         ::testing::Values(MpiGeneration::k2_0, MpiGeneration::k2_5));

}  // namespace
}  // namespace sasd::pci_ioc
