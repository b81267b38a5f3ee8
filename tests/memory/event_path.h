#ifndef TESTS_MEMORY_EVENT_PATH_H_
#define TESTS_MEMORY_EVENT_PATH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/state_store.h"
#include "daemon/memory/recorder.h"
#include "daemon/registry/registry.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/journal_archive.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/pump.h"
#include "daemon/watch/watch_log.h"

namespace sasd::testing {

// The way of an event from the registry to a subscriber, as in sasd: a registry with drives that a
// test changes, the pump, the recorder and the journal, the log.
class EventPath {
 public:
  // `directory` has the journal and must exist; empty: there is no journal. The journal is of this
  // machine and source. Fails the process if the journal does not open.
  EventPath(const std::string& directory, int drives, const std::string& machine = "machine",
            const std::string& source = "live");
  ~EventPath();

  registry::Registry& registry() { return registry_; }
  watch::WatchLog& log() { return log_; }
  watch::Pump& pump() { return *pump_; }
  journal::Journal* journal() { return journal_.get(); }
  memory::Recorder* recorder() { return recorder_.get(); }

  // One event: a drive is blocked, or comes back. Does not publish it: Pump::Flush does.
  void Change();

 private:
  std::unique_ptr<journal::StateStore> state_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<memory::Recorder> recorder_;
  registry::Registry registry_;
  service::EventEncoder encoder_;
  std::unique_ptr<service::JournalArchive> archive_;
  watch::WatchLog log_;
  watch::Publisher publisher_;
  std::unique_ptr<watch::Pump> pump_;
  const int drives_;
  int64_t changes_ = 0;
};

// A subscriber on a thread of its own.
class PathSubscriber {
 public:
  // `on_event` is called for each event after the newest one, in order, by the thread.
  PathSubscriber(EventPath& path, std::function<void(const watch::EncodedEvent&)> on_event);
  // Stops; events may be left.
  ~PathSubscriber();

  // Waits until it has the revision. False: not in time, or it fell behind.
  bool Await(int64_t revision, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Listener;

  void Run();

  const std::function<void(const watch::EncodedEvent&)> on_event_;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<watch::Cursor> cursor_;  // the thread's

  absl::Mutex mu_;
  int64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
  bool fell_behind_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sasd::testing

#endif  // TESTS_MEMORY_EVENT_PATH_H_
