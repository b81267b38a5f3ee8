// The doorbell and the resets, on the registers of the virtual HBA.
#include "driver/transport/pci_ioc/ioc_reset.h"

#include <map>
#include <memory>
#include <utility>

#include "driver/base/fake_clock.h"
#include "driver/transport/pci_ioc/doorbell_handshake.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "driver/transport/pci_ioc/fake_pacer.h"
#include "driver/transport/pci_ioc/system_interface.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "gtest/gtest.h"

namespace sasd::pci_ioc {
namespace {

namespace regs = system_interface;
using emulator::FaultKind;
using emulator::MpiGeneration;
using mpi::IocState;

class IocResetTest : public ::testing::Test {
 protected:
  void Start(MpiGeneration generation = MpiGeneration::k2_6) {
    emulator::SyntheticFabricOptions synthetic;
    synthetic.expanders_per_host = 1;
    synthetic.devices_per_expander = 2;
    emulator::FabricSpec fabric = emulator::SyntheticFabric(synthetic);
    fabric.hosts[0].generation = generation;
    emulator::EmulatorOptions options;
    options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t) {
      return slot_.Plug(hba, clock_, generation);
    };
    auto emulator = emulator::Emulator::Create(std::move(fabric), options, clock_);
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    OpenBus({});
  }

  void OpenBus(FakeFrontEndBus::Options options) {
    bus_.reset();
    bus_ = std::make_unique<FakeFrontEndBus>(slot_, std::move(options));
  }

  // What a driver does that then dies: the IOC operates, with queues that are nobody's.
  void Operate(uint16_t flags = 0) {
    mpi::IocInitRequest init;
    init.configuration_flags = flags;
    const auto reply = Handshake(*bus_, pacer_, mpi::EncodeIocInitRequest(init), absl::Seconds(30));
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(slot_.ioc_state(), IocState::kOperational);
  }

  void Fault() {
    ASSERT_TRUE(
        emulator_->fabric().InjectFault("h0", FaultKind::kIocFault, 1, absl::Seconds(1)).ok());
  }

  FakeClock clock_;
  FakePacer pacer_{clock_};
  FakeSlot slot_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<FakeFrontEndBus> bus_;
};

TEST_F(IocResetTest, FactsComeOverTheDoorbellInReadyAndOperational) {
  Start();
  for (int round = 0; round < 2; ++round) {
    const auto facts = ReadIocFacts(*bus_, pacer_);
    ASSERT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->message_version, 0x0206);
    EXPECT_EQ(facts->max_msix_vectors, 8);
    if (round == 0) Operate();
  }
  EXPECT_EQ(bus_->Read32(regs::kInterruptStatus) & regs::kDoorbellInterrupt, 0u);
}

TEST_F(IocResetTest, AReadyIocIsLeftAlone) {
  Start();
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kDiagnostic);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kNone);
  EXPECT_EQ(bus_->Read32(regs::kInterruptMask), regs::kMaskAll);
}

TEST_F(IocResetTest, AnOperatingIocGetsAMessageUnitReset) {
  Start();
  Operate();
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kMessageUnit);
  EXPECT_EQ(slot_.ioc_state(), IocState::kReady);
}

TEST_F(IocResetTest, ADiagnosticResetOnRequest) {
  Start();
  Operate();
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kDiagnostic);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kDiagnostic);
  EXPECT_EQ(slot_.ioc_state(), IocState::kReady);
  EXPECT_EQ(bus_->Read32(regs::kHostDiagnostic) & regs::kDiagnosticWriteEnable, 0u);
}

TEST_F(IocResetTest, AFaultEndsWithADiagnosticReset) {
  Start();
  Operate();
  Fault();
  EXPECT_EQ(ReadDoorbell(*bus_).state, IocState::kFault);
  const auto refused = Handshake(*bus_, pacer_, mpi::EncodeIocFactsRequest(), absl::Seconds(1));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted) << refused.status();
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kDiagnostic);
}

TEST_F(IocResetTest, ACoreDumpIsWaitedFor) {
  Start(MpiGeneration::k2_6);
  Operate(regs::kInitCoredumpEnable);
  Fault();
  ASSERT_EQ(slot_.ioc_state(), IocState::kCoredump);
  const absl::Duration begin = clock_.Monotonic();
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kDiagnostic);
  EXPECT_GE(clock_.Monotonic() - begin, emulator::pci::PciFrontEnd::kCoredumpTime);
}

TEST_F(IocResetTest, AHandshakeThatSomebodyLeftIsEnded) {
  Start();
  bus_->Write32(regs::kDoorbell, 0x42010000);  // announces a dword, and dies
  EXPECT_EQ(
      Handshake(*bus_, pacer_, mpi::EncodeIocFactsRequest(), absl::Seconds(1)).status().code(),
      absl::StatusCode::kFailedPrecondition);
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kDiagnostic);
  EXPECT_TRUE(ReadIocFacts(*bus_, pacer_).ok());
}

// A board that was just powered up, or left D3.
TEST_F(IocResetTest, AnIocInResetIsWaitedFor) {
  Start();
  const absl::Duration begin = clock_.Monotonic();
  FakeFrontEndBus::Options options;
  absl::Duration ready_after = absl::Seconds(9);
  options.on_read = [&](uint32_t offset, uint32_t value) {
    const bool in_reset = clock_.Monotonic() - begin < ready_after;
    return offset == regs::kDoorbell && in_reset ? 0x00001234 : value;
  };
  OpenBus(options);
  const auto left = MakeReady(*bus_, pacer_, ResetWish::kGentle);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_EQ(*left, ResetKind::kNone);
  // One that does not leave it gets a diagnostic reset.
  ready_after = clock_.Monotonic() - begin + absl::Seconds(11);
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kDiagnostic);
}

// Firmware that does not replay events would send none after a message unit reset.
TEST_F(IocResetTest, WithoutEventReplayTheResetIsDiagnostic) {
  Start();
  Operate();
  FakeFrontEndBus::Options options;
  // The facts come as the doorbell's data, 16 bits at a time.
  options.on_read = [](uint32_t offset, uint32_t value) {
    const bool is_data = offset == regs::kDoorbell && (value & regs::kDoorbellUsed) != 0;
    return is_data ? value & ~regs::kCapabilityEventReplay : value;
  };
  bool message_unit_reset = false;
  options.on_write = [&](uint32_t offset, uint64_t value, size_t) {
    message_unit_reset |= offset == regs::kDoorbell && value == uint64_t{0x40} << 24;
  };
  OpenBus(options);
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(*reset, ResetKind::kDiagnostic);
  EXPECT_FALSE(message_unit_reset);
}

// SAS3816 and SAS3916: a read of the doorbell may return 0 now and then.
TEST_F(IocResetTest, ADoorbellThatReadsAsZeroIsReadAgain) {
  Start();
  FakeFrontEndBus::Options options;
  int reads = 0;
  options.on_read = [&reads](uint32_t offset, uint32_t value) {
    return offset == regs::kDoorbell && ++reads % 30 != 0 ? 0 : value;
  };
  OpenBus(options);
  EXPECT_EQ(ReadDoorbell(*bus_).state, IocState::kReady);
  EXPECT_EQ(reads, 30);
}

TEST_F(IocResetTest, RefusedKeysAreTriedAgainAndAgain) {
  Start();
  Operate();
  FakeFrontEndBus::Options options;
  int refusals = 0, keys = 0;
  uint64_t diagnostic = 0;
  options.on_read = [&refusals](uint32_t offset, uint32_t value) {
    if (offset != regs::kHostDiagnostic) return value;
    return refusals-- > 0 ? value & ~regs::kDiagnosticWriteEnable : value | regs::kDiagnosticHold;
  };
  options.on_write = [&](uint32_t offset, uint64_t value, size_t) {
    keys += offset == regs::kWriteSequence && value == regs::kWriteKeys[1];
    if (offset == regs::kHostDiagnostic) diagnostic = value;
  };
  OpenBus(options);
  refusals = 19;
  const auto reset = MakeReady(*bus_, pacer_, ResetWish::kDiagnostic);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(keys, 20);
  EXPECT_EQ(diagnostic & regs::kDiagnosticHold, 0u);  // the processor runs again
  Operate();
  refusals = 20;
  const absl::Status refused = MakeReady(*bus_, pacer_, ResetWish::kDiagnostic).status();
  EXPECT_TRUE(absl::IsInternal(refused)) << refused;
}

TEST_F(IocResetTest, AllOnesAreAnErrorEverywhere) {
  Start();
  Operate();
  slot_.Unplug();
  EXPECT_TRUE(ReadDoorbell(*bus_).gone);
  EXPECT_TRUE(absl::IsUnavailable(MakeReady(*bus_, pacer_, ResetWish::kGentle).status()));
  EXPECT_TRUE(absl::IsUnavailable(ReadIocFacts(*bus_, pacer_).status()));
  EXPECT_TRUE(absl::IsUnavailable(
      RingDoorbell(*bus_, pacer_, mpi::Function::kMessageUnitReset, absl::Seconds(1))));
}

TEST_F(IocResetTest, RemovalAtEveryAccessOfAResetIsNoticed) {
  Start();
  uint64_t last = 0;
  for (uint64_t at = 1; at == 1 || at <= last; ++at) {
    OpenBus({});
    Operate();
    Fault();
    FakeFrontEndBus::Options options;
    uint64_t count = 0;
    options.on_access = [&] {
      if (++count == at) slot_.Unplug();
    };
    OpenBus(options);
    const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
    if (at == 1) {
      EXPECT_TRUE(absl::IsUnavailable(reset.status())) << reset.status();
      last = 400;  // more than it needs: the loop ends when all went well
    }
    slot_.Plug();
    bus_->Write32(regs::kWriteSequence, 0);
    if (reset.ok())
      last = at;
    else
      EXPECT_TRUE(absl::IsUnavailable(reset.status())) << at << ": " << reset.status();
    OpenBus({});
    const auto again = MakeReady(*bus_, pacer_, ResetWish::kGentle);
    ASSERT_TRUE(again.ok()) << at << ": " << again.status();
  }
  EXPECT_GT(last, 10u);
  EXPECT_LT(last, 400u);
}

// Registers that are stuck at any value end each wait by its timeout.
TEST_F(IocResetTest, StuckRegistersEndByTimeout) {
  for (const uint32_t stuck : {0u, 0x00000001u, 0x08000000u, 0x10000000u, 0x18000000u, 0x20000000u,
                               0x40002622u, 0x50000000u, 0x80000000u, 0xFFFFFFFEu}) {
    Start();
    FakeFrontEndBus::Options options;
    options.on_read = [stuck](uint32_t, uint32_t) { return stuck; };
    OpenBus(options);
    const absl::Duration begin = clock_.Monotonic();
    const auto reset = MakeReady(*bus_, pacer_, ResetWish::kGentle);
    EXPECT_EQ(reset.ok(), stuck == 0x10000000u) << stuck << ": " << reset.status();
    EXPECT_FALSE(ReadIocFacts(*bus_, pacer_).ok());
    EXPECT_LT(clock_.Monotonic() - begin, absl::Minutes(10)) << stuck;
    bus_.reset();
    emulator_.reset();
  }
}

TEST_F(IocResetTest, ACancelledPauseEndsTheReset) {
  Start();
  Operate();
  Fault();
  pacer_.on_pause = [] { return absl::CancelledError("enough"); };
  EXPECT_TRUE(absl::IsCancelled(MakeReady(*bus_, pacer_, ResetWish::kGentle).status()));
}

TEST_F(IocResetTest, RequestsThatDoNotFitTheDoorbellAreRefused) {
  Start();
  for (const size_t size : {size_t{0}, size_t{3}, size_t{1024}}) {
    EXPECT_EQ(Handshake(*bus_, pacer_, Bytes(size), absl::Seconds(1)).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace sasd::pci_ioc
