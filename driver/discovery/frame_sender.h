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

// Sends requests without data for which no thread waits: acknowledgements, removal handshakes, port
// enable. If no request frame is free, they wait in order until a completion or Pump() tries again.
// None is lost before Close() or a reset.
//
// A handle on shared state: copies send through the same queue. Thread-safe; holds no lock while it
// submits or completes.
class FrameSender {
 public:
  using Done = std::function<void(absl::StatusOr<transport::IocReply>)>;

  // `ioc` outlives all completions.
  explicit FrameSender(transport::IocTransport& ioc);

  // `done` runs once, with the reply or an error (kAborted, kUnavailable: a reset; kCancelled:
  // Close()). It runs in the transport's context or within any call here.
  void Send(Bytes frame, Done done, absl::Duration timeout = absl::Seconds(10)) const;

  // Tries again: a frame may be free.
  void Pump() const;

  // The host is in reset: drops the requests that wait for a frame (kAborted).
  void DropQueued() const;

  // Ends the sender: drops waiting requests, and later completions run nothing. Waits for a running
  // `done`, so do not call it from one.
  void Close() const;

  // The requests that wait for a frame; and the same plus those that the IOC has.
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
