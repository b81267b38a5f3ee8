// sasd-hba: takes HBAs from the kernel's driver for sasd, and gives them back. See README.md.
#include <grp.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "daemon/hba/hba_binder.h"
#include "driver/pci/machine_files.h"
#include "rpc/version.h"

namespace sasd::hba {
namespace {

constexpr char kGroup[] = "sasd-hba";  // packaging/systemd/sysusers.conf

absl::Status RunModprobe(const std::string& module) {
  std::string program = "modprobe", flag = "-q", name = module;
  char* const arguments[] = {program.data(), flag.data(), name.data(), nullptr};
  setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, "modprobe", nullptr, nullptr, arguments, environ);
  if (error != 0) return absl::InternalError(absl::StrCat("modprobe: ", std::strerror(error)));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("modprobe ", module,
                                          " failed: this kernel has no module ", module,
                                          ", or forbids it (Secure Boot)"));
}

std::optional<gid_t> GroupOfSasd() {
  const group* const found = getgrnam(kGroup);  // NOLINT(concurrency-mt-unsafe): one thread
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

int Main(int argc, char** argv) {
  CLI::App app("Take SAS HBAs from the kernel's driver for sasd, and give them back.", "sasd-hba");
  app.set_version_flag("--version", absl::StrCat("sasd-hba ", rpc::kVersion));
  app.require_subcommand(1);
  std::vector<std::string> addresses;
  HbaBinder::TakeOptions options;
  auto* take = app.add_subcommand("take", "Bind HBAs to vfio-pci, unless their disks are in use");
  take->add_option("address", addresses, "PCI addresses, such as 0000:03:00.0; one group together")
      ->required();
  take->add_flag("--uio", options.uio,
                 "Bind to uio_pci_generic: for machines without an IOMMU. Nothing then keeps the "
                 "HBA's accesses to sasd's memory");
  auto* give = app.add_subcommand("give", "Give HBAs back to mpt3sas");
  give->add_option("address", addresses, "PCI addresses")->required();
  auto* status = app.add_subcommand("status", "Print the HBAs, their drivers, and who uses them");
  status->add_option("address", addresses, "PCI addresses; without one, all HBAs");
  app.footer(
      "sasd drives an HBA that was taken with the option --pci. Until the HBA is given back, its "
      "disks\nare not block devices of this machine. Taking does not outlive a reboot: see "
      "sasd-hba(8).");
  CLI11_PARSE(app, argc, argv);
  if (geteuid() != 0 && !status->parsed()) {
    std::cerr << "sasd-hba: only root can bind drivers; use sudo\n";
    return 1;
  }
  pci::MachineFiles files;
  HbaBinder binder(files, RunModprobe, [](const std::string& line) { std::cout << line << '\n'; });
  options.group = GroupOfSasd();
  absl::Status result;
  if (take->parsed()) result = binder.Take(addresses, options);
  if (give->parsed()) result = binder.Give(addresses);
  if (status->parsed()) result = binder.ShowStatus(addresses);
  std::cout.flush();
  if (result.ok()) return 0;
  std::cerr << "sasd-hba: " << result.message() << '\n';
  return 1;
}

}  // namespace
}  // namespace sasd::hba

int main(int argc, char** argv) { return sasd::hba::Main(argc, argv); }
