#include "daemon/diagnosis/scsi_host_check.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/diagnosis/commands.h"

namespace sasd {
namespace {

using Status = DiagnosisCheck::Status;

// hpsa and smartpqi show the controller itself as a SCSI device (SPC types storage array
// controller, processor), which is no loss.
bool IsController(const ScsiDevice& device) {
  constexpr uint8_t kProcessor = 0x03, kArrayController = 0x0c;
  return device.facts.peripheral_type == kProcessor ||
         device.facts.peripheral_type == kArrayController;
}

// "sda (10:1:0:0, LSI Logical Volume, RAID 1)"
std::string Describe(const ScsiDevice& device) {
  const LogicalUnitFacts& facts = device.facts;
  const std::string& name = !facts.block_device.empty() ? facts.block_device : facts.generic_device;
  if (name.empty()) return facts.scsi_address;
  std::vector<std::string> about = {facts.scsi_address};
  std::string model = facts.vendor;
  if (!facts.model.empty()) absl::StrAppend(&model, model.empty() ? "" : " ", facts.model);
  if (!model.empty()) about.push_back(std::move(model));
  if (!device.raid_level.empty()) about.push_back(device.raid_level);
  return absl::StrCat(name, " (", absl::StrJoin(about, ", "), ")");
}

std::string List(const std::vector<ScsiDevice>& devices) {
  constexpr size_t kMost = 4;
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(devices.size(), kMost); ++i) {
    texts.push_back(Describe(devices[i]));
  }
  if (devices.size() > kMost)
    texts.push_back(absl::StrCat("and ", devices.size() - kMost, " more"));
  return absl::StrJoin(texts, ", ");
}

DiagnosisCheck CheckWithoutTransport(const ScsiHost& host) {
  return FailedCheck(Status::kLimited, "NO_SAS_TRANSPORT", host.os_name,
                     absl::StrCat("SCSI host without SAS transport (", host.driver_name,
                                  "): ", CountText(host), ", no topology"),
                     "sasd can list what the host shows; the controller's own tool knows the rest",
                     "sasctl list hosts --all");
}

DiagnosisCheck CheckBeside(const ScsiHost& host) {
  return FailedCheck(
      Status::kLimited, "NO_SAS_OBJECT", host.os_name,
      absl::StrCat(CountText(host), " of this host hang", host.devices.size() == 1 ? "s" : "",
                   " at no SAS object, as a RAID volume does: ", List(host.devices),
                   "; sasd lists them, and knows no members"),
      "The controller's own tool knows the members of a volume", "sasctl list hosts --all");
}

}  // namespace

std::vector<DiagnosisCheck> CheckScsiHosts(const ScsiHosts& hosts) {
  std::vector<DiagnosisCheck> checks;
  for (const UnreadableHost& host : hosts.unreadable) {
    checks.push_back(FailedCheck(
        Status::kBroken, "HOST_UNREADABLE", host.os_name,
        absl::StrCat("sysfs names it (", host.path, "), but it cannot be read: ", host.reason),
        "If the tree is a copy, copy it again with all its links; on a live machine, see what the "
        "kernel says",
        absl::StrCat("dmesg | grep -i ", host.os_name)));
  }
  for (ScsiHost host : hosts.hosts) {
    auto& devices = host.devices;
    devices.erase(std::remove_if(devices.begin(), devices.end(), IsController), devices.end());
    if (host.has_sas_transport) {
      if (!devices.empty()) checks.push_back(CheckBeside(host));
    } else if (DrivesSasHardware(host.driver_name)) {
      checks.push_back(CheckWithoutTransport(host));
    }
  }
  return checks;
}

}  // namespace sasd
