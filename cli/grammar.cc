#include "cli/grammar.h"

#include "absl/strings/str_cat.h"
#include "cli/commands/context_command.h"
#include "cli/completion.h"

namespace sasd::cli {

Grammar::Grammar(const Connection& environment, const ContextsPlace& contexts, std::ostream& out)
    : out_(out) {
  given_.environment = environment;
  given_.place = contexts;
  root_.help = "Show and follow the SAS topology that sasd serves";
  DeclareGlobalOptions();
  node_.Declare(root_);
  history_.Declare(root_);
  changes_.Declare(root_);
  emulator_.Declare(root_);
  DeclareContext();
  DeclareCompletion();
  root_.AddCommand("help", "Show the help of a command: sasctl help list").is_help = true;
}

void Grammar::DeclareGlobalOptions() {
  Connection& options = given_.options;
  root_
      .AddOption("--addr", "ADDRESS", &options.address,
                 "Address of sasd: unix:PATH or HOST:PORT ($SASD_ADDR; else the current context, "
                 "else unix:/run/sasd/sasd.sock)")
      .LastWins()
      .NotEmpty("unix:PATH or HOST:PORT");
  root_.AddOption("--context", "NAME", &given_.context,
                  "Name of a context: an address with its TLS files ($SASCTL_CONTEXT)");
  root_.AddOption("--tls-ca", "FILE", &options.tls_ca,
                  "File of the CA of sasd's certificate ($SASD_TLS_CA)");
  root_.AddOption("--tls-certificate", "FILE", &options.tls_certificate,
                  "File of your certificate ($SASD_TLS_CERTIFICATE)");
  root_.AddOption("--tls-key", "FILE", &options.tls_key, "File of its key ($SASD_TLS_KEY)");
  root_.AddOption("--tls-name", "NAME", &options.tls_name,
                  "Name in sasd's certificate, if not the host of --addr ($SASD_TLS_NAME)");
  root_.AddOption("--timeout", "DURATION", &timeout_, "Limit for one call: 5s, 500ms, 1m")
      .LastWins()
      .ShowDefault();
  root_.Flag("--no-color", Set{&no_colour_}, "Print no colours (also $NO_COLOR)");
  root_.Flag("--no-pager", Set{&no_pager_},
             "Print to the terminal, not through $PAGER (default: less -FRX)");
  root_.Flag("--version", Set{&wants_version_}, "Print the version");
}

void Grammar::DeclareContext() {
  Command& context = root_.AddCommand(
      "context", "List, choose or show named contexts: addresses with their TLS files");
  context.examples = {"context list", "context use lab", "--context lab tree"};
  Command& list = context.AddCommand("list", "List the contexts; * marks the current one");
  list.examples = {"context list"};
  list.local_action = [this] { return RunListContexts(given_.place, out_); };
  Command& use = context.AddCommand("use", "Make a context the current one");
  use.Argument("NAME", &context_name_, "Its name").Required();
  use.examples = {"context use lab"};
  use.local_action = [this] { return RunUseContext(given_.place, context_name_, out_); };
  Command& show =
      context.AddCommand("show", "Show the connection that commands use, or that of a context");
  show.Argument("NAME", &context_name_, "Its name");
  show.examples = {"context show", "context show lab"};
  show.local_action = [this] {
    GivenConnection given = given_;
    if (!context_name_.empty()) given.context = context_name_;
    return RunShowContext(given, out_);
  };
}

void Grammar::DeclareCompletion() {
  Command& completion = root_.AddCommand("completion", "Print a completion script for a shell");
  completion.Argument("SHELL", &shell_, "bash, zsh or fish").Required();
  completion.examples = {"completion bash >/etc/bash_completion.d/sasctl",
                         "completion zsh >/usr/share/zsh/site-functions/_sasctl",
                         "completion fish >~/.config/fish/completions/sasctl.fish"};
  completion.local_action = [this] {
    const absl::StatusOr<std::string> script = CompletionScript(shell_);
    if (script.ok()) out_ << *script;
    return script.status();
  };
}

absl::StatusOr<absl::Duration> Grammar::timeout() const {
  absl::Duration timeout;
  if (absl::ParseDuration(timeout_, &timeout) && timeout > absl::ZeroDuration()) return timeout;
  return absl::InvalidArgumentError(absl::StrCat(
      "--timeout \"", timeout_, "\" is not a duration; give one such as 5s, 500ms or 1m"));
}

}  // namespace sasd::cli
