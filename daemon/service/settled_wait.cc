#include "daemon/service/settled_wait.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/registry/registry.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/convert.h"
#include "daemon/service/errors.h"
#include "daemon/service/node_service.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

constexpr absl::Duration kMaximumTimeout = absl::Hours(1);

void Fill(const registry::Topology& topology, const std::vector<HostKey>& hosts,
          sas::v1::WaitSettledResponse* response) {
  response->set_revision(topology.revision());
  for (const auto& host : topology.collection<registry::Host>()) {
    if (hosts.empty() || std::find(hosts.begin(), hosts.end(), host->key()) != hosts.end()) {
      ToProto(*host, response->add_hosts());
    }
  }
}

}  // namespace

grpc::Status ReadDeadline(const sas::v1::WaitSettledRequest& request, absl::Time now,
                          absl::Time* deadline) {
  *deadline = absl::InfiniteFuture();
  if (!request.has_timeout()) return grpc::Status::OK;
  const absl::Duration timeout =
      absl::Seconds(request.timeout().seconds()) + absl::Nanoseconds(request.timeout().nanos());
  if (timeout < absl::ZeroDuration() || timeout > kMaximumTimeout) {
    return rpc::BadField("timeout",
                         absl::StrCat(absl::FormatDuration(timeout), " is not between 0 and ",
                                      absl::FormatDuration(kMaximumTimeout)));
  }
  *deadline = now + timeout;
  return grpc::Status::OK;
}

void SettledWait::Start(absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  if (ended_ || deadline == absl::InfiniteFuture()) return;
  alarm_.Set(absl::ToChronoTime(deadline), [self = weak_from_this()](bool in_time) {
    if (const auto wait = in_time ? self.lock() : nullptr) wait->OnDeadline();
  });
}

void SettledWait::OnSettled(const registry::Topology& topology) {
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    ended_ = true;
    Fill(topology, hosts_, response_);
  }
  Finish(grpc::Status::OK);
}

void SettledWait::OnDeadline() { End(NotSettled(registry_.Unsettled(hosts_))); }

void SettledWait::OnCancel() { End(CancelledStatus()); }

void SettledWait::End(const grpc::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    ended_ = true;
  }
  Finish(status);
}

void SettledWait::OnDone() {
  {
    absl::MutexLock lock(&mu_);
    alarm_.Cancel();
  }
  service_.Forget(this);
}

}  // namespace sasd::service
