#ifndef CLI_QUERY_FILTER_H_
#define CLI_QUERY_FILTER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/output/columns.h"
#include "cli/output/nouns.h"
#include "cli/query/context.h"
#include "google/protobuf/message.h"

namespace sasd::cli {

// A condition as typed: a key and its alternatives.
struct Condition {
  std::string key;
  std::vector<std::string> values;
};

// Splits "state=blocked,failed" and "host=host1,state=blocked"; the argument may be given several
// times. A part without '=' is one more value of the key before it. kInvalidArgument for a part
// without key or value.
absl::StatusOr<std::vector<Condition>> ParseConditions(const std::vector<std::string>& arguments);

// What of a noun is wanted: what sasd checks, and what has to be checked here.
struct ResourceSelection {
  std::unique_ptr<google::protobuf::Message> filter;  // null where the noun has none
  // Columns and the texts that they may have.
  std::vector<std::pair<const Column*, std::vector<std::string>>> local;

  // Whether a resource that sasd has sent is wanted: each column equals one of its texts, or
  // has it as one of its comma-separated values. Case does not count.
  bool Admits(const google::protobuf::Message& resource) const;
};

// Turns conditions into a selection. Keys are the noun's filter keys (each once), or its columns.
// Objects that a condition names are looked up. Errors: kInvalidArgument names an unknown key or
// value, what is close, and what is allowed; those of FindOne() for an object.
absl::StatusOr<ResourceSelection> SelectResources(const Context& context, const Noun& noun,
                                                  const std::vector<Condition>& conditions);

// The value of an enum that people call by that word ("attached", "12g"). kInvalidArgument names
// the key, what is close, and what is allowed.
absl::StatusOr<int> ParseEnum(const google::protobuf::EnumDescriptor& type, absl::string_view key,
                              absl::string_view word);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FILTER_H_
