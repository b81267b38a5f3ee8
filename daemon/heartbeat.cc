#include "daemon/heartbeat.h"

#include <utility>

namespace sasd {

Heartbeat::Heartbeat(absl::Duration interval, std::function<absl::Status()> check,
                     std::function<void()> feed, std::function<void(const absl::Status&)> report) {
  if (interval == absl::InfiniteDuration()) return;
  thread_ = std::thread([this, interval, check = std::move(check), feed = std::move(feed),
                         report = std::move(report)] {
    do {
      const absl::Status status = check();
      if (status.ok()) {
        feed();
      } else {
        report(status);
      }
    } while (!stop_.WaitForNotificationWithTimeout(interval));
  });
}

Heartbeat::~Heartbeat() {
  stop_.Notify();
  if (thread_.joinable()) thread_.join();
}

}  // namespace sasd
