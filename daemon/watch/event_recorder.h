#ifndef DAEMON_WATCH_EVENT_RECORDER_H_
#define DAEMON_WATCH_EVENT_RECORDER_H_

#include "absl/types/span.h"
#include "daemon/registry/registry_event_queue.h"
#include "daemon/watch/encoded_event.h"

namespace sasd::watch {

// Writes events down before anybody sees them.
class EventRecorder {
 public:
  virtual ~EventRecorder() = default;
  // `encoded` are the encodings of `events`, one at least. Called in the order of revisions, by one
  // thread at a time, without a lock. Returns when they are written, or the recorder has given up:
  // every subscriber waits meanwhile.
  virtual void Record(absl::Span<const registry::CommittedEvent> events,
                      absl::Span<const EncodedEventPtr> encoded) = 0;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_EVENT_RECORDER_H_
