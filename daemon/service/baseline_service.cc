#include "daemon/service/baseline_service.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "daemon/service/calls.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/convert_health.h"
#include "daemon/service/errors.h"
#include "daemon/service/find.h"
#include "daemon/service/names.h"
#include "rpc/page.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using health::Baseline;
using registry::ResourceId;
using registry::ResourceRef;
using registry::Topology;

constexpr size_t kMaxReason = 1000, kMaxAccepted = 10'000;
constexpr absl::Duration kMaxDuration = absl::Hours(24 * 366);

// What the answer waits for the event of the verb at most. The verb holds either way.
constexpr absl::Duration kVisible = absl::Seconds(5);

// What is missing, as a topology: it is found by the same names as what is there.
Topology Gone(const health::BaselineView& view, Cancelled cancelled) {
  registry::Tables tables;
  CancelledCheck is_cancelled(cancelled);
  for (const health::MissingPtr& missing : view.missing) {
    if (is_cancelled()) break;
    std::visit(
        [&tables](const auto& pointer) {
          using T = std::remove_const_t<std::remove_reference_t<decltype(*pointer)>>;
          tables.of<T>().Put(pointer);
        },
        missing->last_known);
  }
  return Topology(std::move(tables), 0, "");
}

// Several finds that are the paths of one drive are that drive.
std::optional<ResourceId> DriveOf(const std::vector<ResourceRef>& found) {
  std::optional<registry::LogicalUnitKey> drive;
  for (const ResourceRef& ref : found) {
    const auto* device = std::get_if<registry::IndexOf<registry::EndDevice>()>(&ref);
    if (device == nullptr || (*device)->first_unit() == nullptr) return std::nullopt;
    const registry::LogicalUnitKey& unit = (*device)->first_unit()->unit;
    if (drive.has_value() && *drive != unit) return std::nullopt;
    drive = unit;
  }
  if (!drive.has_value()) return std::nullopt;
  return registry::MakeId<registry::LogicalUnit>(*drive);
}

// What a verb works with.
struct Verb {
  const registry::Registry& registry;
  health::Monitor& monitor;
  ResourceFinder& finder;
  const AdmittedCall& call;
};

grpc::Status FindObject(const std::string& object, const Verb& verb, ResourceId* id) {
  const registry::Registry& registry = verb.registry;
  health::Monitor& monitor = verb.monitor;
  const std::function<bool()>& cancelled = verb.call.cancelled;
  if (object.empty()) return rpc::BadField("object", "it is empty; name the object");
  const std::shared_ptr<const Topology> topology = registry.Snapshot();
  const absl::StatusOr<ResourceId> named = ParseName(object);
  if (named.ok() &&
      (!registry::IsNull(topology->Get(*named)) || monitor.baseline().Find(*named).has_value())) {
    *id = *named;
    return grpc::Status::OK;
  }
  FoundResources found = verb.finder.Find(topology, object, {}, cancelled);
  std::vector<std::string> suggestions = found.suggestions;
  if (found.resources.empty()) {
    const std::string plain = verb.finder.WithoutAlias(object);
    found = FindResources(Gone(monitor.baseline().View(), cancelled), plain, {}, cancelled);
    suggestions.insert(suggestions.end(), found.suggestions.begin(), found.suggestions.end());
  }
  if (cancelled()) return CancelledStatus();
  if (found.resources.empty()) {
    std::string message = absl::StrCat("no object \"", object, "\" is there or missing");
    if (!suggestions.empty()) {
      absl::StrAppend(&message, "; did you mean ", absl::StrJoin(suggestions, ", "), "?");
    }
    return {grpc::StatusCode::NOT_FOUND, message};
  }
  // A drive is what people mean, and not one of its paths.
  if (const std::optional<ResourceId> drive = DriveOf(found.resources)) {
    *id = *drive;
    return grpc::Status::OK;
  }
  if (found.resources.size() > 1) {
    std::vector<std::string> names;
    for (const ResourceRef& ref : found.resources) {
      if (names.size() == 5) break;
      names.push_back(NameOf(IdOf(ref)));
    }
    return rpc::BadField(
        "object", absl::StrCat("\"", object, "\" means ", found.resources.size(),
                               " objects; use the name of one: ", absl::StrJoin(names, ", ")));
  }
  *id = IdOf(found.resources.front());
  return grpc::Status::OK;
}

// Missing entries first, each group in the order of ids. A token: "m" or "p", and the last name.
grpc::Status FillBaseline(const sas::v1::ListBaselineRequest& request,
                          const registry::Registry& registry, health::Monitor& monitor,
                          sas::v1::ListBaselineResponse* response) {
  size_t page_size = 0;
  if (grpc::Status s = rpc::ReadPageSize(request.page_size(), &page_size); !s.ok()) return s;
  bool missing = true;
  std::optional<ResourceId> after;
  if (!request.page_token().empty()) {
    const absl::string_view token = request.page_token();
    const absl::StatusOr<ResourceId> id = ParseName(token.substr(1));
    if (!id.ok() || (token[0] != 'm' && token[0] != 'p')) {
      return rpc::BadField("page_token",
                           absl::StrCat("\"", token, "\" is not from an earlier page"));
    }
    missing = token[0] == 'm';
    after = *id;
  }
  Baseline& baseline = monitor.baseline();
  std::vector<Baseline::Listed> listed;
  if (missing) listed = baseline.List(after, /*missing=*/true, page_size + 1);
  bool in_second = !missing;
  if (!request.missing_only() && listed.size() <= page_size) {
    in_second = true;
    std::vector<Baseline::Listed> more = baseline.List(
        missing ? std::nullopt : after, /*missing=*/false, page_size + 1 - listed.size());
    std::move(more.begin(), more.end(), std::back_inserter(listed));
  }
  const bool is_last = listed.size() <= page_size;
  if (!is_last) listed.pop_back();
  for (const Baseline::Listed& each : listed) *response->add_entries() = ToProto(each);
  if (!is_last && !listed.empty()) {
    const bool at_missing = listed.back().entry.missing != nullptr;
    response->set_next_page_token(
        absl::StrCat(at_missing || !in_second ? "m" : "p", NameOf(listed.back().id)));
  }
  const health::BaselineView view = baseline.View();
  response->set_total_size(static_cast<int32_t>(view.size));
  response->set_missing_count(static_cast<int32_t>(view.missing.size()));
  response->set_revision(registry.revision());
  const absl::Time accepted = baseline.accept_time();
  if (accepted != absl::InfinitePast()) {
    response->mutable_accept_time()->set_seconds(absl::ToUnixSeconds(accepted));
  }
  return grpc::Status::OK;
}

grpc::Status Accept(const sas::v1::AcceptBaselineRequest& request,
                    const registry::Registry& registry, health::Monitor& monitor,
                    const AdmittedCall& call, sas::v1::AcceptBaselineResponse* response) {
  if (static_cast<size_t>(request.resources_size()) > kMaxAccepted) {
    return rpc::BadField("resources", absl::StrCat("at most ", kMaxAccepted, " are possible"));
  }
  std::vector<ResourceId> resources;
  for (int i = 0; i < request.resources_size(); ++i) {
    const std::string field = absl::StrCat("resources[", i, "]");
    const absl::StatusOr<ResourceId> id = ParseName(request.resources(i));
    if (!id.ok()) return rpc::BadField(field, id.status().message());
    const std::optional<health::BaselineEntry> entry = monitor.baseline().Find(*id);
    if (!entry.has_value() || entry->missing == nullptr) {
      return rpc::BadField(field, absl::StrCat("\"", request.resources(i), "\" is not missing"));
    }
    resources.push_back(*id);
  }
  const std::vector<registry::UnsettledHost> unsettled = registry.Unsettled({});
  if (!unsettled.empty()) {
    std::map<std::string, std::string> reasons;
    for (const registry::UnsettledHost& host : unsettled) {
      reasons[HostName(host.host)] = host.reason;
    }
    return rpc::WithReason(grpc::StatusCode::FAILED_PRECONDITION,
                           "what is there is not known yet: discovery has not settled; try again "
                           "after sasctl wait --settled",
                           "NOT_SETTLED", reasons);
  }
  absl::StatusOr<health::Monitor::Accepted> accepted;
  call.apart([&] { accepted = monitor.Accept(resources, call.caller.key); });
  if (!accepted.ok()) return rpc::ToGrpc(accepted.status());
  for (const Baseline::Listed& each : accepted->removed) {
    *response->add_removed_entries() = ToProto(each);
  }
  call.apart([&] { registry.WaitForRevision(accepted->revision, kVisible).IgnoreError(); });
  response->set_revision(accepted->revision);
  return grpc::Status::OK;
}

grpc::Status RunDismiss(const sas::v1::DismissRequest& request, const Verb& verb,
                        sas::v1::DismissResponse* response) {
  if (request.reason().empty()) return rpc::BadField("reason", "it is empty; say why");
  if (request.reason().size() > kMaxReason) {
    return rpc::BadField("reason", absl::StrCat("it has ", request.reason().size(),
                                                " bytes; at most ", kMaxReason, " are possible"));
  }
  absl::Duration duration = absl::InfiniteDuration();
  if (request.has_duration()) {
    duration =
        absl::Seconds(request.duration().seconds()) + absl::Nanoseconds(request.duration().nanos());
    if (duration <= absl::ZeroDuration() || duration > kMaxDuration) {
      return rpc::BadField("duration", "it must be positive, and a year at most");
    }
  }
  ResourceId id;
  if (grpc::Status s = FindObject(request.object(), verb, &id); !s.ok()) return s;
  absl::StatusOr<health::Monitor::Dismissed> dismissed;
  verb.call.apart([&] {
    dismissed = verb.monitor.Dismiss(id, request.reason(), duration, verb.call.caller.key);
  });
  if (!dismissed.ok()) return rpc::ToGrpc(dismissed.status());
  *response->mutable_dismissal() = ToProto(*dismissed->dismissal);
  verb.call.apart(
      [&] { verb.registry.WaitForRevision(dismissed->revision, kVisible).IgnoreError(); });
  response->set_revision(dismissed->revision);
  return grpc::Status::OK;
}

grpc::Status RunUndismiss(const sas::v1::UndismissRequest& request, const Verb& verb,
                          sas::v1::UndismissResponse* response) {
  ResourceId id;
  const absl::string_view object = absl::StripPrefix(request.object(), "dismissals/");
  // A dismissal may outlive what is known of its object.
  const absl::StatusOr<ResourceId> named = ParseName(object);
  if (named.ok()) {
    id = *named;
  } else if (grpc::Status s = FindObject(std::string(object), verb, &id); !s.ok()) {
    return s;
  }
  absl::StatusOr<health::Monitor::Dismissed> ended;
  verb.call.apart([&] { ended = verb.monitor.Undismiss(id, verb.call.caller.key); });
  if (!ended.ok()) return rpc::ToGrpc(ended.status());
  *response->mutable_dismissal() = ToProto(*ended->dismissal);
  verb.call.apart([&] { verb.registry.WaitForRevision(ended->revision, kVisible).IgnoreError(); });
  response->set_revision(ended->revision);
  return grpc::Status::OK;
}

}  // namespace

#define SASD_METHOD(NAME) "sas.v1.BaselineService/" #NAME

// On the pool: a verb waits for the disk, and for its event.
grpc::ServerUnaryReactor* BaselineService::ListBaseline(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* bytes,
                                                        grpc::ByteBuffer* answer) {
  using Request = sas::v1::ListBaselineRequest;
  using Response = sas::v1::ListBaselineResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(ListBaseline), bytes, answer,
      [this](const AdmittedCall&, const Request& request, Response* response) {
        return FillBaseline(request, registry_, monitor_, response);
      });
}

grpc::ServerUnaryReactor* BaselineService::AcceptBaseline(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* bytes,
                                                          grpc::ByteBuffer* answer) {
  using Request = sas::v1::AcceptBaselineRequest;
  using Response = sas::v1::AcceptBaselineResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(AcceptBaseline), bytes, answer,
      [this](const AdmittedCall& call, const Request& request, Response* response) {
        return Accept(request, registry_, monitor_, call, response);
      });
}

grpc::ServerUnaryReactor* BaselineService::Dismiss(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* answer) {
  using Request = sas::v1::DismissRequest;
  using Response = sas::v1::DismissResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(Dismiss), bytes, answer,
      [this](const AdmittedCall& call, const Request& request, Response* response) {
        return RunDismiss(request, {registry_, monitor_, finder_, call}, response);
      });
}

grpc::ServerUnaryReactor* BaselineService::Undismiss(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  using Request = sas::v1::UndismissRequest;
  using Response = sas::v1::UndismissResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(Undismiss), bytes, answer,
      [this](const AdmittedCall& call, const Request& request, Response* response) {
        return RunUndismiss(request, {registry_, monitor_, finder_, call}, response);
      });
}

grpc::ServerUnaryReactor* BaselineService::ListDismissals(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* bytes,
                                                          grpc::ByteBuffer* answer) {
  using Request = sas::v1::ListDismissalsRequest;
  using Response = sas::v1::ListDismissalsResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(ListDismissals), bytes, answer,
      [this](const AdmittedCall&, const Request&, Response* response) {
        for (const auto& [resource, dismissal] : monitor_.HoldingDismissals()) {
          *response->add_dismissals() = ToProto(*dismissal);
        }
        return grpc::Status::OK;
      });
}

#undef SASD_METHOD

}  // namespace sasd::service
