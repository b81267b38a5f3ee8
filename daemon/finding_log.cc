#include "daemon/finding_log.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"
#include "systemd/sd-journal.h"

namespace sasd {
namespace {

// systemd.exec(5): $JOURNAL_STREAM is the device and inode number of the stream.
bool StderrIsTheJournal() {
  const char* stream = getenv("JOURNAL_STREAM");
  struct stat status;
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return absl::StrCat(status.st_dev, ":", status.st_ino) == stream;
}

int PriorityOf(health::Severity severity) {
  switch (severity) {
    case health::Severity::kCritical:
      return LOG_CRIT;
    case health::Severity::kWarning:
      return LOG_WARNING;
    case health::Severity::kInfo:
      break;
  }
  return LOG_INFO;
}

bool SendToJournal(const health::LogLine& line) {
  std::vector<std::string> fields = {
      absl::StrCat("MESSAGE=", line.text), absl::StrCat("MESSAGE_ID=", line.message_id),
      absl::StrCat("PRIORITY=", PriorityOf(line.severity)), "SYSLOG_IDENTIFIER=sasd"};
  if (!line.object.empty()) fields.push_back(absl::StrCat("SASD_OBJECT=", line.object));
  if (!line.reason.empty()) fields.push_back(absl::StrCat("SASD_REASON=", line.reason));
  std::vector<iovec> parts;
  for (std::string& field : fields) parts.push_back({&field[0], field.size()});
  return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

void SendToSpdlog(const health::LogLine& line) {
  const std::string text =
      line.object.empty() ? line.text : absl::StrCat(line.text, " [", line.object, "]");
  spdlog::log(line.severity == health::Severity::kCritical  ? spdlog::level::critical
              : line.severity == health::Severity::kWarning ? spdlog::level::warn
                                                            : spdlog::level::info,
              "{}", text);
}

}  // namespace

void WriteFindingLine(process::LogQueue& queue, const health::LogLine& line) {
  static const bool to_journal = StderrIsTheJournal();
  if (!to_journal) return SendToSpdlog(line);
  queue.Add(line.text, [line](const std::string&) {
    if (!SendToJournal(line)) SendToSpdlog(line);
  });
}

}  // namespace sasd
