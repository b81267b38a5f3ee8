#include "driver/discovery/frame_sender.h"

#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace sasd::discovery {

struct FrameSender::Request {
  Bytes frame;  // borrowed by the transport until the request completes
  Done done;
  absl::Duration timeout;
};

struct FrameSender::State {
  explicit State(transport::IocTransport& ioc) : ioc(ioc) {}

  transport::IocTransport& ioc;

  absl::Mutex mu;
  std::deque<std::shared_ptr<Request>> queue ABSL_GUARDED_BY(mu);
  size_t in_flight ABSL_GUARDED_BY(mu) = 0;
  // One caller submits at a time; the others set a flag that makes it try again.
  bool pumping ABSL_GUARDED_BY(mu) = false;
  bool pump_again ABSL_GUARDED_BY(mu) = false;
  bool closed ABSL_GUARDED_BY(mu) = false;
  int completing ABSL_GUARDED_BY(mu) = 0;  // `done`s that are running
};

FrameSender::FrameSender(transport::IocTransport& ioc) : state_(std::make_shared<State>(ioc)) {}

void FrameSender::Send(Bytes frame, Done done, absl::Duration timeout) const {
  auto request = std::make_shared<Request>(Request{std::move(frame), std::move(done), timeout});
  bool closed;
  {
    absl::MutexLock lock(&state_->mu);
    closed = state_->closed;
    if (!closed) state_->queue.push_back(request);
  }
  if (closed) {
    request->done(absl::CancelledError("the driver has stopped"));
  } else {
    PumpState(state_);
  }
}

void FrameSender::Pump() const { PumpState(state_); }

void FrameSender::PumpState(const std::shared_ptr<State>& state) {
  {
    absl::MutexLock lock(&state->mu);
    if (std::exchange(state->pumping, true)) {
      state->pump_again = true;
      return;
    }
  }
  while (true) {
    std::shared_ptr<Request> request;
    {
      absl::MutexLock lock(&state->mu);
      if (state->queue.empty()) {
        state->pumping = state->pump_again = false;
        return;
      }
      request = std::move(state->queue.front());
      state->queue.pop_front();
      ++state->in_flight;
      state->pump_again = false;
    }
    transport::IocRequest ioc_request;
    ioc_request.frame = request->frame;
    ioc_request.timeout = request->timeout;
    const absl::Status sent = state->ioc.Submit(
        ioc_request, [state, request](auto reply) { Complete(state, request, std::move(reply)); });
    if (sent.ok()) continue;
    if (!absl::IsResourceExhausted(sent)) {
      Complete(state, request, sent);
      continue;
    }
    absl::MutexLock lock(&state->mu);
    --state->in_flight;
    state->queue.push_front(std::move(request));
    if (!state->pump_again) {
      state->pumping = false;
      return;
    }
  }
}

void FrameSender::Complete(const std::shared_ptr<State>& state,
                           const std::shared_ptr<Request>& request,
                           absl::StatusOr<transport::IocReply> reply) {
  bool closed;
  {
    absl::MutexLock lock(&state->mu);
    closed = state->closed;
    if (!closed) ++state->completing;
  }
  if (!closed) request->done(std::move(reply));
  {
    absl::MutexLock lock(&state->mu);
    --state->in_flight;
    if (!closed) --state->completing;
  }
  PumpState(state);
}

void FrameSender::DropQueued() const {
  std::deque<std::shared_ptr<Request>> dropped;
  {
    absl::MutexLock lock(&state_->mu);
    dropped.swap(state_->queue);
  }
  for (const auto& request : dropped) request->done(absl::AbortedError("the host is in reset"));
}

void FrameSender::Close() const {
  std::deque<std::shared_ptr<Request>> dropped;
  absl::MutexLock lock(&state_->mu);
  state_->closed = true;
  dropped.swap(state_->queue);
  state_->mu.Await(absl::Condition(
      +[](int* completing) { return *completing == 0; }, &state_->completing));
}

size_t FrameSender::queued() const {
  absl::MutexLock lock(&state_->mu);
  return state_->queue.size();
}

size_t FrameSender::pending() const {
  absl::MutexLock lock(&state_->mu);
  return state_->queue.size() + state_->in_flight;
}

}  // namespace sasd::discovery
