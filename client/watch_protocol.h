#ifndef CLIENT_WATCH_PROTOCOL_H_
#define CLIENT_WATCH_PROTOCOL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "sas/v1/resources.pb.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::client {

// Receives what Watch streams say, in order. An error return means that the stream does not fit
// what came before; WatchProtocol::Apply() returns it.
class WatchConsumer {
 public:
  virtual ~WatchConsumer() = default;
  // A snapshot of `revision` begins: what was known before is void.
  virtual absl::Status OnSnapshotBegin(int64_t revision) = 0;
  // A resource of the snapshot.
  virtual absl::Status OnResource(const sas::v1::Resource& resource) = 0;
  // The picture is that of `revision`: the snapshot is complete, or all missed events have come.
  virtual absl::Status OnSynced(int64_t /*revision*/) { return absl::OkStatus(); }
  // A whole event: its parts are joined. An event with a gap declares the revisions that nobody
  // has.
  virtual absl::Status OnEvent(const sas::v1::Event& event) = 0;
  // This subscriber fell behind: events after `sent_revision` are not sent, a snapshot follows.
  virtual absl::Status OnResync(int64_t /*sent_revision*/) { return absl::OkStatus(); }
  // All that one message says was delivered: time to flush.
  virtual void OnMessageEnd() {}
};

// Whether `event` comes right after revision `last` of an unfiltered stream or listing: it names
// `last` as the one before, and its gap declares the revisions between. kFailedPrecondition: it
// does not.
absl::Status CheckFollows(const sas::v1::Event& event, int64_t last);

// The protocol of WatchService.Watch (proto/sas/v1/watch_service.proto), over one stream after the
// other. It joins the parts of events, keeps the resume token, and checks what a stream promises.
// Thread-compatible.
class WatchProtocol {
 public:
  enum class Scope : uint8_t {
    kEverything,  // no filter: revisions follow each other without a hole
    kFiltered,    // revisions only ascend
  };

  // `resume_token`: the first stream was opened with it; the revisions before it are not known.
  explicit WatchProtocol(Scope scope = Scope::kEverything, std::string resume_token = "")
      : scope_(scope), resume_token_(std::move(resume_token)) {}

  // Applies the next message of the stream and calls `consumer`, always the same one. Errors: the
  // consumer's, and kFailedPrecondition, which names the broken promise: a revision out of
  // sequence, a jump that no gap declares, a violation of the order snapshot - SYNCED - events.
  // After an error only StartOver() helps.
  absl::Status Apply(const sas::v1::WatchResponse& response, WatchConsumer& consumer);

  // The stream has ended. The next Apply() is for a stream that was opened with resume_token().
  void Disconnected();
  // Forgets the token: the next stream begins with a snapshot. For a token that sasd refused with
  // OUT_OF_RANGE.
  void StartOver();

  bool synced() const { return synced_; }
  // All changes up to here were delivered, once synced.
  int64_t revision() const { return revision_; }
  // For WatchRequest.resume_token; empty: from a snapshot on.
  const std::string& resume_token() const { return resume_token_; }
  int resyncs() const { return resyncs_; }

 private:
  absl::Status ApplyMessage(const sas::v1::WatchResponse& response, WatchConsumer& consumer);
  absl::Status ApplySnapshot(const sas::v1::SnapshotChunk& chunk, WatchConsumer& consumer);
  absl::Status ApplySynced(const sas::v1::Synced& synced, WatchConsumer& consumer);
  absl::Status ApplyEvent(const sas::v1::Event& part, WatchConsumer& consumer);

  // Only the caller of the constructor knows the revision of the token.
  bool IsForeignToken() const { return revision_ == 0 && !resume_token_.empty(); }

  Scope scope_;
  bool synced_ = false;
  int64_t revision_ = 0;
  std::optional<int64_t> snapshot_;  // the revision of the snapshot that is being received
  std::string resume_token_;
  int resyncs_ = 0;
  sas::v1::Event parts_;  // of an event whose last part is missing; revision 0: none
};

}  // namespace sasd::client

#endif  // CLIENT_WATCH_PROTOCOL_H_
