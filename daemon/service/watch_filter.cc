#include "daemon/service/watch_filter.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/service/behind_states.h"
#include "daemon/service/event_view.h"
#include "daemon/service/filter_bounds.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/names.h"
#include "rpc/status.h"
#include "sas/v1/resources.pb.h"

namespace sasd::service {
namespace {

class ContentConditions final : public watch::Conditions {
 public:
  ContentConditions(ConditionsByKind by_kind, bool is_heavy)
      : by_kind_(std::move(by_kind)), is_heavy_(is_heavy) {}

  bool PassesKind(registry::ResourceKind kind) const override {
    return Of(kind).message != nullptr;
  }
  bool is_heavy() const override { return is_heavy_; }
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
  const bool is_heavy_;
};

// A pattern takes a nanosecond or so for each of its words of 64 bytes and each byte of a text.
bool IsHeavy(const sas::v1::Filter& filter) {
  constexpr int kConditions = 8;
  constexpr size_t kPatternBytes = 256;
  return filter.conditions_size() > kConditions || PatternBytesOf(filter) > kPatternBytes;
}

// Of those kinds, what is behind some objects and fulfils the conditions. It looks at expanders and
// end devices also where they are not among the kinds, to learn who hangs where.
class BehindConditions final : public watch::Conditions {
 public:
  // `kinds`: a bit each; 0: all. `conditions` may be null.
  BehindConditions(uint32_t kinds, std::shared_ptr<BehindStates> behind,
                   std::shared_ptr<const watch::Conditions> conditions)
      : kinds_(kinds), behind_(std::move(behind)), conditions_(std::move(conditions)) {}

  bool PassesKind(registry::ResourceKind kind) const override {
    return Wants(kind) || kind == registry::ResourceKind::kExpander ||
           kind == registry::ResourceKind::kEndDevice;
  }
  bool is_heavy() const override { return conditions_ != nullptr && conditions_->is_heavy(); }
  bool Passes(const registry::ResourceRef& resource) const override {
    return behind_->Passes(resource) && Wants(registry::KindOf(resource)) &&
           (conditions_ == nullptr || conditions_->Passes(resource));
  }
  bool Passes(registry::ResourceKind kind, const google::protobuf::Message& state) const override {
    return behind_->Passes(kind, state) && Wants(kind) &&
           (conditions_ == nullptr || conditions_->Passes(kind, state));
  }

 private:
  bool Wants(registry::ResourceKind kind) const {
    return (kinds_ == 0 || (kinds_ & 1u << static_cast<unsigned>(kind)) != 0) &&
           (conditions_ == nullptr || conditions_->PassesKind(kind));
  }

  const uint32_t kinds_;
  const std::shared_ptr<BehindStates> behind_;  // synchronizes itself
  const std::shared_ptr<const watch::Conditions> conditions_;
};

// The last known states of expanders, end devices and drives that are gone.
grpc::Status ReadRemoved(const BehindScope& scope, std::vector<sas::v1::Resource>* removed) {
  const absl::Status status = scope.reader->VisitRemoved(
      [removed, &scope](const RemovedState& state) {
        sas::v1::Resource resource;
        if (!resource.ParseFromArray(state.resource.data(),
                                     static_cast<int>(state.resource.size()))) {
          return;
        }
        const absl::StatusOr<registry::ResourceId> id = ParseName(state.name);
        if (!id.ok() || !registry::IsNull(scope.topology.Get(*id))) return;  // it came back
        const bool tells =
            resource.has_expander() || resource.has_end_device() || resource.has_logical_unit();
        if (tells) removed->push_back(std::move(resource));
      },
      scope.cancelled);
  return rpc::ToGrpc(status);
}

grpc::Status ReadBehindStates(const sas::v1::Filter& proto, const BehindScope& scope,
                              std::shared_ptr<BehindStates>* behind) {
  std::vector<sas::v1::Resource> removed;
  if (scope.reader != nullptr) {
    if (grpc::Status s = ReadRemoved(scope, &removed); !s.ok()) return s;
  }
  return BehindStates::Make(proto.behind(), "filter.behind", scope.topology,
                            scope.reader == nullptr ? nullptr : &removed, behind, scope.cancelled);
}

}  // namespace

grpc::Status ReadWatchFilter(const sas::v1::Filter& proto, const BehindScope& scope,
                             watch::Filter* filter, std::shared_ptr<watch::EventViews> views) {
  const size_t max_pattern_bytes = scope.is_of_watch ? kMaxWatchPatternBytes : kMaxPatternBytes;
  if (grpc::Status s = CheckBounds(proto, max_pattern_bytes); !s.ok()) return s;
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
    conditions = std::make_shared<const ContentConditions>(std::move(by_kind), IsHeavy(proto));
  }
  if (!proto.behind().empty()) {
    std::shared_ptr<BehindStates> behind;
    if (grpc::Status s = ReadBehindStates(proto, scope, &behind); !s.ok()) return s;
    uint32_t mask = 0;
    for (const registry::ResourceKind kind : kinds) mask |= 1u << static_cast<unsigned>(kind);
    kinds.clear();
    conditions =
        std::make_shared<const BehindConditions>(mask, std::move(behind), std::move(conditions));
  }
  if (views == nullptr) views = std::make_shared<RecentEventViews>();
  *filter = watch::Filter(kinds, hosts, std::move(conditions), std::move(views));
  return grpc::Status::OK;
}

}  // namespace sasd::service
