#ifndef DRIVER_SYSFS_FAKE_SYSFS_H_
#define DRIVER_SYSFS_FAKE_SYSFS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

// Writes a sysfs tree into a folder, from a small description. The layout is that of the kernel's
// scsi_transport_sas, sd, sg and ses code. For tests and measurements.
namespace sasd::sysfs {

// A SCSI device of an end device.
struct FakeUnit {
  uint8_t type = 0;  // 0 disk, 13 enclosure services
  std::string vendor = "SEAGATE", model = "ST8000NM0075", revision = "E004";
  std::string wwid;    // "naa.5000c50097f3596f"; absent when empty
  std::string serial;  // vpd_pg80; absent when empty
  std::string state = "running";
  uint64_t size_bytes = 0;
  std::string block;    // "sdc"; absent when empty
  std::string generic;  // "sg3"; absent when empty
  // The slots of an enclosure (type 13).
  struct Slot {
    std::string name;  // "Slot 01"
    int number = 0;
    std::string occupant;  // an end device's name in the tree, "end_device-5:1:0"; empty: empty
  };
  std::vector<Slot> slots;
  // A holder of a disk.
  struct Holder {
    std::string block;             // "dm-0", "md127"
    std::string dm_name, dm_uuid;  // "mpatha", "mpath-35000c50..."; absent when empty
    bool of_partition = false;     // holds the first partition, not the whole disk
  };
  std::vector<Holder> holders;
};

struct FakeEndDevice {
  std::string name;  // "end_device-5:1:0"
  uint64_t address = 0;
  std::string target_protocols = "ssp";
  uint64_t enclosure = 0;
  std::optional<int> bay;
  uint16_t handle = 0;  // sas_device_handle; absent when 0
  int target = 0;       // the SCSI target number
  std::vector<FakeUnit> units;
};

struct FakePort;

struct FakePhy {
  int id = 0;
  std::string rate = "12.0 Gbit";
};

struct FakeExpander {
  std::string name;  // "expander-5:1"
  uint64_t address = 0;
  std::string vendor = "HGST", product = "4U60_STOR_ENCL", revision = "0210";
  std::vector<FakePhy> phys;
  std::vector<FakePort> ports;
};

// A port with the numbers of its phys. It leads to an expander, an end device or nothing.
struct FakePort {
  std::string name;  // "port-5:1:0"
  std::vector<int> phys;
  std::vector<FakeExpander> expander;
  std::vector<FakeEndDevice> end_device;
};

struct FakeHost {
  int number = 0;  // hostN
  std::string pci = "0000:03:00.0";
  uint64_t address = 0;            // host_sas_address; absent when 0
  uint32_t unique_id = 0;          // the driver's number for it
  uint32_t reset_count = 0;        // ioc_reset_count
  std::string driver = "mpt3sas";  // proc_name
  std::string board = "SAS9300-8e", chip = "LSISAS3008", firmware = "15.00.00.00";
  std::vector<FakePhy> phys;
  std::vector<FakePort> ports;
};

// Creates `root`, the counterpart of /sys, and writes `hosts` beneath it.
absl::Status WriteFakeSysfs(const std::string& root, const std::vector<FakeHost>& hosts);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_FAKE_SYSFS_H_
