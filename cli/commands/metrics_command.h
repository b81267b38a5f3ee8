#ifndef CLI_COMMANDS_METRICS_COMMAND_H_
#define CLI_COMMANDS_METRICS_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct MetricsOptions {
  bool objects = false;  // also those of each drive
  std::string write;     // a file; empty: `out`
};

// Prints the metrics of the node in Prometheus' text format, or writes them to a file: aside, then
// renamed, so that a collector never reads half of them. Error: kFailedPrecondition where the file
// cannot be written; then there is neither a new file nor a part of one.
absl::Status RunMetrics(const MetricsOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_METRICS_COMMAND_H_
