#include "tests/bench/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "driver/base/clock.h"

namespace sasd::bench {
namespace {

// In the child; does not return.
void Execute(const std::vector<std::string>& argv) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.data()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  perror(arguments[0]);
  _exit(127);
}

}  // namespace

Subprocess::Subprocess(const std::vector<std::string>& argv) {
  int fds[2];
  if (pipe(fds) != 0) {
    perror("pipe");
    exit(1);
  }
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fds[0], STDIN_FILENO);
    close(fds[0]);
    close(fds[1]);
    Execute(argv);
  }
  close(fds[0]);
  stdin_ = fds[1];
}

Subprocess::~Subprocess() {
  close(stdin_);
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

void Subprocess::WriteLine(const std::string& line) {
  const std::string text = line + "\n";
  if (write(stdin_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    perror("write to child");
    exit(1);
  }
}

size_t Subprocess::ResidentBytes() const {
  std::ifstream status(absl::StrCat("/proc/", pid_, "/status"));
  for (std::string line; std::getline(status, line);) {
    size_t kib = 0;
    if (sscanf(line.c_str(), "VmRSS: %zu kB", &kib) == 1) return kib * 1024;
  }
  return 0;
}

double Subprocess::CpuSeconds() const {
  std::ifstream stat(absl::StrCat("/proc/", pid_, "/stat"));
  const std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  // Fields 14 and 15 of proc(5). Counting starts after the program's name, which may contain
  // blanks.
  const std::vector<std::string> fields =
      absl::StrSplit(text.substr(text.rfind(')') + 2), ' ', absl::SkipEmpty());
  int64_t user = 0, system = 0;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) ||
      !absl::SimpleAtoi(fields[12], &system)) {
    return 0;
  }
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

absl::Duration RunToEnd(const std::vector<std::string>& argv, const std::string& output) {
  const absl::Duration start = SystemClock().Monotonic();
  const pid_t pid = fork();
  if (pid == 0) {
    const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || dup2(file, STDOUT_FILENO) < 0) {
      perror(output.c_str());
      _exit(127);
    }
    Execute(argv);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  const absl::Duration took = SystemClock().Monotonic() - start;
  if (status != 0) {
    fprintf(stderr, "%s: wait status %d\n", argv[0].c_str(), status);
    exit(1);
  }
  return took;
}

}  // namespace sasd::bench
