#ifndef DAEMON_FINDING_LOG_H_
#define DAEMON_FINDING_LOG_H_

#include "daemon/health/log_reporter.h"
#include "daemon/process/log_queue.h"

namespace sasd {

// Writes a line to journald with its fields if stderr is journald's ($JOURNAL_STREAM), else to
// spdlog. Does not wait for journald: the queue's thread does. Thread-safe.
void WriteFindingLine(process::LogQueue& queue, const health::LogLine& line);

}  // namespace sasd

#endif  // DAEMON_FINDING_LOG_H_
