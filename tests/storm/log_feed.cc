#include "tests/storm/log_feed.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/string_view.h"
#include "daemon/watch/resume_token.h"
#include "google/protobuf/io/coded_stream.h"

namespace sasd::testing {
namespace {

constexpr size_t kChunkResources = 500, kBatchEvents = 64, kBatchBytes = 64 << 10;

}  // namespace

void LogFeed::Wake::OnReady() {
  absl::MutexLock lock(&mu_);
  ready_ = true;
}

void LogFeed::Wake::Cancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
}

bool LogFeed::Wake::cancelled() const {
  absl::MutexLock lock(&mu_);
  return cancelled_;
}

void LogFeed::Wake::Await() {
  absl::MutexLock lock(&mu_);
  const auto awake = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return ready_ || cancelled_; };
  mu_.Await(absl::Condition(&awake));
  ready_ = false;
}

std::unique_ptr<Feed> LogFeed::Open(watch::WatchLog& log, const std::string& resume_token) {
  auto feed = absl::WrapUnique(new LogFeed(log));
  if (resume_token.empty()) {
    feed->cursor_ = log.Subscribe(feed->wake_);
    feed->BeginSnapshot();
    return feed;
  }
  const absl::StatusOr<watch::ResumeToken> token = watch::ParseResumeToken(resume_token);
  if (!token.ok()) {
    feed->error_ = std::string(token.status().message());
    return feed;
  }
  absl::StatusOr<std::unique_ptr<watch::Cursor>> cursor = log.Resume(*token, feed->wake_);
  if (cursor.ok()) {
    feed->cursor_ = *std::move(cursor);
  } else {
    feed->error_ =
        absl::IsOutOfRange(cursor.status()) ? "compacted" : std::string(cursor.status().message());
  }
  return feed;
}

void LogFeed::BeginSnapshot() {
  synced_ = false;
  snapshot_.emplace(cursor_->BeginSnapshot(), cursor_->filter());
}

void LogFeed::SetSynced(sas::v1::WatchResponse* response) {
  synced_ = true;
  response->mutable_synced()->set_revision(cursor_->position());
  response->mutable_synced()->set_resume_token(
      watch::EncodeResumeToken(log_.registry().epoch(), cursor_->position()));
}

bool LogFeed::Read(sas::v1::WatchResponse* response) {
  response->Clear();
  while (cursor_ != nullptr && !wake_->cancelled()) {
    if (snapshot_.has_value()) {
      if (snapshot_->Next(kChunkResources, ~size_t{0}, response->mutable_snapshot()) ==
          service::SnapshotReader::Found::kResources) {
        return true;
      }
      response->Clear();
      snapshot_.reset();
      cursor_->EndSnapshot();
      SetSynced(response);
      return true;
    }
    watch::Cursor::Batch batch = cursor_->Next(kBatchEvents, kBatchBytes);
    if (batch.state == watch::Cursor::Batch::State::kArchived) {
      batch = cursor_->NextArchived(kBatchEvents, kBatchBytes);
    }
    switch (batch.state) {
      case watch::Cursor::Batch::State::kLarge:  // only with a filter
      case watch::Cursor::Batch::State::kArchived:
        break;
      case watch::Cursor::Batch::State::kEvents:
        for (const watch::Selection& selection : batch.events) {
          const absl::string_view bytes = selection.event->all();
          google::protobuf::io::CodedInputStream stream(
              reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
          response->mutable_events()->MergeFromCodedStream(&stream);
        }
        if (response->events().events_size() > 0) return true;
        break;
      case watch::Cursor::Batch::State::kAtEnd:
        if (!synced_) {
          SetSynced(response);
          return true;
        }
        wake_->Await();
        break;
      case watch::Cursor::Batch::State::kFellBehind:
        response->mutable_resync()->set_sent_revision(batch.sent);
        response->mutable_resync()->set_oldest_revision(batch.oldest);
        BeginSnapshot();
        return true;
    }
  }
  return false;
}

}  // namespace sasd::testing
