#include "daemon/service/watch_filter.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/service/event_view.h"
#include "daemon/service/filter_bounds.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/names.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

class ContentConditions final : public watch::Conditions {
 public:
  explicit ContentConditions(ConditionsByKind by_kind) : by_kind_(std::move(by_kind)) {}

  bool PassesKind(registry::ResourceKind kind) const override {
    return Of(kind).message != nullptr;
  }
  bool Passes(const registry::ResourceRef& resource) const override {
    return Of(registry::KindOf(resource)).resource(resource);
  }
  bool Passes(registry::ResourceKind kind, const google::protobuf::Message& state) const override {
    return Of(kind).message(state);
  }

 private:
  const KindConditions& Of(registry::ResourceKind kind) const {
    return by_kind_[static_cast<size_t>(kind) - 1];
  }

  const ConditionsByKind by_kind_;
};

}  // namespace

grpc::Status ReadWatchFilter(const sas::v1::Filter& proto, watch::Filter* filter,
                             std::shared_ptr<watch::EventViews> views) {
  if (grpc::Status s = CheckBounds(proto); !s.ok()) return s;
  if (!proto.behind().empty()) {
    return rpc::BadField("filter.behind",
                         "only lists take it: what hung below an object at the time of an event is "
                         "not known later");
  }
  std::vector<registry::ResourceKind> kinds;
  for (int i = 0; i < proto.kinds_size(); ++i) {
    const int kind = proto.kinds(i);
    if (kind == sas::v1::RESOURCE_KIND_UNSPECIFIED || !sas::v1::ResourceKind_IsValid(kind)) {
      return rpc::BadField(absl::StrCat("filter.kinds[", i, "]"),
                           absl::StrCat(kind, " is not a resource kind"));
    }
    kinds.push_back(static_cast<registry::ResourceKind>(kind));  // the numbers are equal
  }
  std::vector<HostKey> hosts;
  for (int i = 0; i < proto.hosts_size(); ++i) {
    const absl::StatusOr<HostKey> host = ParseHostName(proto.hosts(i));
    if (!host.ok()) {
      return rpc::BadField(absl::StrCat("filter.hosts[", i, "]"), host.status().message());
    }
    hosts.push_back(*host);
  }
  std::shared_ptr<const watch::Conditions> conditions;
  if (proto.conditions_size() > 0) {
    ConditionsByKind by_kind;
    if (grpc::Status s = ReadConditions(proto, &by_kind); !s.ok()) return s;
    conditions = std::make_shared<const ContentConditions>(std::move(by_kind));
  }
  if (views == nullptr) views = std::make_shared<RecentEventViews>();
  *filter = watch::Filter(kinds, hosts, std::move(conditions), std::move(views));
  return grpc::Status::OK;
}

}  // namespace sasd::service
