#ifndef DAEMON_MEMORY_RECORDER_H_
#define DAEMON_MEMORY_RECORDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
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

// Writes each event to the journal before the publisher shows it, and keeps the stored state of all
// objects up to date. A thread of its own writes, so that the publisher can give a write up:
//
//   WRITING --a write takes over a second, or fails--> STALLED --the disk answers--> RECOVERING
//      ^                                                  ^                              |
//      |                                                  `------- a write fails --------+
//      `------ a gap, the whole state, and the events since are written -----------------'
//
// While it does not write, events are published from memory; clients may see them, and the
// journal's mark in shared memory says so. Thread-safe.
class Recorder : public watch::EventRecorder {
 public:
  struct Options {
    // A write that takes longer is given up; in addition, a second for each 8 MB.
    absl::Duration patience = absl::Seconds(1);
    // Between two attempts to come back; doubles up to `longest_retry`.
    absl::Duration first_retry = absl::Seconds(1), longest_retry = absl::Seconds(30);
    // The state is stored once so many objects have changed, or this long after the first one has.
    size_t checkpoint_objects = 4096;
    absl::Duration checkpoint_interval = absl::Seconds(60);
  };

  // Starts the thread. Borrows the journal for its lifetime.
  Recorder(journal::Journal& journal, const Options& options);
  explicit Recorder(journal::Journal& journal) : Recorder(journal, Options()) {}
  // Writes the state, unless the disk does not answer.
  ~Recorder() override;

  // Wakes the thread, once between two jobs. It then looks for the next job for a moment before it
  // sleeps, so that a single event does not wait until a sleeping thread runs.
  void Expect() override ABSL_LOCKS_EXCLUDED(mu_);
  // The thread that has written them publishes them; the caller does where it gives up.
  void Record(absl::Span<const registry::CommittedEvent> events,
              absl::Span<const watch::EncodedEventPtr> encoded,
              absl::FunctionRef<void()> publish) override ABSL_LOCKS_EXCLUDED(mu_);

  JournalStatus status() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class Mode { kWriting, kStalled, kRecovering };
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
    uint64_t number = 0;
    // Publishes the events. Valid while Record waits: while the job is not given up.
    const absl::FunctionRef<void()>* publish = nullptr;
  };

  // True: written and published. False: given up.
  bool Write(Job job, const absl::FunctionRef<void()>& publish) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void WriteJob() ABSL_LOCKS_EXCLUDED(mu_);
  void Stall(const std::string& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // One attempt to come back.
  absl::Status Recover() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status WriteWholeState(const registry::Topology& topology, int64_t last_written);
  absl::Status WriteChanged(const ChangedObjects& changed);
  void Checkpoint() ABSL_LOCKS_EXCLUDED(mu_);
  static void AddTo(Job& job, const registry::RegistryEvent& event,
                    const watch::EncodedEvent& encoded);
  // After the job's rows were written.
  void Note(Job job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Until there is a job, or `kAlert` is over.
  void LookForJob() const;
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  journal::Journal& journal_;
  const Options options_;

  mutable absl::Mutex mu_;
  Mode mode_ ABSL_GUARDED_BY(mu_) = Mode::kWriting;
  std::string why_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  // WRITING: the rows to write, and the number of the last job that is done.
  bool has_job_ ABSL_GUARDED_BY(mu_) = false;
  Job job_ ABSL_GUARDED_BY(mu_);
  uint64_t jobs_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t done_ ABSL_GUARDED_BY(mu_) = 0;
  bool publishing_ ABSL_GUARDED_BY(mu_) = false;   // the job is written, and is being published
  bool is_expected_ ABSL_GUARDED_BY(mu_) = false;  // Expect() wakes the thread
  std::atomic<bool> may_expect_{true};             // since the last job
  std::atomic<bool> sees_job_{false};              // equals has_job_, for a look without the lock
  // RECOVERING: the events after the revision of the stored state.
  Job late_ ABSL_GUARDED_BY(mu_);
  // The newest events that the publisher has shown.
  std::shared_ptr<const registry::Topology> newest_ ABSL_GUARDED_BY(mu_);
  absl::Duration retry_ ABSL_GUARDED_BY(mu_);
  ChangedObjects changed_ ABSL_GUARDED_BY(mu_);  // by events that are written
  absl::Time checkpoint_due_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  std::thread thread_;
};

}  // namespace sasd::memory

#endif  // DAEMON_MEMORY_RECORDER_H_
