#include "daemon/service/watch_stream.h"

#include <string>
#include <utility>
#include <vector>

#include "daemon/service/errors.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/watch_filter.h"
#include "daemon/service/watch_service.h"
#include "daemon/watch/resume_token.h"
#include "google/protobuf/arena.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

constexpr char kMethod[] = "sas.v1.WatchService/Watch";
constexpr size_t kChunkResources = 200, kArenaBlockBytes = 32 << 10;
// What a filter looks at for one chunk of a snapshot.
constexpr size_t kChunkLooks = 1'000;
// A request that takes longer to decode waits for a thread of the service.
constexpr size_t kSmallRequestBytes = 4 << 10;
// One message to a subscriber that lags holds at most so much.
constexpr size_t kBatchEvents = 256, kBatchBytes = 64 << 10;

// A slice of the log's own bytes, which live as long as the slice.
grpc::Slice SharedSlice(const watch::EncodedEventPtr& event, absl::string_view bytes) {
  return grpc::Slice(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* holder) { delete static_cast<watch::EncodedEventPtr*>(holder); },
      new watch::EncodedEventPtr(event));
}

// Whether all events were filtered out.
bool IsEmpty(const watch::Cursor::Batch& batch) {
  return batch.state == watch::Cursor::Batch::State::kEvents && batch.events.empty();
}

void AppendSlices(const watch::Selection& selection, std::vector<grpc::Slice>& slices) {
  if (selection.whole) {
    slices.push_back(SharedSlice(selection.event, selection.event->all()));
    return;
  }
  const std::string event = EventParts(selection).Next(kPartBytes);
  slices.emplace_back(EventFrame(event.size()) + event);
}

// Whether it takes long to read, or to look at a snapshot with it.
bool SelectsByContent(const sas::v1::Filter& filter) {
  return !filter.conditions().empty() || !filter.behind().empty();
}

}  // namespace

template <typename Task>
void WatchStream::RunApart(Task task) {
  service_.RunReading(peer_.quota_key, [self = shared_from_this(),
                                        task = std::move(task)](WorkerPool::Turn& turn) mutable {
    task([&self, &turn] {
      turn.Yield();
      return self->has_ended();
    });
    self->service_.calls_.holds().Note(kMethod, turn.Finish());
  });
}

void WatchStream::Start(watch::WatchLog& log, const grpc::ByteBuffer* request,
                        const grpc::Status& admitted) {
  const CallHolds::Scope scope(service_.calls_.holds(), kMethod);
  self_ = shared_from_this();
  if (!admitted.ok()) return End(admitted);
  if (request->Length() <= kSmallRequestBytes) return Begin(log, *request, nullptr);
  RunApart([this, &log, bytes = *request](Cancelled cancelled) { Begin(log, bytes, &cancelled); });
}

void WatchStream::Begin(watch::WatchLog& log, grpc::ByteBuffer bytes, const Cancelled* apart) {
  sas::v1::WatchRequest decoded;
  grpc::ProtoBufferReader reader(&bytes);
  if (!decoded.ParseFromZeroCopyStream(&reader)) {
    return End(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "the request is no WatchRequest"));
  }
  if (grpc::Status s = service_.Check(decoded); !s.ok()) return End(s);
  std::optional<watch::ResumeToken> token;
  if (!decoded.resume_token().empty()) {
    absl::StatusOr<watch::ResumeToken> parsed = watch::ParseResumeToken(decoded.resume_token());
    if (!parsed.ok()) return End(rpc::BadField("resume_token", parsed.status().message()));
    token = *std::move(parsed);
  }
  // What is behind an object follows also from where that was which is gone now:
  // SelectsByContent().
  const bool needs_archive = token.has_value() && log.NeedsArchive(*token);
  if (apart != nullptr) return OpenAndSend(log, decoded, token, *apart);
  if (!needs_archive && !SelectsByContent(decoded.filter())) {
    return OpenAndSend(log, decoded, token, NeverCancelled);
  }
  RunApart([this, &log, decoded = std::move(decoded), token](Cancelled cancelled) {
    OpenAndSend(log, decoded, token, cancelled);
  });
}

void WatchStream::OpenAndSend(watch::WatchLog& log, const sas::v1::WatchRequest& request,
                              const std::optional<watch::ResumeToken>& token, Cancelled cancelled) {
  std::shared_ptr<watch::Cursor> cursor;
  if (grpc::Status s = Open(log, request, token, cancelled, &cursor); !s.ok()) return End(s);
  absl::MutexLock lock(&mu_);
  if (ended_) return;
  cursor_ = std::move(cursor);
  if (!token.has_value() && !request.skip_snapshot()) BeginSnapshot();
  Advance();
}

grpc::Status WatchStream::Open(watch::WatchLog& log, const sas::v1::WatchRequest& request,
                               const std::optional<watch::ResumeToken>& token, Cancelled cancelled,
                               std::shared_ptr<watch::Cursor>* cursor) {
  watch::Filter filter;
  const std::shared_ptr<const registry::Topology> topology = service_.registry_.Snapshot();
  const BehindScope scope{*topology, token.has_value() ? &service_.history_ : nullptr, cancelled,
                          /*is_of_watch=*/true};
  grpc::Status status = ReadWatchFilter(request.filter(), scope, &filter, service_.views_);
  if (!status.ok()) return status;
  if (!token.has_value()) {
    *cursor = log.Subscribe(weak_from_this(), std::move(filter));
    return grpc::Status::OK;
  }
  const watch::ResumeDecision decision = log.Decide(*token);
  if (decision.verdict != watch::ResumeDecision::Verdict::kKnown) return ResumeRefused(decision);
  *cursor = log.Resume(decision, weak_from_this(), std::move(filter));
  return grpc::Status::OK;
}

void WatchStream::ReadApart(std::shared_ptr<watch::Cursor> cursor,
                            watch::Cursor::Batch::State state, Cancelled cancelled) {
  if (cancelled()) return;
  watch::Cursor::Batch batch = state == watch::Cursor::Batch::State::kArchived
                                   ? cursor->NextArchived(kBatchEvents, kBatchBytes, cancelled)
                                   : cursor->NextLarge(kBatchEvents, kBatchBytes, cancelled);
  absl::MutexLock lock(&mu_);
  if (ended_) return;
  cursor_ = std::move(cursor);
  // At the end it asks again: OnReady may have come meanwhile.
  if (batch.state == watch::Cursor::Batch::State::kAtEnd) return Advance();
  // In its turn, after other streams.
  if (IsEmpty(batch)) batch.state = watch::Cursor::Batch::State::kLarge;
  if (TakeBatch(std::move(batch))) Write();
}

void WatchStream::GoOn() {
  absl::MutexLock lock(&mu_);
  going_on_ = false;
  if (ended_ || !snapshot_.has_value()) return;
  if (NextOfSnapshot()) {
    Write();
  } else {
    Advance();  // in its turn, after other streams
  }
}

void WatchStream::BeginSnapshot() {
  state_ = State::kSnapshot;
  resumable_ = 0;
  snapshot_.emplace(cursor_->BeginSnapshot(), cursor_->filter());
}

void WatchStream::Advance() {
  if (writing_ || ended_ || cursor_ == nullptr || going_on_) return;
  if (state_ == State::kSnapshot) {
    going_on_ = true;
    RunApart([this](Cancelled) { GoOn(); });
  } else if (NextOfLog()) {
    Write();
  }
}

bool WatchStream::NextOfSnapshot() {
  // A chunk is thousands of small objects: on an arena they cost half as much.
  google::protobuf::ArenaOptions options;
  options.start_block_size = kArenaBlockBytes;
  options.max_block_size = kArenaBlockBytes;
  google::protobuf::Arena arena(options);
  auto* response = google::protobuf::Arena::CreateMessage<sas::v1::WatchResponse>(&arena);
  switch (snapshot_->Next(kChunkResources, kChunkLooks, response->mutable_snapshot())) {
    case SnapshotReader::Found::kResources:
      SetMessage(*response);
      return true;
    case SnapshotReader::Found::kNothingYet:
      return false;
    case SnapshotReader::Found::kEnd:
      break;
  }
  snapshot_.reset();
  cursor_->EndSnapshot();
  state_ = State::kLive;
  SetSynced();
  return true;
}

bool WatchStream::NextOfLog() {
  if (parts_.has_value()) {
    SetPart();
    return true;
  }
  watch::Cursor::Batch batch = cursor_->Next(kBatchEvents, kBatchBytes);
  // Mostly it was the newest event, and the second look is at the end.
  if (IsEmpty(batch)) batch = cursor_->Next(kBatchEvents, kBatchBytes);
  if (IsEmpty(batch)) batch.state = watch::Cursor::Batch::State::kLarge;
  return TakeBatch(std::move(batch));
}

bool WatchStream::TakeBatch(watch::Cursor::Batch batch) {
  switch (batch.state) {
    case watch::Cursor::Batch::State::kEvents: {
      if (batch.events.front().bytes > kPartBytes) {  // the only one
        parts_.emplace(std::move(batch.events.front()));
        SetPart();
        return true;
      }
      std::vector<grpc::Slice> slices;
      slices.reserve(1 + batch.events.size());
      slices.emplace_back();  // the frame, once the length is known
      for (const watch::Selection& selection : batch.events) AppendSlices(selection, slices);
      size_t size = 0;
      for (const grpc::Slice& slice : slices) size += slice.size();
      slices.front() = grpc::Slice(BatchFrame(size));
      message_ = grpc::ByteBuffer(slices.data(), slices.size());
      resumable_ = cursor_->position();
      return true;
    }
    case watch::Cursor::Batch::State::kAtEnd:
      if (state_ == State::kLive) return false;
      state_ = State::kLive;
      SetSynced();
      return true;
    case watch::Cursor::Batch::State::kLarge:
    case watch::Cursor::Batch::State::kArchived:
      RunApart(
          [this, cursor = std::move(cursor_), state = batch.state](Cancelled cancelled) mutable {
            ReadApart(std::move(cursor), state, cancelled);
          });
      cursor_.reset();
      return false;
    case watch::Cursor::Batch::State::kFellBehind: {
      sas::v1::WatchResponse response;
      response.mutable_resync()->set_sent_revision(batch.sent);
      response.mutable_resync()->set_oldest_revision(batch.oldest);
      SetMessage(response);
      BeginSnapshot();
      return true;
    }
  }
  return false;
}

void WatchStream::SetPart() {
  const std::string event = parts_->Next(kPartBytes);
  if (parts_->done()) {
    parts_.reset();
    resumable_ = cursor_->position();
  }
  const std::string frame = EventFrame(event.size());
  const grpc::Slice slice(absl::StrCat(BatchFrame(frame.size() + event.size()), frame, event));
  message_ = grpc::ByteBuffer(&slice, 1);
}

void WatchStream::SetMessage(const sas::v1::WatchResponse& response) {
  const grpc::Slice slice(response.SerializeAsString());
  message_ = grpc::ByteBuffer(&slice, 1);
}

void WatchStream::SetSynced() {
  sas::v1::WatchResponse response;
  response.mutable_synced()->set_revision(cursor_->position());
  response.mutable_synced()->set_resume_token(
      watch::EncodeResumeToken(epoch_, cursor_->position()));
  cursor_->BookmarkSent();
  resumable_ = cursor_->position();
  SetMessage(response);
}

void WatchStream::Write() {
  writing_ = true;
  write_start_ = absl::Now();
  StartWrite(&message_);
}

void WatchStream::Bookmark() {
  absl::MutexLock lock(&mu_);
  if (writing_ || ended_ || state_ != State::kLive || cursor_ == nullptr) return;
  sas::v1::WatchResponse response;
  response.mutable_bookmark()->set_revision(cursor_->position());
  response.mutable_bookmark()->set_resume_token(
      watch::EncodeResumeToken(epoch_, cursor_->position()));
  cursor_->BookmarkSent();
  resumable_ = cursor_->position();
  SetMessage(response);
  Write();
}

void WatchStream::EndIfStalled(absl::Duration stall, absl::Duration age, rpc::LimitBook& limits) {
  grpc::Status status;
  {
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    const absl::Time now = absl::Now();
    const bool stalled = writing_ && now - write_start_ > stall;
    if (!stalled && (!peer_.ages || now - start_ < age)) return;
    // The status comes after the message in flight: a client that gets the one has got the other.
    status =
        WatchEnded(stalled ? rpc::Limit::kWatchStallSeconds : rpc::Limit::kConnectionAgeSeconds,
                   limits, resumable_ == 0 ? "" : watch::EncodeResumeToken(epoch_, resumable_));
  }
  End(status);
}

void WatchStream::OnReady() {
  const StopWatch watch;
  absl::MutexLock lock(&mu_);
  if (ended_) return;  // the service may have ended, too: the pump outlives it
  Advance();
  if (watch.wall() >= CallHolds::kLeast) {
    service_.calls_.holds().Note(kMethod, watch.Elapsed());
  }
}

void WatchStream::OnWriteDone(bool ok) {
  const CallHolds::Scope scope(service_.calls_.holds(), kMethod);
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    message_.Clear();
    if (ok) return Advance();
  }
  End(grpc::Status(grpc::StatusCode::CANCELLED, "the subscriber has gone"));
}

void WatchStream::OnCancel() {
  if (peer_.context != nullptr) service_.calls_.NoteCancelled(*peer_.context, start_);
  End(grpc::Status(grpc::StatusCode::CANCELLED, "the subscriber has gone"));
}

void WatchStream::End(const grpc::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    if (std::exchange(ended_, true)) return;
  }
  Finish(status);
}

void WatchStream::OnDone() {
  {
    absl::MutexLock lock(&mu_);
    snapshot_.reset();
    cursor_.reset();
  }
  service_.Forget(this, peer_.quota_key);
  self_.reset();  // the last reference, unless a wake-up is running
}

}  // namespace sasd::service
