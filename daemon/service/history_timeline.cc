#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/service/errors.h"
#include "daemon/service/history_calls.h"
#include "daemon/service/history_objects.h"
#include "daemon/service/resource_text.h"
#include "daemon/service/timeline.h"
#include "rpc/page.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using sas::v1::Event;
using sas::v1::Resource;
using sas::v1::TimelineEntry;

// The newest events of a drive or slot from which its placements are made.
constexpr size_t kPlacementEvents = 1'000, kPlacementBytes = 4u << 20;
// Events that one page is made of, at most.
constexpr size_t kMaxLook = 5'000;
constexpr size_t kChunk = 500;

// The event, with those of its changes and notices that are about what is wanted: an event can have
// 100,000 others. After a cancellation it means nothing.
template <typename Wanted>
Event ParseAbout(const watch::EncodedEvent& encoded, Wanted wanted, CancelledCheck& is_cancelled) {
  Event event;
  event.ParseFromArray(encoded.header().data(), static_cast<int>(encoded.header().size()));
  for (size_t i = 0; i < encoded.piece_count() && !is_cancelled(); ++i) {
    const absl::string_view bytes = encoded.piece_bytes(i);
    Event piece;
    if (!piece.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
    for (sas::v1::Change& change : *piece.mutable_changes()) {
      if (wanted(NameOf(change.resource()))) *event.add_changes() = std::move(change);
    }
    for (sas::v1::Notice& notice : *piece.mutable_notices()) {
      if (wanted(notice.resource())) *event.add_notices() = std::move(notice);
    }
  }
  return event;
}

// One call of GetTimeline.
class TimelineCall {
 public:
  TimelineCall(const sas::v1::GetTimelineRequest& request, const HistoryContext& context,
               sas::v1::GetTimelineResponse* response)
      : request_(request), context_(context), response_(response) {}

  grpc::Status Run() {
    if (request_.object().empty()) return rpc::BadField("object", "it is empty; name an object");
    if (!sas::v1::Order_IsValid(request_.order())) {
      return rpc::BadField("order", absl::StrCat(request_.order(), " is no order"));
    }
    if (grpc::Status s = rpc::ReadPageSize(request_.page_size(), &page_size_); !s.ok()) return s;
    const absl::StatusOr<HistoryExtent> extent = context_.reader.Extent();
    if (!extent.ok()) return rpc::ToGrpc(extent.status());
    extent_ = *extent;
    if (grpc::Status s = ReadToken(); !s.ok()) return s;
    if (grpc::Status s =
            ResolveObject(context_.Plain(request_.object()), context_.topology, context_.reader,
                          &object_, context_.find, context_.cancelled);
        !s.ok()) {
      return s;
    }
    if (grpc::Status s = FindScope(); !s.ok()) return s;
    response_->set_oldest_revision(extent_.oldest);
    if (extent_.oldest <= extent_.newest) SetTime(extent_.oldest_time);
    for (const std::string& name : object_.names) response_->add_resources(name);
    return Fill();
  }

 private:
  bool newest_first() const { return request_.order() != sas::v1::ORDER_OLDEST_FIRST; }

  void SetTime(absl::Time time) {
    const int64_t nanos = absl::ToUnixNanos(time);
    response_->mutable_oldest_time()->set_seconds(nanos / 1'000'000'000);
    response_->mutable_oldest_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  }

  sas::v1::GetTimelineRequest Identity() const {
    sas::v1::GetTimelineRequest identity = request_;
    identity.clear_page_size();
    identity.clear_page_token();
    return identity;
  }

  // The token: the revision at which the page before ended.
  grpc::Status ReadToken() {
    after_ = extent_.begin;
    until_ = extent_.newest + 1;
    if (request_.page_token().empty()) return grpc::Status::OK;
    const sas::v1::GetTimelineRequest identity = Identity();
    std::string text;
    if (grpc::Status s = rpc::ReadPageToken(request_.page_token(), &identity, &text); !s.ok()) {
      return s;
    }
    int64_t revision = 0;
    if (!absl::SimpleAtoi(text, &revision) || revision < 0) {
      return rpc::BadField("page_token", absl::StrCat("\"", request_.page_token(),
                                                      "\" is not from an earlier page"));
    }
    if (!newest_first() && revision < extent_.begin) {
      return RevisionCompacted(revision, extent_.begin);
    }
    MoveTo(revision);
    return grpc::Status::OK;
  }

  void MoveTo(int64_t revision) { (newest_first() ? until_ : after_) = revision; }

  // What belongs to the object, and where it was.
  grpc::Status FindScope() {
    scope_.always.insert(object_.names.begin(), object_.names.end());
    const bool has_places = object_.resource.has_logical_unit() || object_.resource.has_slot();
    if (!has_places) return grpc::Status::OK;
    const std::string& name = NameOf(object_.resource);
    HistoryQuery query;
    query.objects = {name};
    query.newest_first = true;
    query.limit = kPlacementEvents;
    query.max_bytes = kPlacementBytes;
    const absl::StatusOr<HistoryPage> page = context_.reader.Read(query, context_.cancelled);
    if (!page.ok()) return rpc::ToGrpc(page.status());
    std::vector<Event> events;
    for (auto it = page->events.rbegin(); it != page->events.rend(); ++it) {
      events.push_back(ParseAbout(
          **it, [&name](const std::string& of) { return of == name; }, is_cancelled_));
    }
    if (context_.cancelled()) return CancelledStatus();
    const std::vector<Placed> placed =
        PlacementsOf(name, events, object_.is_gone ? Resource() : object_.resource);
    if (object_.resource.has_slot()) {
      for (const Placed& one : placed) {
        for (const std::string& occupant : one.names) {
          scope_.meanwhile[occupant].emplace_back(one.first_revision, one.last_revision);
        }
      }
    }
    if (request_.page_token().empty()) {
      for (auto it = placed.rbegin(); it != placed.rend(); ++it) {
        *response_->add_placements() = it->placement;
      }
    }
    return grpc::Status::OK;
  }

  grpc::Status Fill() {
    HistoryQuery query;
    query.objects = scope_.Names();
    query.newest_first = newest_first();
    query.limit = kChunk;
    for (size_t looked = 0; looked < kMaxLook;) {
      if (context_.cancelled()) return CancelledStatus();
      query.after = after_;
      query.until = until_;
      const absl::StatusOr<HistoryPage> page = context_.reader.Read(query, context_.cancelled);
      if (!page.ok()) return rpc::ToGrpc(page.status());
      const bool full = !AddPage(*page);
      if (context_.cancelled()) return CancelledStatus();
      if (full) break;
      if (page->done) return grpc::Status::OK;
      MoveTo(page->position);
      looked += std::max<size_t>(page->events.size(), 1);
    }
    const sas::v1::GetTimelineRequest identity = Identity();
    response_->set_next_page_token(
        rpc::MakePageToken(absl::StrCat(newest_first() ? until_ : after_), &identity));
    return grpc::Status::OK;
  }

  // False: the page is full, and the place is where the next one begins; or the call was cancelled.
  bool AddPage(const HistoryPage& page) {
    auto gap = page.gaps.begin();
    for (const watch::EncodedEventPtr& event : page.events) {
      std::vector<TimelineEntry> entries;
      const auto add_gaps = [&](auto is_next) {
        for (; gap != page.gaps.end() && is_next(*gap); ++gap) {
          entries.push_back(TimelineEntryOf(*gap));
        }
      };
      const int64_t revision = event->revision();
      if (context_.cancelled()) return false;
      const auto wanted = [&](const std::string& name) { return scope_.Includes(name, revision); };
      std::vector<TimelineEntry> own =
          TimelineEntriesOf(ParseAbout(*event, wanted, is_cancelled_), scope_);
      if (newest_first()) {
        std::reverse(own.begin(), own.end());
        add_gaps([revision](const HistoryGap& g) { return g.last > revision; });
      } else {
        add_gaps([revision](const HistoryGap& g) { return g.last < revision; });
      }
      std::move(own.begin(), own.end(), std::back_inserter(entries));
      // The next page does not see this event, nor the gap before it.
      if (newest_first()) {
        add_gaps([revision](const HistoryGap& g) { return g.last + 1 == revision; });
      }
      const auto count = static_cast<size_t>(response_->entries_size());
      if (count > 0 && count + entries.size() > page_size_) return false;
      for (TimelineEntry& entry : entries) *response_->add_entries() = std::move(entry);
      MoveTo(revision);
    }
    for (; gap != page.gaps.end(); ++gap) *response_->add_entries() = TimelineEntryOf(*gap);
    return true;
  }

  const sas::v1::GetTimelineRequest& request_;
  const HistoryContext& context_;
  sas::v1::GetTimelineResponse* const response_;

  CancelledCheck is_cancelled_{context_.cancelled};
  size_t page_size_ = 0;
  HistoryExtent extent_;
  int64_t after_ = 0, until_ = 0;
  HistoryObject object_;
  TimelineScope scope_;
};

}  // namespace

grpc::Status GetTimeline(const sas::v1::GetTimelineRequest& request, const HistoryContext& context,
                         sas::v1::GetTimelineResponse* response) {
  return TimelineCall(request, context, response).Run();
}

}  // namespace sasd::service
