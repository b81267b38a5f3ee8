#ifndef DRIVER_TRANSPORT_PCI_IOC_BUS_PACER_H_
#define DRIVER_TRANSPORT_PCI_IOC_BUS_PACER_H_

#include <atomic>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/transport/pci_ioc/pacer.h"
#include "driver/transport/pci_ioc/pci_bus.h"

namespace sasd::pci_ioc {

// Waits at the bus, in real time, so that the system's request for the function, a failure and
// Stop() end a wait. Thread-compatible, except Stop(). Borrows both for its lifetime.
class BusPacer : public Pacer {
 public:
  BusPacer(PciBus& bus, Clock& clock) : bus_(bus), clock_(clock) {}

  // From any thread: the user ends.
  void Stop();
  // From now on only a failure ends a wait: an IOC is handed back in any case.
  void BeginLast() { last_ = true; }

  // Pacer. Errors: kCancelled: Stop(), or the system's request; the bus's.
  absl::Duration Monotonic() override { return clock_.Monotonic(); }
  absl::Status Pause(absl::Duration duration) override;

 private:
  PciBus& bus_;
  Clock& clock_;
  std::atomic<bool> stopped_{false};
  bool last_ = false;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_BUS_PACER_H_
