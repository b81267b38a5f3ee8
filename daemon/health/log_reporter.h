#ifndef DAEMON_HEALTH_LOG_REPORTER_H_
#define DAEMON_HEALTH_LOG_REPORTER_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/health/monitor.h"
#include "driver/base/clock.h"

namespace sasd::health {

// One line of the log. The fields but `text` are those of journald.
struct LogLine {
  Severity severity = Severity::kInfo;
  std::string message_id;  // MESSAGE_ID: one per kind of change, stable
  std::string object;      // SASD_OBJECT: the resource's name; empty for a summary
  std::string reason;      // SASD_REASON; empty for a summary
  std::string text;        // MESSAGE
};

// Writes each change of a finding as one line. A storm is summarized: at most 10 lines a second, of
// which three are kept for what is critical. Not thread-safe.
class LogReporter : public FindingSink {
 public:
  // `name`: of a resource. Borrows the clock for its lifetime.
  LogReporter(Clock& clock, std::function<std::string(const registry::ResourceId&)> name,
              std::function<void(const LogLine&)> write)
      : clock_(clock), name_(std::move(name)), write_(std::move(write)) {}

  // Without changes: writes the summary of what was held back before.
  void OnChanges(absl::Span<const FindingChange> changes) override;

 private:
  // How many lines a second may have before one of this severity, with it and a summary.
  static size_t Room(Severity severity) { return severity == Severity::kCritical ? 10 : 7; }

  LogLine LineOf(const FindingChange& change) const;
  void Write(const LogLine& line);

  Clock& clock_;
  const std::function<std::string(const registry::ResourceId&)> name_;
  const std::function<void(const LogLine&)> write_;
  absl::Duration second_ = -absl::InfiniteDuration();  // when the present second began
  size_t lines_ = 0;                                   // in it
  // Held back since the last summary.
  size_t appeared_ = 0, changed_ = 0, ended_ = 0;
  Severity worst_ = Severity::kInfo;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_LOG_REPORTER_H_
