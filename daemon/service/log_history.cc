#include "daemon/service/log_history.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "daemon/service/resource_text.h"
#include "sas/v1/events.pb.h"

namespace sasd::service {
namespace {

// Events taken out of the log at a time: its lock is held no longer.
constexpr size_t kChunk = 1024;

// Whether the event changed one of the objects, or has a notice about one.
bool Concerns(const watch::EncodedEvent& event, const std::vector<std::string>& objects,
              Cancelled cancelled) {
  if (objects.empty()) return true;
  CancelledCheck is_cancelled(cancelled);
  const auto wanted = [&objects](const std::string& name) {
    return std::find(objects.begin(), objects.end(), name) != objects.end();
  };
  for (size_t i = 0; i < event.piece_count() && !is_cancelled(); ++i) {
    const absl::string_view bytes = event.piece_bytes(i);
    // The name stands in the bytes as it is: decoding is only for pieces that have it.
    const bool possible =
        std::any_of(objects.begin(), objects.end(),
                    [bytes](const std::string& name) { return absl::StrContains(bytes, name); });
    if (!possible) continue;
    sas::v1::Event piece;
    if (!piece.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
    for (const sas::v1::Change& change : piece.changes()) {
      if (wanted(NameOf(change.resource()))) return true;
    }
    for (const sas::v1::Notice& notice : piece.notices()) {
      if (wanted(notice.resource())) return true;
    }
  }
  return false;
}

// Collects the events of a page, in the order of the query.
class PageBuilder {
 public:
  explicit PageBuilder(const HistoryQuery& query, Cancelled cancelled = NeverCancelled)
      : query_(query), cancelled_(cancelled) {}

  // Takes the next event into account. False: the page is full, and the event is for the next one.
  bool Add(const watch::EncodedEventPtr& event) {
    if (!InRange(event->revision())) return true;
    const bool passes = Passes(*event);
    const size_t size = event->all().size();
    const bool full = page_.events.size() >= query_.limit ||
                      (!page_.events.empty() && bytes_ + size > query_.max_bytes);
    if (passes && full) {
      page_.done = false;
      return false;
    }
    if (passes) {
      page_.events.push_back(event);
      bytes_ += size;
    }
    AddGap(*event);
    page_.position = event->revision();
    return true;
  }

  HistoryPage Finish() { return std::move(page_); }

 private:
  bool InRange(int64_t revision) const {
    return revision > query_.after && (query_.until == 0 || revision < query_.until);
  }

  bool Passes(const watch::EncodedEvent& event) const {
    const bool cause =
        query_.causes == 0 || (query_.causes & 1u << static_cast<unsigned>(event.cause())) != 0;
    return cause && event.severity() >= query_.minimum_severity && event.time() >= query_.start &&
           event.time() < query_.end && Concerns(event, query_.objects, cancelled_);
  }

  void AddGap(const watch::EncodedEvent& event) {
    if (event.previous_revision() + 1 >= event.revision()) return;
    sas::v1::Event header;
    header.ParseFromArray(event.header().data(), static_cast<int>(event.header().size()));
    if (!header.has_gap()) return;
    page_.gaps.push_back({header.gap().first_revision(), header.gap().last_revision(),
                          static_cast<int>(header.gap().reason())});
  }

  const HistoryQuery& query_;
  const Cancelled cancelled_;
  HistoryPage page_;
  size_t bytes_ = 0;
};

// Whether a piece is a change of kind REMOVED, by its first bytes: tag and length of the piece,
// then the kind.
bool IsRemoval(absl::string_view piece) {
  size_t i = 1;  // behind the tag
  while (i < piece.size() && (piece[i] & 0x80) != 0) ++i;
  constexpr char kKindTag = sas::v1::Change::kKindFieldNumber << 3;
  return i + 2 < piece.size() && piece[i + 1] == kKindTag &&
         piece[i + 2] == sas::v1::CHANGE_KIND_REMOVED;
}

}  // namespace

HistoryPage ReadEvents(const std::vector<watch::EncodedEventPtr>& events,
                       const HistoryQuery& query) {
  PageBuilder page(query);
  if (query.newest_first) {
    for (auto it = events.rbegin(); it != events.rend() && page.Add(*it); ++it) {
    }
  } else {
    for (auto it = events.begin(); it != events.end() && page.Add(*it); ++it) {
    }
  }
  return page.Finish();
}

void VisitRemovedIn(const std::vector<watch::EncodedEventPtr>& events,
                    const std::function<void(const RemovedState&)>& visit, Cancelled cancelled) {
  absl::flat_hash_set<std::string> seen;
  CancelledCheck is_cancelled(cancelled);
  for (auto it = events.rbegin(); it != events.rend(); ++it) {
    const watch::EncodedEvent& event = **it;
    for (size_t i = 0; i < event.piece_count(); ++i) {
      if (is_cancelled()) return;
      const absl::string_view bytes = event.piece_bytes(i);
      if (!IsRemoval(bytes)) continue;
      sas::v1::Event piece;
      if (!piece.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
      for (const sas::v1::Change& change : piece.changes()) {
        const std::string& name = NameOf(change.resource());
        if (!seen.insert(name).second) continue;
        const std::string resource = change.resource().SerializeAsString();
        visit({name, resource, event.revision()});
      }
    }
  }
}

absl::StatusOr<HistoryExtent> LogHistory::Extent() const {
  HistoryExtent extent;
  extent.oldest = log_.oldest_revision();
  extent.newest = log_.newest_revision();
  extent.begin = extent.oldest - 1;
  const absl::StatusOr<watch::History> first = log_.Read(extent.begin, 1);
  if (first.ok() && !first->events.empty()) {
    extent.begin = first->events[0]->previous_revision();
    extent.oldest_time = first->events[0]->time();
  }
  return extent;
}

absl::StatusOr<HistoryPage> LogHistory::Read(const HistoryQuery& query, Cancelled cancelled) const {
  PageBuilder page(query, cancelled);
  CancelledCheck is_cancelled(cancelled);
  if (!query.newest_first) {
    int64_t after = std::max(query.after, log_.oldest_revision() - 1);
    while (true) {
      if (cancelled()) return WorkCancelled();
      const absl::StatusOr<watch::History> chunk = log_.Read(after, kChunk);
      if (!chunk.ok()) {  // trimmed meanwhile
        after = log_.oldest_revision() - 1;
        continue;
      }
      if (chunk->events.empty()) return page.Finish();
      for (const watch::EncodedEventPtr& event : chunk->events) {
        if (is_cancelled()) return WorkCancelled();
        if (query.until != 0 && event->revision() >= query.until) return page.Finish();
        if (!page.Add(event)) return page.Finish();
      }
      after = chunk->events.back()->revision();
    }
  }
  // `after` and `until` may come from a client: any number, so nothing is added to them.
  int64_t end = log_.newest_revision() + 1;
  if (query.until != 0) end = std::min(end, query.until);
  // The counter may have jumped: a stretch of revisions can hold fewer events than that.
  for (int64_t stretch = kChunk;; stretch *= 2) {
    const int64_t begin = std::max(log_.oldest_revision() - 1, query.after);
    int64_t after = std::max(begin, end - 1 - stretch);
    std::vector<watch::EncodedEventPtr> events;
    for (int64_t from = after; from < end - 1;) {
      if (cancelled()) return WorkCancelled();
      const absl::StatusOr<watch::History> chunk = log_.Read(from, kChunk);
      if (!chunk.ok() || chunk->events.empty()) break;
      for (const watch::EncodedEventPtr& event : chunk->events) {
        if (event->revision() < end) events.push_back(event);
      }
      from = chunk->events.back()->revision();
    }
    for (auto it = events.rbegin(); it != events.rend(); ++it) {
      if (is_cancelled()) return WorkCancelled();
      if (!page.Add(*it)) return page.Finish();
    }
    if (after <= begin) return page.Finish();
    end = after + 1;
  }
}

absl::Status LogHistory::VisitRemoved(const std::function<void(const RemovedState&)>& visit,
                                      Cancelled cancelled) const {
  std::vector<watch::EncodedEventPtr> events;
  int64_t after = log_.oldest_revision() - 1;
  while (true) {
    if (cancelled()) return WorkCancelled();
    const absl::StatusOr<watch::History> chunk = log_.Read(after, kChunk);
    if (!chunk.ok()) {  // trimmed meanwhile
      after = log_.oldest_revision() - 1;
      events.clear();
      continue;
    }
    if (chunk->events.empty()) break;
    events.insert(events.end(), chunk->events.begin(), chunk->events.end());
    after = chunk->events.back()->revision();
  }
  VisitRemovedIn(events, visit, cancelled);
  return cancelled() ? WorkCancelled() : absl::OkStatus();
}

}  // namespace sasd::service
