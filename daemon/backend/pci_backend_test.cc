#include "daemon/backend/pci_backend.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/registry/topology.h"
#include "driver/base/clock.h"
#include "driver/observation/key_table.h"
#include "driver/pci/fake_machine_files.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "emulator/emulator.h"
#include "emulator/emulator_runner.h"
#include "emulator/fabric/fabric_builder.h"
#include "gtest/gtest.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

constexpr char kAddress[] = "0000:03:00.0";
constexpr absl::Duration kLong = absl::Seconds(30);

// What the sources report. Thread-safe.
class Reports : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override {
    absl::MutexLock lock(&mu_);
    for (const Observation& observation : batch.observations) {
      if (std::holds_alternative<HostFacts>(observation)) {
        hosts_.insert(batch.host);
        driver_name_ = std::get<HostFacts>(observation).driver_name;
      }
      if (std::holds_alternative<HostGone>(observation)) hosts_.erase(batch.host);
    }
  }
  void SetPending(bool pending) override {
    absl::MutexLock lock(&mu_);
    pending_ = pending;
  }
  // Waits until so many hosts are reported.
  bool AwaitHosts(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto reached = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return hosts_.size() == count; };
    return mu_.AwaitWithTimeout(absl::Condition(&reached), kLong);
  }
  std::set<HostKey> hosts() {
    absl::MutexLock lock(&mu_);
    return hosts_;
  }
  bool AwaitPending(bool pending) {
    absl::MutexLock lock(&mu_);
    const auto reached = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return pending_ == pending; };
    return mu_.AwaitWithTimeout(absl::Condition(&reached), kLong);
  }
  std::string driver_name() {
    absl::MutexLock lock(&mu_);
    return driver_name_;
  }

 private:
  absl::Mutex mu_;
  std::set<HostKey> hosts_ ABSL_GUARDED_BY(mu_);
  std::string driver_name_ ABSL_GUARDED_BY(mu_);
  bool pending_ ABSL_GUARDED_BY(mu_) = false;
};

// sysfs of a machine where nothing happens.
class QuietBackend : public Backend {
 public:
  const std::string& description() const override { return description_; }
  absl::Status Rescan() override { return absl::OkStatus(); }
  absl::Status WaitIdle(absl::Duration) override { return absl::OkStatus(); }
  std::vector<DiagnosisCheck> Diagnose(const registry::Topology&) override {
    DiagnosisCheck virtual_machine, other;
    virtual_machine.subject = std::string("PCI ") + kAddress;
    virtual_machine.message = "belongs to a virtual machine";
    other.subject = "sysfs";
    return {virtual_machine, other};
  }

 private:
  const std::string description_ = "sysfs, live";
};

// A machine with one virtual HBA, whose driver the test decides.
class PciBackendTest : public ::testing::Test {
 protected:
  PciBackendTest()
      : files_(std::make_shared<pci::FakeMachineFiles>(std::string(::testing::TempDir()) +
                                                       "/pci_backend")) {
    spdlog::set_level(spdlog::level::off);
    files_->AddFunction(kAddress, "0x1000", "0x0097", "7");
    SetDriver("vfio-pci");
    emulator::SyntheticFabricOptions fabric;
    fabric.expanders_per_host = 1;
    fabric.devices_per_expander = 4;
    emulator::EmulatorOptions options;
    options.make_front_end = [this](emulator::VirtualHba& hba, uint32_t) {
      return slot_.Plug(hba, SystemClock(), emulator::MpiGeneration::k2_5);
    };
    auto emulator =
        emulator::Emulator::Create(emulator::SyntheticFabric(fabric), options, SystemClock());
    if (!emulator.ok()) abort();
    emulator_ = *std::move(emulator);
    runner_ = std::make_unique<emulator::EmulatorRunner>(*emulator_, SystemClock());
  }

  absl::Status Start(std::vector<std::string> addresses = {kAddress}) {
    PciBackendOptions options;
    options.addresses = std::move(addresses);
    options.files = files_;
    options.link.look = absl::Milliseconds(10);
    options.link.driver_of = [this](const std::string&) { return Driver(); };
    options.link.open = [this](const std::string& address) { return Open(address); };
    auto backend = StartPciBackend(
        std::move(options),
        [this](ObservationSink&) -> absl::StatusOr<std::unique_ptr<Backend>> {
          if (!of_sysfs_.empty()) keys_.SetHosts(of_sysfs_);
          return std::make_unique<QuietBackend>();
        },
        SystemClock(), reports_, keys_);
    if (!backend.ok()) return backend.status();
    backend_ = *std::move(backend);
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<pci_ioc::PciBus>> Open(const std::string& address) {
    const std::string driver = Driver();
    if (driver != "vfio-pci") {
      return absl::FailedPreconditionError(address + " is bound to " + driver);
    }
    absl::MutexLock lock(&mu_);
    auto bus =
        std::make_unique<pci_ioc::FakeFrontEndBus>(slot_, pci_ioc::FakeFrontEndBus::Options());
    bus_ = bus.get();
    return bus;
  }

  std::string Driver() {
    absl::MutexLock lock(&mu_);
    return driver_;
  }
  void SetDriver(const std::string& driver) {
    files_->Bind(kAddress, driver);
    absl::MutexLock lock(&mu_);
    driver_ = driver;
  }
  const std::shared_ptr<pci::FakeMachineFiles> files_;
  pci_ioc::FakeSlot slot_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<emulator::EmulatorRunner> runner_;
  KeyTable keys_;
  std::vector<PlacedHost> of_sysfs_;  // what the first scan of sysfs finds
  Reports reports_;
  absl::Mutex mu_;
  std::string driver_ ABSL_GUARDED_BY(mu_);
  pci_ioc::FakeFrontEndBus* bus_ ABSL_GUARDED_BY(mu_) = nullptr;  // the last one
  std::unique_ptr<Backend> backend_;
};

TEST_F(PciBackendTest, DrivesAnHbaBesideSysfs) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(reports_.AwaitHosts(1));
  EXPECT_EQ(reports_.driver_name(), "vfio-pci");
  EXPECT_TRUE(backend_->WaitIdle(kLong).ok());
  EXPECT_TRUE(reports_.AwaitPending(false));
  EXPECT_EQ(backend_->description(), "sysfs, live; PCI 0000:03:00.0");
  EXPECT_TRUE(backend_->undriven_hbas().empty());
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kOperational);
  backend_.reset();
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kReady);
  EXPECT_EQ(slot_.front_end().dma_counts().not_mapped, 0u);
  EXPECT_EQ(slot_.front_end().dma_counts().not_bus_master, 0u);
}

TEST_F(PciBackendTest, LetsGoWhenAskedAndTakesAgain) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(reports_.AwaitHosts(1));
  SetDriver("mpt3sas");  // an operator gives it back
  {
    absl::MutexLock lock(&mu_);
    bus_->RequestRelease();
  }
  ASSERT_TRUE(reports_.AwaitHosts(0));
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kReady);
  EXPECT_TRUE(backend_->undriven_hbas().empty());  // sysfs shows it
  SetDriver("vfio-pci");
  ASSERT_TRUE(reports_.AwaitHosts(1));
}

TEST_F(PciBackendTest, TwinInTheKernelsHandsTakesNoName) {
  const SasAddress address = emulator_->Truth(0).address;
  const PlacedHost ours{address, HostLocation::OfPci(kAddress)};
  const PlacedHost twin{address, HostLocation::OfPci("0000:04:00.0")};
  keys_.SetHosts({ours});  // as mpt3sas had it, before it was taken
  of_sysfs_ = {twin};      // came meanwhile
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(reports_.AwaitHosts(1));
  EXPECT_EQ(reports_.hosts(), std::set<HostKey>{HostKey(address)});
  EXPECT_EQ(keys_.KeyOf(twin), HostKey(address, twin.location));
  keys_.SetHosts({twin});  // a later scan
  EXPECT_EQ(keys_.KeyOf(twin), HostKey(address, twin.location));
  EXPECT_EQ(keys_.KeyOf(ours), HostKey(address));
  SetDriver("mpt3sas");
  {
    absl::MutexLock lock(&mu_);
    bus_->RequestRelease();
  }
  ASSERT_TRUE(reports_.AwaitHosts(0));
  keys_.SetHosts({twin, ours});  // given back
  EXPECT_EQ(keys_.KeyOf(twin), HostKey(address, twin.location));
  EXPECT_EQ(keys_.KeyOf(ours), HostKey(address));
}

TEST_F(PciBackendTest, AnHbaThatNobodyDrivesIsNamed) {
  SetDriver("pci-stub");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(backend_->WaitIdle(kLong).ok());  // settled: it is not there
  EXPECT_TRUE(reports_.AwaitPending(false));
  const auto undriven = backend_->undriven_hbas();
  ASSERT_EQ(undriven.size(), 1u);
  EXPECT_EQ(undriven[0].pci_address, kAddress);
  EXPECT_TRUE(undriven[0].present);
  EXPECT_EQ(undriven[0].reason, "0000:03:00.0 is bound to pci-stub");
}

TEST_F(PciBackendTest, TheDoctorExplainsInPlaceOfSysfs) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(backend_->WaitIdle(kLong).ok());
  const auto checks = backend_->Diagnose(registry::Topology(registry::Tables(), 0, ""));
  EXPECT_EQ(checks[0].subject, "sysfs");
  EXPECT_TRUE(absl::StrContains(checks[1].message, "sasd drives this SAS3008 itself, by vfio-pci"))
      << checks[1].message;
  EXPECT_TRUE(std::none_of(checks.begin(), checks.end(), [](const DiagnosisCheck& check) {
    return absl::StrContains(check.message, "virtual machine");
  }));
}

TEST_F(PciBackendTest, AnHbaThatIsPulledIsReportedAndComesBack) {
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(reports_.AwaitHosts(1));
  ASSERT_TRUE(backend_->WaitIdle(kLong).ok());
  {
    absl::MutexLock lock(&mu_);
    slot_.Unplug();
    bus_->Fail(absl::NotFoundError("it was removed"));
  }
  ASSERT_TRUE(reports_.AwaitHosts(0));
  slot_.Plug();
  ASSERT_TRUE(reports_.AwaitHosts(1));
}

TEST_F(PciBackendTest, WrongAddressesAreRefused) {
  EXPECT_EQ(Start({"03:00.0"}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Start({kAddress, kAddress}).message(), "--pci 0000:03:00.0 stands twice");
}

}  // namespace
}  // namespace sasd
