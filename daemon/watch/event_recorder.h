#ifndef DAEMON_WATCH_EVENT_RECORDER_H_
#define DAEMON_WATCH_EVENT_RECORDER_H_

#include "absl/types/span.h"
#include "daemon/registry/registry_event_queue.h"
#include "daemon/watch/encoded_event.h"

namespace sasd::watch {

// Keeps events before anybody sees them.
class EventRecorder {
 public:
  virtual ~EventRecorder() = default;
  // Keeps the events, or gives up. `encoded` are the encodings of `events`, one at least. Called in
  // the order of revisions, by one thread at a time, without a lock. Every subscriber waits
  // meanwhile.
  virtual void Record(absl::Span<const registry::CommittedEvent> events,
                      absl::Span<const EncodedEventPtr> encoded) = 0;
  // Everybody sees the events of the last Record() now: what nobody waits for may begin. Called
  // after each Record(), by the same thread.
  virtual void OnPublished() = 0;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_EVENT_RECORDER_H_
