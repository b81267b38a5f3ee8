#include "daemon/service/history_service.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "daemon/service/answer.h"
#include "daemon/service/errors.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/watch_filter.h"
#include "daemon/watch/filter.h"
#include "rpc/page.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

// Where a listing of the history goes on. As a page token "REVISION.PIECE".
struct Place {
  int64_t after = 0;   // the last revision that was listed whole
  uint32_t piece = 0;  // of the next one, the first that was not
};

std::string ToToken(const Place& place) { return absl::StrCat(place.after, ".", place.piece); }

bool FromToken(absl::string_view token, Place* place) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], &place->after) && place->after >= 0 &&
         absl::SimpleAtoi(parts[1], &place->piece);
}

grpc::Status FirstPlace(const sas::v1::ListEventsRequest& request, const watch::WatchLog& log,
                        Place* place) {
  const int64_t oldest = log.oldest_revision();
  int64_t* const after = &place->after;
  *after = oldest - 1;
  if (!request.page_token().empty()) {
    if (!FromToken(request.page_token(), place)) {
      return rpc::BadField(
          "page_token", absl::StrCat("\"", request.page_token(), "\" is not from an earlier page"));
    }
  } else if (request.after_revision() != 0) {
    if (request.after_revision() < 0) {
      return rpc::BadField("after_revision", "a revision is not negative");
    }
    *after = request.after_revision();
  } else if (request.newest_count() > 0) {
    *after = std::max(*after, log.newest_revision() - request.newest_count());
  }
  if (*after < oldest - 1) return RevisionCompacted(*after, oldest - 1);
  return grpc::Status::OK;
}

grpc::Status FillEvents(const sas::v1::ListEventsRequest& request, const watch::WatchLog& log,
                        sas::v1::ListEventsResponse* response) {
  watch::Filter filter;
  if (grpc::Status s = ReadWatchFilter(request.filter(), &filter); !s.ok()) return s;
  size_t page_size = 0;
  if (grpc::Status s = rpc::ReadPageSize(request.page_size(), &page_size); !s.ok()) return s;
  if (request.newest_count() < 0) return rpc::BadField("newest_count", "a count is not negative");
  Place place;
  if (grpc::Status s = FirstPlace(request, log, &place); !s.ok()) return s;

  const absl::StatusOr<watch::History> history = log.Read(place.after, page_size);
  if (!history.ok()) return RevisionCompacted(place.after, log.oldest_revision() - 1);
  size_t bytes = 0;
  for (const watch::EncodedEventPtr& event : history->events) {
    const size_t first = std::exchange(place.piece, 0);
    if (const std::optional<watch::Selection> selection = watch::Select(event, filter)) {
      if (bytes > 0 && bytes + selection->bytes > kPartBytes) break;
      EventParts parts(*selection, first);
      const std::string part = parts.Next(kPartBytes);
      bytes += part.size();
      response->add_events()->ParseFromString(part);
      if (!parts.done()) {
        place.piece = static_cast<uint32_t>(parts.position());
        break;
      }
    }
    place.after = event->revision();
  }
  if (place.after < history->newest && !history->events.empty()) {
    response->set_next_page_token(ToToken(place));
  }
  response->set_oldest_revision(history->oldest);
  response->set_newest_revision(history->newest);
  return grpc::Status::OK;
}

}  // namespace

grpc::ServerUnaryReactor* HistoryService::ListEvents(grpc::CallbackServerContext* context,
                                                     const sas::v1::ListEventsRequest* request,
                                                     sas::v1::ListEventsResponse* response) {
  return Answer(context, FillEvents(*request, log_, response));
}

}  // namespace sasd::service
