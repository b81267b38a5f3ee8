#ifndef CLI_OUTPUT_COLUMNS_H_
#define CLI_OUTPUT_COLUMNS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// One column of a noun's table. --columns and --filter use the key; the header is the key in upper
// case.
struct Column {
  // Which tables show the column by default.
  enum class Shown { kAlways, kWide, kOnRequest };

  std::string key;
  Shown shown = Shown::kAlways;
  bool right_aligned = false;
  std::function<std::string(const google::protobuf::Message&)> value;
  // Set if the values are identifiers of hosts (or expanders) or of enclosures, comma-separated.
  sas::v1::ResourceKind refers_to = sas::v1::RESOURCE_KIND_UNSPECIFIED;

  std::string Header() const;
};

// The columns of a kind of resource, in order. Drives and logical units have the same.
const std::vector<Column>& ColumnsOf(sas::v1::ResourceKind kind);

// The columns that a table, or a wide table, shows by default.
std::vector<const Column*> DefaultColumns(const std::vector<Column>& columns, bool wide);

// The columns whose keys are in the comma-separated list, in its order. Error: kInvalidArgument
// names the unknown key, close ones, and all keys.
absl::StatusOr<std::vector<const Column*>> ChooseColumns(const std::vector<Column>& columns,
                                                         absl::string_view list);

// The column with that key, or null. Ignores case, and takes '_' for '-'.
const Column* FindColumn(const std::vector<Column>& columns, absl::string_view key);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_COLUMNS_H_
