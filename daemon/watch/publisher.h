#ifndef DAEMON_WATCH_PUBLISHER_H_
#define DAEMON_WATCH_PUBLISHER_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "daemon/registry/registry_event.h"
#include "daemon/registry/topology.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/event_recorder.h"
#include "daemon/watch/watch_log.h"

namespace sasd::watch {

// Sees each event of the registry before anybody else does.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  // `after`: all resources at the event's revision, which are not published yet. May add notices to
  // the event, and must change nothing else of it. Called in the order of revisions, by one thread
  // at a time, without a lock. Every subscriber waits meanwhile: it returns quickly, and does no
  // I/O.
  virtual void OnCommit(registry::RegistryEvent& event, const registry::Topology& after) = 0;
};

// The way of an event from the registry's queue to the subscribers: listeners, encoding, the
// recorder, the registry's publication, the log, wake-ups. Nothing of an event is visible before
// its publication.
class Publisher {
 public:
  // Borrows all for its lifetime. The listeners are called in this order. `recorder` may be null.
  Publisher(WatchLog& log, RegistryEventEncoder& encoder,
            std::vector<CommitListener*> listeners = {}, EventRecorder* recorder = nullptr)
      : log_(log), encoder_(encoder), listeners_(std::move(listeners)), recorder_(recorder) {}

  // Takes the registry's events, one at least and 32 at most, publishes and appends them, and wakes
  // the cursors at the end. While many are woken, new events are taken, too. False if there was no
  // event. By one thread at a time: the one that has claimed the registry's queue.
  bool PublishOnce();

  WatchLog& log() const { return log_; }

 private:
  // Publishes and appends at most `most` events; `wake`: wakes the cursors, if they are few.
  // Returns how many events there were.
  size_t Publish(size_t most, bool wake);

  WatchLog& log_;
  RegistryEventEncoder& encoder_;
  const std::vector<CommitListener*> listeners_;
  EventRecorder* const recorder_;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_PUBLISHER_H_
