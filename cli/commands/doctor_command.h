#ifndef CLI_COMMANDS_DOCTOR_COMMAND_H_
#define CLI_COMMANDS_DOCTOR_COMMAND_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct DoctorOptions {
  std::string output = "table";  // "table": a summary line, then the checks grouped by status
};

// Prints what sasd can and cannot see on its node, and how to fix it. If sasd does not answer,
// prints why, as far as this user can see. Returns kHealthOk, kHealthWarning (something is
// limited), kHealthCritical (something is broken) or kHealthUnknown (sasd does not answer).
absl::StatusOr<int> RunDoctor(const DoctorOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_DOCTOR_COMMAND_H_
