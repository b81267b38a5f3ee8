#ifndef DRIVER_OBSERVATION_SCSI_HOST_H_
#define DRIVER_OBSERVATION_SCSI_HOST_H_

#include <string>
#include <vector>

#include "driver/observation/observation.h"

// What the operating system shows beside the SAS objects: SCSI hosts without SAS transport, SCSI
// devices that hang at no end device, and SAS hosts that cannot be read. It is no part of the
// topology. Plain values.
namespace sasd {

// A SCSI device directly beneath its host: a RAID volume, an NVMe drive behind a tri-mode HBA, any
// device of a host without SAS transport.
struct ScsiDevice {
  LogicalUnitFacts facts;  // without `device`
  std::string state;       // of the SCSI device: "running", "offline"
  std::string raid_level;  // "RAID 1", "RAID-1(1+0)", as the driver spells it; empty: not known
  bool operator==(const ScsiDevice& o) const {
    return facts == o.facts && state == o.state && raid_level == o.raid_level;
  }
};

struct ScsiHost {
  std::string os_name;           // "host10"
  std::string driver_name;       // "megaraid_sas"
  std::string pci_address;       // may be empty
  std::string board_name;        // may be empty
  std::string firmware_version;  // may be empty
  // False: it is in no class sas_host, so nobody knows a topology. True: it is a host of the
  // topology too, and `devices` are those that hang at no end device.
  bool has_sas_transport = false;
  std::vector<ScsiDevice> devices;  // in natural order of their SCSI addresses
  bool operator==(const ScsiHost& o) const {
    return os_name == o.os_name && driver_name == o.driver_name && pci_address == o.pci_address &&
           board_name == o.board_name && firmware_version == o.firmware_version &&
           has_sas_transport == o.has_sas_transport && devices == o.devices;
  }
};

// A host that the class sas_host names and that cannot be read.
struct UnreadableHost {
  std::string os_name;  // "host3"
  std::string path;     // the entry below the root: "class/sas_host/host3"
  std::string reason;   // one clause: "its link "../../x" leads out of sysfs"
  bool operator==(const UnreadableHost& o) const {
    return os_name == o.os_name && path == o.path && reason == o.reason;
  }
};

struct ScsiHosts {
  // In natural order: every SCSI host without SAS transport, and each SAS host that has a device at
  // no end device.
  std::vector<ScsiHost> hosts;
  std::vector<UnreadableHost> unreadable;  // in natural order
  bool operator==(const ScsiHosts& o) const {
    return hosts == o.hosts && unreadable == o.unreadable;
  }
};

// True for the drivers of hardware that speaks SAS. A host of theirs without SAS transport hides a
// topology; others (ahci, virtio_scsi, usb-storage) have none.
bool DrivesSasHardware(const std::string& driver_name);

// How many devices the host has, for people: "12 disks", "3 disks and 1 other device".
std::string CountText(const ScsiHost& host);

}  // namespace sasd

#endif  // DRIVER_OBSERVATION_SCSI_HOST_H_
