#include "daemon/watch/encoded_event.h"

#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "daemon/registry/severity.h"

namespace sasd::watch {
namespace {

// Logical units, enclosures and slots belong to no one host.
bool HasHostInName(const registry::ResourceId& id) {
  const registry::ResourceKind kind = registry::KindOf(id);
  return kind != registry::ResourceKind::kLogicalUnit &&
         kind != registry::ResourceKind::kEnclosure && kind != registry::ResourceKind::kSlot;
}

}  // namespace

EncodedEvent::EncodedEvent(const registry::RegistryEvent& event, EncodedBytes encoded)
    : head_{event.revision,   event.previous_revision,    event.time, event.arrival, event.host,
            event.cause.kind, registry::SeverityOf(event)},
      frame_size_(encoded.frame_size),
      header_size_(encoded.header_size),
      bytes_(std::move(encoded.bytes)) {
  ABSL_INTERNAL_CHECK(encoded.piece_ends.size() == event.changes.size() + event.notices.size(),
                      "an encoder makes one piece per change and notice");
  pieces_.reserve(encoded.piece_ends.size());
  uint32_t begin = frame_size_ + header_size_;
  const auto add = [&](registry::ResourceKind kind, std::optional<registry::ChangeKind> change,
                       registry::HostList before, registry::HostList after) {
    const uint32_t end = encoded.piece_ends[pieces_.size()];
    pieces_.push_back({begin, end, kind, change, std::move(before), std::move(after)});
    begin = end;
  };
  const auto hosts_of = [](const registry::ResourceRef& state) {
    return registry::IsNull(state) ? registry::HostList() : registry::HostsOf(state);
  };
  for (const registry::Change& change : event.changes) {
    add(change.resource_kind(), change.kind(), hosts_of(change.before), hosts_of(change.after));
  }
  for (const registry::EventNotice& notice : event.notices) {
    registry::HostList hosts;
    if (HasHostInName(notice.subject)) hosts.push_back(notice.host);
    add(registry::KindOf(notice.subject), std::nullopt, hosts, hosts);
  }
}

EncodedEvent::EncodedEvent(const Head& head, uint32_t frame_size, uint32_t header_size,
                           std::string bytes, std::vector<Piece> pieces)
    : head_(head),
      frame_size_(frame_size),
      header_size_(header_size),
      bytes_(std::move(bytes)),
      pieces_(std::move(pieces)) {
  ABSL_INTERNAL_CHECK(
      (pieces_.empty() ? frame_size_ + header_size_ : pieces_.back().end) == bytes_.size(),
      "frame, header and pieces are all of the bytes");
}

size_t EncodedEvent::footprint() const {
  return sizeof(*this) + bytes_.capacity() + pieces_.capacity() * sizeof(Piece);
}

}  // namespace sasd::watch
