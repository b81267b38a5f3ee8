#ifndef DAEMON_PROCESS_EXIT_CODES_H_
#define DAEMON_PROCESS_EXIT_CODES_H_

namespace sasd::process {

// The exit codes of sasd. An abort (our own bug) ends it with SIGABRT.
enum ExitCode : int {
  kEnded = 0,
  kStartFailed = 1,
  kBadConfiguration = 2,  // of the command line, the environment or the file
  kEndedAtOnce = 3,       // SIGTERM or SIGINT, but the orderly end took too long
  kOutOfMemory = 4,
};

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_EXIT_CODES_H_
