#ifndef CLI_COMMANDS_CAPTURE_COMMAND_H_
#define CLI_COMMANDS_CAPTURE_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct CaptureOptions {
  std::string output;      // the file; empty: sas-capture-NODE-TIME.tar.gz here
  bool anonymous = false;  // see capture/disguise.h
  std::string sysfs = "/sys";
};

// Packs a support bundle: the SAS part of this machine's sysfs as `sasd --sysfs-root` and `sashba
// from-tree` read it, and of sasd doctor, health, status, the last 10,000 events and its log, as
// far as this user may read them. Prints what could not be read, to `err` and into the bundle. sasd
// need not run. Errors: kNotFound if there is no sysfs; kFailedPrecondition if the file cannot be
// written; then there is none.
absl::Status RunCapture(const CaptureOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_CAPTURE_COMMAND_H_
