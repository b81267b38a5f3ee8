#ifndef CLIENT_FOLLOWER_H_
#define CLIENT_FOLLOWER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/watch_protocol.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "sas/v1/filter.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::client {

struct FollowerOptions {
  sas::v1::Filter filter;
  // Where the first stream resumes; empty: from a snapshot on.
  std::string resume_token;
  // A stream without a token begins with SYNCED, without a snapshot: only changes count.
  bool skip_snapshot = false;
  // Whether the first attempt waits for a sasd that does not answer. The others do.
  bool waits_for_sasd = true;
  // Between two attempts; doubles from the first to the longest, and begins anew after a stream
  // that brought something.
  absl::Duration first_backoff = absl::Milliseconds(200);
  absl::Duration longest_backoff = absl::Seconds(5);
  // A stream has ended, and another one may mend it. `why` is the reason; OK: sasd ended it. False:
  // Run() returns `why`. Empty: always another one.
  std::function<bool(const absl::Status& why)> may_reconnect;
  // The status of an ended call. Empty: its code and its message.
  std::function<absl::Status(const grpc::Status&)> status_of;
};

// Follows one node, over lost connections and restarts of sasd: it resumes where it was, and starts
// over from a snapshot where sasd cannot resume. Thread-safe.
class Follower {
 public:
  // `stub` and `consumer` outlive this object. The stub's channel should keep the name of its
  // target, so that it reconnects.
  Follower(sas::v1::WatchService::StubInterface& stub, FollowerOptions options,
           WatchConsumer& consumer);

  // Follows until Stop(); the calling thread delivers. Call it once. Returns OK after Stop().
  // Errors: what another attempt would not mend (PERMISSION_DENIED, INVALID_ARGUMENT,
  // UNIMPLEMENTED, ...; OUT_OF_RANGE for the resume token of the options), and those of
  // WatchProtocol::Apply().
  absl::Status Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Where a later Follower can resume. Not during Run(), except by the consumer.
  const std::string& resume_token() const { return protocol_.resume_token(); }
  int64_t revision() const { return protocol_.revision(); }
  // Ends Run(), also one that begins later.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // One stream. `waits`: for a sasd that does not answer. `received`: it brought something.
  absl::Status Follow(bool waits, bool* received) ABSL_LOCKS_EXCLUDED(mu_);
  // False: Stop() was called.
  bool Pause(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);

  sas::v1::WatchService::StubInterface& stub_;
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
