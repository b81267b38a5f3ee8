#include "cli/output/place_names.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/output/format.h"

namespace sasd::cli {
namespace {

// A character of an identifier such as "500605b00c0ffe00-0000.82.00.0".
bool IsOfId(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
}

// The word before a position, without what stands between.
absl::string_view WordBefore(absl::string_view text, size_t at) {
  size_t end = at;
  while (end > 0 && text[end - 1] == ' ') --end;
  size_t begin = end;
  while (begin > 0 && text[begin - 1] != ' ') --begin;
  return text.substr(begin, end - begin);
}

}  // namespace

void PlaceNames::Add(const sas::v1::Enclosure& enclosure) {
  enclosures_[enclosure.name()] = {enclosure.alias(), enclosure.model()};
  AddAlias(enclosure.name(), enclosure.alias());
}

void PlaceNames::AddAlias(const std::string& resource, const std::string& alias) {
  if (alias.empty()) {
    aliases_.erase(resource);
  } else {
    aliases_[resource] = alias;
  }
}

void PlaceNames::Learn(const sas::v1::Event& event) {
  for (const sas::v1::Change& change : event.changes()) {
    if (change.kind() == sas::v1::CHANGE_KIND_REMOVED) continue;
    if (change.resource().has_enclosure()) Add(change.resource().enclosure());
    if (change.resource().has_host()) Add(change.resource().host());
  }
}

std::string PlaceNames::Enclosure(const std::string& enclosure) const {
  if (const auto alias = aliases_.find(enclosure); alias != aliases_.end()) return alias->second;
  const auto found = enclosures_.find(enclosure);
  if (found == enclosures_.end()) return ShortName(enclosure);
  const Names& names = found->second;
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

std::string PlaceNames::AliasOrId(const std::string& resource) const {
  const auto alias = aliases_.find(resource);
  return alias == aliases_.end() ? ShortName(resource) : alias->second;
}

const std::string* PlaceNames::AliasOf(absl::string_view collection, absl::string_view id) const {
  const auto found = aliases_.find(absl::StrCat(collection, "/", id));
  return found == aliases_.end() ? nullptr : &found->second;
}

std::string PlaceNames::InCell(sas::v1::ResourceKind kind, const std::string& cell) const {
  if (aliases_.empty() || cell.empty()) return cell;
  const absl::string_view collection =
      kind == sas::v1::RESOURCE_KIND_ENCLOSURE ? "enclosures" : "hosts";
  std::vector<std::string> parts = absl::StrSplit(cell, ',');
  for (std::string& part : parts) {
    if (const std::string* alias = AliasOf(collection, part)) part = *alias;
  }
  return absl::StrJoin(parts, ",");
}

std::string PlaceNames::InText(const std::string& text) const {
  if (aliases_.empty()) return text;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (!IsOfId(text[at])) {
      out.push_back(text[at++]);
      continue;
    }
    size_t end = at;
    while (end < text.size() && IsOfId(text[end])) ++end;
    // A sentence may end here.
    size_t id_end = end;
    while (id_end > at && text[id_end - 1] == '.') --id_end;
    const absl::string_view id = absl::string_view(text).substr(at, id_end - at);
    // A number after a slash is a slot's. Before one that stands alone is the kind of the object.
    const bool has_slot = end + 1 < text.size() && text[end] == '/' &&
                          absl::ascii_isdigit(static_cast<unsigned char>(text[end + 1]));
    const bool is_part = at > 0 && text[at - 1] == '/';
    const absl::string_view before = WordBefore(text, at);
    const std::string* alias = nullptr;
    if (has_slot || before == "enclosure") {
      alias = AliasOf("enclosures", id);
    } else if (!is_part && before != "device" && before != "expander" && before != "to") {
      alias = AliasOf("hosts", id);
      if (alias == nullptr) alias = AliasOf("enclosures", id);
    }
    absl::StrAppend(&out, alias == nullptr ? id : absl::string_view(*alias),
                    absl::string_view(text).substr(id_end, end - id_end));
    at = end;
  }
  return out;
}

}  // namespace sasd::cli
