#include "daemon/health/log_reporter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::health {
namespace {

// Random 128-bit numbers, as journald(7) asks for; never to be changed.
constexpr char kAppearedId[] = "59053d733a9fdad5dc27766ffc662296";
constexpr char kChangedId[] = "0b070df0acbbcfa14a328bc60530bd76";
constexpr char kEndedId[] = "26fff63f22a74d51f86b27601f4d26cd";
constexpr char kSummaryId[] = "4d536b341bfa8105fbcfb3a110550e24";

}  // namespace

LogLine LogReporter::LineOf(const FindingChange& change) const {
  const Finding& finding = change.finding;
  LogLine line;
  line.severity = finding.severity;
  line.reason = std::string(ToString(finding.id.reason));
  if (finding.id.resource.has_value()) line.object = name_(*finding.id.resource);
  switch (change.kind) {
    case FindingChange::Kind::kAppeared:
      line.message_id = kAppearedId;
      line.text = absl::StrCat(line.reason, ": ", finding.message);
      break;
    case FindingChange::Kind::kChanged:
      line.message_id = kChangedId;
      line.text = absl::StrCat(line.reason, " changed: ", finding.message);
      break;
    case FindingChange::Kind::kEnded:
      line.severity = Severity::kInfo;
      line.message_id = kEndedId;
      line.text = absl::StrCat(line.reason, " ended: ", finding.message);
      break;
  }
  return line;
}

void LogReporter::Write(const LogLine& line) {
  ++lines_;
  write_(line);
}

void LogReporter::OnChanges(absl::Span<const FindingChange> changes) {
  const absl::Duration now = clock_.Monotonic();
  if (now - second_ >= absl::Seconds(1)) {
    second_ = now;
    lines_ = 0;
  }
  for (const FindingChange& change : changes) {
    LogLine line = LineOf(change);
    // The last line is the summary's.
    if (lines_ + 1 < Room(line.severity)) {
      Write(line);
      continue;
    }
    ++(change.kind == FindingChange::Kind::kAppeared  ? appeared_
       : change.kind == FindingChange::Kind::kChanged ? changed_
                                                      : ended_);
    worst_ = std::max(worst_, line.severity);
  }
  if (appeared_ + changed_ + ended_ == 0 || lines_ >= Room(worst_)) return;
  LogLine line;
  line.severity = std::exchange(worst_, Severity::kInfo);
  line.message_id = kSummaryId;
  line.text = absl::StrCat("more findings: ", std::exchange(appeared_, 0), " appeared, ",
                           std::exchange(changed_, 0), " changed, ", std::exchange(ended_, 0),
                           " ended; sasctl health shows all");
  Write(line);
}

}  // namespace sasd::health
