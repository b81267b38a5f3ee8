#include "daemon/service/node_service.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_health.h"
#include "daemon/service/convert_scsi_hosts.h"
#include "daemon/service/errors.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/names.h"
#include "daemon/service/settled_wait.h"
#include "daemon/service/settled_waits.h"
#include "grpc/support/time.h"
#include "rpc/limits.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::Topology;

// Hosts that are there, or belong here and are missing.
grpc::Status ReadKnownHosts(const google::protobuf::RepeatedPtrField<std::string>& names,
                            const Topology& topology, health::Baseline& baseline,
                            std::vector<HostKey>* hosts) {
  google::protobuf::RepeatedPtrField<std::string> there;
  for (const std::string& name : names) {
    const absl::StatusOr<HostKey> host = ParseHostName(name);
    if (host.ok() && baseline.Find(registry::MakeId<registry::Host>(*host)).has_value()) {
      hosts->push_back(*host);
    } else {
      *there.Add() = name;
    }
  }
  return ReadHosts(there, "hosts", topology, hosts);
}

grpc::Status FillFindings(const sas::v1::ListFindingsRequest& request, const Topology& topology,
                          health::Monitor& monitor, sas::v1::ListFindingsResponse* response,
                          const AdmittedCall& call) {
  if (!sas::v1::Severity_IsValid(request.minimum_severity())) {
    return rpc::BadField("minimum_severity", absl::StrCat(request.minimum_severity(),
                                                          " is not a value of this enumeration"));
  }
  std::vector<HostKey> hosts;
  if (grpc::Status s = ReadKnownHosts(request.hosts(), topology, monitor.baseline(), &hosts);
      !s.ok()) {
    return s;
  }
  // After a change it examines the node first, for all callers: one of them at a time.
  std::shared_ptr<const health::Report> report;
  call.apart([&] { report = monitor.Current(); });
  int32_t dismissed = 0, consequences = 0;
  CancelledCheck is_cancelled(call.cancelled);
  for (const health::Finding& finding : report->findings) {
    if (is_cancelled()) return CancelledStatus();
    if (static_cast<int>(finding.severity) < request.minimum_severity()) continue;
    if (!health::Concerns(finding, hosts)) continue;
    if (finding.dismissal != nullptr && !request.show_dismissed()) {
      ++dismissed;
      continue;
    }
    if (finding.root_cause.has_value() && !request.show_consequences()) {
      ++consequences;
      continue;
    }
    sas::v1::Finding* out = response->add_findings();
    *out = ToProto(finding);
    if (!request.show_affected()) continue;
    for (const registry::ResourceId& each : finding.affected) {
      if (is_cancelled()) return CancelledStatus();
      out->add_affected_resources(NameOf(each));
    }
  }
  const health::Verdict verdict = health::StatusOf(*report, hosts);
  response->set_status(
      static_cast<sas::v1::HealthStatus>(verdict.status));  // the numbers are equal
  response->set_status_message(verdict.message);
  response->set_dismissed_count(dismissed);
  response->set_consequence_count(consequences);
  response->set_revision(report->revision);
  response->set_examined_count(static_cast<int32_t>(report->examined_count));
  return grpc::Status::OK;
}

}  // namespace

NodeService::NodeService(registry::Registry& registry, watch::WatchLog& log,
                         health::Monitor& monitor, NodeInfo node, Calls& calls)
    : registry_(registry),
      log_(log),
      monitor_(monitor),
      node_(std::move(node)),
      calls_(calls),
      settled_waits_(
          std::make_shared<SettledWaits>(registry, log, [this](std::function<void()> function) {
            soon_ = std::make_unique<grpc::Alarm>();  // the one before has fired
            soon_->Set(gpr_now(GPR_CLOCK_MONOTONIC),
                       [function = std::move(function)](bool) { function(); });
          })) {}

NodeService::~NodeService() = default;

#define SASD_METHOD(NAME) "sas.v1.NodeService/" #NAME

void NodeService::FillNode(sas::v1::GetNodeResponse* response) const {
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
  if (node_.journal != nullptr) *response->mutable_journal() = node_.journal();
  for (const rpc::LimitInfo& info : rpc::AllLimits()) {
    sas::v1::Limit* const limit = response->add_limits();
    limit->set_name(std::string(info.name));
    limit->set_value(calls_.limits().value(info.limit));
    limit->set_refusal_count(calls_.limits().refused(info.limit));
  }
  if (node_.listeners == nullptr) return;
  for (const sas::v1::Listener& listener : node_.listeners()) *response->add_listeners() = listener;
}

grpc::ServerUnaryReactor* NodeService::GetNode(grpc::CallbackServerContext* context,
                                               const sas::v1::GetNodeRequest* request,
                                               sas::v1::GetNodeResponse* response) {
  return calls_.Answer(context, SASD_METHOD(GetNode), request,
                       [this, response](const AdmittedCall&) {
                         FillNode(response);
                         return grpc::Status::OK;
                       });
}

grpc::ServerUnaryReactor* NodeService::ListFindings(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  using Request = sas::v1::ListFindingsRequest;
  using Response = sas::v1::ListFindingsResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(ListFindings), bytes, answer,
      [this](const AdmittedCall& call, const Request& request, Response* response) {
        return FillFindings(request, *registry_.Snapshot(), monitor_, response, call);
      });
}

grpc::ServerUnaryReactor* NodeService::Diagnose(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* bytes,
                                                grpc::ByteBuffer* answer) {
  using Request = sas::v1::DiagnoseRequest;
  using Response = sas::v1::DiagnoseResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(Diagnose), bytes, answer,
      [this](const AdmittedCall&, const Request&, Response* response) {
        if (node_.diagnose == nullptr) return grpc::Status::OK;
        for (const DiagnosisCheck& check : node_.diagnose()) {
          *response->add_checks() = ToProto(check);
        }
        return grpc::Status::OK;
      });
}

grpc::ServerUnaryReactor* NodeService::ListScsiHosts(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  using Request = sas::v1::ListScsiHostsRequest;
  using Response = sas::v1::ListScsiHostsResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(ListScsiHosts), bytes, answer,
      [this](const AdmittedCall&, const Request&, Response* response) {
        if (node_.scsi_hosts == nullptr) return grpc::Status::OK;
        const std::shared_ptr<const ScsiHosts> hosts = node_.scsi_hosts();
        *response = ToProto(*hosts, *registry_.Snapshot());
        return grpc::Status::OK;
      });
}

grpc::ServerUnaryReactor* NodeService::WaitSettled(grpc::CallbackServerContext* context,
                                                   const sas::v1::WaitSettledRequest* request,
                                                   sas::v1::WaitSettledResponse* response) {
  const auto refuse = [context](const grpc::Status& status) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  };
  rpc::Caller caller;
  if (grpc::Status s = calls_.Admit(*context, SASD_METHOD(WaitSettled), request, &caller);
      !s.ok()) {
    return refuse(s);
  }
  std::vector<HostKey> hosts;
  absl::Time deadline;
  const std::shared_ptr<const Topology> topology = registry_.Snapshot();
  if (grpc::Status s = ReadHosts(request->hosts(), "hosts", *topology, &hosts); !s.ok()) {
    return refuse(s);
  }
  if (grpc::Status s = ReadDeadline(*request, absl::Now(), &deadline); !s.ok()) return refuse(s);
  if (const auto limit = wait_quota_.Take(caller.key, caller.peer.privileged())) {
    return refuse(
        calls_.limits().Refuse(*limit, absl::StrCat("one more WaitSettled of ", caller.key)));
  }
  auto wait = std::make_shared<SettledWait>(*this, registry_, std::move(hosts), response);
  {
    absl::MutexLock lock(&mu_);
    waits_.emplace(wait.get(), Parked{wait, caller.key});
  }
  if (!settled_waits_->Add(wait)) wait->End(ShuttingDown());
  wait->Start(deadline);
  return wait.get();
}

#undef SASD_METHOD

void NodeService::Shutdown() {
  for (const std::shared_ptr<SettledWaiter>& waiter : settled_waits_->Close()) {
    static_cast<SettledWait*>(waiter.get())->End(ShuttingDown());
  }
}

void NodeService::Forget(SettledWait* wait) {
  settled_waits_->Remove(wait);
  Parked last;  // destroyed without the lock
  {
    absl::MutexLock lock(&mu_);
    const auto it = waits_.find(wait);
    if (it == waits_.end()) return;
    last = std::move(it->second);
    waits_.erase(it);
  }
  wait_quota_.Release(last.peer);
}

}  // namespace sasd::service
