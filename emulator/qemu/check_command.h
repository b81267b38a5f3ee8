#ifndef EMULATOR_QEMU_CHECK_COMMAND_H_
#define EMULATOR_QEMU_CHECK_COMMAND_H_

#include <ostream>
#include <string>
#include <vector>

namespace sasd {

// `sashba check`: reads each fabric (the name of a shipped one, or a file). Writes to `out` what is
// in a sound one, and to `err` each error of the others: file, line and column where the text gives
// them, the elements, the remedy. Returns the exit code: 1 if one of them is not sound.
int CheckFabrics(const std::vector<std::string>& fabrics, std::ostream& out, std::ostream& err);

}  // namespace sasd

#endif  // EMULATOR_QEMU_CHECK_COMMAND_H_
