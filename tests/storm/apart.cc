#include "tests/storm/apart.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "driver/base/unique_fd.h"

namespace sasd::testing {
namespace {

void WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t n = TEMP_FAILURE_RETRY(write(fd, text.data(), text.size()));
    if (n < 0) abort();  // the parent is gone
    text.remove_prefix(static_cast<size_t>(n));
  }
}

// Appends the bytes of one read. False at the end of the file.
bool ReadSome(int fd, std::string* text) {
  char bytes[1 << 14];
  const ssize_t n = TEMP_FAILURE_RETRY(read(fd, bytes, sizeof(bytes)));
  if (n > 0) text->append(bytes, static_cast<size_t>(n));
  return n > 0;
}

std::string ContentsOf(int file) {
  std::string text;
  lseek(file, 0, SEEK_SET);
  while (ReadSome(file, &text)) {
  }
  return text;
}

std::string DeathOf(int status, absl::string_view errors) {
  for (absl::string_view line : absl::StrSplit(errors, '\n')) {
    if (absl::ConsumePrefix(&line, "SUMMARY: ")) return std::string(line);
  }
  if (WIFSIGNALED(status)) return absl::StrCat("signal: ", strsignal(WTERMSIG(status)));
  return absl::StrCat("exit code ", WEXITSTATUS(status));
}

}  // namespace

Outcome RunApart(absl::FunctionRef<std::string(Say)> run, absl::Duration silence) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return {"", absl::StrCat("no pipe: ", strerror(errno)), ""};
  UniqueFd in(ends[0]), out(ends[1]);
  const UniqueFd failure(memfd_create("failure", MFD_CLOEXEC));
  const UniqueFd errors(memfd_create("errors", MFD_CLOEXEC));
  std::cout.flush();  // otherwise the child prints the buffer, too
  const pid_t child = fork();
  if (child < 0) return {"", absl::StrCat("no child: ", strerror(errno)), ""};
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    in.Close();
    dup2(errors.get(), STDERR_FILENO);
    WriteAll(failure.get(), run([&out](absl::string_view text) { WriteAll(out.get(), text); }));
    exit(0);  // runs the leak check, too
  }
  out.Close();
  Outcome outcome;
  bool silent = false;
  pollfd wait = {in.get(), POLLIN, 0};
  do {
    silent = TEMP_FAILURE_RETRY(
                 poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(silence)))) == 0;
  } while (!silent && ReadSome(in.get(), &outcome.said));
  if (silent) kill(child, SIGKILL);
  int status = 0;
  (void)TEMP_FAILURE_RETRY(waitpid(child, &status, 0));
  outcome.errors = ContentsOf(errors.get());
  outcome.failure = ContentsOf(failure.get());
  if (silent) {
    outcome.failure = absl::StrCat("hangs: no output for ", absl::FormatDuration(silence));
  } else if (outcome.failure.empty() && status != 0) {
    outcome.failure = DeathOf(status, outcome.errors);
  }
  return outcome;
}

}  // namespace sasd::testing
