#ifndef CLI_QUERY_BASELINE_READER_H_
#define CLI_QUERY_BASELINE_READER_H_

#include "absl/status/statusor.h"
#include "cli/query/context.h"
#include "sas/v1/baseline_service.pb.h"

namespace sasd::cli {

// Reads what belongs to the node, page by page, or only what of it is missing. The result has no
// page token. Errors: as FromRpc().
absl::StatusOr<sas::v1::ListBaselineResponse> ReadBaseline(bool missing_only,
                                                           const Context& context);

}  // namespace sasd::cli

#endif  // CLI_QUERY_BASELINE_READER_H_
