#include "cli/history_commands.h"

#include "cli/common_options.h"

namespace sasd::cli {

void HistoryCommands::Declare(Command& root) {
  DeclareWatch(root);
  DeclareEvents(root);
  DeclareHistory(root);
}

void HistoryCommands::DeclareWatch(Command& root) {
  Command& watch = root.AddCommand("watch", "Print changes as they happen, until Ctrl-C");
  watch.AddOption("--from", "TOKEN", &watch_.from, "Continue after this resume token or revision");
  watch.Flag("--snapshot", Set{&watch_.snapshot}, "Print the current state first");
  watch.Flag("--no-snapshot", Set{&watch_.snapshot, false}, "Print only changes (the default)");
  watch.AddOption("-n,--count", "N", &watch_.count, "Stop after this many events").Least(1);
  watch.Flag("--reconnect", Set{&watch_.reconnect},
             "Reconnect when sasd returns, and continue where the watch was");
  watch.Flag("-v,--verbose", Set{&watch_.verbose},
             "Print a line for each change, not for each act");
  AddFilter(watch, &watch_.filters, kEventFilters);
  AddOutput(watch, &watch_.output, "table (lines), jsonl, yaml");
  watch.examples = {"watch", "watch -f kind=drives -n 10", "watch --snapshot -o jsonl",
                    "watch --reconnect --from TOKEN"};
  watch.Do([this](const Context& context) { return RunWatch(watch_, context); });
}

void HistoryCommands::DeclareEvents(Command& root) {
  Command& events = root.AddCommand("events", "List past changes, the oldest first");
  events.Argument("OBJECT", &events_.objects,
                  "List only events that changed these objects; they may be gone");
  events.AddOption("--since", "TIME", &events_.since,
                   "List only events from this time on: 2h, yesterday, 03:30, \"yesterday 03:30\", "
                   "2026-03-02, 2026-03-02T03:14:07");
  events.AddOption("--until", "TIME", &events_.until, "List only events before this time");
  events.AddOption("--after", "REVISION", &events_.after, "List only events after this revision");
  events.AddOption("-n,--last", "N", &events_.last, "List only this many, the newest").Least(1);
  events.Flag("--reverse", Set{&events_.reverse}, "List the newest first");
  events.Flag("-v,--verbose", Set{&events_.verbose},
              "List a line for each change, not for each act");
  events.AddOption("--cause", "CAUSE", &events_.causes,
                   "List only events with these causes, comma-separated: firmware-event, uevent, "
                   "scan, attach, host-reset, resync, restart, startup, control, source-lost, "
                   "audit");
  events.AddOption("--severity", "SEVERITY", &events_.severity,
                   "List only events at least this severe: info, warning, critical");
  AddFilter(events, &events_.filters, kEventFilters);
  AddOutput(events, &events_.output, "table (lines), jsonl, yaml");
  events.pages = events.takes_object = true;
  events.examples = {"events --since yesterday", "events --since 03:00 --until 03:30",
                     "events ZA1ABCDE -v", "events --severity warning -n 20 --reverse"};
  events.Do([this](const Context& context) { return RunEvents(events_, context); });

  Command& audit =
      root.AddCommand("audit", "List who changed something, or tried to, the oldest first");
  audit.AddOption("--since", "TIME", &audit_.since,
                  "List only calls from this time on; see `events`");
  audit.AddOption("--until", "TIME", &audit_.until, "List only calls before this time");
  audit.AddOption("-n,--last", "N", &audit_.last, "List only this many, the newest").Least(1);
  audit.Flag("--reverse", Set{&audit_.reverse}, "List the newest first");
  audit.AddOption("--severity", "SEVERITY", &audit_.severity,
                  "warning: list only calls that were refused to their caller");
  AddOutput(audit, &audit_.output, "table (lines), jsonl, yaml");
  audit.pages = true;
  audit.examples = {"audit", "audit --since yesterday --severity warning", "audit -n 20 --reverse"};
  audit_.causes = {"audit"};
  audit.Do([this](const Context& context) { return RunEvents(audit_, context); });
}

void HistoryCommands::DeclareHistory(Command& root) {
  Command& history = root.AddCommand(
      "history", "Show what happened to one object, the oldest first; it may be gone");
  history.Argument("OBJECT", &history_.object, "The object").Required();
  history.AddOption("-n,--last", "N", &history_.last, "Show only this many entries, the newest")
      .Least(1);
  history.Flag("--reverse", Set{&history_.reverse}, "Show the newest first");
  AddOutput(history, &history_.output, "table (lines), json, jsonl, yaml, name");
  history.pages = history.takes_object = true;
  history.examples = {"history ZA1ABCDE", "history JBOD24/3", "history sdx -n 10 --reverse"};
  history.Do([this](const Context& context) { return RunHistory(history_, context); });

  Command& diff = root.AddCommand("diff", "Show what differs between an earlier state and now");
  diff.AddOption("--since", "REVISION|TIME", &diff_.since,
                 "The earlier state: a revision, or a time such as 2h, yesterday, 03:30, "
                 "2026-03-02T03:14:07")
      .Required();
  AddFilter(diff, &diff_.filters);
  AddOutput(diff, &diff_.output, "table (lines), json, jsonl, yaml, name");
  diff.pages = true;
  diff.examples = {"diff --since 2h", "diff --since \"yesterday 03:30\"",
                   "diff --since 42 -f kind=drives"};
  diff.Do([this](const Context& context) { return RunDiff(diff_, context); });
}

}  // namespace sasd::cli
