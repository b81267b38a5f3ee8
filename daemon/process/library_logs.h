#ifndef DAEMON_PROCESS_LIBRARY_LOGS_H_
#define DAEMON_PROCESS_LIBRARY_LOGS_H_

#include "spdlog/common.h"

namespace sasd::process {

// From now on gRPC, Protocol Buffers and Abseil log through spdlog's default logger, with the
// library's name first. Each writes at most kLinesPerInterval lines in kInterval, because a client
// can cause them; further ones are counted, and the next line of the library says how many. A fatal
// line goes to standard error at once: the process ends.
//
// Abseil's raw log takes no lock and no memory and hands its text to nobody. It still writes to
// standard error itself, at the log's level, and only where that does not wait.
void CaptureLibraryLogs();

// How much gRPC logs; the others are filtered by spdlog. Its errors always; more only at "debug".
// $GRPC_VERBOSITY, if set, wins.
void SetLibraryLogLevel(spdlog::level::level_enum level);

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_LIBRARY_LOGS_H_
