#include "daemon/diagnosis/driver_limits.h"

namespace sasd {
namespace {

struct Limits {
  absl::string_view driver;
  absl::string_view text;
};

// libsas gives scsi_transport_sas neither get_enclosure_identifier nor get_bay_identifier
// (sas_init.c of Linux 6.1).
constexpr absl::string_view kLibsas = "only an SES device shows the enclosure and bay of a device";

constexpr Limits kLimits[] = {
    {"mptsas",
     "the phys of an HBA show the address of the attached device, the HBA's own address is "
     "unknown, "
     "and all bays are shown as 0"},
    {"mpi3mr",
     "it shows SAS objects only if its firmware lets the driver manage the topology, and sasd "
     "cannot use its control device (/dev/bsg/mpi3mrctlN)"},
    {"hpsa",
     "its ports show no member phys, expanders and link rates are not shown, and a logical volume "
     "of "
     "the controller hides its drives"},
    {"smartpqi",
     "its ports show no member phys, expanders are not shown, and a logical volume of the "
     "controller hides its drives"},
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
