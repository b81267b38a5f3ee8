#ifndef DAEMON_PROCESS_LOG_SINK_H_
#define DAEMON_PROCESS_LOG_SINK_H_

#include <memory>

#include "daemon/process/log_queue.h"
#include "spdlog/logger.h"

namespace sasd::process {

// A logger of spdlog whose lines go to `queue`, which it borrows for its lifetime. It looks like
// spdlog's own on standard error: colours on a terminal.
std::shared_ptr<spdlog::logger> MakeLogger(LogQueue& queue);

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_LOG_SINK_H_
