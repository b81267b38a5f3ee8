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

// What an identifier is, by the last word before it that says so: a host, an enclosure, a host that
// owns a phy or a port, or something else.
enum class Kind { kOther, kHost, kEnclosure, kOwner };

// Whether a word says it.
bool ReadKind(absl::string_view word, Kind* kind) {
  struct Entry {
    absl::string_view word;
    Kind kind;
  };
  static constexpr Entry kEntries[] = {
      {"host", Kind::kHost},
      {"hosts", Kind::kHost},
      {"over", Kind::kHost},
      {"parent", Kind::kHost},
      {"enclosure", Kind::kEnclosure},
      {"enclosures", Kind::kEnclosure},
      {"phy", Kind::kOwner},
      {"port", Kind::kOwner},
      {"via", Kind::kOwner},
      {"device", Kind::kOther},
      {"devices", Kind::kOther},
      {"drive", Kind::kOther},
      {"expander", Kind::kOther},
      {"expanders", Kind::kOther},
      {"lu", Kind::kOther},
      {"slot", Kind::kOther},
      {"to", Kind::kOther},
      {"unit", Kind::kOther},
  };
  for (const Entry& entry : kEntries) {
    if (entry.word != word) continue;
    *kind = entry.kind;
    return true;
  }
  return false;
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
  Kind kind = Kind::kOther;
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
    const std::string* alias = nullptr;
    // Behind a slash is a part of another object's name.
    const bool is_part = at > 0 && text[at - 1] == '/';
    if (!ReadKind(id, &kind) && !is_part) {
      // A number after a slash is a slot's, unless the object is a phy or a port.
      const bool has_slot = end + 1 < text.size() && text[end] == '/' &&
                            absl::ascii_isdigit(static_cast<unsigned char>(text[end + 1]));
      if (kind == Kind::kHost || kind == Kind::kOwner) {
        alias = AliasOf("hosts", id);
      } else if (kind == Kind::kEnclosure || has_slot) {
        alias = AliasOf("enclosures", id);
      }
    }
    absl::StrAppend(&out, alias == nullptr ? id : absl::string_view(*alias),
                    absl::string_view(text).substr(id_end, end - id_end));
    at = end;
  }
  return out;
}

}  // namespace sasd::cli
