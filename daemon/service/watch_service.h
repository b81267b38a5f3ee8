#ifndef DAEMON_SERVICE_WATCH_SERVICE_H_
#define DAEMON_SERVICE_WATCH_SERVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/registry.h"
#include "daemon/service/calls.h"
#include "daemon/service/event_view.h"
#include "daemon/service/history_reader.h"
#include "daemon/service/worker_pool.h"
#include "daemon/watch/watch_log.h"
#include "grpcpp/grpcpp.h"
#include "rpc/limits.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::service {

class WatchStream;

// sas.v1.WatchService over a WatchLog. A stream is a cursor into the log; what it sends are the
// log's own bytes (hence the raw method), shared between all streams. Thread-safe.
class WatchService final
    : public sas::v1::WatchService::WithRawCallbackMethod_Watch<sas::v1::WatchService::Service> {
 public:
  // Borrows all of them for its lifetime.
  WatchService(const registry::Registry& registry, watch::WatchLog& log,
               const HistoryReader& history, Calls& calls);
  // Every stream has ended (the gRPC server was shut down).
  ~WatchService() override;

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request) override
      ABSL_LOCKS_EXCLUDED(mu_);

  // Gives every idle stream a bookmark. To be called every few seconds.
  void SendBookmarks() ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the streams that have sent no byte for too long although they have something to send
  // (limit watch_stall_seconds), and those over TCP or TLS that are too old
  // (connection_age_seconds): with RESOURCE_EXHAUSTED and the resume token. To be called every few
  // seconds.
  void EndStalled() ABSL_LOCKS_EXCLUDED(mu_);

  // Ends every stream, and every new one, with UNAVAILABLE.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class WatchStream;

  // Also takes from the caller's quota.
  grpc::Status Admit(const grpc::CallbackServerContext& context, rpc::Caller* caller);
  grpc::Status Check(const sas::v1::WatchRequest& request) {
    return CheckRequest(request, calls_.limits());
  }
  // Has `task` of this peer run by a thread that may take its time: it reads a snapshot, the
  // archive of the log or the history, or looks at much. A stream has one such task at a time.
  void RunReading(const std::string& peer, WorkerPool::Task task) {
    readers_.Run(peer, std::move(task));
  }
  std::vector<std::shared_ptr<WatchStream>> Streams() const ABSL_LOCKS_EXCLUDED(mu_);
  // The call of `stream` has ended; `peer` is whose quota it took, if any.
  void Forget(WatchStream* stream, const std::string& peer) ABSL_LOCKS_EXCLUDED(mu_);

  const registry::Registry& registry_;
  watch::WatchLog& log_;
  const HistoryReader& history_;
  Calls& calls_;
  rpc::PeerQuota quota_{calls_.limits(), rpc::Limit::kWatches, rpc::Limit::kWatchesPerPeer};
  const std::shared_ptr<RecentEventViews> views_ = std::make_shared<RecentEventViews>();

  mutable absl::Mutex mu_;  // a leaf
  bool shutting_down_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<WatchStream*, std::weak_ptr<WatchStream>> streams_ ABSL_GUARDED_BY(mu_);

  WorkerPool readers_;  // last, since it uses the rest
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WATCH_SERVICE_H_
