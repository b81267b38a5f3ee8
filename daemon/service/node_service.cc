#include "daemon/service/node_service.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/registry/health.h"
#include "daemon/service/answer.h"
#include "daemon/service/convert.h"
#include "daemon/service/errors.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/settled_wait.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::Topology;

grpc::Status FillFindings(const sas::v1::ListFindingsRequest& request, const Topology& topology,
                          const registry::HealthCriteria& options,
                          sas::v1::ListFindingsResponse* response) {
  if (!sas::v1::Severity_IsValid(request.minimum_severity())) {
    return rpc::BadField("minimum_severity", absl::StrCat(request.minimum_severity(),
                                                          " is not a value of this enumeration"));
  }
  std::vector<SasAddress> hosts;
  if (grpc::Status s = ReadHosts(request.hosts(), "hosts", topology, &hosts); !s.ok()) return s;
  const auto concerns_hosts = [&hosts](const registry::Finding& finding) {
    return hosts.empty() ||
           std::any_of(finding.hosts.begin(), finding.hosts.end(), [&hosts](SasAddress host) {
             return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
           });
  };
  for (const registry::Finding& finding : registry::FindProblems(topology, options)) {
    if (static_cast<int>(finding.severity) < request.minimum_severity()) continue;
    if (concerns_hosts(finding)) *response->add_findings() = ToProto(finding);
  }
  response->set_revision(topology.revision());
  response->set_examined_count(static_cast<int32_t>(topology.size()));
  return grpc::Status::OK;
}

}  // namespace

NodeService::~NodeService() = default;

grpc::ServerUnaryReactor* NodeService::GetNode(grpc::CallbackServerContext* context,
                                               const sas::v1::GetNodeRequest*,
                                               sas::v1::GetNodeResponse* response) {
  const std::shared_ptr<const Topology> topology = registry_.Snapshot();
  response->set_epoch(registry_.epoch());
  response->set_revision(topology->revision());
  response->set_oldest_revision(log_.oldest_revision());
  response->set_version(node_.version);
  response->mutable_start_time()->set_seconds(absl::ToUnixSeconds(node_.start_time));
  response->set_backend(node_.backend);
  response->set_lost_event_count(registry_.lost_events());
  response->set_subscriber_count(static_cast<int32_t>(log_.stats().subscribers));
  response->set_resource_count(static_cast<int32_t>(topology->size()));
  response->set_node_name(node_.node_name);
  return Answer(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* NodeService::ListFindings(grpc::CallbackServerContext* context,
                                                    const sas::v1::ListFindingsRequest* request,
                                                    sas::v1::ListFindingsResponse* response) {
  return Answer(context, FillFindings(*request, *registry_.Snapshot(),
                                      {clock_.Now(), attach_grace_}, response));
}

grpc::ServerUnaryReactor* NodeService::Diagnose(grpc::CallbackServerContext* context,
                                                const sas::v1::DiagnoseRequest*,
                                                sas::v1::DiagnoseResponse* response) {
  if (node_.diagnose != nullptr) {
    for (const DiagnosisCheck& check : node_.diagnose()) {
      *response->add_checks() = ToProto(check);
    }
  }
  return Answer(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* NodeService::WaitSettled(grpc::CallbackServerContext* context,
                                                   const sas::v1::WaitSettledRequest* request,
                                                   sas::v1::WaitSettledResponse* response) {
  std::vector<SasAddress> hosts;
  absl::Time deadline;
  const std::shared_ptr<const Topology> topology = registry_.Snapshot();
  if (grpc::Status s = ReadHosts(request->hosts(), "hosts", *topology, &hosts); !s.ok()) {
    return Answer(context, s);
  }
  if (grpc::Status s = ReadDeadline(*request, absl::Now(), &deadline); !s.ok()) {
    return Answer(context, s);
  }
  auto wait = std::make_shared<SettledWait>(*this, registry_, std::move(hosts), response);
  {
    absl::MutexLock lock(&mu_);
    if (shutting_down_) return Answer(context, ShuttingDown());
    waits_.insert(wait);
  }
  wait->Start(log_, deadline);
  return wait.get();
}

void NodeService::Shutdown() {
  std::vector<std::shared_ptr<SettledWait>> waits;
  {
    absl::MutexLock lock(&mu_);
    shutting_down_ = true;
    waits.assign(waits_.begin(), waits_.end());
  }
  for (const std::shared_ptr<SettledWait>& wait : waits) wait->End(ShuttingDown());
}

void NodeService::Forget(SettledWait* wait) {
  std::shared_ptr<SettledWait> last;  // destroyed without the lock
  absl::MutexLock lock(&mu_);
  for (auto it = waits_.begin(); it != waits_.end(); ++it) {
    if (it->get() != wait) continue;
    last = *it;
    waits_.erase(it);
    return;
  }
}

}  // namespace sasd::service
