#ifndef DAEMON_MEMORY_RECORDER_H_
#define DAEMON_MEMORY_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/journal/journal.h"
#include "daemon/registry/registry_event_queue.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/topology.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/event_recorder.h"

namespace sasd::memory {

// Whether events are written. The numbers equal sas.v1.JournalState.
enum class JournalState { kNone = 1, kOk = 2, kStalled = 3, kRefused = 4 };

struct JournalStatus {
  JournalState state = JournalState::kNone;
  std::string message;  // why it is not kOk, and what helps
};

// Keeps each event before the publisher shows it, and keeps the stored state of all objects up to
// date. An event is staged: it lies in shared memory, which survives a kill
// (journal::Journal::Stage). A thread of its own writes what is staged to the disk, so that nobody
// waits for one. Where an event cannot be staged, Record() waits until the thread has written it,
// for a second at most.
//
//   WRITING --an event is neither staged nor written--> LOST --the disk answers--> RECOVERING
//      ^                                                 ^                              |
//      |                                                 `------- a write fails --------+
//      `--- staged events, a gap, the whole state, and the events since are written ----'
//
// A disk that hangs, or is full for a while, costs no event as long as staged ones have room. In
// LOST and RECOVERING events are published from memory alone; clients may see them, and the
// journal's mark in shared memory says so. Thread-safe.
class Recorder : public watch::EventRecorder {
 public:
  struct Options {
    // A write that takes longer is a stall; in addition, a second for each 8 MB.
    absl::Duration patience = absl::Seconds(1);
    // Between two attempts to write; doubles up to `longest_retry`.
    absl::Duration first_retry = absl::Seconds(1), longest_retry = absl::Seconds(30);
    // The state is stored once so many objects have changed, or this long after the first one has.
    size_t checkpoint_objects = 4096;
    absl::Duration checkpoint_interval = absl::Seconds(60);
  };

  // Starts the thread. Borrows the journal for its lifetime.
  Recorder(journal::Journal& journal, const Options& options);
  explicit Recorder(journal::Journal& journal) : Recorder(journal, Options()) {}
  // Writes what is staged, and the state, unless the disk does not answer.
  ~Recorder() override;

  void Record(absl::Span<const registry::CommittedEvent> events,
              absl::Span<const watch::EncodedEventPtr> encoded) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnPublished() override ABSL_LOCKS_EXCLUDED(mu_);

  JournalStatus status() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class Mode { kWriting, kLost, kRecovering };
  // The last state of an object that has changed since the last checkpoint.
  struct Changed {
    registry::ResourceRef resource;
    bool present = true;
    int64_t revision = 0;
  };
  using ChangedObjects = absl::btree_map<std::string, Changed>;  // by name
  // Events to write, and what they make of the state.
  struct Job {
    std::vector<journal::EventRow> rows;
    std::vector<std::pair<std::string, Changed>> changes;
    size_t bytes = 0;

    // Adds later ones.
    void Add(Job later);
  };

  // Waits until the thread has written the job. False: it has not in time.
  bool Write(Job job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Writes the queue; what the disk does not take stays in it.
  absl::Status WriteQueue() ABSL_LOCKS_EXCLUDED(mu_);
  // The queue is to be written now.
  void SetDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Fail(std::string why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Succeed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string Complaint(absl::string_view why) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // One attempt to come back.
  absl::Status Recover() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status WriteWholeState(const registry::Topology& topology, int64_t last_written);
  absl::Status WriteChanged(const ChangedObjects& changed);
  absl::Status Checkpoint() ABSL_LOCKS_EXCLUDED(mu_);
  static void AddTo(Job& job, const registry::RegistryEvent& event,
                    const watch::EncodedEvent& encoded);
  // After the job's rows were written.
  void Note(Job job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // How long a write of so many bytes may take.
  absl::Duration PatienceFor(size_t bytes) const;

  journal::Journal& journal_;
  const Options options_;

  mutable absl::Mutex mu_;
  Mode mode_ ABSL_GUARDED_BY(mu_) = Mode::kWriting;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  // Why the last write failed, or the mode is not WRITING; else empty.
  std::string failure_ ABSL_GUARDED_BY(mu_);
  std::string last_complaint_ ABSL_GUARDED_BY(mu_);  // that the log has
  absl::Duration retry_ ABSL_GUARDED_BY(mu_);
  // To be written, in order. What the thread writes at the moment is not in it.
  Job queue_ ABSL_GUARDED_BY(mu_);
  // The queue has events that are published, or that Record() waits for.
  bool is_due_ ABSL_GUARDED_BY(mu_) = false;
  int64_t written_ ABSL_GUARDED_BY(mu_) = 0;  // the last revision of it that was written
  // By when the next write is to end, by the monotonic clock; infinite while none is due.
  absl::Duration write_due_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  // RECOVERING: the events after the revision of the stored state.
  Job late_ ABSL_GUARDED_BY(mu_);
  // The newest events that the publisher has shown.
  std::shared_ptr<const registry::Topology> newest_ ABSL_GUARDED_BY(mu_);
  ChangedObjects changed_ ABSL_GUARDED_BY(mu_);  // by events that are written
  // Likewise.
  absl::Duration checkpoint_due_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  std::thread thread_;
};

}  // namespace sasd::memory

#endif  // DAEMON_MEMORY_RECORDER_H_
