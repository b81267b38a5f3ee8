#ifndef DRIVER_TRANSPORT_PCI_IOC_QUEUE_REGISTERS_H_
#define DRIVER_TRANSPORT_PCI_IOC_QUEUE_REGISTERS_H_

#include <cstddef>
#include <cstdint>

#include "driver/transport/pci_ioc/allowed_requests.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::pci_ioc {

// The registers through which a chip takes request descriptors and host indexes. They differ, and
// facts and PCI function say which a chip has (Linux 6.1, mpt3sas_scsih.c, _scsih_probe;
// mpt3sas_base.c, _base_get_ioc_facts):
//
//   request descriptors   64 bits; 32 bits (atomic) where the facts of a SAS38xx offer them
//   host index of replies one register, whose high byte is the queue; or a register for each eight
//                         queues (combined reply queue): an IOC of MPI 2.6, or of MPI 2.5 from
//                         revision C0 on, that has more than 8 vectors (16 for gen 3.5)
//
// A value.
class QueueRegisters {
 public:
  QueueRegisters() = default;
  QueueRegisters(const mpi::IocFactsReply& facts, const PciFunction& function);

  // Gives the frame of `smid` to the IOC. `handle`: of the device, for a SCSI IO. `queue`: where
  // the reply shall come. One access: threads need no lock for it.
  void Post(PciBus& bus, RequestPath path, uint16_t smid, uint16_t handle, size_t queue) const;
  // The next entry that the host reads.
  void WritePostIndex(PciBus& bus, size_t queue, uint32_t index) const;
  // The last free frame.
  static void WriteFreeIndex(PciBus& bus, uint32_t index);

  bool atomic() const { return atomic_; }
  bool combined() const { return combined_; }

 private:
  bool atomic_ = false, combined_ = false;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_QUEUE_REGISTERS_H_
