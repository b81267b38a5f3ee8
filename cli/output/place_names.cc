#include "cli/output/place_names.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/output/format.h"

namespace sasd::cli {

void PlaceNames::Add(const sas::v1::Enclosure& enclosure) {
  enclosures_[enclosure.name()] = {enclosure.alias(), enclosure.model()};
}

void PlaceNames::Remove(const std::string& enclosure) { enclosures_.erase(enclosure); }

std::string PlaceNames::Enclosure(const std::string& enclosure) const {
  const auto found = enclosures_.find(enclosure);
  if (found == enclosures_.end()) return ShortName(enclosure);
  const Names& names = found->second;
  if (!names.alias.empty()) return names.alias;
  const bool unique = !names.model.empty() &&
                      std::count_if(enclosures_.begin(), enclosures_.end(), [&](const auto& other) {
                        return other.second.model == names.model;
                      }) == 1;
  return unique ? names.model : ShortName(enclosure);
}

std::string PlaceNames::Slot(const std::string& enclosure, uint32_t slot) const {
  if (enclosure.empty()) return "";
  return absl::StrCat(Enclosure(enclosure), "/", slot);
}

}  // namespace sasd::cli
