#include "daemon/health/trends.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::health {

using registry::ResourceKind;

size_t Trends::LimitOf(FindingReason reason) const {
  if (reason == FindingReason::kFlapping) return limits_.flaps;
  return reason == FindingReason::kRepeatedResets ? limits_.resets : limits_.gaps;
}

absl::Duration Trends::WindowOf(FindingReason reason) const {
  return reason == FindingReason::kFlapping ? limits_.flap_window : limits_.host_window;
}

void Trends::Add(Times& times, absl::Duration now, size_t limit) {
  times.times.push_back(now);
  if (times.times.size() > limit) times.times.pop_front();
}

void Trends::Take(const registry::RegistryEvent& event, absl::Duration now) {
  absl::MutexLock lock(&mu_);
  const auto add = [&](registry::ResourceId id, FindingReason reason, registry::HostList hosts,
                       NodeKey parent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    FindingId key{std::move(id), reason};
    if (followed_.size() >= kMaxFollowed && !followed_.contains(key)) return;
    Times& times = followed_[std::move(key)];
    times.hosts = std::move(hosts);
    times.parent = parent;
    Add(times, now, LimitOf(reason));
  };
  if (event.host != HostKey()) {
    const auto host = registry::MakeId<registry::Host>(event.host);
    if (event.cause.kind == CauseKind::kHostReset) {
      add(host, FindingReason::kRepeatedResets, {event.host}, {});
    } else if (event.cause.kind == CauseKind::kResync) {
      add(host, FindingReason::kRepeatedGaps, {event.host}, {});
    }
  }
  for (const registry::Change& change : event.changes) {
    if (change.kind() != registry::ChangeKind::kRemoved) continue;
    const ResourceKind kind = change.resource_kind();
    const bool flaps = kind == ResourceKind::kHost || kind == ResourceKind::kExpander ||
                       kind == ResourceKind::kEndDevice;
    if (!flaps) continue;
    NodeKey parent;
    if (const auto* expander =
            std::get_if<registry::IndexOf<registry::Expander>()>(&change.before)) {
      parent = (*expander)->facts.parent;
    } else if (const auto* device =
                   std::get_if<registry::IndexOf<registry::EndDevice>()>(&change.before)) {
      parent = (*device)->facts.parent;
    }
    add(IdOf(change.before), FindingReason::kFlapping, registry::HostsOf(change.before), parent);
  }
}

std::vector<Finding> Trends::FindingsAt(absl::Duration now) {
  std::vector<Finding> findings;
  absl::MutexLock lock(&mu_);
  for (auto it = followed_.begin(); it != followed_.end();) {
    std::deque<absl::Duration>& times = it->second.times;
    const FindingReason reason = it->first.reason;
    const absl::Duration window = WindowOf(reason);
    while (!times.empty() && now - times.front() > window) times.pop_front();
    if (times.empty()) {
      it = followed_.erase(it);
      continue;
    }
    if (times.size() >= LimitOf(reason)) {
      Finding finding;
      finding.severity = Severity::kWarning;
      finding.id = it->first;
      finding.hosts = it->second.hosts;
      const char* what = reason == FindingReason::kFlapping         ? " went away "
                         : reason == FindingReason::kRepeatedResets ? " was reset "
                                                                    : " lost events ";
      finding.message = absl::StrCat(Describe(*it->first.resource), what, times.size(),
                                     " times or more within ", absl::FormatDuration(window));
      finding.affected = {*it->first.resource};
      findings.push_back(std::move(finding));
    }
    ++it;
  }
  for (Finding& finding : findings) {
    if (finding.id.reason == FindingReason::kFlapping) finding.root_cause = CauseOf(finding.id);
  }
  return findings;
}

// What flaps because the expander or host before it does.
std::optional<FindingId> Trends::CauseOf(FindingId id) const {
  std::optional<FindingId> cause;
  for (int i = 0; i < kMaxChain; ++i) {
    const auto it = followed_.find(id);
    if (it == followed_.end() || it->second.parent == NodeKey()) return cause;
    const NodeKey& parent = it->second.parent;
    id.resource = parent.is_host() ? registry::MakeId<registry::Host>(parent.host)
                                   : registry::MakeId<registry::Expander>(parent);
    const auto above = followed_.find(id);
    if (above == followed_.end() || above->second.times.size() < limits_.flaps) return cause;
    cause = id;
  }
  return cause;
}

}  // namespace sasd::health
