#ifndef DRIVER_PCI_HBA_IDS_H_
#define DRIVER_PCI_HBA_IDS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sasd::pci {

// A chip whose firmware speaks MPI 2.x (linux 6.1, mpt3sas_scsih.c, mpt3sas_pci_table; names:
// mpi2_cnfg.h, MPI2*_MFGPAGE_DEVID_*).
struct HbaId {
  uint16_t vendor = 0, device = 0;
  absl::string_view chip;  // "SAS3008"
  // Why sasd does not drive it itself; empty: it does.
  absl::string_view refusal;
};

// All of them.
absl::Span<const HbaId> HbaIds();

// The chip of a function; null if it is none of them.
const HbaId* FindHbaId(uint16_t vendor, uint16_t device);

}  // namespace sasd::pci

#endif  // DRIVER_PCI_HBA_IDS_H_
