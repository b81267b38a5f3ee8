#ifndef TESTS_BENCH_SUBPROCESS_H_
#define TESTS_BENCH_SUBPROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace sasd::bench {

// A child process that ends with this object (SIGTERM, then waited for). Its standard input is a
// pipe from here; its standard error goes where ours goes. Thread-compatible.
class Subprocess {
 public:
  // Dies with a message where the program cannot be started.
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

// Runs a program to its end, with its standard output to a file, and returns how long it took.
// Dies with a message unless it ends with 0.
absl::Duration RunToEnd(const std::vector<std::string>& argv, const std::string& output);

}  // namespace sasd::bench

#endif  // TESTS_BENCH_SUBPROCESS_H_
