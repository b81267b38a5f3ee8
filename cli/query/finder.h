#ifndef CLI_QUERY_FINDER_H_
#define CLI_QUERY_FINDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/query/context.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// Finds the one object that somebody calls `query`: a resource name, SAS address, WWN, serial, sdX,
// H:C:T:L, enclosure/slot, or the name that `sasctl tree` draws. `kinds` empty: of any kind. A
// drive, its paths and its slot, found together, are one: the drive (for "enclosure/slot", the
// slot). Errors: kNotFound names the query and what is close; kFailedPrecondition for several lists
// them.
absl::StatusOr<sas::v1::Resource> FindOne(const Context& context, absl::string_view query,
                                          const std::vector<sas::v1::ResourceKind>& kinds);

// FindOne()'s resource name; `query` itself where it is one already.
absl::StatusOr<std::string> FindName(const Context& context, absl::string_view query,
                                     const std::vector<sas::v1::ResourceKind>& kinds);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FINDER_H_
