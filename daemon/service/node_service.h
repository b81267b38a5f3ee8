#ifndef DAEMON_SERVICE_NODE_SERVICE_H_
#define DAEMON_SERVICE_NODE_SERVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "daemon/health/monitor.h"
#include "daemon/registry/registry.h"
#include "daemon/service/calls.h"
#include "daemon/service/node_info.h"
#include "daemon/service/settled_waits.h"
#include "daemon/watch/watch_log.h"
#include "grpcpp/alarm.h"
#include "grpcpp/grpcpp.h"
#include "rpc/limits.h"
#include "sas/v1/node_service.grpc.pb.h"

namespace sasd::service {

class SettledWait;

// How gRPC hands the methods over: what runs on the pool takes bytes.
using NodeMethods =
    WithMethods<sas::v1::NodeService::Service, sas::v1::NodeService::WithCallbackMethod_GetNode,
                sas::v1::NodeService::WithCallbackMethod_WaitSettled,
                sas::v1::NodeService::WithRawCallbackMethod_ListFindings,
                sas::v1::NodeService::WithRawCallbackMethod_Diagnose,
                sas::v1::NodeService::WithRawCallbackMethod_ListScsiHosts>::Type;

// sas.v1.NodeService. Every answer but Diagnose's comes from memory. Thread-safe.
class NodeService final : public NodeMethods {
 public:
  // Borrows the registry, its log, the monitor and `calls` for its lifetime.
  NodeService(registry::Registry& registry, watch::WatchLog& log, health::Monitor& monitor,
              NodeInfo node, Calls& calls);
  // Every call has ended (the gRPC server was shut down).
  ~NodeService() override;

  // Ends every wait, and every new one, with UNAVAILABLE.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mu_);

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const sas::v1::GetNodeRequest* request,
                                    sas::v1::GetNodeResponse* response) override;
  grpc::ServerUnaryReactor* ListFindings(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Diagnose(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListScsiHosts(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* WaitSettled(grpc::CallbackServerContext* context,
                                        const sas::v1::WaitSettledRequest* request,
                                        sas::v1::WaitSettledResponse* response) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class SettledWait;

  struct Parked {
    std::shared_ptr<SettledWait> wait;
    std::string peer;  // whose quota it takes
  };

  void FillNode(sas::v1::GetNodeResponse* response) const;
  // The call of `wait` has ended.
  void Forget(SettledWait* wait) ABSL_LOCKS_EXCLUDED(mu_);

  // Constant.
  registry::Registry& registry_;
  watch::WatchLog& log_;
  health::Monitor& monitor_;
  const NodeInfo node_;
  Calls& calls_;
  rpc::PeerQuota wait_quota_{calls_.limits(), std::nullopt, rpc::Limit::kWaitsPerPeer};

  // Synchronizes itself.
  const std::shared_ptr<SettledWaits> settled_waits_;
  // Runs what settled_waits_ wants to run soon, one after another.
  std::unique_ptr<grpc::Alarm> soon_;

  absl::Mutex mu_;  // a leaf
  // The calls of WaitSettled that have not ended.
  absl::flat_hash_map<const SettledWait*, Parked> waits_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_NODE_SERVICE_H_
