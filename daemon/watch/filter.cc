#include "daemon/watch/filter.h"

#include <algorithm>

namespace sasd::watch {

Filter::Filter(absl::Span<const registry::ResourceKind> kinds, absl::Span<const SasAddress> hosts)
    : hosts_(hosts.begin(), hosts.end()) {
  for (registry::ResourceKind kind : kinds) kinds_ |= 1u << static_cast<unsigned>(kind);
}

bool Filter::PassesHosts(const registry::HostList& hosts) const {
  return hosts_.empty() || std::any_of(hosts.begin(), hosts.end(),
                                       [this](SasAddress host) { return hosts_.contains(host); });
}

std::optional<Selection> Select(const EncodedEventPtr& event, const Filter& filter) {
  Selection selection;
  selection.event = event;
  selection.bytes = event->all().size();
  if (filter.passes_everything()) return selection;
  if (event->piece_count() == 0) {
    if (!filter.PassesHosts({event->host()})) return std::nullopt;
    return selection;
  }
  for (size_t i = 0; i < event->piece_count(); ++i) {
    const EncodedEvent::Piece& piece = event->piece(i);
    if (filter.Passes(piece.kind, piece.hosts)) {
      selection.pieces.push_back(static_cast<uint32_t>(i));
    }
  }
  if (selection.pieces.empty()) return std::nullopt;
  selection.whole = selection.pieces.size() == event->piece_count();
  if (selection.whole) {
    selection.pieces.clear();
    return selection;
  }
  selection.bytes = event->header().size();
  for (uint32_t piece : selection.pieces) selection.bytes += event->piece_bytes(piece).size();
  return selection;
}

}  // namespace sasd::watch
