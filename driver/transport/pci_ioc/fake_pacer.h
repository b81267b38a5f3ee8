#ifndef DRIVER_TRANSPORT_PCI_IOC_FAKE_PACER_H_
#define DRIVER_TRANSPORT_PCI_IOC_FAKE_PACER_H_

#include <algorithm>
#include <functional>

#include "absl/time/clock.h"
#include "driver/base/clock.h"
#include "driver/base/fake_clock.h"
#include "driver/transport/pci_ioc/pacer.h"

namespace sasd::pci_ioc {

// Pauses move a clock. Thread-compatible.
class FakePacer : public Pacer {
 public:
  explicit FakePacer(FakeClock& clock) : clock_(clock) {}

  absl::Duration Monotonic() override { return clock_.Monotonic(); }
  absl::Status Pause(absl::Duration duration) override {
    clock_.Advance(duration);
    return on_pause ? on_pause() : absl::OkStatus();
  }

  // Called after each pause; its error is Pause()'s.
  std::function<absl::Status()> on_pause;

 private:
  FakeClock& clock_;
};

// Pauses are as short as the virtual HBA's resets; the clock is the system's. Thread-safe.
class QuickPacer : public Pacer {
 public:
  absl::Duration Monotonic() override { return SystemClock().Monotonic(); }
  absl::Status Pause(absl::Duration duration) override {
    absl::SleepFor(std::min(duration, absl::Microseconds(200)));
    return absl::OkStatus();
  }
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_FAKE_PACER_H_
