#include "driver/transport/logging_transport.h"

#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "driver/base/endian.h"

namespace sasd::transport {
namespace {

// MPI 2.x: the function is byte 3 of each request; a CONFIG request's action is byte 0, and the
// page address stands at 0x18.
std::string Describe(ByteSpan frame) {
  if (frame.size() < 4) return absl::StrFormat("request of %d bytes", frame.size());
  const uint8_t function = Load8(frame, 3);
  if (function == 0x04 && frame.size() >= 0x1C) {
    return absl::StrFormat(
        "config action %d, type 0x%02x, page %d, address 0x%08x", Load8(frame, 0),
        (Load8(frame, 0x17) & 0x0F) == 0x0F ? Load8(frame, 6) : Load8(frame, 0x17) & 0x0F,
        Load8(frame, 0x16), LoadLe32(frame, 0x18));
  }
  return absl::StrFormat("function 0x%02x", function);
}

// MPI 2.x: IOCStatus stands at 0x0E of each reply, log info at 0x10.
std::string Outcome(const absl::StatusOr<IocReply>& reply) {
  if (!reply.ok()) return reply.status().ToString();
  if (reply->frame.size() < 0x14) {
    return absl::StrFormat("reply of %d bytes", reply->frame.size());
  }
  return absl::StrFormat("status 0x%04x, log info 0x%08x, %d bytes",
                         LoadLe16(reply->frame, 0x0E) & 0x7FFF, LoadLe32(reply->frame, 0x10),
                         reply->data_in_size);
}

}  // namespace

// Logs the IOC's calls on their way to the listener.
class LoggingTransport::Tap : public IocListener {
 public:
  Tap(IocListener& next, const Log& log, const std::string& name)
      : next_(next), log_(log), name_(name) {}

  void OnEvent(const EventArrival& event) override {
    log_(absl::StrFormat("%s: event 0x%02x, context %d, %d bytes%s", name_, event.event,
                         event.context, event.data.size(),
                         event.ack_required ? ", to be acknowledged" : ""));
    next_.OnEvent(event);
  }
  void OnEventsLost(uint32_t count) override {
    log_(absl::StrFormat("%s: %d events lost", name_, count));
    next_.OnEventsLost(count);
  }
  void OnResetBegin() override {
    log_(name_ + ": reset begins");
    next_.OnResetBegin();
  }
  void OnReady() override {
    log_(name_ + ": ready");
    next_.OnReady();
  }
  void OnDelivered(Caller caller) override { next_.OnDelivered(caller); }

 private:
  IocListener& next_;
  const Log& log_;
  const std::string& name_;
};

LoggingTransport::LoggingTransport(IocTransport& inner, Clock& clock, Log log)
    : inner_(inner), clock_(clock), log_(std::move(log)), name_(inner.Info().name) {}

LoggingTransport::~LoggingTransport() = default;

IocInfo LoggingTransport::Info() const { return inner_.Info(); }

absl::Status LoggingTransport::Submit(const IocRequest& request, Completion done) {
  const absl::Duration start = clock_.Monotonic();
  const std::string what = Describe(request.frame);
  const absl::Status sent =
      inner_.Submit(request, [this, start, what, done = std::move(done)](auto reply) {
        log_(absl::StrFormat("%s: %s: %s (%d us)", name_, what, Outcome(reply),
                             absl::ToInt64Microseconds(clock_.Monotonic() - start)));
        done(std::move(reply));
      });
  if (!sent.ok()) log_(absl::StrFormat("%s: %s: not sent: %s", name_, what, sent.ToString()));
  return sent;
}

absl::StatusOr<IocReply> LoggingTransport::Execute(const IocRequest& request) {
  const absl::Duration start = clock_.Monotonic();
  absl::StatusOr<IocReply> reply = inner_.Execute(request);
  log_(absl::StrFormat("%s: %s: %s (%d us)", name_, Describe(request.frame), Outcome(reply),
                       absl::ToInt64Microseconds(clock_.Monotonic() - start)));
  return reply;
}

void LoggingTransport::SetListener(IocListener* listener) {
  std::unique_ptr<Tap> next =
      listener == nullptr ? nullptr : std::make_unique<Tap>(*listener, log_, name_);
  absl::MutexLock lock(&listener_mu_);
  inner_.SetListener(next.get());
  tap_ = std::move(next);
}

absl::Status LoggingTransport::Reset() {
  const absl::Status status = inner_.Reset();
  log_(absl::StrFormat("%s: reset: %s", name_, status.ToString()));
  return status;
}

}  // namespace sasd::transport
