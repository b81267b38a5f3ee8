#include "daemon/diagnosis/pci_hba_check.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "daemon/diagnosis/check.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using Status = DiagnosisCheck::Status;

class PciHbaCheckTest : public ::testing::Test {
 protected:
  PciHbaCheckTest() {
    facts_.link.address = "0000:03:00.0";
    facts_.link.kind = PciLinkState::Kind::kConnected;
    facts_.link.interrupts = "MSI-X (1)";
    pci::PciHba hba;
    hba.address = facts_.link.address;
    hba.chip = "SAS3008";
    hba.driver = "vfio-pci";
    hba.iommu_group = "7";
    hba.iommu_type = "DMA-FQ";
    facts_.hba = hba;
    facts_.memlock_bytes = 8 << 20;
  }

  // The reasons of the checks that fail, in order.
  std::vector<std::string> Reasons() {
    std::vector<std::string> reasons;
    for (const DiagnosisCheck& check : CheckPciHba(facts_)) {
      EXPECT_EQ(check.subject, "PCI 0000:03:00.0");
      if (check.status != Status::kOk) reasons.push_back(check.reason);
    }
    return reasons;
  }
  DiagnosisCheck First() { return CheckPciHba(facts_).front(); }
  void Fail(const std::string& error) {
    facts_.link.kind = PciLinkState::Kind::kFailed;
    facts_.link.error = absl::FailedPreconditionError(error);
  }

  PciHbaFacts facts_;
};

using Texts = std::vector<std::string>;

TEST_F(PciHbaCheckTest, ADrivenHbaNamesItsWay) {
  EXPECT_EQ(Reasons(), Texts{});
  facts_.link.resets = 2;
  facts_.link.last_reset = "IOC fault 0x2622";
  EXPECT_EQ(First().message,
            "sasd drives this SAS3008 itself, by vfio-pci; interrupts: MSI-X (1); resets: 2 (IOC "
            "fault 0x2622); the firmware is the only source, and its disks are no block devices");
}

TEST_F(PciHbaCheckTest, AnHbaOfTheKernelNeedsTaking) {
  Fail("0000:03:00.0 is bound to mpt3sas");
  facts_.hba->driver = "mpt3sas";
  facts_.users = {{"sda1", "mounted on /srv"}};
  EXPECT_EQ(Reasons(), (Texts{"PCI_NOT_TAKEN", "PCI_DISKS_IN_USE"}));
  EXPECT_EQ(First().status, Status::kLimited);
  EXPECT_EQ(First().command, "sasd-hba take 0000:03:00.0");
}

TEST_F(PciHbaCheckTest, AFailureOfALentHbaIsBroken) {
  Fail("another process has 0000:03:00.0");
  EXPECT_EQ(Reasons(), (Texts{"PCI_NOT_DRIVEN"}));
  EXPECT_EQ(First().message, "sasd cannot drive it: another process has 0000:03:00.0");
}

TEST_F(PciHbaCheckTest, AnAddressWithoutAnHbaIsNamed) {
  facts_.hba.reset();
  Fail("there is no PCI function 0000:03:00.0");
  EXPECT_EQ(Reasons(), (Texts{"PCI_NO_HBA"}));
}

TEST_F(PciHbaCheckTest, GroupAndMemoryAreChecked) {
  Fail("x");
  facts_.hba->neighbours = {{"0000:03:00.1", "igb"}};
  facts_.memlock_bytes = 64 << 10;
  EXPECT_EQ(Reasons(), (Texts{"PCI_NOT_DRIVEN", "PCI_GROUP_NOT_VIABLE", "PCI_MEMLOCK"}));
}

TEST_F(PciHbaCheckTest, MemoryCountsForAllHbas) {
  facts_.hba_count = 4;
  EXPECT_EQ(Reasons(), Texts{});
  facts_.hba_count = 5;
  EXPECT_EQ(Reasons(), (Texts{"PCI_MEMLOCK"}));
}

TEST_F(PciHbaCheckTest, WithoutIommuNothingKeepsItsAccesses) {
  facts_.hba->driver = "uio_pci_generic";
  EXPECT_EQ(Reasons(), (Texts{"PCI_UIO"}));
  facts_.hba->iommu_group.clear();
  EXPECT_EQ(Reasons(), (Texts{"PCI_NO_IOMMU"}));
}

TEST_F(PciHbaCheckTest, AnHbaWithoutDriverOrOfAnotherKindIsNamed) {
  Fail("has no driver");
  facts_.hba->driver.clear();
  EXPECT_EQ(Reasons(), (Texts{"PCI_NOT_DRIVEN", "PCI_NO_DRIVER"}));
  facts_.hba->refusal = "it is a switch";
  EXPECT_EQ(Reasons(), (Texts{"PCI_NOT_DRIVEN", "PCI_NO_SAS_HBA"}));
}

}  // namespace
}  // namespace sasd
