// sasctl: the command line of sasd. See cli/README.md.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <iostream>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one thread takes signals
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/output/fd_stream.h"
#include "cli/query/contexts.h"
#include "cli/run.h"
#include "grpcpp/grpcpp.h"

namespace sasd::cli {
namespace {

constexpr int kExitInterrupted = 130;  // what shells report for SIGINT
constexpr int kFirstReconnectMs = 100, kLastReconnectMs = 1'000;

absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>> Connect(const Connection& connection) {
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials =
      MakeCredentials(connection);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  // gRPC's defaults are 1 s, growing to two minutes. sasd is usually on this machine: retry sooner.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLastReconnectMs);
  if (!connection.tls_name.empty()) {
    arguments.SetSslTargetNameOverride(connection.tls_name);
  }
  return grpc::CreateCustomChannel(connection.address, *std::move(credentials), arguments);
}

std::string Variable(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? "" : value;
}

bool IsTerminal(int fd) { return isatty(fd) && Variable("TERM") != "dumb"; }

bool TakesColour() { return IsTerminal(STDOUT_FILENO) && Variable("NO_COLOR").empty(); }

Screen ScreenOf() {
  Screen screen;
  screen.shows_progress = IsTerminal(STDERR_FILENO);
  if (!isatty(STDOUT_FILENO)) return screen;
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  screen.columns = known ? size.ws_col : 80;
  return screen;
}

// A closed stream must not become the next socket that a library opens. A write to it still fails.
void KeepClosedStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)open("/dev/null", O_RDONLY);
  }
}

// The program that shows long texts, if the output is a terminal: $PAGER, or less as git runs it.
class Pager {
 public:
  // Does nothing if there is no terminal or no pager.
  void Start() {
    if (!IsTerminal(STDOUT_FILENO)) return;
    const char* const chosen = getenv("PAGER");
    const std::string command = chosen == nullptr ? "less" : chosen;
    if (command.empty() || command == "cat" || (chosen == nullptr && !HasLess())) return;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    setenv("LESS", "FRX", /*overwrite=*/0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string words[] = {"sh", "-c", command};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t pid = 0;
    if (posix_spawnp(&pid, "sh", &actions, &attributes, arguments, environ) == 0) {
      dup2(ends[1], STDOUT_FILENO);
      pid_ = pid;
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[0]);
    close(ends[1]);
  }

  bool runs() const { return pid_ > 0; }

  // Waits until the reader has finished.
  void Finish() {
    if (!runs()) return;
    close(STDOUT_FILENO);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

 private:
  static bool HasLess() {
    const std::string path = Variable("PATH");
    for (const absl::string_view folder : absl::StrSplit(path, ':')) {
      if (access(absl::StrCat(folder, "/less").c_str(), X_OK) == 0) return true;
    }
    return false;
  }

  std::atomic<pid_t> pid_ = 0;
};

// Ctrl-C cancels the call in progress, or ends the process if there is none. A thread takes the
// signals, because a signal handler may call almost nothing.
// A pager takes Ctrl-C itself.
void TakeSignals(Interrupt& interrupt, const Pager& pager) {
  static sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a closed pipe shows up as a failed write
  std::thread([&interrupt, &pager] {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0) {
      if (signal == SIGINT && pager.runs()) continue;
      if (!interrupt.Fire()) _exit(kExitInterrupted);
    }
  }).detach();
}

int Main(int argc, char** argv) {
  KeepClosedStreams();
  static Interrupt& interrupt = *new Interrupt;  // the signal thread never ends
  static Pager& pager = *new Pager;
  TakeSignals(interrupt, pager);
  const Connection connection{Variable("SASD_ADDR"), Variable("SASD_TLS_CA"),
                              Variable("SASD_TLS_CERTIFICATE"), Variable("SASD_TLS_KEY"),
                              Variable("SASD_TLS_NAME")};
  ContextsPlace contexts{Variable("SASCTL_CONFIG"), /*is_given=*/true, Variable("SASCTL_CONTEXT")};
  if (contexts.path.empty()) {
    const std::string home = Variable("HOME");
    contexts.is_given = false;
    if (!home.empty()) contexts.path = home + "/.config/sasctl/config.toml";
  }
  FdStreambuf buffer(STDOUT_FILENO);
  std::ostream out(&buffer);
  Environment environment{out, std::cerr, interrupt, TakesColour(), connection, Connect};
  environment.contexts = std::move(contexts);
  environment.screen = ScreenOf();
  environment.write_error = [&buffer] { return buffer.error(); };
  environment.start_pager = [] { pager.Start(); };
  const int code = Run(std::vector<std::string>(argv + 1, argv + argc), environment);
  pager.Finish();
  return code;
}

}  // namespace
}  // namespace sasd::cli

int main(int argc, char** argv) { return sasd::cli::Main(argc, argv); }
