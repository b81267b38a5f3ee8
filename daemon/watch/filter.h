#ifndef DAEMON_WATCH_FILTER_H_
#define DAEMON_WATCH_FILTER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/registry/resources.h"
#include "daemon/watch/encoded_event.h"
#include "google/protobuf/message.h"

namespace sasd::watch {

// Whether some work is to end. It may also let other work go on first.
using Stop = absl::FunctionRef<bool()>;
inline bool NeverStop() { return false; }

// How a piece is sent to one subscriber.
enum class Form : uint8_t {
  kAsItIs,     // its bytes in the event
  kAddition,   // a modification, to a subscriber whose filter begins to pass the resource
  kDeparture,  // a modification, to a subscriber whose filter ends to pass the resource
};

// What filters need of an event beside its bytes: its states, and its pieces in other forms. Each
// is made when it is first asked for. Thread-safe.
class EventView {
 public:
  virtual ~EventView() = default;

  // The states of the resource that the change `piece` is about. `Before` of a modification or
  // removal, `After` of a modification or addition. They live as long as the view.
  virtual const google::protobuf::Message& Before(size_t piece) const = 0;
  virtual const google::protobuf::Message& After(size_t piece) const = 0;
  // A modification in another form, for the place of piece_bytes(piece).
  virtual absl::string_view Bytes(size_t piece, Form form) const = 0;
};

// Makes views. Thread-safe. An event's view is shared by all who ask for it within a short time.
class EventViews {
 public:
  virtual ~EventViews() = default;
  virtual std::shared_ptr<const EventView> Of(const EncodedEventPtr& event) = 0;
};

// What a filter demands of the content of resources. Thread-safe.
class Conditions {
 public:
  virtual ~Conditions() = default;
  // Whether resources of the kind can pass.
  virtual bool PassesKind(registry::ResourceKind kind) const = 0;
  // Whether Passes() can take tens of microseconds.
  virtual bool is_heavy() const { return false; }
  // Both decide equally. `state`: of an EventView, of the kind, which passes.
  virtual bool Passes(const registry::ResourceRef& resource) const = 0;
  virtual bool Passes(registry::ResourceKind kind,
                      const google::protobuf::Message& state) const = 0;
};

// Selects resources for a subscriber: of some kinds and hosts, on conditions. Immutable once it is
// set up, then thread-safe. The default passes everything.
class Filter {
 public:
  Filter() = default;
  // An empty span means all. `views` is needed to select of events by hosts or conditions.
  Filter(absl::Span<const registry::ResourceKind> kinds, absl::Span<const HostKey> hosts,
         std::shared_ptr<const Conditions> conditions = nullptr,
         std::shared_ptr<EventViews> views = nullptr);

  bool passes_everything() const { return kinds_ == 0 && hosts_.empty() && conditions_ == nullptr; }
  // Whether a look at one resource can take tens of microseconds.
  bool is_heavy() const { return conditions_ != nullptr && conditions_->is_heavy(); }
  // For a resource of a snapshot.
  bool Passes(const registry::ResourceRef& resource) const;
  // For a state from anywhere; `hosts` are its hosts.
  bool Passes(registry::ResourceKind kind, const registry::HostList& hosts,
              const google::protobuf::Message& state) const;

 private:
  friend std::optional<struct Selection> Select(const EncodedEventPtr& event, const Filter& filter,
                                                Stop stop);
  class Selector;

  bool PassesKind(registry::ResourceKind kind) const {
    return (kinds_ == 0 || (kinds_ & 1u << static_cast<unsigned>(kind)) != 0) &&
           (conditions_ == nullptr || conditions_->PassesKind(kind));
  }
  bool PassesHosts(const registry::HostList& hosts) const;

  uint32_t kinds_ = 0;  // bit per ResourceKind; 0: all
  absl::flat_hash_set<HostKey> hosts_;
  std::shared_ptr<const Conditions> conditions_;
  std::shared_ptr<EventViews> views_;
};

// An event, or a part of it, to send.
struct Selection {
  struct Part {
    uint32_t piece;
    Form form;
  };

  // The bytes of a part. They live as long as the selection.
  absl::string_view BytesOf(const Part& part) const {
    return part.form == Form::kAsItIs ? event->piece_bytes(part.piece)
                                      : view->Bytes(part.piece, part.form);
  }

  EncodedEventPtr event;
  bool whole = true;                      // send event->all()
  std::vector<Part> parts;                // else: event->header() and these, ascending by piece
  std::shared_ptr<const EventView> view;  // where a part is not as it is
  size_t bytes = 0;                       // to send, about
};

// What the subscriber sees of the event, as if only the resources that pass were there: a
// modification by which a resource begins to pass is an addition; one by which it ends to pass, a
// departure. Notices pass by kind and host. nullopt where nothing passes. An event without pieces
// (the mark of a gap or of a host reset) passes any kinds and conditions, and hosts that contain
// its own. A call of the audit is about no resource: it passes only a filter that passes
// everything. `stop` is asked every 64 pieces; once it is true the result means nothing.
std::optional<Selection> Select(const EncodedEventPtr& event, const Filter& filter,
                                Stop stop = NeverStop);

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_FILTER_H_
