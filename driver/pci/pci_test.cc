#include <string>
#include <vector>

#include "driver/pci/disk_users.h"
#include "driver/pci/fake_machine_files.h"
#include "driver/pci/hba_ids.h"
#include "driver/pci/pci_hbas.h"
#include "gtest/gtest.h"

namespace sasd::pci {
namespace {

constexpr char kHba[] = "0000:03:00.0", kOther[] = "0000:04:00.0";

class PciTest : public ::testing::Test {
 protected:
  PciTest() : machine_(std::string(::testing::TempDir()) + "/machine") {
    machine_.AddFunction(kHba, "0x1000", "0x0097", "7");
    machine_.AddFunction(kOther, "0x1000", "0x00ac", "8");
    machine_.AddFunction("0000:00:1f.2", "0x8086", "0xa282", "2");
    machine_.Bind(kHba, "mpt3sas");
    machine_.Bind("0000:00:1f.2", "ahci");
    machine_.AddDisk(kHba, "sda", "8:0");
    machine_.AddPartition(kHba, "sda", "sda1", "8:1");
    machine_.AddDisk(kHba, "sdaa", "65:160");
    machine_.AddDisk(kOther, "sdb", "8:16");
  }

  // "DEVICE: USE" of each user of kHba's disks.
  std::vector<std::string> Users() {
    std::vector<std::string> lines;
    for (const DiskUser& user : FindDiskUsers(machine_, kHba)) {
      lines.push_back(user.device + ": " + user.use);
    }
    return lines;
  }

  FakeMachineFiles machine_;
};

using Lines = std::vector<std::string>;

TEST(HbaIds, AreThoseOfMpt3sas) {
  EXPECT_EQ(HbaIds().size(), 52u);
  ASSERT_NE(FindHbaId(0x1000, 0x0072), nullptr);
  EXPECT_EQ(FindHbaId(0x1000, 0x0072)->chip, "SAS2008");
  EXPECT_TRUE(FindHbaId(0x1000, 0x00AC)->refusal.empty());
  EXPECT_EQ(FindHbaId(0x117C, 0x00E6)->chip, "SAS3816");
  EXPECT_FALSE(FindHbaId(0x1000, 0x00E7)->refusal.empty());  // tampered
  EXPECT_FALSE(FindHbaId(0x1000, 0x00B2)->refusal.empty());  // a switch
  EXPECT_EQ(FindHbaId(0x1000, 0x0058), nullptr);             // MPI 1: SAS1068
  EXPECT_EQ(FindHbaId(0x1000, 0x005D), nullptr);             // MegaRAID
}

TEST_F(PciTest, FindsHbasAndWhatBindsThem) {
  const auto hbas = FindHbas(machine_);
  ASSERT_EQ(hbas.size(), 2u);
  EXPECT_EQ(hbas[0].address, kHba);
  EXPECT_EQ(hbas[0].chip, "SAS3008");
  EXPECT_EQ(hbas[0].driver, "mpt3sas");
  EXPECT_EQ(hbas[0].driver_override, "");
  EXPECT_EQ(hbas[0].iommu_group, "7");
  EXPECT_EQ(hbas[0].iommu_type, "DMA-FQ");
  EXPECT_EQ(hbas[0].reset_methods, "flr bus");
  EXPECT_FALSE(hbas[0].is_taken());
  EXPECT_EQ(hbas[1].driver, "");
  EXPECT_FALSE(FindHba(machine_, "0000:00:1f.2").has_value());
  EXPECT_FALSE(FindHba(machine_, "0000:09:00.0").has_value());
  EXPECT_FALSE(FindHba(machine_, "../devices/0000:03:00.0").has_value());
}

TEST_F(PciTest, NeighboursAreFunctionsWithADriverThatDoesDma) {
  machine_.AddFunction("0000:02:00.0", "0x10b5", "0x8747", "7");
  machine_.Bind("0000:02:00.0", "pcieport");
  machine_.AddFunction("0000:03:00.1", "0x8086", "0x1533", "7");
  EXPECT_TRUE(FindHba(machine_, kHba)->neighbours.empty());
  machine_.Bind("0000:03:00.1", "igb");
  const auto hba = FindHba(machine_, kHba);
  ASSERT_EQ(hba->neighbours.size(), 1u);
  EXPECT_EQ(hba->neighbours[0].address, "0000:03:00.1");
  EXPECT_EQ(hba->neighbours[0].driver, "igb");
}

TEST_F(PciTest, DevicesOfAnotherHbaAreNotBelow) {
  machine_.Link("/sys/class/scsi_generic/sg0", "../../devices/pci0000:00/0000:03:00.0/host1/sg0");
  machine_.Link("/sys/class/scsi_tape/nst0", "../../devices/pci0000:00/0000:03:00.0/host1/nst0");
  EXPECT_EQ(DevicesBelow(machine_, kHba), (Lines{"sda", "sda1", "sdaa", "sg0", "nst0"}));
  EXPECT_EQ(DevicesBelow(machine_, kOther), (Lines{"sdb"}));
}

TEST_F(PciTest, UnusedDisksHaveNoUsers) {
  machine_.Put("/proc/1/mountinfo", "22 1 8:16 / /other rw - ext4 /dev/sdb rw\n");
  machine_.Put("/proc/swaps", "Filename\tType\tSize\n/dev/sdb2 partition 8\n");
  machine_.AddProcess(812, "smartd", "/dev/sdb");
  machine_.claimed = {"/dev/sdb"};
  EXPECT_EQ(Users(), Lines{});
}

TEST_F(PciTest, MountsAreFoundByNumberAndBySource) {
  machine_.Put("/proc/1/mountinfo",
               "22 1 8:1 / /srv/my\\040data rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
               "23 1 0:40 / /pool rw - btrfs /dev/sdaa rw\n"
               "24 1 8:1 / /srv/my\\040data rw - ext4 /dev/disk/by-id/x rw\n"
               "broken line\n");
  EXPECT_EQ(Users(), (Lines{"sda1: mounted on /srv/my data", "sdaa: mounted on /pool"}));
}

TEST_F(PciTest, SwapIsNamed) {
  machine_.Put("/proc/swaps", "Filename\t\tType\n/dev/sda1          partition\t8\t0\t-2\n");
  EXPECT_EQ(Users(), (Lines{"sda1: swap space"}));
}

TEST_F(PciTest, HoldersAreNamedAsPeopleKnowThem) {
  machine_.Put("/sys/class/block/sda1/holders/md127/x", "");
  machine_.Put("/sys/class/block/sdaa/holders/dm-0/x", "");
  machine_.Put("/sys/class/block/dm-0/dm/name", "mpatha\n");
  EXPECT_EQ(Users(), (Lines{"sda1: part of md127", "sdaa: part of dm-0 (mpatha)"}));
}

TEST_F(PciTest, AClaimWithoutAnotherTraceIsNamed) {
  machine_.claimed = {"/dev/sda", "/dev/sdaa"};
  machine_.Put("/run/udev/data/b8:1", "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n");
  EXPECT_EQ(Users(), (Lines{"sda: part of the ZFS pool tank",
                            "sdaa: claimed by the kernel (a mount of another namespace, or a "
                            "storage driver)"}));
}

// A claim of a partition claims its disk, too: that is one use.
TEST_F(PciTest, AMountedPartitionIsOneUse) {
  machine_.Put("/proc/1/mountinfo", "22 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n");
  machine_.claimed = {"/dev/sda"};
  EXPECT_EQ(Users(), (Lines{"sda1: mounted on /srv"}));
}

TEST_F(PciTest, ADiskIsNotExplainedByOneOfAnotherName) {
  machine_.AddPartition(kHba, "sdaa", "sdaa1", "65:161");
  machine_.Put("/proc/1/mountinfo", "22 1 65:161 / /srv rw - ext4 /dev/sdaa1 rw\n");
  machine_.claimed = {"/dev/sda", "/dev/sdaa"};
  machine_.Put("/run/udev/data/b65:161", "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n");
  const Lines users = Users();
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(users[0], "sdaa1: mounted on /srv");
  EXPECT_EQ(users[1].substr(0, 26), "sda: claimed by the kernel");
}

TEST_F(PciTest, OpenFilesNameTheProcess) {
  machine_.Link("/sys/class/scsi_generic/sg0", "../../devices/pci0000:00/0000:03:00.0/host1/sg0");
  machine_.AddProcess(812, "smartd", "/dev/sdaa");
  machine_.AddProcess(900, "sg_ses", "/dev/sg0");
  machine_.AddProcess(901, "cat", "/dev/null");
  EXPECT_EQ(Users(), (Lines{"sdaa: open in smartd (pid 812)", "sg0: open in sg_ses (pid 900)"}));
}

TEST(MachineFiles, MissingFilesAreEmpty) {
  MachineFiles files(std::string(::testing::TempDir()) + "/none");
  EXPECT_EQ(files.Read("/sys/x"), "");
  EXPECT_EQ(files.List("/sys"), Lines{});
  EXPECT_EQ(files.LinkOf("/sys/x"), "");
  EXPECT_FALSE(files.IsClaimed("/dev/sda"));
  EXPECT_FALSE(files.IsLocked("/dev/sda"));
  EXPECT_EQ(files.Write("/sys/x", "1").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sasd::pci
