#ifndef CLIENT_FOLLOWER_H_
#define CLIENT_FOLLOWER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/watch_protocol.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "sas/v1/filter.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::client {

struct FollowerOptions {
  sas::v1::Filter filter;
  // Between two attempts; doubles from the first to the longest, and begins anew after a stream that
  // brought something.
  absl::Duration first_backoff = absl::Milliseconds(200);
  absl::Duration longest_backoff = absl::Seconds(5);
  // A stream has ended and another one will be opened. `why` is the reason. For a log.
  std::function<void(const absl::Status& why)> on_reconnect;
};

// Follows one node, over lost connections and restarts of sasd: it resumes where it was, and starts
// over from a snapshot where sasd cannot resume. Thread-safe.
class Follower {
 public:
  // `consumer` outlives this object. The channel should keep the name of its target, so that it
  // reconnects.
  Follower(std::shared_ptr<grpc::Channel> channel, FollowerOptions options,
           WatchConsumer& consumer);

  // Follows until Stop(); the calling thread delivers. Call it once. Returns OK after Stop(). Errors:
  // what another attempt would not mend (PERMISSION_DENIED, INVALID_ARGUMENT, UNIMPLEMENTED, ...),
  // and those of WatchProtocol::Apply().
  absl::Status Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends Run(), also one that begins later.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // One stream. `received`: it brought something.
  absl::Status Follow(bool* received) ABSL_LOCKS_EXCLUDED(mu_);
  // False: Stop() was called.
  bool Pause(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);

  const std::unique_ptr<sas::v1::WatchService::Stub> stub_;
  const FollowerOptions options_;
  WatchConsumer& consumer_;
  WatchProtocol protocol_;  // of the thread in Run()
  absl::Status broken_;     // likewise: the stream broke a promise

  absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  grpc::ClientContext* call_ ABSL_GUARDED_BY(mu_) = nullptr;  // the open stream
};

}  // namespace sasd::client

#endif  // CLIENT_FOLLOWER_H_
