#ifndef CLI_NODE_COMMANDS_H_
#define CLI_NODE_COMMANDS_H_

#include "cli/command.h"
#include "cli/commands/capture_command.h"
#include "cli/commands/doctor_command.h"
#include "cli/commands/health_command.h"
#include "cli/commands/impact_command.h"
#include "cli/commands/list_command.h"
#include "cli/commands/metrics_command.h"
#include "cli/commands/node_command.h"
#include "cli/commands/show_command.h"
#include "cli/commands/summary_command.h"
#include "cli/commands/tree_command.h"

namespace sasd::cli {

// The commands that show the node as it is: summary, tree, list, show, impact, health, doctor,
// wait, status, metrics, capture.
class NodeCommands {
 public:
  // Adds them. They, and the root's own action (the summary), borrow from this object.
  void Declare(Command& root);

  bool repeats() const { return list_.watch; }

 private:
  void DeclareSummary(Command& root);
  void DeclareList(Command& root);
  void DeclareObjects(Command& root);  // tree, show, impact
  void DeclareHealth(Command& root);   // health, doctor
  void DeclareSasd(Command& root);     // wait, status, metrics, capture

  SummaryOptions summary_;
  TreeOptions tree_;
  ListOptions list_;
  ShowOptions show_;
  ImpactOptions impact_;
  HealthCommandOptions health_;
  DoctorOptions doctor_;
  WaitOptions wait_;
  StatusOptions status_;
  MetricsOptions metrics_;
  CaptureOptions capture_;
};

}  // namespace sasd::cli

#endif  // CLI_NODE_COMMANDS_H_
