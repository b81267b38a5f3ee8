#include "driver/transport/fake_ioc_transport.h"

#include <utility>

namespace sasd::transport {

IocReply FakeIocTransport::MakeReply(uint8_t function, uint16_t ioc_status, size_t size) {
  IocReply reply;
  reply.frame.resize(size);
  Store8(absl::MakeSpan(reply.frame), 2, static_cast<uint8_t>(size / 4));
  Store8(absl::MakeSpan(reply.frame), 3, function);
  StoreLe16(absl::MakeSpan(reply.frame), 0x0E, ioc_status);
  return reply;
}

void FakeIocTransport::OnFunction(uint8_t function, Handler handler) {
  handlers_[function] = std::move(handler);
}

absl::Status FakeIocTransport::Admit(const IocRequest& request) {
  if (before_) before_(request.frame);
  if (in_reset_) return absl::UnavailableError("the IOC is in reset");
  if (pending_.size() >= free_frames_) return absl::ResourceExhaustedError("no free frame");
  sent_.emplace_back(request.frame.begin(), request.frame.end());
  return absl::OkStatus();
}

absl::StatusOr<IocReply> FakeIocTransport::Answer(const IocRequest& request) {
  const uint8_t function = Load8(request.frame, 3);
  const auto handler = handlers_.find(function);
  if (handler == handlers_.end()) return MakeReply(function);
  return handler->second(request);
}

absl::Status FakeIocTransport::Submit(const IocRequest& request, Completion done) {
  if (absl::Status admitted = Admit(request); !admitted.ok()) return admitted;
  absl::StatusOr<IocReply> reply = Answer(request);
  if (hold_) {
    pending_.push_back({std::move(done), std::move(reply)});
  } else {
    done(std::move(reply));
  }
  return absl::OkStatus();
}

absl::StatusOr<IocReply> FakeIocTransport::Execute(const IocRequest& request) {
  if (absl::Status admitted = Admit(request); !admitted.ok()) return admitted;
  return Answer(request);
}

void FakeIocTransport::ReleaseReply() {
  if (pending_.empty()) return;
  Pending pending = std::move(pending_.front());
  pending_.pop_front();
  pending.done(std::move(pending.reply));
}

void FakeIocTransport::Notify(absl::FunctionRef<void(IocListener&)> what) {
  if (listener_ == nullptr) return;
  what(*listener_);
  listener_->OnDelivered(IocListener::Caller::kMayNotWait);
}

void FakeIocTransport::RaiseEvent(uint16_t event, ByteSpan data, bool ack_required,
                                  uint32_t context, absl::Duration time) {
  EventArrival arrival;
  arrival.event = event;
  arrival.context = context;
  arrival.ack_required = ack_required;
  arrival.data = data;
  arrival.time = time;
  Notify([&](IocListener& listener) { listener.OnEvent(arrival); });
}

void FakeIocTransport::RaiseEventsLost(uint32_t count) {
  Notify([&](IocListener& listener) { listener.OnEventsLost(count); });
}

void FakeIocTransport::RaiseResetBegin() {
  in_reset_ = true;
  Notify([](IocListener& listener) { listener.OnResetBegin(); });
  std::deque<Pending> aborted = std::exchange(pending_, {});
  for (Pending& pending : aborted) pending.done(absl::AbortedError("aborted by a reset"));
}

void FakeIocTransport::RaiseReady() {
  in_reset_ = false;
  Notify([](IocListener& listener) { listener.OnReady(); });
}

absl::Status FakeIocTransport::Reset() {
  if (!info_.owned) return absl::PermissionDeniedError(info_.name + " is not owned");
  RaiseResetBegin();
  RaiseReady();
  return absl::OkStatus();
}

}  // namespace sasd::transport
