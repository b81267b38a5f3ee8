#ifndef TESTS_BENCH_SUBPROCESS_H_
#define TESTS_BENCH_SUBPROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace sasd::bench {

// A child process. The destructor sends SIGTERM and waits for it. Its standard input is a pipe from
// this process; it shares our standard error. Thread-compatible.
class Subprocess {
 public:
  // argv[0] is the path of the program. Exits with a message if there is no pipe. A child that
  // cannot run the program prints a message and exits with 127.
  explicit Subprocess(const std::vector<std::string>& argv);
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const { return pid_; }

  void WriteLine(const std::string& line);

  // Resident memory now, in bytes (/proc/PID/status, VmRSS).
  size_t ResidentBytes() const;

  // User and system time so far, in seconds.
  double CpuSeconds() const;

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
};

// Runs a program to its end, with its standard output in the file `output`. Returns the duration.
// Prints a message and exits unless its exit code is 0.
absl::Duration RunToEnd(const std::vector<std::string>& argv, const std::string& output);

}  // namespace sasd::bench

#endif  // TESTS_BENCH_SUBPROCESS_H_
