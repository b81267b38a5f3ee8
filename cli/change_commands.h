#ifndef CLI_CHANGE_COMMANDS_H_
#define CLI_CHANGE_COMMANDS_H_

#include "cli/command.h"
#include "cli/commands/alias_command.h"
#include "cli/commands/baseline_command.h"

namespace sasd::cli {

// The commands that change what sasd remembers: baseline, dismiss, undismiss, alias.
class ChangeCommands {
 public:
  // Adds them. They borrow from this object.
  void Declare(Command& root);

 private:
  void DeclareBaseline(Command& root);
  void DeclareDismissals(Command& root);
  void DeclareAlias(Command& root);

  BaselineOptions baseline_;
  DismissOptions dismiss_;
  AliasOptions alias_;
};

}  // namespace sasd::cli

#endif  // CLI_CHANGE_COMMANDS_H_
