#ifndef DAEMON_SERVICE_EVENT_ENCODER_H_
#define DAEMON_SERVICE_EVENT_ENCODER_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/filter.h"

namespace sasd::service {

// Encodes events as the field `events` of sas.v1.WatchResponse: concatenated encodings are one
// response with several events, and an encoding without some of its pieces is the event without
// those changes (proto3 wire format). Thread-safe.
class EventEncoder : public watch::EventEncoder {
 public:
  explicit EventEncoder(std::string epoch) : epoch_(std::move(epoch)) {}

  watch::EncodedBytes Encode(const registry::Event& event) override;

 private:
  const std::string epoch_;
};

// The tag and length that stand before a sas.v1.Event of `size` bytes in WatchResponse.events.
std::string EventFrame(size_t size);

// The encoded sas.v1.Event of a selection, without its frame.
std::string SelectedEvent(const watch::Selection& selection);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_EVENT_ENCODER_H_
