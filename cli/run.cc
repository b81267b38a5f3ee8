#include "cli/run.h"

#include <errno.h>
#include <string.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/commands/health_command.h"
#include "cli/complete.h"
#include "cli/grammar.h"
#include "cli/help_text.h"
#include "cli/output/visible.h"
#include "cli/parser.h"
#include "cli/usage_error.h"
#include "rpc/version.h"

namespace sasd::cli {
namespace {

// Runs a parsed command. Returns its exit code, or an error to print.
absl::StatusOr<int> Act(const Command& command, const Grammar& grammar,
                        const Environment& environment) {
  if (command.local_action != nullptr) {
    if (absl::Status s = command.local_action(); !s.ok()) return s;
    return kExitOk;
  }
  const absl::StatusOr<absl::Duration> timeout = grammar.timeout();
  if (!timeout.ok()) return timeout.status();
  const absl::StatusOr<Connection> connection = grammar.connection();
  if (!connection.ok()) return connection.status();
  const absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>> channel =
      environment.connect(*connection);
  if (!channel.ok()) return channel.status();
  if (grammar.pages(command) && environment.start_pager != nullptr) environment.start_pager();
  const Context context{*channel,
                        environment.out,
                        environment.err,
                        environment.interrupt,
                        {connection->address, *timeout},
                        Paint(environment.colour && !grammar.no_colour()),
                        environment.clock,
                        environment.screen};
  return command.action(context);
}

// What a parsed line asks for: help, the version, or a command.
absl::StatusOr<int> Answer(const ParsedLine& line, const Grammar& grammar,
                           const Environment& environment) {
  if (line.wants_help) {
    environment.out << HelpText(grammar.root(), *line.command);
  } else if (grammar.wants_version()) {
    environment.out << "sasctl " << rpc::kVersion << '\n';
  } else {
    return Act(*line.command, grammar, environment);
  }
  return kExitOk;
}

// Why `out` takes no more: an error, or OK if all was written or its reader has gone.
absl::Status WriteStatus(const Environment& environment) {
  if (environment.out.flush()) return absl::OkStatus();
  const int error = environment.write_error == nullptr ? EPIPE : environment.write_error();
  if (error == 0 || error == EPIPE) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("cannot write the output: ", strerror(error)));
}

}  // namespace

int Run(const std::vector<std::string>& arguments, const Environment& environment) {
  const Grammar grammar(environment.connection, environment.contexts, environment.out);
  if (!arguments.empty() && arguments[0] == kCompleteCommand) {
    return Complete(grammar.root(), {arguments.begin() + 1, arguments.end()}, environment);
  }
  ParsedLine line{&grammar.root()};
  if (const std::optional<UsageError> wrong = Parse(grammar.root(), arguments, &line)) {
    environment.err << "sasctl: "
                    << VisibleMessage(WithHint(wrong->message, *wrong->command), arguments) << '\n';
    return wrong->command->is_plugin ? kHealthUnknown : kExitUsage;
  }
  const absl::StatusOr<int> result = Answer(line, grammar, environment);
  absl::Status failure = result.status();
  const absl::Status written = WriteStatus(environment);
  if (failure.ok()) failure = written;
  if (failure.ok()) return *result;
  environment.err << "sasctl: " << VisibleMessage(failure.message(), arguments) << '\n';
  return line.command->is_plugin ? kHealthUnknown : ExitCodeOf(failure);
}

}  // namespace sasd::cli
