#include "daemon/service/topology_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/convert.h"
#include "daemon/service/errors.h"
#include "daemon/service/field_sources.h"
#include "daemon/service/history_objects.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/list_page.h"
#include "daemon/service/names.h"
#include "daemon/service/resource_finder.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::Topology;

// A page of the resources of kind T that pass the request's filter.
template <typename T, typename Request, typename Response, typename Add>
grpc::Status ListMatching(const Topology& topology, const Request& request, Response* response,
                          Add add, Cancelled cancelled) {
  Predicate<T> matches;
  if (grpc::Status s = ReadFilter(request.filter(), topology, &matches); !s.ok()) return s;
  return ListPage<T>(topology, request, &request.filter(), matches, response, add, cancelled);
}

// `mutable_out` gives the response's field.
template <typename T, typename Request, typename Response, typename MutableOut>
grpc::Status GetOne(const registry::Registry& registry, const Request& request, Response* response,
                    MutableOut mutable_out) {
  if (grpc::Status s = CheckView(request.view()); !s.ok()) return s;
  typename T::Key key;
  if (grpc::Status s = ReadKey<T>("name", request.name(), &key); !s.ok()) return s;
  const std::shared_ptr<const Topology> topology = registry.Snapshot();
  const T* found = topology->collection<T>().Find(key);
  if (found == nullptr) {
    return ResourceNotFound(request.name(), registry.LastRemoval(registry::MakeId<T>(key)));
  }
  auto* out = mutable_out(response);
  ToProto(*found, out);
  if (request.view() == sas::v1::VIEW_BASIC) TrimToBasic(out);
  response->set_revision(topology->revision());
  return grpc::Status::OK;
}

grpc::Status ReadKinds(const sas::v1::FindResourcesRequest& request,
                       std::vector<registry::ResourceKind>* kinds) {
  for (int i = 0; i < request.kinds_size(); ++i) {
    if (request.kinds(i) == 0 || !sas::v1::ResourceKind_IsValid(request.kinds(i))) {
      return rpc::BadField(absl::StrCat("kinds[", i, "]"),
                           absl::StrCat(request.kinds(i), " is no kind of resource"));
    }
    kinds->push_back(static_cast<registry::ResourceKind>(request.kinds(i)));
  }
  return grpc::Status::OK;
}

// What is there. `response` has no resources if nothing was found.
grpc::Status FillFound(const sas::v1::FindResourcesRequest& request,
                       const std::shared_ptr<const Topology>& topology, ResourceFinder& finder,
                       sas::v1::FindResourcesResponse* response, Cancelled cancelled) {
  if (request.query().empty()) return rpc::BadField("query", "it is empty; give what to look for");
  std::vector<registry::ResourceKind> kinds;
  if (grpc::Status s = ReadKinds(request, &kinds); !s.ok()) return s;
  const FoundResources found = finder.Find(topology, request.query(), kinds, cancelled);
  if (cancelled()) return CancelledStatus();
  for (const registry::ResourceRef& ref : found.resources) {
    ToProto(ref, response->add_resources());
  }
  for (const std::string& suggestion : found.suggestions) response->add_suggestions(suggestion);
  response->set_revision(topology->revision());
  return grpc::Status::OK;
}

// The time and cause of a removal, if the history still has its event.
void AddRemoval(const HistoryReader& history, int64_t revision, sas::v1::RemovedResource* removed) {
  removed->set_remove_revision(revision);
  HistoryQuery query;
  query.after = revision - 1;
  query.until = revision + 1;
  const absl::StatusOr<HistoryPage> page = history.Read(query);
  if (!page.ok() || page->events.empty()) return;
  const absl::string_view bytes = page->events[0]->header();
  sas::v1::Event header;
  header.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  *removed->mutable_remove_time() = header.time();
  *removed->mutable_cause() = header.cause();
}

// What was there and is gone.
grpc::Status FillRemoved(const sas::v1::FindResourcesRequest& request,
                         const registry::Registry& registry, const HistoryReader& history,
                         const ResourceFinder& finder, sas::v1::FindResourcesResponse* response,
                         Cancelled cancelled) {
  std::vector<registry::ResourceKind> kinds;
  if (grpc::Status s = ReadKinds(request, &kinds); !s.ok()) return s;
  const std::shared_ptr<const Topology> topology = registry.Snapshot();
  const std::string query = finder.WithoutAlias(request.query());
  const auto removed = FindRemoved(query, kinds, *topology, history, cancelled);
  if (!removed.ok()) return rpc::ToGrpc(removed.status());
  for (const RemovedObject& object : *removed) {
    sas::v1::RemovedResource* const out = response->add_removed_resources();
    *out->mutable_last_known() = object.last_known;
    AddRemoval(history, object.revision, out);
  }
  if (!removed->empty()) {
    response->clear_suggestions();
    return grpc::Status::OK;
  }
  // A name of something that was there says when it went.
  const absl::StatusOr<registry::ResourceId> id = ParseName(request.query());
  const auto removal = id.ok() ? registry.LastRemoval(*id) : std::nullopt;
  return removal.has_value() ? ResourceNotFound(request.query(), removal) : grpc::Status::OK;
}

grpc::Status FillFieldSources(const sas::v1::ListFieldSourcesRequest& request,
                              const registry::Registry& registry,
                              sas::v1::ListFieldSourcesResponse* response) {
  const absl::StatusOr<registry::ResourceId> id = ParseName(request.name());
  if (!id.ok()) return rpc::BadField("name", id.status().message());
  const std::shared_ptr<const Topology> topology = registry.Snapshot();
  const registry::ResourceRef found = topology->Get(*id);
  if (registry::IsNull(found)) return ResourceNotFound(request.name(), registry.LastRemoval(*id));
  AddFieldSources(found, topology->sources(), response);
  response->set_revision(topology->revision());
  return grpc::Status::OK;
}

}  // namespace

#define SASD_METHOD(NAME) "sas.v1.TopologyService/" #NAME

#define SASD_LIST(PLURAL, SINGULAR, ADD)                                                        \
  grpc::ServerUnaryReactor* TopologyService::List##PLURAL(grpc::CallbackServerContext* context, \
                                                          const grpc::ByteBuffer* bytes,        \
                                                          grpc::ByteBuffer* answer) {           \
    using Request = sas::v1::List##PLURAL##Request;                                             \
    using Response = sas::v1::List##PLURAL##Response;                                           \
    return calls_.Run<Request, Response>(                                                       \
        context, SASD_METHOD(List##PLURAL), bytes, answer,                                      \
        [this](const AdmittedCall& call, const Request& request, Response* response) {          \
          return ListMatching<registry::SINGULAR>(                                              \
              *registry_.Snapshot(), request, response, [](auto* r) { return r->ADD(); },       \
              call.cancelled);                                                                  \
        });                                                                                     \
  }
SASD_LIST(Hosts, Host, add_hosts)
SASD_LIST(Phys, Phy, add_phys)
SASD_LIST(Ports, Port, add_ports)
SASD_LIST(Expanders, Expander, add_expanders)
SASD_LIST(EndDevices, EndDevice, add_end_devices)
SASD_LIST(LogicalUnits, LogicalUnit, add_logical_units)
SASD_LIST(Enclosures, Enclosure, add_enclosures)
SASD_LIST(Slots, Slot, add_slots)
#undef SASD_LIST

#define SASD_GET(SINGULAR, MUTABLE)                                                         \
  grpc::ServerUnaryReactor* TopologyService::Get##SINGULAR(                                 \
      grpc::CallbackServerContext* context, const sas::v1::Get##SINGULAR##Request* request, \
      sas::v1::Get##SINGULAR##Response* response) {                                         \
    return calls_.Answer(context, SASD_METHOD(Get##SINGULAR), request,                      \
                         [this, request, response](const AdmittedCall&) {                   \
                           return GetOne<registry::SINGULAR>(                               \
                               registry_, *request, response,                               \
                               [](auto* r) { return r->MUTABLE(); });                       \
                         });                                                                \
  }
SASD_GET(Host, mutable_host)
SASD_GET(Phy, mutable_phy)
SASD_GET(Port, mutable_port)
SASD_GET(Expander, mutable_expander)
SASD_GET(EndDevice, mutable_end_device)
SASD_GET(LogicalUnit, mutable_logical_unit)
SASD_GET(Enclosure, mutable_enclosure)
SASD_GET(Slot, mutable_slot)
#undef SASD_GET

grpc::ServerUnaryReactor* TopologyService::FindResources(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* bytes,
                                                         grpc::ByteBuffer* answer) {
  using Request = sas::v1::FindResourcesRequest;
  using Response = sas::v1::FindResourcesResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(FindResources), bytes, answer,
      [this](const AdmittedCall& call, const Request& request, Response* response) {
        const grpc::Status status =
            FillFound(request, registry_.Snapshot(), finder_, response, call.cancelled);
        if (!status.ok() || !response->resources().empty()) return status;
        return FillRemoved(request, registry_, history_, finder_, response, call.cancelled);
      });
}

grpc::ServerUnaryReactor* TopologyService::ListFieldSources(
    grpc::CallbackServerContext* context, const sas::v1::ListFieldSourcesRequest* request,
    sas::v1::ListFieldSourcesResponse* response) {
  return calls_.Answer(context, SASD_METHOD(ListFieldSources), request,
                       [this, request, response](const AdmittedCall&) {
                         return FillFieldSources(*request, registry_, response);
                       });
}

#undef SASD_METHOD

}  // namespace sasd::service
