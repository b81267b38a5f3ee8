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

Follower::Follower(sas::v1::WatchService::StubInterface& stub, FollowerOptions options,
                   WatchConsumer& consumer)
    : stub_(stub),
      options_(std::move(options)),
      consumer_(consumer),
      protocol_(ScopeOf(options_.filter), options_.resume_token) {}

absl::Status Follower::Run() {
  absl::Duration backoff = options_.first_backoff;
  bool waits = options_.waits_for_sasd, ever_received = false;
  for (;; waits = true) {
    bool received = false;
    const absl::Status status = Follow(waits, &received);
    if (!broken_.ok()) return broken_;
    ever_received |= received;
    {
      absl::MutexLock lock(&mu_);
      if (stopped_) return absl::OkStatus();
    }
    if (!MayReconnect(status)) return status;
    // The token is of another epoch, or too old, or its revision was lost.
    const bool refused = status.code() == absl::StatusCode::kOutOfRange;
    if (refused && !ever_received) return status;
    if (options_.may_reconnect != nullptr && !options_.may_reconnect(status)) return status;
    if (refused) protocol_.StartOver();
    if (received) backoff = options_.first_backoff;
    if (!Pause(backoff)) return absl::OkStatus();
    backoff = std::min(2 * backoff, options_.longest_backoff);
  }
}

absl::Status Follower::Follow(bool waits, bool* received) {
  grpc::ClientContext call;
  call.set_wait_for_ready(waits);  // else gRPC looks for sasd only every 5 s
  {
    absl::MutexLock lock(&mu_);
    if (stopped_) return absl::CancelledError("stopped");
    call_ = &call;
  }
  sas::v1::WatchRequest request;
  request.set_resume_token(protocol_.resume_token());
  request.set_skip_snapshot(options_.skip_snapshot && protocol_.resume_token().empty());
  *request.mutable_filter() = options_.filter;
  const auto stream = stub_.Watch(&call, request);
  sas::v1::WatchResponse response;
  while (broken_.ok() && stream->Read(&response)) {
    *received = true;
    broken_ = protocol_.Apply(response, consumer_);
  }
  if (!broken_.ok()) call.TryCancel();
  const grpc::Status end = stream->Finish();
  const absl::Status status =
      options_.status_of != nullptr ? options_.status_of(end) : FromGrpc(end);
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
