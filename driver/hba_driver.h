#ifndef DRIVER_HBA_DRIVER_H_
#define DRIVER_HBA_DRIVER_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/observation/observation.h"
#include "driver/transport/ioc_transport.h"

namespace sasd {

// Counters of one HBA's driver since its start, for tests, metrics and documentation.
struct HbaStats {
  uint64_t events_received = 0;
  uint64_t events_rejected = 0;  // undecodable
  uint64_t events_lost = 0;
  uint64_t page_reads = 0;    // CONFIG "read" requests
  uint64_t page_headers = 0;  // CONFIG "header" requests
  uint64_t smp_requests = 0;
  uint64_t scsi_requests = 0;
  uint64_t handshakes = 0;  // completed removal handshakes
  uint64_t rescans = 0;
  uint64_t resets = 0;
};

// The facade of one HBA: owns its threads (event worker, attacher) and its objects, drives the IOC
// and emits observations. Thread-safe.
class HbaDriver {
 public:
  // Brings the IOC up (IOC init, facts, event notification), reads the host and starts discovery
  // (port enable). Returns when the host itself is known; devices follow as observations.
  // Borrows everything for the driver's lifetime. Errors: what the IOC answered.
  static absl::StatusOr<std::unique_ptr<HbaDriver>> Start(transport::IocTransport& ioc,
                                                          Clock& clock, ObservationSink& sink);

  // Stops, see Stop().
  virtual ~HbaDriver() = default;

  // Stops the threads and frees every object; emits nothing more once it returns. Idempotent; what
  // is called afterwards is refused or answers from memory, safely. Not from within Observe().
  virtual void Stop() = 0;

  virtual SasAddress host() const = 0;
  virtual HbaStats stats() const = 0;

  // Waits until nothing is queued, attached or discovered any more. kDeadlineExceeded names what
  // is still going on.
  virtual absl::Status WaitIdle(absl::Duration timeout) = 0;

  // Walks all pages anew and emits the differences as one batch with cause kResync (queued; see
  // WaitIdle).
  virtual void Rescan() = 0;

  // Number of live device, expander and enclosure objects, whoever owns them: 0 after Stop() is the
  // proof that every reference was returned.
  virtual size_t live_objects() const = 0;
};

}  // namespace sasd

#endif  // DRIVER_HBA_DRIVER_H_
