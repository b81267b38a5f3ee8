#ifndef EMULATOR_PCI_QTEST_CHANNEL_H_
#define EMULATOR_PCI_QTEST_CHANNEL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>  // NOLINT: two owned threads
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/base/clock.h"
#include "driver/base/unique_fd.h"
#include "emulator/pci/interrupts.h"
#include "emulator/pci/vtd_iommu.h"

namespace sasd::emulator::pci {

// QEMU's qtest protocol (docs/devel/qtest.rst) over a stream socket: lines of text, each answered
// by one line. It carries interrupts into a guest without KVM; the link's own way is KVM's irqfd. A
// thread of its own sends the commands in order. Thread-safe.
class QtestChannel {
 public:
  explicit QtestChannel(UniqueFd socket);
  ~QtestChannel();

  void Store32(uint64_t address, uint32_t value) ABSL_LOCKS_EXCLUDED(mu_);

  // Loads 8 bytes from each address, in order, and waits for them. nullopt: QEMU has closed the
  // channel, or its answer is an error, or AbandonLoads(true) was called.
  std::optional<std::vector<uint64_t>> Load64(absl::Span<const uint64_t> addresses)
      ABSL_LOCKS_EXCLUDED(mu_);
  // While true, no load waits: each returns nullopt at once.
  void AbandonLoads(bool abandon) ABSL_LOCKS_EXCLUDED(mu_);

  // Adds or removes one holder of an input of the I/O APIC. It stays high while it has holders:
  // functions can share a pin.
  void HoldPin(int pin, bool hold) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until QEMU has answered all commands so far, or has closed the channel.
  void Await() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Queue(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Write() ABSL_LOCKS_EXCLUDED(mu_);
  void Read() ABSL_LOCKS_EXCLUDED(mu_);
  void TakeAnswer(absl::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return closed_ || !outgoing_.empty(); }

  const UniqueFd socket_;
  absl::Mutex mu_;
  std::string outgoing_ ABSL_GUARDED_BY(mu_);
  uint64_t queued_ ABSL_GUARDED_BY(mu_) = 0;    // commands
  uint64_t answered_ ABSL_GUARDED_BY(mu_) = 0;  // answers
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool abandon_ ABSL_GUARDED_BY(mu_) = false;
  // The answers to loads, by the number of the command; nullopt until they come.
  std::map<uint64_t, std::optional<std::string>> loads_ ABSL_GUARDED_BY(mu_);
  std::map<int, int> holders_ ABSL_GUARDED_BY(mu_);  // by pin
  std::thread writer_, reader_;
};

// The interrupts of the function in slot `slot` (0 to 24) of a q35 machine's root bus. Borrows the
// channel. Thread-safe.
class QtestInterrupts : public Interrupts {
 public:
  QtestInterrupts(QtestChannel& channel, int slot);

  void SendMessage(uint64_t address, uint32_t data) override;
  void SetLine(bool level) override ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitLine() override { channel_.Await(); }

 private:
  QtestChannel& channel_;
  const int pin_;
  absl::Mutex mu_;  // taken before the channel's
  bool level_ ABSL_GUARDED_BY(mu_) = false;
};

// The registers of the remapping unit of a q35 machine with an intel-iommu device. A guest writes
// them when it sets the unit up, before an HBA does DMA, and at its end; a load takes milliseconds
// under TCG. So a value counts for kValid. The tables are never kept. Borrows both. Thread-safe.
class QtestVtdRegisters : public VtdRegisters {
 public:
  static constexpr absl::Duration kValid = absl::Milliseconds(50);

  QtestVtdRegisters(QtestChannel& channel, Clock& clock) : channel_(channel), clock_(clock) {}

  std::optional<VtdState> Read() override ABSL_LOCKS_EXCLUDED(mu_);
  void SetMachineReset(bool in_progress) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  QtestChannel& channel_;
  Clock& clock_;
  absl::Mutex mu_;  // a leaf
  std::optional<VtdState> last_ ABSL_GUARDED_BY(mu_);
  absl::Duration last_time_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_QTEST_CHANNEL_H_
