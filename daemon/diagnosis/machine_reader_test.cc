#include "daemon/diagnosis/machine_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Uses trees of its own instead of /sys, /dev, /proc, /run and /etc.
class MachineReaderTest : public ::testing::Test {
 protected:
  MachineReaderTest() : root_(absl::StrCat(::testing::TempDir(), "/machine")) {
    fs::remove_all(root_);
    places_ = {root_ + "/sys", root_ + "/dev", root_ + "/proc", root_ + "/run", root_ + "/etc"};
    EXPECT_TRUE(sysfs::WriteFakeSysfs(places_.sysfs, {sysfs::Machine()}).ok());
  }

  void Write(const std::string& path, const std::string& text) {
    const fs::path whole = root_ + "/" + path;
    fs::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  void Folder(const std::string& path) { fs::create_directories(root_ + "/" + path); }
  void Link(const std::string& target, const std::string& path) {
    const fs::path whole = root_ + "/" + path;
    fs::create_directories(whole.parent_path());
    fs::create_symlink(target, whole);
  }

  void AddPciFunction(const std::string& address, const std::string& class_code,
                      const std::string& vendor, const std::string& driver) {
    const std::string function = "sys/devices/pci0000:00/" + address;
    Write(function + "/class", class_code + "\n");
    Write(function + "/vendor", vendor + "\n");
    Write(function + "/device", "0x0097\n");
    if (!driver.empty()) Link("../../../bus/pci/drivers/" + driver, function + "/driver");
    Link("../../../devices/pci0000:00/" + address, "sys/bus/pci/devices/" + address);
  }

  MachineFacts Read() { return ReadMachine(places_, io_); }

  const std::string root_;
  MachinePlaces places_;
  sysfs::PosixFileIo io_;
};

TEST_F(MachineReaderTest, ControllersAreFoundByPciClass) {
  AddPciFunction("0000:03:00.0", "0x010700", "0x1000", "mpt3sas");
  AddPciFunction("0000:04:00.0", "0x010700", "0x9005", "");
  AddPciFunction("0000:05:00.0", "0x010400", "0x1000", "megaraid_sas");
  AddPciFunction("0000:06:00.0", "0x010400", "0x103c", "hpsa");  // RAID counts only of vendor 1000
  AddPciFunction("0000:07:00.0", "0x020000", "0x8086", "e1000");
  const MachineFacts machine = Read();
  ASSERT_EQ(machine.controllers.size(), 3u);
  EXPECT_EQ(machine.controllers[0].address, "0000:03:00.0");
  EXPECT_EQ(machine.controllers[0].driver, "mpt3sas");
  EXPECT_EQ(machine.controllers[0].vendor, 0x1000);
  EXPECT_EQ(machine.controllers[0].device, 0x0097);
  EXPECT_EQ(machine.controllers[0].class_code, 0x0107);
  EXPECT_THAT(machine.controllers[1].driver, IsEmpty());
  EXPECT_EQ(machine.controllers[2].driver, "megaraid_sas");
}

TEST_F(MachineReaderTest, LoadedDriversAreFoundInSysfs) {
  MachineFacts machine = Read();
  EXPECT_TRUE(machine.sysfs.ok());
  EXPECT_THAT(machine.sas_hosts, ElementsAre("host5"));
  EXPECT_FALSE(machine.has_ses || machine.has_sg || machine.has_device_mapper || machine.has_udevd);
  Folder("sys/bus/scsi/drivers/ses");
  Folder("sys/class/scsi_generic");
  Folder("sys/devices/virtual/misc/device-mapper");
  Link("../../devices/x/enclosure/5:0:9:0", "sys/class/enclosure/5:0:9:0");
  Write("run/udev/control", "");
  machine = Read();
  EXPECT_TRUE(machine.has_ses && machine.has_sg && machine.has_device_mapper && machine.has_udevd);
  EXPECT_THAT(machine.enclosures, ElementsAre("5:0:9:0"));
}

// Byte 6, bit 6 of the INQUIRY data that the kernel keeps.
TEST_F(MachineReaderTest, SesDevicesShowDriverAndEncServ) {
  sysfs::FakeHost host = sysfs::Machine();
  sysfs::FakeUnit ses;
  ses.type = 13;
  sysfs::DriveOf(host, 1).units = {ses};
  fs::remove_all(places_.sysfs);
  ASSERT_TRUE(sysfs::WriteFakeSysfs(places_.sysfs, {host}).ok());
  const MachineFacts bare = Read();
  ASSERT_EQ(bare.ses_devices.size(), 1u);
  EXPECT_EQ(bare.ses_devices[0].scsi_address, "5:0:1:0");
  EXPECT_EQ(bare.ses_devices[0].driver, "");
  EXPECT_EQ(bare.ses_devices[0].enclosure_services, std::nullopt);

  const std::string folder =
      "sys/devices/pci0000:00/0000:03:00.0/host5/port-5:0/expander-5:0/port-5:0:1/"
      "end_device-5:0:1/target5:0:1/5:0:1:0/";
  Folder("sys/bus/scsi/drivers/ses");
  Link("../../../../../../../../../../../bus/scsi/drivers/ses", folder + "driver");
  Write(folder + "inquiry", std::string("\x0d\0\x07\x02\x3b\0\0\x02", 8));
  EXPECT_EQ(Read().ses_devices[0].driver, "ses");
  EXPECT_EQ(Read().ses_devices[0].enclosure_services, false);
  Write(folder + "inquiry", std::string("\x0d\0\x07\x02\x3b\0\x40\x02", 8));
  EXPECT_EQ(Read().ses_devices[0].enclosure_services, true);
}

TEST_F(MachineReaderTest, UnreadableSysfsLeavesOtherFacts) {
  fs::remove_all(places_.sysfs);
  const MachineFacts machine = Read();
  EXPECT_TRUE(absl::IsNotFound(machine.sysfs));
  EXPECT_EQ(machine.control_nodes.size(), 2u);
  EXPECT_GT(machine.process.open_files_limit, 0u);
}

TEST_F(MachineReaderTest, ControlNodeShowsModeOwnerAndNumber) {
  Write("dev/mpt3ctl", "");
  chmod((root_ + "/dev/mpt3ctl").c_str(), 0640);
  Write("etc/passwd",
        absl::StrCat("x:x:4711:1::/:/bin/sh\nalice:x:", geteuid(), ":1::/:/bin/sh\n"));
  Write("etc/group", absl::StrCat("storage:x:", getegid(), ":alice,bob\n"));
  Write("sys/devices/virtual/misc/mpt3ctl/dev", "10:222\n");
  Link("../../devices/virtual/misc/mpt3ctl", "sys/class/misc/mpt3ctl");
  const MachineFacts machine = Read();
  const ControlNodeFile* node = machine.ControlNode("/dev/mpt3ctl");
  ASSERT_NE(node, nullptr);
  EXPECT_TRUE(node->exists);
  EXPECT_TRUE(node->readable);
  EXPECT_EQ(node->mode, 0640u);
  EXPECT_EQ(node->owner, "alice");
  EXPECT_EQ(node->group, "storage");
  EXPECT_EQ(node->device_number, "10:222");
  EXPECT_EQ(machine.process.user, "alice");
  EXPECT_EQ(machine.process.group, "storage");
  node = machine.ControlNode("/dev/mpt2ctl");
  ASSERT_NE(node, nullptr);
  EXPECT_FALSE(node->exists);
  EXPECT_THAT(node->device_number, IsEmpty());
  EXPECT_EQ(machine.ControlNode("/dev/mpt4ctl"), nullptr);
}

TEST_F(MachineReaderTest, UnnamedUserIsShownAsNumber) {
  EXPECT_EQ(Read().process.user, absl::StrCat("uid ", geteuid()));
  Write("etc/passwd", "garbage\n::::\n");
  EXPECT_EQ(Read().process.user, absl::StrCat("uid ", geteuid()));
}

TEST_F(MachineReaderTest, ServiceIsRecognizedByControlGroup) {
  EXPECT_FALSE(Read().process.is_service);
  Write("proc/self/cgroup", "1:name=systemd:/x\n0::/system.slice/sasd.service\n");
  Write("sys/fs/cgroup/system.slice/sasd.service/memory.max", "max\n");
  EXPECT_TRUE(Read().process.is_service);
  EXPECT_EQ(Read().process.memory_limit_bytes, 0u);
  Write("sys/fs/cgroup/system.slice/sasd.service/memory.max", "104857600\n");
  Write("proc/self/statm", "50000 1000 800 1 0 400 0\n");
  EXPECT_EQ(Read().process.memory_limit_bytes, 104857600u);
  EXPECT_EQ(Read().process.memory_bytes, 1000u * static_cast<uint64_t>(getpagesize()));
}

TEST_F(MachineReaderTest, UserNamespaceIsRecognizedByItsMap) {
  EXPECT_FALSE(Read().process.user_namespace);
  Write("proc/self/uid_map", "         0          0 4294967295\n");
  EXPECT_FALSE(Read().process.user_namespace);
  Write("proc/self/uid_map", "         0       1000          1\n");
  EXPECT_TRUE(Read().process.user_namespace);
}

TEST_F(MachineReaderTest, OpenFilesAreCounted) {
  for (const char* fd : {"0", "1", "2"}) Write(absl::StrCat("proc/self/fd/", fd), "");
  EXPECT_EQ(Read().process.open_files, 3u);
}

// Reads the real machine.
TEST_F(MachineReaderTest, RealMachineCanBeRead) {
  const MachineFacts machine = ReadMachine(MachinePlaces(), io_);
  EXPECT_EQ(machine.process.pid, getpid());
  EXPECT_GT(machine.process.memory_bytes, 0u);
  EXPECT_GT(machine.process.open_files, 2u);
}

}  // namespace
}  // namespace sasd
