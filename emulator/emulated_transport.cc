#include "emulator/emulated_transport.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::emulator {
namespace {

using Kind = HeldMessage::Kind;
using transport::IocReply;

absl::Status Aborted() { return absl::AbortedError("the IOC was reset"); }

}  // namespace

EmulatedTransport::EmulatedTransport(VirtualHba& hba, transport::IocInfo info,
                                     size_t request_credit)
    : hba_(hba), info_(std::move(info)), credit_(request_credit) {
  hba_.Connect(*this);
}

absl::Status EmulatedTransport::Submit(const transport::IocRequest& request, Completion done) {
  uint64_t epoch = 0;
  {
    absl::MutexLock lock(&mu_);
    if (!available_) return absl::UnavailableError(absl::StrCat(info_.name, ": in reset"));
    if (in_flight_ >= credit_) {
      return absl::ResourceExhaustedError(
          absl::StrCat(info_.name, ": all ", credit_, " request frames are in use"));
    }
    ++in_flight_;
    epoch = resets_begun_;
  }
  FirmwareReply reply = hba_.Request({request.frame, request.data_out, request.data_in});
  Message message;
  message.kind = Kind::kReply;
  message.function = request.frame.size() > 3 ? request.frame[3] : 0;
  message.done = std::move(done);
  message.result = IocReply{std::move(reply.frame), reply.data_in_size, std::move(reply.sense)};
  bool direct = false;
  {
    absl::MutexLock lock(&mu_);
    if (epoch != resets_begun_) message.result = Aborted();
    direct = !held_ && !reply.after_events;
    if (direct) {
      --in_flight_;
    } else {
      Queue(std::move(message));
    }
  }
  if (direct) message.done(std::move(message.result));
  Deliver();
  return absl::OkStatus();
}

absl::StatusOr<IocReply> EmulatedTransport::Execute(const transport::IocRequest& request) {
  struct Waiter {
    absl::Notification done;
    absl::StatusOr<IocReply> result = IocReply();
  };
  const auto waiter = std::make_shared<Waiter>();  // the reply may come after the timeout
  const absl::Status sent = Submit(request, [waiter](absl::StatusOr<IocReply> result) {
    waiter->result = std::move(result);
    waiter->done.Notify();
  });
  if (!sent.ok()) return sent;
  if (!waiter->done.WaitForNotificationWithTimeout(request.timeout)) {
    return absl::DeadlineExceededError(
        absl::StrCat(info_.name, ": no reply within ", absl::FormatDuration(request.timeout)));
  }
  return std::move(waiter->result);
}

void EmulatedTransport::SetListener(transport::IocListener* listener) {
  absl::MutexLock lock(&mu_);
  listener_ = listener;  // no further call begins after this
  if (!IsDelivering()) mu_.Await(absl::Condition(this, &EmulatedTransport::NobodyIsCalling));
}

absl::Status EmulatedTransport::Reset() {
  hba_.Reset();
  absl::MutexLock lock(&mu_);
  if (held_ || IsDelivering()) return absl::OkStatus();
  const uint64_t mine = readies_queued_;
  const auto is_ready = [this, mine]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return readies_delivered_ >= mine || held_;
  };
  mu_.Await(absl::Condition(&is_ready));
  return absl::OkStatus();
}

void EmulatedTransport::Queue(Message message) {
  message.id = next_id_++;
  queue_.push_back(std::move(message));
}

void EmulatedTransport::QueueEvent(OutboundEvent event) {
  absl::MutexLock lock(&mu_);
  Message message;
  message.kind = event.lost > 0 ? Kind::kEventsLost : Kind::kEvent;
  message.event = std::move(event);
  Queue(std::move(message));
}

void EmulatedTransport::QueueResetBegin() {
  absl::MutexLock lock(&mu_);
  available_ = false;
  ++resets_begun_;
  for (Message& message : queue_) {
    if (message.kind == Kind::kReply) message.result = Aborted();
  }
  Message message;
  message.kind = Kind::kResetBegin;
  Queue(std::move(message));
}

void EmulatedTransport::QueueReady() {
  absl::MutexLock lock(&mu_);
  ++readies_queued_;
  Message message;
  message.kind = Kind::kReady;
  Queue(std::move(message));
}

void EmulatedTransport::Deliver() {
  bool notified = false;
  for (;;) {
    Message message;
    {
      absl::MutexLock lock(&mu_);
      if (held_ || delivering_ || queue_.empty()) break;
      delivering_ = true;
      deliverer_ = std::this_thread::get_id();
      message = std::move(queue_.front());
      queue_.pop_front();
    }
    notified |= message.kind != Kind::kReply;
    DeliverOne(std::move(message));
    absl::MutexLock lock(&mu_);
    delivering_ = false;
  }
  if (notified) EndDelivery();
}

void EmulatedTransport::EndDelivery() {
  transport::IocListener* listener = nullptr;
  auto caller = transport::IocListener::Caller::kMayNotWait;
  {
    absl::MutexLock lock(&mu_);
    listener = listener_;
    if (listener == nullptr) return;
    if (caller_may_wait_ && !held_) caller = transport::IocListener::Caller::kMayWait;
    ++ending_;
  }
  listener->OnDelivered(caller);
  absl::MutexLock lock(&mu_);
  --ending_;
}

void EmulatedTransport::DeliverOne(Message message) {
  transport::IocListener* listener = nullptr;
  {
    absl::MutexLock lock(&mu_);
    listener = listener_;
    if (message.kind == Kind::kReply) --in_flight_;
    if (message.kind == Kind::kReady) {
      ++readies_delivered_;
      available_ = readies_delivered_ == resets_begun_;
    }
  }
  switch (message.kind) {
    case Kind::kReply:
      message.done(std::move(message.result));
      return;
    case Kind::kEvent:
      if (listener != nullptr) DeliverEvent(message.event, *listener);
      return;
    case Kind::kEventsLost:
      if (listener != nullptr) listener->OnEventsLost(message.event.lost);
      return;
    case Kind::kResetBegin:
      if (listener != nullptr) listener->OnResetBegin();
      return;
    case Kind::kReady:
      if (listener != nullptr) listener->OnReady();
      return;
  }
}

void EmulatedTransport::DeliverEvent(const OutboundEvent& event, transport::IocListener& listener) {
  const auto reply = mpi::DecodeEventNotificationReply(event.frame);
  if (!reply.ok()) return;  // the firmware does not make such a frame
  transport::EventArrival arrival;
  arrival.event = reply->event;
  arrival.context = reply->context;
  arrival.ack_required = reply->ack_required;
  arrival.data = reply->data;
  arrival.time = event.time;
  listener.OnEvent(arrival);
}

void EmulatedTransport::Hold() {
  absl::MutexLock lock(&mu_);
  held_ = true;
}

HeldMessage EmulatedTransport::Describe(const Message& message) {
  HeldMessage held;
  held.id = message.id;
  held.kind = message.kind;
  switch (message.kind) {
    case Kind::kReply:
      held.function = message.function;
      held.text = absl::StrCat("reply to ", mpi::ToString(mpi::Function(message.function)));
      break;
    case Kind::kEvent: {
      const auto reply = mpi::DecodeEventNotificationReply(message.event.frame);
      if (!reply.ok()) break;
      held.event = reply->event;
      const auto data = mpi::DecodeEvent(reply->event, reply->data);
      held.text = data.ok() ? mpi::ToString(*data) : std::string(data.status().message());
      break;
    }
    case Kind::kEventsLost:
      held.text = absl::StrCat(message.event.lost, " events lost");
      break;
    case Kind::kResetBegin:
      held.text = "reset begins";
      break;
    case Kind::kReady:
      held.text = "ready";
      break;
  }
  return held;
}

std::vector<HeldMessage> EmulatedTransport::Held() const {
  absl::MutexLock lock(&mu_);
  std::vector<HeldMessage> held;
  for (const Message& message : queue_) held.push_back(Describe(message));
  return held;
}

absl::Status EmulatedTransport::Release(uint64_t id) {
  Message message;
  bool nested = false;
  {
    absl::MutexLock lock(&mu_);
    nested = IsDelivering();
    if (!nested) mu_.Await(absl::Condition(this, &EmulatedTransport::NobodyDelivers));
    const auto it =
        std::find_if(queue_.begin(), queue_.end(), [id](const Message& m) { return m.id == id; });
    if (it == queue_.end()) {
      return absl::NotFoundError(absl::StrCat(info_.name, ": no held message ", id));
    }
    message = std::move(*it);
    queue_.erase(it);
    delivering_ = true;
    deliverer_ = std::this_thread::get_id();
  }
  const bool notified = message.kind != Kind::kReply;
  DeliverOne(std::move(message));
  if (!nested) {
    absl::MutexLock lock(&mu_);
    delivering_ = false;
  }
  if (notified) EndDelivery();
  return absl::OkStatus();
}

void EmulatedTransport::ReleaseAll() {
  {
    absl::MutexLock lock(&mu_);
    held_ = false;
  }
  Deliver();
}

void EmulatedTransport::SetRequestCredit(size_t frames) {
  absl::MutexLock lock(&mu_);
  credit_ = frames;
}

void EmulatedTransport::SetCallerMayWait(bool may_wait) {
  absl::MutexLock lock(&mu_);
  caller_may_wait_ = may_wait;
}

size_t EmulatedTransport::requests_in_flight() const {
  absl::MutexLock lock(&mu_);
  return in_flight_;
}

}  // namespace sasd::emulator
