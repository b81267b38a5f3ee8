#ifndef CLI_EMULATOR_COMMANDS_H_
#define CLI_EMULATOR_COMMANDS_H_

#include <cstdint>
#include <string>

#include "cli/command.h"
#include "cli/commands/emulator_command.h"

namespace sasd::cli {

// `emulator`: the verbs of a virtual fabric.
class EmulatorCommands {
 public:
  // Adds it. Its commands borrow from this object.
  void Declare(Command& root);

 private:
  void DeclareDrives(Command& emulator);  // pull, insert
  void DeclareLinks(Command& emulator);   // phy, flap, expander, power
  void DeclareFaults(Command& emulator);  // reset, discovery-error, fault

  ElementsOptions elements_;
  FlapOptions flap_;
  FaultOptions fault_;
  std::string element_, serial_, state_, interval_ = "100ms", delay_ = "0s";
  uint32_t phy_ = 0, status_bits_ = 0x10;
  double gbps_ = 0;
};

}  // namespace sasd::cli

#endif  // CLI_EMULATOR_COMMANDS_H_
