#ifndef CLI_GRAMMAR_H_
#define CLI_GRAMMAR_H_

#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/change_commands.h"
#include "cli/command.h"
#include "cli/emulator_commands.h"
#include "cli/history_commands.h"
#include "cli/node_commands.h"
#include "cli/query/contexts.h"

namespace sasd::cli {

// All commands of sasctl and their options, with the values of one command line.
class Grammar {
 public:
  // `environment`: what it says about the connection. The commands about contexts print to `out`,
  // which must outlive the object.
  Grammar(const Connection& environment, const ContextsPlace& contexts, std::ostream& out);

  const Command& root() const { return root_; }

  // What Parse() has read. --version:
  bool wants_version() const { return wants_version_; }
  bool no_colour() const { return no_colour_; }
  // Whether the output of a command goes through a pager, on a terminal.
  bool pages(const Command& command) const {
    return command.pages && !no_pager_ && !node_.repeats();
  }
  // Errors: those of ResolveConnection().
  absl::StatusOr<Connection> connection() const { return ResolveConnection(given_); }
  // Above 0. Error: kInvalidArgument for a text that is no duration.
  absl::StatusOr<absl::Duration> timeout() const;

 private:
  void DeclareGlobalOptions();
  void DeclareContext();
  void DeclareCompletion();

  std::ostream& out_;
  Command root_;
  NodeCommands node_;
  HistoryCommands history_;
  ChangeCommands changes_;
  EmulatorCommands emulator_;
  GivenConnection given_;
  std::string context_name_, shell_, timeout_ = "5s";
  bool no_colour_ = false, no_pager_ = false, wants_version_ = false;
};

}  // namespace sasd::cli

#endif  // CLI_GRAMMAR_H_
