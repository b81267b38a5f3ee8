#include "daemon/watch/encoded_event.h"

#include <utility>

#include "absl/base/internal/raw_logging.h"

namespace sasd::watch {

EncodedEvent::EncodedEvent(const registry::RegistryEvent& event, EncodedBytes encoded)
    : revision_(event.revision),
      previous_revision_(event.previous_revision),
      time_(event.time),
      arrival_(event.arrival),
      host_(event.host),
      frame_size_(encoded.frame_size),
      header_size_(encoded.header_size),
      bytes_(std::move(encoded.bytes)) {
  ABSL_INTERNAL_CHECK(encoded.piece_ends.size() == event.changes.size() + event.notices.size(),
                      "an encoder makes one piece per change and notice");
  pieces_.reserve(encoded.piece_ends.size());
  uint32_t begin = frame_size_ + header_size_;
  const auto add = [&](registry::ResourceKind kind, registry::HostList hosts) {
    const uint32_t end = encoded.piece_ends[pieces_.size()];
    pieces_.push_back({begin, end, kind, std::move(hosts)});
    begin = end;
  };
  for (const registry::Change& change : event.changes) add(change.resource_kind(), change.hosts);
  for (const registry::EventNotice& notice : event.notices) {
    add(registry::KindOf(notice.subject), {notice.host});
  }
}

size_t EncodedEvent::footprint() const {
  return sizeof(*this) + bytes_.capacity() + pieces_.capacity() * sizeof(Piece);
}

}  // namespace sasd::watch
