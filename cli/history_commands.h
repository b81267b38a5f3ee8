#ifndef CLI_HISTORY_COMMANDS_H_
#define CLI_HISTORY_COMMANDS_H_

#include "cli/command.h"
#include "cli/commands/events_command.h"
#include "cli/commands/history_command.h"
#include "cli/commands/watch_command.h"

namespace sasd::cli {

// The commands that show what happens and what happened: watch, events, audit, history, diff.
class HistoryCommands {
 public:
  // Adds them. They borrow from this object.
  void Declare(Command& root);

 private:
  void DeclareWatch(Command& root);
  void DeclareEvents(Command& root);   // events, audit
  void DeclareHistory(Command& root);  // history, diff

  WatchOptions watch_;
  EventsOptions events_, audit_;
  HistoryOptions history_;
  DiffOptions diff_;
};

}  // namespace sasd::cli

#endif  // CLI_HISTORY_COMMANDS_H_
