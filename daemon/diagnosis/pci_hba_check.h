#ifndef DAEMON_DIAGNOSIS_PCI_HBA_CHECK_H_
#define DAEMON_DIAGNOSIS_PCI_HBA_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/diagnosis/check.h"
#include "driver/observation/host_key.h"
#include "driver/pci/disk_users.h"
#include "driver/pci/pci_hbas.h"

namespace sasd {

// The state of sasd's link to an HBA that it drives itself. A plain value.
struct PciLinkState {
  enum class Kind : uint8_t {
    kConnecting,
    kConnected,  // sasd drives it
    kFailed,     // see `error`; sasd tries again
  };
  std::string address;  // "0000:03:00.0"
  HostKey host;         // of the last connection; none before the first
  Kind kind = Kind::kConnecting;
  absl::Status error;      // for kFailed: the cause and the remedy
  std::string interrupts;  // for kConnected: "MSI-X (8)", "INTx", "none: sasd polls"
  uint64_t resets = 0;     // of this connection
  std::string last_reset;  // why
};

// What decides whether sasd drives an HBA. A plain value.
struct PciHbaFacts {
  PciLinkState link;
  std::optional<pci::PciHba> hba;    // nullopt: no such function, or no HBA
  std::vector<pci::DiskUser> users;  // while the kernel's driver has it
  uint64_t memlock_bytes = 0;        // RLIMIT_MEMLOCK of sasd
  size_t hba_count = 1;              // that sasd is to drive
};

// Checks one HBA of --pci: its driver, IOMMU, group, the memory that sasd may lock, its reset
// methods, and who uses its disks. The first says whether sasd drives it. Pure.
std::vector<DiagnosisCheck> CheckPciHba(const PciHbaFacts& facts);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_PCI_HBA_CHECK_H_
