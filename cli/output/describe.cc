#include "cli/output/describe.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "cli/output/format.h"

namespace sasd::cli {
namespace {

using sas::v1::Resource;

void Add(std::vector<std::string>& parts, absl::string_view text) {
  if (!text.empty()) parts.emplace_back(text);
}

std::string Identity(absl::string_view vendor, absl::string_view model, absl::string_view serial) {
  std::vector<absl::string_view> words;
  for (const absl::string_view word : {vendor, model, serial}) {
    if (!word.empty()) words.push_back(word);
  }
  return absl::StrJoin(words, " ");
}

template <typename T>
void AddSlot(const T& resource, std::vector<std::string>& parts) {
  if (!resource.enclosure().empty() && resource.has_slot()) {
    std::string place = absl::StrCat(ShortName(resource.enclosure()), "/", resource.slot());
    if (!resource.slot_label().empty()) {
      absl::StrAppend(&place, " \"", resource.slot_label(), "\"");
    }
    parts.push_back(std::move(place));
  }
}

}  // namespace

std::string DescribeResource(const Resource& resource) {
  std::vector<std::string> parts;
  if (resource.has_end_device()) {
    const auto& device = resource.end_device();
    AddSlot(device, parts);
    for (const std::string& name : BlockDevicesOf(device)) Add(parts, name);
    Add(parts, Identity(device.vendor(), device.model(), device.serial()));
  } else if (resource.has_logical_unit()) {
    const auto& unit = resource.logical_unit();
    AddSlot(unit, parts);
    for (const auto& path : unit.paths()) Add(parts, path.block_device());
    Add(parts, Identity(unit.vendor(), unit.model(), unit.serial()));
  } else if (resource.has_slot()) {
    const auto& slot = resource.slot();
    Add(parts, slot.label());
    for (const std::string& device : slot.block_devices()) Add(parts, device);
    Add(parts, slot.occupied()
                   ? Identity(slot.vendor(), slot.model(), absl::StrJoin(SerialsOf(slot), ", "))
                   : "empty");
  } else if (resource.has_expander()) {
    const auto& expander = resource.expander();
    Add(parts, expander.os_name());
    Add(parts, Identity(expander.vendor(), expander.product(), ""));
  } else if (resource.has_host()) {
    Add(parts, resource.host().os_name());
    Add(parts, resource.host().board_name());
  } else if (resource.has_enclosure()) {
    Add(parts, Identity(resource.enclosure().vendor(), resource.enclosure().model(), ""));
  } else if (resource.has_port()) {
    const auto& port = resource.port();
    parts.push_back(absl::StrCat(port.width(), "x ", ShortRate(port.link_rate())));
  } else if (resource.has_phy()) {
    Add(parts, ShortRate(resource.phy().negotiated_link_rate()));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace sasd::cli
