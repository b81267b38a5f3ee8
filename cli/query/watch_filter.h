#ifndef CLI_QUERY_WATCH_FILTER_H_
#define CLI_QUERY_WATCH_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/query/context.h"
#include "sas/v1/filter.pb.h"

namespace sasd::cli {

// Parses a filter of events such as "kind=drive,host=host1". An error names the unknown key or noun
// and close ones. Other errors: those of FindOne() for a host.
absl::StatusOr<sas::v1::Filter> ParseWatchFilter(const std::vector<std::string>& arguments,
                                                 const Context& context);

}  // namespace sasd::cli

#endif  // CLI_QUERY_WATCH_FILTER_H_
