#ifndef CLI_COMMANDS_DOCTOR_COMMAND_H_
#define CLI_COMMANDS_DOCTOR_COMMAND_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct DoctorOptions {
  std::string output = "table";  // "table": a summary line, then the checks, grouped by status
};

// Prints what sasd can and cannot see on its node, and what mends it. Where it does not answer:
// why, as far as that can be seen from here. Returns the exit code, as those of `health`:
// kHealthOk, kHealthWarning (something is limited), kHealthCritical (something is broken),
// kHealthUnknown (sasd does not answer).
absl::StatusOr<int> RunDoctor(const DoctorOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_DOCTOR_COMMAND_H_
