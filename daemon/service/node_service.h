#ifndef DAEMON_SERVICE_NODE_SERVICE_H_
#define DAEMON_SERVICE_NODE_SERVICE_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "daemon/health/monitor.h"
#include "daemon/registry/registry.h"
#include "daemon/service/node_info.h"
#include "daemon/watch/watch_log.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/node_service.grpc.pb.h"

namespace sasd::service {

class SettledWait;

// sas.v1.NodeService. Every answer but Diagnose's comes from memory. Thread-safe.
class NodeService final : public sas::v1::NodeService::CallbackService {
 public:
  // Borrows the registry, its log and the monitor for its lifetime.
  NodeService(registry::Registry& registry, watch::WatchLog& log, health::Monitor& monitor,
              NodeInfo node)
      : registry_(registry), log_(log), monitor_(monitor), node_(std::move(node)) {}
  // Every call has ended (the gRPC server was shut down).
  ~NodeService() override;

  // Ends every wait, and every new one, with UNAVAILABLE.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mu_);

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const sas::v1::GetNodeRequest* request,
                                    sas::v1::GetNodeResponse* response) override;
  grpc::ServerUnaryReactor* ListFindings(grpc::CallbackServerContext* context,
                                         const sas::v1::ListFindingsRequest* request,
                                         sas::v1::ListFindingsResponse* response) override;
  grpc::ServerUnaryReactor* Diagnose(grpc::CallbackServerContext* context,
                                     const sas::v1::DiagnoseRequest* request,
                                     sas::v1::DiagnoseResponse* response) override;
  grpc::ServerUnaryReactor* ListScsiHosts(grpc::CallbackServerContext* context,
                                          const sas::v1::ListScsiHostsRequest* request,
                                          sas::v1::ListScsiHostsResponse* response) override;
  grpc::ServerUnaryReactor* WaitSettled(grpc::CallbackServerContext* context,
                                        const sas::v1::WaitSettledRequest* request,
                                        sas::v1::WaitSettledResponse* response) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class SettledWait;

  void Forget(SettledWait* wait) ABSL_LOCKS_EXCLUDED(mu_);

  registry::Registry& registry_;
  watch::WatchLog& log_;
  health::Monitor& monitor_;
  const NodeInfo node_;

  absl::Mutex mu_;  // a leaf
  bool shutting_down_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<std::shared_ptr<SettledWait>> waits_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_NODE_SERVICE_H_
