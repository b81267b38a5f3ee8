#ifndef DRIVER_DISCOVERY_FRAME_SENDER_H_
#define DRIVER_DISCOVERY_FRAME_SENDER_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/endian.h"
#include "driver/transport/ioc_transport.h"

namespace sasd::discovery {

// Sends requests that carry no data and that nobody waits for: acknowledgements, removal
// handshakes, port enable. Where no request frame is free they wait in order, and go out when a
// completion or Pump() gives them another chance; none is lost before Close() or a reset.
//
// A handle on shared state: copies send through the same queue. Thread-safe; holds no lock while it
// submits or completes.
class FrameSender {
 public:
  using Done = std::function<void(absl::StatusOr<transport::IocReply>)>;

  // `ioc` outlives all completions.
  explicit FrameSender(transport::IocTransport& ioc);

  // `done` runs once, with the reply or the reason why there is none (kAborted, kUnavailable: a
  // reset; kCancelled: Close()), from the transport's context or from within any call here.
  void Send(Bytes frame, Done done, absl::Duration timeout = absl::Seconds(10)) const;

  // A frame may have become free.
  void Pump() const;

  // The host is in reset: what waits for a frame is dropped (kAborted).
  void DropQueued() const;

  // Sends nothing more; what waits is dropped, and completions that come later run nothing. Waits
  // for a `done` that is running, so not to be called from one.
  void Close() const;

  // Requests that wait for a frame; and those together with the ones that the IOC has.
  size_t queued() const;
  size_t pending() const;

 private:
  struct Request;
  struct State;

  static void PumpState(const std::shared_ptr<State>& state);
  static void Complete(const std::shared_ptr<State>& state, const std::shared_ptr<Request>& request,
                       absl::StatusOr<transport::IocReply> reply);

  std::shared_ptr<State> state_;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_FRAME_SENDER_H_
