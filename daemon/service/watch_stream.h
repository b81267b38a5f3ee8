#ifndef DAEMON_SERVICE_WATCH_STREAM_H_
#define DAEMON_SERVICE_WATCH_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/snapshot_reader.h"
#include "daemon/watch/resume_token.h"
#include "daemon/watch/watch_log.h"
#include "grpcpp/grpcpp.h"
#include "rpc/limits.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {

class WatchService;

// One call of Watch: a cursor into the log, and at most one write in flight.
//
//   SNAPSHOT --all chunks sent--> CATCHING_UP --at the end: SYNCED--> LIVE
//      ^                               |                                |
//      `------- fell behind: RESYNC ---+--------------------------------'
//
// Snapshots, what the log has only in its archive, and what a filter needs long to look at are read
// by the threads of the service, where peers take turns. They have the cursor meanwhile, without a
// lock, so that nobody else waits.
//
// Thread-safe: driven by OnReady (the pump), OnWriteDone and OnCancel (gRPC), ReadApart and GoOn
// (the service's threads), Bookmark and End.
class WatchStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          public watch::WakeListener,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  struct Peer {
    std::string quota_key;                                 // empty: it takes from no quota
    bool ages = false;                                     // its connection does: over TCP and TLS
    const grpc::CallbackServerContext* context = nullptr;  // of its call; null in tests
  };

  // A stream owns itself until OnDone. `service` outlives it. `epoch`: the registry's.
  WatchStream(WatchService& service, std::string epoch, Peer peer)
      : service_(service), epoch_(std::move(epoch)), peer_(std::move(peer)) {}

  // Begins to send, or ends with the error that the request deserves; or at once, if `admitted` is
  // an error.
  void Start(watch::WatchLog& log, const grpc::ByteBuffer* request, const grpc::Status& admitted)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the call if a write has made no progress for `stall`, or if it is older than `age` and its
  // peer ages. The status has the limit and the resume token of what was sent.
  void EndIfStalled(absl::Duration stall, absl::Duration age, rpc::LimitBook& limits)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Sends a bookmark if nothing else is under way.
  void Bookmark() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the call with `status`, once.
  void End(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  void OnReady() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone() override;

 private:
  enum class State { kSnapshot, kCatchingUp, kLive };

  // Reads the request. `apart`: this is a thread of the service; otherwise of gRPC, and what takes
  // long goes on apart.
  void Begin(watch::WatchLog& log, grpc::ByteBuffer bytes, const Cancelled* apart)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Makes the cursor; with a token, may wait for the archive of the log and for the history.
  grpc::Status Open(watch::WatchLog& log, const sas::v1::WatchRequest& request,
                    const std::optional<watch::ResumeToken>& token, Cancelled cancelled,
                    std::shared_ptr<watch::Cursor>* cursor) ABSL_LOCKS_EXCLUDED(mu_);
  void OpenAndSend(watch::WatchLog& log, const sas::v1::WatchRequest& request,
                   const std::optional<watch::ResumeToken>& token, Cancelled cancelled)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Has `task`(cancelled) run by a thread of the service.
  template <typename Task>
  void RunApart(Task task);
  // Goes on with what the archive has, or with what is large.
  void ReadApart(std::shared_ptr<watch::Cursor> cursor, watch::Cursor::Batch::State state,
                 Cancelled cancelled) ABSL_LOCKS_EXCLUDED(mu_);
  // Sends the next chunk of the snapshot.
  void GoOn() ABSL_LOCKS_EXCLUDED(mu_);
  bool has_ended() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return ended_;
  }
  // Starts the next write, if there is something to send and no write in flight.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BeginSnapshot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Each: true if it has filled in message_.
  bool NextOfSnapshot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool NextOfLog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool TakeBatch(watch::Cursor::Batch batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetMessage(const sas::v1::WatchResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Fills in message_ with the next part of parts_.
  void SetPart() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetSynced() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant.
  WatchService& service_;
  const std::string epoch_;
  const Peer peer_;
  const absl::Time start_ = absl::Now();

  absl::Mutex mu_;  // before the log's and the registry's
  std::shared_ptr<watch::Cursor> cursor_ ABSL_GUARDED_BY(mu_);  // null in ReadApart
  State state_ ABSL_GUARDED_BY(mu_) = State::kCatchingUp;
  std::optional<SnapshotReader> snapshot_ ABSL_GUARDED_BY(mu_);
  bool going_on_ ABSL_GUARDED_BY(mu_) = false;            // GoOn() will come
  std::optional<EventParts> parts_ ABSL_GUARDED_BY(mu_);  // of an event that is being sent
  grpc::ByteBuffer message_ ABSL_GUARDED_BY(mu_);         // being written
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time write_start_ ABSL_GUARDED_BY(mu_);
  // The resume token of what the client has surely got: of the last SYNCED or BOOKMARK before the
  // write in flight. 0: none.
  int64_t resumable_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;

  std::shared_ptr<WatchStream> self_;  // set by Start, taken by OnDone
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WATCH_STREAM_H_
