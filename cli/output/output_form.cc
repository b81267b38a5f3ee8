#include "cli/output/output_form.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/json.h"
#include "cli/output/yaml.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
absl::StatusOr<Output> ParseOutput(absl::string_view word) {
  static const std::vector<std::string> kWords = {"table", "wide", "json", "jsonl", "yaml", "name"};
  for (size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) return static_cast<Output>(i);
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown output format \"", word, "\"",
                                                 rpc::DidYouMean(word, kWords),
                                                 " (formats: ", absl::StrJoin(kWords, ", "), ")"));
}

bool PrintMessage(const google::protobuf::Message& message, Output output, std::ostream& out) {
  switch (output) {
    case Output::kJson:
      out << ToIndentedJson(message) << '\n';
      return true;
    case Output::kJsonl:
      out << ToJson(message) << '\n';
      return true;
    case Output::kYaml:
      out << JsonToYaml(ToJson(message));
      return true;
    default:
      return false;
  }
}

}  // namespace sasd::cli
