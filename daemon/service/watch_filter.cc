#include "daemon/service/watch_filter.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/service/filter_bounds.h"
#include "daemon/service/names.h"
#include "rpc/status.h"

namespace sasd::service {

grpc::Status ReadWatchFilter(const sas::v1::Filter& proto, watch::Filter* filter) {
  if (grpc::Status s = CheckBounds(proto); !s.ok()) return s;
  if (proto.conditions_size() > 0) {
    return rpc::BadField("filter.conditions",
                         "events take no conditions yet; filter them by kinds and hosts");
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
  std::vector<SasAddress> hosts;
  for (int i = 0; i < proto.hosts_size(); ++i) {
    const absl::StatusOr<SasAddress> host = ParseHostName(proto.hosts(i));
    if (!host.ok()) {
      return rpc::BadField(absl::StrCat("filter.hosts[", i, "]"), host.status().message());
    }
    hosts.push_back(*host);
  }
  *filter = watch::Filter(kinds, hosts);
  return grpc::Status::OK;
}

}  // namespace sasd::service
