#include "driver/pci/fake_machine_files.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "driver/pci/pci_hbas.h"

namespace sasd::pci {
namespace {

namespace fs = std::filesystem;

constexpr char kDrivers[] = "/sys/bus/pci/drivers/";

}  // namespace

FakeMachineFiles::FakeMachineFiles(std::string root) : MachineFiles(std::move(root)) {
  fs::remove_all(At(""));
  fs::create_directories(At("/proc"));
}

void FakeMachineFiles::Put(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(At(path)).parent_path());
  std::ofstream(At(path)) << text;
}

void FakeMachineFiles::Link(const std::string& path, const std::string& target) {
  fs::create_directories(fs::path(At(path)).parent_path());
  fs::remove(At(path));
  fs::create_symlink(target, At(path));
}

void FakeMachineFiles::Remove(const std::string& path) { fs::remove_all(At(path)); }

void FakeMachineFiles::AddFunction(const std::string& address, const std::string& vendor,
                                   const std::string& device, const std::string& group) {
  const std::string folder = FunctionFolder(address);
  Put(folder + "/vendor", vendor + "\n");
  Put(folder + "/device", device + "\n");
  Put(folder + "/driver_override", "(null)\n");
  Put(folder + "/reset_method", "flr bus\n");
  Put(folder + "/config", "");
  if (group.empty()) return;
  const std::string groups = "/sys/kernel/iommu_groups/" + group;
  Put(groups + "/type", "DMA-FQ\n");
  Put(groups + "/devices/" + address, "");
  Link(folder + "/iommu_group", "../../../../kernel/iommu_groups/" + group);
}

void FakeMachineFiles::AddBlock(const std::string& folder, const std::string& name,
                                const std::string& number) {
  Put(absl::StrCat("/sys/devices/", folder, "/dev"), number + "\n");
  fs::create_directories(At(absl::StrCat("/sys/devices/", folder, "/holders")));
  Link("/sys/class/block/" + name, "../../devices/" + folder);
}

void FakeMachineFiles::AddDisk(const std::string& address, const std::string& name,
                               const std::string& number) {
  AddBlock(absl::StrCat("pci0000:00/", address, "/host1/block/", name), name, number);
}

void FakeMachineFiles::AddPartition(const std::string& address, const std::string& disk,
                                    const std::string& name, const std::string& number) {
  AddBlock(absl::StrCat("pci0000:00/", address, "/host1/block/", disk, "/", name), name, number);
  Put("/sys/class/block/" + name + "/partition", "1\n");
}

void FakeMachineFiles::AddProcess(int pid, const std::string& name, const std::string& open_file) {
  Put(absl::StrCat("/proc/", pid, "/comm"), name + "\n");
  Link(absl::StrCat("/proc/", pid, "/fd/7"), open_file);
}

void FakeMachineFiles::Load(const std::string& driver) { Put(kDrivers + driver + "/unbind", ""); }

void FakeMachineFiles::Bind(const std::string& address, const std::string& driver) {
  Load(driver);
  Link(FunctionFolder(address) + "/driver", "../../../../bus/pci/drivers/" + driver);
  const std::string group = BaseName(LinkOf(FunctionFolder(address) + "/iommu_group"));
  if (driver == "vfio-pci") Put("/dev/vfio/" + group, "");
}

std::string FakeMachineFiles::DriverOf(const std::string& address) const {
  return BaseName(LinkOf(FunctionFolder(address) + "/driver"));
}

void FakeMachineFiles::Probe(const std::string& address) {
  if (!DriverOf(address).empty()) return;
  const std::string wanted = Read(FunctionFolder(address) + "/driver_override");
  const std::string driver = wanted == "(null)" ? own_driver[address] : wanted;
  const bool loaded = !driver.empty() && Exists(kDrivers + driver);
  if (loaded && refuses.count(driver) == 0) Bind(address, driver);
}

absl::Status FakeMachineFiles::Write(const std::string& path, absl::string_view text) {
  const std::string value(absl::StripAsciiWhitespace(text));
  written.push_back(absl::StrCat(path, "=", value));
  if (!Exists(path) && path != "/sys/bus/pci/drivers_probe") return absl::NotFoundError(path);
  if (path == "/sys/bus/pci/drivers_probe") {
    Probe(value);
  } else if (absl::EndsWith(path, "/unbind")) {
    const std::string driver = BaseName(path.substr(0, path.rfind('/')));
    if (DriverOf(value) != driver) return absl::NotFoundError(path);  // ENODEV
    Remove(FunctionFolder(value) + "/driver");
  } else if (absl::EndsWith(path, "/driver_override")) {
    Put(path, value.empty() ? "(null)\n" : value + "\n");
  } else {
    return absl::PermissionDeniedError(path);
  }
  return absl::OkStatus();
}

absl::Status FakeMachineFiles::GiveTo(const std::string& path, uid_t, gid_t group, mode_t mode) {
  if (!Exists(path)) return absl::NotFoundError(path);
  given.push_back(absl::StrFormat("%s %d %o", path, group, mode));
  return absl::OkStatus();
}

}  // namespace sasd::pci
