#ifndef DAEMON_SERVICE_LIST_PAGE_H_
#define DAEMON_SERVICE_LIST_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/registry/topology.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/convert.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/names.h"
#include "grpcpp/support/status.h"
#include "rpc/page.h"
#include "rpc/status.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::service {

// Error: BadField("view") for what is no View.
inline grpc::Status CheckView(int view) {
  if (sas::v1::View_IsValid(view)) return grpc::Status::OK;
  return rpc::BadField("view", absl::StrCat(view, " is not a value of this enumeration"));
}

// Reads a name of a resource of kind T. Errors: BadField(`field`).
template <typename T>
grpc::Status ReadKey(absl::string_view field, absl::string_view name, typename T::Key* key) {
  const absl::StatusOr<registry::ResourceId> id = ParseName(name);
  if (!id.ok()) return rpc::BadField(field, id.status().message());
  const auto* typed = std::get_if<registry::IndexOf<T>()>(&*id);
  if (typed == nullptr) {
    return rpc::BadField(field, absl::StrCat("\"", name, "\" names another kind of resource"));
  }
  *key = *typed;
  return grpc::Status::OK;
}

// A page of the resources of kind T that match: those after the one that the page token names.
// `add` appends an empty message to the response and returns it. With a filter, one pass over all
// resources of the kind, each of which is matched once; otherwise O(page). Errors: BadField for
// view, page_size or page_token; CancelledStatus(), with a response that means nothing.
template <typename T, typename Request, typename Response, typename Add>
grpc::Status ListPage(const registry::Topology& topology, const Request& request,
                      const google::protobuf::Message* filter, const Predicate<T>& matches,
                      Response* response, Add add, Cancelled cancelled = NeverCancelled) {
  if (grpc::Status s = CheckView(request.view()); !s.ok()) return s;
  size_t page_size = 0;
  if (grpc::Status s = rpc::ReadPageSize(request.page_size(), &page_size); !s.ok()) return s;

  const registry::CowMap<T>& all = topology.collection<T>();
  const bool everything = filter == nullptr || filter->ByteSizeLong() == 0;
  auto first = all.begin();  // of the page
  if (!request.page_token().empty()) {
    std::string last;
    if (grpc::Status s = rpc::ReadPageToken(request.page_token(), filter, &last); !s.ok()) return s;
    typename T::Key key;
    if (grpc::Status s = ReadKey<T>("page_token", last, &key); !s.ok()) return s;
    first = all.UpperBound(key);
  }

  CancelledCheck is_cancelled(cancelled);
  const T* last = nullptr;
  size_t count = 0, total = 0;
  bool in_page = false;
  for (auto it = everything ? first : all.begin(); it != all.end(); ++it) {
    if (is_cancelled()) return CancelledStatus();
    in_page = in_page || it == first;
    if (!everything && !matches(**it)) continue;
    ++total;
    if (!in_page) continue;
    if (count == page_size) {
      if (response->next_page_token().empty()) {
        response->set_next_page_token(
            rpc::MakePageToken(NameOf(registry::MakeId<T>(last->key())), filter));
      }
      if (everything) break;
      continue;
    }
    auto* out = add(response);
    ToProto(**it, out);
    if (request.view() != sas::v1::VIEW_FULL) TrimToBasic(out);
    last = it->get();
    ++count;
  }
  response->set_total_size(static_cast<int32_t>(everything ? all.size() : total));
  response->set_revision(topology.revision());
  return grpc::Status::OK;
}

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_LIST_PAGE_H_
