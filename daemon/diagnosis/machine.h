#ifndef DAEMON_DIAGNOSIS_MACHINE_H_
#define DAEMON_DIAGNOSIS_MACHINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// What a machine and this process are like, as far as it decides what can be seen. Plain values.
namespace sasd {

// A PCI function that is a SAS controller (class 0107), or a RAID controller (0104) of the vendor
// whose HBAs may come as such (1000).
struct PciController {
  std::string address;  // "0000:03:00.0"
  uint16_t vendor = 0, device = 0;
  uint16_t class_code = 0;  // 0x0107
  std::string driver;       // "mpt3sas"; empty: none has it
};

// A control node of mpt3sas.
struct ControlNodeFile {
  std::string path;           // "/dev/mpt3ctl"
  std::string device_number;  // "10:222" as the driver registered it; empty: it has not
  bool exists = false;
  bool readable = false;  // by the file's mode: this process may open it for reading
  uint32_t mode = 0;      // the permission bits
  std::string owner, group;
};

// This process.
struct ProcessFacts {
  int pid = 0;
  bool is_service = false;  // systemd's sasd.service
  std::string user, group;  // effective ones, by name; "uid 998" where there is none
  std::vector<std::string> supplementary_groups;
  bool user_namespace = false;  // not in the initial one
  uint64_t open_files = 0;      // 0: unknown
  uint64_t open_files_limit = 0;
  uint64_t memory_bytes = 0;        // resident; 0: unknown
  uint64_t memory_limit_bytes = 0;  // of its control group; 0: none, or unknown
};

struct MachineFacts {
  std::string sysfs_root;  // "/sys"
  absl::Status sysfs;      // why it is no sysfs tree that can be read
  std::vector<PciController> controllers;
  std::vector<std::string> sas_hosts;   // "host11": all that the kernel has
  std::vector<std::string> enclosures;  // "0:0:8:0": the SES devices that the ses driver serves
  bool has_ses = false;                 // the driver is there
  bool has_sg = false;
  bool has_device_mapper = false;
  bool has_udevd = false;  // it runs
  std::vector<ControlNodeFile> control_nodes;
  ProcessFacts process;

  // Null where it was not looked at.
  const ControlNodeFile* ControlNode(absl::string_view path) const {
    for (const ControlNodeFile& node : control_nodes) {
      if (node.path == path) return &node;
    }
    return nullptr;
  }
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_MACHINE_H_
