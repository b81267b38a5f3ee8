#ifndef DAEMON_SERVICE_SETTLED_WAIT_H_
#define DAEMON_SERVICE_SETTLED_WAIT_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/registry/registry.h"
#include "daemon/service/settled_waits.h"
#include "grpcpp/alarm.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/node_service.pb.h"

namespace sasd::service {

class NodeService;

// When a request stops to wait: its timeout, or (InfiniteFuture) whenever the call itself ends.
// Error: rpc::BadField("timeout") for what is no duration up to an hour.
grpc::Status ReadDeadline(const sas::v1::WaitSettledRequest& request, absl::Time now,
                          absl::Time* deadline);

// One call of WaitSettled. No thread waits. Thread-safe.
class SettledWait final : public grpc::ServerUnaryReactor,
                          public SettledWaiter,
                          public std::enable_shared_from_this<SettledWait> {
 public:
  // The service keeps it until OnDone. Empty `hosts`: all.
  SettledWait(NodeService& service, registry::Registry& registry, std::vector<HostKey> hosts,
              sas::v1::WaitSettledResponse* response)
      : service_(service), registry_(registry), hosts_(std::move(hosts)), response_(response) {}

  void Start(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the call with `status`, once.
  void End(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  const std::vector<registry::Host::Key>& hosts() const override { return hosts_; }
  void OnSettled(const registry::Topology& topology) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void OnDeadline() ABSL_LOCKS_EXCLUDED(mu_);

  // Constant.
  NodeService& service_;
  registry::Registry& registry_;
  const std::vector<registry::Host::Key> hosts_;
  sas::v1::WaitSettledResponse* const response_;

  absl::Mutex mu_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SETTLED_WAIT_H_
