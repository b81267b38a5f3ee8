#ifndef CLI_QUERY_WATCH_FILTER_H_
#define CLI_QUERY_WATCH_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/query/context.h"
#include "sas/v1/filter.pb.h"

namespace sasd::cli {

// Parses a filter of events such as "kind=drive,host=host1,size>=14TB". Beside `kind` and `host` it
// takes the keys of lists (SelectResources), of the kinds given or of all. sasd compares all of
// them, texts with the case of their letters. An error names the unknown key or noun and close
// ones, or the kinds for which a key does not mean the same. Other errors: those of
// SelectResources().
absl::StatusOr<sas::v1::Filter> ParseWatchFilter(const std::vector<std::string>& arguments,
                                                 const Context& context);

}  // namespace sasd::cli

#endif  // CLI_QUERY_WATCH_FILTER_H_
