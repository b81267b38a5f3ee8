#include "cli/change_commands.h"

#include "cli/common_options.h"

namespace sasd::cli {

void ChangeCommands::Declare(Command& root) {
  DeclareBaseline(root);
  DeclareDismissals(root);
  DeclareAlias(root);
}

void ChangeCommands::DeclareBaseline(Command& root) {
  Command& baseline = root.AddCommand("baseline", "Show or accept what belongs to the node");
  baseline.examples = {"baseline show --missing", "baseline accept"};
  Command& show = baseline.AddCommand(
      "show", "List hosts, expanders, enclosures, drives and their paths, missing ones first");
  show.Flag("--missing", Set{&baseline_.missing}, "List only what is missing");
  AddOutput(show, &baseline_.output, "table, json, jsonl, yaml, name");
  show.pages = true;
  show.examples = {"baseline show", "baseline show --missing"};
  show.Do([this](const Context& context) { return RunShowBaseline(baseline_, context); });
  Command& accept = baseline.AddCommand(
      "accept", "Forget what is missing: what is there now is what belongs here");
  accept.Argument("OBJECT", &baseline_.objects, "Forget only these");
  accept.takes_object = true;
  accept.examples = {"baseline accept", "baseline accept ZA1ABCDE",
                     "baseline accept logicalUnits/naa.5000c500a7b26110"};
  accept.Do([this](const Context& context) { return RunAcceptBaseline(baseline_, context); });
}

void ChangeCommands::DeclareDismissals(Command& root) {
  Command& dismiss = root.AddCommand("dismiss", "Leave an object out of health, with all under it");
  dismiss.Argument("OBJECT", &dismiss_.object, "The object; it may be gone").Required();
  dismiss.AddOption("--reason", "TEXT", &dismiss_.reason, "Why; others will read it").Required();
  dismiss.AddOption("--for", "DURATION", &dismiss_.duration,
                    "How long, such as 2h or 30m (default: until the object returns)");
  dismiss.takes_object = true;
  dismiss.examples = {"dismiss ZA1ABCDE --reason \"sent back\"",
                      "dismiss JBOD24 --reason \"moved on Monday\" --for 48h"};
  dismiss.Do([this](const Context& context) { return RunDismiss(dismiss_, context); });
  Command& undismiss = root.AddCommand("undismiss", "End a dismissal");
  undismiss.Argument("OBJECT", &dismiss_.object, "The object; it may be gone").Required();
  undismiss.takes_object = true;
  undismiss.examples = {"undismiss ZA1ABCDE"};
  undismiss.Do([this](const Context& context) { return RunUndismiss(dismiss_, context); });
}

void ChangeCommands::DeclareAlias(Command& root) {
  Command& alias =
      root.AddCommand("alias", "List, set or remove the aliases of hosts and enclosures");
  alias.examples = {"alias list", "alias set 5000ccab03001100 rack3-top", "alias remove rack3-top"};
  Command& list = alias.AddCommand("list", "List all aliases");
  AddOutput(list, &alias_.output, "table, json, jsonl, yaml, name");
  list.pages = true;
  list.examples = {"alias list", "alias list -o json"};
  list.Do([this](const Context& context) { return RunListAliases(alias_, context); });
  Command& set = alias.AddCommand(
      "set", "Give a host or an enclosure an alias, which every command shows and takes");
  set.Argument("OBJECT", &alias_.object, "A host or an enclosure").Required();
  set.Argument("ALIAS", &alias_.alias, "Letters, digits, '-', '_' and '.'").Required();
  set.takes_object = true;
  set.examples = {"alias set 5000ccab03001100 rack3-top", "alias set host1 rack3-a"};
  set.Do([this](const Context& context) { return RunSetAlias(alias_, context); });
  Command& remove = alias.AddCommand("remove", "Take the alias from a host or an enclosure");
  remove.Argument("OBJECT", &alias_.object, "The alias, or another name of the object").Required();
  remove.takes_object = true;
  remove.examples = {"alias remove rack3-top"};
  remove.Do([this](const Context& context) { return RunRemoveAlias(alias_, context); });
}

}  // namespace sasd::cli
