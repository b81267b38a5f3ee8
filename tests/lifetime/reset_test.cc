// Host resets: responding devices are matched again and do not flap; the others are removed after
// the walk.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/mpi/pages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lifetime/testbed.h"

namespace sasd::lifetime {
namespace {

using emulator::HeldMessage;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

using Lifetime = Testbed;

std::string UnitOf(const emulator::TruthDevice& device) { return "unit " + device.serial; }

// At each request of its handling in turn.
TEST_F(Lifetime, S07_ResetDuringAnEventEndsItOnce) {
  bool hit = true;
  for (int request = 0; hit; ++request) {
    SCOPED_TRACE(request);
    Create(SmallFabric());
    RunAll();
    ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
    RunAll();
    sink_->ClearRecords();
    ASSERT_TRUE(fabric().SetExpander(kExpander, true).ok());
    int left = request;
    hit = false;
    ioc_->SetFilter([&](const transport::IocRequest&, transport::IocReply&) {
      if (left-- != 0) return;
      hit = true;
      EXPECT_TRUE(fabric().ResetHost(host_id()).ok());
    });
    MustReturn("the reset waits for the event that is running", [this] { RunAll(); });
    ioc_->SetFilter(nullptr);
    EXPECT_THAT(Reported(drive_), Each(testing::Ne("gone")));
    EXPECT_EQ(Reported(drive_).front(), "discovered");
    EXPECT_THAT(Reported(drive_), Contains(UnitOf(drive_)));
    ExpectSettled();
  }
}

// The counterpart of "remove unresponding": the end of the walk. At each of the walk's requests in
// turn, and then between any two of its steps.
TEST_F(Lifetime, S08_SecondResetCancelsTheFirstWalk) {
  for (const bool between_steps : {false, true}) {
    bool hit = true;
    for (int at = 0; hit; ++at) {
      SCOPED_TRACE(at);
      Create(SmallFabric());
      RunAll();
      sink_->ClearRecords();
      transport().Hold();
      ASSERT_TRUE(fabric().ResetHost(host_id()).ok());
      ASSERT_TRUE(fabric().Pull(kDrive).ok());  // it does not respond
      transport().ReleaseAll();
      hit = false;
      int left = at;
      size_t reported = 0;
      const auto reset = [&] {
        if (left-- != 0) return;
        hit = true;
        reported = sink_->batches().size();
        EXPECT_TRUE(fabric().ResetHost(host_id()).ok());
      };
      if (!between_steps) {
        ioc_->SetFilter([&](const transport::IocRequest&, transport::IocReply&) { reset(); });
      }
      while (hba_->RunWorkerStep()) {
        if (between_steps) reset();
      }
      ioc_->SetFilter(nullptr);
      RunAll();
      EXPECT_THAT(Reported(other_), Each("attached")) << "it flaps";
      EXPECT_THAT(Reported(drive_), Contains("gone").Times(1));
      EXPECT_EQ(sink_->discovery().reset_count, hit ? 2u : 1u);
      const std::vector<ObservationBatch> batches = sink_->batches();
      for (size_t i = reported; hit && i < batches.size(); ++i) {
        for (const Observation& observation : batches[i].observations) {
          const auto* discovery = std::get_if<DiscoveryFacts>(&observation);
          if (discovery == nullptr) continue;
          EXPECT_EQ(discovery->reset_count, 2u) << "the end of the first recovery is reported";
        }
      }
      ExpectSettled();
    }
  }
}

// The worker itself resets the IOC while it handles an event, as an error handler does.
TEST_F(Lifetime, S09_ResetWithinAnEventDoesNotDeadlock) {
  RunAll();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunAll();
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  absl::Status reset = absl::UnknownError("not asked");
  ioc_->Before(mpi::Function::kConfig, [&] { reset = ioc_->Reset(); });
  MustReturn("the reset waits for the event that it came from", [this] { RunWorker(); });
  EXPECT_TRUE(reset.ok()) << reset;
  RunAll();
  EXPECT_EQ(hba_->arrival().epoch(), 1u);
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_), "gone",
                                            "discovered", "attached", UnitOf(drive_)));
  ExpectSettled();
}

TEST_F(Lifetime, S10_FaultDuringFirstScanRestartsIt) {
  CreateEmulator(SmallFabric());
  CreateHba();
  ASSERT_TRUE(hba_->Start().ok());
  while (devices().init_size() < 2) ASSERT_TRUE(hba_->RunWorkerStep());
  EXPECT_EQ(sink_->discovery().state, DiscoveryState::kInProgress);
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kIocFault).ok());
  EXPECT_FALSE(hba_->RunAttachStep()) << "its handle is void";
  RunAll();
  drive_ = Truth(kDrive);
  EXPECT_EQ(ioc_->CountOf(mpi::Function::kPortEnable), 2u);
  EXPECT_EQ(sink_->discovery().state, DiscoveryState::kSettled);
  EXPECT_EQ(sink_->discovery().reset_count, 1u);
  EXPECT_EQ(devices().init_size(), 0u);
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "discovered", "attached", UnitOf(drive_)))
      << "its new handle is reported";
  ExpectSettled();
}

TEST_F(Lifetime, S10_PortEnableBeforeAFaultIsIgnored) {
  CreateEmulator(SmallFabric());
  CreateHba();
  ioc_->Before(mpi::Function::kPortEnable, [this] { transport().Hold(); });
  ASSERT_TRUE(hba_->Start().ok());
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kIocFault).ok());
  for (const HeldMessage& message : transport().Held()) {
    if (message.kind == HeldMessage::Kind::kResetBegin)
      transport().Release(message.id).IgnoreError();
  }
  transport().ReleaseAll();
  RunAll();
  EXPECT_EQ(ioc_->CountOf(mpi::Function::kPortEnable), 2u);
  for (const ObservationBatch& batch : sink_->batches()) {
    EXPECT_THAT(batch.cause.text, testing::Not(HasSubstr("port enable: ")));
  }
  EXPECT_EQ(sink_->discovery().state, DiscoveryState::kSettled);
  ExpectSettled();
}

TEST_F(Lifetime, S30_ResetRemovesOnlyTheDeadDisk) {
  RunAll();
  const device::DeviceRef stays = devices().Find(KeyOf(other_));
  sink_->ClearRecords();
  transport().Hold();
  ASSERT_TRUE(fabric().ResetHost(host_id()).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  transport().ReleaseAll();
  RunAll();
  EXPECT_EQ(devices().Find(KeyOf(other_)), stays);
  EXPECT_THAT(Reported(other_), Each("attached"));
  EXPECT_THAT(sink_->Of(KeyOfExpander(kExpander)), Each("reported"));
  EXPECT_THAT(Reported(drive_), ElementsAre("gone"));
  // The beginning of the reset, and the end of the walk with all changes.
  EXPECT_EQ(BatchesOf(CauseKind::kHostReset), 2u);
  EXPECT_EQ(BatchesOf(CauseKind::kAttach), 0u);
  ExpectSettled();
}

// The other drive's page names a parent whose page cannot be read.
TEST_F(Lifetime, S31_WalkWithAFailedAddReportsItself) {
  constexpr uint16_t kUnreadable = 0x123;
  RunAll();
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  RunAll();
  sink_->ClearRecords();
  transport().SetRequestHook(
      mpi::Function::kConfig, [](ByteSpan frame) -> std::optional<mpi::IocStatus> {
        const auto config = mpi::DecodeConfigRequest(frame);
        const bool unreadable =
            config->page.ext_type == mpi::ExtPageType::kSasExpander &&
            config->address == mpi::page_address::Expander(DevHandle(kUnreadable));
        return unreadable ? std::optional(mpi::IocStatus::kInternalError) : std::nullopt;
      });
  const SasAddress failing = other_.address;
  ioc_->SetFilter([failing](const transport::IocRequest& request, transport::IocReply&) {
    const auto config = mpi::DecodeConfigRequest(request.frame);
    if (request.data_in.empty() || !config.ok()) return;
    if (config->page.ext_type != mpi::ExtPageType::kSasDevice) return;
    auto page = mpi::DecodeSasDevicePage0(request.data_in);
    if (!page.ok() || page->address != failing) return;
    page->parent_handle = DevHandle(kUnreadable);
    const Bytes bytes = mpi::EncodeSasDevicePage0(*page);
    std::copy(bytes.begin(), bytes.end(), request.data_in.begin());
  });
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventLost, 1).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  for (uint64_t walks = 1; walks <= 5; ++walks) {
    MustReturn("the walk does not end", [this] { RunAll(); });
    EXPECT_EQ(hba_->rescans(), walks);
    EXPECT_THAT(hba_->Unfinished(), "a walk to be tried again");
    EXPECT_THAT(Reported(other_), testing::IsEmpty());
    EXPECT_EQ(State(), DeviceState::kAttached);
    clock_.Advance(hba_->NextWorkerDue() - clock_.Monotonic());
  }
  const std::string text = sink_->batches().back().cause.text;
  EXPECT_THAT(text, HasSubstr("incomplete: "));
  EXPECT_THAT(text, HasSubstr("0x20000123"));
  EXPECT_THAT(Reported(drive_), testing::IsEmpty()) << "the other devices are not touched";
  transport().SetRequestHook(mpi::Function::kConfig, {});
  ioc_->SetFilter(nullptr);
  RunAll();
  EXPECT_THAT(Reported(other_), ElementsAre("discovered", "attached", UnitOf(other_)));
  ExpectSettled();
}

}  // namespace
}  // namespace sasd::lifetime
