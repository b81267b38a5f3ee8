#include "daemon/diagnosis/driver_limits.h"

namespace sasd {
namespace {

struct Limits {
  absl::string_view driver;
  absl::string_view text;
};

// libsas gives scsi_transport_sas neither get_enclosure_identifier nor get_bay_identifier
// (sas_init.c of Linux 6.1).
constexpr absl::string_view kLibsas =
    "enclosure and bay of a device are told by nobody but an SES device";

constexpr Limits kLimits[] = {
    {"mptsas",
     "an HBA's phys tell the address of what is attached to them, its own is unknown, and bays are "
     "told as 0"},
    {"mpi3mr",
     "it has SAS objects only where its firmware lets the driver manage the topology, and its own "
     "control device (/dev/bsg/mpi3mrctlN) is of another kind"},
    {"smartpqi",
     "its ports tell no member phys, expanders are not shown, and what is in a logical "
     "volume of the controller is hidden behind it"},
    {"hisi_sas", kLibsas},
    {"hisi_sas_v2_hw", kLibsas},
    {"hisi_sas_v3_hw", kLibsas},
    {"pm80xx", kLibsas},
    {"pm8001", kLibsas},
    {"aic94xx", kLibsas},
    {"isci", kLibsas},
    {"mvsas", kLibsas},
};

}  // namespace

absl::string_view DriverLimits(absl::string_view driver_name) {
  for (const Limits& limits : kLimits) {
    if (limits.driver == driver_name) return limits.text;
  }
  return "";
}

// The PCI identifiers of Linux 6.1's mptbase.c, mpt3sas_scsih.c and mpi3mr_os.c.
absl::string_view ModuleFor(uint16_t vendor, uint16_t device, uint16_t class_code) {
  if (vendor != 0x1000 || class_code != 0x0107) return "";
  if (device >= 0x0050 && device <= 0x0062) return "mptsas";
  if (device >= 0x00A5 && device <= 0x00A7) return "mpi3mr";
  return "mpt3sas";
}

}  // namespace sasd
