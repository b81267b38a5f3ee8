// write_layout LAYOUT FOLDER: writes the sysfs tree of a real machine. LAYOUT is "oak", "md1240",
// "three-expanders", or a file with the boot log of an mpt3sas host.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/real_layouts.h"

namespace sasd::sysfs {
namespace {

absl::StatusOr<std::vector<FakeHost>> HostsOf(const std::string& layout) {
  if (layout == "oak") return OakInstallation();
  if (layout == "md1240") return DellMd1240();
  if (layout == "three-expanders") return ThreeExpanderJbod();
  std::ifstream file(layout);
  return MachineOfBootLog(std::string(std::istreambuf_iterator<char>(file), {}));
}

int Main(const std::string& layout, const std::string& folder) {
  const absl::StatusOr<std::vector<FakeHost>> hosts = HostsOf(layout);
  const absl::Status status = hosts.ok() ? WriteFakeSysfs(folder, *hosts) : hosts.status();
  if (!status.ok()) std::cerr << "write_layout: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace sasd::sysfs

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: write_layout LAYOUT FOLDER\n";
    return 2;
  }
  return sasd::sysfs::Main(argv[1], argv[2]);
}
