#ifndef DAEMON_WATCH_FILTER_H_
#define DAEMON_WATCH_FILTER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "daemon/registry/resources.h"
#include "daemon/watch/encoded_event.h"

namespace sasd::watch {

// Selects resources of some kinds and hosts for a subscriber. Immutable once it is set up, then
// thread-safe. The default passes everything.
class Filter {
 public:
  Filter() = default;
  // An empty span means all.
  Filter(absl::Span<const registry::ResourceKind> kinds, absl::Span<const SasAddress> hosts);

  bool passes_everything() const { return kinds_ == 0 && hosts_.empty(); }
  // For resources of a snapshot: `hosts` from Topology::HostsOf.
  bool Passes(registry::ResourceKind kind, const registry::HostList& hosts) const {
    return PassesKind(kind) && PassesHosts(hosts);
  }

 private:
  friend std::optional<struct Selection> Select(const EncodedEventPtr& event, const Filter& filter);

  bool PassesKind(registry::ResourceKind kind) const {
    return kinds_ == 0 || (kinds_ & 1u << static_cast<unsigned>(kind)) != 0;
  }
  bool PassesHosts(const registry::HostList& hosts) const;

  uint32_t kinds_ = 0;  // bit per ResourceKind; 0: all
  absl::flat_hash_set<SasAddress> hosts_;
};

// An event, or a part of it, to send.
struct Selection {
  EncodedEventPtr event;
  bool whole = true;             // send event->all()
  std::vector<uint32_t> pieces;  // else: event->header() and these pieces, ascending
  size_t bytes = 0;              // to send, about
};

// The part of the event that passes; nullopt where no part does. An event without pieces (the mark
// of a gap or of a host reset) passes any kinds, and hosts that contain its own.
std::optional<Selection> Select(const EncodedEventPtr& event, const Filter& filter);

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_FILTER_H_
