#include "daemon/health/monitor.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/health/state_codec.h"

namespace sasd::health {
namespace {

constexpr char kBaseline[] = "baseline", kDismissals[] = "dismissals", kFindings[] = "findings",
               kMeta[] = "meta", kAcceptTime[] = "baseline_accept_time";

// Rules with a time (a grace, an expiry) are looked at so often without an event.
constexpr absl::Duration kIdle = absl::Seconds(1), kPause = absl::Milliseconds(200);
// The end may take so long to write what is there, and a write so many entries.
constexpr absl::Duration kLastWrites = absl::Milliseconds(300);
constexpr size_t kSlice = 4096;
// Of the time of one examination: the thread takes a tenth of a core at most.
constexpr int kRest = 9;

// What is missing follows from the baseline, which is stored itself; and a host that was not read
// by the last run may be read by this one.
bool IsInherited(FindingReason reason) {
  const bool is_missing =
      reason >= FindingReason::kHostMissing && reason <= FindingReason::kPortLost;
  return !is_missing && reason != FindingReason::kHostNotRead;
}

bool Never() { return false; }

void AddAliases(const registry::Aliases& aliases, Report& report) {
  report.aliases = std::make_shared<const AliasText>(aliases);
  report.aliases->AddTo(report.findings);
}

}  // namespace

Monitor::Monitor(const Options& options, registry::Registry& registry, Clock& clock)
    : options_(options),
      registry_(registry),
      clock_(clock),
      start_(clock.Monotonic()),
      attach_grace_ns_(absl::ToInt64Nanoseconds(options.attach_grace)) {
  if (options_.store != nullptr) Load();
}

Monitor::~Monitor() { Stop(); }

void Monitor::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
  if (options_.store == nullptr) return;
  const absl::Duration end = clock_.Monotonic() + kLastWrites;
  StoreChanges([&] { return clock_.Monotonic() >= end; }).IgnoreError();
}

bool Monitor::IsStopped() {
  absl::MutexLock lock(&mu_);
  return stop_;
}

void Monitor::SetAttachGrace(absl::Duration grace) {
  attach_grace_ns_ = absl::ToInt64Nanoseconds(grace);
  Poke();
}

void Monitor::Start() {
  thread_ = std::thread([this] { Run(); });
}

// Damaged values are left out: the store says so itself (was_lost).
void Monitor::Load() {
  bool lost = options_.store->was_lost();
  const auto read = [&](const char* collection, const auto& take) {
    absl::StatusOr<Store::Values> values = options_.store->Read(collection);
    if (!values.ok()) {
      lost = true;
      return;
    }
    for (const auto& [key, value] : *values) {
      if (!take(key, value)) lost = true;
    }
  };
  read(kBaseline, [&](const std::string& key, const std::string& value) {
    const absl::StatusOr<registry::ResourceId> id = options_.codec->ParseName(key);
    if (!id.ok()) return false;
    absl::StatusOr<BaselineEntry> entry = DecodeEntry(*id, value, *options_.codec);
    if (entry.ok()) baseline_.Restore(*id, *std::move(entry));
    return entry.ok();
  });
  read(kDismissals, [&](const std::string& key, const std::string& value) {
    const absl::StatusOr<registry::ResourceId> id = options_.codec->ParseName(key);
    if (!id.ok()) return false;
    absl::StatusOr<Dismissal> dismissal = DecodeDismissal(*id, value);
    if (dismissal.ok()) dismissals_.Add(*std::move(dismissal));
    return dismissal.ok();
  });
  {
    absl::MutexLock store_lock(&store_mu_);
    absl::MutexLock lock(&examine_mu_);
    read(kFindings, [&](const std::string& key,
                        const std::string& value) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(key, absl::MaxSplits(' ', 1));
      const std::optional<FindingReason> reason = ParseReason(parts.first);
      if (!reason.has_value()) return true;  // it is found again, or it is not
      FindingId id;
      id.reason = *reason;
      if (!parts.second.empty()) {
        absl::StatusOr<registry::ResourceId> resource = options_.codec->ParseName(parts.second);
        if (!resource.ok()) return true;
        id.resource = *std::move(resource);
      }
      absl::StatusOr<Finding> finding = DecodeOpenFinding(std::move(id), value);
      if (!finding.ok()) return true;
      open_[finding->id] = *finding;
      stored_[finding->id] = *finding;
      if (IsInherited(*reason)) inherited_[finding->id] = *finding;
      return true;
    });
  }
  read(kMeta, [&](const std::string& key, const std::string& value) {
    int64_t nanos = 0;
    if (key == kAcceptTime && absl::SimpleAtoi(value, &nanos)) {
      baseline_.RestoreAcceptTime(absl::FromUnixNanos(nanos));
    }
    return true;
  });
  dismissals_.TakeChanged();
  if (lost) baseline_.SetLost();
}

std::string Monitor::KeyOf(const FindingId& id) const {
  return absl::StrCat(ToString(id.reason), " ",
                      id.resource.has_value() ? options_.codec->Name(*id.resource) : "");
}

void Monitor::OnCommit(registry::RegistryEvent& event, const registry::Topology& after) {
  std::vector<registry::EventNotice> notices = baseline_.OnCommit(event, after);
  std::move(notices.begin(), notices.end(), std::back_inserter(event.notices));
  for (const registry::ResourceId& id : baseline_.TakeReturned()) dismissals_.EndOnReturn(id);
  trends_.Take(event, clock_.Monotonic());
  Poke();
}

void Monitor::Compare(const registry::Topology& restored) {
  Origin origin;
  origin.time = clock_.Now();
  origin.revision = restored.revision();
  origin.cause = MakeCause(CauseKind::kRestart, "not there when sasd began again");
  baseline_.Compare(restored, origin);
  baseline_.TakeReturned();
}

void Monitor::TakePast(absl::Span<const registry::RegistryEvent> events, absl::Time now) {
  const absl::Duration monotonic = clock_.Monotonic();
  for (const registry::RegistryEvent& event : events) {
    trends_.Take(event, monotonic - std::max(now - event.time, absl::ZeroDuration()));
  }
}

void Monitor::Poke() {
  absl::MutexLock lock(&mu_);
  poked_ = true;
}

void Monitor::Run() {
  const auto is_wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return poked_ || stop_; };
  const auto is_stopped = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stop_; };
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&is_wanted), kIdle);
      if (stop_) return;
      poked_ = false;
    }
    const absl::Duration begin = clock_.Monotonic();
    Step();
    const absl::Duration took = clock_.Monotonic() - begin;
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&is_stopped), std::max(kPause, took * kRest));
  }
}

void Monitor::Step() {
  absl::MutexLock lock(&step_mu_);
  CompareHosts(*registry_.Snapshot());
  const std::shared_ptr<const Report> report = Current();
  // What could not be written is written in a later round.
  if (options_.store != nullptr) StoreChanges([this] { return IsStopped(); }).IgnoreError();
  ReportChanges(*report);
}

void Monitor::CompareHosts(const registry::Topology& topology) {
  const size_t before = compared_.size();
  for (const auto& host : topology.collection<registry::Host>()) {
    if (compared_.contains(host->key())) continue;
    if (registry_.Unsettled({host->key()}).empty()) compared_.insert(host->key());
  }
  if (clock_.Monotonic() - start_ > options_.host_grace) {
    for (const HostKey host : baseline_.UnseenHosts()) compared_.insert(host);
  }
  if (compared_.size() == before) return;
  Origin origin;
  origin.time = clock_.Now();
  origin.revision = topology.revision();
  origin.cause = MakeCause(CauseKind::kRestart, "not there since sasd began again");
  std::vector<registry::EventNotice> notices = baseline_.MissUnseen(compared_, topology, origin);
  if (!notices.empty()) registry_.Annotate(origin.cause, std::move(notices), origin.time);
}

std::shared_ptr<const Report> Monitor::Current() {
  const NodeFacts facts = options_.node_facts == nullptr ? NodeFacts{} : options_.node_facts();
  if (options_.aliases == nullptr) return CurrentWith(facts, {});
  for (registry::Aliases aliases = options_.aliases();;) {
    std::shared_ptr<const Report> report = CurrentWith(facts, aliases);
    // An alias that came meanwhile belongs to what happened after it: the log has each text once.
    registry::Aliases newest = options_.aliases();
    if (newest == aliases) return report;
    aliases = std::move(newest);
  }
}

std::shared_ptr<const Report> Monitor::CurrentWith(const NodeFacts& facts,
                                                   const registry::Aliases& aliases) {
  absl::MutexLock lock(&examine_mu_);
  const absl::Time now = clock_.Now();
  const std::shared_ptr<const registry::Topology> topology = registry_.Snapshot();
  const uint64_t version = baseline_.version() + dismissals_.version();  // both only grow
  const bool fresh = report_ != nullptr && report_->revision == topology->revision() &&
                     report_version_ == version && now >= report_time_ &&
                     now - report_time_ < kIdle && report_aliases_ == aliases;
  if (fresh) return report_;
  const BaselineView baseline = baseline_.View();
  const DismissalMap dismissals = dismissals_.HoldingAt(now);
  const absl::Duration attach_grace = absl::Nanoseconds(attach_grace_ns_.load());
  std::vector<Finding> kept = trends_.FindingsAt(clock_.Monotonic());
  auto report = std::make_shared<Report>(
      examiner_.Examine(topology, baseline, dismissals, {now, attach_grace}, facts, kept));
  if (const std::vector<Finding> inherited = Inherited(*report); !inherited.empty()) {
    kept.insert(kept.end(), inherited.begin(), inherited.end());
    *report = examiner_.Examine(topology, baseline, dismissals, {now, attach_grace}, facts, kept);
  }
  DropUnsure(*report);
  Remember(*report);
  // After it: what is remembered outlives an alias.
  AddAliases(aliases, *report);
  report_aliases_ = aliases;
  report_ = std::move(report);
  report_version_ = version;
  report_time_ = now;
  return report_;
}

void Monitor::DropUnsure(Report& report) const {
  const auto is_unsure = [&](const Finding& finding) ABSL_EXCLUSIVE_LOCKS_REQUIRED(examine_mu_) {
    if (finding.id.reason != FindingReason::kNotAttached &&
        finding.id.reason != FindingReason::kUnknownToFirmware) {
      return false;
    }
    return open_.count(finding.id) == 0 &&
           std::any_of(report.unknown_hosts.begin(), report.unknown_hosts.end(),
                       [&](const auto& host) { return Concerns(finding, {host.first}); });
  };
  report.findings.erase(std::remove_if(report.findings.begin(), report.findings.end(), is_unsure),
                        report.findings.end());
}

std::vector<Finding> Monitor::Inherited(const Report& report) const {
  std::vector<Finding> kept;
  if (inherited_.empty() || report.unknown_hosts.empty()) return kept;
  std::set<FindingId> found;
  for (const Finding& finding : report.findings) found.insert(finding.id);
  for (const auto& [id, finding] : inherited_) {
    const bool is_unknown =
        id.resource.has_value() &&
        std::any_of(report.unknown_hosts.begin(), report.unknown_hosts.end(),
                    [&f = finding](const auto& host) { return Concerns(f, {host.first}); });
    if (is_unknown && found.count(id) == 0) kept.push_back(finding);
  }
  return kept;
}

void Monitor::Remember(Report& report) {
  OpenFindings open;
  for (Finding& finding : report.findings) {
    const auto known = open_.find(finding.id);
    if (known != open_.end()) finding.first_seen = known->second.first_seen;
    open[finding.id] = finding;
  }
  open_ = std::move(open);
  if (report.unknown_hosts.empty() && !report.known_hosts.empty()) inherited_.clear();
}

absl::Status Monitor::StoreChanges(absl::FunctionRef<bool()> is_over) {
  absl::MutexLock lock(&store_mu_);
  std::vector<Store::Edit>& edits = unwritten_;
  const auto edit_of = [this](const registry::ResourceId& id,
                              const std::optional<BaselineEntry>& entry) {
    Store::Edit edit{kBaseline, options_.codec->Name(id), std::nullopt};
    if (entry.has_value()) edit.value = EncodeEntry(*entry, *options_.codec);
    return edit;
  };
  for (Baseline::Changed& changed : baseline_.TakeChanged()) {
    if (changed.entry.has_value() && changed.entry->missing == nullptr) {
      unstored_[changed.id] = std::move(changed.entry);
    } else {
      unstored_.erase(changed.id);
      edits.push_back(edit_of(changed.id, changed.entry));
    }
  }
  for (const registry::ResourceId& id : dismissals_.TakeChanged()) {
    edits.push_back({kDismissals, options_.codec->Name(id), std::nullopt});
    if (const DismissalPtr dismissal = dismissals_.Find(id)) {
      edits.back().value = EncodeDismissal(*dismissal);
    }
  }
  OpenFindings open;
  {
    absl::MutexLock examine_lock(&examine_mu_);
    open = open_;
  }
  for (const auto& [id, finding] : stored_) {
    if (open.count(id) == 0) edits.push_back({kFindings, KeyOf(id), std::nullopt});
  }
  for (const auto& [id, finding] : open) {
    if (stored_.count(id) > 0) continue;
    edits.push_back({kFindings, KeyOf(id), EncodeOpenFinding(finding)});
  }
  stored_ = std::move(open);
  do {
    while (!unstored_.empty() && edits.size() < kSlice) {
      edits.push_back(edit_of(unstored_.begin()->first, unstored_.begin()->second));
      unstored_.erase(unstored_.begin());
    }
    if (edits.empty()) break;
    if (baseline_.accept_time() != absl::InfinitePast()) {
      edits.push_back(
          {kMeta, kAcceptTime, absl::StrCat(absl::ToUnixNanos(baseline_.accept_time()))});
    }
    if (absl::Status status = options_.store->Write(edits); !status.ok()) return status;
    edits.clear();
  } while (!unstored_.empty() && !is_over());
  return absl::OkStatus();
}

void Monitor::ReportChanges(const Report& report) {
  std::map<FindingId, Finding> now;
  std::vector<FindingChange> changes;
  for (const Finding& finding : report.findings) {
    if (finding.root_cause.has_value() || finding.dismissal != nullptr) continue;
    const auto before = reported_.find(finding.id);
    if (before == reported_.end()) {
      changes.push_back({FindingChange::Kind::kAppeared, finding});
    } else if (before->second.severity != finding.severity ||
               before->second.affected.size() != finding.affected.size()) {
      changes.push_back({FindingChange::Kind::kChanged, finding});
    }
    now.emplace(finding.id, finding);
  }
  for (const auto& [id, finding] : reported_) {
    if (now.count(id) == 0) changes.push_back({FindingChange::Kind::kEnded, finding});
  }
  reported_ = std::move(now);
  if (options_.sink != nullptr) options_.sink->OnChanges(changes);
}

int64_t Monitor::Record(registry::ResourceId subject, const char* reason, std::string text) {
  registry::EventNotice notice;
  notice.subject = std::move(subject);
  notice.reason = reason;
  notice.text = text;
  return registry_.Annotate(MakeCause(CauseKind::kControl, std::move(text)), {std::move(notice)},
                            clock_.Now());
}

absl::StatusOr<Monitor::Dismissed> Monitor::Dismiss(const registry::ResourceId& resource,
                                                    std::string reason, absl::Duration duration,
                                                    std::string author) {
  Dismissal dismissal;
  dismissal.resource = resource;
  dismissal.reason = std::move(reason);
  dismissal.author = std::move(author);
  dismissal.create_time = clock_.Now();
  dismissal.expire_time = dismissal.create_time + duration;
  if (options_.store != nullptr) {
    const Store::Edit edit{kDismissals, options_.codec->Name(resource), EncodeDismissal(dismissal)};
    if (absl::Status status = options_.store->Write({edit}); !status.ok()) return status;
  }
  Dismissed dismissed;
  dismissed.dismissal = dismissals_.Add(dismissal);
  std::string text = absl::StrCat(Describe(resource), " dismissed by ", dismissal.author);
  if (duration != absl::InfiniteDuration()) {
    absl::StrAppend(&text, " for ", absl::FormatDuration(duration));
  }
  absl::StrAppend(&text, ": ", dismissal.reason);
  dismissed.revision = Record(resource, "DISMISSED", std::move(text));
  Poke();
  return dismissed;
}

absl::StatusOr<Monitor::Dismissed> Monitor::Undismiss(const registry::ResourceId& resource,
                                                      const std::string& author) {
  dismissals_.HoldingAt(clock_.Now());  // an expired one is none
  if (dismissals_.Find(resource) == nullptr) {
    return absl::NotFoundError(absl::StrCat(Describe(resource), " is not dismissed"));
  }
  if (options_.store != nullptr) {
    const Store::Edit edit{kDismissals, options_.codec->Name(resource), std::nullopt};
    if (absl::Status status = options_.store->Write({edit}); !status.ok()) return status;
  }
  Dismissed ended;
  ended.dismissal = dismissals_.Remove(resource);
  if (ended.dismissal == nullptr) {
    return absl::NotFoundError(absl::StrCat(Describe(resource), " is not dismissed"));
  }
  ended.revision =
      Record(resource, "UNDISMISSED", absl::StrCat(Describe(resource), " undismissed by ", author));
  Poke();
  return ended;
}

absl::StatusOr<Monitor::Accepted> Monitor::Accept(absl::Span<const registry::ResourceId> resources,
                                                  const std::string& author) {
  Accepted accepted;
  // Known before they are gone, so that a failed write changes nothing.
  if (options_.store != nullptr) {
    if (absl::Status status = StoreChanges(Never); !status.ok()) return status;
  }
  accepted.removed = baseline_.Accept(resources, clock_.Now());
  if (options_.store != nullptr) {
    absl::Status status = StoreChanges(Never);
    if (status.ok() && resources.empty()) status = options_.store->ClearLost();
    if (!status.ok()) return status;
  }
  // An event has one subject: the first of the resources, or the first host.
  registry::ResourceId subject = registry::MakeId<registry::Host>(HostKey(SasAddress(0)));
  const std::shared_ptr<const registry::Topology> topology = registry_.Snapshot();
  if (!accepted.removed.empty()) {
    subject = accepted.removed.front().id;
  } else if (topology->collection<registry::Host>().size() > 0) {
    subject = IdOf(registry::ResourceRef(*topology->collection<registry::Host>().begin()));
  }
  accepted.revision =
      Record(subject, "BASELINE_ACCEPTED",
             absl::StrCat("baseline accepted by ", author, ": ", accepted.removed.size(),
                          " missing objects do not belong to the node any more"));
  Poke();
  return accepted;
}

DismissalMap Monitor::HoldingDismissals() { return dismissals_.HoldingAt(clock_.Now()); }

}  // namespace sasd::health
