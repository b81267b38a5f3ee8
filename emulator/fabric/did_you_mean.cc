#include "emulator/fabric/did_you_mean.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sasd::emulator {
namespace {

// Levenshtein's distance, by the usual one-row recurrence.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string DidYouMean(absl::string_view name, const std::vector<absl::string_view>& names) {
  constexpr size_t kMost = 3;
  const size_t limit = std::max<size_t>(2, name.size() / 4);
  std::vector<std::pair<size_t, absl::string_view>> close;
  for (absl::string_view candidate : names) {
    const bool extends = !name.empty() && absl::StartsWith(candidate, name);
    const size_t longer = std::max(candidate.size(), name.size());
    if (!extends && longer - std::min(candidate.size(), name.size()) > limit) continue;
    const size_t distance = extends ? 1 : EditDistance(name, candidate);
    if (distance <= limit) close.push_back({distance, candidate});
  }
  std::sort(close.begin(), close.end());
  if (close.size() > kMost) close.resize(kMost);
  if (close.empty()) return "";
  return absl::StrCat("; did you mean ",
                      absl::StrJoin(close, " or ",
                                    [](std::string* out, const auto& c) {
                                      absl::StrAppend(out, "\"", c.second, "\"");
                                    }),
                      "?");
}

}  // namespace sasd::emulator
