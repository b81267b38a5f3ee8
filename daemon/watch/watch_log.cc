#include "daemon/watch/watch_log.h"

#include <algorithm>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace sasd::watch {
namespace {

// The most events that a Next() examines: bounds its work under the log's lock, and with a filter
// that passes nothing.
constexpr size_t kMaxLook = 1'024;
// The most changes that a Next() compares with a filter: a millisecond or so.
constexpr size_t kMaxChanges = 256;
constexpr size_t kAll = ~size_t{0};
// The most bytes that a NextArchived() with a filter examines.
constexpr size_t kMaxLookBytes = 1 << 20;

// Waking so many cursors takes long enough to look for new events.
constexpr size_t kWakesPerLook = 16;

}  // namespace

absl::Status ResumeDecision::ToStatus() const {
  switch (verdict) {
    case Verdict::kKnown:
      return absl::OkStatus();
    case Verdict::kCompacted:
      return absl::OutOfRangeError(absl::StrCat(
          "revision ", token.revision, " is compacted, the history goes back to ", oldest));
    case Verdict::kLost:
      return absl::OutOfRangeError(absl::StrCat(
          "revision ", token.revision, " is lost, like all from ", first_lost, " to ", last_lost));
    case Verdict::kEpochChanged:
      return absl::OutOfRangeError(absl::StrCat("the resume token is of epoch ", token.epoch,
                                                ", the history is now of epoch ", epoch));
    case Verdict::kFuture:
      return absl::InvalidArgumentError(
          absl::StrCat("revision ", token.revision, " is not reached yet, the newest is ", newest));
  }
  return absl::InternalError("no such verdict");
}

// -------------------------------------------------------------------------------------- WatchLog

WatchLog::WatchLog(registry::Registry& registry, Options options)
    : registry_(registry), options_(options), newest_(registry.revision()) {}

WatchLog::~WatchLog() {
  absl::MutexLock lock(&mu_);
  ABSL_INTERNAL_CHECK(stats_.subscribers == 0, "a cursor outlives its log");
}

WatchLog::Entries::const_iterator WatchLog::AfterLocked(int64_t revision) const {
  return std::upper_bound(
      entries_.begin(), entries_.end(), revision,
      [](int64_t wanted, const EncodedEventPtr& event) { return wanted < event->revision(); });
}

std::vector<EncodedEventPtr> WatchLog::CopyLocked(int64_t after, size_t max_events) const {
  const auto begin = AfterLocked(after);
  const auto count = std::min(max_events, static_cast<size_t>(entries_.end() - begin));
  return {begin, begin + static_cast<ptrdiff_t>(count)};
}

void WatchLog::Append(std::vector<EncodedEventPtr> events) {
  std::vector<EncodedEventPtr> trimmed;  // freed without the lock
  absl::MutexLock lock(&mu_);
  for (EncodedEventPtr& event : events) {
    ABSL_INTERNAL_CHECK(event->previous_revision() == newest_, "an event follows the one before");
    newest_ = event->revision();
    bytes_ += event->footprint();
    entries_.push_back(std::move(event));
    ++stats_.events;
  }
  // The newest event always stays, even if it is too large, so that active subscribers get it.
  while (entries_.size() > 1 &&
         (entries_.size() > options_.max_events || bytes_ > options_.max_bytes)) {
    bytes_ -= entries_.front()->footprint();
    trimmed.push_back(std::move(entries_.front()));
    entries_.pop_front();
    ++stats_.trimmed;
  }
}

void WatchLog::WakeReaders(absl::FunctionRef<void()> meanwhile) {
  while (true) {
    Listeners ready;
    {
      absl::MutexLock lock(&mu_);
      TakeReady(/*all=*/false, ready);
    }
    if (ready.empty()) return;
    for (size_t i = 0; i < ready.size(); ++i) {
      if (i % kWakesPerLook == kWakesPerLook - 1) meanwhile();
      Wake(ready[i]);
    }
  }
}

void WatchLog::TakeReady(bool all, Listeners& ready) {
  // From the end, since RemoveIdle moves the last one into the gap.
  for (size_t i = idle_.size(); i-- > 0;) {
    Cursor& cursor = *idle_[i];
    if (!all && cursor.idle_position_ >= newest_) continue;  // ahead of the log
    ready.push_back(cursor.listener_);
    RemoveIdle(cursor);
  }
}

void WatchLog::AddIdle(Cursor& cursor) {
  cursor.idle_position_ = cursor.position_;
  if (cursor.idle_at_ != Cursor::kNotIdle) return;
  cursor.idle_at_ = idle_.size();
  idle_.push_back(&cursor);
}

void WatchLog::RemoveIdle(Cursor& cursor) {
  if (cursor.idle_at_ == Cursor::kNotIdle) return;
  idle_[cursor.idle_at_] = idle_.back();
  idle_[cursor.idle_at_]->idle_at_ = cursor.idle_at_;
  idle_.pop_back();
  cursor.idle_at_ = Cursor::kNotIdle;
}

void WatchLog::Wake(const std::weak_ptr<WakeListener>& weak) {
  if (const std::shared_ptr<WakeListener> listener = weak.lock()) listener->OnReady();
}

void WatchLog::WakeAll() {
  Listeners ready;
  {
    absl::MutexLock lock(&mu_);
    TakeReady(/*all=*/true, ready);
  }
  for (const auto& listener : ready) Wake(listener);
}

std::unique_ptr<Cursor> WatchLog::Subscribe(std::weak_ptr<WakeListener> listener, Filter filter) {
  auto cursor = absl::WrapUnique(
      new Cursor(*this, std::move(listener), std::move(filter), registry_.revision()));
  absl::MutexLock lock(&mu_);
  ++stats_.subscribers;
  return cursor;
}

absl::StatusOr<std::unique_ptr<Cursor>> WatchLog::Resume(const ResumeToken& token,
                                                         std::weak_ptr<WakeListener> listener,
                                                         Filter filter) {
  const ResumeDecision decision = Decide(token);
  if (absl::Status s = decision.ToStatus(); !s.ok()) return s;
  return Resume(decision, std::move(listener), std::move(filter));
}

std::unique_ptr<Cursor> WatchLog::Resume(const ResumeDecision& decision,
                                         std::weak_ptr<WakeListener> listener, Filter filter) {
  ABSL_INTERNAL_CHECK(decision.verdict == ResumeDecision::Verdict::kKnown, "the token is known");
  auto cursor = absl::WrapUnique(
      new Cursor(*this, std::move(listener), std::move(filter), decision.token.revision));
  absl::MutexLock lock(&mu_);
  ++stats_.subscribers;
  return cursor;
}

ResumeDecision WatchLog::Decide(const ResumeToken& token) const {
  ResumeDecision decision;
  if (!DecideFromMemory(token, decision)) AskArchive(decision);
  return decision;
}

bool WatchLog::NeedsArchive(const ResumeToken& token) const {
  ResumeDecision decision;
  return !DecideFromMemory(token, decision);
}

bool WatchLog::DecideFromMemory(const ResumeToken& token, ResumeDecision& decision) const {
  decision.token = token;
  decision.epoch = registry_.epoch();
  decision.newest = registry_.revision();
  absl::MutexLock lock(&mu_);
  decision.oldest = FloorLocked();
  if (token.epoch != decision.epoch) {
    decision.verdict = ResumeDecision::Verdict::kEpochChanged;
  } else if (token.revision > decision.newest) {
    decision.verdict = ResumeDecision::Verdict::kFuture;
    return !has_archive();  // it may know a gap that is not published yet
  } else if (token.revision < decision.oldest) {
    decision.verdict = ResumeDecision::Verdict::kCompacted;
    return !has_archive();
  } else if (const auto next = AfterLocked(token.revision);
             next != entries_.end() && token.revision > (*next)->previous_revision()) {
    decision.verdict = ResumeDecision::Verdict::kLost;
    decision.first_lost = (*next)->previous_revision() + 1;
    decision.last_lost = (*next)->revision() - 1;
  }
  return true;
}

void WatchLog::AskArchive(ResumeDecision& decision) const {
  const int64_t revision = decision.token.revision;
  const absl::StatusOr<std::optional<EventArchive::Gap>> gap = options_.archive->FindGap(revision);
  if (gap.ok() && gap->has_value()) {
    decision.verdict = ResumeDecision::Verdict::kLost;
    decision.first_lost = (*gap)->first;
    decision.last_lost = (*gap)->last;
    return;
  }
  if (!gap.ok() || decision.verdict == ResumeDecision::Verdict::kFuture) return;
  const absl::StatusOr<EventArchive::Page> page =
      options_.archive->ReadAfter(revision, decision.oldest + 1, 1, 1);
  if (!page.ok()) return;
  decision.oldest = std::min(decision.oldest, page->floor);
  if (revision >= decision.oldest) decision.verdict = ResumeDecision::Verdict::kKnown;
}

absl::StatusOr<History> WatchLog::Read(int64_t after, size_t max_events) const {
  History history;
  absl::MutexLock lock(&mu_);
  history.oldest = OldestLocked();
  history.newest = newest_;
  if (after < FloorLocked()) {
    return absl::OutOfRangeError(
        absl::StrCat("revision ", after, " is compacted, the log goes back to ", FloorLocked()));
  }
  history.events = CopyLocked(after, max_events);
  return history;
}

int64_t WatchLog::oldest_revision() const {
  absl::MutexLock lock(&mu_);
  return OldestLocked();
}

int64_t WatchLog::newest_revision() const {
  absl::MutexLock lock(&mu_);
  return newest_;
}

size_t WatchLog::idle_count() const {
  absl::MutexLock lock(&mu_);
  return idle_.size();
}

WatchLog::Stats WatchLog::stats() const {
  absl::MutexLock lock(&mu_);
  Stats stats = stats_;
  stats.log_events = entries_.size();
  stats.log_bytes = bytes_;
  return stats;
}

// ---------------------------------------------------------------------------------------- Cursor

Cursor::~Cursor() {
  absl::MutexLock lock(&log_.mu_);
  log_.RemoveIdle(*this);
  --log_.stats_.subscribers;
}

Cursor::Batch::State Cursor::Fetch(size_t max_events, std::vector<EncodedEventPtr>& events,
                                   int64_t& oldest) {
  absl::MutexLock lock(&log_.mu_);
  oldest = log_.OldestLocked();
  if (position_ >= log_.newest_) {
    log_.AddIdle(*this);
    return Batch::State::kAtEnd;
  }
  if (position_ < log_.FloorLocked()) {
    if (log_.has_archive()) return Batch::State::kArchived;
    ++log_.stats_.resyncs;
    return Batch::State::kFellBehind;
  }
  events = log_.CopyLocked(position_, max_events);
  return Batch::State::kEvents;
}

Cursor::Batch Cursor::Next(size_t max_events, size_t max_bytes) {
  Batch batch;
  std::vector<EncodedEventPtr> events;
  batch.state = Fetch(Look(max_events), events, batch.oldest);
  batch.sent = position_;
  Take(events, max_events, max_bytes, filter_.is_heavy() ? 0 : kMaxChanges, NeverStop, batch);
  return batch;
}

Cursor::Batch Cursor::NextLarge(size_t max_events, size_t max_bytes, Stop stop) {
  Batch batch;
  std::vector<EncodedEventPtr> events;
  batch.state = Fetch(Look(max_events), events, batch.oldest);
  batch.sent = position_;
  Take(events, max_events, max_bytes, kAll, stop, batch);
  return batch;
}

Cursor::Batch Cursor::NextArchived(size_t max_events, size_t max_bytes, Stop stop) {
  Batch batch;
  batch.sent = position_;
  batch.state = Batch::State::kEvents;
  int64_t floor;
  {
    absl::MutexLock lock(&log_.mu_);
    floor = log_.FloorLocked();
    batch.oldest = log_.OldestLocked();
  }
  if (position_ >= floor) return batch;
  // No further than to where the memory begins: the archive has events before they are published.
  absl::StatusOr<EventArchive::Page> page = log_.options_.archive->ReadAfter(
      position_, floor + 1, Look(max_events),
      filter_.passes_everything() ? max_bytes : std::max(max_bytes, kMaxLookBytes));
  std::vector<EncodedEventPtr> events;
  if (page.ok()) events = std::move(page->events);
  if (events.empty() || events.front()->previous_revision() != position_) {
    // What follows is trimmed, damaged, or was never written.
    if (!events.empty()) batch.oldest = events.front()->revision();
    batch.state = Batch::State::kFellBehind;
    absl::MutexLock lock(&log_.mu_);
    ++log_.stats_.resyncs;
    return batch;
  }
  // Up to where one is missing.
  const auto hole = std::adjacent_find(
      events.begin(), events.end(), [](const EncodedEventPtr& event, const EncodedEventPtr& next) {
        return next->previous_revision() != event->revision();
      });
  if (hole != events.end()) events.erase(hole + 1, events.end());
  Take(events, max_events, max_bytes, kAll, stop, batch);
  return batch;
}

size_t Cursor::Look(size_t max_events) const {
  return filter_.passes_everything() ? std::min(max_events, kMaxLook) : kMaxLook;
}

void Cursor::Take(const std::vector<EncodedEventPtr>& events, size_t max_events, size_t max_bytes,
                  size_t max_changes, Stop stop, Batch& batch) {
  size_t changes = 0;
  for (const EncodedEventPtr& event : events) {
    changes += std::max<size_t>(event->piece_count(), 1);
    if (changes > max_changes && !filter_.passes_everything()) {
      if (batch.events.empty()) batch.state = Batch::State::kLarge;
      return;
    }
    if (stop()) return;
    std::optional<Selection> selection = Select(event, filter_, stop);
    if (selection.has_value()) {
      if (!batch.events.empty() && batch.bytes + selection->bytes > max_bytes) break;
      batch.bytes += selection->bytes;
      batch.events.push_back(*std::move(selection));
      told_ = event->revision();
    }
    position_ = event->revision();
    if (batch.events.size() >= max_events || batch.bytes >= max_bytes) break;
  }
}

std::shared_ptr<const registry::Topology> Cursor::BeginSnapshot() {
  snapshotting_ = true;
  std::shared_ptr<const registry::Topology> topology = log_.registry().Snapshot();
  position_ = told_ = topology->revision();
  return topology;
}

void Cursor::EndSnapshot() { snapshotting_ = false; }

}  // namespace sasd::watch
