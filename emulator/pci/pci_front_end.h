#ifndef EMULATOR_PCI_PCI_FRONT_END_H_
#define EMULATOR_PCI_PCI_FRONT_END_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "emulator/firmware/virtual_hba.h"
#include "emulator/pci/config_space.h"
#include "emulator/pci/doorbell.h"
#include "emulator/pci/function_dma.h"
#include "emulator/pci/guest_memory.h"
#include "emulator/pci/interrupts.h"
#include "emulator/pci/iommu.h"
#include "emulator/pci/link_codec.h"
#include "emulator/pci/msix_table.h"
#include "emulator/pci/pci_identity.h"
#include "emulator/pci/reply_queues.h"

namespace sasd::emulator::pci {

// The virtual HBA as a PCI function with the system interface of MPI 2.x (mpi2.h,
// MPI2_SYSTEM_INTERFACE_REGS): registers, request frames and data in the guest's memory, replies
// and events in its queues.
//
// The guest's accesses come from one thread, the link's. Events and faults come from any thread.
// Replies and events leave in order. A message without a free reply frame or room in its queue
// waits; only a reset drops it. A guest that breaks the rules (a frame or a queue outside of its
// memory) gets an IOC fault, as from hardware. A fault lasts until the guest resets the IOC.
//
// While the command register's bus master bit is clear the function sends nothing: no DMA, no
// messages that interrupt. An IOC that has something to send then faults, as for memory that is not
// there: what it knows of the host is no longer true.
//
// Thread-safe. Lock order: the HBA's before this one's. Only Interrupts is called with the lock
// held; its calls return at once.
class PciFrontEnd : public HbaFrontEnd {
 public:
  // The fault codes that the doorbell shows.
  static constexpr uint16_t kInjectedFault = 0x5854, kGuestFault = 0x2622;
  // The duration of a core dump, if the host has enabled core dumps.
  static constexpr absl::Duration kCoredumpTime = absl::Seconds(2);

  struct Options {
    PciIdentity identity;
    bool msix = true;  // false: INTx alone
    // Between the function and the guest's memory; null: addresses are physical ones. Borrowed.
    Iommu* iommu = nullptr;
    // Called for each access that reaches no memory, with the lock held: it returns at once.
    std::function<void(const DmaFault&)> on_dma_fault = nullptr;
  };

  // Borrows all for its lifetime.
  PciFrontEnd(VirtualHba& hba, Clock& clock, const Options& options, Interrupts& interrupts);

  // The link's messages, from one thread. Errors: those of GuestMemory::Map().
  absl::Status MapMemory(const std::vector<MemoryRegion>& regions, std::vector<UniqueFd> files)
      ABSL_LOCKS_EXCLUDED(mu_);
  uint32_t ReadConfig(const ConfigAccess& access) ABSL_LOCKS_EXCLUDED(mu_);
  void WriteConfig(const ConfigAccess& access) ABSL_LOCKS_EXCLUDED(mu_);
  // Outside of the BARs, reads return all bits set and writes do nothing.
  uint64_t ReadBar(const BarAccess& access) ABSL_LOCKS_EXCLUDED(mu_);
  void WriteBar(const BarAccess& access) ABSL_LOCKS_EXCLUDED(mu_);
  void ResetDevice() ABSL_LOCKS_EXCLUDED(mu_);

  // The accesses that reached no memory, since the start.
  DmaCounts dma_counts() ABSL_LOCKS_EXCLUDED(mu_);

  // HbaFrontEnd
  void QueueEvent(OutboundEvent event) override ABSL_LOCKS_EXCLUDED(mu_);
  void QueueResetBegin() override ABSL_LOCKS_EXCLUDED(mu_);
  void QueueReady() override ABSL_LOCKS_EXCLUDED(mu_);
  void Deliver() override ABSL_LOCKS_EXCLUDED(mu_);
  bool HostEndsFaults() const override { return true; }

 private:
  // A message on its way to the host: a reply frame, or the success of a SCSI IO (no frame).
  struct Outbound {
    uint16_t smid = 0;  // 0: an event
    uint8_t queue = 0;
    bool fast_path = false;
    Bytes frame;
  };
  // A request descriptor's low word.
  struct Posted {
    uint8_t flags = 0, queue = 0;
    uint16_t smid = 0;
  };

  // pci_front_end.cc: registers.
  bool OffsetInBar(const BarAccess& access, uint32_t& offset) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint32_t ReadRegister(uint32_t offset) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteRegister(uint32_t offset, uint32_t value) ABSL_LOCKS_EXCLUDED(mu_);
  void WriteSimpleRegister(uint32_t offset, uint32_t value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteDoorbell(uint32_t value) ABSL_LOCKS_EXCLUDED(mu_);
  void WriteDiagnostic(uint32_t value) ABSL_LOCKS_EXCLUDED(mu_);
  void WriteMsixTable(uint32_t offset, uint32_t value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnPostHostIndex(size_t queue, uint32_t value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  mpi::IocState StateLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  // pci_requests.cc: requests, replies and events.
  void HandleDoorbellRequest(Bytes request) ABSL_LOCKS_EXCLUDED(mu_);
  void HandlePosted(const Posted& posted) ABSL_LOCKS_EXCLUDED(mu_);
  bool WriteSense(const Bytes& frame, const Bytes& sense) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Send(const Outbound& outbound) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FaultByGuest() ABSL_LOCKS_EXCLUDED(mu_);
  void ForgetHost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void ResetFunction() ABSL_LOCKS_EXCLUDED(mu_);
  void Interrupt(size_t queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void InterruptPendingQueues() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void UpdateLine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  VirtualHba& hba_;
  Clock& clock_;
  const Options options_;
  Interrupts& interrupts_;

  absl::Mutex mu_;
  GuestMemory memory_ ABSL_GUARDED_BY(mu_);
  ConfigSpace config_ ABSL_GUARDED_BY(mu_);
  FunctionDma dma_ ABSL_GUARDED_BY(mu_);
  MsixTable msix_ ABSL_GUARDED_BY(mu_);
  Doorbell doorbell_ ABSL_GUARDED_BY(mu_);
  HostDiagnostic diagnostic_ ABSL_GUARDED_BY(mu_);
  uint32_t interrupt_mask_ ABSL_GUARDED_BY(mu_);
  bool line_ ABSL_GUARDED_BY(mu_) = false;

  mpi::IocState state_ ABSL_GUARDED_BY(mu_) = mpi::IocState::kReady;
  uint16_t fault_code_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration fault_time_ ABSL_GUARDED_BY(mu_);
  bool coredump_ ABSL_GUARDED_BY(mu_) = false;     // the host has enabled core dumps
  bool guest_fault_ ABSL_GUARDED_BY(mu_) = false;  // the next fault is the guest's
  uint64_t resets_ ABSL_GUARDED_BY(mu_) = 0;
  mpi::IocInitRequest init_ ABSL_GUARDED_BY(mu_);
  size_t reply_frame_size_ ABSL_GUARDED_BY(mu_) = 0;  // as the host knows; 0: it has not asked
  ReplyQueues queues_ ABSL_GUARDED_BY(mu_);
  std::deque<Outbound> outbound_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_PCI_FRONT_END_H_
