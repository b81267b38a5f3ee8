#ifndef DAEMON_HBA_HBA_BINDER_H_
#define DAEMON_HBA_HBA_BINDER_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "driver/pci/machine_files.h"
#include "driver/pci/pci_hbas.h"

namespace sasd::hba {

// Takes HBAs from the kernel's driver for sasd, and gives them back.
//
// It binds by driver_override alone: a driver's `new_id` would take every HBA of the kind. The
// override stays as long as the HBA is taken, so that mpt3sas, loaded later, keeps off. It never
// resets: mpt3sas brings the IOC to READY when it is unbound, and sasd when it ends.
//
// Errors are for people: what is in the way, and what to do. Borrows the files. Thread-compatible.
class HbaBinder {
 public:
  // Loads a kernel module by its name.
  using LoadModule = std::function<absl::Status(const std::string& module)>;
  // Takes a line of text for the user.
  using Print = std::function<void(const std::string& line)>;

  HbaBinder(pci::MachineFiles& files, LoadModule load, Print print);

  struct TakeOptions {
    bool uio = false;            // uio_pci_generic instead of vfio-pci
    std::optional<gid_t> group;  // may open the IOMMU groups' nodes; nullopt: root alone
  };
  // Takes all of the HBAs, or none if one cannot be taken: kInvalidArgument: no HBA that sasd can
  // drive; kFailedPrecondition: disks in use, no IOMMU, a neighbour that the IOMMU cannot part from
  // it; else what the kernel answered. An HBA that is taken already is no error. What was done
  // before an error of the kernel is undone.
  absl::Status Take(const std::vector<std::string>& addresses, const TakeOptions& options);

  // Gives the HBAs back to mpt3sas, one after the other; stops at the first that fails.
  // kFailedPrecondition: sasd drives it by uio, which cannot be asked to let go. With vfio-pci it
  // waits until sasd has let go.
  absl::Status Give(const std::vector<std::string>& addresses);

  // Prints what the machine's HBAs are and what is in the way: all, or those of the addresses.
  absl::Status ShowStatus(const std::vector<std::string>& addresses);

 private:
  absl::Status CheckTake(const pci::PciHba& hba, const std::vector<std::string>& together,
                         const TakeOptions& options);
  absl::Status Bind(const pci::PciHba& hba, const std::string& driver);
  // Ends the override, and lets the kernel find a driver.
  void Undo(const std::string& address);
  absl::Status GiveOne(const pci::PciHba& hba);
  absl::Status ShareGroup(const std::string& address, const TakeOptions& options);
  void WarnOfMemlock();
  void ShowOne(const pci::PciHba& hba);
  std::string DriverOf(const std::string& address) const;

  pci::MachineFiles& files_;
  const LoadModule load_;
  const Print print_;
};

}  // namespace sasd::hba

#endif  // DAEMON_HBA_HBA_BINDER_H_
