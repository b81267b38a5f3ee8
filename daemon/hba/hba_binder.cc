#include "daemon/hba/hba_binder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "driver/pci/disk_users.h"

namespace sasd::hba {
namespace {

using pci::PciHba;

constexpr char kVfio[] = "vfio-pci", kUio[] = "uio_pci_generic", kKernels[] = "mpt3sas";
constexpr char kProbe[] = "/sys/bus/pci/drivers_probe";
// What one HBA needs: PciBus::kMaxArena.
constexpr uint64_t kArena = uint64_t{2} << 20;
constexpr size_t kMostUsersShown = 12;

std::string OverrideOf(const std::string& address) {
  return pci::FunctionFolder(address) + "/driver_override";
}

absl::Status NoHba(const std::string& address) {
  return absl::InvalidArgumentError(
      absl::StrCat(address, " is no HBA of MPI 2.x; `sasd-hba status` lists them"));
}

absl::StatusOr<std::vector<PciHba>> FindAll(const pci::MachineFiles& files,
                                            const std::vector<std::string>& addresses) {
  std::vector<PciHba> hbas;
  for (const std::string& address : addresses) {
    auto hba = pci::FindHba(files, address);
    if (!hba.has_value()) return NoHba(address);
    hbas.push_back(*std::move(hba));
  }
  return hbas;
}

absl::Status DisksInUse(const std::string& address, const std::vector<pci::DiskUser>& users) {
  std::string text = absl::StrCat("disks of ", address, " are in use:");
  for (size_t i = 0; i < std::min(users.size(), kMostUsersShown); ++i) {
    absl::StrAppend(&text, "\n  ", users[i].device, ": ", users[i].use);
  }
  if (users.size() > kMostUsersShown) {
    absl::StrAppend(&text, "\n  and ", users.size() - kMostUsersShown, " more");
  }
  return absl::FailedPreconditionError(text +
                                       "\nEnd that first: they all vanish from this machine");
}

std::string NamesOf(const std::vector<pci::Neighbour>& neighbours) {
  return absl::StrJoin(neighbours, ", ", [](std::string* out, const pci::Neighbour& neighbour) {
    absl::StrAppend(out, neighbour.address, " (", neighbour.driver, ")");
  });
}

}  // namespace

HbaBinder::HbaBinder(pci::MachineFiles& files, LoadModule load, Print print)
    : files_(files), load_(std::move(load)), print_(std::move(print)) {}

std::string HbaBinder::DriverOf(const std::string& address) const {
  return pci::BaseName(files_.LinkOf(pci::FunctionFolder(address) + "/driver"));
}

absl::Status HbaBinder::CheckTake(const PciHba& hba, const std::vector<std::string>& together,
                                  const TakeOptions& options) {
  if (!hba.refusal.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("sasd does not drive ", hba.address, " (", hba.chip, "): ", hba.refusal));
  }
  const auto users = pci::FindDiskUsers(files_, hba.address);
  if (!users.empty()) return DisksInUse(hba.address, users);
  if (options.uio) {
    if (hba.iommu_group.empty() || hba.iommu_type == "identity") return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("an IOMMU translates the addresses of ",
                                                      hba.address, "; take it without --uio"));
  }
  if (hba.iommu_group.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "there is no IOMMU for ", hba.address,
        ": turn it on in the firmware's setup (VT-d, AMD-Vi), and with intel_iommu=on on the "
        "kernel's command line.\nWithout one, --uio takes the HBA, and nothing keeps its accesses "
        "to "
        "sasd's memory"));
  }
  std::vector<pci::Neighbour> others = hba.neighbours;
  others.erase(std::remove_if(others.begin(), others.end(),
                              [&](const pci::Neighbour& other) {
                                return std::count(together.begin(), together.end(),
                                                  other.address) != 0;
                              }),
               others.end());
  if (others.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the IOMMU cannot part ", hba.address, " from ", NamesOf(others),
                   "; take them together if they are HBAs, or unbind them"));
}

absl::Status HbaBinder::Take(const std::vector<std::string>& addresses,
                             const TakeOptions& options) {
  const auto hbas = FindAll(files_, addresses);
  if (!hbas.ok()) return hbas.status();
  const std::string driver = options.uio ? kUio : kVfio;
  for (const PciHba& hba : *hbas) {
    if (hba.driver == driver) continue;
    if (absl::Status s = CheckTake(hba, addresses, options); !s.ok()) return s;
  }
  for (const char* module : options.uio
                                ? std::vector<const char*>{kUio}
                                : std::vector<const char*>{"vfio_pci", "vfio_iommu_type1"}) {
    if (absl::Status s = load_(module); !s.ok()) return s;
  }
  std::vector<std::string> taken;
  for (const PciHba& hba : *hbas) {
    absl::Status s = hba.driver == driver ? absl::OkStatus() : Bind(hba, driver);
    if (s.ok() && hba.driver != driver) taken.push_back(hba.address);
    if (s.ok() && !options.uio) s = ShareGroup(hba.address, options);
    if (!s.ok()) {
      for (const std::string& address : taken) Undo(address);
      return s;
    }
    print_(absl::StrCat(hba.address, " (", hba.chip, ") is bound to ", driver,
                        "; sasd drives it with --pci ", hba.address));
  }
  if (!options.uio) WarnOfMemlock();
  return absl::OkStatus();
}

// The override comes first: no other driver finds the function between the steps.
absl::Status HbaBinder::Bind(const PciHba& hba, const std::string& driver) {
  const std::string& address = hba.address;
  if (absl::Status s = files_.Write(OverrideOf(address), driver + "\n"); !s.ok()) return s;
  if (!hba.driver.empty()) {
    const std::string unbind = absl::StrCat("/sys/bus/pci/drivers/", hba.driver, "/unbind");
    if (absl::Status s = files_.Write(unbind, address); !s.ok()) {
      files_.Write(OverrideOf(address), "\n").IgnoreError();
      return s;
    }
  }
  absl::Status probed = files_.Write(kProbe, address);
  const std::string bound = DriverOf(address);
  if (bound == driver) return absl::OkStatus();
  Undo(address);
  return absl::InternalError(absl::StrCat(driver, " did not take ", address,
                                          probed.ok() ? "" : absl::StrCat(": ", probed.message()),
                                          "; dmesg says why. It has the driver ",
                                          DriverOf(address).empty() ? "none" : DriverOf(address)));
}

void HbaBinder::Undo(const std::string& address) {
  const std::string bound = DriverOf(address);
  if (bound == kVfio || bound == kUio) {
    files_.Write(absl::StrCat("/sys/bus/pci/drivers/", bound, "/unbind"), address).IgnoreError();
  }
  files_.Write(OverrideOf(address), "\n").IgnoreError();
  files_.Write(kProbe, address).IgnoreError();
}

absl::Status HbaBinder::ShareGroup(const std::string& address, const TakeOptions& options) {
  if (!options.group.has_value()) return absl::OkStatus();
  const std::string group =
      pci::BaseName(files_.LinkOf(pci::FunctionFolder(address) + "/iommu_group"));
  return files_.GiveTo("/dev/vfio/" + group, 0, *options.group, 0660);
}

// proc(5), /proc/PID/limits: "Max locked memory  8388608  8388608  bytes".
void HbaBinder::WarnOfMemlock() {
  uint64_t taken = 0;
  for (const PciHba& hba : pci::FindHbas(files_)) taken += hba.driver == kVfio ? 1 : 0;
  for (const std::string& pid : files_.List("/proc")) {
    if (files_.Read(absl::StrCat("/proc/", pid, "/comm")) != "sasd") continue;
    const std::string limits = files_.Read(absl::StrCat("/proc/", pid, "/limits"));
    for (absl::string_view line : absl::StrSplit(limits, '\n')) {
      if (!absl::ConsumePrefix(&line, "Max locked memory")) continue;
      const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      uint64_t limit = 0;
      const bool limited = !words.empty() && absl::SimpleAtoi(words[0], &limit);
      if (!limited || limit >= taken * kArena) continue;
      print_(absl::StrCat("warning: sasd (pid ", pid, ") may lock ", limit / 1024, " KiB, and ",
                          taken, " HBAs need ", taken * kArena / 1024,
                          "; set LimitMEMLOCK=64M (systemctl edit sasd) and restart it"));
    }
  }
}

absl::Status HbaBinder::Give(const std::vector<std::string>& addresses) {
  const auto hbas = FindAll(files_, addresses);
  if (!hbas.ok()) return hbas.status();
  for (const PciHba& hba : *hbas) {
    if (absl::Status s = GiveOne(hba); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status HbaBinder::GiveOne(const PciHba& hba) {
  const std::string& address = hba.address;
  if (hba.driver == kKernels && hba.driver_override.empty()) {
    print_(absl::StrCat(address, " (", hba.chip, ") is bound to ", kKernels, " already"));
    return absl::OkStatus();
  }
  if (!hba.driver.empty() && !hba.is_taken() && hba.driver != kKernels) {
    return absl::FailedPreconditionError(
        absl::StrCat(address, " is bound to ", hba.driver, ", which sasd-hba did not take"));
  }
  if (hba.driver == kUio && files_.IsLocked(pci::FunctionFolder(address) + "/config")) {
    return absl::FailedPreconditionError(absl::StrCat(
        "sasd drives ", address, " by uio, which cannot ask it to let go; stop sasd first"));
  }
  if (hba.is_taken()) {
    print_(absl::StrCat("unbinding ", address, " from ", hba.driver,
                        "; this waits until its user lets go"));
    const std::string unbind = absl::StrCat("/sys/bus/pci/drivers/", hba.driver, "/unbind");
    if (absl::Status s = files_.Write(unbind, address); !s.ok()) return s;
  }
  if (absl::Status s = files_.Write(OverrideOf(address), "\n"); !s.ok()) return s;
  if (absl::Status s = load_(kKernels); !s.ok()) return s;
  const absl::Status probed = files_.Write(kProbe, address);
  const std::string bound = DriverOf(address);
  if (bound.empty()) {
    return absl::InternalError(absl::StrCat("no driver took ", address,
                                            probed.ok() ? "" : absl::StrCat(": ", probed.message()),
                                            "; dmesg says why"));
  }
  print_(absl::StrCat(address, " (", hba.chip, ") is bound to ", bound));
  return absl::OkStatus();
}

absl::Status HbaBinder::ShowStatus(const std::vector<std::string>& addresses) {
  auto hbas = FindAll(files_, addresses);
  if (!hbas.ok()) return hbas.status();
  if (addresses.empty()) hbas = pci::FindHbas(files_);
  if (hbas->empty()) print_("this machine has no HBA of MPI 2.x");
  for (const PciHba& hba : *hbas) ShowOne(hba);
  return absl::OkStatus();
}

void HbaBinder::ShowOne(const PciHba& hba) {
  print_(absl::StrCat(hba.address, "  ", hba.chip, "  ",
                      hba.driver.empty() ? "no driver" : hba.driver));
  if (!hba.refusal.empty()) print_(absl::StrCat("  sasd does not drive it: ", hba.refusal));
  if (!hba.driver_override.empty() && hba.driver_override != hba.driver) {
    print_(absl::StrCat("  only ", hba.driver_override, " may bind to it (driver_override)"));
  }
  print_(hba.iommu_group.empty()
             ? "  no IOMMU: only uio_pci_generic, and nothing keeps its accesses to sasd's memory"
             : absl::StrCat("  IOMMU group ", hba.iommu_group, ", ",
                            hba.iommu_type.empty() ? "type unknown" : hba.iommu_type));
  if (!hba.neighbours.empty()) {
    print_(absl::StrCat("  the IOMMU cannot part it from ", NamesOf(hba.neighbours)));
  }
  print_(absl::StrCat("  reset methods of the kernel: ",
                      hba.reset_methods.empty() ? "none" : hba.reset_methods));
  const auto users = pci::FindDiskUsers(files_, hba.address);
  const size_t devices = pci::DevicesBelow(files_, hba.address).size();
  if (users.empty()) print_(absl::StrCat("  device nodes below it: ", devices, ", none in use"));
  for (const pci::DiskUser& user : users) {
    print_(absl::StrCat("  in use: ", user.device, ", ", user.use));
  }
}

}  // namespace sasd::hba
