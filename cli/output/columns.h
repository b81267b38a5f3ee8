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

// One column of a noun's table. The key is what --columns and --filter call it; the header is the
// key in upper case.
struct Column {
  // In which tables it stands without being asked for.
  enum class Shown { kAlways, kWide, kOnRequest };

  std::string key;
  Shown shown = Shown::kAlways;
  bool right_aligned = false;
  std::function<std::string(const google::protobuf::Message&)> value;

  std::string Header() const;
};

// The columns of a kind of resource, in order. For drives and logical units the same ones.
const std::vector<Column>& ColumnsOf(sas::v1::ResourceKind kind);

// Of `columns`, those of the table (or, wide, of the wide one).
std::vector<const Column*> DefaultColumns(const std::vector<Column>& columns, bool wide);

// Of `columns`, those whose keys the comma-separated list names, in its order. kInvalidArgument
// names the unknown one, those close to it, and all there are.
absl::StatusOr<std::vector<const Column*>> ChooseColumns(const std::vector<Column>& columns,
                                                         absl::string_view list);

// The column of that key, or null. Case does not count, nor does '_' against '-'.
const Column* FindColumn(const std::vector<Column>& columns, absl::string_view key);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_COLUMNS_H_
