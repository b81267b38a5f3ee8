#include "client/follower.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::client {
namespace {

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// Whether sasd may answer the next attempt. kCancelled: the call met a server that was ending.
// kResourceExhausted: this client read too slowly, or a limit on streams was reached.
bool MayReconnect(const absl::Status& status) {
  return status.ok() || status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kCancelled ||
         status.code() == absl::StatusCode::kResourceExhausted ||
         status.code() == absl::StatusCode::kOutOfRange;
}

WatchProtocol::Scope ScopeOf(const sas::v1::Filter& filter) {
  return filter.ByteSizeLong() == 0 ? WatchProtocol::Scope::kEverything
                                    : WatchProtocol::Scope::kFiltered;
}

}  // namespace

Follower::Follower(std::shared_ptr<grpc::Channel> channel, FollowerOptions options,
                   WatchConsumer& consumer)
    : stub_(sas::v1::WatchService::NewStub(std::move(channel))),
      options_(std::move(options)),
      consumer_(consumer),
      protocol_(ScopeOf(options_.filter)) {}

absl::Status Follower::Run() {
  absl::Duration backoff = options_.first_backoff;
  for (;;) {
    bool received = false;
    const absl::Status status = Follow(&received);
    if (!broken_.ok()) return broken_;
    {
      absl::MutexLock lock(&mu_);
      if (stopped_) return absl::OkStatus();
    }
    if (!MayReconnect(status)) return status;
    // The token is of another epoch, or too old, or its revision was lost.
    if (status.code() == absl::StatusCode::kOutOfRange) {
      if (protocol_.resume_token().empty()) return status;
      protocol_.StartOver();
    }
    if (options_.on_reconnect != nullptr) options_.on_reconnect(status);
    if (received) backoff = options_.first_backoff;
    if (!Pause(backoff)) return absl::OkStatus();
    backoff = std::min(2 * backoff, options_.longest_backoff);
  }
}

absl::Status Follower::Follow(bool* received) {
  grpc::ClientContext call;
  call.set_wait_for_ready(true);  // else gRPC looks for sasd only every 5 s
  {
    absl::MutexLock lock(&mu_);
    if (stopped_) return absl::CancelledError("stopped");
    call_ = &call;
  }
  sas::v1::WatchRequest request;
  request.set_resume_token(protocol_.resume_token());
  *request.mutable_filter() = options_.filter;
  const auto stream = stub_->Watch(&call, request);
  sas::v1::WatchResponse response;
  while (broken_.ok() && stream->Read(&response)) {
    *received = true;
    broken_ = protocol_.Apply(response, consumer_);
  }
  if (!broken_.ok()) call.TryCancel();
  const absl::Status status = FromGrpc(stream->Finish());
  absl::MutexLock lock(&mu_);
  call_ = nullptr;
  protocol_.Disconnected();
  return status;
}

bool Follower::Pause(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&stopped_), duration);
  return !stopped_;
}

void Follower::Stop() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
  if (call_ != nullptr) call_->TryCancel();
}

}  // namespace sasd::client
