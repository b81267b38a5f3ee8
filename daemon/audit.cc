#include "daemon/audit.h"

#include "absl/strings/str_cat.h"

namespace sasd {
namespace {

constexpr int kLinesPerSecond = 10;

}  // namespace

void AuditLog::Record(const rpc::Caller& caller, absl::string_view method, rpc::Role needed,
                      bool allowed) {
  if (allowed && needed <= rpc::Role::kViewer) return;
  std::string line =
      absl::StrCat(allowed ? "audit: " : "audit: refused: ", rpc::Describe(caller.peer), ", role ",
                   rpc::RoleName(caller.role), ": ", method);
  {
    absl::MutexLock lock(&mu_);
    const absl::Duration now = clock_.Monotonic();
    if (now - second_ >= absl::Seconds(1)) {
      second_ = now;
      lines_ = 0;
    }
    if (++lines_ > kLinesPerSecond) {
      ++left_out_;
      return;
    }
    if (left_out_ > 0) absl::StrAppend(&line, " (", left_out_, " earlier lines left out)");
    left_out_ = 0;
  }
  sink_(allowed ? Level::kInfo : Level::kWarning, line);
}

}  // namespace sasd
