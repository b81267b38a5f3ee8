#include "client/watch_protocol.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sasd::client {
namespace {

template <typename... What>
absl::Status Broken(const What&... what) {
  return absl::FailedPreconditionError(absl::StrCat(what...));
}

}  // namespace

absl::Status CheckFollows(const sas::v1::Event& event, int64_t last) {
  if (event.revision() <= last) return Broken("revision ", event.revision(), " after ", last);
  if (event.previous_revision() != last) {
    return Broken("revision ", event.revision(), " names ", event.previous_revision(),
                  " as the one before, the last was ", last);
  }
  if (event.revision() == last + 1) return absl::OkStatus();
  const bool declared = event.has_gap() && event.gap().first_revision() <= last + 1 &&
                        event.gap().last_revision() >= event.revision() - 1;
  if (declared) return absl::OkStatus();
  return Broken("no gap declares the jump from ", last, " to ", event.revision());
}

void WatchProtocol::Disconnected() {
  synced_ = false;
  parts_.Clear();
  // A part of a snapshot is worth nothing.
  if (snapshot_.has_value()) StartOver();
}

void WatchProtocol::StartOver() {
  synced_ = false;
  snapshot_.reset();
  parts_.Clear();
  resume_token_.clear();
  revision_ = 0;
}

absl::Status WatchProtocol::Apply(const sas::v1::WatchResponse& response, WatchConsumer& consumer) {
  absl::Status applied = ApplyMessage(response, consumer);
  consumer.OnMessageEnd();
  return applied;
}

absl::Status WatchProtocol::ApplyMessage(const sas::v1::WatchResponse& response,
                                         WatchConsumer& consumer) {
  switch (response.response_case()) {
    case sas::v1::WatchResponse::kSnapshot:
      return ApplySnapshot(response.snapshot(), consumer);
    case sas::v1::WatchResponse::kSynced:
      return ApplySynced(response.synced(), consumer);
    case sas::v1::WatchResponse::kEvents:
      for (const sas::v1::Event& event : response.events().events()) {
        if (absl::Status s = ApplyEvent(event, consumer); !s.ok()) return s;
      }
      return absl::OkStatus();
    case sas::v1::WatchResponse::kBookmark:
      if (response.bookmark().revision() < revision_) {
        return Broken("a bookmark went back from ", revision_, " to ",
                      response.bookmark().revision());
      }
      revision_ = response.bookmark().revision();
      resume_token_ = response.bookmark().resume_token();
      return absl::OkStatus();
    case sas::v1::WatchResponse::kResync:
      StartOver();
      ++resyncs_;
      return consumer.OnResync(response.resync().sent_revision());
    case sas::v1::WatchResponse::RESPONSE_NOT_SET:
      break;
  }
  return Broken("a message of a kind that this client does not know");
}

absl::Status WatchProtocol::ApplySnapshot(const sas::v1::SnapshotChunk& chunk,
                                          WatchConsumer& consumer) {
  if (synced_) return Broken("a snapshot after SYNCED, at revision ", chunk.revision());
  if (!snapshot_.has_value()) {
    snapshot_ = chunk.revision();
    if (absl::Status s = consumer.OnSnapshotBegin(*snapshot_); !s.ok()) return s;
  }
  if (chunk.revision() != *snapshot_) {
    return Broken("a snapshot of two revisions, ", *snapshot_, " and ", chunk.revision());
  }
  for (const sas::v1::Resource& resource : chunk.resources()) {
    if (absl::Status s = consumer.OnResource(resource); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status WatchProtocol::ApplySynced(const sas::v1::Synced& synced, WatchConsumer& consumer) {
  if (snapshot_.has_value() && synced.revision() != *snapshot_) {
    return Broken("SYNCED at revision ", synced.revision(), ", the snapshot was of ", *snapshot_);
  }
  const bool resumed = !resume_token_.empty();
  if (!resumed && !snapshot_.has_value()) {  // the snapshot is empty
    if (absl::Status s = consumer.OnSnapshotBegin(synced.revision()); !s.ok()) return s;
  }
  if (resumed && scope_ == Scope::kEverything && !IsForeignToken() &&
      synced.revision() != revision_) {
    return Broken("SYNCED at revision ", synced.revision(), ", events reach ", revision_);
  }
  snapshot_.reset();
  synced_ = true;
  revision_ = synced.revision();
  resume_token_ = synced.resume_token();
  return consumer.OnSynced(revision_);
}

absl::Status WatchProtocol::ApplyEvent(const sas::v1::Event& part, WatchConsumer& consumer) {
  if (snapshot_.has_value()) return Broken("revision ", part.revision(), " within a snapshot");
  if (part.continued() != part.resume_token().empty()) {
    return Broken("revision ", part.revision(),
                  ": a resume token before the end of the event, or none at its end");
  }
  const bool joins = parts_.revision() != 0;
  if (joins && part.revision() != parts_.revision()) {
    return Broken("revision ", part.revision(), " before the end of ", parts_.revision());
  }
  if (!joins) {
    if (scope_ == Scope::kEverything) {
      const int64_t last = IsForeignToken() ? part.previous_revision() : revision_;
      if (absl::Status s = CheckFollows(part, last); !s.ok()) return s;
    } else if (part.revision() <= revision_) {
      return Broken("revision ", part.revision(), " after ", revision_);
    }
    if (part.continued()) {
      parts_ = part;
      return absl::OkStatus();
    }
  } else {
    parts_.mutable_changes()->MergeFrom(part.changes());
    parts_.mutable_notices()->MergeFrom(part.notices());
    if (part.continued()) return absl::OkStatus();
    parts_.set_continued(false);
    parts_.set_resume_token(part.resume_token());
  }
  const absl::Status applied = consumer.OnEvent(joins ? parts_ : part);
  parts_.Clear();
  if (!applied.ok()) return applied;
  revision_ = part.revision();
  resume_token_ = part.resume_token();
  return absl::OkStatus();
}

}  // namespace sasd::client
