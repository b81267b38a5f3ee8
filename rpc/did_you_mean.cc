#include "rpc/did_you_mean.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "rpc/edit_distance.h"

namespace sasd::rpc {
namespace {

std::string Folded(absl::string_view word) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
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
    const size_t distance = extends ? 1 : EditDistance(wanted, folded, limit);
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

}  // namespace sasd::rpc
