#include "emulator/qemu/check_command.h"

#include <cstddef>
#include <limits>

#include "emulator/fabric/fabric_loader.h"
#include "emulator/fabric/fabric_summary.h"

namespace sasd {

int CheckFabrics(const std::vector<std::string>& fabrics, std::ostream& out, std::ostream& err) {
  int code = 0;
  for (const std::string& name : fabrics) {
    const absl::StatusOr<emulator::FabricSpec> fabric =
        emulator::LoadFabric(name, std::numeric_limits<size_t>::max());
    if (fabric.ok()) {
      out << name << ": " << emulator::Summarize(*fabric);
      continue;
    }
    err << fabric.status().message() << "\n";
    code = 1;
  }
  return code;
}

}  // namespace sasd
