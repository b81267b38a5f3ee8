#include "driver/sysfs/uevent.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "driver/sysfs/attribute_text.h"

namespace sasd::sysfs {
namespace {

// In the order of RankOf().
constexpr std::array<absl::string_view, 13> kSubsystems = {
    "block",      "sas_end_device", "sas_expander", "enclosure", "scsi_host", "sas_host",     "pci",
    "sas_device", "sas_port",       "sas_phy",      "scsi",      "bsg",       "scsi_generic",
};

bool IsHostName(absl::string_view name) {
  return absl::ConsumePrefix(&name, "host") && !name.empty() &&
         std::all_of(name.begin(), name.end(), absl::ascii_isdigit);
}

bool IsHolder(absl::string_view devpath) {
  return absl::ConsumePrefix(&devpath, "/devices/virtual/block/") &&
         !absl::StrContains(devpath, '/') &&
         (absl::StartsWith(devpath, "dm-") || absl::StartsWith(devpath, "md"));
}

}  // namespace

absl::string_view HostIn(absl::string_view path) {
  for (absl::string_view name : absl::StrSplit(path, '/')) {
    if (IsHostName(name)) return name;
  }
  return "";
}

UeventScope ScopeOf(const Uevent& uevent) {
  if (RankOf(uevent) == static_cast<int>(kSubsystems.size())) return {};
  if (uevent.subsystem == "pci") return {UeventScope::Kind::kTree, ""};
  const absl::string_view host = HostIn(uevent.devpath);
  if (!host.empty()) return {UeventScope::Kind::kHost, host};
  if (uevent.subsystem == "block") {
    if (!IsHolder(uevent.devpath)) return {};
    return {UeventScope::Kind::kHolder, LastComponent(uevent.devpath)};
  }
  return {UeventScope::Kind::kTree, ""};
}

std::string Describe(const Uevent& uevent) {
  return PrintableText(
      absl::StrCat(uevent.action, " ", uevent.subsystem, "/", LastComponent(uevent.devpath)));
}

int RankOf(const Uevent& uevent) {
  const auto it = std::find(kSubsystems.begin(), kSubsystems.end(), uevent.subsystem);
  return static_cast<int>(it - kSubsystems.begin());
}

}  // namespace sasd::sysfs
