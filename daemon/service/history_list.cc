#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "daemon/service/convert.h"
#include "daemon/service/errors.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/history_calls.h"
#include "daemon/service/history_objects.h"
#include "daemon/service/watch_filter.h"
#include "daemon/watch/filter.h"
#include "rpc/page.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

constexpr int kMaxObjects = 64;

// Events that one call looks at. A selective filter over a long history takes several pages, which
// may be empty.
constexpr size_t kMaxLook = 20'000;
constexpr size_t kChunk = 1'000;

// Where a listing goes on: among the revisions between two bounds, neither included.
struct Place {
  int64_t after = 0;
  int64_t until = 0;
  int64_t piece = 0;     // of the next event, the first piece that was not listed
  int64_t left = 0;      // events still wanted; 0: all
  int64_t counting = 0;  // the newest events are being counted down to this revision; 0: no
};

std::string ToText(const Place& place) {
  return absl::StrJoin({place.after, place.until, place.piece, place.left, place.counting}, ".");
}

bool FromText(absl::string_view text, Place* place) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  int64_t* const fields[] = {&place->after, &place->until, &place->piece, &place->left,
                             &place->counting};
  if (parts.size() != std::size(fields)) return false;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!absl::SimpleAtoi(parts[i], fields[i]) || *fields[i] < 0) return false;
  }
  return true;
}

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

// One call of ListEvents.
class Listing {
 public:
  Listing(const sas::v1::ListEventsRequest& request, const HistoryContext& context,
          sas::v1::ListEventsResponse* response)
      : request_(request), context_(context), response_(response) {}

  grpc::Status Run() {
    if (grpc::Status s = ReadRequest(); !s.ok()) return s;
    if (grpc::Status s = ReadPlace(); !s.ok()) return s;
    response_->set_oldest_revision(extent_.oldest);
    response_->set_newest_revision(extent_.newest);
    for (const std::string& name : query_.objects) response_->add_resources(name);
    if (place_.counting != 0) {
      bool counted = false;
      if (grpc::Status s = CountDown(&counted); !s.ok()) return s;
      if (!counted) {
        SetToken();
        return grpc::Status::OK;
      }
    }
    return Fill();
  }

 private:
  bool newest_first() const { return request_.order() == sas::v1::ORDER_NEWEST_FIRST; }

  grpc::Status ReadRequest() {
    const BehindScope scope = {context_.topology, &context_.reader, context_.cancelled};
    if (grpc::Status s = ReadWatchFilter(request_.filter(), scope, &filter_); !s.ok()) return s;
    if (grpc::Status s = rpc::ReadPageSize(request_.page_size(), &page_size_); !s.ok()) return s;
    if (request_.newest_count() < 0) {
      return rpc::BadField("newest_count", "a count is not negative");
    }
    if (request_.after_revision() < 0) {
      return rpc::BadField("after_revision", "a revision is not negative");
    }
    if (!sas::v1::Order_IsValid(request_.order())) {
      return rpc::BadField("order", absl::StrCat(request_.order(), " is no order"));
    }
    if (!sas::v1::Severity_IsValid(request_.minimum_severity())) {
      return rpc::BadField("minimum_severity",
                           absl::StrCat(request_.minimum_severity(), " is no severity"));
    }
    if (request_.minimum_severity() > sas::v1::SEVERITY_INFO) {
      query_.minimum_severity = request_.minimum_severity() == sas::v1::SEVERITY_CRITICAL
                                    ? Notice::Severity::kCritical
                                    : Notice::Severity::kWarning;
    }
    if (request_.has_start_time()) query_.start = ToTime(request_.start_time());
    if (request_.has_end_time()) query_.end = ToTime(request_.end_time());
    if (grpc::Status s = ReadCauses(); !s.ok()) return s;
    return ReadObjects();
  }

  grpc::Status ReadCauses() {
    for (int i = 0; i < request_.cause_kinds_size(); ++i) {
      bool known = false;
      for (int kind = 0; kind <= static_cast<int>(kLastCauseKind); ++kind) {
        if (ToProto(static_cast<CauseKind>(kind)) != request_.cause_kinds(i)) continue;
        query_.causes |= 1u << kind;
        known = true;
      }
      if (!known) {
        return rpc::BadField(absl::StrCat("cause_kinds[", i, "]"),
                             absl::StrCat(request_.cause_kinds(i), " is no kind of cause"));
      }
    }
    return grpc::Status::OK;
  }

  grpc::Status ReadObjects() {
    if (request_.objects_size() > kMaxObjects) {
      return rpc::BadField("objects", absl::StrCat("it has ", request_.objects_size(),
                                                   " elements; at most ", kMaxObjects));
    }
    for (int i = 0; i < request_.objects_size(); ++i) {
      if (request_.objects(i).empty()) {
        return rpc::BadField(absl::StrCat("objects[", i, "]"), "it is empty; name an object");
      }
      HistoryObject object;
      if (grpc::Status s =
              ResolveObject(context_.Plain(request_.objects(i)), context_.topology, context_.reader,
                            &object, context_.find, context_.cancelled);
          !s.ok()) {
        return s;
      }
      query_.objects.insert(query_.objects.end(), object.names.begin(), object.names.end());
    }
    std::sort(query_.objects.begin(), query_.objects.end());
    query_.objects.erase(std::unique(query_.objects.begin(), query_.objects.end()),
                         query_.objects.end());
    return grpc::Status::OK;
  }

  // The request as far as a page token belongs to it.
  sas::v1::ListEventsRequest Identity() const {
    sas::v1::ListEventsRequest identity = request_;
    identity.clear_page_size();
    identity.clear_page_token();
    return identity;
  }

  grpc::Status ReadPlace() {
    const absl::StatusOr<HistoryExtent> extent = context_.reader.Extent();
    if (!extent.ok()) return rpc::ToGrpc(extent.status());
    extent_ = *extent;
    if (request_.page_token().empty()) {
      place_.after = request_.after_revision();
      place_.until = extent_.newest + 1;  // a listing ends, also where events go on
      place_.left = request_.newest_count();
      if (place_.after == 0) place_.after = extent_.begin;
      if (place_.left > 0 && !newest_first()) place_.counting = place_.until;
    } else {
      std::string text;
      const sas::v1::ListEventsRequest identity = Identity();
      if (grpc::Status s = rpc::ReadPageToken(request_.page_token(), &identity, &text); !s.ok()) {
        return s;
      }
      if (!FromText(text, &place_)) {
        return rpc::BadField("page_token", absl::StrCat("\"", request_.page_token(),
                                                        "\" is not from an earlier page"));
      }
    }
    // A page that was trimmed away while the listing went on is lost, too.
    const bool begins_later = place_.after < extent_.begin;
    if (begins_later && (request_.after_revision() != 0 || !newest_first())) {
      return RevisionCompacted(place_.after, extent_.begin);
    }
    return grpc::Status::OK;
  }

  void SetToken() {
    const sas::v1::ListEventsRequest identity = Identity();
    response_->set_next_page_token(rpc::MakePageToken(ToText(place_), &identity));
  }

  // Goes back from the newest event until enough of them pass. Sets `counted` and place_.after.
  grpc::Status CountDown(bool* counted) {
    HistoryQuery query = query_;
    query.after = place_.after;
    query.until = place_.counting;
    query.newest_first = true;
    query.limit = kChunk;
    for (size_t looked = 0; looked < kMaxLook;) {
      if (context_.cancelled()) return CancelledStatus();
      const absl::StatusOr<HistoryPage> page = context_.reader.Read(query, context_.cancelled);
      if (!page.ok()) return rpc::ToGrpc(page.status());
      for (const watch::EncodedEventPtr& event : page->events) {
        const bool passes = watch::Select(event, filter_, context_.cancelled).has_value();
        if (context_.cancelled()) return CancelledStatus();
        if (!passes || --place_.left > 0) continue;
        place_.after = event->revision() - 1;
        place_.counting = 0;
        *counted = true;
        return grpc::Status::OK;
      }
      looked += std::max<size_t>(page->events.size(), 1);
      if (page->done) {
        place_.left = 0;
        place_.counting = 0;
        *counted = true;
        return grpc::Status::OK;
      }
      query.until = place_.counting = page->position;
    }
    return grpc::Status::OK;
  }

  // Lists events from place_ on, until the page is full.
  grpc::Status Fill() {
    HistoryQuery query = query_;
    query.newest_first = newest_first();
    for (size_t looked = 0; looked < kMaxLook;) {
      if (context_.cancelled()) return CancelledStatus();
      query.after = place_.after;
      query.until = place_.until;
      // One more than fits shows that there is a next page.
      query.limit = filter_.passes_everything() ? page_size_ - listed() + 1 : kChunk;
      const absl::StatusOr<HistoryPage> page = context_.reader.Read(query, context_.cancelled);
      if (!page.ok()) return rpc::ToGrpc(page.status());
      const bool full = !AddEvents(*page);
      if (context_.cancelled()) return CancelledStatus();
      if (!full && !page->done) MoveTo(page->position);
      AddGaps(*page, full);
      if (ended_ || (!full && page->done)) return grpc::Status::OK;
      if (full) break;
      looked += std::max<size_t>(page->events.size(), 1);
    }
    SetToken();
    return grpc::Status::OK;
  }

  size_t listed() const { return static_cast<size_t>(response_->events_size()); }

  // False: the page is full, and place_ is where the next one begins; or the call was cancelled.
  bool AddEvents(const HistoryPage& page) {
    for (const watch::EncodedEventPtr& event : page.events) {
      if (listed() >= page_size_ || context_.cancelled()) return false;
      const auto first = static_cast<size_t>(std::exchange(place_.piece, 0));
      if (const std::optional<watch::Selection> selection =
              watch::Select(event, filter_, context_.cancelled)) {
        if (bytes_ > 0 && bytes_ + selection->bytes > kPartBytes) {
          place_.piece = static_cast<int64_t>(first);
          return false;
        }
        EventParts parts(*selection, first);
        const std::string part = parts.Next(kPartBytes);
        bytes_ += part.size();
        response_->add_events()->ParseFromString(part);
        if (!parts.done()) {
          place_.piece = static_cast<int64_t>(parts.position());
          return false;
        }
        if (newest_first() && place_.left > 0 && --place_.left == 0) ended_ = true;
      }
      MoveTo(event->revision());
      if (ended_) return false;
    }
    return true;
  }

  // All up to this revision is listed.
  void MoveTo(int64_t revision) { (newest_first() ? place_.until : place_.after) = revision; }

  // A gap belongs to the event behind it.
  void AddGaps(const HistoryPage& page, bool full) {
    for (const HistoryGap& gap : page.gaps) {
      const bool listed =
          newest_first() ? gap.last + 1 >= place_.until : gap.last + 1 <= place_.after;
      if (!listed && (full || !page.done)) continue;
      sas::v1::Gap* const out = response_->add_gaps();
      out->set_first_revision(gap.first);
      out->set_last_revision(gap.last);
      out->set_reason(static_cast<sas::v1::GapReason>(gap.reason));
    }
  }

  const sas::v1::ListEventsRequest& request_;
  const HistoryContext& context_;
  sas::v1::ListEventsResponse* const response_;

  watch::Filter filter_;
  size_t page_size_ = 0;
  HistoryQuery query_;  // what the request asks for
  HistoryExtent extent_;
  Place place_;
  size_t bytes_ = 0;
  bool ended_ = false;  // as many as wanted
};

}  // namespace

grpc::Status ListEvents(const sas::v1::ListEventsRequest& request, const HistoryContext& context,
                        sas::v1::ListEventsResponse* response) {
  return Listing(request, context, response).Run();
}

}  // namespace sasd::service
