#include "driver/transport/pci_ioc/bus_pacer.h"

#include "absl/time/clock.h"

namespace sasd::pci_ioc {

void BusPacer::Stop() {
  stopped_ = true;
  bus_.Wake();
}

absl::Status BusPacer::Pause(absl::Duration duration) {
  if (last_) {
    absl::SleepFor(duration);
    return bus_.error();
  }
  const absl::Time end = absl::Now() + duration;
  do {
    const WaitResult result = bus_.Wait(end - absl::Now());
    if (result.failed) return bus_.error();
    if (stopped_) return absl::CancelledError("the transport ends");
    if (result.release_requested) {
      return absl::CancelledError("the system wants the function back");
    }
  } while (absl::Now() < end);
  return absl::OkStatus();
}

}  // namespace sasd::pci_ioc
