#include "cli/run.h"

#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "cli/commands/baseline_command.h"
#include "cli/commands/doctor_command.h"
#include "cli/commands/emulator_command.h"
#include "cli/commands/events_command.h"
#include "cli/commands/health_command.h"
#include "cli/commands/history_command.h"
#include "cli/commands/list_command.h"
#include "cli/commands/metrics_command.h"
#include "cli/commands/node_command.h"
#include "cli/commands/show_command.h"
#include "cli/commands/tree_command.h"
#include "cli/commands/watch_command.h"
#include "cli/completion.h"
#include "cli/output/nouns.h"
#include "rpc/did_you_mean.h"
#include "rpc/version.h"

namespace sasd::cli {
namespace {

constexpr char kDefaultAddress[] = "unix:/run/sasd/sasd.sock";

// The parsed command, ready to run. Returns an exit code, or an error to print.
using Action = std::function<absl::StatusOr<int>(const Context&)>;

Action Plain(std::function<absl::Status(const Context&)> run) {
  return [run = std::move(run)](const Context& context) -> absl::StatusOr<int> {
    if (absl::Status s = run(context); !s.ok()) return s;
    return kExitOk;
  };
}

// All commands and options, with the values from the command line.
class CommandLine {
 public:
  explicit CommandLine(const Environment& environment)
      : app_("Show and follow the SAS topology that sasd serves.", "sasctl"),
        connection_(environment.connection) {
    if (connection_.address.empty()) connection_.address = kDefaultAddress;
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_option("--addr", connection_.address,
                    "Address of sasd: unix:PATH or HOST:PORT ($SASD_ADDR)")
        ->capture_default_str();
    app_.add_option("--tls-ca", connection_.tls_ca,
                    "File of the CA of sasd's certificate ($SASD_TLS_CA)");
    app_.add_option("--tls-certificate", connection_.tls_certificate,
                    "File of your certificate ($SASD_TLS_CERTIFICATE)");
    app_.add_option("--tls-key", connection_.tls_key, "File of its key ($SASD_TLS_KEY)");
    app_.add_option("--tls-name", connection_.tls_name,
                    "Name in sasd's certificate, if not the host of --addr ($SASD_TLS_NAME)");
    app_.add_option("--timeout", timeout_, "Limit for one call: 5s, 500ms, 1m")
        ->capture_default_str();
    app_.add_flag("--no-color", no_colour_, "Print no colours (also $NO_COLOR)");
    app_.set_version_flag("--version", absl::StrCat("sasctl ", rpc::kVersion));
    app_.footer(
        "Name an object by resource name, SAS address, WWN, serial, sdX, H:C:T:L or "
        "enclosure/slot.");
    DeclareTree();
    DeclareList();
    DeclareShow();
    DeclareWatch();
    DeclareEvents();
    DeclareHistory();
    DeclareDiff();
    DeclareHealth();
    DeclareBaseline();
    DeclareDoctor();
    DeclareNode();
    DeclareMetrics();
    DeclareEmulator();
    DeclareCompletion();
  }

  // Returns kExitOk and leaves the action empty for --help and --version.
  int Parse(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(std::move(reversed));
      return kExitOk;
    } catch (const CLI::Success& success) {
      app_.exit(success, out, err);
      return kExitOk;
    } catch (const CLI::ParseError& error) {
      err << "sasctl: " << error.what() << Hint(arguments) << "; see sasctl --help\n";
      return kExitUsage;
    }
  }

  const Action& action() const { return action_; }
  const Connection& connection() const { return connection_; }
  bool no_colour() const { return no_colour_; }
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

  void DeclareTree() {
    CLI::App& tree = Command("tree", "Draw the topology");
    tree.add_flag("-v,--verbose", tree_.verbosity,
                  "Draw each device on its own line; twice: add addresses and handles");
    tree.add_option("hosts", tree_.hosts, "Draw only these hosts");
    tree.callback([this] {
      action_ = Plain([this](const Context& context) { return RunTree(tree_, context); });
    });
  }

  void DeclareList() {
    std::vector<std::string> nouns;
    for (const Noun& noun : AllNouns()) nouns.push_back(noun.plural);
    CLI::App& list = Command("list", "List objects of one kind, one per line");
    list.alias("ls");
    list.add_option("noun", list_.noun, absl::StrCat("One of ", absl::StrJoin(nouns, ", ")))
        ->required();
    AddFilter(list, list_.filters,
              ". Also KEY!=VALUE, KEY>=VALUE (>, <=, <) for numbers, sizes and rates, and * and ? "
              "in texts");
    AddOutput(list, list_.output, "table, wide, json, jsonl, yaml, name");
    list.add_option("--columns", list_.columns, "Print only these columns, comma-separated");
    list.add_flag("!--no-headers", list_.headers, "Omit the header line");
    list.add_flag("--all", list_.all,
                  "With hosts: list also SCSI hosts without SAS transport, and devices of hosts "
                  "that are no SAS objects, such as RAID volumes");
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
    show.callback([this] {
      action_ = Plain([this](const Context& context) { return RunShow(show_, context); });
    });
  }

  void DeclareWatch() {
    CLI::App& watch = Command("watch", "Print changes as they happen, until Ctrl-C");
    watch.add_option("--from", watch_.from, "Continue after this resume token or revision");
    watch.add_flag("--snapshot,!--no-snapshot", watch_.snapshot, "Print the current state first");
    watch.add_option("-n,--count", watch_.count, "Stop after this many events")
        ->check(CLI::PositiveNumber);
    watch.add_flag("--reconnect", watch_.reconnect, "Reconnect when sasd returns");
    AddFilter(watch, watch_.filters, kEventFilters);
    AddOutput(watch, watch_.output, "table (lines), jsonl, yaml");
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
        ->check(CLI::NonNegativeNumber);
    events.add_option("-n,--last", events_.last, "List only this many, the newest")
        ->check(CLI::PositiveNumber);
    events.add_flag("--reverse", events_.reverse, "List the newest first");
    events
        .add_option("--cause", events_.causes,
                    "List only events with these causes, comma-separated: firmware-event, uevent, "
                    "scan, attach, host-reset, resync, restart, startup, control, source-lost")
        ->allow_extra_args(false);
    events.add_option("--severity", events_.severity,
                      "List only events at least this severe: info, warning, critical");
    AddFilter(events, events_.filters, kEventFilters);
    AddOutput(events, events_.output, "table (lines), jsonl, yaml");
    events.callback([this] {
      action_ = Plain([this](const Context& context) { return RunEvents(events_, context); });
    });
  }

  void DeclareHistory() {
    CLI::App& history =
        Command("history", "Show what happened to one object, the oldest first; it may be gone");
    history.add_option("object", history_.object, "The object")->required();
    history.add_option("-n,--last", history_.last, "Show only this many entries, the newest")
        ->check(CLI::PositiveNumber);
    history.add_flag("--reverse", history_.reverse, "Show the newest first");
    AddOutput(history, history_.output, "table (lines), json, jsonl, yaml, name");
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
    health_->callback([this] {
      action_ = [this](const Context& context) { return RunHealth(health_options_, context); };
    });
  }

  void DeclareDoctor() {
    doctor_ = &Command("doctor",
                       "Report what sasd can and cannot see on its node, and how to fix it; exit "
                       "code 0 ok, 1 limited, 2 broken, 3 sasd does not answer");
    AddOutput(*doctor_, doctor_options_.output, "table (lines), json, jsonl, yaml");
    doctor_->callback([this] {
      action_ = [this](const Context& context) { return RunDoctor(doctor_options_, context); };
    });
  }

  void DeclareBaseline() {
    CLI::App& baseline = Command("baseline", "Show or accept what belongs to the node");
    baseline.require_subcommand(1);
    CLI::App& show = *baseline.add_subcommand(
        "show", "List hosts, expanders, enclosures, drives and their paths, missing ones first");
    show.add_flag("--missing", baseline_.missing, "List only what is missing");
    AddOutput(show, baseline_.output, "table, json, jsonl, yaml, name");
    show.callback([this] {
      action_ =
          Plain([this](const Context& context) { return RunShowBaseline(baseline_, context); });
    });
    CLI::App& accept = *baseline.add_subcommand(
        "accept", "Forget what is missing: what is there now is what belongs here");
    accept.add_option("resources", baseline_.resources,
                      "Forget only these; names as baseline show -o name prints them");
    accept.callback([this] {
      action_ =
          Plain([this](const Context& context) { return RunAcceptBaseline(baseline_, context); });
    });
    CLI::App& dismiss = Command("dismiss", "Leave an object out of health, with all under it");
    dismiss.add_option("object", dismiss_.object, "OBJECT, also one that is gone")->required();
    dismiss.add_option("--reason", dismiss_.reason, "Why; others will read it")->required();
    dismiss.add_option("--for", dismiss_.duration,
                       "Duration, such as 2h or 30m (default: until the object returns)");
    dismiss.callback([this] {
      action_ = Plain([this](const Context& context) { return RunDismiss(dismiss_, context); });
    });
    CLI::App& undismiss = Command("undismiss", "End a dismissal");
    undismiss.add_option("object", dismiss_.object, "OBJECT, also one that is gone")->required();
    undismiss.callback([this] {
      action_ = Plain([this](const Context& context) { return RunUndismiss(dismiss_, context); });
    });
  }

  void DeclareNode() {
    CLI::App& wait = Command("wait", "Wait, at most for --timeout");
    wait.add_flag("--settled", wait_.settled, "Wait until discovery has settled");
    wait.add_option("hosts", wait_.hosts, "Wait only for these hosts");
    wait.callback([this] {
      action_ = Plain([this](const Context& context) { return RunWait(wait_, context); });
    });
    CLI::App& status = Command("status", "Show the state of sasd itself");
    AddOutput(status, status_.output, "table, json, jsonl, yaml, name");
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
    emulator.require_subcommand(1);
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

  void DeclareCompletion() {
    CLI::App& completion = Command("completion", "Print a completion script for a shell");
    completion.add_option("shell", shell_, "bash or zsh")->required();
    completion.callback([this] {
      action_ = Plain([this](const Context& context) {
        const absl::StatusOr<std::string> script = CompletionScript(shell_, app_);
        if (script.ok()) context.out << *script;
        return script.status();
      });
    });
  }

  // Suggests a command for the first word that is not an option.
  std::string Hint(const std::vector<std::string>& arguments) const {
    std::vector<std::string> commands;
    for (const CLI::App* command : app_.get_subcommands([](const CLI::App*) { return true; })) {
      commands.push_back(command->get_name());
    }
    bool is_value = false;
    for (const std::string& word : arguments) {
      const bool skip = is_value || word.empty() || word[0] == '-';
      is_value = word == "--addr" || word == "--timeout" || absl::StartsWith(word, "--tls-");
      if (skip) continue;
      const bool known = std::find(commands.begin(), commands.end(), word) != commands.end();
      return known ? "" : rpc::DidYouMean(word, commands);
    }
    return "";
  }

  CLI::App app_;
  Connection connection_;
  std::string timeout_ = "5s";
  bool no_colour_ = false;
  Action action_;

  TreeOptions tree_;
  ListOptions list_;
  ShowOptions show_;
  WatchOptions watch_;
  EventsOptions events_;
  HistoryOptions history_;
  DiffOptions diff_;
  CLI::App* health_ = nullptr;
  HealthCommandOptions health_options_;
  BaselineOptions baseline_;
  DismissOptions dismiss_;
  CLI::App* doctor_ = nullptr;
  DoctorOptions doctor_options_;
  WaitOptions wait_;
  MetricsOptions metrics_;
  StatusOptions status_;
  ElementsOptions elements_;
  FlapOptions flap_;
  FaultOptions fault_;
  std::string element_, serial_, state_, interval_ = "100ms", delay_ = "0s", shell_;
  uint32_t phy_ = 0, status_bits_ = 0x10;
  double gbps_ = 0;
};

absl::StatusOr<int> Act(const CommandLine& line, const Environment& environment) {
  const absl::StatusOr<absl::Duration> timeout = line.timeout();
  if (!timeout.ok()) return timeout.status();
  const absl::StatusOr<Stubs> stubs = environment.connect(line.connection());
  if (!stubs.ok()) return stubs.status();
  const Context context{*stubs,
                        environment.out,
                        environment.err,
                        environment.interrupt,
                        {line.connection().address, *timeout},
                        Paint(environment.colour && !line.no_colour()),
                        environment.clock};
  return line.action()(context);
}

}  // namespace

int Run(const std::vector<std::string>& arguments, const Environment& environment) {
  CommandLine line(environment);
  if (const int code = line.Parse(arguments, environment.out, environment.err); code != kExitOk) {
    return line.is_plugin() ? kHealthUnknown : code;
  }
  if (line.action() == nullptr) return kExitOk;
  const absl::StatusOr<int> code = Act(line, environment);
  environment.out.flush();
  if (code.ok()) return *code;
  environment.err << "sasctl: " << code.status().message() << '\n';
  return line.is_plugin() ? kHealthUnknown : ExitCodeOf(code.status());
}

}  // namespace sasd::cli
