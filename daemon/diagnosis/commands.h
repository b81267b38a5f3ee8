#ifndef DAEMON_DIAGNOSIS_COMMANDS_H_
#define DAEMON_DIAGNOSIS_COMMANDS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/check.h"
#include "daemon/diagnosis/machine.h"

// The parts of checks. Pure functions and values.
namespace sasd {

// Make one check without a host. `status` is kLimited or kBroken; `remedy` and `command` may be
// empty.
DiagnosisCheck PassedCheck(absl::string_view subject, absl::string_view message);
DiagnosisCheck FailedCheck(DiagnosisCheck::Status status, absl::string_view reason,
                           absl::string_view subject, absl::string_view message,
                           absl::string_view remedy = "", absl::string_view command = "");

// Makes commands for a root shell that act on this sasd, as a systemd service or without systemd.
// A value.
class Commands {
 public:
  explicit Commands(const ProcessFacts& process)
      : is_service_(process.is_service), pid_(process.pid) {}

  // Makes sasd rescan.
  std::string Rescan() const;

  // Adds lines ("A=b\\nC=d") to the unit and restarts it. Returns `otherwise` if sasd is not a
  // service.
  std::string DropIn(absl::string_view name, absl::string_view lines,
                     absl::string_view otherwise = "") const;

  // Raises the limit of open files.
  std::string MoreFiles() const;

 private:
  const bool is_service_;
  const int pid_;
};

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_COMMANDS_H_
