#include "cli/output/progress.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace sasd::cli {

Progress::Progress(std::ostream& err, bool shows, std::string what, absl::Duration patience)
    : err_(err), what_(std::move(what)) {
  if (shows) thread_ = std::thread([this, patience] { Run(patience); });
}

Progress::~Progress() {
  stop_.Notify();
  if (thread_.joinable()) thread_.join();
}

void Progress::Run(absl::Duration patience) {
  const absl::Time begin = absl::Now();
  if (stop_.WaitForNotificationWithTimeout(patience)) return;
  do {
    const int64_t seconds = absl::ToInt64Seconds(absl::Now() - begin);
    err_ << absl::StrCat("\rsasctl: ", what_, " ", seconds, " s\033[K") << std::flush;
  } while (!stop_.WaitForNotificationWithTimeout(absl::Seconds(1)));
  err_ << "\r\033[K" << std::flush;
}

}  // namespace sasd::cli
