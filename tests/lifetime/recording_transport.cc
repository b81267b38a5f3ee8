#include "tests/lifetime/recording_transport.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::lifetime {

RecordingTransport::Frames::iterator RecordingTransport::Record(ByteSpan frame) {
  std::function<void()> act;
  {
    absl::MutexLock lock(&mu_);
    const auto it = before_.find(*mpi::DecodeFunction(frame));
    if (it != before_.end()) {
      act = std::move(it->second);
      before_.erase(it);
    }
  }
  if (act) act();
  absl::MutexLock lock(&mu_);
  return frames_.insert(frames_.end(), Bytes(frame.begin(), frame.end()));
}

void RecordingTransport::Forget(Frames::iterator frame) {
  absl::MutexLock lock(&mu_);
  frames_.erase(frame);
}

absl::Status RecordingTransport::Submit(const transport::IocRequest& request, Completion done) {
  const auto frame = Record(request.frame);
  absl::Status sent = inner_.Submit(request, std::move(done));
  if (!sent.ok()) Forget(frame);
  return sent;
}

absl::StatusOr<transport::IocReply> RecordingTransport::Execute(
    const transport::IocRequest& request) {
  const auto frame = Record(request.frame);
  absl::StatusOr<transport::IocReply> reply = inner_.Execute(request);
  if (absl::IsResourceExhausted(reply.status()) || absl::IsUnavailable(reply.status())) {
    Forget(frame);
  }
  Filter filter;
  {
    absl::MutexLock lock(&mu_);
    filter = filter_;
  }
  if (filter && reply.ok()) filter(request, *reply);
  return reply;
}

void RecordingTransport::SetFilter(Filter filter) {
  absl::MutexLock lock(&mu_);
  filter_ = std::move(filter);
}

void RecordingTransport::SetListener(transport::IocListener* listener) {
  listener_ = listener;
  inner_.SetListener(listener);
}

std::vector<std::string> RecordingTransport::Handshakes() const {
  std::vector<std::string> sent;
  absl::MutexLock lock(&mu_);
  for (const Bytes& frame : frames_) {
    const mpi::Function function = *mpi::DecodeFunction(frame);
    if (function == mpi::Function::kTaskManagement) {
      const auto reset = mpi::DecodeTaskManagementRequest(frame);
      sent.push_back(absl::StrFormat("reset 0x%04x", reset->handle.value()));
    } else if (function == mpi::Function::kSasIoUnitControl) {
      const auto remove = mpi::DecodeSasControlRequest(frame);
      sent.push_back(absl::StrFormat("remove 0x%04x", remove->handle.value()));
    }
  }
  return sent;
}

size_t RecordingTransport::CountOf(mpi::Function function) const {
  size_t count = 0;
  absl::MutexLock lock(&mu_);
  for (const Bytes& frame : frames_) count += *mpi::DecodeFunction(frame) == function;
  return count;
}

void RecordingTransport::ClearRecords() {
  absl::MutexLock lock(&mu_);
  frames_.clear();
}

void RecordingTransport::Before(mpi::Function function, std::function<void()> act) {
  absl::MutexLock lock(&mu_);
  before_[function] = std::move(act);
}

void RecordingTransport::Deliver(mpi::EventCode event, ByteSpan data) {
  transport::EventArrival arrival;
  arrival.event = static_cast<uint16_t>(event);
  arrival.data = data;
  listener_.load()->OnEvent(arrival);
  listener_.load()->OnDelivered(transport::IocListener::Caller::kMayNotWait);
}

void RecordingTransport::DeliverEventsLost(uint32_t count) {
  listener_.load()->OnEventsLost(count);
  listener_.load()->OnDelivered(transport::IocListener::Caller::kMayNotWait);
}

}  // namespace sasd::lifetime
