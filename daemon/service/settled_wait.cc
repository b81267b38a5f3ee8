#include "daemon/service/settled_wait.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/registry/registry.h"
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

void SettledWait::Start(watch::WatchLog& log, absl::Time deadline) {
  const std::weak_ptr<SettledWait> self = weak_from_this();
  {
    absl::MutexLock lock(&mu_);
    if (!ended_) cursor_ = log.Subscribe(self);
    if (!ended_ && deadline != absl::InfiniteFuture()) {
      alarm_.Set(absl::ToChronoTime(deadline), [self](bool in_time) {
        if (const auto wait = in_time ? self.lock() : nullptr) wait->OnDeadline();
      });
    }
  }
  OnReady();
}

void SettledWait::CatchUp() {
  while (true) {
    switch (cursor_->Next(std::numeric_limits<size_t>::max(), std::numeric_limits<size_t>::max())
                .state) {
      case watch::Cursor::Batch::State::kEvents:
        break;
      case watch::Cursor::Batch::State::kArchived:  // of no use to it
      case watch::Cursor::Batch::State::kFellBehind:
        cursor_->BeginSnapshot();
        cursor_->EndSnapshot();
        break;
      case watch::Cursor::Batch::State::kAtEnd:
        return;
    }
  }
}

void SettledWait::OnReady() {
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    CatchUp();
    if (!registry_.Unsettled(hosts_).empty()) return;
    ended_ = true;
    Fill(*registry_.Snapshot(), hosts_, response_);
  }
  Finish(grpc::Status::OK);
}

void SettledWait::OnDeadline() {
  std::vector<registry::UnsettledHost> unsettled;
  {
    absl::MutexLock lock(&mu_);
    unsettled = registry_.Unsettled(hosts_);
  }
  End(NotSettled(unsettled));
}

void SettledWait::OnCancel() {
  End(grpc::Status(grpc::StatusCode::CANCELLED, "the caller has gone"));
}

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
    cursor_.reset();
  }
  service_.Forget(this);
}

}  // namespace sasd::service
