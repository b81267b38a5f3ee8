#include "driver/transport/pci_ioc/vfio/vfio_bus.h"

#include <memory>
#include <string>
#include <thread>  // NOLINT: one that wakes

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "driver/transport/pci_ioc/system/fake_pci_kernel.h"
#include "gtest/gtest.h"

namespace sasd::pci_ioc {
namespace {

using absl::StatusCode;

constexpr absl::Duration kNow = absl::ZeroDuration(), kLong = absl::Seconds(30);

class VfioBusTest : public ::testing::Test {
 protected:
  void Open() {
    auto bus = VfioBus::Open(kernel_, FakePciKernel::kAddress);
    ASSERT_TRUE(bus.ok()) << bus.status();
    bus_ = *std::move(bus);
  }
  // Expects that opening fails so, and leaves nothing open.
  void ExpectRefusal(StatusCode code, const std::string& words) {
    const size_t before = kernel_.open_files();
    const auto bus = VfioBus::Open(kernel_, FakePciKernel::kAddress);
    EXPECT_EQ(bus.status().code(), code) << bus.status();
    EXPECT_TRUE(absl::StrContains(bus.status().message(), words)) << bus.status();
    EXPECT_EQ(kernel_.open_files(), before);
  }

  FakePciKernel kernel_;
  std::unique_ptr<VfioBus> bus_;
};

TEST_F(VfioBusTest, AnOpenBusDecodesAndIsNoBusMaster) {
  ASSERT_TRUE(kernel_.bus_master());
  Open();
  EXPECT_EQ(bus_->function().address, "0000:03:00.0");
  EXPECT_EQ(bus_->function().vendor_id, 0x1000);
  EXPECT_EQ(bus_->function().device_id, 0x0097);
  EXPECT_EQ(bus_->function().subsystem_id, 0x30E0);
  EXPECT_EQ(bus_->function().revision, 2);
  EXPECT_EQ(kernel_.Config(4, 2) & 0x6, 0x2u);
  EXPECT_TRUE(bus_->error().ok());
  EXPECT_FALSE(bus_->ReleaseRequested());
}

TEST_F(VfioBusTest, RegistersAreThoseOfTheMemoryBar) {
  Open();
  kernel_.bar()[0] = 0x11;
  EXPECT_EQ(bus_->Read32(0), 0x11u);
  bus_->Write64(0xC0, 0x0102030405060708);
  EXPECT_EQ(kernel_.bar()[0xC0], 8);
  EXPECT_EQ(bus_->Read32(FakePciKernel::kBarSize), ~0u);
  kernel_.SetDecoding(false);
  EXPECT_EQ(bus_->Read32(0), ~0u);
  EXPECT_TRUE(bus_->error().ok());
}

TEST_F(VfioBusTest, ConfigurationSpaceBeyondItsEndReadsAsOnes) {
  Open();
  EXPECT_EQ(bus_->ReadConfig(0x08, 1), 2u);
  EXPECT_EQ(bus_->ReadConfig(0x100, 4), 0xFFFFFFFFu);
  EXPECT_EQ(bus_->ReadConfig(0x100, 2), 0xFFFFu);
  bus_->WriteConfig(4, 0x6, 2);
  EXPECT_TRUE(kernel_.bus_master());
}

TEST_F(VfioBusTest, TheEndTurnsBusMasterOffAndReleasesAll) {
  Open();
  ASSERT_TRUE(bus_->AllocateArena(1 << 20).ok());
  ASSERT_TRUE(bus_->EnableInterrupts(InterruptMode::kMsix, 8).ok());
  bus_->WriteConfig(4, 0x6, 2);
  bus_.reset();
  EXPECT_FALSE(kernel_.bus_master());
  EXPECT_EQ(kernel_.open_files(), 0u);
  EXPECT_TRUE(kernel_.mapped().empty());
  EXPECT_EQ(kernel_.vectors_enabled(), 0u);
}

TEST_F(VfioBusTest, TheArenaIsZeroedAndMappedBelowFourGib) {
  Open();
  const auto arena = bus_->AllocateArena(1'000'000);
  ASSERT_TRUE(arena.ok()) << arena.status();
  EXPECT_GE(arena->bytes.size(), 1'000'000u);
  EXPECT_EQ(arena->bytes.back(), 0);
  EXPECT_EQ(arena->address, 0x40000000u);
  EXPECT_EQ(kernel_.mapped().at(arena->address), arena->bytes.size());
  EXPECT_EQ(bus_->AllocateArena(4096).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(VfioBusTest, AnArenaOfAnotherSizeIsRefused) {
  Open();
  EXPECT_EQ(bus_->AllocateArena(0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(bus_->AllocateArena(PciBus::kMaxArena + 1).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(bus_->AllocateArena(PciBus::kMaxArena).ok());
}

TEST_F(VfioBusTest, TooLittleLockedMemoryNamesTheRemedy) {
  kernel_.memlock = 1 << 20;
  Open();
  const auto arena = bus_->AllocateArena(PciBus::kMaxArena);
  EXPECT_EQ(arena.status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(absl::StrContains(arena.status().message(), "RLIMIT_MEMLOCK is 1024 KiB"));
  EXPECT_TRUE(absl::StrContains(arena.status().message(), "LimitMEMLOCK=64M"));
  EXPECT_TRUE(bus_->AllocateArena(1 << 20).ok());
}

TEST(ChooseIova, KeepsToTheUsableRanges) {
  constexpr uint64_t kMiB = 1 << 20;
  const std::vector<IovaRange> usual = {{0, 0xFEDFFFFF}, {0xFEF00000, ~uint64_t{0} >> 16}};
  EXPECT_EQ(ChooseIova(usual, 2 * kMiB), 0x40000000u);
  EXPECT_EQ(ChooseIova({{0x50001000, 0x50FFFFFF}}, 2 * kMiB), 0x50200000u);
  EXPECT_EQ(ChooseIova({{0, 0x3FFFFFFF}}, 2 * kMiB), 2 * kMiB);
  EXPECT_EQ(ChooseIova({{0, 2 * kMiB}}, 2 * kMiB), std::nullopt);
  EXPECT_EQ(ChooseIova({{uint64_t{1} << 32, ~uint64_t{0}}}, 4096), std::nullopt);
  EXPECT_EQ(ChooseIova({{0xFFE00000, ~uint64_t{0}}}, 2 * kMiB), 0xFFE00000u);
  EXPECT_EQ(ChooseIova({{0xFFE00001, ~uint64_t{0}}}, 2 * kMiB), std::nullopt);
  EXPECT_EQ(ChooseIova({{5, 4}, {~uint64_t{0}, 0}}, 4096), std::nullopt);
  EXPECT_EQ(ChooseIova({}, 4096), std::nullopt);
}

TEST_F(VfioBusTest, EveryVectorInterrupts) {
  Open();
  const auto count = bus_->EnableInterrupts(InterruptMode::kMsix, 8);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 8u);
  EXPECT_FALSE(bus_->Wait(kNow).interrupt);
  for (size_t vector : {0, 7}) {
    kernel_.Interrupt(vector);
    EXPECT_TRUE(bus_->Wait(kLong).interrupt);
    EXPECT_FALSE(bus_->Wait(kNow).interrupt);
  }
  bus_->DisableInterrupts();
  EXPECT_EQ(kernel_.vectors_enabled(), 0u);
}

TEST_F(VfioBusTest, FewerVectorsAreTakenIfTheKernelHasFewer) {
  kernel_.free_msix_vectors = 3;
  Open();
  const auto count = bus_->EnableInterrupts(InterruptMode::kMsix, 8);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 3u);
  EXPECT_EQ(kernel_.vectors_enabled(), 3u);
}

TEST_F(VfioBusTest, ALineThatStaysHighFiresAgainOnceRearmed) {
  Open();
  ASSERT_EQ(*bus_->EnableInterrupts(InterruptMode::kIntx, 8), 1u);
  kernel_.SetLine(true);
  EXPECT_TRUE(bus_->Wait(kLong).interrupt);
  EXPECT_FALSE(bus_->Wait(kNow).interrupt);  // masked
  bus_->RearmInterrupt();
  EXPECT_TRUE(bus_->Wait(kLong).interrupt);
  kernel_.SetLine(false);
  bus_->RearmInterrupt();
  EXPECT_FALSE(bus_->Wait(kNow).interrupt);
}

TEST_F(VfioBusTest, AModeThatIsMissingIsNamed) {
  kernel_.vectors[FakePciKernel::Index::kMsix] = 0;
  Open();
  EXPECT_EQ(bus_->EnableInterrupts(InterruptMode::kMsix, 1).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(*bus_->EnableInterrupts(InterruptMode::kNone, 1), 0u);
  EXPECT_EQ(*bus_->EnableInterrupts(InterruptMode::kIntx, 1), 1u);
}

TEST_F(VfioBusTest, AWakeBeforeTheWaitEndsIt) {
  Open();
  bus_->Wake();
  EXPECT_TRUE(bus_->Wait(kLong).woken);
  EXPECT_FALSE(bus_->Wait(kNow).woken);
  std::thread waker([this] { bus_->Wake(); });
  EXPECT_TRUE(bus_->Wait(kLong).woken);
  waker.join();
}

TEST_F(VfioBusTest, ARequestForReleaseIsALevel) {
  Open();
  kernel_.RequestRelease();
  EXPECT_TRUE(bus_->ReleaseRequested());
  EXPECT_TRUE(bus_->Wait(kLong).release_requested);
  EXPECT_TRUE(bus_->Wait(kLong).release_requested);
  EXPECT_TRUE(bus_->error().ok());
}

TEST_F(VfioBusTest, AnUncorrectableErrorStays) {
  Open();
  kernel_.ReportError();
  EXPECT_TRUE(bus_->Wait(kLong).failed);
  EXPECT_TRUE(bus_->Wait(kLong).failed);
  EXPECT_EQ(bus_->error().code(), StatusCode::kUnavailable);
}

TEST_F(VfioBusTest, ASecondOwnerIsRefused) {
  Open();
  ExpectRefusal(StatusCode::kUnavailable, "a second sasd?");
}

TEST_F(VfioBusTest, AFunctionOfAnotherDriverIsRefused) {
  kernel_.driver = "mpt3sas";
  ExpectRefusal(StatusCode::kFailedPrecondition,
                "0000:03:00.0 is bound to mpt3sas; sasd needs vfio-pci: sasd-hba take");
  kernel_.driver = "";
  ExpectRefusal(StatusCode::kFailedPrecondition, "has no driver");
}

TEST_F(VfioBusTest, AWrongOrMissingAddressIsRefused) {
  EXPECT_EQ(VfioBus::Open(kernel_, "3:0.0").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(VfioBus::Open(kernel_, "0000:04:00.0").status().code(), StatusCode::kNotFound);
}

TEST_F(VfioBusTest, AMachineWithoutIommuIsRefused) {
  kernel_.has_iommu = false;
  ExpectRefusal(StatusCode::kFailedPrecondition, "has no IOMMU");
}

TEST_F(VfioBusTest, AGroupThatIsNotViableNamesItsNeighbours) {
  kernel_.viable = false;
  kernel_.neighbours = {
      {"0000:03:00.1", "ahci"}, {"0000:02:00.0", "vfio-pci"}, {"0000:01:00.0", "pcieport"}};
  ExpectRefusal(StatusCode::kFailedPrecondition, "from 0000:03:00.1 (ahci); take or unbind");
}

TEST_F(VfioBusTest, AMissingRightNamesTheCommand) {
  kernel_.may_open_group = false;
  ExpectRefusal(StatusCode::kPermissionDenied, "may not open /dev/vfio/7; run: sasd-hba take");
}

TEST_F(VfioBusTest, WithoutInterruptRemappingItSaysWhatToTrust) {
  kernel_.remaps_interrupts = false;
  ExpectRefusal(StatusCode::kFailedPrecondition, "allow_unsafe_interrupts");
  kernel_.type1 = false;
  ExpectRefusal(StatusCode::kFailedPrecondition, "modprobe vfio_iommu_type1");
}

}  // namespace
}  // namespace sasd::pci_ioc
