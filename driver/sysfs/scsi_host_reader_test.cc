#include "driver/sysfs/scsi_host_reader.h"

#include <errno.h>

#include <filesystem>  // NOLINT: of C++17
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ScsiHostReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/scsi-hosts";
    fs::remove_all(root_);
    ASSERT_TRUE(WriteFakeSysfs(root_, {Machine(), OtherMachine()}).ok());
  }

  fs::path Path(const std::string& path) { return fs::path(root_) / path; }

  void Put(const std::string& path, const std::string& content) {
    fs::create_directories(Path(path).parent_path());
    std::ofstream(Path(path), std::ios::binary) << content;
  }

  // A host without SAS transport.
  void PutPlainHost(const std::string& name, const std::string& driver) {
    const std::string folder =
        absl::StrCat("devices/pci0000:00/0000:09:00.0/", name, "/scsi_host/", name);
    Put(absl::StrCat(folder, "/proc_name"), driver + "\n");
    fs::create_symlink("../../" + folder, Path("class/scsi_host/" + name));
  }

  // A SCSI device right beneath a host's folder.
  void PutDevice(const std::string& host_folder, const std::string& address,
                 const std::string& block) {
    const std::string folder =
        absl::StrCat(host_folder, "/target", address.substr(0, address.rfind(':')), "/", address);
    Put(folder + "/type", "0\n");
    Put(folder + "/vendor", "LSI     \n");
    Put(folder + "/model", "Logical Volume  \n");
    Put(folder + "/state", "running\n");
    Put(absl::StrCat(folder, "/block/", block, "/size"), "1000\n");
  }

  ScsiHosts Read() {
    const auto hosts = ReadScsiHosts(root_, io_);
    EXPECT_TRUE(hosts.ok()) << hosts.status();
    return hosts.ok() ? *hosts : ScsiHosts();
  }
  // Replaces the entry of host6.
  void LinkHost(const std::string& target) {
    fs::remove_all(Path("class/sas_host/host6"));
    fs::create_symlink(target, Path("class/sas_host/host6"));
  }

  std::string root_;
  PosixFileIo io_;
};

constexpr char kHost5[] = "devices/pci0000:00/0000:03:00.0/host5";
constexpr char kPlain[] = "devices/pci0000:00/0000:09:00.0/host12";

TEST_F(ScsiHostReaderTest, HostsWithoutAnythingElseAreNotListed) {
  EXPECT_THAT(Read().hosts, IsEmpty());
  EXPECT_THAT(Read().unreadable, IsEmpty());
}

TEST_F(ScsiHostReaderTest, VolumeIsADeviceOfItsSasHost) {
  PutDevice(kHost5, "5:1:0:0", "sdz");
  Put(absl::StrCat(kHost5, "/target5:1:0/5:1:0:0/raid_level"), "RAID 1\n");
  const ScsiHosts read = Read();
  ASSERT_EQ(read.hosts.size(), 1u);
  EXPECT_TRUE(read.hosts[0].has_sas_transport);
  EXPECT_EQ(read.hosts[0].os_name, "host5");
  ASSERT_EQ(read.hosts[0].devices.size(), 1u);
  const ScsiDevice& volume = read.hosts[0].devices[0];
  EXPECT_EQ(volume.facts.scsi_address, "5:1:0:0");
  EXPECT_EQ(volume.facts.block_device, "sdz");
  EXPECT_EQ(volume.facts.model, "Logical Volume");
  EXPECT_EQ(volume.facts.size_bytes, 512'000u);
  EXPECT_EQ(volume.raid_level, "RAID 1");
  EXPECT_EQ(volume.state, "running");
}

TEST_F(ScsiHostReaderTest, HostWithoutTransportIsListedWithAllItsDisks) {
  PutPlainHost("host12", "megaraid_sas");
  for (int i = 0; i < 12; ++i) {
    PutDevice(kPlain, absl::StrCat("12:2:", i, ":0"), absl::StrCat("sdq", i));
  }
  const ScsiHosts read = Read();
  ASSERT_EQ(read.hosts.size(), 1u);
  EXPECT_FALSE(read.hosts[0].has_sas_transport);
  EXPECT_EQ(read.hosts[0].driver_name, "megaraid_sas");
  EXPECT_EQ(read.hosts[0].pci_address, "0000:09:00.0");
  EXPECT_EQ(CountText(read.hosts[0]), "12 disks");
  EXPECT_EQ(read.hosts[0].devices[10].facts.scsi_address, "12:2:10:0") << "in natural order";
}

TEST_F(ScsiHostReaderTest, DesignatorOfAVolumeMayStandInUniqueId) {
  PutPlainHost("host12", "hpsa");
  PutDevice(kPlain, "12:1:0:0", "sdq");
  const std::string device = absl::StrCat(kPlain, "/target12:1:0/12:1:0:0/");
  Put(device + "unique_id", "600508B1001C0A0B0C0D0E0F10111213\n");
  EXPECT_EQ(Read().hosts[0].devices[0].facts.wwid, "naa.600508b1001c0a0b0c0d0e0f10111213");
  Put(device + "unique_id", "00000000000000000000000000000000\n");
  EXPECT_EQ(Read().hosts[0].devices[0].facts.wwid, "");
}

TEST_F(ScsiHostReaderTest, OneHostReadsAsAmongAll) {
  PutPlainHost("host12", "ahci");
  PutDevice(kPlain, "12:0:0:0", "sdq");
  const ScsiHosts all = Read();
  const auto one = ReadScsiHost(root_, "host12", io_);
  ASSERT_TRUE(one.ok() && one->has_value());
  EXPECT_EQ(**one, all.hosts[0]);
  EXPECT_EQ(*ReadScsiHost(root_, "host5", io_), std::nullopt) << "a SAS host without such devices";
  EXPECT_EQ(*ReadScsiHost(root_, "host77", io_), std::nullopt);
}

TEST_F(ScsiHostReaderTest, LinkThatLeadsNowhereNamesThePlace) {
  LinkHost("../../devices/pci0000:00/0000:99:00.0/host6/sas_host/host6");
  const ScsiHosts read = Read();
  ASSERT_EQ(read.unreadable.size(), 1u);
  EXPECT_EQ(read.unreadable[0].os_name, "host6");
  EXPECT_EQ(read.unreadable[0].path, "class/sas_host/host6");
  EXPECT_THAT(read.unreadable[0].reason, HasSubstr("leads nowhere"));
  EXPECT_THAT(read.unreadable[0].reason, HasSubstr("0000:99:00.0/host6"));
}

TEST_F(ScsiHostReaderTest, LinkOutOfSysfsIsNotFollowed) {
  for (const char* target : {"/etc", "../../../../../../etc/host6"}) {
    LinkHost(target);
    const ScsiHosts read = Read();
    ASSERT_EQ(read.unreadable.size(), 1u) << target;
    EXPECT_THAT(read.unreadable[0].reason, HasSubstr("leads out of sysfs"));
  }
}

TEST_F(ScsiHostReaderTest, LoopsAndForeignFoldersAreUnreadable) {
  LinkHost("host6");
  ASSERT_EQ(Read().unreadable.size(), 1u);
  EXPECT_THAT(Read().unreadable[0].reason, HasSubstr("no folder but a link"));
  LinkHost("../../devices/pci0000:00");
  ASSERT_EQ(Read().unreadable.size(), 1u);
  EXPECT_THAT(Read().unreadable[0].reason, HasSubstr("not in a folder of host6"));
  fs::remove(Path("class/sas_host/host6"));
  Put("class/sas_host/host6", "a file\n");
  ASSERT_EQ(Read().unreadable.size(), 1u);
  EXPECT_THAT(Read().unreadable[0].reason, HasSubstr("no link"));
}

// Removes the class' entry of host6 once its folder is asked for.
class Vanishing : public PosixFileIo {
 public:
  explicit Vanishing(fs::path entry) : entry_(std::move(entry)) {}
  int OpenDirectory(int at, const char* path) override {
    if (absl::string_view(path).find("host6") == absl::string_view::npos) {
      return PosixFileIo::OpenDirectory(at, path);
    }
    fs::remove(entry_);
    return -ENOENT;
  }

 private:
  const fs::path entry_;
};

TEST_F(ScsiHostReaderTest, HostThatLeavesMeanwhileIsNotUnreadable) {
  Vanishing io(Path("class/sas_host/host6"));
  const auto unreadable = ReadUnreadableHosts(root_, io);
  ASSERT_TRUE(unreadable.ok());
  EXPECT_THAT(*unreadable, IsEmpty());
}

class Exhausted : public PosixFileIo {
 public:
  int OpenDirectory(int at, const char* path) override {
    const bool is_host = absl::string_view(path).find("host6") != absl::string_view::npos;
    return is_host ? -EMFILE : PosixFileIo::OpenDirectory(at, path);
  }
};

TEST_F(ScsiHostReaderTest, LackOfDescriptorsIsAnErrorAndNoFinding) {
  Exhausted io;
  EXPECT_TRUE(absl::IsResourceExhausted(ReadUnreadableHosts(root_, io).status()));
}

TEST(ScsiHostTest, CountsDisksAndOthers) {
  ScsiHost host;
  EXPECT_EQ(CountText(host), "0 disks");
  host.devices.resize(2);
  host.devices[1].facts.peripheral_type = 13;
  EXPECT_EQ(CountText(host), "1 disk and 1 other device");
  host.devices.erase(host.devices.begin());
  EXPECT_EQ(CountText(host), "1 device");
  EXPECT_TRUE(DrivesSasHardware("hisi_sas_v3_hw"));
  EXPECT_TRUE(DrivesSasHardware("megaraid_sas"));
  EXPECT_FALSE(DrivesSasHardware("ahci"));
  EXPECT_FALSE(DrivesSasHardware(""));
}

}  // namespace
}  // namespace sasd::sysfs
