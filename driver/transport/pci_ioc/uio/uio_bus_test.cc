#include "driver/transport/pci_ioc/uio/uio_bus.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "driver/transport/pci_ioc/system/fake_pci_kernel.h"
#include "gtest/gtest.h"

namespace sasd::pci_ioc {
namespace {

using absl::StatusCode;

constexpr absl::Duration kNow = absl::ZeroDuration(), kLong = absl::Seconds(30);

class UioBusTest : public ::testing::Test {
 protected:
  UioBusTest() {
    kernel_.driver = "uio_pci_generic";
    kernel_.has_iommu = false;
  }
  void Open() {
    auto bus = UioBus::Open(kernel_, FakePciKernel::kAddress);
    ASSERT_TRUE(bus.ok()) << bus.status();
    bus_ = *std::move(bus);
  }
  void ExpectRefusal(StatusCode code, const std::string& words) {
    const size_t before = kernel_.open_files();
    const auto bus = UioBus::Open(kernel_, FakePciKernel::kAddress);
    EXPECT_EQ(bus.status().code(), code) << bus.status();
    EXPECT_TRUE(absl::StrContains(bus.status().message(), words)) << bus.status();
    EXPECT_EQ(kernel_.open_files(), before);
  }

  FakePciKernel kernel_;
  std::unique_ptr<UioBus> bus_;
};

TEST_F(UioBusTest, AnOpenBusDecodesAndIsNoBusMaster) {
  Open();
  EXPECT_EQ(bus_->function().device_id, 0x0097);
  EXPECT_EQ(kernel_.Config(4, 2) & 0x406, 0x402u);
  kernel_.bar()[4] = 9;
  EXPECT_EQ(bus_->Read32(4), 9u);
  bus_->Write32(4, 10);
  EXPECT_EQ(kernel_.bar()[4], 10);
  kernel_.SetDecoding(false);
  EXPECT_EQ(bus_->Read32(4), ~0u);
}

TEST_F(UioBusTest, TheEndTurnsBusMasterOffAndReleasesAll) {
  Open();
  ASSERT_TRUE(bus_->EnableInterrupts(InterruptMode::kIntx, 1).ok());
  bus_->WriteConfig(4, 0x6, 2);
  bus_.reset();
  EXPECT_FALSE(kernel_.bus_master());
  EXPECT_EQ(kernel_.Config(4, 2) & 0x400, 0x400u);
  EXPECT_EQ(kernel_.open_files(), 0u);
}

TEST_F(UioBusTest, TheArenaIsAHugePageAtItsPhysicalAddress) {
  Open();
  const auto arena = bus_->AllocateArena(1 << 20);
  ASSERT_TRUE(arena.ok()) << arena.status();
  EXPECT_EQ(arena->address, 0x40000000u);
  EXPECT_EQ(arena->bytes.size(), 2u << 20);
}

TEST_F(UioBusTest, WithoutAHugePageItNamesTheRemedy) {
  kernel_.free_huge_pages = 0;
  Open();
  const auto arena = bus_->AllocateArena(1 << 20);
  EXPECT_EQ(arena.status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(absl::StrContains(arena.status().message(), "sysctl vm.nr_hugepages"));
}

TEST_F(UioBusTest, HiddenOrScatteredFramesAreRefused) {
  kernel_.shows_frames = false;
  Open();
  EXPECT_EQ(bus_->AllocateArena(4096).status().code(), StatusCode::kPermissionDenied);
  kernel_.shows_frames = true;
  kernel_.frames_in_pieces = true;
  EXPECT_EQ(bus_->AllocateArena(4096).status().code(), StatusCode::kInternal);
}

TEST_F(UioBusTest, ALineThatStaysHighFiresAgainOnceRearmed) {
  Open();
  ASSERT_EQ(*bus_->EnableInterrupts(InterruptMode::kIntx, 8), 1u);
  kernel_.SetLine(true);
  EXPECT_TRUE(bus_->Wait(kLong).interrupt);
  EXPECT_FALSE(bus_->Wait(kNow).interrupt);
  bus_->RearmInterrupt();
  EXPECT_TRUE(bus_->Wait(kLong).interrupt);
  kernel_.SetLine(false);
  bus_->RearmInterrupt();
  EXPECT_FALSE(bus_->Wait(kNow).interrupt);
}

TEST_F(UioBusTest, OtherModesAreNamedOrPolled) {
  Open();
  EXPECT_EQ(bus_->EnableInterrupts(InterruptMode::kMsix, 1).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(*bus_->EnableInterrupts(InterruptMode::kNone, 1), 0u);
  bus_->Wake();
  EXPECT_TRUE(bus_->Wait(kLong).woken);
  kernel_.vectors[FakePciKernel::Index::kIntx] = 0;
  EXPECT_EQ(bus_->EnableInterrupts(InterruptMode::kIntx, 1).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_TRUE(bus_->error().ok());
}

// uio lets go of a function that is in use, and another driver may take it at once.
TEST_F(UioBusTest, AFunctionThatLostItsDriverIsNotTouchedAgain) {
  Open();
  bus_->WriteConfig(4, 0x6, 2);
  kernel_.Rebind("mpt3sas");
  EXPECT_TRUE(bus_->Wait(kLong).failed);
  EXPECT_EQ(bus_->error().code(), StatusCode::kNotFound);
  kernel_.bar()[0] = 1;
  EXPECT_EQ(bus_->Read32(0), ~0u);
  bus_->Write32(0, 5);
  bus_->Write64(0, 5);
  bus_->WriteConfig(4, 0x0, 2);
  EXPECT_EQ(kernel_.bar()[0], 1);
  EXPECT_TRUE(kernel_.bus_master());
}

TEST_F(UioBusTest, ASecondOwnerIsRefusedBeforeItOpensTheNode) {
  Open();
  bus_->WriteConfig(4, 0x6, 2);
  ExpectRefusal(StatusCode::kUnavailable, "a second sasd?");
  EXPECT_TRUE(kernel_.bus_master());  // the close of the node would have turned it off
}

TEST_F(UioBusTest, ATranslatingIommuIsRefused) {
  kernel_.has_iommu = true;
  ExpectRefusal(StatusCode::kFailedPrecondition, "use vfio-pci");
  kernel_.iommu_type = "identity\n";
  Open();
}

TEST_F(UioBusTest, ALockedDownKernelIsNamed) {
  kernel_.locked_down = true;
  ExpectRefusal(StatusCode::kPermissionDenied, "locked down");
}

TEST_F(UioBusTest, AFunctionOfAnotherDriverIsRefused) {
  kernel_.driver = "mpt3sas";
  ExpectRefusal(StatusCode::kFailedPrecondition, "is bound to mpt3sas");
}

}  // namespace
}  // namespace sasd::pci_ioc
