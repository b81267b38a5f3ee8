#ifndef DAEMON_WATCH_ENCODED_EVENT_H_
#define DAEMON_WATCH_ENCODED_EVENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/resources.h"
#include "driver/observation/observation.h"

namespace sasd::watch {

// An encoded event: one buffer, cut into
//   [frame][header][one piece per change, in order][one piece per notice, in order]
// `header` and any subset of the pieces, concatenated, are a valid encoding of the event with just
// those changes and notices. `frame` precedes the header of a whole event (for protobuf: the tag
// and length of WatchResponse.events); it may be empty.
struct EncodedBytes {
  std::string bytes;
  uint32_t frame_size = 0;
  uint32_t header_size = 0;
  std::vector<uint32_t> piece_ends;  // offsets in `bytes`; the last equals bytes.size()
};

// Turns events of the registry into bytes. Only Publisher calls it, once per event, without a lock.
class RegistryEventEncoder {
 public:
  virtual ~RegistryEventEncoder() = default;
  virtual EncodedBytes Encode(const registry::RegistryEvent& event) = 0;
};

// An event in the log. Immutable and shared: it lives until the log has trimmed it and the last
// subscriber has sent it.
class EncodedEvent {
 public:
  struct Piece {
    uint32_t begin;  // offsets in all()
    uint32_t end;
    registry::ResourceKind kind;
    std::optional<registry::ChangeKind> change;  // none: a notice
    // Of the state before and the state after (registry::HostsOf), ascending; empty where there is
    // no such state. A notice has the host in its subject's name, if any, in both.
    registry::HostList hosts_before, hosts_after;
  };

  // What is known of an event beside its bytes.
  struct Head {
    int64_t revision = 0;
    int64_t previous_revision = 0;
    absl::Time time;
    absl::Duration arrival;
    HostKey host;
    CauseKind cause = CauseKind::kStartup;
    Notice::Severity severity = Notice::Severity::kInfo;
  };

  // `encoded` is the encoding of `event`: a piece for each change and notice.
  EncodedEvent(const registry::RegistryEvent& event, EncodedBytes encoded);
  // An event that was read back: `pieces` lie one after the other behind the frame and the header
  // of `bytes`, to its end.
  EncodedEvent(const Head& head, uint32_t frame_size, uint32_t header_size, std::string bytes,
               std::vector<Piece> pieces);

  int64_t revision() const { return head_.revision; }
  // Of the event before; revision() - 1 unless the counter jumped.
  int64_t previous_revision() const { return head_.previous_revision; }
  absl::Duration arrival() const { return head_.arrival; }
  absl::Time time() const { return head_.time; }
  HostKey host() const { return head_.host; }  // its origin; 0: not of one host
  CauseKind cause() const { return head_.cause; }
  Notice::Severity severity() const { return head_.severity; }  // registry::SeverityOf

  // Frame, header and all pieces: the bytes to send.
  absl::string_view all() const { return bytes_; }
  absl::string_view header() const {
    return absl::string_view(bytes_).substr(frame_size_, header_size_);
  }
  size_t piece_count() const { return pieces_.size(); }
  const Piece& piece(size_t i) const { return pieces_[i]; }
  absl::string_view piece_bytes(size_t i) const {
    return absl::string_view(bytes_).substr(pieces_[i].begin, pieces_[i].end - pieces_[i].begin);
  }

  // Approximate memory, for the log's bound.
  size_t footprint() const;

 private:
  const Head head_;
  const uint32_t frame_size_;
  const uint32_t header_size_;
  const std::string bytes_;
  std::vector<Piece> pieces_;
};
using EncodedEventPtr = std::shared_ptr<const EncodedEvent>;

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_ENCODED_EVENT_H_
