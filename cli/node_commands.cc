#include "cli/node_commands.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/common_options.h"
#include "cli/output/nouns.h"

namespace sasd::cli {

void NodeCommands::Declare(Command& root) {
  DeclareSummary(root);
  DeclareObjects(root);
  DeclareList(root);
  DeclareHealth(root);
  DeclareSasd(root);
}

void NodeCommands::DeclareSummary(Command& root) {
  Command& summary =
      root.AddCommand("summary", "Show the node at a glance (also: sasctl without a command)");
  AddOutput(summary, &summary_.output, "table, json, jsonl, yaml");
  summary.pages = root.pages = true;
  summary.examples = {"summary", "summary -o json", "--addr HOST:PORT summary"};
  summary.Do([this](const Context& context) { return RunSummary(summary_, context); });
  root.action = summary.action;
}

void NodeCommands::DeclareObjects(Command& root) {
  Command& tree = root.AddCommand("tree", "Draw the topology");
  tree.Argument("OBJECT", &tree_.objects,
                "Draw only what leads to these objects and hangs below them");
  tree.Flag("-v,--verbose", Count{&tree_.verbosity},
            "Draw each device on its own line; twice: add addresses and handles");
  tree.pages = tree.takes_object = true;
  tree.examples = {"tree", "tree host1", "tree -v 5000ccab0405db7d", "tree JBOD24"};
  tree.Do([this](const Context& context) { return RunTree(tree_, context); });

  Command& show = root.AddCommand("show", "Show all fields of one object");
  show.Argument("OBJECT", &show_.words, "The object; a NOUN before it says of which kind it is")
      .Required()
      .Most(2);
  show.usage = "[NOUN] OBJECT";
  AddOutput(show, &show_.output, "table, json, jsonl, yaml, name");
  show.Flag("--sources", Set{&show_.sources},
            "Show what each source reports for each field; * marks the value in use");
  show.pages = show.takes_object = true;
  show.examples = {"show sdx", "show JBOD24/3", "show expander 5000ccab0405db7d --sources"};
  show.Do([this](const Context& context) { return RunShow(show_, context); });

  Command& impact = root.AddCommand(
      "impact", "Show which drives would lose a path, and which all, without an object");
  impact
      .Argument("OBJECT", &impact_.object, "A host, expander, enclosure, port, phy, slot or drive")
      .Required();
  AddOutput(impact, &impact_.output, "table, json, jsonl, yaml, name");
  impact.pages = impact.takes_object = true;
  impact.examples = {"impact 5000ccab0405db7d", "impact host1", "impact JBOD24"};
  impact.Do([this](const Context& context) { return RunImpact(impact_, context); });
}

void NodeCommands::DeclareList(Command& root) {
  std::vector<std::string> nouns;
  for (const Noun& noun : AllNouns()) nouns.push_back(noun.plural);
  Command& list = root.AddCommand("list", "List objects of one kind, one per line");
  list.aliases = {"ls", "get"};
  list.Argument("NOUN", &list_.noun, absl::StrCat("One of ", absl::StrJoin(nouns, ", ")))
      .Required();
  list.Argument("OBJECT", &list_.names, "List only these objects");
  AddFilter(list, &list_.filters,
            ". behind=OBJECT selects what hangs below an object. Also KEY!=VALUE, KEY>=VALUE (>, "
            "<=, <) for numbers, sizes and rates, and * and ? in texts");
  AddOutput(list, &list_.output, "table, wide, json, jsonl, yaml, name");
  list.AddOption("--columns", "COLUMNS", &list_.columns,
                 "Print only these columns, comma-separated");
  list.Flag("--no-headers", Set{&list_.headers, false}, "Omit the header line");
  list.AddOption("--sort-by", "COLUMNS", &list_.sort_by,
                 "Sort by these columns, comma-separated, smallest first");
  list.Flag("--reverse", Set{&list_.reverse}, "Reverse the order");
  list.Flag("-w,--watch", Set{&list_.watch},
            "List again at each change, until Ctrl-C; a terminal is redrawn in place");
  list.Flag("--all", Set{&list_.all},
            "With hosts: list also SCSI hosts without SAS transport, and devices of hosts that are "
            "no SAS objects, such as RAID volumes");
  list.pages = list.takes_object = true;
  list.examples = {"list drives",
                   "list drives ZA1ABCDE sdx -o wide",
                   "list drives -f behind=5000ccab0405db7d",
                   "list slots -f occupied=no",
                   "list drives -f 'size>=14TB' --sort-by size --reverse",
                   "list devices -f state=failed,blocked -w",
                   "list drives -o json"};
  list.Do([this](const Context& context) { return RunList(list_, context); });
}

void NodeCommands::DeclareHealth(Command& root) {
  Command& health = root.AddCommand(
      "health", "Report what is wrong; exit code 0 ok, 1 warning, 2 critical, 3 unknown");
  health.Argument("HOST", &health_.hosts, "Examine only these hosts");
  health.Flag("--all", Set{&health_.all},
              "Show also what follows from another finding, and what is dismissed");
  AddOutput(health, &health_.output, "table, json, jsonl, yaml, name");
  health.pages = health.is_plugin = true;
  health.examples = {"health", "health host1", "health --all", "health -o jsonl"};
  health.action = [this](const Context& context) { return RunHealth(health_, context); };

  Command& doctor = root.AddCommand(
      "doctor",
      "Report what sasd can and cannot see on its node, and how to fix it; exit code 0 ok, 1 "
      "limited, 2 broken, 3 sasd does not answer");
  AddOutput(doctor, &doctor_.output, "table (lines), json, jsonl, yaml");
  doctor.pages = doctor.is_plugin = true;
  doctor.examples = {"doctor", "doctor -o json"};
  doctor.action = [this](const Context& context) { return RunDoctor(doctor_, context); };
}

void NodeCommands::DeclareSasd(Command& root) {
  Command& wait = root.AddCommand(
      "wait", "Wait until discovery has settled (--settled), at most for --timeout");
  wait.Argument("HOST", &wait_.hosts, "Wait only for these hosts");
  wait.Flag("--settled", Set{&wait_.settled}, "Wait until discovery has settled");
  wait.examples = {"wait --settled --timeout 60s", "wait --settled host1"};
  wait.Do([this](const Context& context) { return RunWait(wait_, context); });

  Command& status = root.AddCommand("status", "Show the state of sasd itself");
  AddOutput(status, &status_.output, "table, json, jsonl, yaml, name");
  status.examples = {"status", "status -o json"};
  status.Do([this](const Context& context) { return RunStatus(status_, context); });

  Command& metrics =
      root.AddCommand("metrics", "Print the metrics of the node, in Prometheus' text format");
  metrics.Flag("--objects", Set{&metrics_.objects}, "Print also those of each drive");
  metrics.AddOption("--write", "FILE", &metrics_.write,
                    "Replace this file instead, such as one for node_exporter's textfile "
                    "collector");
  metrics.examples = {"metrics", "metrics --objects",
                      "metrics --write /var/lib/node_exporter/sas.prom"};
  metrics.Do([this](const Context& context) { return RunMetrics(metrics_, context); });

  Command& capture = root.AddCommand(
      "capture",
      "Pack a support bundle: this machine's SAS objects in sysfs, and sasd's doctor, health, "
      "status, events and log");
  capture.AddOption("-o,--output", "FILE", &capture_.output,
                    "The .tar.gz to write (default: sas-capture-NODE-TIME.tar.gz)");
  capture.Flag("--anonymous", Set{&capture_.anonymous},
               "Replace world wide names and serial numbers, each by the same other one");
  capture
      .AddOption("--sysfs", "DIR", &capture_.sysfs,
                 "Folder to read instead, such as a sysfs mounted elsewhere")
      .ShowDefault();
  capture.examples = {"capture", "capture --anonymous -o /tmp/for-support.tar.gz"};
  capture.Do([this](const Context& context) { return RunCapture(capture_, context); });
}

}  // namespace sasd::cli
