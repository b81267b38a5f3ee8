#ifndef DRIVER_SYSFS_FAKE_MACHINE_H_
#define DRIVER_SYSFS_FAKE_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "driver/sysfs/fake_sysfs.h"

// Small machines for WriteFakeSysfs().
namespace sasd::sysfs {

// Drive `number` (0 to 9) at the expander of Machine().
inline FakeEndDevice Drive(int number) {
  FakeUnit unit;
  unit.wwid = absl::StrCat("naa.5000c50000000", number, "10");
  unit.serial = absl::StrCat("ZA10000", number);
  unit.block = std::string(1, static_cast<char>('a' + number)).insert(0, "sd");
  FakeEndDevice drive;
  drive.name = absl::StrCat("end_device-5:0:", number);
  drive.address = 0x5000C50000000011 + static_cast<uint64_t>(number) * 0x100;
  drive.target = number;
  drive.units = {unit};
  return drive;
}

// A host with an expander, and drives 0 to 2 at its phys 4 to 6.
inline FakeHost Machine() {
  FakeExpander expander;
  expander.name = "expander-5:0";
  expander.address = 0x5000CCAB0300113F;
  for (int i = 0; i < 3; ++i) {
    expander.phys.push_back({4 + i, "12.0 Gbit"});
    FakePort port;
    port.name = absl::StrCat("port-5:0:", i);
    port.phys = {4 + i};
    port.end_device = {Drive(i)};
    expander.ports.push_back(port);
  }
  FakePort port;
  port.name = "port-5:0";
  port.phys = {0, 1};
  port.expander = {expander};
  FakeHost host;
  host.number = 5;
  host.address = 0x500605B00AB01230;
  host.phys = {{0, "12.0 Gbit"}, {1, "12.0 Gbit"}};
  host.ports = {port};
  return host;
}

inline FakeExpander& ExpanderOf(FakeHost& host) { return host.ports[0].expander[0]; }
inline FakeEndDevice& DriveOf(FakeHost& host, size_t i) {
  return ExpanderOf(host).ports[i].end_device[0];
}

// Another host, with one phy and nothing attached.
inline FakeHost OtherMachine() {
  FakeHost other;
  other.number = 6;
  other.address = 0x500605B00AB05670;
  other.pci = "0000:04:00.0";
  other.phys = {{0, "12.0 Gbit"}};
  return other;
}

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_FAKE_MACHINE_H_
