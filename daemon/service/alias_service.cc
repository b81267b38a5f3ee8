#include "daemon/service/alias_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/convert.h"
#include "daemon/service/errors.h"
#include "daemon/service/names.h"
#include "rpc/page.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::ResourceId;
using registry::ResourceKind;
using registry::ResourceRef;
using registry::Topology;

// What the answer waits for the event of the verb at most. The verb holds either way.
constexpr absl::Duration kVisible = absl::Seconds(5);

sas::v1::Alias ToProto(const AliasBook::Entry& entry, const Topology& topology) {
  sas::v1::Alias out;
  out.set_resource(NameOf(entry.resource));
  out.set_alias(entry.alias);
  out.set_origin(entry.in_file ? sas::v1::ALIAS_ORIGIN_FILE : sas::v1::ALIAS_ORIGIN_SET);
  out.set_present(!registry::IsNull(topology.Get(entry.resource)));
  out.set_refusal(entry.refusal);
  out.set_author(entry.author);
  if (!entry.in_file) SetTime(entry.set_time, out.mutable_set_time());
  return out;
}

// Where an entry stands in the list.
std::string Position(const sas::v1::Alias& alias) {
  return absl::StrCat(alias.resource(), " ",
                      alias.origin() == sas::v1::ALIAS_ORIGIN_FILE ? "1" : "2");
}

grpc::Status FillAliases(const sas::v1::ListAliasesRequest& request, const AliasBook& book,
                         const Topology& topology, sas::v1::ListAliasesResponse* response) {
  size_t page_size = 0;
  if (grpc::Status s = rpc::ReadPageSize(request.page_size(), &page_size); !s.ok()) return s;
  std::string after;
  if (!request.page_token().empty()) {
    grpc::Status s = rpc::ReadPageToken(request.page_token(), nullptr, &after);
    if (!s.ok()) return s;
  }
  std::vector<sas::v1::Alias> all;
  for (const AliasBook::Entry& entry : book.List()) all.push_back(ToProto(entry, topology));
  std::sort(all.begin(), all.end(), [](const sas::v1::Alias& a, const sas::v1::Alias& b) {
    return Position(a) < Position(b);
  });
  response->set_total_size(static_cast<int32_t>(all.size()));
  std::string last;
  for (const sas::v1::Alias& alias : all) {
    const std::string position = Position(alias);
    if (position <= after) continue;
    if (static_cast<size_t>(response->aliases_size()) == page_size) {
      response->set_next_page_token(rpc::MakePageToken(last, nullptr));
      break;
    }
    *response->add_aliases() = alias;
    last = position;
  }
  return grpc::Status::OK;
}

// What a verb works with.
struct Verb {
  registry::Registry& registry;
  AliasBook& book;
  ResourceFinder& finder;
  Clock& clock;
  const AdmittedCall& call;
};

// The host or enclosure that is there and called so.
grpc::Status FindThere(const std::string& object, const Verb& verb, ResourceId* id) {
  if (object.empty()) return rpc::BadField("object", "it is empty; name a host or an enclosure");
  const std::shared_ptr<const Topology> topology = verb.registry.Snapshot();
  const std::vector<ResourceKind> kinds = {ResourceKind::kHost, ResourceKind::kEnclosure};
  std::vector<ResourceRef> found =
      verb.finder.Find(topology, object, kinds, verb.call.cancelled).resources;
  // A host is an enclosure for its own slots, with its own address.
  if (found.size() > 1) {
    const auto is_host = [](const ResourceRef& ref) {
      return registry::KindOf(ref) == ResourceKind::kHost;
    };
    if (std::count_if(found.begin(), found.end(), is_host) == 1) {
      found = {*std::find_if(found.begin(), found.end(), is_host)};
    }
  }
  if (found.size() == 1) {
    *id = registry::IdOf(found.front());
    return grpc::Status::OK;
  }
  if (found.empty()) {
    const FoundResources any = verb.finder.Find(topology, object, {}, verb.call.cancelled);
    if (verb.call.cancelled()) return CancelledStatus();
    if (any.resources.empty()) return ObjectNotFound(object, any.suggestions);
    return rpc::BadField(
        "object", absl::StrCat("\"", object, "\" is ", NameOf(registry::IdOf(any.resources[0])),
                               "; only hosts and enclosures have aliases"));
  }
  std::vector<std::string> names;
  for (const ResourceRef& ref : found) {
    if (names.size() == 5) break;
    names.push_back(NameOf(registry::IdOf(ref)));
  }
  return rpc::BadField("object",
                       absl::StrCat("\"", object, "\" means ", found.size(),
                                    " objects; use the name of one: ", absl::StrJoin(names, ", ")));
}

grpc::Status RunSet(const sas::v1::SetAliasRequest& request, const Verb& verb,
                    sas::v1::SetAliasResponse* response) {
  ResourceId id;
  if (grpc::Status s = FindThere(request.object(), verb, &id); !s.ok()) return s;
  AliasBook::Changed changed;
  grpc::Status status = verb.book.Set(id, request.alias(), verb.call.caller.key, verb.registry,
                                      verb.clock.Now(), &changed);
  if (!status.ok()) return status;
  verb.call.apart([&] { verb.registry.WaitForRevision(changed.revision, kVisible).IgnoreError(); });
  *response->mutable_alias() = ToProto(changed.entry, *verb.registry.Snapshot());
  response->set_revision(changed.revision);
  return grpc::Status::OK;
}

grpc::Status RunRemove(const sas::v1::RemoveAliasRequest& request, const Verb& verb,
                       sas::v1::RemoveAliasResponse* response) {
  // The object need not be there.
  ResourceId id;
  const absl::StatusOr<ResourceId> named = ParseName(request.object());
  if (named.ok()) {
    id = *named;
  } else if (const std::optional<ResourceId> called = verb.book.Find(request.object())) {
    id = *called;
  } else if (grpc::Status s = FindThere(request.object(), verb, &id); !s.ok()) {
    return s;
  }
  AliasBook::Changed changed;
  grpc::Status status = verb.book.Remove(id, request.object(), verb.call.caller.key, verb.registry,
                                         verb.clock.Now(), &changed);
  if (!status.ok()) return status;
  verb.call.apart([&] { verb.registry.WaitForRevision(changed.revision, kVisible).IgnoreError(); });
  *response->mutable_alias() = ToProto(changed.entry, *verb.registry.Snapshot());
  response->set_revision(changed.revision);
  return grpc::Status::OK;
}

}  // namespace

#define SASD_METHOD(NAME) "sas.v1.AliasService/" #NAME

// On the pool: a verb waits for the disk, and for its event.
grpc::ServerUnaryReactor* AliasService::ListAliases(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  using Request = sas::v1::ListAliasesRequest;
  using Response = sas::v1::ListAliasesResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(ListAliases), bytes, answer,
      [this](const AdmittedCall&, const Request& request, Response* response) {
        return FillAliases(request, book_, *registry_.Snapshot(), response);
      });
}

grpc::ServerUnaryReactor* AliasService::SetAlias(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* bytes,
                                                 grpc::ByteBuffer* answer) {
  using Request = sas::v1::SetAliasRequest;
  using Response = sas::v1::SetAliasResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(SetAlias), bytes, answer,
      [this](const AdmittedCall& call, const Request& request, Response* response) {
        return RunSet(request, {registry_, book_, finder_, clock_, call}, response);
      });
}

grpc::ServerUnaryReactor* AliasService::RemoveAlias(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* answer) {
  using Request = sas::v1::RemoveAliasRequest;
  using Response = sas::v1::RemoveAliasResponse;
  return calls_.Run<Request, Response>(
      context, SASD_METHOD(RemoveAlias), bytes, answer,
      [this](const AdmittedCall& call, const Request& request, Response* response) {
        return RunRemove(request, {registry_, book_, finder_, clock_, call}, response);
      });
}

#undef SASD_METHOD

}  // namespace sasd::service
