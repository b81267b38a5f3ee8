#include "daemon/config/alias_file.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "driver/base/regular_file.h"
#include "rpc/toml.h"

namespace sasd::config {
namespace {

constexpr size_t kMaxAliasFileBytes = 1 << 20;
// The most of a text of the file that an error repeats.
constexpr size_t kMostShown = 64;

std::string Place(absl::string_view path, const toml::source_position& at) {
  return absl::StrCat(path, ":", at.line, ":", at.column);
}

// Something at a place, to be put in the order of the text.
template <typename T>
using Placed = std::pair<toml::source_position, T>;

template <typename T>
void SortByPlace(std::vector<Placed<T>>& all) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
}

}  // namespace

absl::StatusOr<std::vector<AliasLine>> ParseAliases(absl::string_view text,
                                                    absl::string_view path) {
  const toml::parse_result parsed = toml::parse(std::string_view(text.data(), text.size()));
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    const std::string_view what = error.description();
    return absl::InvalidArgumentError(
        absl::StrCat(Place(path, error.source().begin), ": ",
                     absl::Utf8SafeCHexEscape(absl::string_view(what.data(), what.size()))));
  }
  std::vector<Placed<AliasLine>> lines;
  std::vector<Placed<std::string>> faults;
  for (const auto& [key, node] : parsed.table()) {
    const toml::source_position at = key.source().begin;
    const absl::string_view resource(key.str().data(), key.str().size());
    if (const auto alias = node.value_exact<std::string_view>()) {
      lines.push_back({at, {std::string(resource), std::string(*alias), Place(path, at)}});
      continue;
    }
    faults.push_back(
        {at, absl::StrCat(Place(path, at), ": \"",
                          absl::Utf8SafeCHexEscape(resource.substr(0, kMostShown)),
                          "\": expected a line such as \"enclosures/500304800175f0bf\" = "
                          "\"rack3-top\"")});
  }
  if (!faults.empty()) {
    SortByPlace(faults);
    return absl::InvalidArgumentError(absl::StrJoin(
        faults, "\n",
        [](std::string* out, const auto& each) { absl::StrAppend(out, each.second); }));
  }
  SortByPlace(lines);
  std::vector<AliasLine> out;
  for (auto& [at, line] : lines) out.push_back(std::move(line));
  return out;
}

absl::StatusOr<std::vector<AliasLine>> ReadAliases(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadRegularFile(path, kMaxAliasFileBytes);
  if (!text.ok()) return text.status();
  return ParseAliases(*text, path);
}

}  // namespace sasd::config
