// What Linux shows of SAS as it really is: one test for each thing that is not as one would think,
// observed with Linux 6.1 and its mptsas, mpt3sas, sd and ses drivers.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "driver/linux/fake_machine.h"
#include "driver/linux/fake_sysfs.h"
#include "driver/linux/file_io.h"
#include "driver/linux/sysfs_reader.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

namespace fs = std::filesystem;

// Remembers the names of the files that were read.
class ReadNames : public PosixFileIo {
 public:
  ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) override {
    names.insert(name);
    return PosixFileIo::ReadFile(at, name, buffer, size);
  }
  std::set<std::string> names;
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

  // All facts of one kind that the tree tells.
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
  ReadNames io_;
};

constexpr char kHost[] = "devices/pci0000:00/0000:03:00.0/host5/";

// To read enclosure_identifier makes mptsas ask the firmware.
TEST_F(LinuxFactsTest, MptsasIsNotAskedForEnclosures) {
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

// An end device stands in sas_device and in sas_end_device, an expander in sas_device and in
// sas_expander, each under one name.
TEST_F(LinuxFactsTest, WhatStandsInTwoClassesIsOneObject) {
  Write(Machine());
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
  EXPECT_EQ(Read<ExpanderFacts>().size(), 1u);
}

TEST_F(LinuxFactsTest, APortMayCountNoPhysYet) {
  Write(Machine());
  Put(std::string(kHost) + "port-5:0/sas_port/port-5:0/num_phys", "0\n");
  for (const PortFacts& port : Read<PortFacts>()) {
    if (port.os_name == "port-5:0") {
      EXPECT_EQ(port.width, 2) << "its members count";
    }
  }
}

// Writing to `delete` removes the disk and leaves its end device.
TEST_F(LinuxFactsTest, AnEndDeviceMayBeChildless) {
  FakeHost host = Machine();
  DriveOf(host, 1).units.clear();
  Write(host);
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
  EXPECT_EQ(Read<LogicalUnitFacts>().size(), 2u);
}

TEST_F(LinuxFactsTest, WithoutADriverThereIsNoClass) {
  Write(Machine());
  fs::remove_all(root_ + "/class");
  fs::create_directories(root_ + "/class/block");
  EXPECT_TRUE(Read<HostFacts>().empty());
}

// end_device-H:E:N is the order of discovery.
TEST_F(LinuxFactsTest, AnEndDevicesNumberIsNoSlot) {
  FakeHost host = Machine();
  DriveOf(host, 0).enclosure = 0x5000CCAB03001100;
  DriveOf(host, 0).bay = 17;
  Write(host);
  const std::vector<EndDeviceFacts> devices = Read<EndDeviceFacts>();
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_EQ(devices[0].slot, 17);
  EXPECT_EQ(devices[1].slot, std::nullopt);
}

// mptsas: an HBA's phy tells the attached device's address; enclosure_identifier is 33 NULs and
// bay_identifier always 0; an unused phy has address 0.
TEST_F(LinuxFactsTest, MptsasTellsOtherThings) {
  FakeHost host = Machine();
  host.driver = "mptsas";
  host.address = 0;
  host.phys = {{0, "3.0 Gbit"}, {1, "Link Rate failed"}};
  host.ports[0].phys = {0};
  DriveOf(host, 0).bay = 0;
  DriveOf(host, 0).enclosure = 1;  // so that there is a file to overwrite
  Write(host);
  Put(std::string(kHost) + "phy-5:0/sas_phy/phy-5:0/sas_address", "0x5000ccab0300113f\n");
  Put(std::string(kHost) +
          "port-5:0/expander-5:0/port-5:0:0/end_device-5:0:0/sas_device/end_device-5:0:0/"
          "enclosure_identifier",
      std::string(33, '\0'));
  const std::vector<HostFacts> hosts = Read<HostFacts>();
  ASSERT_EQ(hosts.size(), 1u);
  EXPECT_EQ(hosts[0].address.value() >> 60, 3u) << "its own, not the expander's";
  const std::vector<EndDeviceFacts> devices = Read<EndDeviceFacts>();
  EXPECT_EQ(devices[0].enclosure, EnclosureKey());
  EXPECT_EQ(devices[0].slot, std::nullopt) << "a bay of nothing";
  for (const PhyFacts& phy : Read<PhyFacts>()) {
    if (phy.os_name == "phy-5:1") {
      EXPECT_EQ(phy.negotiated, LinkRate::kNegotiationFailed);
      EXPECT_EQ(phy.attached, SasAddress());
    }
  }
}

TEST_F(LinuxFactsTest, ExpandersPadTheirTexts) {
  FakeHost host = Machine();
  ExpanderOf(host).vendor = "LSI";
  ExpanderOf(host).product = "SAS2X36";
  Write(host);
  const std::vector<ExpanderFacts> expanders = Read<ExpanderFacts>();
  ASSERT_EQ(expanders.size(), 1u);
  EXPECT_EQ(expanders[0].vendor, "LSI");
  EXPECT_EQ(expanders[0].product, "SAS2X36");
}

TEST_F(LinuxFactsTest, SlotNamesHaveBlanks) {
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

// Some attributes fail (EINVAL, ENXIO) on some objects.
TEST_F(LinuxFactsTest, AnAttributeThatFailsHidesNothing) {
  Write(Machine());
  for (const char* path : {"phy-5:0/sas_phy/phy-5:0/negotiated_linkrate",
                           "port-5:0/expander-5:0/sas_expander/expander-5:0/vendor_id",
                           "port-5:0/expander-5:0/port-5:0:0/end_device-5:0:0/sas_device/"
                           "end_device-5:0:0/target_port_protocols"}) {
    ASSERT_TRUE(fs::remove(root_ + "/" + kHost + path)) << path;
    fs::create_directory(root_ + "/" + kHost + path);  // reading it fails
  }
  EXPECT_EQ(Read<PhyFacts>().size(), 5u);
  EXPECT_EQ(Read<ExpanderFacts>().size(), 1u);
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
}

// With the phys in place but nothing of them counted, and everything beneath scsi_host/hostN.
TEST_F(LinuxFactsTest, SmartpqiHangsItsObjectsElsewhere) {
  Write(Machine());
  fs::rename(root_ + "/" + kHost + "port-5:0", root_ + "/" + kHost + "scsi_host/host5/port-5:0");
  EXPECT_EQ(Read<EndDeviceFacts>().size(), 3u);
}

}  // namespace
}  // namespace sasd::sysfs
