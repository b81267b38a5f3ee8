#ifndef DRIVER_TRANSPORT_PCI_IOC_PACER_H_
#define DRIVER_TRANSPORT_PCI_IOC_PACER_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sasd::pci_ioc {

// Time for code that polls hardware: it asks for the time and pauses between two looks.
class Pacer {
 public:
  virtual ~Pacer() = default;

  // Clock::Monotonic().
  virtual absl::Duration Monotonic() = 0;

  // Pauses for `duration`. An error ends the poll at once: kCancelled: nobody waits for its result
  // any more; others: the function cannot be used (PciBus::error()).
  virtual absl::Status Pause(absl::Duration duration) = 0;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_PACER_H_
