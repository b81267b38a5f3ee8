#ifndef DRIVER_TRANSPORT_IOC_TRANSPORT_H_
#define DRIVER_TRANSPORT_IOC_TRANSPORT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/base/endian.h"

namespace sasd::transport {

// One request for the IOC. `frame` is the MPI request without its scatter-gather list; data travels
// beside it, and what has an address in the frame is the transport's: the queues of IOC INIT, the
// sense buffer. The spans are borrowed until the request completes.
struct IocRequest {
  ByteSpan frame;
  ByteSpan data_out;        // to the device or firmware; may be empty
  MutableByteSpan data_in;  // from it; may be empty
  absl::Duration timeout = absl::Seconds(10);
};

struct IocReply {
  Bytes frame;              // the MPI reply (a default reply if the IOC sent none)
  size_t data_in_size = 0;  // bytes written to IocRequest::data_in
  Bytes sense;              // autosense data of a SCSI IO; empty if none
};

// An event on arrival, not decoded. `data` is borrowed during the call.
struct EventArrival {
  uint16_t event = 0;
  uint32_t context = 0;       // for the acknowledgement, or the ring's sequence number
  bool ack_required = false;  // the receiver must send an EVENT ACK
  ByteSpan data;
  absl::Duration time;  // Clock::Monotonic() when the firmware queued it
};

// The unsolicited calls of an IOC. Called one at a time per IOC, from the transport's context (the
// counterpart of interrupt context): implementations return quickly, do not wait and do not call
// Execute(); they may call Submit(). Only OnDelivered() is called outside of that context.
class IocListener {
 public:
  enum class Caller : uint8_t { kMayWait, kMayNotWait };

  virtual ~IocListener() = default;
  virtual void OnEvent(const EventArrival& event) = 0;
  // Events were lost: at least `count` (0: unknown). Comes in order with the events around it.
  virtual void OnEventsLost(uint32_t count) = 0;
  // The IOC left operational state (a fault or a reset): all outstanding requests complete with
  // kAborted, and handles are void. OnReady() follows when it can be used again: it operates if
  // another driver owns it; else it is READY, and the owner's IOC INIT makes it operate. Without
  // OnReady(), the IOC is gone.
  virtual void OnResetBegin() = 0;
  virtual void OnReady() = 0;
  // Follows every series of the calls above. A caller that may wait lends its thread for a little
  // work (the counterpart of a softirq): the implementation may then call Execute(). Calls may
  // overlap each other and those above.
  virtual void OnDelivered(Caller caller) = 0;
};

struct IocInfo {
  std::string name;  // for logs: "virtual:hba0", "mpt3ctl:0"
  std::string board_name;
  std::string chip_name;
  std::string pci_address;
  std::string driver_name;  // HostFacts::driver_name
  std::string os_name;      // HostFacts::os_name; empty if the OS has no such host
  // True if the caller is the IOC's driver: it sends IOC INIT, port enable, the removal handshake
  // and resets. False if the kernel's driver owns the IOC: the caller observes events and only
  // reads pages.
  bool owned = true;
  // True if Execute() only computes and never waits.
  bool answers_at_once = false;
};

// One IOC. Thread-safe. Requests may be refused or fail, but they never hang past their timeout.
class IocTransport {
 public:
  using Completion = std::function<void(absl::StatusOr<IocReply>)>;

  virtual ~IocTransport() = default;

  virtual IocInfo Info() const = 0;

  // Sends a request and returns; `done` runs once, in the transport's context or before the return.
  // An error return means that it was not sent and `done` does not run:
  //   kResourceExhausted: no free request frame or data buffer, try again after a completion
  //   kUnavailable: the IOC is in reset, or awaits IOC INIT; kFailedPrecondition: it is gone
  //   kPermissionDenied, kInvalidArgument: this transport does not send such a request
  virtual absl::Status Submit(const IocRequest& request, Completion done) = 0;

  // Sends a request and waits. Errors: those of Submit(), kDeadlineExceeded, kAborted (reset). An
  // IOCStatus other than success is a reply, not an error.
  virtual absl::StatusOr<IocReply> Execute(const IocRequest& request) = 0;

  // The listener receives events from now on; nullptr ends it. When SetListener(nullptr) returns,
  // no call is running or will come. The listener outlives that call.
  virtual void SetListener(IocListener* listener) = 0;

  // Resets the IOC (owned transports; else kPermissionDenied) and returns when it is READY:
  // OnResetBegin() and OnReady() have been called. The owner's IOC INIT makes it operate again.
  // kFailedPrecondition: it is gone.
  virtual absl::Status Reset() = 0;
};

}  // namespace sasd::transport

#endif  // DRIVER_TRANSPORT_IOC_TRANSPORT_H_
