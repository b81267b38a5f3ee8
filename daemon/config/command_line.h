#ifndef DAEMON_CONFIG_COMMAND_LINE_H_
#define DAEMON_CONFIG_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <vector>

#include "daemon/config/config_file.h"

namespace sasd::config {

// What the command line says besides the options.
struct CommandLine {
  std::vector<Given> given;
  std::optional<std::string> config;  // --config
  bool check_config = false;          // --check-config
};

// For --help and --version.
struct Program {
  std::string name = "sasd";
  std::string description;
  std::string version;
  std::string footer;
};

// Reads the command line. nullopt: `exit_code` is set, because help or the version was printed to
// standard output, or an error to standard error.
std::optional<CommandLine> ParseCommandLine(const Program& program, int argc,
                                            const char* const* argv, int* exit_code);

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_COMMAND_LINE_H_
