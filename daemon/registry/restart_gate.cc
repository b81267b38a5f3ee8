#include "daemon/registry/restart_gate.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace sasd::registry {
namespace {

bool IsMoving(DeviceState state) {
  return state == DeviceState::kDiscovered || state == DeviceState::kAttaching ||
         state == DeviceState::kRemoving || state == DeviceState::kBlocked;
}

// Makes an event also without changes.
bool IsMark(const Cause& cause) {
  return cause.kind == CauseKind::kResync || cause.kind == CauseKind::kHostReset;
}

}  // namespace

RestartGate::RestartGate(Registry& registry, ObservationSink& next, Clock& clock, Options options)
    : registry_(registry),
      next_(next),
      clock_(clock),
      options_(options),
      table_(registry.Snapshot()->sources()),
      start_(clock.Now()) {
  const std::shared_ptr<const Topology> before = registry.Snapshot();
  {
    absl::MutexLock lock(&mu_);
    const auto held = [this](HostKey host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) -> Held& {
      auto& made = held_[host];
      if (made == nullptr) made = std::make_unique<Held>(table_);
      return *made;
    };
    const auto add = [&](HostKey host, SourceSet sources)
                         ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) -> Held& {
      Held& one = held(host);
      // Where the host itself is not known, those of its objects.
      if (before->Get<Host>(host) == nullptr) one.sources_before.Add(sources & table_.proving());
      return one;
    };
    for (const auto& host : before->collection<Host>()) {
      held(host->key()).sources_before = host->sources & table_.proving();
    }
    for (const auto& phy : before->collection<Phy>()) add(phy->key().owner.host, phy->sources);
    for (const auto& expander : before->collection<Expander>()) {
      add(expander->key().host, expander->sources)
          .facts.AddBaseExpander(expander->key(), expander->sources);
    }
    for (const auto& device : before->collection<EndDevice>()) {
      add(device->key().host, device->sources)
          .facts.AddBaseDevice(device->key(), device->sources, IsMoving(device->facts.state));
    }
    open_ = held_.empty();
  }
  registry_.BeginRestart(start_);
  next_.Flush();
}

void RestartGate::Observe(ObservationBatch batch) {
  if (open_.load(std::memory_order_acquire)) return next_.Observe(std::move(batch));
  std::optional<HostComparison> comparison;
  bool held_back = false;
  {
    absl::MutexLock lock(&mu_);
    const auto it = held_.find(batch.host);
    if (it != held_.end() && it->second->being_compared) {
      it->second->later.push_back(std::move(batch));
      return;
    }
    if (it != held_.end()) {
      held_back = true;
      Hold(*it->second, batch);
      comparison = TakeIfReady(it->first, *it->second);
    }
  }
  // What is no state of an object is not held back.
  if (!held_back || !batch.observations.empty() || IsMark(batch.cause)) {
    next_.Observe(std::move(batch));
  }
  if (comparison) Compare(*std::move(comparison));
}

// Leaves the notices in the batch.
void RestartGate::Hold(Held& held, ObservationBatch& batch) {
  SourceState& source = held.sources[static_cast<size_t>(batch.source)];
  const absl::Duration now = clock_.Monotonic();
  std::vector<Observation> notices;
  for (Observation& observation : batch.observations) {
    if (std::holds_alternative<Notice>(observation)) {
      notices.push_back(std::move(observation));
      continue;
    }
    held.last_report = now;
    source.heard = true;
    source.gone = source.lost = false;
    if (std::holds_alternative<HostGone>(observation)) {
      source.discovery = DiscoveryState::kIdle;
      (batch.cause.kind == CauseKind::kSourceLost ? source.lost : source.gone) = true;
    } else if (const auto* facts = std::get_if<DiscoveryFacts>(&observation)) {
      source.discovery = facts->state;
    }
    held.facts.Take(batch.source, std::move(observation));
  }
  batch.observations = std::move(notices);
  if (source.settled() && !held.first_settled) held.first_settled = now;
}

std::optional<RestartGate::Readiness> RestartGate::LookAtSources(const Held& held,
                                                                 absl::Duration now) const {
  for (const Source source : held.sources_before) {
    const SourceState& state = held.sources[static_cast<size_t>(source)];
    if (state.settled() || state.failed() || state.gone || state.lost) continue;
    const absl::string_view phrase = table_.info(source).phrase;
    Readiness wait;
    if (state.heard) {
      wait.waits_for = absl::StrCat(phrase, ": discovery has not settled");
      return wait;
    }
    if (held.first_settled) wait.until = *held.first_settled + options_.silent_source;
    if (now >= wait.until) continue;
    wait.waits_for = absl::StrCat(phrase, " has reported nothing");
    return wait;
  }
  // Where all have failed, what is missing may be there.
  const bool complete = held.facts.missing() == 0;
  for (const Source source : table_.proving()) {
    const SourceState& state = held.sources[static_cast<size_t>(source)];
    if (state.settled() || (state.failed() && complete)) return std::nullopt;
  }
  Readiness wait;
  wait.waits_for = "no source of the host has settled";
  return wait;
}

RestartGate::Readiness RestartGate::LookAtFacts(const Held& held, absl::Duration now) const {
  const absl::Duration quiet_at = held.last_report + options_.quiet;
  const absl::Duration moves_until =
      std::min(quiet_at, held.all_settled.value_or(now) + options_.longest_attach);
  if (held.facts.moving() > 0 && now < moves_until) {
    return {false, absl::StrCat(held.facts.moving(), " end devices are being attached or removed"),
            moves_until};
  }
  const auto any_settled = [&](SourceSet sources) {
    bool any = false;
    for (const Source source : sources) {
      any |= held.sources[static_cast<size_t>(source)].settled();
    }
    return any;
  };
  const bool fabric_settled = any_settled(table_.fabric());
  // One of the two is late: what it reports next is no event of its own.
  if (held.facts.half_gone() > 0 && now < moves_until && fabric_settled &&
      any_settled(table_.operating_system())) {
    return {false,
            absl::StrCat("the firmware and the kernel differ about ", held.facts.half_gone(),
                         " expanders and end devices"),
            moves_until};
  }
  if (held.facts.missing() > 0 && now < options_.grace_end) {
    const absl::Duration until =
        fabric_settled ? std::min(quiet_at, options_.grace_end) : options_.grace_end;
    if (now < until) {
      return {false,
              absl::StrCat(held.facts.missing(), " expanders and end devices are not yet seen"),
              until};
    }
  }
  return Readiness{true, "", absl::InfiniteDuration()};
}

RestartGate::Readiness RestartGate::LookForMissing(const Held& held, absl::Duration now) const {
  if (!first_reading_) return {false, "the first reading is not done", absl::InfiniteDuration()};
  if (now < options_.grace_end) {
    return {false, "the host is not yet seen", options_.grace_end};
  }
  bool gone = false, lost = false;
  for (const SourceState& source : held.sources) {
    gone |= source.gone;
    lost |= source.lost;
  }
  if (lost && !gone) {
    return {false, "no source of the host can be read", absl::InfiniteDuration()};
  }
  return Readiness{true, "", absl::InfiniteDuration()};
}

RestartGate::Readiness RestartGate::Look(const Held& held, absl::Duration now) const {
  if (held.facts.empty()) return LookForMissing(held, now);
  if (std::optional<Readiness> wait = LookAtSources(held, now)) return *std::move(wait);
  return LookAtFacts(held, now);
}

std::optional<HostComparison> RestartGate::TakeIfReady(HostKey host, Held& held) {
  const absl::Duration now = clock_.Monotonic();
  if (held.facts.empty() || LookAtSources(held, now)) {
    held.all_settled.reset();
  } else if (!held.all_settled) {
    held.all_settled = now;
  }
  if (held.being_compared || !Look(held, now).ready) return std::nullopt;
  held.being_compared = true;
  return HostComparison{host, held.facts.TakeBatches(), clock_.Now()};
}

void RestartGate::Compare(HostComparison comparison) {
  const HostKey host = comparison.host;
  registry_.Compare(std::move(comparison));
  next_.Flush();
  while (true) {
    std::vector<ObservationBatch> later;
    {
      absl::MutexLock lock(&mu_);
      const auto it = held_.find(host);
      later.swap(it->second->later);
      if (later.empty()) {
        held_.erase(it);
        open_.store(held_.empty(), std::memory_order_release);
        return;
      }
    }
    for (ObservationBatch& batch : later) next_.Observe(std::move(batch));
    next_.Flush();
  }
}

void RestartGate::OnFirstReading() {
  {
    absl::MutexLock lock(&mu_);
    first_reading_ = true;
  }
  Poll();
}

void RestartGate::Poll() {
  std::vector<HostComparison> comparisons;
  {
    absl::MutexLock lock(&mu_);
    for (auto& [host, held] : held_) {
      if (auto comparison = TakeIfReady(host, *held)) comparisons.push_back(*std::move(comparison));
    }
  }
  for (HostComparison& comparison : comparisons) Compare(std::move(comparison));
}

absl::Duration RestartGate::NextPoll() const {
  absl::MutexLock lock(&mu_);
  const absl::Duration now = clock_.Monotonic();
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [host, held] : held_) {
    if (!held->being_compared) next = std::min(next, Look(*held, now).until);
  }
  return next;
}

std::vector<StaleHost> RestartGate::stale_hosts() const {
  absl::MutexLock lock(&mu_);
  const absl::Duration now = clock_.Monotonic();
  std::vector<StaleHost> hosts;
  for (const auto& [host, held] : held_) {
    hosts.push_back({host, start_, now >= options_.grace_end, Look(*held, now).waits_for});
  }
  return hosts;
}

}  // namespace sasd::registry
