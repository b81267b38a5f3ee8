#include "daemon/hba/hba_binder.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "driver/pci/fake_machine_files.h"
#include "gtest/gtest.h"

namespace sasd::hba {
namespace {

using absl::StatusCode;
using Lines = std::vector<std::string>;

constexpr char kHba[] = "0000:03:00.0", kSecond[] = "0000:03:00.1";

class HbaBinderTest : public ::testing::Test {
 protected:
  HbaBinderTest() : machine_(std::string(::testing::TempDir()) + "/hba_machine") {
    machine_.AddFunction(kHba, "0x1000", "0x0097", "7");
    machine_.Bind(kHba, "mpt3sas");
    machine_.own_driver[kHba] = machine_.own_driver[kSecond] = "mpt3sas";
    machine_.AddDisk(kHba, "sda", "8:0");
  }
  void AddSecond(const std::string& group) {
    machine_.AddFunction(kSecond, "0x1000", "0x0097", group);
    machine_.Bind(kSecond, "mpt3sas");
  }
  absl::Status Load(const std::string& module) {
    loaded_.push_back(module);
    if (module == missing_module_) return absl::NotFoundError("modprobe " + module + " failed");
    machine_.Load(module == "vfio_pci" ? "vfio-pci" : module);
    return absl::OkStatus();
  }
  std::string printed() const { return absl::StrJoin(printed_, "\n"); }
  static HbaBinder::TakeOptions Uio() {
    HbaBinder::TakeOptions options;
    options.uio = true;
    return options;
  }
  // Expects a refusal that says so, and that nothing was written.
  void ExpectRefusal(const absl::Status& status, StatusCode code, const std::string& words) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), words)) << status;
    EXPECT_EQ(machine_.written, Lines{});
  }

  pci::FakeMachineFiles machine_;
  Lines loaded_, printed_;
  std::string missing_module_;
  HbaBinder binder_{machine_, [this](const std::string& module) { return Load(module); },
                    [this](const std::string& line) { printed_.push_back(line); }};
};

TEST_F(HbaBinderTest, TakesByOverrideAlone) {
  HbaBinder::TakeOptions options;
  options.group = 115;
  ASSERT_TRUE(binder_.Take({kHba}, options).ok());
  EXPECT_EQ(machine_.DriverOf(kHba), "vfio-pci");
  EXPECT_EQ(machine_.written, (Lines{"/sys/bus/pci/devices/0000:03:00.0/driver_override=vfio-pci",
                                     "/sys/bus/pci/drivers/mpt3sas/unbind=0000:03:00.0",
                                     "/sys/bus/pci/drivers_probe=0000:03:00.0"}));
  EXPECT_EQ(machine_.given, (Lines{"/dev/vfio/7 115 660"}));
  EXPECT_EQ(loaded_, (Lines{"vfio_pci", "vfio_iommu_type1"}));
  EXPECT_TRUE(absl::StrContains(printed(), "sasd drives it with --pci 0000:03:00.0"));
}

TEST_F(HbaBinderTest, TakingTwiceChangesNoDriver) {
  ASSERT_TRUE(binder_.Take({kHba}, {}).ok());
  machine_.written.clear();
  ASSERT_TRUE(binder_.Take({kHba}, {}).ok());
  EXPECT_EQ(machine_.written, Lines{});
}

TEST_F(HbaBinderTest, GivesBackToTheKernelsDriver) {
  ASSERT_TRUE(binder_.Take({kHba}, {}).ok());
  machine_.written.clear();
  ASSERT_TRUE(binder_.Give({kHba}).ok());
  EXPECT_EQ(machine_.DriverOf(kHba), "mpt3sas");
  EXPECT_EQ(machine_.written, (Lines{"/sys/bus/pci/drivers/vfio-pci/unbind=0000:03:00.0",
                                     "/sys/bus/pci/devices/0000:03:00.0/driver_override=",
                                     "/sys/bus/pci/drivers_probe=0000:03:00.0"}));
  machine_.written.clear();
  ASSERT_TRUE(binder_.Give({kHba}).ok());  // again
  EXPECT_EQ(machine_.written, Lines{});
}

TEST_F(HbaBinderTest, UsedDisksAreNamedAndNothingIsDone) {
  machine_.Put("/proc/1/mountinfo", "22 1 8:0 / /srv rw - ext4 /dev/sda rw\n");
  ExpectRefusal(binder_.Take({kHba}, {}), StatusCode::kFailedPrecondition,
                "in use:\n  sda: mounted on /srv\n");
  EXPECT_EQ(machine_.DriverOf(kHba), "mpt3sas");
}

TEST_F(HbaBinderTest, ManyUsersAreCounted) {
  for (int pid = 100; pid < 120; ++pid) {
    machine_.AddProcess(pid, "dd", "/dev/sda");
  }
  ExpectRefusal(binder_.Take({kHba}, {}), StatusCode::kFailedPrecondition, "and 8 more");
}

TEST_F(HbaBinderTest, OneHbaInUseKeepsAll) {
  AddSecond("8");
  machine_.AddDisk(kSecond, "sdb", "8:16");
  machine_.claimed = {"/dev/sdb"};
  ExpectRefusal(binder_.Take({kHba, kSecond}, {}), StatusCode::kFailedPrecondition,
                "disks of 0000:03:00.1 are in use");
}

TEST_F(HbaBinderTest, HbasOfOneGroupAreTakenTogether) {
  AddSecond("7");
  ExpectRefusal(binder_.Take({kHba}, {}), StatusCode::kFailedPrecondition,
                "cannot part 0000:03:00.0 from 0000:03:00.1 (mpt3sas)");
  ASSERT_TRUE(binder_.Take({kHba, kSecond}, {}).ok());
  EXPECT_EQ(machine_.DriverOf(kHba), "vfio-pci");
  EXPECT_EQ(machine_.DriverOf(kSecond), "vfio-pci");
}

TEST_F(HbaBinderTest, WhatIsNoHbaIsRefused) {
  machine_.AddFunction("0000:00:1f.2", "0x8086", "0xa282", "2");
  machine_.AddFunction("0000:05:00.0", "0x1000", "0x00b2", "9");
  ExpectRefusal(binder_.Take({"0000:00:1f.2"}, {}), StatusCode::kInvalidArgument, "is no HBA");
  ExpectRefusal(binder_.Take({"0000:09:00.0"}, {}), StatusCode::kInvalidArgument, "is no HBA");
  ExpectRefusal(binder_.Take({"0000:05:00.0"}, {}), StatusCode::kInvalidArgument, "PCIe switch");
  ExpectRefusal(binder_.Give({"0000:00:1f.2"}), StatusCode::kInvalidArgument, "is no HBA");
}

TEST_F(HbaBinderTest, WithoutIommuOnlyUioTakes) {
  machine_.Remove("/sys/bus/pci/devices/0000:03:00.0/iommu_group");
  ExpectRefusal(binder_.Take({kHba}, {}), StatusCode::kFailedPrecondition, "--uio takes the HBA");
  ASSERT_TRUE(binder_.Take({kHba}, Uio()).ok());
  EXPECT_EQ(machine_.DriverOf(kHba), "uio_pci_generic");
  EXPECT_EQ(loaded_, (Lines{"uio_pci_generic"}));
}

TEST_F(HbaBinderTest, UioIsRefusedWhereAnIommuTranslates) {
  ExpectRefusal(binder_.Take({kHba}, Uio()), StatusCode::kFailedPrecondition, "without --uio");
  machine_.Put("/sys/kernel/iommu_groups/7/type", "identity\n");
  EXPECT_TRUE(binder_.Take({kHba}, Uio()).ok());
}

TEST_F(HbaBinderTest, UioInUseIsNotGivenBack) {
  machine_.Remove("/sys/bus/pci/devices/0000:03:00.0/iommu_group");
  ASSERT_TRUE(binder_.Take({kHba}, Uio()).ok());
  machine_.written.clear();
  machine_.locked = {"/sys/bus/pci/devices/0000:03:00.0/config"};
  ExpectRefusal(binder_.Give({kHba}), StatusCode::kFailedPrecondition, "stop sasd first");
  machine_.locked.clear();
  EXPECT_TRUE(binder_.Give({kHba}).ok());
}

TEST_F(HbaBinderTest, AProbeThatFailsIsUndone) {
  AddSecond("7");
  machine_.refuses = {"vfio-pci"};
  const absl::Status status = binder_.Take({kHba, kSecond}, {});
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_TRUE(absl::StrContains(status.message(), "vfio-pci did not take 0000:03:00.0"));
  EXPECT_EQ(machine_.DriverOf(kHba), "mpt3sas");
  EXPECT_EQ(machine_.DriverOf(kSecond), "mpt3sas");
  EXPECT_EQ(machine_.Read("/sys/bus/pci/devices/0000:03:00.0/driver_override"), "(null)");
}

TEST_F(HbaBinderTest, AFailureOfTheSecondUndoesTheFirst) {
  AddSecond("7");
  machine_.Remove("/sys/bus/pci/drivers/mpt3sas/unbind");
  machine_.Remove("/sys/bus/pci/devices/0000:03:00.0/driver");  // the first needs no unbinding
  EXPECT_FALSE(binder_.Take({kHba, kSecond}, {}).ok());
  EXPECT_EQ(machine_.DriverOf(kHba), "mpt3sas");
  EXPECT_EQ(machine_.DriverOf(kSecond), "mpt3sas");
  EXPECT_EQ(machine_.Read("/sys/bus/pci/devices/0000:03:00.1/driver_override"), "(null)");
}

TEST_F(HbaBinderTest, AMissingModuleChangesNothing) {
  missing_module_ = "vfio_pci";
  ExpectRefusal(binder_.Take({kHba}, {}), StatusCode::kNotFound, "modprobe vfio_pci failed");
}

TEST_F(HbaBinderTest, AnotherDriversHbaIsNotGivenAway) {
  machine_.Bind(kHba, "pci-stub");
  ExpectRefusal(binder_.Give({kHba}), StatusCode::kFailedPrecondition, "bound to pci-stub");
}

TEST_F(HbaBinderTest, AnHbaThatNobodyTakesIsAnError) {
  ASSERT_TRUE(binder_.Take({kHba}, {}).ok());
  machine_.refuses = {"mpt3sas"};
  const absl::Status status = binder_.Give({kHba});
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_TRUE(absl::StrContains(status.message(), "no driver took")) << status;
}

TEST_F(HbaBinderTest, ARunningSasdWithLittleMemoryIsAWarning) {
  machine_.AddProcess(812, "sasd", "/dev/null");
  machine_.Put("/proc/812/limits",
               "Limit  Soft Limit  Hard Limit  Units\nMax locked memory  65536  65536  bytes\n");
  ASSERT_TRUE(binder_.Take({kHba}, {}).ok());
  EXPECT_TRUE(absl::StrContains(printed(), "sasd (pid 812) may lock 64 KiB, and 1 HBAs need 2048"))
      << printed();
}

TEST_F(HbaBinderTest, EnoughOrUnlimitedMemoryIsNone) {
  machine_.AddProcess(812, "sasd", "/dev/null");
  for (const char* limit : {"unlimited", "8388608"}) {
    machine_.Put("/proc/812/limits", absl::StrCat("Max locked memory   ", limit, "  x  bytes\n"));
    ASSERT_TRUE(binder_.Take({kHba}, {}).ok());
    EXPECT_FALSE(absl::StrContains(printed(), "warning")) << printed();
  }
}

TEST_F(HbaBinderTest, StatusExplainsWhatIsInTheWay) {
  machine_.Put("/proc/swaps", "/dev/sda partition\n");
  AddSecond("7");
  ASSERT_TRUE(binder_.ShowStatus({}).ok());
  EXPECT_EQ(printed_, (Lines{
                          "0000:03:00.0  SAS3008  mpt3sas",
                          "  IOMMU group 7, DMA-FQ",
                          "  the IOMMU cannot part it from 0000:03:00.1 (mpt3sas)",
                          "  reset methods of the kernel: flr bus",
                          "  in use: sda, swap space",
                          "0000:03:00.1  SAS3008  mpt3sas",
                          "  IOMMU group 7, DMA-FQ",
                          "  the IOMMU cannot part it from 0000:03:00.0 (mpt3sas)",
                          "  reset methods of the kernel: flr bus",
                          "  device nodes below it: 0, none in use",
                      }));
  EXPECT_EQ(machine_.written, Lines{});
}

TEST_F(HbaBinderTest, StatusOfAMachineWithoutHbas) {
  machine_.Remove("/sys/bus/pci/devices/0000:03:00.0");
  ASSERT_TRUE(binder_.ShowStatus({}).ok());
  EXPECT_EQ(printed(), "this machine has no HBA of MPI 2.x");
}

}  // namespace
}  // namespace sasd::hba
