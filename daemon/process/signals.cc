#include "daemon/process/signals.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <thread>  // NOLINT: one thread for the whole life of the process
#include <utility>

#include "absl/time/clock.h"
#include "daemon/process/exit_codes.h"
#include "daemon/process/write_now.h"

namespace sasd::process {
namespace {

sigset_t Taken() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, signal);
  return signals;
}

// Before the initializers of the shared libraries: loading them takes some milliseconds, in which a
// SIGHUP would end the process. The sanitizers are not ready yet.
__attribute__((no_sanitize("address", "thread", "undefined"))) void Block(int, char**, char**) {
  uint64_t taken = 0;
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) taken |= uint64_t{1} << (signal - 1);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &taken, nullptr, sizeof(taken));
}

__attribute__((section(".preinit_array"), used)) void (*const at_preinit)(int, char**,
                                                                          char**) = Block;

}  // namespace

Signals& Signals::Start() {
  static Signals* const signals = new Signals;
  return *signals;
}

Signals::Signals() {
  const sigset_t taken = Taken();  // blocked already
  pthread_sigmask(SIG_BLOCK, &taken, nullptr);
  signal(SIGPIPE, SIG_IGN);
  std::thread([this] { Run(); }).detach();
}

int Signals::Next(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  const auto any = [this]()
                       ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return end_ != 0 || hangup_ || user_; };
  mu_.AwaitWithTimeout(absl::Condition(&any), timeout);
  if (end_ != 0) return end_;
  if (std::exchange(hangup_, false)) return SIGHUP;
  if (std::exchange(user_, false)) return SIGUSR1;
  return 0;
}

void Signals::Run() {
  const sigset_t taken = Taken();
  while (true) {
    const int signal = sigwaitinfo(&taken, nullptr);
    if (signal < 0) continue;  // EINTR, by a debugger
    const bool ends = signal == SIGTERM || signal == SIGINT;
    {
      absl::MutexLock lock(&mu_);
      if (ends) end_ = signal;
      hangup_ |= signal == SIGHUP;
      user_ |= signal == SIGUSR1;
    }
    if (!ends) continue;
    absl::SleepFor(kLongestEnd);  // the process ends meanwhile
    WriteNow("sasd: ", strsignal(signal), ": sasd did not end in order in time and ends at once; ",
             "nothing that it showed is lost", nullptr);
    _exit(kEndedAtOnce);
  }
}

}  // namespace sasd::process
