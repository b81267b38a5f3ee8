#ifndef DAEMON_WATCH_EVENT_RECORDER_H_
#define DAEMON_WATCH_EVENT_RECORDER_H_

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "daemon/registry/registry_event_queue.h"
#include "daemon/watch/encoded_event.h"

namespace sasd::watch {

// Writes events down before anybody sees them.
class EventRecorder {
 public:
  virtual ~EventRecorder() = default;
  // Events may come at once: a recorder may wake its thread meanwhile, so that it is awake when
  // Record() is called. A hint: Record() may come without it, and it without Record(). Called by
  // any thread, without a lock; returns quickly.
  virtual void Expect() {}
  // Writes the events, or gives up; then calls `publish`, once, before it returns. It may call it
  // on a thread of its own, so that nobody waits for a change of threads. `encoded` are the
  // encodings of `events`, one at least; `publish` may take them. Called in the order of revisions,
  // by one thread at a time, without a lock. Every subscriber waits meanwhile.
  virtual void Record(absl::Span<const registry::CommittedEvent> events,
                      absl::Span<const EncodedEventPtr> encoded,
                      absl::FunctionRef<void()> publish) = 0;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_EVENT_RECORDER_H_
