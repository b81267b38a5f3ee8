#include "emulator/fabric/fabric_summary.h"

#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sasd::emulator {
namespace {

std::string Count(size_t count, const char* noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

bool IsDrive(const FabricSpec& fabric, const DeviceSpec& device) {
  return fabric.models[device.model].type == DeviceModel::Type::kDisk;
}

std::string Drives(const FabricSpec& fabric) {
  size_t drives = 0, sata = 0, ssd = 0, dual = 0, pulled = 0;
  for (const DeviceSpec& device : fabric.devices) {
    if (!IsDrive(fabric, device)) continue;
    const DeviceModel& model = fabric.models[device.model];
    ++drives;
    if (model.protocol == DeviceModel::Protocol::kSata) ++sata;
    if (model.solid_state) ++ssd;
    if (device.port_count() == 2) ++dual;
    if (device.absent) ++pulled;
  }
  std::vector<std::string> parts;
  if (sata > 0) parts.push_back(absl::StrCat(sata, " SATA"));
  if (ssd > 0) parts.push_back(absl::StrCat(ssd, " SSD"));
  if (dual > 0) parts.push_back(absl::StrCat(dual, " with two ports"));
  if (pulled > 0) parts.push_back(absl::StrCat(pulled, " pulled"));
  const std::string all = Count(drives, "drive");
  return parts.empty() ? all : absl::StrCat(all, " (", absl::StrJoin(parts, ", "), ")");
}

const char* ToString(MpiGeneration generation) {
  switch (generation) {
    case MpiGeneration::k2_0:
      return "MPI 2.0";
    case MpiGeneration::k2_5:
      return "MPI 2.5";
    case MpiGeneration::k2_6:
      break;
  }
  return "MPI 2.6";
}

}  // namespace

std::string Summarize(const FabricSpec& fabric) {
  std::vector<std::string> parts = {Count(fabric.hosts.size(), "host"),
                                    Count(fabric.expanders.size(), "expander")};
  size_t slots = 0, ses = 0;
  for (const EnclosureSpec& enclosure : fabric.enclosures) slots += enclosure.slot_count;
  for (const DeviceSpec& device : fabric.devices) ses += IsDrive(fabric, device) ? 0 : 1;
  parts.push_back(Count(fabric.enclosures.size(), "enclosure"));
  if (!fabric.enclosures.empty()) {
    absl::StrAppend(&parts.back(), " with ", Count(slots, "slot"));
  }
  parts.push_back(Drives(fabric));
  parts.push_back(Count(ses, "SES device"));
  parts.push_back(absl::StrCat(Count(fabric.links.size(), "lane"), " of cable"));
  std::string text = absl::StrCat(absl::StrJoin(parts, ", "), "\n");
  for (const HostSpec& host : fabric.hosts) {
    std::vector<std::string> facts = {ToHex(host.address)};
    if (!host.board_name.empty()) facts.push_back(host.board_name);
    if (!host.chip_name.empty()) facts.push_back(host.chip_name);
    facts.emplace_back(ToString(host.generation));
    facts.push_back(
        absl::StrCat(host.phy_count, " phys at ", std::string(sasd::ToString(host.max_rate))));
    if (!host.pci_address.empty()) facts.push_back(host.pci_address);
    absl::StrAppend(&text, "  ", host.id, ": ", absl::StrJoin(facts, ", "), "\n");
  }
  return text;
}

}  // namespace sasd::emulator
