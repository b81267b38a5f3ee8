#ifndef CLI_QUERY_FILTER_H_
#define CLI_QUERY_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/output/columns.h"
#include "cli/output/nouns.h"
#include "cli/query/context.h"
#include "google/protobuf/message.h"
#include "rpc/glob.h"
#include "sas/v1/filter.pb.h"

namespace sasd::cli {

// A condition that a user typed: a key, an operator and alternative values.
struct Condition {
  std::string key;
  sas::v1::Operator op = sas::v1::OPERATOR_EQUAL;
  std::vector<std::string> values;
};

// Splits arguments such as "state=blocked,failed" and "host=host1,size>=14TB". The operators are =,
// !=, <, <=, > and >=. A part without one is another value of the key before it. Error:
// kInvalidArgument for a part without key or value.
absl::StatusOr<std::vector<Condition>> ParseConditions(const std::vector<std::string>& arguments);

// "=", "!=", "<", ...
absl::string_view OperatorText(sas::v1::Operator op);

// A condition on what a column shows.
struct ColumnCondition {
  const Column* column;
  bool negated = false;
  std::vector<rpc::Glob> values = {};  // in lower case
};

// The objects that a user selects. sasd applies `filter`, and Admits() applies `local`.
struct ResourceSelection {
  sas::v1::Filter filter;
  std::vector<ColumnCondition> local;

  // Whether the user selects a resource that sasd sent: each column matches one of its values, or
  // lists one between commas; a negated one must not. Ignores case.
  bool Admits(const google::protobuf::Message& resource) const;
};

// Converts conditions to a selection. A key is one of the noun's filter keys (at most once with
// each operator), or a column. Looks up objects that a condition names. Errors: kInvalidArgument
// names an unknown key or value, close ones, and the allowed ones; those of FindOne() for an
// object.
absl::StatusOr<ResourceSelection> SelectResources(const Context& context, const Noun& noun,
                                                  const std::vector<Condition>& conditions);

// The enum value for a word such as "attached" or "12g". `what` it is, for people: "filter state".
// Error: kInvalidArgument names that, close words, and the allowed ones.
absl::StatusOr<int> ParseEnum(const google::protobuf::EnumDescriptor& type, absl::string_view what,
                              absl::string_view word);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FILTER_H_
