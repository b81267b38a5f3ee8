#include "cli/output/cause_text.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/output/format.h"

namespace sasd::cli {
namespace {

using sas::v1::Change;
using sas::v1::Resource;

// The names of an object in the text of a cause. A cause names a logical unit by its paths.
std::vector<std::string> NamesInCauses(const Change& change) {
  const std::string name = ShortName(NameOf(change.resource()));
  std::vector<std::string> names;
  switch (change.resource().resource_case()) {
    case Resource::kEndDevice:
      names.push_back(absl::StrCat("end device ", name));
      break;
    case Resource::kExpander:
      names.push_back(absl::StrCat("expander ", name, " added"));
      names.push_back(absl::StrCat("expander ", name, " not responding"));
      break;
    case Resource::kLogicalUnit:
      for (const Resource* unit : {&change.resource(), &change.previous()}) {
        for (const auto& path : unit->logical_unit().paths()) {
          names.push_back(absl::StrCat("end device ", ShortName(path.end_device())));
        }
      }
      break;
    default:
      break;
  }
  return names;
}

}  // namespace

std::string CauseText(const sas::v1::Cause& cause) {
  const std::string kind = EnumText(cause.kind());
  if (cause.text().empty()) return kind;
  const bool found_later = cause.kind() == sas::v1::CAUSE_KIND_RESYNC;
  return found_later ? absl::StrCat("resync: ", cause.text()) : cause.text();
}

std::string ReasonFor(const Change& change, const sas::v1::Cause& cause) {
  const std::string text = CauseText(cause);
  const std::vector<std::string> clauses = absl::StrSplit(text, "; ");
  if (clauses.size() == 1) return text;
  for (const std::string& name : NamesInCauses(change)) {
    for (const std::string& clause : clauses) {
      if (absl::StrContains(clause, name)) return clause;
    }
  }
  return absl::StrCat(clauses.front(), "; ...");
}

}  // namespace sasd::cli
