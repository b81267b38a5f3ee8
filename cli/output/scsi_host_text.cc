#include "cli/output/scsi_host_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/format.h"
#include "cli/output/table_layout.h"

namespace sasd::cli {
namespace {

using sas::v1::ScsiDevice;
using sas::v1::ScsiHost;

constexpr uint32_t kDisk = 0x00, kZonedDisk = 0x14;

// "12 disks", "1 disk and 2 other devices"; "3 devices" where not all of them are listed.
std::string DevicesText(const ScsiHost& host) {
  if (host.devices_size() != host.device_count()) return CountText(host.device_count(), "device");
  const int64_t disks =
      std::count_if(host.devices().begin(), host.devices().end(), [](const ScsiDevice& device) {
        return device.peripheral_type() == kDisk || device.peripheral_type() == kZonedDisk;
      });
  const int64_t others = host.device_count() - disks;
  if (others == 0) return CountText(disks, "disk");
  if (disks == 0) return CountText(others, "device");
  return absl::StrCat(CountText(disks, "disk"), " and ", CountText(others, "other device"));
}

std::string Model(const ScsiDevice& device) {
  return absl::StrCat(device.vendor(), device.vendor().empty() ? "" : " ", device.model());
}

std::vector<std::string> Cells(const ScsiDevice& device) {
  std::vector<std::string> cells = {
      absl::StrCat("  ", device.scsi_address()),
      device.block_device().empty() ? device.generic_device() : device.block_device(),
      PeripheralName(device.peripheral_type()),
      ShortSize(device.size_bytes()),
      Model(device),
      device.raid_level()};
  for (std::string& cell : cells) {
    if (cell.empty()) cell = "-";
  }
  return cells;
}

}  // namespace

std::string ScsiHostText(const ScsiHost& host) {
  const std::string what =
      host.host().empty()
          ? absl::StrCat("SCSI host without SAS transport: ", DevicesText(host), ", no topology")
          : absl::StrCat(DevicesText(host), host.device_count() == 1 ? " that is" : " that are",
                         " no SAS object");
  std::vector<std::string> words = {host.os_name()};
  for (const std::string* word : {&host.driver_name(), &host.pci_address(), &host.board_name(),
                                  &host.firmware_version(), &what}) {
    if (!word->empty()) words.push_back(*word);
  }
  std::string text = absl::StrCat(absl::StrJoin(words, "  "), "\n");
  TableLayout layout(std::vector<bool>(6, false));
  std::vector<std::vector<std::string>> rows;
  for (const ScsiDevice& device : host.devices()) {
    rows.push_back(Cells(device));
    layout.Fit(rows.back());
  }
  for (const auto& row : rows) absl::StrAppend(&text, layout.Line(row), "\n");
  return text;
}

std::string ScsiDeviceText(const ScsiHost& host, const ScsiDevice& device) {
  std::vector<std::string> holders;
  for (const sas::v1::Holder& holder : device.holders()) {
    holders.push_back(holder.name().empty() ? holder.block_device() : holder.name());
  }
  const std::pair<const char*, std::string> fields[] = {
      {"host", host.host().empty() ? absl::StrCat(host.os_name(), " (", host.driver_name(),
                                                  ", without SAS transport)")
                                   : absl::StrCat(ShortName(host.host()), " ", host.os_name())},
      {"block-device", device.block_device()},
      {"generic-device", device.generic_device()},
      {"type", PeripheralName(device.peripheral_type())},
      {"raid-level", device.raid_level()},
      {"state", device.state()},
      {"size", ShortSize(device.size_bytes())},
      {"vendor", device.vendor()},
      {"model", device.model()},
      {"firmware", device.product_revision()},
      {"serial", device.serial()},
      {"wwid", device.wwid()},
      {"holders", absl::StrJoin(holders, ",")},
      {"note", "no SAS object: it hangs at no end device, as a RAID volume does"},
  };
  size_t width = 0;
  for (const auto& [key, value] : fields) width = std::max(width, absl::string_view(key).size());
  std::string text = absl::StrCat("scsi device ", device.scsi_address(), "\n");
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    const std::string label = absl::StrCat(key, ":");
    absl::StrAppend(&text, label, std::string(width + 2 - label.size(), ' '), value, "\n");
  }
  return text;
}

bool IsCalled(const ScsiDevice& device, absl::string_view word) {
  if (word.empty()) return false;
  for (const std::string* name : {&device.scsi_address(), &device.block_device(),
                                  &device.generic_device(), &device.wwid(), &device.serial()}) {
    if (*name == word) return true;
  }
  return false;
}

}  // namespace sasd::cli
