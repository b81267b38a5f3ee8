#ifndef DRIVER_HBA_DRIVER_H_
#define DRIVER_HBA_DRIVER_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/observation/key_assignments.h"
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

// The facade of one HBA: owns its threads (event worker, attacher) and its objects, controls the
// IOC and emits observations. Thread-safe.
class HbaDriver {
 public:
  // Brings the IOC up (IOC init, facts, event notification), reads the host and starts discovery
  // (port enable). Returns when the host itself is known; its devices follow as observations.
  // `keys` gives the host its key, by IocInfo::pci_address (or its name); without it the host has
  // the plain key. Borrows everything for the driver's lifetime. Errors: those of the IOC.
  static absl::StatusOr<std::unique_ptr<HbaDriver>> Start(
      transport::IocTransport& ioc, Clock& clock, ObservationSink& sink,
      PortNumbering numbering = PortNumbering::kFirmware, KeyAssignments* keys = nullptr);

  // Stops, see Stop().
  virtual ~HbaDriver() = default;

  // Stops the threads and frees every object; the driver emits nothing after it returns.
  // Idempotent. Later calls are safe: they are refused or answered from memory. Do not call it
  // within Observe().
  virtual void Stop() = 0;

  virtual HostKey host() const = 0;
  virtual HbaStats stats() const = 0;

  // Waits until nothing is queued, being attached or being discovered. kDeadlineExceeded: the
  // message names the unfinished work.
  virtual absl::Status WaitIdle(absl::Duration timeout) = 0;

  // Walks all pages again and emits the differences as one batch with cause kResync. Returns once
  // the walk is queued; see WaitIdle().
  virtual void Rescan() = 0;

  // The number of live device, expander and enclosure objects, regardless of their owner. 0 after
  // Stop() proves that every reference was returned.
  virtual size_t live_objects() const = 0;
};

}  // namespace sasd

#endif  // DRIVER_HBA_DRIVER_H_
