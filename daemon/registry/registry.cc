#include "daemon/registry/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace sasd::registry {
namespace {

// During a batch with more observations, readers get the snapshot from before the batch and do not
// wait. The writer then copies each node that it changes once.
constexpr size_t kLargeBatch = 512;

constexpr size_t kMaxRemovals = 4096;

absl::string_view ToString(DiscoveryState state) {
  switch (state) {
    case DiscoveryState::kIdle:
      return "discovery has not started";
    case DiscoveryState::kInProgress:
      return "discovery is in progress";
    case DiscoveryState::kSettled:
      return "discovery has settled";
    case DiscoveryState::kFailed:
      return "discovery failed";
    case DiscoveryState::kRecovering:
      return "the host is recovering";
  }
  return "discovery is in an unknown state";
}

int64_t IsMoving(const EndDevice* device) {
  if (device == nullptr) return 0;
  const DeviceState state = device->facts.state;
  return state == DeviceState::kDiscovered || state == DeviceState::kAttaching ||
                 state == DeviceState::kRemoving
             ? 1
             : 0;
}

}  // namespace

std::string MakeEpoch(const std::function<uint64_t()>& random) {
  return absl::StrFormat("%016x", random());
}

Registry::Registry(Options options)
    : epoch_(std::move(options.epoch)),
      events_(options.restored ? options.restored->revision : options.start_revision),
      writer_(options.restored
                  ? std::make_unique<Writer>(*std::move(options.restored), *options.sources)
                  : std::make_unique<Writer>(options.start_revision, *options.sources)),
      revision_(writer_->revision()) {
  for (const auto& host : writer_->tables().of<Host>()) FollowHost(nullptr, host.get());
  for (const auto& device : writer_->tables().of<EndDevice>()) FollowDevice(nullptr, device.get());
}

Registry::~Registry() = default;

void Registry::Observe(ObservationBatch batch) {
  const size_t size = batch.observations.size();
  Apply(size, [&](Writer& writer) { return writer.Apply(std::move(batch)); });
  events_.AwaitRoom();
}

void Registry::BeginRestart(absl::Time time) {
  Apply(0, [time](Writer& writer) { return writer.BeginRestart(time); });
}

void Registry::Compare(HostComparison comparison) {
  size_t size = 0;
  for (const ObservationBatch& batch : comparison.batches) size += batch.observations.size();
  Apply(size, [&](Writer& writer) { return writer.Compare(std::move(comparison)); });
  events_.AwaitRoom();
}

template <typename ApplyTo>
void Registry::Apply(size_t observations, ApplyTo apply) {
  absl::MutexLock lock(&write_mu_);
  const bool large = observations > kLargeBatch;
  std::shared_ptr<const Topology> unused;
  if (large) {
    std::shared_ptr<const Topology> before = MakeSnapshot();
    absl::MutexLock snapshot_lock(&snapshot_mu_);
    if (snapshot_ == nullptr) snapshot_ = std::move(before);
  } else {
    absl::MutexLock snapshot_lock(&snapshot_mu_);
    unused = std::move(snapshot_);
  }
  unused.reset();  // the nodes are then not shared, unless a reader has the snapshot
  const RegistryEventPtr event = apply(*writer_);
  if (event != nullptr) return Publish(event);
  // What only the registry knows may have changed.
  absl::MutexLock snapshot_lock(&snapshot_mu_);
  unused = std::move(snapshot_);
}

void Registry::Publish(const RegistryEventPtr& event) {
  std::shared_ptr<const Topology> outdated;
  {
    absl::MutexLock lock(&snapshot_mu_);
    outdated = std::move(snapshot_);
    snapshot_ = nullptr;
  }
  // Before the event is visible: a waiter that an event wakes and that finds the hosts unsettled is
  // not woken again.
  {
    absl::MutexLock lock(&progress_mu_);
    revision_ = event->revision;
    if (event->cause.kind == CauseKind::kResync) lost_events_ += event->cause.lost_events;
    FollowHosts(*event);
    RememberRemovals(*event);
  }
  events_.Push(event);
}

void Registry::FollowHosts(const RegistryEvent& event) {
  for (const Change& change : event.changes) {
    if (const auto* device = std::get_if<IndexOf<EndDevice>()>(&change.after)) {
      FollowDevice(std::get<IndexOf<EndDevice>()>(change.before).get(), device->get());
    } else if (const auto* host = std::get_if<IndexOf<Host>()>(&change.after)) {
      FollowHost(std::get<IndexOf<Host>()>(change.before).get(), host->get());
    }
  }
  absl::erase_if(hosts_,
                 [](const auto& entry) { return !entry.second.known && entry.second.moving == 0; });
}

void Registry::FollowDevice(const EndDevice* before, const EndDevice* after) {
  const int64_t difference = IsMoving(after) - IsMoving(before);
  if (difference == 0) return;
  hosts_[(after != nullptr ? after : before)->key().host].moving += difference;
}

void Registry::FollowHost(const Host* before, const Host* after) {
  HostProgress& progress = hosts_[(after != nullptr ? after : before)->key()];
  progress.known = after != nullptr;
  if (after == nullptr) return;
  progress.state = after->discovery.state;
  progress.status_text = after->discovery.status_text;
  progress.stale = after->stale;
}

void Registry::RememberRemovals(const RegistryEvent& event) {
  for (const Change& change : event.changes) {
    if (change.kind() != ChangeKind::kRemoved) continue;
    if (removals_.size() >= kMaxRemovals) removals_.pop_front();
    removals_.push_back({IdOf(change.before), event.revision, event.time});
  }
}

std::shared_ptr<const Topology> Registry::MakeSnapshot() const {
  return std::make_shared<const Topology>(writer_->tables(), writer_->revision(), epoch_,
                                          writer_->sources());
}

std::shared_ptr<const Topology> Registry::Snapshot() const {
  {
    absl::MutexLock lock(&snapshot_mu_);
    if (snapshot_ != nullptr) return snapshot_;
  }
  absl::MutexLock lock(&write_mu_);
  std::shared_ptr<const Topology> snapshot = MakeSnapshot();
  absl::MutexLock snapshot_lock(&snapshot_mu_);
  snapshot_ = snapshot;
  return snapshot;
}

int64_t Registry::revision() const {
  absl::ReaderMutexLock lock(&progress_mu_);
  return revision_;
}

void Registry::SetPending(bool pending) {
  absl::MutexLock lock(&progress_mu_);
  pending_ = pending;
}

int64_t Registry::lost_events() const {
  absl::ReaderMutexLock lock(&progress_mu_);
  return lost_events_;
}

std::vector<UnsettledHost> Registry::Unsettled(absl::Span<const SasAddress> hosts) const {
  absl::ReaderMutexLock lock(&progress_mu_);
  return UnsettledLocked(hosts);
}

std::vector<UnsettledHost> Registry::UnsettledLocked(absl::Span<const SasAddress> hosts) const {
  std::vector<UnsettledHost> unsettled;
  const auto look_at = [&unsettled, pending = pending_](SasAddress host,
                                                        const HostProgress& progress) {
    if (progress.stale) {
      unsettled.push_back(
          {host, "the host is not compared with the picture from before the restart"});
    } else if (progress.state != DiscoveryState::kSettled) {
      std::string reason(ToString(progress.state));
      if (!progress.status_text.empty()) absl::StrAppend(&reason, ": ", progress.status_text);
      unsettled.push_back({host, std::move(reason)});
    } else if (progress.moving > 0) {
      unsettled.push_back(
          {host, absl::StrCat(progress.moving, " end devices are being attached or removed")});
    } else if (pending) {
      unsettled.push_back({host, "uevents of the kernel are not processed yet"});
    }
  };
  for (const auto& [host, progress] : hosts_) {
    if (hosts.empty() && progress.known) look_at(host, progress);
  }
  for (const SasAddress host : hosts) {
    const auto it = hosts_.find(host);
    if (it != hosts_.end() && it->second.known) {
      look_at(host, it->second);
    } else {
      unsettled.push_back({host, "the host is not known"});
    }
  }
  return unsettled;
}

absl::StatusOr<int64_t> Registry::WaitSettled(absl::Span<const SasAddress> hosts,
                                              absl::Duration timeout) const {
  const auto settled = [this, hosts]() ABSL_SHARED_LOCKS_REQUIRED(progress_mu_) {
    return UnsettledLocked(hosts).empty();
  };
  absl::ReaderMutexLock lock(&progress_mu_);
  if (progress_mu_.AwaitWithTimeout(absl::Condition(&settled), timeout)) return revision_;
  return absl::DeadlineExceededError(absl::StrCat(
      "not settled after ", absl::FormatDuration(timeout), ": ",
      absl::StrJoin(UnsettledLocked(hosts), "; ", [](std::string* out, const UnsettledHost& host) {
        absl::StrAppend(out, "host ", ToHex(host.host), ": ", host.reason);
      })));
}

absl::Status Registry::WaitForRevision(int64_t revision, absl::Duration timeout) const {
  const auto reached = [this, revision]() ABSL_SHARED_LOCKS_REQUIRED(progress_mu_) {
    return revision_ >= revision;
  };
  absl::ReaderMutexLock lock(&progress_mu_);
  if (progress_mu_.AwaitWithTimeout(absl::Condition(&reached), timeout)) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("revision ", revision, " not reached after ",
                                                  absl::FormatDuration(timeout), ": it is ",
                                                  revision_));
}

std::optional<Removal> Registry::LastRemoval(const ResourceId& id) const {
  absl::ReaderMutexLock lock(&progress_mu_);
  const auto found = std::find_if(removals_.rbegin(), removals_.rend(),
                                  [&id](const Removal& removal) { return removal.id == id; });
  if (found == removals_.rend()) return std::nullopt;
  return *found;
}

}  // namespace sasd::registry
