#include "daemon/diagnosis/commands.h"

#include "absl/strings/str_cat.h"

namespace sasd {

DiagnosisCheck PassedCheck(absl::string_view subject, absl::string_view message) {
  DiagnosisCheck check;
  check.subject = std::string(subject);
  check.message = std::string(message);
  return check;
}

DiagnosisCheck FailedCheck(DiagnosisCheck::Status status, absl::string_view reason,
                           absl::string_view subject, absl::string_view message,
                           absl::string_view remedy, absl::string_view command) {
  DiagnosisCheck check = PassedCheck(subject, message);
  check.status = status;
  check.reason = std::string(reason);
  check.remedy = std::string(remedy);
  check.command = std::string(command);
  return check;
}

std::string Commands::Rescan() const {
  return is_service_ ? "systemctl reload sasd" : absl::StrCat("kill -HUP ", pid_);
}

std::string Commands::DropIn(absl::string_view name, absl::string_view lines,
                             absl::string_view otherwise) const {
  if (!is_service_) return std::string(otherwise);
  return absl::StrCat("mkdir -p /etc/systemd/system/sasd.service.d && printf '[Service]\\n", lines,
                      "\\n' > /etc/systemd/system/sasd.service.d/", name,
                      ".conf && systemctl daemon-reload && systemctl restart sasd");
}

std::string Commands::MoreFiles() const {
  return DropIn("files", "LimitNOFILE=65536", absl::StrCat("prlimit --nofile=65536 --pid ", pid_));
}

}  // namespace sasd
