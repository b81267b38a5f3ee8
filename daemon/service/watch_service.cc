#include "daemon/service/watch_service.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/service/errors.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/page.h"
#include "daemon/service/watch_filter.h"
#include "daemon/service/watch_stream.h"

namespace sasd::service {
namespace {

// Where a listing of the history goes on: a page token is the last revision that was looked at.
grpc::Status FirstRevision(const sas::v1::ListEventsRequest& request, const watch::WatchLog& log,
                           int64_t* after) {
  const int64_t oldest = log.oldest_revision();
  *after = oldest - 1;
  if (!request.page_token().empty()) {
    if (!absl::SimpleAtoi(request.page_token(), after) || *after < 0) {
      return BadField("page_token",
                      absl::StrCat("\"", request.page_token(), "\" is not from an earlier page"));
    }
  } else if (request.after_revision() != 0) {
    if (request.after_revision() < 0) {
      return BadField("after_revision", "a revision is not negative");
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
  if (grpc::Status s = ReadPageSize(request.page_size(), &page_size); !s.ok()) return s;
  if (request.newest_count() < 0) return BadField("newest_count", "a count is not negative");
  int64_t after = 0;
  if (grpc::Status s = FirstRevision(request, log, &after); !s.ok()) return s;

  const absl::StatusOr<watch::History> history = log.Read(after, page_size);
  if (!history.ok()) return RevisionCompacted(after, log.oldest_revision() - 1);
  for (const watch::EncodedEventPtr& event : history->events) {
    const std::optional<watch::Selection> selection = watch::Select(event, filter);
    if (selection) response->add_events()->ParseFromString(SelectedEvent(*selection));
    after = event->revision();
  }
  if (after < history->newest && !history->events.empty()) {
    response->set_next_page_token(absl::StrCat(after));
  }
  response->set_oldest_revision(history->oldest);
  response->set_newest_revision(history->newest);
  return grpc::Status::OK;
}

}  // namespace

WatchService::~WatchService() = default;

grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchService::Watch(grpc::CallbackServerContext*,
                                                                const grpc::ByteBuffer* request) {
  auto stream = std::make_shared<WatchStream>(*this);
  bool refused;
  {
    absl::MutexLock lock(&mu_);
    refused = shutting_down_;
    streams_.emplace(stream.get(), stream);
  }
  stream->Start(log_, request);
  if (refused) stream->End(ShuttingDown());
  return stream.get();
}

grpc::ServerUnaryReactor* WatchService::ListEvents(grpc::CallbackServerContext* context,
                                                   const sas::v1::ListEventsRequest* request,
                                                   sas::v1::ListEventsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(FillEvents(*request, log_, response));
  return reactor;
}

std::vector<std::shared_ptr<WatchStream>> WatchService::Streams() const {
  std::vector<std::shared_ptr<WatchStream>> streams;
  absl::MutexLock lock(&mu_);
  for (const auto& [pointer, weak] : streams_) {
    if (std::shared_ptr<WatchStream> stream = weak.lock()) streams.push_back(std::move(stream));
  }
  return streams;
}

void WatchService::SendBookmarks() {
  for (const std::shared_ptr<WatchStream>& stream : Streams()) stream->Bookmark();
}

void WatchService::Shutdown() {
  {
    absl::MutexLock lock(&mu_);
    shutting_down_ = true;
  }
  for (const std::shared_ptr<WatchStream>& stream : Streams()) stream->End(ShuttingDown());
}

void WatchService::Forget(WatchStream* stream) {
  absl::MutexLock lock(&mu_);
  streams_.erase(stream);
}

}  // namespace sasd::service
