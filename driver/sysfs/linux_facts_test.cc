// Surprising facts about the SAS objects of Linux, one test for each. They were observed with Linux
// 6.1 and its mptsas, mpt3sas, sd and ses drivers, or come from the sources of other drivers.
#include <errno.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/sysfs_reader.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

namespace fs = std::filesystem;

// Records the names of the attributes read. Reads fail for the attributes that a test chooses.
class StubbornFileIo : public PosixFileIo {
 public:
  ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) override {
    names.insert(name);
    const auto it = failing.find(name);
    return it != failing.end() ? -it->second : PosixFileIo::ReadFile(at, name, buffer, size);
  }
  bool has_signatures() const override { return !signatures.empty(); }
  BlockSignature SignatureOf(absl::string_view device) override {
    const auto found = signatures.find(std::string(device));
    return found == signatures.end() ? BlockSignature() : found->second;
  }
  std::set<std::string> names;
  std::map<std::string, int> failing;                // by name: the errno
  std::map<std::string, BlockSignature> signatures;  // by `dev`
};

class LinuxFactsTest : public ::testing::Test {
 protected:
  void Write(const FakeHost& host) {
    root_ = testing::TempDir() + "/linux-facts";
    fs::remove_all(root_);
    ASSERT_TRUE(WriteFakeSysfs(root_, {host}).ok());
  }
  void Put(const std::string& path, const std::string& content) {
    std::ofstream(root_ + "/" + path, std::ios::binary) << content;
  }

  // All facts of one kind in the tree.
  template <typename Facts>
  std::vector<Facts> Read() {
    const auto readings = ReadTree(root_, io_);
    EXPECT_TRUE(readings.ok()) << readings.status();
    std::vector<Facts> all;
    for (const HostReading& reading : *readings) {
      for (const Observation& observation : reading.observations) {
        if (const auto* facts = std::get_if<Facts>(&observation)) all.push_back(*facts);
      }
    }
    return all;
  }

  std::string root_;
  StubbornFileIo io_;
};

constexpr char kHost[] = "devices/pci0000:00/0000:03:00.0/host5/";

// A read of enclosure_identifier makes mptsas send a request to the firmware.
TEST_F(LinuxFactsTest, EnclosureIdentifierOfMptsasIsNotRead) {
  FakeHost host = Machine();
  Write(host);
  Read<EndDeviceFacts>();
  EXPECT_EQ(io_.names.count("enclosure_identifier"), 1u);
  io_.names.clear();
  host.driver = "mptsas";
  Write(host);
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
  EXPECT_EQ(io_.names.count("enclosure_identifier"), 0u);
}

// An end device is in the classes sas_device and sas_end_device, an expander in sas_device and
// sas_expander, each under one name.
TEST_F(LinuxFactsTest, ObjectInTwoClassesIsFoundOnce) {
  Write(Machine());
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
  EXPECT_EQ(Read<ExpanderFacts>().size(), 1u);
}

TEST_F(LinuxFactsTest, MembersCountIfPortReportsNoPhys) {
  Write(Machine());
  Put(std::string(kHost) + "port-5:0/sas_port/port-5:0/num_phys", "0\n");
  for (const PortFacts& port : Read<PortFacts>()) {
    if (port.os_name == "port-5:0") {
      EXPECT_EQ(port.width, 2) << "its members count";
    }
  }
}

// Writing to `delete` removes the disk and leaves its end device.
TEST_F(LinuxFactsTest, EndDeviceMayHaveNoUnit) {
  FakeHost host = Machine();
  DriveOf(host, 1).units.clear();
  Write(host);
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
  EXPECT_EQ(Read<LogicalUnitFacts>().size(), 2u);
}

TEST_F(LinuxFactsTest, TreeWithoutSasClassHasNoHosts) {
  Write(Machine());
  fs::remove_all(root_ + "/class");
  fs::create_directories(root_ + "/class/block");
  EXPECT_TRUE(Read<HostFacts>().empty());
}

// end_device-H:E:N is the order of discovery.
TEST_F(LinuxFactsTest, EndDeviceNumberIsNotItsSlot) {
  FakeHost host = Machine();
  DriveOf(host, 0).enclosure = 0x5000CCAB03001100;
  DriveOf(host, 0).bay = 17;
  Write(host);
  const std::vector<EndDeviceFacts> devices = Read<EndDeviceFacts>();
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_EQ(devices[0].slot, 17);
  EXPECT_EQ(devices[1].slot, std::nullopt);
}

// mptsas: an HBA's phy reports the attached device's address. enclosure_identifier is 33 NULs, and
// bay_identifier is always 0. An unused phy has address 0.
TEST_F(LinuxFactsTest, MisleadingMptsasAttributesAreIgnored) {
  FakeHost host = Machine();
  host.driver = "mptsas";
  host.address = 0;
  host.phys = {{0, "3.0 Gbit"}, {1, "Link Rate failed"}};
  host.ports[0].phys = {0};
  DriveOf(host, 0).bay = 0;
  DriveOf(host, 0).enclosure = 1;  // makes the file that Put() overwrites
  Write(host);
  Put(std::string(kHost) + "phy-5:0/sas_phy/phy-5:0/sas_address", "0x5000ccab0300113f\n");
  Put(std::string(kHost) +
          "port-5:0/expander-5:0/port-5:0:0/end_device-5:0:0/sas_device/end_device-5:0:0/"
          "enclosure_identifier",
      std::string(33, '\0'));
  const std::vector<HostFacts> hosts = Read<HostFacts>();
  ASSERT_EQ(hosts.size(), 1u);
  EXPECT_EQ(hosts[0].key.address.value() >> 60, 3u) << "its own, not the expander's";
  const std::vector<EndDeviceFacts> devices = Read<EndDeviceFacts>();
  EXPECT_EQ(devices[0].enclosure, EnclosureKey());
  EXPECT_EQ(devices[0].slot, std::nullopt) << "a bay without an enclosure";
  for (const PhyFacts& phy : Read<PhyFacts>()) {
    if (phy.os_name == "phy-5:1") {
      EXPECT_EQ(phy.negotiated, LinkRate::kNegotiationFailed);
      EXPECT_EQ(phy.attached, SasAddress());
    }
  }
}

TEST_F(LinuxFactsTest, ExpanderTextsLoseTheirPadding) {
  FakeHost host = Machine();
  ExpanderOf(host).vendor = "LSI";
  ExpanderOf(host).product = "SAS2X36";
  Write(host);
  const std::vector<ExpanderFacts> expanders = Read<ExpanderFacts>();
  ASSERT_EQ(expanders.size(), 1u);
  EXPECT_EQ(expanders[0].vendor, "LSI");
  EXPECT_EQ(expanders[0].product, "SAS2X36");
}

// Under mpt3sas the attribute "level" is 1 for every expander.
TEST_F(LinuxFactsTest, ExpanderLevelIsItsDepth) {
  FakeHost host = Machine();
  FakeExpander below;
  below.name = "expander-5:1";
  below.address = 0x5000CCAB0300213F;
  FakePort port;
  port.name = "port-5:0:9";
  port.expander = {below};
  ExpanderOf(host).ports.push_back(port);
  Write(host);
  const std::vector<ExpanderFacts> expanders = Read<ExpanderFacts>();
  ASSERT_EQ(expanders.size(), 2u);
  EXPECT_EQ(expanders[0].level, 1);
  EXPECT_EQ(expanders[1].level, 2);
}

TEST_F(LinuxFactsTest, SlotNamesMayHaveBlanks) {
  FakeUnit services;
  services.type = 13;
  services.slots = {{"Slot 01", 1, "end_device-5:0:0"}, {"Slot 02", 2, ""}};
  FakeHost host = Machine();
  DriveOf(host, 2).enclosure = 0x5000CCAB03001100;
  DriveOf(host, 2).units = {services};
  Write(host);
  const std::vector<SlotFacts> slots = Read<SlotFacts>();
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[0].label, "Slot 01");
  EXPECT_EQ(Read<EndDeviceFacts>()[0].slot, 1) << "by the component's link";
}

// Some attributes fail (EINVAL, ENXIO) on some objects: an expander's bay and enclosure do.
TEST_F(LinuxFactsTest, FailingAttributeHidesNoObject) {
  FakeHost host = Machine();
  DriveOf(host, 0).enclosure = 0x5000CCAB03001100;
  DriveOf(host, 0).bay = 17;
  Write(host);
  io_.failing = {{"negotiated_linkrate", EINVAL},   {"vendor_id", EIO},
                 {"target_port_protocols", EINVAL}, {"bay_identifier", ENXIO},
                 {"enclosure_identifier", ENXIO},   {"wwid", ENXIO}};
  EXPECT_EQ(Read<PhyFacts>().size(), 5u);
  EXPECT_EQ(Read<ExpanderFacts>().size(), 1u);
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
  EXPECT_EQ(Read<LogicalUnitFacts>().size(), 3u);
}

// Costly attributes issue a command to a device. Misleading ones mean something else than their
// name says: an expander shows target 0, as the first device does.
TEST_F(LinuxFactsTest, CostlyAndMisleadingAttributesAreNotRead) {
  FakeUnit services;
  services.type = 13;
  services.slots = {{"Slot 01", 1, "end_device-5:0:0"}};
  FakeHost host = Machine();
  DriveOf(host, 2).enclosure = 0x5000CCAB03001100;
  DriveOf(host, 2).units = {services};
  Write(host);
  EXPECT_EQ(Read<SlotFacts>().size(), 1u);
  for (const char* name : {"scsi_target_id", "invalid_dword_count", "status", "fault", "locate",
                           "active", "power_status", "BRM_status"}) {
    EXPECT_EQ(io_.names.count(name), 0u) << name;
  }
}

// hostN, targets, sdX and sgN are assigned anew. The addresses identify the objects.
TEST_F(LinuxFactsTest, RenumberedObjectsKeepTheirKeys) {
  Write(Machine());
  const std::vector<EndDeviceFacts> before = Read<EndDeviceFacts>();
  FakeHost renumbered = Machine();
  for (int i : {0, 1, 2}) {
    DriveOf(renumbered, i).target = 10 + i;
    DriveOf(renumbered, i).units[0].block = std::string("sd") + "xyz"[i];
    DriveOf(renumbered, i).units[0].generic = std::string("sg") + "987"[i];
  }
  Write(renumbered);
  fs::rename(root_ + "/" + kHost, root_ + "/devices/pci0000:00/0000:03:00.0/host6");
  fs::rename(root_ + "/devices/pci0000:00/0000:03:00.0/host6/scsi_host/host5",
             root_ + "/devices/pci0000:00/0000:03:00.0/host6/scsi_host/host6");
  fs::remove(root_ + "/class/sas_host/host5");
  fs::create_symlink("../../devices/pci0000:00/0000:03:00.0/host6/sas_host/host6",
                     root_ + "/class/sas_host/host6");
  const std::vector<EndDeviceFacts> after = Read<EndDeviceFacts>();
  ASSERT_EQ(after.size(), 3u);
  for (size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i].key, before[i].key);
  const std::vector<HostFacts> hosts = Read<HostFacts>();
  ASSERT_EQ(hosts.size(), 1u);
  EXPECT_EQ(hosts[0].os_name, "host6");
  EXPECT_EQ(hosts[0].key, HostKey(SasAddress(Machine().address)));
}

TEST_F(LinuxFactsTest, EnclosureIsNotItsExpander) {
  FakeUnit services;
  services.type = 13;
  services.slots = {{"Slot 01", 1, ""}};
  FakeHost host = Machine();
  DriveOf(host, 2).enclosure = 0x500C04F2620EC000;
  DriveOf(host, 2).units = {services};
  Write(host);
  const std::vector<EnclosureFacts> enclosures = Read<EnclosureFacts>();
  ASSERT_EQ(enclosures.size(), 1u);
  EXPECT_EQ(enclosures[0].key, EnclosureKey(0x500C04F2620EC000));
  EXPECT_EQ(Read<ExpanderFacts>()[0].key.address, SasAddress(0x5000CCAB0300113F));
}

// The expander makes a SATA disk's address. The disk's own name is that of its unit.
TEST_F(LinuxFactsTest, SataDiskHasItsUnitsNameAsDeviceName) {
  FakeHost host = Machine();
  DriveOf(host, 1).address = 0x5000CCAB03001105;
  DriveOf(host, 1).target_protocols = "sata";
  Write(host);
  const std::vector<EndDeviceFacts> devices = Read<EndDeviceFacts>();
  EXPECT_EQ(devices[1].key.address, SasAddress(0x5000CCAB03001105));
  EXPECT_EQ(devices[1].device_name, SasAddress(0x5000C50000000110));
  EXPECT_EQ(devices[0].device_name, SasAddress()) << "a SAS drive's port has no name";
}

// The two disks share one name in /dev/disk/by-id.
TEST_F(LinuxFactsTest, TwoPathsToOneDriveAreTwoDevices) {
  FakeHost host = Machine();
  DriveOf(host, 1).units[0].wwid = DriveOf(host, 0).units[0].wwid;
  Write(host);
  const std::vector<LogicalUnitFacts> units = Read<LogicalUnitFacts>();
  ASSERT_EQ(units.size(), 3u);
  EXPECT_EQ(units[0].wwid, units[1].wwid);
  EXPECT_FALSE(units[0].device == units[1].device);
  EXPECT_NE(units[0].block_device, units[1].block_device);
}

// ----------------------------------------------------------------------- drivers of other hosts

// The phys exist but the ports count none of them. All objects are beneath scsi_host/hostN.
TEST_F(LinuxFactsTest, SmartpqiObjectsAreFoundBeneathScsiHost) {
  FakeHost host = Machine();
  host.driver = "smartpqi";
  host.board = host.firmware = "";
  Write(host);
  const std::string port = std::string(kHost) + "port-5:0";
  Put(port + "/sas_port/port-5:0/num_phys", "0\n");
  Put(std::string(kHost) + "scsi_host/host5/model", "SmartHBA 2100-8i8e\n");
  Put(std::string(kHost) + "scsi_host/host5/firmware_version", "4.11\n");
  for (int phy : {0, 1}) {
    ASSERT_TRUE(fs::remove(root_ + "/" + port + "/phy-5:" + std::to_string(phy)));
    ASSERT_TRUE(fs::remove(root_ + "/" + kHost + "phy-5:" + std::to_string(phy) + "/port"));
  }
  fs::rename(root_ + "/" + port, root_ + "/" + kHost + "scsi_host/host5/port-5:0");
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
  const std::vector<HostFacts> hosts = Read<HostFacts>();
  ASSERT_EQ(hosts.size(), 1u);
  EXPECT_EQ(hosts[0].board_name, "SmartHBA 2100-8i8e");
  EXPECT_EQ(hosts[0].firmware_version, "4.11");
}

// The drivers of libsas have neither host_sas_address nor device handles. The HBA's phys report the
// host's address.
TEST_F(LinuxFactsTest, LibsasHostHasItsPhysAddress) {
  for (const char* driver : {"hisi_sas_v3_hw", "pm80xx", "isci", "aic94xx", "mvsas"}) {
    FakeHost host = Machine();
    host.driver = driver;
    Write(host);
    ASSERT_TRUE(fs::remove(root_ + "/" + kHost + "scsi_host/host5/host_sas_address"));
    const std::vector<HostFacts> hosts = Read<HostFacts>();
    ASSERT_EQ(hosts.size(), 1u);
    EXPECT_EQ(hosts[0].key, HostKey(SasAddress(host.address))) << driver;
    EXPECT_EQ(hosts[0].driver_name, driver);
    const std::vector<EndDeviceFacts> devices = Read<EndDeviceFacts>();
    ASSERT_EQ(devices.size(), 3u);
    EXPECT_EQ(devices[0].handle, DevHandle());
  }
}

// libsas makes a port of an expander's phys towards its parent, and links it to the parent.
TEST_F(LinuxFactsTest, UpwardPortOfLibsasLeadsToParent) {
  FakeHost host = Machine();
  FakeExpander& expander = ExpanderOf(host);
  expander.phys.insert(expander.phys.end(), {{8, "12.0 Gbit"}, {9, "12.0 Gbit"}});
  FakePort upward;
  upward.name = "port-5:0:3";
  upward.phys = {8, 9};
  expander.ports.push_back(upward);
  Write(host);
  fs::create_symlink("../../..", root_ + "/" + kHost + "port-5:0/expander-5:0/port-5:0:3/host5");
  std::vector<SasAddress> upwards;
  for (const PortFacts& port : Read<PortFacts>()) {
    if (port.os_name == "port-5:0:3") upwards.push_back(port.key.attached);
  }
  EXPECT_EQ(upwards, std::vector<SasAddress>{SasAddress(host.address)});
  for (const PhyFacts& phy : Read<PhyFacts>()) {
    if (phy.os_name == "phy-5:0:8" || phy.os_name == "phy-5:0:9") {
      EXPECT_EQ(phy.attached, SasAddress(host.address)) << phy.os_name;
    }
  }
}

// As mpt3sas, except for the attribute of a device's handle, and a further link rate.
TEST_F(LinuxFactsTest, Mpi3mrHandleHasItsOwnAttribute) {
  FakeHost host = Machine();
  host.driver = "mpi3mr";
  host.phys[0].rate = "22.5 Gbit";
  Write(host);
  Put(std::string(kHost) +
          "port-5:0/expander-5:0/port-5:0:0/end_device-5:0:0/target5:0:0/5:0:0:0/device_handle",
      "0x0012\n");
  EXPECT_EQ(Read<EndDeviceFacts>()[0].handle, DevHandle(0x12));
  EXPECT_EQ(Read<PhyFacts>()[0].negotiated, LinkRate::k22_5Gbps);
}

// ZFS opens its disks without a holder. Only udev knows the pool.
TEST_F(LinuxFactsTest, ZfsPoolIsFoundByItsLabel) {
  Write(Machine());
  EXPECT_TRUE(Read<LogicalUnitFacts>()[0].holders.empty());
  EXPECT_EQ(io_.names.count("dev"), 0u) << "this tree has no signatures";
  io_.signatures = {{"8:0", {"zfs_member", "tank"}}, {"8:16", {"ext4", "home"}}};
  const std::vector<LogicalUnitFacts> units = Read<LogicalUnitFacts>();
  ASSERT_EQ(units[0].holders.size(), 1u);
  EXPECT_EQ(units[0].holders[0], (Holder{HolderKind::kZfs, "tank", ""}));
  EXPECT_TRUE(units[1].holders.empty()) << "a file system is not a holder";
}

}  // namespace
}  // namespace sasd::sysfs
