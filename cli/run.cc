#include "cli/run.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "cli/commands/alias_command.h"
#include "cli/commands/baseline_command.h"
#include "cli/commands/capture_command.h"
#include "cli/commands/context_command.h"
#include "cli/commands/doctor_command.h"
#include "cli/commands/emulator_command.h"
#include "cli/commands/events_command.h"
#include "cli/commands/health_command.h"
#include "cli/commands/history_command.h"
#include "cli/commands/impact_command.h"
#include "cli/commands/list_command.h"
#include "cli/commands/metrics_command.h"
#include "cli/commands/node_command.h"
#include "cli/commands/show_command.h"
#include "cli/commands/summary_command.h"
#include "cli/commands/tree_command.h"
#include "cli/commands/watch_command.h"
#include "cli/complete.h"
#include "cli/completion.h"
#include "cli/output/nouns.h"
#include "cli/output/visible.h"
#include "rpc/did_you_mean.h"
#include "rpc/version.h"

namespace sasd::cli {
namespace {

// The parsed command, ready to run. Returns an exit code, or an error to print.
using Action = std::function<absl::StatusOr<int>(const Context&)>;

Action Plain(std::function<absl::Status(const Context&)> run) {
  return [run = std::move(run)](const Context& context) -> absl::StatusOr<int> {
    if (absl::Status s = run(context); !s.ok()) return s;
    return kExitOk;
  };
}

constexpr char kObjectLine[] =
    "OBJECT is a resource name, alias, SAS address, WWN, serial, sdX, H:C:T:L, enclosure/slot, or "
    "an enclosure's model.";

CLI::Validator AtLeast(int64_t least, const char* what) {
  return CLI::Validator(
      [least, what](std::string& text) -> std::string {
        int64_t number = 0;
        if (absl::SimpleAtoi(text, &number) && number >= least) return "";
        return absl::StrCat("\"", text, "\" is not ", what);
      },
      "");
}

const CLI::Validator& Positive() {
  static const auto& validator = *new CLI::Validator(AtLeast(1, "a number above 0"));
  return validator;
}

const CLI::Validator& NotNegative() {
  static const auto& validator = *new CLI::Validator(AtLeast(0, "a number of 0 or more"));
  return validator;
}

// The first option of a command line that ends with "=" where it needs a value: CLI11 would take
// the next word. Empty: there is none.
std::string EmptyOption(const CLI::App& root, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") break;
    if (!absl::StartsWith(word, "--") || word.find('=') != word.size() - 1) continue;
    const std::string name = word.substr(0, word.size() - 1);
    if (root.get_option_no_throw(name) != nullptr) return name;
  }
  return "";
}

// The first word that is no option, and what follows it.
struct CommandWords {
  const CLI::App* command = nullptr;  // null: none of that name, or no word at all
  std::string word;
  size_t next = 0;  // the index behind it
};

CommandWords FirstWord(const CLI::App& app, const std::vector<std::string>& words, size_t begin,
                       const CLI::App& root) {
  CommandWords first;
  for (size_t i = begin; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() > 1 && word[0] == '-') {
      const CLI::Option* option = app.get_option_no_throw(word);
      if (option == nullptr) option = root.get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) ++i;  // its value
      continue;
    }
    first.word = word;
    first.next = i + 1;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      const std::vector<std::string>& aliases = command->get_aliases();
      if (command->get_name() == word ||
          std::find(aliases.begin(), aliases.end(), word) != aliases.end()) {
        first.command = command;
      }
    }
    return first;
  }
  return first;
}

// All commands and options, with the values from the command line.
class CommandLine {
 public:
  explicit CommandLine(const Environment& environment)
      : app_("Show and follow the SAS topology that sasd serves.", "sasctl"),
        out_(environment.out) {
    given_.environment = environment.connection;
    given_.place = environment.contexts;
    app_.fallthrough();
    app_.require_subcommand(0, 1);  // a second command's name is an object's
    app_.failure_message(CLI::FailureMessage::simple);
    Connection& options = given_.options;
    address_ = app_.add_option(
        "--addr", options.address,
        "Address of sasd: unix:PATH or HOST:PORT ($SASD_ADDR; else the current context, else "
        "unix:/run/sasd/sasd.sock)");
    address_->take_last();
    app_.add_option("--context", given_.context,
                    "Name of a context: an address with its TLS files ($SASCTL_CONTEXT)");
    app_.add_option("--tls-ca", options.tls_ca,
                    "File of the CA of sasd's certificate ($SASD_TLS_CA)");
    app_.add_option("--tls-certificate", options.tls_certificate,
                    "File of your certificate ($SASD_TLS_CERTIFICATE)");
    app_.add_option("--tls-key", options.tls_key, "File of its key ($SASD_TLS_KEY)");
    app_.add_option("--tls-name", options.tls_name,
                    "Name in sasd's certificate, if not the host of --addr ($SASD_TLS_NAME)");
    app_.add_option("--timeout", timeout_, "Limit for one call: 5s, 500ms, 1m")
        ->take_last()
        ->capture_default_str();
    app_.add_flag("--no-color", no_colour_, "Print no colours (also $NO_COLOR)");
    app_.add_flag("--no-pager", no_pager_,
                  "Print to the terminal, not through $PAGER (default: less -FRX)");
    app_.set_version_flag("--version", absl::StrCat("sasctl ", rpc::kVersion));
    DeclareSummary();
    DeclareTree();
    DeclareList();
    DeclareShow();
    DeclareWatch();
    DeclareEvents();
    DeclareAudit();
    DeclareHistory();
    DeclareDiff();
    DeclareHealth();
    DeclareBaseline();
    DeclareAlias();
    DeclareDoctor();
    DeclareNode();
    DeclareMetrics();
    DeclareCapture();
    DeclareEmulator();
    DeclareContext();
    DeclareImpact();
    DeclareCompletion();
    Command("help", "Show the help of a command: sasctl help list");
    app_.footer(
        "Without a command, sasctl shows the summary. `sasctl COMMAND --help` shows the options of "
        "a "
        "command, and examples.");
  }

  // Returns kExitOk and leaves the action empty for --help and --version.
  int Parse(std::vector<std::string> arguments, std::ostream& out, std::ostream& err) {
    // `help list` is `list --help`.
    const CommandWords first = FirstWord(app_, arguments, 0, app_);
    if (first.word == "help") {
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(first.next) - 1);
      arguments.push_back("--help");
    }
    const std::string unknown = UnknownCommand(arguments);
    if (!unknown.empty()) return Refuse(unknown, arguments, err);
    if (const std::string empty = EmptyOption(app_, arguments); !empty.empty()) {
      return Refuse(absl::StrCat(empty, " is empty"), arguments, err);
    }
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(std::move(reversed));
      // Without a command: the summary.
      if (app_.get_subcommands().empty()) SetSummary();
      return kExitOk;
    } catch (const CLI::Success& success) {
      app_.exit(success, out, err);
      return kExitOk;
    } catch (const CLI::ParseError& error) {
      return Refuse(error.what(), arguments, err);
    }
  }

  const Action& action() const { return action_; }
  // Runs without a sasd; null: the action is another one.
  const std::function<absl::Status()>& local_action() const { return local_action_; }
  absl::StatusOr<Connection> connection() const {
    if (address_->count() > 0 && given_.options.address.empty()) {
      return absl::InvalidArgumentError("--addr is empty; give unix:PATH or HOST:PORT");
    }
    return ResolveConnection(given_);
  }
  bool no_colour() const { return no_colour_; }
  // Whether the output is a text to read, not a stream.
  bool pages() const { return pages_ && !no_pager_ && !list_.watch; }
  const CLI::App& app() const { return app_; }
  // True for the commands with the exit codes of monitoring plugins.
  bool is_plugin() const { return health_->parsed() || doctor_->parsed(); }

  absl::StatusOr<absl::Duration> timeout() const {
    absl::Duration timeout;
    if (absl::ParseDuration(timeout_, &timeout) && timeout > absl::ZeroDuration()) return timeout;
    return absl::InvalidArgumentError(absl::StrCat(
        "--timeout \"", timeout_, "\" is not a duration; give one such as 5s, 500ms or 1m"));
  }

 private:
  CLI::App& Command(const char* name, const char* help) {
    CLI::App& command = *app_.add_subcommand(name, help);
    return command;
  }

  // Ends the help of a command: examples, without "sasctl", and what an OBJECT is.
  static void Examples(CLI::App& command, const std::vector<std::string>& examples,
                       bool takes_object = false) {
    std::string footer = takes_object ? absl::StrCat(kObjectLine, "\n\n") : "";
    absl::StrAppend(&footer, "Examples:");
    for (const std::string& example : examples) absl::StrAppend(&footer, "\n  sasctl ", example);
    command.footer(footer);
  }

  // A command whose output is a text that people read from the beginning.
  void Pages(CLI::App& command) {
    command.preparse_callback([this](size_t) { pages_ = true; });
  }

  void SetSummary() {
    pages_ = true;
    action_ = Plain([this](const Context& context) { return RunSummary(summary_, context); });
  }

  static int Refuse(const std::string& message, const std::vector<std::string>& arguments,
                    std::ostream& err) {
    err << "sasctl: " << VisibleMessage(message, arguments) << "; see sasctl --help\n";
    return kExitUsage;
  }

  // About a word that is no command, or a command that lacks one; empty if all is well.
  std::string UnknownCommand(const std::vector<std::string>& arguments) const {
    const CLI::App* app = &app_;
    std::string path;
    for (size_t next = 0;;) {
      const CommandWords first = FirstWord(*app, arguments, next, app_);
      std::vector<std::string> names;
      for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
        const std::vector<std::string>& aliases = command->get_aliases();
        names.insert(names.end(), aliases.begin(), aliases.end());
      }
      if (names.empty()) return "";
      const bool wants_help =
          std::find(arguments.begin(), arguments.end(), "--help") != arguments.end() ||
          std::find(arguments.begin(), arguments.end(), "-h") != arguments.end();
      if (first.word.empty()) {
        if (app == &app_ || wants_help) return "";
        return absl::StrCat(path, "lacks a command (", absl::StrJoin(names, ", "), ")");
      }
      if (first.command == nullptr) {
        return absl::StrCat("unknown command \"", path, first.word, "\"",
                            rpc::DidYouMean(first.word, names));
      }
      app = first.command;
      absl::StrAppend(&path, app->get_name(), " ");
      next = first.next;
    }
  }

  static void AddOutput(CLI::App& command, std::string& output, const char* forms) {
    command.add_option("-o,--output", output, absl::StrCat("Output format: ", forms))
        ->capture_default_str();
  }

  static constexpr char kEventFilters[] =
      ". kind=NOUN chooses kinds; other keys are those of `list -f`";

  static void AddFilter(CLI::App& command, std::vector<std::string>& filters,
                        const char* more = "") {
    command
        .add_option("-f,--filter", filters,
                    absl::StrCat("Select objects by KEY=VALUE[,VALUE...]; several conditions must "
                                 "all hold",
                                 more))
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }

  void DeclareSummary() {
    CLI::App& summary =
        Command("summary", "Show the node at a glance (also: sasctl without a command)");
    AddOutput(summary, summary_.output, "table, json, jsonl, yaml");
    summary.callback([this] { SetSummary(); });
    Examples(summary, {"summary", "summary -o json", "--addr HOST:PORT summary"});
  }

  void DeclareTree() {
    CLI::App& tree = Command("tree", "Draw the topology");
    tree.add_flag("-v,--verbose", tree_.verbosity,
                  "Draw each device on its own line; twice: add addresses and handles");
    tree.add_option("OBJECT", tree_.objects,
                    "Draw only what leads to these objects and hangs below them");
    Pages(tree);
    Examples(tree, {"tree", "tree host1", "tree -v 5000ccab0405db7d", "tree JBOD24"}, true);
    tree.callback([this] {
      action_ = Plain([this](const Context& context) { return RunTree(tree_, context); });
    });
  }

  void DeclareList() {
    std::vector<std::string> nouns;
    for (const Noun& noun : AllNouns()) nouns.push_back(noun.plural);
    CLI::App& list = Command("list", "List objects of one kind, one per line");
    list.alias("ls")->alias("get");
    list.add_option("noun", list_.noun, absl::StrCat("One of ", absl::StrJoin(nouns, ", ")))
        ->required();
    list.add_option("OBJECT", list_.names, "List only these objects");
    AddFilter(list, list_.filters,
              ". behind=OBJECT selects what hangs below an object. Also KEY!=VALUE, KEY>=VALUE (>, "
              "<=, <) for numbers, sizes and rates, and * and ? "
              "in texts");
    AddOutput(list, list_.output, "table, wide, json, jsonl, yaml, name");
    list.add_option("--columns", list_.columns, "Print only these columns, comma-separated");
    list.add_flag("!--no-headers", list_.headers, "Omit the header line");
    list.add_option("--sort-by", list_.sort_by,
                    "Sort by these columns, comma-separated, smallest first")
        ->type_name("COLUMN");
    list.add_flag("--reverse", list_.reverse, "Reverse the order");
    list.add_flag("-w,--watch", list_.watch,
                  "List again at each change, until Ctrl-C; a terminal is redrawn in place");
    list.add_flag("--all", list_.all,
                  "With hosts: list also SCSI hosts without SAS transport, and devices of hosts "
                  "that are no SAS objects, such as RAID volumes");
    Pages(list);
    Examples(list,
             {"list drives", "list drives ZA1ABCDE sdk -o wide",
              "list drives -f behind=5000ccab0405db7d", "list slots -f occupied=no",
              "list drives -f 'size>=14TB' --sort-by size --reverse",
              "list devices -f state=failed,blocked -w", "list drives -o json"},
             true);
    list.callback([this] {
      action_ = Plain([this](const Context& context) { return RunList(list_, context); });
    });
  }

  void DeclareShow() {
    CLI::App& show = Command("show", "Show all fields of one object");
    show.add_option("object", show_.words, "OBJECT, or NOUN OBJECT")->required()->expected(1, 2);
    AddOutput(show, show_.output, "table, json, jsonl, yaml, name");
    show.add_flag("--sources", show_.sources,
                  "Show what each source reports for each field; * marks the value in use");
    Pages(show);
    Examples(show, {"show sdx", "show JBOD24/3", "show expander 5000ccab0405db7d --sources"}, true);
    show.callback([this] {
      action_ = Plain([this](const Context& context) { return RunShow(show_, context); });
    });
  }

  void DeclareWatch() {
    CLI::App& watch = Command("watch", "Print changes as they happen, until Ctrl-C");
    watch.add_option("--from", watch_.from, "Continue after this resume token or revision");
    watch.add_flag("--snapshot,!--no-snapshot", watch_.snapshot, "Print the current state first");
    watch.add_option("-n,--count", watch_.count, "Stop after this many events")->check(Positive());
    watch.add_flag("--reconnect", watch_.reconnect,
                   "Reconnect when sasd returns, and continue where the watch was");
    watch.add_flag("-v,--verbose", watch_.verbose,
                   "Print a line for each change, not for each act");
    AddFilter(watch, watch_.filters, kEventFilters);
    AddOutput(watch, watch_.output, "table (lines), jsonl, yaml");
    Examples(watch, {"watch", "watch -f kind=drives -n 10", "watch --snapshot -o jsonl",
                     "watch --reconnect --from TOKEN"});
    watch.callback([this] {
      action_ = Plain([this](const Context& context) { return RunWatch(watch_, context); });
    });
  }

  void DeclareEvents() {
    CLI::App& events = Command("events", "List past changes, the oldest first");
    events.add_option("objects", events_.objects,
                      "List only events that changed these objects; they may be gone");
    events
        .add_option("--since", events_.since,
                    "List only events from this time on: 2h, yesterday, 03:30, \"yesterday "
                    "03:30\", 2026-03-02, 2026-03-02T03:14:07")
        ->type_name("TIME");
    events.add_option("--until", events_.until, "List only events before this time")
        ->type_name("TIME");
    events.add_option("--after", events_.after, "List only events after this revision")
        ->check(NotNegative());
    events.add_option("-n,--last", events_.last, "List only this many, the newest")
        ->check(Positive());
    events.add_flag("--reverse", events_.reverse, "List the newest first");
    events.add_flag("-v,--verbose", events_.verbose,
                    "List a line for each change, not for each act");
    events
        .add_option("--cause", events_.causes,
                    "List only events with these causes, comma-separated: firmware-event, uevent, "
                    "scan, attach, host-reset, resync, restart, startup, control, source-lost, "
                    "audit")
        ->allow_extra_args(false);
    events.add_option("--severity", events_.severity,
                      "List only events at least this severe: info, warning, critical");
    AddFilter(events, events_.filters, kEventFilters);
    AddOutput(events, events_.output, "table (lines), jsonl, yaml");
    Pages(events);
    Examples(events,
             {"events --since yesterday", "events --since 03:00 --until 03:30",
              "events ZA1ABCDE -v", "events --severity warning -n 20 --reverse"},
             true);
    events.callback([this] {
      action_ = Plain([this](const Context& context) { return RunEvents(events_, context); });
    });
  }

  void DeclareAudit() {
    CLI::App& audit = Command("audit", "List who changed something, or tried to, the oldest first");
    audit.add_option("--since", audit_.since, "List only calls from this time on; see `events`")
        ->type_name("TIME");
    audit.add_option("--until", audit_.until, "List only calls before this time")
        ->type_name("TIME");
    audit.add_option("-n,--last", audit_.last, "List only this many, the newest")
        ->check(Positive());
    audit.add_flag("--reverse", audit_.reverse, "List the newest first");
    audit.add_option("--severity", audit_.severity,
                     "warning: list only calls that were refused to their caller");
    AddOutput(audit, audit_.output, "table (lines), jsonl, yaml");
    audit.callback([this] {
      audit_.causes = {"audit"};
      action_ = Plain([this](const Context& context) { return RunEvents(audit_, context); });
    });
  }

  void DeclareHistory() {
    CLI::App& history =
        Command("history", "Show what happened to one object, the oldest first; it may be gone");
    history.add_option("object", history_.object, "The object")->required();
    history.add_option("-n,--last", history_.last, "Show only this many entries, the newest")
        ->check(Positive());
    history.add_flag("--reverse", history_.reverse, "Show the newest first");
    AddOutput(history, history_.output, "table (lines), json, jsonl, yaml, name");
    Pages(history);
    Examples(history, {"history ZA1ABCDE", "history JBOD24/3", "history sdx -n 10 --reverse"},
             true);
    history.callback([this] {
      action_ = Plain([this](const Context& context) { return RunHistory(history_, context); });
    });
  }

  void DeclareDiff() {
    CLI::App& diff = Command("diff", "Show what differs between an earlier state and now");
    diff.add_option("--since", diff_.since,
                    "The earlier state: a revision, or a time such as 2h, yesterday, 03:30, "
                    "2026-03-02T03:14:07")
        ->type_name("REVISION|TIME")
        ->required();
    AddFilter(diff, diff_.filters);
    AddOutput(diff, diff_.output, "table (lines), json, jsonl, yaml, name");
    Pages(diff);
    Examples(diff, {"diff --since 2h", "diff --since \"yesterday 03:30\"",
                    "diff --since 42 -f kind=drives"});
    diff.callback([this] {
      action_ = Plain([this](const Context& context) { return RunDiff(diff_, context); });
    });
  }

  void DeclareHealth() {
    health_ = &Command("health",
                       "Report what is wrong; exit code 0 ok, 1 warning, 2 critical, "
                       "3 unknown");
    health_->add_option("hosts", health_options_.hosts, "Examine only these hosts");
    health_->add_flag("--all", health_options_.all,
                      "Show also what follows from another finding, and what is dismissed");
    AddOutput(*health_, health_options_.output, "table, json, jsonl, yaml, name");
    Pages(*health_);
    Examples(*health_, {"health", "health host1", "health --all", "health -o jsonl"});
    health_->callback([this] {
      action_ = [this](const Context& context) { return RunHealth(health_options_, context); };
    });
  }

  void DeclareDoctor() {
    doctor_ = &Command("doctor",
                       "Report what sasd can and cannot see on its node, and how to fix it; exit "
                       "code 0 ok, 1 limited, 2 broken, 3 sasd does not answer");
    AddOutput(*doctor_, doctor_options_.output, "table (lines), json, jsonl, yaml");
    Pages(*doctor_);
    Examples(*doctor_, {"doctor", "doctor -o json"});
    doctor_->callback([this] {
      action_ = [this](const Context& context) { return RunDoctor(doctor_options_, context); };
    });
  }

  void DeclareBaseline() {
    CLI::App& baseline = Command("baseline", "Show or accept what belongs to the node");
    baseline.require_subcommand(0, 1);
    Examples(baseline, {"baseline show --missing", "baseline accept"});
    CLI::App& show = *baseline.add_subcommand(
        "show", "List hosts, expanders, enclosures, drives and their paths, missing ones first");
    show.add_flag("--missing", baseline_.missing, "List only what is missing");
    AddOutput(show, baseline_.output, "table, json, jsonl, yaml, name");
    Pages(show);
    Examples(show, {"baseline show", "baseline show --missing"});
    show.callback([this] {
      action_ =
          Plain([this](const Context& context) { return RunShowBaseline(baseline_, context); });
    });
    CLI::App& accept = *baseline.add_subcommand(
        "accept", "Forget what is missing: what is there now is what belongs here");
    accept.add_option("resources", baseline_.resources,
                      "Forget only these; names as baseline show -o name prints them");
    Examples(accept, {"baseline accept", "baseline accept logicalUnits/naa.5000c500a7b26110"});
    accept.callback([this] {
      action_ =
          Plain([this](const Context& context) { return RunAcceptBaseline(baseline_, context); });
    });
    CLI::App& dismiss = Command("dismiss", "Leave an object out of health, with all under it");
    dismiss.add_option("object", dismiss_.object, "OBJECT, also one that is gone")->required();
    dismiss.add_option("--reason", dismiss_.reason, "Why; others will read it")->required();
    dismiss.add_option("--for", dismiss_.duration,
                       "Duration, such as 2h or 30m (default: until the object returns)");
    Examples(dismiss,
             {"dismiss ZA1ABCDE --reason \"sent back\"",
              "dismiss JBOD24 --reason \"moved on Monday\" --for 48h"},
             true);
    dismiss.callback([this] {
      action_ = Plain([this](const Context& context) { return RunDismiss(dismiss_, context); });
    });
    CLI::App& undismiss = Command("undismiss", "End a dismissal");
    undismiss.add_option("object", dismiss_.object, "OBJECT, also one that is gone")->required();
    Examples(undismiss, {"undismiss ZA1ABCDE"}, true);
    undismiss.callback([this] {
      action_ = Plain([this](const Context& context) { return RunUndismiss(dismiss_, context); });
    });
  }

  void DeclareAlias() {
    CLI::App& alias = Command("alias", "List, set or remove the aliases of hosts and enclosures");
    alias.require_subcommand(0, 1);
    Examples(alias,
             {"alias list", "alias set 5000ccab03001100 rack3-top", "alias remove rack3-top"});
    CLI::App& list = *alias.add_subcommand("list", "List all aliases");
    AddOutput(list, alias_.output, "table, json, jsonl, yaml, name");
    Pages(list);
    Examples(list, {"alias list", "alias list -o json"});
    list.callback([this] {
      action_ = Plain([this](const Context& context) { return RunListAliases(alias_, context); });
    });
    CLI::App& set = *alias.add_subcommand(
        "set", "Give a host or an enclosure an alias, which every command shows and takes");
    set.add_option("object", alias_.object, "A host or an enclosure")->required();
    set.add_option("alias", alias_.alias, "Letters, digits, '-', '_' and '.'")->required();
    Examples(set, {"alias set 5000ccab03001100 rack3-top", "alias set host1 rack3-a"}, true);
    set.callback([this] {
      action_ = Plain([this](const Context& context) { return RunSetAlias(alias_, context); });
    });
    CLI::App& remove =
        *alias.add_subcommand("remove", "Take the alias from a host or an enclosure");
    remove.add_option("object", alias_.object, "The alias, or another name of the object")
        ->required();
    Examples(remove, {"alias remove rack3-top"}, true);
    remove.callback([this] {
      action_ = Plain([this](const Context& context) { return RunRemoveAlias(alias_, context); });
    });
  }

  void DeclareNode() {
    CLI::App& wait = Command("wait", "Wait, at most for --timeout");
    wait.add_flag("--settled", wait_.settled, "Wait until discovery has settled");
    wait.add_option("hosts", wait_.hosts, "Wait only for these hosts");
    Examples(wait, {"wait --settled --timeout 60s", "wait --settled host1"});
    wait.callback([this] {
      action_ = Plain([this](const Context& context) { return RunWait(wait_, context); });
    });
    CLI::App& status = Command("status", "Show the state of sasd itself");
    AddOutput(status, status_.output, "table, json, jsonl, yaml, name");
    Examples(status, {"status", "status -o json"});
    status.callback([this] {
      action_ = Plain([this](const Context& context) { return RunStatus(status_, context); });
    });
  }

  void DeclareMetrics() {
    CLI::App& metrics =
        Command("metrics", "Print the metrics of the node, in Prometheus' text format");
    metrics.add_flag("--objects", metrics_.objects, "Print also those of each drive");
    metrics
        .add_option("--write", metrics_.write,
                    "Replace this file instead, such as one for node_exporter's textfile collector")
        ->type_name("FILE");
    metrics.callback([this] {
      action_ = Plain([this](const Context& context) { return RunMetrics(metrics_, context); });
    });
  }

  void DeclareCapture() {
    CLI::App& capture = Command(
        "capture",
        "Pack a support bundle: this machine's SAS objects in sysfs, and sasd's doctor, health, "
        "status, events and log");
    capture
        .add_option("-o,--output", capture_.output,
                    "The .tar.gz to write (default: sas-capture-NODE-TIME.tar.gz)")
        ->type_name("FILE");
    capture.add_flag("--anonymous", capture_.anonymous,
                     "Replace world wide names and serial numbers, each by the same other one");
    capture
        .add_option("--sysfs", capture_.sysfs,
                    "Folder to read instead, such as a sysfs mounted elsewhere")
        ->type_name("DIR")
        ->capture_default_str();
    capture.callback([this] {
      action_ = Plain([this](const Context& context) { return RunCapture(capture_, context); });
    });
  }

  // Declares a verb of `emulator`. `element`: the name of its argument, or null for none.
  CLI::App& Verb(CLI::App& emulator, const char* name, const char* element, const char* help,
                 std::function<absl::Status(const Context&)> run) {
    CLI::App& verb = *emulator.add_subcommand(name, help);
    if (element != nullptr) {
      verb.add_option(element, element_, "Name in the fabric, SAS address, or enclosure/slot")
          ->required();
    }
    verb.callback([this, run = std::move(run)] { action_ = Plain(run); });
    return verb;
  }

  void DeclareEmulator() {
    CLI::App& emulator = Command("emulator", "Act on the fabric of a virtual HBA");
    emulator.require_subcommand(0, 1);  // `list expander` is a list
    Examples(emulator, {"emulator list", "emulator pull jbod1-disk03", "emulator phy hba0 3 down",
                        "emulator expander jbod1-a lose"});
    CLI::App& list =
        Verb(emulator, "list", nullptr, "List the elements of the fabric",
             [this](const Context& context) { return RunElements(elements_, context); });
    list.add_option("kinds", elements_.kinds, "host, expander, device, enclosure");
    AddOutput(list, elements_.output, "table, json, jsonl, yaml, name");
    list.add_flag("!--no-headers", elements_.headers, "Omit the header line");
    Verb(emulator, "pull", "drive", "Pull a drive out of its slot",
         [this](const Context& context) { return RunPull(element_, context); });
    Verb(emulator, "insert", "drive", "Puts a pulled drive back, or another one in its place",
         [this](const Context& context) { return RunInsert(element_, serial_, context); })
        .add_option("--replacement", serial_, "Another drive, with this serial");
    CLI::App& phy = Verb(emulator, "phy", "node", "Takes a phy of a host or expander down or up",
                         [this](const Context& context) {
                           return RunSetPhy(element_, phy_, state_, gbps_, context);
                         });
    phy.add_option("phy", phy_, "Number of the phy")->required();
    phy.add_option("state", state_, "up or down")->required();
    phy.add_option("--rate", gbps_,
                   "Link rate in Gbit/s: 1.5, 3, 6, 12 or 22.5 (default: the fastest)");
    CLI::App& flap = Verb(
        emulator, "flap", "node", "Take a phy down and up repeatedly",
        [this](const Context& context) {
          flap_.element = element_;
          flap_.phy = phy_;
          if (!absl::ParseDuration(interval_, &flap_.interval)) {
            return absl::InvalidArgumentError(absl::StrCat(
                "--interval \"", interval_, "\" is not a duration; give one such as 100ms or 1s"));
          }
          return RunFlap(flap_, context);
        });
    flap.add_option("phy", phy_, "Number of the phy")->required();
    flap.add_option("--count", flap_.count, "Number of times")->capture_default_str();
    flap.add_option("--interval", interval_,
                    "Time between two changes; --timeout limits all of them together")
        ->capture_default_str();
    Verb(emulator, "expander", "expander", "Lose or regain an expander and everything behind it",
         [this](const Context& context) { return RunSetExpander(element_, state_, context); })
        .add_option("state", state_, "lose or regain")
        ->required();
    Verb(emulator, "power", "enclosure", "Switch an enclosure off or on",
         [this](const Context& context) { return RunSetPower(element_, state_, context); })
        .add_option("state", state_, "on or off")
        ->required();
    Verb(emulator, "reset", "host", "Reset an HBA, which renumbers its device handles",
         [this](const Context& context) { return RunReset(element_, context); });
    Verb(emulator, "discovery-error", "element", "Make the firmware report a discovery error",
         [this](const Context& context) {
           return RunDiscoveryError(element_, status_bits_, context);
         })
        .add_option("--status", status_bits_, "MPI 2.x DiscoveryStatus bits")
        ->capture_default_str();
    CLI::App& fault =
        Verb(emulator, "fault", "host", "Make the next actions of a host fail",
             [this](const Context& context) {
               fault_.host = element_;
               if (!absl::ParseDuration(delay_, &fault_.delay)) {
                 return absl::InvalidArgumentError(absl::StrCat(
                     "--delay \"", delay_, "\" is not a duration; give one such as 5s or 500ms"));
               }
               return RunFault(fault_, context);
             });
    fault
        .add_option("kind", fault_.kind,
                    "page-read-fails, smp-timeout, event-lost, event-duplicated, event-truncated, "
                    "events-reordered, ioc-fault")
        ->required();
    fault.add_option("--count", fault_.count, "Number of times")->capture_default_str();
    fault.add_option("--delay", delay_, "Duration of an IOC fault")->capture_default_str();
  }

  void DeclareContext() {
    CLI::App& context =
        Command("context", "List, choose or show named contexts: addresses with their TLS files");
    context.require_subcommand(1);
    context.add_subcommand("list", "List the contexts; * marks the current one")->callback([this] {
      local_action_ = [this] { return RunListContexts(given_.place, out_); };
    });
    CLI::App& use = *context.add_subcommand("use", "Make a context the current one");
    use.add_option("name", context_name_, "Its name")->required();
    use.callback([this] {
      local_action_ = [this] { return RunUseContext(given_.place, context_name_, out_); };
    });
    CLI::App& show = *context.add_subcommand(
        "show", "Show the connection that commands use, or that of a context");
    show.add_option("name", context_name_, "Its name");
    show.callback([this] {
      local_action_ = [this] {
        GivenConnection given = given_;
        if (!context_name_.empty()) given.context = context_name_;
        return RunShowContext(given, out_);
      };
    });
  }

  void DeclareImpact() {
    CLI::App& impact =
        Command("impact", "Show which drives would lose a path, and which all, without an object");
    impact
        .add_option("OBJECT", impact_.object,
                    "A host, expander, enclosure, port, phy, slot or drive")
        ->required();
    AddOutput(impact, impact_.output, "table, json, jsonl, yaml, name");
    Pages(impact);
    Examples(impact, {"impact 5000ccab0405db7d", "impact host1", "impact JBOD24"}, true);
    impact.callback([this] {
      action_ = Plain([this](const Context& context) { return RunImpact(impact_, context); });
    });
  }

  void DeclareCompletion() {
    CLI::App& completion = Command("completion", "Print a completion script for a shell");
    completion.add_option("shell", shell_, "bash, zsh or fish")->required();
    Examples(completion, {"completion bash >/etc/bash_completion.d/sasctl",
                          "completion zsh >/usr/share/zsh/site-functions/_sasctl",
                          "completion fish >~/.config/fish/completions/sasctl.fish"});
    completion.callback([this] {
      action_ = Plain([this](const Context& context) {
        const absl::StatusOr<std::string> script = CompletionScript(shell_);
        if (script.ok()) context.out << *script;
        return script.status();
      });
    });
  }

  CLI::App app_;
  std::ostream& out_;
  GivenConnection given_;
  CLI::Option* address_ = nullptr;
  std::string context_name_;
  std::function<absl::Status()> local_action_;
  std::string timeout_ = "5s";
  bool no_colour_ = false, no_pager_ = false;
  bool pages_ = false;
  Action action_;

  SummaryOptions summary_;
  TreeOptions tree_;
  ListOptions list_;
  ShowOptions show_;
  WatchOptions watch_;
  EventsOptions events_, audit_;
  HistoryOptions history_;
  DiffOptions diff_;
  CLI::App* health_ = nullptr;
  HealthCommandOptions health_options_;
  ImpactOptions impact_;
  BaselineOptions baseline_;
  DismissOptions dismiss_;
  AliasOptions alias_;
  CLI::App* doctor_ = nullptr;
  DoctorOptions doctor_options_;
  WaitOptions wait_;
  MetricsOptions metrics_;
  CaptureOptions capture_;
  StatusOptions status_;
  ElementsOptions elements_;
  FlapOptions flap_;
  FaultOptions fault_;
  std::string element_, serial_, state_, interval_ = "100ms", delay_ = "0s", shell_;
  uint32_t phy_ = 0, status_bits_ = 0x10;
  double gbps_ = 0;
};

absl::StatusOr<int> Act(const CommandLine& line, const Environment& environment) {
  if (line.local_action() != nullptr) {
    if (absl::Status s = line.local_action()(); !s.ok()) return s;
    return kExitOk;
  }
  const absl::StatusOr<absl::Duration> timeout = line.timeout();
  if (!timeout.ok()) return timeout.status();
  const absl::StatusOr<Connection> connection = line.connection();
  if (!connection.ok()) return connection.status();
  const absl::StatusOr<Stubs> stubs = environment.connect(*connection);
  if (!stubs.ok()) return stubs.status();
  if (line.pages() && environment.start_pager != nullptr) environment.start_pager();
  const Context context{*stubs,
                        environment.out,
                        environment.err,
                        environment.interrupt,
                        {connection->address, *timeout},
                        Paint(environment.colour && !line.no_colour()),
                        environment.clock,
                        environment.screen};
  return line.action()(context);
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
  CommandLine line(environment);
  if (!arguments.empty() && arguments[0] == kCompleteCommand) {
    return Complete(line.app(), {arguments.begin() + 1, arguments.end()}, environment);
  }
  int code = line.Parse(arguments, environment.out, environment.err);
  if (code != kExitOk) return line.is_plugin() ? kHealthUnknown : code;
  absl::Status failure;
  if (line.action() != nullptr || line.local_action() != nullptr) {
    const absl::StatusOr<int> result = Act(line, environment);
    failure = result.status();
    if (result.ok()) code = *result;
  }
  const absl::Status written = WriteStatus(environment);
  if (failure.ok()) failure = written;
  if (failure.ok()) return code;
  environment.err << "sasctl: " << VisibleMessage(failure.message(), arguments) << '\n';
  return line.is_plugin() ? kHealthUnknown : ExitCodeOf(failure);
}

}  // namespace sasd::cli
