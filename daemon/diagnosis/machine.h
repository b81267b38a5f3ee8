#ifndef DAEMON_DIAGNOSIS_MACHINE_H_
#define DAEMON_DIAGNOSIS_MACHINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// The properties of a machine and of this process that decide what sasd can see. Plain values.
namespace sasd {

// A PCI function that is a SAS controller (class 0107), or a RAID controller (class 0104) of vendor
// 1000, some of whose HBAs have that class.
struct PciController {
  std::string address;  // "0000:03:00.0"
  uint16_t vendor = 0, device = 0;
  uint16_t class_code = 0;  // 0x0107
  std::string driver;       // "mpt3sas"; empty: no driver
};

// An enclosure services device (SPC type 13) of the kernel.
struct SesDevice {
  std::string scsi_address;  // "0:0:8:0"
  std::string driver;        // that is bound to it: "ses"; empty: none
  // Its INQUIRY data has the bit ENCSERV, without which ses makes no enclosure of it. nullopt: the
  // kernel does not show the data.
  std::optional<bool> enclosure_services;
};

// A control node of mpt3sas.
struct ControlNodeFile {
  std::string path;           // "/dev/mpt3ctl"
  std::string device_number;  // "10:222", as the driver registered it; empty: not registered
  bool exists = false;
  bool readable = false;  // the file's mode lets this process open it for reading
  uint32_t mode = 0;      // the permission bits
  std::string owner, group;
};

// This process.
struct ProcessFacts {
  int pid = 0;
  bool is_service = false;  // systemd's sasd.service
  std::string user, group;  // the effective ones, by name; "uid 998" if it has no name
  std::vector<std::string> supplementary_groups;
  bool user_namespace = false;  // true in any but the initial one
  uint64_t open_files = 0;      // 0: unknown
  uint64_t open_files_limit = 0;
  uint64_t memory_bytes = 0;        // resident; 0: unknown
  uint64_t memory_limit_bytes = 0;  // of its control group; 0: none or unknown
};

struct MachineFacts {
  std::string sysfs_root;  // "/sys"
  absl::Status sysfs;      // why sasd cannot read it as a sysfs tree
  std::vector<PciController> controllers;
  std::vector<std::string> sas_hosts;   // "host11": every SAS host of the kernel
  std::vector<std::string> enclosures;  // "0:0:8:0": the SES devices that the ses driver serves
  std::vector<SesDevice> ses_devices;
  bool has_ses = false;  // the driver is loaded or built in
  bool has_sg = false;
  bool has_device_mapper = false;
  bool has_udevd = false;  // udevd runs
  std::vector<ControlNodeFile> control_nodes;
  ProcessFacts process;

  // Null if ReadMachine() does not look at that path.
  const ControlNodeFile* ControlNode(absl::string_view path) const {
    for (const ControlNodeFile& node : control_nodes) {
      if (node.path == path) return &node;
    }
    return nullptr;
  }
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_MACHINE_H_
