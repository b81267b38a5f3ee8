// sasctl: the command line of sasd. See cli/README.md.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one thread takes signals
#include <utility>
#include <vector>

#include "cli/query/contexts.h"
#include "cli/run.h"
#include "grpcpp/grpcpp.h"

namespace sasd::cli {
namespace {

constexpr int kExitInterrupted = 130;  // what shells report for SIGINT
constexpr int kFirstReconnectMs = 100, kLastReconnectMs = 1'000;

absl::StatusOr<Stubs> Connect(const Connection& connection) {
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
  return Stubs::Make(
      grpc::CreateCustomChannel(connection.address, *std::move(credentials), arguments));
}

std::string Variable(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? "" : value;
}

bool TakesColour() {
  const char* const no_colour = getenv("NO_COLOR");
  const char* const terminal = getenv("TERM");
  return isatty(STDOUT_FILENO) && (no_colour == nullptr || *no_colour == '\0') &&
         (terminal == nullptr || std::string(terminal) != "dumb");
}

// Ctrl-C cancels the call in progress, or ends the process if there is none. A thread takes the
// signals, because a signal handler may call almost nothing.
void TakeSignals(Interrupt& interrupt) {
  static sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a closed pipe shows up as a failed write
  std::thread([&interrupt] {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0) {
      if (!interrupt.Fire()) _exit(kExitInterrupted);
    }
  }).detach();
}

int Main(int argc, char** argv) {
  static Interrupt& interrupt = *new Interrupt;  // the signal thread never ends
  TakeSignals(interrupt);
  const Connection connection{Variable("SASD_ADDR"), Variable("SASD_TLS_CA"),
                              Variable("SASD_TLS_CERTIFICATE"), Variable("SASD_TLS_KEY"),
                              Variable("SASD_TLS_NAME")};
  ContextsPlace contexts{Variable("SASCTL_CONFIG"), /*is_given=*/true, Variable("SASCTL_CONTEXT")};
  if (contexts.path.empty()) {
    const std::string home = Variable("HOME");
    contexts.is_given = false;
    if (!home.empty()) contexts.path = home + "/.config/sasctl/config.toml";
  }
  const Environment environment{std::cout,  std::cerr, interrupt, TakesColour(),
                                connection, Connect,   {},        contexts};
  return Run(std::vector<std::string>(argv + 1, argv + argc), environment);
}

}  // namespace
}  // namespace sasd::cli

int main(int argc, char** argv) { return sasd::cli::Main(argc, argv); }
