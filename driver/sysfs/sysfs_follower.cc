#include "driver/sysfs/sysfs_follower.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sasd::sysfs {
namespace {

// After a reading that took t, the follower rests for this many t. A very long reading only waited:
// while the kernel removes a host, it blocks readers for seconds.
constexpr int kRest = 4;
constexpr absl::Duration kLongestRest = absl::Seconds(5);
constexpr absl::Duration kFirstRetry = absl::Seconds(1), kLastRetry = absl::Minutes(1);

constexpr char kWholeTree[] = "";

}  // namespace

SysfsFollower::SysfsFollower(SysfsSource& source, Clock& clock, FollowerOptions options)
    : source_(source), clock_(clock), options_(std::move(options)) {}

// ---------------------------------------------------------------------------- notes

void SysfsFollower::Note(const Uevent& uevent) {
  ++stats_.uevents;
  const absl::Duration now = clock_.Monotonic();
  const UeventScope scope = ScopeOf(uevent);
  switch (scope.kind) {
    case UeventScope::Kind::kNothing:
      ++stats_.ignored;
      return;
    case UeventScope::Kind::kHost:
      later_.erase(scope.name);  // the report plans another one
      return Add(uevent, now, hosts_.try_emplace(scope.name, Burst{now}).first->second);
    case UeventScope::Kind::kHolder:
      return Add(uevent, now, hosts_.try_emplace(scope.name, Burst{now}).first->second);
    case UeventScope::Kind::kTree:
      return Add(uevent, now, TreeBurst(now));
  }
}

void SysfsFollower::NoteGap(uint32_t lost_events) {
  ++stats_.gaps;
  stats_.lost_events += lost_events;
  gap_ = true;
  lost_ += lost_events;
  const absl::Duration now = clock_.Monotonic();
  TreeBurst(now).last = now;
}

SysfsFollower::Burst& SysfsFollower::TreeBurst(absl::Duration now) {
  if (!tree_) tree_ = Burst{now};
  return *tree_;
}

void SysfsFollower::Add(const Uevent& uevent, absl::Duration now, Burst& burst) {
  const int rank = RankOf(uevent);
  if (burst.count == 0 || rank < burst.rank) {
    burst.rank = rank;
    burst.text = Describe(uevent);
  }
  burst.last = now;
  ++burst.count;
}

// All bursts in one.
SysfsFollower::Burst SysfsFollower::Everything() const {
  Burst all = tree_.value_or(Burst());
  for (const auto& [os_name, burst] : hosts_) {
    if (all.count == 0 || (burst.count > 0 && burst.rank < all.rank)) {
      all.rank = burst.rank;
      all.text = burst.text;
    }
    all.count += burst.count;
  }
  return all;
}

// ---------------------------------------------------------------------------- when

absl::Duration SysfsFollower::DueOf(const Burst& burst) const {
  return std::min(burst.last + options_.quiet_time, burst.first + options_.longest_wait);
}

absl::Duration SysfsFollower::NextDue() const {
  absl::Duration due = absl::InfiniteDuration();
  if (tree_) due = DueOf(*tree_);
  for (const auto& [os_name, burst] : hosts_) due = std::min(due, DueOf(burst));
  for (const auto& [os_name, look] : later_) due = std::min(due, look.due);
  for (const auto& [os_name, link] : links_) due = std::min(due, link.due);
  return std::max(due, not_before_);
}

absl::Status SysfsFollower::RunDue() {
  const absl::Duration now = clock_.Monotonic();
  if (now < NextDue()) return absl::OkStatus();
  return Timed([&] {
    if (tree_ && DueOf(*tree_) <= now) return ReportTree(CauseOf(Everything()));
    if (absl::Status s = ReportHosts(now); !s.ok()) return s;
    if (absl::Status s = LookAgain(now); !s.ok()) return s;
    return LookAtLinks(now);
  });
}

absl::Status SysfsFollower::ReportNow() {
  if (!pending()) return absl::OkStatus();
  return Timed([&] {
    return tree_ ? ReportTree(CauseOf(Everything())) : ReportHosts(absl::InfiniteDuration());
  });
}

absl::Status SysfsFollower::ScanTree(const Cause& cause) {
  return Timed([&] { return ReportTree(cause); });
}

// Runs readings, and decides when the next one may start.
absl::Status SysfsFollower::Timed(absl::FunctionRef<absl::Status()> readings) {
  const absl::Duration begin = clock_.Monotonic();
  absl::Status status = readings();
  const absl::Duration end = clock_.Monotonic();
  if (status.ok()) {
    retry_delay_ = absl::ZeroDuration();
    not_before_ = end + std::min(kLongestRest, kRest * (end - begin));
  } else {
    retry_delay_ = std::clamp(2 * retry_delay_, kFirstRetry, kLastRetry);
    not_before_ = end + retry_delay_;
  }
  PlanLinkLooks(end);
  return status;
}

// ---------------------------------------------------------------------------- readings

Cause SysfsFollower::CauseOf(const Burst& burst) {
  if (burst.count == 0) return MakeCause(CauseKind::kScan, "sysfs scan after a failed one");
  const std::string more = burst.count > 1 ? absl::StrCat(" and ", burst.count - 1, " more") : "";
  return MakeCause(CauseKind::kUevent, absl::StrCat("uevent ", burst.text, more));
}

Cause SysfsFollower::CauseOfGap() const {
  Cause cause = MakeCause(CauseKind::kResync, "uevents lost");
  if (lost_ > 0) cause.text = absl::StrCat("at most ", lost_, " uevents lost");
  cause.lost_events = static_cast<uint32_t>(std::min<uint64_t>(lost_, UINT32_MAX));
  return cause;
}

// Reads the tree, which covers everything noted. A gap takes precedence over `cause`.
absl::Status SysfsFollower::ReportTree(const Cause& cause) {
  ++stats_.tree_scans;
  const Cause why = gap_ ? CauseOfGap() : cause;
  if (absl::Status s = source_.Scan(why); !s.ok()) {
    Retry();
    return s;
  }
  gap_ = false;
  lost_ = 0;
  later_.clear();
  if (pending()) PlanLaterLook(kWholeTree, why.text);
  tree_.reset();
  hosts_.clear();
  return absl::OkStatus();
}

absl::Status SysfsFollower::ReportHosts(absl::Duration now) {
  std::vector<std::string> due;
  for (const auto& [os_name, burst] : hosts_) {
    if (DueOf(burst) <= now) due.push_back(os_name);
  }
  std::sort(due.begin(), due.end());
  for (const std::string& name : due) {
    const Cause cause = CauseOf(hosts_[name]);
    bool known = false;
    for (const std::string& os_name : HostsOf(name)) {
      if (absl::Status s = ReportHost(os_name, cause); !s.ok()) return s;
      if (!IsKnown(os_name)) continue;
      known = true;
      PlanLaterLook(os_name, cause.text);
    }
    if (!known) stats_.ignored += hosts_[name].count;
    hosts_.erase(name);
  }
  return absl::OkStatus();
}

// The hosts that a key of hosts_ stands for.
std::vector<std::string> SysfsFollower::HostsOf(const std::string& name) {
  return HostIn(name).empty() ? source_.HostsUnder(name) : std::vector<std::string>{name};
}

absl::Status SysfsFollower::ReportHost(const std::string& os_name, const Cause& cause) {
  ++stats_.host_scans;
  absl::Status status = source_.ScanHost(os_name, cause);
  if (!status.ok()) Retry();
  return status;
}

// Plans a reading of the whole tree for everything that could not be reported.
void SysfsFollower::Retry() {
  Burst all = Everything();
  all.first = all.last = clock_.Monotonic();
  tree_ = std::move(all);
  hosts_.clear();
}

bool SysfsFollower::IsKnown(const std::string& os_name) const {
  return std::any_of(source_.last().begin(), source_.last().end(),
                     [&](const HostReading& reading) { return reading.os_name == os_name; });
}

// ---------------------------------------------------------------------------- later

void SysfsFollower::PlanLaterLook(const std::string& os_name, const std::string& text) {
  if (options_.settle_time == absl::ZeroDuration()) return;
  later_[os_name] = {clock_.Monotonic() + options_.settle_time,
                     absl::StrCat(text, ", looked at again")};
}

absl::Status SysfsFollower::LookAgain(absl::Duration now) {
  std::vector<std::pair<std::string, std::string>> due;
  for (const auto& [os_name, look] : later_) {
    if (look.due <= now) due.emplace_back(os_name, look.text);
  }
  for (const auto& [os_name, text] : due) {
    later_.erase(os_name);
    const Cause cause = MakeCause(CauseKind::kUevent, text);
    absl::Status status = os_name == kWholeTree ? ReportTree(cause) : ReportHost(os_name, cause);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void SysfsFollower::SetLookInterval(absl::Duration interval) {
  options_.look_interval = interval;
  if (interval == absl::ZeroDuration()) links_.clear();
  for (auto& [os_name, link] : links_) link.due = clock_.Monotonic() + interval;
  PlanLooks();
}

void SysfsFollower::PlanLinkLooks(absl::Duration now) {
  if (options_.look_interval == absl::ZeroDuration()) return;
  absl::erase_if(links_, [this](const auto& entry) { return !IsKnown(entry.first); });
  for (const HostReading& reading : source_.last()) {
    if (options_.has_control_node && options_.has_control_node(reading.host)) {
      links_.erase(reading.os_name);
    } else {
      links_.try_emplace(reading.os_name, LinkState{now + options_.look_interval});
    }
  }
}

absl::Status SysfsFollower::LookAtLinks(absl::Duration now) {
  for (auto& [os_name, link] : links_) {
    if (link.due > now) continue;
    ++stats_.link_looks;
    const LinkLook look = source_.LookAtLinks(os_name, link.next, options_.look_reads);
    link.due = now + options_.look_interval;
    link.next = look.next;
    if (look.difference.empty()) continue;
    const Cause cause = MakeCause(CauseKind::kScan, look.difference);
    if (absl::Status s = ReportHost(os_name, cause); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace sasd::sysfs
