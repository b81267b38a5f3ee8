#include "cli/query/watch_filter.h"

#include "absl/strings/str_cat.h"
#include "cli/output/nouns.h"
#include "cli/query/filter.h"
#include "cli/query/finder.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

absl::Status AddKind(const std::string& word, sas::v1::Filter& filter) {
  const auto noun = FindNoun(word);
  if (!noun.ok()) return noun.status();
  filter.add_kinds((*noun)->kind);
  return absl::OkStatus();
}

absl::Status AddHost(const std::string& word, const Context& context, sas::v1::Filter& filter) {
  const auto name = FindName(context, word, {sas::v1::RESOURCE_KIND_HOST});
  if (!name.ok()) return name.status();
  filter.add_hosts(*name);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<sas::v1::Filter> ParseWatchFilter(const std::vector<std::string>& arguments,
                                                 const Context& context) {
  const auto conditions = ParseConditions(arguments);
  if (!conditions.ok()) return conditions.status();
  sas::v1::Filter filter;
  for (const Condition& condition : *conditions) {
    const bool kind = condition.key == "kind";
    if (!kind && condition.key != "host") {
      return absl::InvalidArgumentError(
          absl::StrCat("no filter \"", condition.key, "\" for events",
                       rpc::DidYouMean(condition.key, {"kind", "host"}), " (filters: kind, host)"));
    }
    if (condition.op != sas::v1::OPERATOR_EQUAL) {
      return absl::InvalidArgumentError(absl::StrCat(
          "filter ", condition.key, " of events takes only =, not ", OperatorText(condition.op)));
    }
    for (const std::string& value : condition.values) {
      const absl::Status status = kind ? AddKind(value, filter) : AddHost(value, context, filter);
      if (!status.ok()) return status;
    }
  }
  return filter;
}

}  // namespace sasd::cli
