#ifndef DAEMON_WATCH_WATCH_LOG_H_
#define DAEMON_WATCH_WATCH_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/registry.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/event_archive.h"
#include "daemon/watch/filter.h"
#include "daemon/watch/resume_token.h"

namespace sasd::watch {

class Cursor;

// Learns that a cursor at the end of the log has something to read.
class WakeListener {
 public:
  virtual ~WakeListener() = default;
  // Called by the publishing thread, or by the thread in WakeAll(), without a lock, once for each
  // Next() that returned kAtEnd. Returns quickly; may call Next(). One call can still come during
  // or after the destruction of the cursor: hence a weak_ptr.
  virtual void OnReady() = 0;
};

// Whether a subscriber can resume at a token.
struct ResumeDecision {
  enum class Verdict {
    kKnown,
    kCompacted,     // the history starts after it
    kLost,          // no event has it: the counter jumped over it
    kEpochChanged,  // the token is of another life of the counter
    kFuture,        // the revision does not exist yet
  };
  Verdict verdict = Verdict::kKnown;
  ResumeToken token;
  std::string epoch;   // the registry's
  int64_t oldest = 0;  // the least revision to resume from
  int64_t newest = 0;  // the registry's
  // For kLost: the revisions that were jumped over.
  int64_t first_lost = 0, last_lost = 0;

  // OK for kKnown; kOutOfRange for kCompacted, kLost and kEpochChanged; kInvalidArgument for
  // kFuture.
  absl::Status ToStatus() const;
};

// A page of the history.
struct History {
  std::vector<EncodedEventPtr> events;  // after the revision asked for, oldest first
  int64_t oldest = 0;                   // the first event in the log; newest + 1 if it is empty
  int64_t newest = 0;                   // the last event in the log
};

// The shared log of encoded events. Each change is encoded once for all subscribers; a subscriber
// is a cursor: a number. Bounded; a trimmed event lives on only while it is being sent, and in the
// archive, if there is one. Thread-safe.
class WatchLog {
 public:
  struct Options {
    size_t max_bytes = 16 << 20;
    size_t max_events = 65'536;
    // Has the events before those in memory. Borrowed for the log's lifetime; null: none.
    EventArchive* archive = nullptr;
  };
  struct Stats {
    int64_t subscribers = 0;  // cursors that exist
    int64_t resyncs = 0;      // cursors that fell behind, in total
    int64_t events = 0;       // encoded, in total
    int64_t trimmed = 0;
    size_t log_events = 0;
    size_t log_bytes = 0;
  };

  // Borrows the registry for its lifetime. Starts after the registry's newest revision.
  WatchLog(registry::Registry& registry, Options options);
  explicit WatchLog(registry::Registry& registry) : WatchLog(registry, Options()) {}
  // No cursor may be left.
  ~WatchLog();

  // Appends events that the registry has published: each follows the one before it. By one thread
  // at a time: the one that has claimed the registry's queue.
  void Append(std::vector<EncodedEventPtr> events) ABSL_LOCKS_EXCLUDED(mu_);
  // Wakes the cursors at the end that have something to read. Waking many takes long: after each
  // few it calls `meanwhile`, which may append, so that the others get that with the same message.
  void WakeReaders(absl::FunctionRef<void()> meanwhile) ABSL_LOCKS_EXCLUDED(mu_);

  // A new subscriber, at the newest revision of the registry: it gets later events only.
  // Cursor::BeginSnapshot gives it a snapshot to start from. The log outlives the cursor.
  std::unique_ptr<Cursor> Subscribe(std::weak_ptr<WakeListener> listener, Filter filter = {})
      ABSL_LOCKS_EXCLUDED(mu_);
  // A subscriber that continues after the token. May wait for the archive. Errors: as
  // ResumeDecision::ToStatus.
  absl::StatusOr<std::unique_ptr<Cursor>> Resume(const ResumeToken& token,
                                                 std::weak_ptr<WakeListener> listener,
                                                 Filter filter = {}) ABSL_LOCKS_EXCLUDED(mu_);
  // Likewise; the verdict is kKnown. Does not wait.
  std::unique_ptr<Cursor> Resume(const ResumeDecision& decision,
                                 std::weak_ptr<WakeListener> listener, Filter filter = {})
      ABSL_LOCKS_EXCLUDED(mu_);
  // Looks in memory, then in the archive. An archive that cannot be read counts as empty.
  ResumeDecision Decide(const ResumeToken& token) const ABSL_LOCKS_EXCLUDED(mu_);
  // Whether Decide() and Resume() have to ask the archive now.
  bool NeedsArchive(const ResumeToken& token) const ABSL_LOCKS_EXCLUDED(mu_);
  bool has_archive() const { return options_.archive != nullptr; }

  // Up to `max_events` events after `after`, of those in memory. Errors: kOutOfRange if the log
  // starts later.
  absl::StatusOr<History> Read(int64_t after, size_t max_events) const ABSL_LOCKS_EXCLUDED(mu_);
  // The first and last revision in memory (oldest == newest + 1 if it is empty).
  int64_t oldest_revision() const ABSL_LOCKS_EXCLUDED(mu_);
  int64_t newest_revision() const ABSL_LOCKS_EXCLUDED(mu_);

  Stats stats() const ABSL_LOCKS_EXCLUDED(mu_);
  // How many cursors wait at the end.
  size_t idle_count() const ABSL_LOCKS_EXCLUDED(mu_);

  // Wakes every idle cursor, for a server that shuts down.
  void WakeAll() ABSL_LOCKS_EXCLUDED(mu_);

  registry::Registry& registry() const { return registry_; }

 private:
  friend class Cursor;

  using Listeners = std::vector<std::weak_ptr<WakeListener>>;

  using Entries = std::deque<EncodedEventPtr>;

  int64_t OldestLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return entries_.empty() ? newest_ + 1 : entries_.front()->revision();
  }
  // The least revision to go on from.
  int64_t FloorLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return entries_.empty() ? newest_ : entries_.front()->previous_revision();
  }
  // The first event after a revision.
  Entries::const_iterator AfterLocked(int64_t revision) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Up to `max_events` events after a revision.
  std::vector<EncodedEventPtr> CopyLocked(int64_t after, size_t max_events) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // The decision without the archive. False: the archive may know better.
  bool DecideFromMemory(const ResumeToken& token, ResumeDecision& decision) const
      ABSL_LOCKS_EXCLUDED(mu_);
  void AskArchive(ResumeDecision& decision) const ABSL_LOCKS_EXCLUDED(mu_);
  // Removes the cursors with something to read from the idle list.
  void TakeReady(bool all, Listeners& ready) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddIdle(Cursor& cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveIdle(Cursor& cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Wake(const std::weak_ptr<WakeListener>& listener);

  // Constant.
  registry::Registry& registry_;
  const Options options_;

  mutable absl::Mutex mu_;  // a leaf
  Entries entries_ ABSL_GUARDED_BY(mu_);
  int64_t newest_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Cursor*> idle_ ABSL_GUARDED_BY(mu_);
  Stats stats_ ABSL_GUARDED_BY(mu_);
};

// A subscriber's position in the log: it has got all revisions up to position(). An idle cursor
// costs nothing. One caller at a time: its subscriber.
//
//   Subscribe/Resume -> LIVE --BeginSnapshot()--> SNAPSHOTTING --EndSnapshot()--> LIVE
//
// A subscriber that wants the state subscribes, calls BeginSnapshot, sends the snapshot, then
// EndSnapshot, then Next. On kFellBehind it sends RESYNC and starts over at BeginSnapshot.
class Cursor {
 public:
  struct Batch {
    enum class State {
      kEvents,      // send `events` (none if the filter left nothing) and call Next again
      kAtEnd,       // nothing more: OnReady will be called
      kLarge,       // a filter has much to look at: call NextLarge
      kArchived,    // the next events are not in memory: call NextArchived
      kFellBehind,  // the event that follows position() is in neither log nor archive
    };
    State state = State::kAtEnd;
    std::vector<Selection> events;
    size_t bytes = 0;    // about; of `events`
    int64_t sent = 0;    // kFellBehind: the last revision that it got
    int64_t oldest = 0;  // kFellBehind: the first that is left
  };

  ~Cursor();
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // The next events, in revision order: at most `max_events`, and no more once they have
  // `max_bytes` together (at least one if there is one). A call looks at 1,024 events at most, and
  // with a filter at 256 changes, with a heavy one at none: where it would have to look at more,
  // and has nothing yet, it is kLarge. Never waits: without an archive, kFellBehind takes the place
  // of kArchived.
  Batch Next(size_t max_events, size_t max_bytes);
  // After kLarge: likewise, on a thread that may take its time. Asks `stop` now and then; once that
  // is true, the cursor is of no use any more. Never kLarge.
  Batch NextLarge(size_t max_events, size_t max_bytes, Stop stop);
  // After kArchived: likewise, out of the archive, on a thread that may wait for a disk. Never
  // kAtEnd, kLarge or kArchived.
  Batch NextArchived(size_t max_events, size_t max_bytes, Stop stop = NeverStop);

  // Takes a snapshot of the registry and moves the position to its revision.
  std::shared_ptr<const registry::Topology> BeginSnapshot();
  void EndSnapshot();
  bool snapshotting() const { return snapshotting_; }

  // All events up to it were given or filtered out: the revision of a bookmark.
  int64_t position() const { return position_; }
  // How far the position has moved since the last event, snapshot or bookmark that was given to the
  // client: a bookmark is due where it is large, or when the cursor becomes idle and it is not 0.
  int64_t unsent() const { return position_ - told_; }
  void BookmarkSent() { told_ = position_; }

  const Filter& filter() const { return filter_; }

 private:
  friend class WatchLog;
  static constexpr size_t kNotIdle = ~size_t{0};

  Cursor(WatchLog& log, std::weak_ptr<WakeListener> listener, Filter filter, int64_t position)
      : log_(log),
        listener_(std::move(listener)),
        filter_(std::move(filter)),
        position_(position),
        told_(position) {}

  // Copies what can be read to `events`; registers for a wake-up if that is nothing.
  Batch::State Fetch(size_t max_events, std::vector<EncodedEventPtr>& events, int64_t& oldest);
  // How many events to look at for a batch of `max_events`.
  size_t Look(size_t max_events) const;
  // Moves the position over events and puts those that pass into the batch.
  // Looks at no more than `max_changes` with a filter; kLarge if there are more and nothing passed.
  void Take(const std::vector<EncodedEventPtr>& events, size_t max_events, size_t max_bytes,
            size_t max_changes, Stop stop, Batch& batch);

  // Constant.
  WatchLog& log_;
  const std::weak_ptr<WakeListener> listener_;
  const Filter filter_;

  // The subscriber's.
  int64_t position_;
  int64_t told_;
  bool snapshotting_ = false;

  size_t idle_at_ = kNotIdle;  // index in log_.idle_; guarded by log_.mu_
  int64_t idle_position_ = 0;  // position_ when it became idle; guarded by log_.mu_
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_WATCH_LOG_H_
