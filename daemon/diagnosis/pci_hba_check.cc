#include "daemon/diagnosis/pci_hba_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/diagnosis/commands.h"

namespace sasd {
namespace {

using Status = DiagnosisCheck::Status;

// What one HBA needs: PciBus::kMaxArena.
constexpr uint64_t kArena = uint64_t{2} << 20;
constexpr size_t kMostUsers = 4;

std::string UsersText(const std::vector<pci::DiskUser>& users) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(users.size(), kMostUsers); ++i) {
    texts.push_back(absl::StrCat(users[i].device, " is ", users[i].use));
  }
  if (users.size() > kMostUsers)
    texts.push_back(absl::StrCat("and ", users.size() - kMostUsers, " more"));
  return absl::StrJoin(texts, ", ");
}

// Makes the checks of one HBA; each step appends.
class PciDoctor {
 public:
  explicit PciDoctor(const PciHbaFacts& facts)
      : facts_(facts), subject_(absl::StrCat("PCI ", facts.link.address)) {}

  std::vector<DiagnosisCheck> Examine() && {
    Link();
    if (!facts_.hba.has_value()) return std::move(checks_);
    Driver();
    Iommu();
    Memory();
    ResetMethods();
    return std::move(checks_);
  }

 private:
  void Fail(Status status, absl::string_view reason, absl::string_view message,
            absl::string_view remedy = "", absl::string_view command = "") {
    checks_.push_back(FailedCheck(status, reason, subject_, message, remedy, command));
    checks_.back().host = facts_.link.host;
  }
  void Pass(absl::string_view message) {
    checks_.push_back(PassedCheck(subject_, message));
    checks_.back().host = facts_.link.host;
  }

  bool IsConnected() const { return facts_.link.kind == PciLinkState::Kind::kConnected; }

  void Link() {
    const PciLinkState& link = facts_.link;
    if (!facts_.hba.has_value()) {
      return Fail(
          Status::kBroken, "PCI_NO_HBA",
          absl::StrCat("--pci names it, and there is no HBA of MPI 2.x: ", link.error.message()),
          "List the HBAs, and correct the option", "sasd-hba status");
    }
    switch (link.kind) {
      case PciLinkState::Kind::kConnected:
        return Pass(
            absl::StrCat("sasd drives this ", facts_.hba->chip, " itself, by ", facts_.hba->driver,
                         "; interrupts: ", link.interrupts, "; resets: ", link.resets,
                         link.last_reset.empty() ? "" : absl::StrCat(" (", link.last_reset, ")"),
                         "; the firmware is the only source, and its disks are no block devices"));
      case PciLinkState::Kind::kConnecting:
        return Fail(Status::kLimited, "PCI_STARTING", "sasd brings the IOC up", "Wait a minute");
      case PciLinkState::Kind::kFailed:
        break;
    }
    if (facts_.hba->driver == "mpt3sas") {
      return Fail(Status::kLimited, "PCI_NOT_TAKEN",
                  "mpt3sas has it, and sasd sees it through the kernel, though --pci names it",
                  "Take it for sasd; its disks then vanish from this machine", TakeCommand());
    }
    Fail(Status::kBroken, "PCI_NOT_DRIVEN",
         absl::StrCat("sasd cannot drive it: ", link.error.message()));
  }

  void Driver() {
    const pci::PciHba& hba = *facts_.hba;
    if (!hba.refusal.empty()) {
      return Fail(Status::kBroken, "PCI_NO_SAS_HBA",
                  absl::StrCat("sasd does not drive it: ", hba.refusal));
    }
    if (hba.driver.empty()) {
      return Fail(Status::kBroken, "PCI_NO_DRIVER", "it has no driver, not even vfio-pci",
                  "Take it for sasd, or give it to mpt3sas", TakeCommand());
    }
    if (!facts_.users.empty()) {
      Fail(Status::kLimited, "PCI_DISKS_IN_USE",
           absl::StrCat("its disks are in use, so it cannot be taken: ", UsersText(facts_.users)));
    }
  }

  void Iommu() {
    const pci::PciHba& hba = *facts_.hba;
    if (hba.iommu_group.empty()) {
      return Fail(Status::kLimited, "PCI_NO_IOMMU",
                  "this machine has no IOMMU for it: nothing keeps its accesses to sasd's memory",
                  "Turn the IOMMU on in the firmware's setup (VT-d, AMD-Vi), and with "
                  "intel_iommu=on on the kernel's command line");
    }
    const std::string group = absl::StrCat("IOMMU group ", hba.iommu_group);
    if (!hba.neighbours.empty()) {
      return Fail(Status::kBroken, "PCI_GROUP_NOT_VIABLE",
                  absl::StrCat("it shares ", group, " with ",
                               absl::StrJoin(hba.neighbours, ", ",
                                             [](std::string* out, const pci::Neighbour& other) {
                                               absl::StrAppend(out, other.address, " (",
                                                               other.driver, ")");
                                             }),
                               ", so vfio does not lend it"),
                  "Take the others with it if they are HBAs, or unbind them");
    }
    if (hba.driver == "uio_pci_generic") {
      return Fail(
          Status::kLimited, "PCI_UIO",
          "uio_pci_generic lends it, and nothing keeps its accesses to sasd's memory, though "
          "there is an IOMMU",
          "Take it by vfio-pci", TakeCommand());
    }
    Pass(absl::StrCat(group, " is its own"));
  }

  void Memory() {
    const uint64_t needed = kArena * facts_.hba_count;
    if (facts_.hba->driver != "vfio-pci") return;
    if (facts_.memlock_bytes >= needed) {
      return Pass(absl::StrCat("sasd may lock the ", needed / 1024, " KiB that it needs"));
    }
    Fail(Status::kBroken, "PCI_MEMLOCK",
         absl::StrCat("sasd may lock ", facts_.memlock_bytes / 1024, " KiB, and ", facts_.hba_count,
                      " HBAs need ", needed / 1024),
         "Raise the limit of the unit, and restart it: LimitMEMLOCK=64M", "systemctl edit sasd");
  }

  // sasd resets by the doorbell and the diagnostic register, and needs none of these.
  void ResetMethods() {
    const std::string& methods = facts_.hba->reset_methods;
    Pass(absl::StrCat("the kernel's reset methods: ", methods.empty() ? "none" : methods,
                      "; sasd uses the IOC's own"));
  }

  std::string TakeCommand() const { return absl::StrCat("sasd-hba take ", facts_.link.address); }

  const PciHbaFacts& facts_;
  const std::string subject_;
  std::vector<DiagnosisCheck> checks_;
};

}  // namespace

std::vector<DiagnosisCheck> CheckPciHba(const PciHbaFacts& facts) {
  return PciDoctor(facts).Examine();
}

}  // namespace sasd
