#ifndef DAEMON_SERVICE_EVENT_ENCODER_H_
#define DAEMON_SERVICE_EVENT_ENCODER_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/filter.h"

namespace sasd::service {

// Encodes events as the field `events` of sas.v1.EventBatch: concatenated encodings are one batch
// of several events, and an encoding without some of its pieces is the event without those changes
// (proto3 wire format). Thread-safe.
class EventEncoder : public watch::RegistryEventEncoder {
 public:
  explicit EventEncoder(std::string epoch) : epoch_(std::move(epoch)) {}

  watch::EncodedBytes Encode(const registry::RegistryEvent& event) override;

 private:
  const std::string epoch_;
};

// The tag and length before a sas.v1.Event of `size` bytes in EventBatch.events.
std::string EventFrame(size_t size);
// The tag and length before an EventBatch of `size` bytes in WatchResponse.events.
std::string BatchFrame(size_t size);

// What is selected of an event, as one encoded sas.v1.Event (without its frame) or, where it is
// larger than a client takes in one message, as several of which all but the last are `continued`.
class EventParts {
 public:
  // Starts with the piece `first` of the event, or the next one that is selected.
  explicit EventParts(watch::Selection selection, size_t first = 0);

  bool done() const { return next_ == count_; }
  // The next part, of at most `max_bytes` but with one piece at least. May be called once where
  // nothing is left: for an event without pieces.
  std::string Next(size_t max_bytes);
  // The first piece of the event that no part has had yet. Not done().
  size_t position() const { return PieceAt(next_); }

 private:
  size_t PieceAt(size_t i) const { return selection_.whole ? i : selection_.parts[i].piece; }
  absl::string_view BytesAt(size_t i) const {
    return selection_.whole ? selection_.event->piece_bytes(i)
                            : selection_.BytesOf(selection_.parts[i]);
  }

  const watch::Selection selection_;
  const size_t count_;  // of what is selected
  size_t next_;
};

// A gRPC client takes 4 MB in one message by default.
inline constexpr size_t kPartBytes = 1 << 20;

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_EVENT_ENCODER_H_
