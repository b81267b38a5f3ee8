#ifndef EMULATOR_PCI_PCI_IDENTITY_H_
#define EMULATOR_PCI_PCI_IDENTITY_H_

#include <cstdint>

#include "emulator/fabric/fabric.h"

namespace sasd::emulator::pci {

// The values by which a host recognizes the HBA. Device numbers: mpi2_cnfg.h,
// MPI2*_MFGPAGE_DEVID_*; subsystems: those of Broadcom's own boards (pci.ids).
struct PciIdentity {
  uint16_t device_id = 0;
  uint8_t revision = 0;
  uint16_t subsystem_id = 0;
  uint8_t msix_vectors = 1;
  // SCSI IO, SMP passthrough and firmware upload have IEEE scatter-gather lists (MPI 2.5 on).
  bool ieee_sgl = false;
  // The IOC may write a core dump before it faults (MPI 2.6).
  bool coredump = false;
  // The PCIe link: 2 is 5 GT/s, 3 is 8 GT/s.
  uint8_t link_speed = 3;
  // It offers function level reset. `lspci -vvv` of a SAS3008 shows FLReset+; none of a SAS2008 is
  // at hand, so that board has no reset but its own.
  bool function_level_reset = true;
  // It takes 32-bit request descriptors as well.
  bool atomic_requests = false;

  // Above so many vectors, each eight reply queues have a host index register of their own, and the
  // common one serves eight queues (mpt3sas_base.h, MAX_COMBINED_MSIX_VECTORS).
  constexpr bool combined_reply_queues() const { return msix_vectors > (coredump ? 16 : 8); }
};

constexpr uint16_t kVendorId = 0x1000;  // LSI

constexpr PciIdentity IdentityOf(MpiGeneration generation) {
  switch (generation) {
    case MpiGeneration::k2_0:
      return {0x0072, 0x03, 0x3080, 1, false, false, 2, false};  // SAS2008: 9200-8e
    case MpiGeneration::k2_5:
      return {0x0097, 0x02, 0x30E0, 8, true, false};  // SAS3008: 9300-8i
    case MpiGeneration::k2_6:
      return {0x00AD, 0x01, 0x3000, 8, true, true};  // SAS3508: 9400-8e
  }
  return {};
}

// SAS3816: 9500-16e, in hard secure mode (mpi2_cnfg.h, MPI26_MFGPAGE_DEVID_HARD_SEC_3816), with as
// many vectors as the table of this emulator has. For tests of drivers: no fabric has it.
constexpr PciIdentity AeroIdentity() {
  return {0x00E2, 0x00, 0x4070, 32, true, true, 3, true, true};
}

// A SAS3008 that offers more vectors than one host index register serves, as real ones do.
constexpr PciIdentity ManyVectorsIdentity() { return {0x0097, 0x02, 0x30E0, 32, true, false}; }

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_PCI_IDENTITY_H_
