#include "driver/observation/scsi_host.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sasd {
namespace {

// proc_name of the drivers in drivers/scsi and drivers/message/fusion of Linux 6.1.
constexpr std::array<absl::string_view, 17> kSasDrivers = {
    "3w-sas", "aacraid",      "aic94xx", "arcmsr",  "esas2r",   "hpsa",
    "isci",   "megaraid_sas", "mpi3mr",  "mpt2sas", "mpt3sas",  "mptsas",
    "mvsas",  "mvumi",        "pm8001",  "pm80xx",  "smartpqi",
};

constexpr uint8_t kDisk = 0x00, kHostManagedZonedDisk = 0x14;

std::string Count(size_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

}  // namespace

bool DrivesSasHardware(const std::string& driver_name) {
  return absl::StartsWith(driver_name, "hisi_sas") ||
         std::find(kSasDrivers.begin(), kSasDrivers.end(), driver_name) != kSasDrivers.end();
}

std::string CountText(const ScsiHost& host) {
  const auto is_disk = [](const ScsiDevice& device) {
    return device.facts.peripheral_type == kDisk ||
           device.facts.peripheral_type == kHostManagedZonedDisk;
  };
  const auto disks =
      static_cast<size_t>(std::count_if(host.devices.begin(), host.devices.end(), is_disk));
  const size_t others = host.devices.size() - disks;
  if (others == 0) return Count(disks, "disk");
  if (disks == 0) return Count(others, "device");
  return absl::StrCat(Count(disks, "disk"), " and ", Count(others, "other device"));
}

}  // namespace sasd
