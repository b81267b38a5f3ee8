#include "driver/sysfs/real_layouts.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace sasd::sysfs {
namespace {

// "sda" .. "sdz", "sdaa", ... as the kernel names disks.
std::string DiskName(int index) {
  std::string letters;
  for (int rest = index; rest >= 0; rest = rest / 26 - 1) {
    letters.insert(letters.begin(), static_cast<char>('a' + rest % 26));
  }
  return "sd" + letters;
}

// Assigns the SCSI names of a host's devices in order.
struct Numbers {
  int target = 0;
  int disk = 0;
  int generic = 0;
};

std::vector<FakePhy> Phys(int count, int with_link) {
  std::vector<FakePhy> phys;
  for (int id = 0; id < count; ++id) phys.push_back({id, id < with_link ? "12.0 Gbit" : "Unknown"});
  return phys;
}

// A port of the `width` phys from `first`, named after its owner ("5:1").
FakePort Port(const std::string& owner, int number, int first, int width) {
  FakePort port;
  port.name = absl::StrCat("port-", owner, ":", number);
  for (int i = 0; i < width; ++i) port.phys.push_back(first + i);
  return port;
}

// Lays out the ports of an expander one after another: upward phys come first and have no port, as
// under mpt3sas.
class ExpanderBuilder {
 public:
  ExpanderBuilder(std::string id, uint64_t address, int upward)
      : id_(std::move(id)), next_phy_(upward) {
    expander_.name = absl::StrCat("expander-", id_);
    expander_.address = address;
  }

  FakeExpander& expander() { return expander_; }

  void Add(FakeExpander below, int width) {
    FakePort port = Port(id_, ports_++, next_phy_, width);
    next_phy_ += width;
    port.expander.push_back(std::move(below));
    expander_.ports.push_back(std::move(port));
  }

  std::string NextDevice() const { return absl::StrCat("end_device-", id_, ":", devices_); }

  void Add(FakeEndDevice device) {
    device.name = NextDevice();
    ++devices_;
    FakePort port = Port(id_, ports_++, next_phy_++, 1);
    port.end_device.push_back(std::move(device));
    expander_.ports.push_back(std::move(port));
  }

  // The expander has `phys` phys. Unused ones have no link.
  FakeExpander Finish(int phys) {
    expander_.phys = Phys(std::max(phys, next_phy_), next_phy_);
    return std::move(expander_);
  }

 private:
  const std::string id_;
  int next_phy_;
  int ports_ = 0;
  int devices_ = 0;
  FakeExpander expander_;
};

FakeEndDevice Disk(Numbers& numbers, uint64_t address, uint64_t wwn, uint64_t enclosure, int bay) {
  FakeEndDevice device;
  device.address = address;
  device.enclosure = enclosure;
  device.bay = bay;
  device.target = numbers.target++;
  device.handle = static_cast<uint16_t>(device.target + 32);
  FakeUnit unit;
  unit.wwid = absl::StrFormat("naa.%016x", wwn);
  unit.serial = absl::StrFormat("ZA%06X", wwn & 0xFFFFFF);
  unit.size_bytes = 8001563222016;
  unit.block = DiskName(numbers.disk++);
  unit.generic = absl::StrCat("sg", numbers.generic++);
  device.units.push_back(std::move(unit));
  return device;
}

FakeEndDevice Ses(Numbers& numbers, uint64_t address, uint64_t enclosure) {
  FakeEndDevice device;
  device.address = address;
  device.enclosure = enclosure;
  device.target = numbers.target++;
  device.handle = static_cast<uint16_t>(device.target + 32);
  FakeUnit unit;
  unit.type = 13;
  unit.vendor = "HGST";
  unit.model = "H4102-J";
  unit.revision = "2027";
  unit.generic = absl::StrCat("sg", numbers.generic++);
  device.units.push_back(std::move(unit));
  return device;
}

// One of Oak's hosts: `side` is 0 or 1, the drives' port.
class OakHost {
 public:
  // `lacking`: how many drives the first JBOD's first half lacks.
  OakHost(int number, int side, int disks_per_expander, int lacking)
      : host_(number),
        side_(side),
        disks_per_expander_(disks_per_expander),
        lacking_(lacking),
        numbers_{0, side * (816 - lacking), side * (825 - lacking)} {}

  FakeHost Build() {
    FakeHost host;
    host.number = host_;
    host.pci = absl::StrFormat("0000:%02x:00.0", 0x3b + side_);
    host.address = 0x500605B00E000000 + static_cast<uint64_t>(host_) * 0x10;
    host.board = "HBA 9500-16e";
    host.chip = "SAS3816";
    host.firmware = "17.00.00.00";
    host.phys = Phys(16, 8);
    FakePort port = Port(absl::StrCat(host_), 0, 0, 8);
    port.expander.push_back(Switch());
    host.ports.push_back(std::move(port));
    return host;
  }

 private:
  FakeExpander Switch() {
    const uint64_t address = 0x50050CC10A000000 + static_cast<uint64_t>(side_) * 0x100;
    ExpanderBuilder builder(absl::StrCat(host_, ":0"), address + 0x3F, 8);
    builder.expander().vendor = "ASTEK";
    builder.expander().product = "Switch184";
    FakeEndDevice ses = Ses(numbers_, address + 0x3D, address);
    ses.units[0].vendor = "ASTEK";
    ses.units[0].model = "Switch184";
    builder.Add(std::move(ses));
    for (int jbod = 1; jbod <= 8; ++jbod) builder.Add(Primary(jbod), 4);
    return builder.Finish(68);
  }

  FakeExpander Primary(int jbod) {
    const uint64_t enclosure = 0x5000CCAB04000000 + static_cast<uint64_t>(jbod) * 0x1000;
    const uint64_t address = enclosure + static_cast<uint64_t>(side_) * 0x400;
    ExpanderBuilder builder(absl::StrCat(host_, ":", jbod), address + 0x3F, 4);
    builder.expander().product = "H4102-J";
    FakeEndDevice ses = Ses(numbers_, address + 0x3D, enclosure);
    FakeExpander first = Secondary(jbod, 0, enclosure, address + 0x100, ses);
    FakeExpander second = Secondary(jbod, 1, enclosure, address + 0x200, ses);
    builder.Add(std::move(ses));
    builder.Add(std::move(first), 10);
    builder.Add(std::move(second), 10);
    return builder.Finish(49);
  }

  FakeExpander Secondary(int jbod, int half, uint64_t enclosure, uint64_t address,
                         FakeEndDevice& ses) {
    const std::string id = absl::StrCat(host_, ":", 7 + 2 * jbod + half);
    ExpanderBuilder builder(id, address + 0x3F, 10);
    builder.expander().product = "H4102-J";
    const int there = jbod == 1 && half == 0 ? 51 - lacking_ : 51;
    for (int i = 0; i < 51; ++i) {
      const int bay = half * 51 + i;
      FakeUnit::Slot slot = {absl::StrFormat("SLOT %03d", bay), bay, ""};
      if (i < std::min(there, disks_per_expander_)) {
        slot.occupant = builder.NextDevice();
        const uint64_t wwn = 0x5000C50084000000 + static_cast<uint64_t>(jbod) * 0x100000 +
                             static_cast<uint64_t>(bay) * 0x100;
        builder.Add(Disk(numbers_, wwn + 1 + static_cast<uint64_t>(side_), wwn, enclosure, bay));
      }
      ses.units[0].slots.push_back(std::move(slot));
    }
    return builder.Finish(68);
  }

  const int host_;
  const int side_;
  const int disks_per_expander_;
  const int lacking_;
  Numbers numbers_;
};

FakeExpander Leaf(const std::string& id, uint64_t address, int upward, int disks,
                  uint64_t enclosure, Numbers& numbers) {
  ExpanderBuilder builder(id, address + 0x3F, upward);
  for (int i = 0; i < disks; ++i) {
    const uint64_t wwn = address * 16 + static_cast<uint64_t>(i) * 4;
    builder.Add(Disk(numbers, wwn + 1, wwn, enclosure, i));
  }
  builder.Add(Ses(numbers, address + 0x3D, enclosure));
  return builder.Finish(51);
}

// A disk's line of `sas_devices -v`.
struct Listed {
  uint64_t wwn;
  const char* vendor;
  const char* model;
  const char* serial;
  const char* revision;
  uint64_t size;
};

constexpr Listed kMd1240Disks[] = {
    {0x5000C50097F3596F, "SEAGATE", "ST600MP0005", "S7M1B68Y", "VE06", 600127266816},
    {0x5000CCA07D4E1980, "IBM-SSG", "H0YH600", "0BHBYHXH", "CF08", 600127266816},
    {0x5000CCA01325B9B4, "IBM-SSG", "HSNF300", "XYVNS5HA", "A3A0", 300000000000},
    {0x5000C500349F40F7, "IBM-SSG", "S7AQ3P0", "Z290Q54400009145WCJ4", "A058", 3000592982016},
};

}  // namespace

std::vector<FakeHost> OakInstallation(int drives_per_expander) {
  return {OakHost(1, 0, drives_per_expander, 1).Build(),
          OakHost(10, 1, drives_per_expander, 1).Build()};
}

std::vector<FakeHost> FullOakInstallation() {
  return {OakHost(1, 0, 51, 0).Build(), OakHost(10, 1, 51, 0).Build()};
}

std::vector<FakeHost> DellMd1240() {
  Numbers numbers = {23, 2, 3};
  const uint64_t enclosure = 0x500C04F2620EC000;
  ExpanderBuilder builder("5:1", 0x500C04F2620EC03F, 4);
  builder.expander().vendor = "DELL";
  builder.expander().product = "MD1240";
  for (int i = 0; i < 22; ++i) {
    const uint64_t wwn = 0x5000C50098000000 + static_cast<uint64_t>(i) * 0x100;
    FakeEndDevice disk = Disk(numbers, wwn + 1, wwn, enclosure, i);
    if (static_cast<size_t>(i) < std::size(kMd1240Disks)) {
      const Listed& listed = kMd1240Disks[i];
      FakeUnit& unit = disk.units[0];
      disk.address = listed.wwn + 1;
      unit.wwid = absl::StrFormat("naa.%016x", listed.wwn);
      unit.vendor = listed.vendor;
      unit.model = listed.model;
      unit.serial = listed.serial;
      unit.revision = listed.revision;
      unit.size_bytes = listed.size;
    }
    builder.Add(std::move(disk));
  }
  FakeEndDevice ses = Ses(numbers, 0x500C04F2620EC03D, enclosure);
  ses.units[0].vendor = "DELL";
  ses.units[0].model = "MD1240";
  builder.Add(std::move(ses));

  FakeHost without_devices, host;
  without_devices.address = 0x5B8CA3A0F0000000;
  without_devices.phys = Phys(8, 0);
  host.number = 5;
  host.pci = "0000:05:00.0";
  host.address = 0x500605B006000000;
  host.phys = Phys(8, 4);
  FakePort port = Port("5", 0, 0, 4);
  port.expander.push_back(builder.Finish(36));
  host.ports.push_back(std::move(port));
  return {without_devices, host};
}

// ------------------------------------------------------------------------------- boot logs

namespace {

// An expander of a boot log, with what is behind it.
struct LoggedExpander {
  unsigned handle = 0, parent = 0, phys = 0;
  uint64_t address = 0;
  std::vector<std::pair<unsigned, uint64_t>> devices;  // handle and address
};

struct BootLog {
  unsigned host_handle = 0, host_phys = 0;
  uint64_t host = 0;
  std::vector<LoggedExpander> expanders;
};

// A number of phys has at most three digits, so that a bad log cannot exhaust memory.
BootLog ParseBootLog(const std::string& log) {
  BootLog boot;
  for (absl::string_view view : absl::StrSplit(log, '\n')) {
    const size_t start = view.find("mpt3sas_cm0: ");
    if (start == absl::string_view::npos) continue;
    const std::string line(view.substr(start + 13));
    LoggedExpander expander;
    unsigned handle = 0;
    uint64_t address = 0;
    if (sscanf(line.c_str(), "host_add: handle(%x), sas_addr(%" SCNx64 "), phys(%3u)",
               &boot.host_handle, &boot.host, &boot.host_phys) == 3) {
      continue;
    }
    if (sscanf(line.c_str(),
               "expander_add: handle(%x), parent(%x), sas_addr(%" SCNx64 "), phys(%3u)",
               &expander.handle, &expander.parent, &expander.address, &expander.phys) == 4) {
      boot.expanders.push_back(expander);
    } else if (sscanf(line.c_str(), "handle(%x) sas_address(%" SCNx64 ")", &handle, &address) ==
                   2 &&
               !boot.expanders.empty()) {
      boot.expanders.back().devices.emplace_back(handle, address);
    }
  }
  return boot;
}

FakeEndDevice DeviceOf(unsigned handle, uint64_t address, const LoggedExpander& expander,
                       Numbers& numbers) {
  constexpr uint64_t kMake = 0xFFFFFFFFFFFFFF00;
  const bool made_up = (address & kMake) == (expander.address & kMake);
  const bool ses = made_up && (address & 0xFF) == 0xBD;
  FakeEndDevice device = ses ? Ses(numbers, address, expander.address & kMake)
                             : Disk(numbers, address, address - 1, expander.address & kMake, 0);
  device.bay.reset();
  device.handle = static_cast<uint16_t>(handle);
  if (made_up && !ses) device.target_protocols = "sata";
  return device;
}

// The expander at `index` with all behind it; `width`: of its port upwards.
FakeExpander ExpanderOf(const BootLog& boot, size_t index, int host_number, int width,
                        Numbers& numbers) {
  const LoggedExpander& logged = boot.expanders[index];
  ExpanderBuilder builder(absl::StrCat(host_number, ":", index), logged.address, width);
  for (const auto& [handle, address] : logged.devices) {
    builder.Add(DeviceOf(handle, address, logged, numbers));
  }
  for (size_t below = 0; below < boot.expanders.size(); ++below) {
    if (boot.expanders[below].parent != logged.handle || below == index) continue;
    builder.Add(ExpanderOf(boot, below, host_number, width, numbers), width);
  }
  return builder.Finish(static_cast<int>(logged.phys));
}

}  // namespace

absl::StatusOr<std::vector<FakeHost>> MachineOfBootLog(const std::string& log) {
  constexpr int kWidth = 4;  // of wide ports; the log does not show it
  const BootLog boot = ParseBootLog(log);
  if (boot.host == 0) return absl::InvalidArgumentError("the log has no host_add");
  FakeHost host;
  host.address = boot.host;
  host.phys = Phys(static_cast<int>(boot.host_phys), kWidth);
  Numbers numbers;
  absl::flat_hash_set<unsigned> known = {boot.host_handle};
  for (const LoggedExpander& expander : boot.expanders) {
    if (!known.contains(expander.parent) || !known.insert(expander.handle).second) {
      return absl::InvalidArgumentError("an expander comes before its parent");
    }
  }
  for (size_t i = 0; i < boot.expanders.size(); ++i) {
    if (boot.expanders[i].parent != boot.host_handle) continue;
    const int number = static_cast<int>(host.ports.size());
    FakePort port = Port("0", number, number * kWidth, kWidth);
    port.expander.push_back(ExpanderOf(boot, i, 0, kWidth, numbers));
    host.ports.push_back(std::move(port));
  }
  return std::vector<FakeHost>{host};
}

std::vector<FakeHost> ThreeExpanderJbod() {
  Numbers numbers;
  const uint64_t enclosure = 0x5000ED5728000000;
  ExpanderBuilder builder("15:0", enclosure + 0x3F, 4);
  for (int i = 0; i < 12; ++i) {
    const uint64_t wwn = 0x5000C500A0000000 + static_cast<uint64_t>(i) * 4;
    builder.Add(Disk(numbers, wwn + 1, wwn, enclosure, i));
  }
  builder.Add(Ses(numbers, enclosure + 0x3D, enclosure));
  for (int i : {1, 2}) {
    const uint64_t below = enclosure + static_cast<uint64_t>(i) * 0x100;
    builder.Add(Leaf(absl::StrCat("15:", i), below, 8, 39, below, numbers), 8);
  }
  FakeHost host;
  host.number = 15;
  host.address = 0x500605B00D000000;
  host.phys = Phys(8, 4);
  FakePort port = Port("15", 0, 0, 4);
  port.expander.push_back(builder.Finish(49));
  host.ports.push_back(std::move(port));
  return {host};
}

}  // namespace sasd::sysfs
