#include "cli/output/suggest.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace sasd::cli {
namespace {

std::string Folded(absl::string_view word) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
}

// Optimal string alignment: like Levenshtein's distance, and a swap of neighbours is one edit.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::vector<std::string> CloseTo(absl::string_view word, const std::vector<std::string>& known) {
  constexpr size_t kMost = 3;
  const std::string wanted = Folded(word);
  const size_t limit = std::max<size_t>(wanted.size() <= 3 ? 1 : 2, wanted.size() / 3);
  std::vector<std::pair<size_t, std::string>> close;
  for (const std::string& candidate : known) {
    const std::string folded = Folded(candidate);
    const bool extends =
        wanted.size() >= 2 && folded.size() > wanted.size() && absl::StartsWith(folded, wanted);
    const size_t distance = extends ? 1 : EditDistance(wanted, folded);
    if (distance <= limit) close.push_back({distance, candidate});
  }
  std::stable_sort(close.begin(), close.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> words;
  for (auto& [distance, candidate] : close) {
    if (words.size() < kMost) words.push_back(std::move(candidate));
  }
  return words;
}

std::string DidYouMean(absl::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string> close = CloseTo(word, known);
  if (close.empty()) return "";
  return absl::StrCat("; did you mean ",
                      absl::StrJoin(close, " or ",
                                    [](std::string* out, const std::string& candidate) {
                                      absl::StrAppend(out, "\"", candidate, "\"");
                                    }),
                      "?");
}

}  // namespace sasd::cli
