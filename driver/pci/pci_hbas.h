#ifndef DRIVER_PCI_PCI_HBAS_H_
#define DRIVER_PCI_PCI_HBAS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "driver/pci/machine_files.h"

namespace sasd::pci {

// A function of the same IOMMU group that a kernel driver has.
struct Neighbour {
  std::string address, driver;
};

// A PCI function that is an MPI 2.x HBA, and what decides whether sasd can drive it.
struct PciHba {
  std::string address;  // "0000:03:00.0"
  uint16_t vendor = 0, device = 0;
  std::string chip;     // "SAS3008"
  std::string refusal;  // why sasd cannot drive it; empty: it can
  std::string driver;   // bound to it: "mpt3sas", "vfio-pci", "uio_pci_generic"; may be empty
  std::string driver_override;  // which driver alone may bind; may be empty
  std::string iommu_group;      // "7"; empty without an IOMMU
  std::string iommu_type;       // "DMA", "DMA-FQ", "identity"; empty without an IOMMU
  // Functions that the IOMMU cannot part from it and that a driver has which does DMA of its own.
  std::vector<Neighbour> neighbours;
  std::string reset_methods;  // as the kernel has them: "flr bus"; may be empty

  bool is_taken() const { return driver == "vfio-pci" || driver == "uio_pci_generic"; }
};

// The function's folder: "/sys/bus/pci/devices/0000:03:00.0".
std::string FunctionFolder(absl::string_view address);

// All HBAs of the machine, by address.
std::vector<PciHba> FindHbas(const MachineFiles& files);

// The HBA at the address; nullopt if there is no such function, or if it is no MPI 2.x HBA.
std::optional<PciHba> FindHba(const MachineFiles& files, absl::string_view address);

}  // namespace sasd::pci

#endif  // DRIVER_PCI_PCI_HBAS_H_
