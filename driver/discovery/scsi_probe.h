#ifndef DRIVER_DISCOVERY_SCSI_PROBE_H_
#define DRIVER_DISCOVERY_SCSI_PROBE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/base/strong_id.h"
#include "driver/discovery/frame_sender.h"
#include "driver/observation/observation.h"
#include "driver/transport/ioc_transport.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/scsi/scsi.h"

namespace sasd::discovery {

// Asks a device by SCSI what it is: REPORT LUNS, INQUIRY, VPD pages 83h and 80h, and READ CAPACITY
// (16) of disks. Thread-safe; waits for the IOC.
//
// Errors: kUnavailable: the device is busy or not there yet, try again later; kAborted: the host is
// in reset; kResourceExhausted: no request frame was free; others: the device cannot be used; the
// message says why.
class ScsiProbe {
 public:
  // `ioc` outlives this. After each request, `sender` gets a chance at the free frame.
  ScsiProbe(transport::IocTransport& ioc, FrameSender sender)
      : ioc_(ioc), sender_(std::move(sender)) {}

  // The logical units behind `handle`, without their device's key.
  absl::StatusOr<std::vector<LogicalUnitFacts>> Probe(DevHandle handle);

 private:
  // The data read; clears unit attentions by asking again.
  absl::StatusOr<Bytes> Command(DevHandle handle, uint64_t lun, const mpi::Cdb& cdb, uint32_t size);
  absl::StatusOr<Bytes> CommandOnce(DevHandle handle, uint64_t lun, const mpi::Cdb& cdb,
                                    uint32_t size);
  absl::StatusOr<std::vector<uint64_t>> Luns(DevHandle handle);
  absl::StatusOr<LogicalUnitFacts> ProbeUnit(DevHandle handle, uint64_t lun);
  absl::Status Identify(DevHandle handle, LogicalUnitFacts& unit);

  transport::IocTransport& ioc_;
  const FrameSender sender_;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_SCSI_PROBE_H_
