#ifndef DRIVER_DISCOVERY_ATTACHER_H_
#define DRIVER_DISCOVERY_ATTACHER_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/device/device_table.h"
#include "driver/discovery/emitter.h"
#include "driver/discovery/scsi_probe.h"
#include "driver/observation/observation.h"

namespace sasd::discovery {

// An attach in progress. It owns its reference to the device.
struct Attach {
  device::DeviceTable::AttachTicket ticket;
  absl::StatusOr<std::vector<LogicalUnitFacts>> units = absl::UnknownError("not asked");
};

// The operating system's side of an IOC that is ours: takes discovered devices one by one, asks
// each by SCSI what it is, and attaches it. An attach has three steps, and anything can happen
// between them: a removal in between wins. Steps of different attaches may run in different
// threads.
class Attacher {
 public:
  // How long the attacher leaves a busy device alone: the delay doubles each time, from the first
  // to the last.
  static constexpr absl::Duration kFirstDelay = absl::Milliseconds(250);
  static constexpr absl::Duration kLastDelay = absl::Seconds(8);
  // A device that is busy so often in a row (some 70 s in all) fails.
  static constexpr int kMaxFailures = 12;

  // Borrows everything for its lifetime.
  Attacher(Clock& clock, device::DeviceTable& devices, ScsiProbe& probe, Emitter& emitter)
      : clock_(clock), devices_(devices), probe_(probe), emitter_(emitter) {}

  // Takes the next device that is due.
  std::optional<Attach> Begin();
  // Asks the device by SCSI. No lock is held.
  void RunCommands(Attach& attach);
  // Makes the device attached or failed, or defers it; no effect if it was removed in the meantime.
  void Complete(Attach attach);

 private:
  void Defer(const Attach& attach, absl::Duration delay, bool count_failure);
  void Fail(const Attach& attach, const std::string& why);

  Clock& clock_;
  device::DeviceTable& devices_;
  ScsiProbe& probe_;
  Emitter& emitter_;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_ATTACHER_H_
