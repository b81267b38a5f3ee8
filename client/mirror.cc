#include "client/mirror.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/resource_name.h"

namespace sasd::client {
namespace {

absl::Status Broken(absl::string_view what, absl::string_view name) {
  return absl::FailedPreconditionError(absl::StrCat(what, " ", name));
}

}  // namespace

Mirror::ResourcePtr Mirror::Find(absl::string_view name) const {
  absl::MutexLock lock(&mu_);
  const auto at = resources_.find(name);
  return at == resources_.end() ? nullptr : at->second;
}

Mirror::Resources Mirror::All() const {
  absl::MutexLock lock(&mu_);
  return resources_;
}

int64_t Mirror::revision() const {
  absl::MutexLock lock(&mu_);
  return revision_;
}

bool Mirror::WaitForRevision(int64_t revision, absl::Duration timeout) const {
  absl::MutexLock lock(&mu_);
  const auto reached = [this, revision]()
                           ABSL_SHARED_LOCKS_REQUIRED(mu_) { return revision_ >= revision; };
  return mu_.AwaitWithTimeout(absl::Condition(&reached), timeout);
}

absl::Status Mirror::OnSnapshotBegin(int64_t /*revision*/) {
  arriving_.clear();
  in_snapshot_ = true;
  return absl::OkStatus();
}

absl::Status Mirror::OnResource(const sas::v1::Resource& resource) {
  const auto [at, is_new] =
      arriving_.emplace(NameOf(resource), std::make_shared<const sas::v1::Resource>(resource));
  if (is_new) return absl::OkStatus();
  return Broken("resource is twice in a snapshot:", at->first);
}

absl::Status Mirror::OnSynced(int64_t revision) {
  absl::MutexLock lock(&mu_);
  if (std::exchange(in_snapshot_, false)) resources_ = std::exchange(arriving_, {});
  revision_ = revision;
  return absl::OkStatus();
}

absl::Status Mirror::OnEvent(const sas::v1::Event& event) {
  absl::MutexLock lock(&mu_);
  for (const sas::v1::Change& change : event.changes()) {
    if (absl::Status s = ApplyChange(change); !s.ok()) {
      return Broken(s.message(), absl::StrCat("in revision ", event.revision()));
    }
  }
  revision_ = event.revision();
  return absl::OkStatus();
}

absl::Status Mirror::ApplyChange(const sas::v1::Change& change) {
  const std::string& name = NameOf(change.resource());
  const auto at = resources_.find(name);
  const bool is_there = at != resources_.end();
  switch (change.kind()) {
    case sas::v1::CHANGE_KIND_ADDED:
      if (is_there) return Broken("ADDED an existing resource:", name);
      resources_.emplace(name, std::make_shared<const sas::v1::Resource>(change.resource()));
      return absl::OkStatus();
    case sas::v1::CHANGE_KIND_MODIFIED:
      if (!is_there) return Broken("MODIFIED a missing resource:", name);
      at->second = std::make_shared<const sas::v1::Resource>(change.resource());
      return absl::OkStatus();
    case sas::v1::CHANGE_KIND_REMOVED:
      if (!is_there) return Broken("REMOVED a missing resource:", name);
      resources_.erase(at);
      return absl::OkStatus();
    default:
      return Broken("a change without a kind:", name);
  }
}

}  // namespace sasd::client
