#ifndef DRIVER_TRANSPORT_PCI_IOC_FAKE_FRONT_END_BUS_H_
#define DRIVER_TRANSPORT_PCI_IOC_FAKE_FRONT_END_BUS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/clock.h"
#include "driver/base/unique_fd.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "emulator/firmware/virtual_hba.h"
#include "emulator/pci/interrupts.h"
#include "emulator/pci/pci_front_end.h"

namespace sasd::pci_ioc {

class FakeFrontEndBus;

// The slot of a machine with a virtual HBA in it: what stays while processes, each with a bus, come
// and go. Thread-safe.
class FakeSlot : public emulator::pci::Interrupts {
 public:
  // Where the memory BAR is.
  static constexpr uint32_t kBar = 0xFE000000;

  // For EmulatorOptions::make_front_end; call it once. The slot outlives the emulator.
  std::unique_ptr<emulator::HbaFrontEnd> Plug(emulator::VirtualHba& hba, Clock& clock,
                                              emulator::MpiGeneration generation,
                                              bool with_msix = true);
  // The same with this chip.
  std::unique_ptr<emulator::HbaFrontEnd> Plug(emulator::VirtualHba& hba, Clock& clock,
                                              const emulator::pci::PciIdentity& identity,
                                              bool with_msix = true);

  emulator::pci::PciFrontEnd& front_end() { return *front_end_; }

  // Surprise removal, and back: nothing answers.
  void Unplug() { unplugged_ = true; }
  void Plug() { unplugged_ = false; }
  bool unplugged() const { return unplugged_; }

  // The state in the doorbell, as another path to the registers reads it.
  mpi::IocState ioc_state();
  // What another path to the registers does.
  void Write32(uint32_t offset, uint32_t value);
  uint32_t Read32(uint32_t offset);
  uint32_t ReadConfig(uint32_t offset, uint32_t size);
  void WriteConfig(uint32_t offset, uint32_t value, uint32_t size);

  // Interrupts
  void SendMessage(uint64_t address, uint32_t data) override ABSL_LOCKS_EXCLUDED(mu_);
  void SetLine(bool level) override ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitLine() override {}

 private:
  friend class FakeFrontEndBus;

  void Attach(FakeFrontEndBus* bus) ABSL_LOCKS_EXCLUDED(mu_);

  emulator::pci::PciFrontEnd* front_end_ = nullptr;  // the emulator's
  emulator::pci::PciIdentity identity_;
  std::atomic<bool> unplugged_{false};

  absl::Mutex mu_;  // before a bus's
  FakeFrontEndBus* bus_ ABSL_GUARDED_BY(mu_) = nullptr;
};

// A process's bus to the virtual HBA in a slot, in the same process as the emulator. One at a time
// per slot. Thread-safe as PciBus states.
class FakeFrontEndBus : public PciBus {
 public:
  // What happens to the function when a process dies or closes it.
  enum class Close : uint8_t {
    kVfio,  // bus master off, memory unmapped, interrupts off
    kNone,  // nothing: as without any driver; memory of the process is somebody else's
  };
  struct Options {
    std::string address = "0000:03:00.0";
    uint64_t arena_address = 0x7F00000000;  // not that of any CPU's memory
    bool msix = true, intx = true;          // whether the path has these modes
    size_t max_vectors = 8;
    Close close = Close::kVfio;
    // The process dies (kill -9) before its access of this number to configuration space or
    // registers: nothing that it does afterwards has an effect. 0: never.
    uint64_t dies_before = 0;
    // Called before each access to configuration space or registers, with what it is.
    std::function<void()> on_access;
    // Sees, and may change, what registers read.
    std::function<uint32_t(uint32_t offset, uint32_t value)> on_read;
    // Sees each write to a register; `size` in bytes.
    std::function<void(uint32_t offset, uint64_t value, size_t size)> on_write;
    // Interrupts are enabled, and never arrive.
    bool loses_interrupts = false;
  };

  FakeFrontEndBus(FakeSlot& slot, Options options);
  ~FakeFrontEndBus() override;

  // PciBus
  const PciFunction& function() const override { return function_; }
  uint32_t ReadConfig(uint32_t offset, uint32_t size) override;
  void WriteConfig(uint32_t offset, uint32_t value, uint32_t size) override;
  uint32_t Read32(uint32_t offset) override;
  void Write32(uint32_t offset, uint32_t value) override;
  void Write64(uint32_t offset, uint64_t value) override;
  absl::StatusOr<DmaArena> AllocateArena(size_t size) override;
  absl::StatusOr<size_t> EnableInterrupts(InterruptMode mode, size_t vectors) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void DisableInterrupts() override ABSL_LOCKS_EXCLUDED(mu_);
  void RearmInterrupt() override ABSL_LOCKS_EXCLUDED(mu_);
  WaitResult Wait(absl::Duration timeout) override ABSL_LOCKS_EXCLUDED(mu_);
  void Wake() override ABSL_LOCKS_EXCLUDED(mu_);
  bool ReleaseRequested() const override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status error() const override ABSL_LOCKS_EXCLUDED(mu_);

  // The system asks for the function; the function fails.
  void RequestRelease() ABSL_LOCKS_EXCLUDED(mu_);
  void Fail(absl::Status error) ABSL_LOCKS_EXCLUDED(mu_);

  // Wait() would return at once.
  bool HasNews() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return IsAwake();
  }

  uint64_t accesses() const { return accesses_; }
  bool dead() const { return dead_; }
  const DmaArena& arena() const { return arena_; }

  // What must never happen: bus master is turned on while the IOC is not READY. One line each;
  // empty: all well.
  std::string violations() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class FakeSlot;

  bool MayAccess();
  void OnMessage(uint32_t vector) ABSL_LOCKS_EXCLUDED(mu_);
  void OnLine(bool level) ABSL_LOCKS_EXCLUDED(mu_);
  bool IsAwake() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return interrupt_ || woken_ || release_ || !error_.ok();
  }
  uint32_t FindMsix();  // the capability's place; 0: none
  void SetMsixControl(bool enabled);

  FakeSlot& slot_;
  const Options options_;
  PciFunction function_;
  UniqueFd memory_;
  DmaArena arena_;
  std::atomic<uint64_t> accesses_{0};
  std::atomic<bool> dead_{false};

  mutable absl::Mutex mu_;  // a leaf
  InterruptMode mode_ ABSL_GUARDED_BY(mu_) = InterruptMode::kNone;
  bool line_ ABSL_GUARDED_BY(mu_) = false, line_masked_ ABSL_GUARDED_BY(mu_) = false;
  bool interrupt_ ABSL_GUARDED_BY(mu_) = false, woken_ ABSL_GUARDED_BY(mu_) = false;
  bool release_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
  std::string violations_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_FAKE_FRONT_END_BUS_H_
