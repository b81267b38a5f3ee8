#include "daemon/watch/filter.h"

#include <algorithm>
#include <utility>

namespace sasd::watch {

Filter::Filter(absl::Span<const registry::ResourceKind> kinds, absl::Span<const HostKey> hosts,
               std::shared_ptr<const Conditions> conditions, std::shared_ptr<EventViews> views)
    : hosts_(hosts.begin(), hosts.end()),
      conditions_(std::move(conditions)),
      views_(std::move(views)) {
  for (registry::ResourceKind kind : kinds) kinds_ |= 1u << static_cast<unsigned>(kind);
}

bool Filter::PassesHosts(const registry::HostList& hosts) const {
  return hosts_.empty() || std::any_of(hosts.begin(), hosts.end(),
                                       [this](HostKey host) { return hosts_.contains(host); });
}

bool Filter::Passes(const registry::ResourceRef& resource) const {
  return PassesKind(registry::KindOf(resource)) &&
         (hosts_.empty() || PassesHosts(registry::HostsOf(resource))) &&
         (conditions_ == nullptr || conditions_->Passes(resource));
}

bool Filter::Passes(registry::ResourceKind kind, const registry::HostList& hosts,
                    const google::protobuf::Message& state) const {
  return PassesKind(kind) && PassesHosts(hosts) &&
         (conditions_ == nullptr || conditions_->Passes(kind, state));
}

// Selects pieces of one event.
class Filter::Selector {
 public:
  Selector(const Filter& filter, const EncodedEventPtr& event) : filter_(filter), event_(event) {}

  // nullopt: the piece does not pass.
  std::optional<Form> FormOf(size_t i) {
    const EncodedEvent::Piece& piece = event_->piece(i);
    if (!filter_.PassesKind(piece.kind)) return std::nullopt;
    if (!piece.change.has_value()) {
      const bool of_no_host = piece.hosts_after.empty();
      if (of_no_host || filter_.PassesHosts(piece.hosts_after)) return Form::kAsItIs;
      return std::nullopt;
    }
    const bool before = *piece.change != registry::ChangeKind::kAdded &&
                        filter_.PassesHosts(piece.hosts_before) &&
                        (filter_.conditions_ == nullptr ||
                         filter_.conditions_->Passes(piece.kind, View().Before(i)));
    const bool after = *piece.change != registry::ChangeKind::kRemoved &&
                       filter_.PassesHosts(piece.hosts_after) &&
                       (filter_.conditions_ == nullptr ||
                        filter_.conditions_->Passes(piece.kind, View().After(i)));
    if (!before && !after) return std::nullopt;
    if (*piece.change != registry::ChangeKind::kModified || before == after) return Form::kAsItIs;
    return after ? Form::kAddition : Form::kDeparture;
  }

  const EventView& View() {
    if (view_ == nullptr) view_ = filter_.views_->Of(event_);
    return *view_;
  }
  std::shared_ptr<const EventView> TakeView() { return std::move(view_); }

 private:
  const Filter& filter_;
  const EncodedEventPtr& event_;
  std::shared_ptr<const EventView> view_;  // once it is needed
};

std::optional<Selection> Select(const EncodedEventPtr& event, const Filter& filter, Stop stop) {
  Selection selection;
  selection.event = event;
  selection.bytes = event->all().size();
  if (filter.passes_everything()) return selection;
  const bool jumped = event->previous_revision() + 1 != event->revision();
  if (event->piece_count() == 0) {
    if (!jumped && event->cause() == CauseKind::kAudit) return std::nullopt;
    if (!jumped && !filter.PassesHosts({event->host()})) return std::nullopt;
    return selection;
  }
  Filter::Selector selector(filter, event);
  bool other_forms = false;
  constexpr size_t kLooks = 64;
  for (size_t i = 0; i < event->piece_count(); ++i) {
    if (i % kLooks == kLooks - 1 && stop()) return std::nullopt;
    const std::optional<Form> form = selector.FormOf(i);
    if (!form.has_value()) continue;
    selection.parts.push_back({static_cast<uint32_t>(i), *form});
    other_forms |= *form != Form::kAsItIs;
  }
  if (selection.parts.empty() && !jumped) return std::nullopt;
  selection.whole = !other_forms && selection.parts.size() == event->piece_count();
  if (selection.whole) {
    selection.parts.clear();
    return selection;
  }
  if (other_forms) {
    selector.View();
    selection.view = selector.TakeView();
  }
  selection.bytes = event->header().size();
  for (const Selection::Part& part : selection.parts) {
    selection.bytes += selection.BytesOf(part).size();
  }
  return selection;
}

}  // namespace sasd::watch
