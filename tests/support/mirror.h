#ifndef TESTS_SUPPORT_MIRROR_H_
#define TESTS_SUPPORT_MIRROR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "sas/v1/resources.pb.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::testing {

// The name of whichever resource is set; empty if none.
const std::string& NameOf(const sas::v1::Resource& resource);

// A subscriber's reconstruction of the topology: it folds an unfiltered Watch stream and holds the
// stream to its contract. Of each resource it keeps a digest, so that a hundred mirrors of a large
// topology fit. Thread-compatible.
class Mirror {
 public:
  // Takes the next message of the stream. Errors (kFailedPrecondition) name the broken promise: a
  // revision that does not follow the one before, ADDED of what is there, MODIFIED or REMOVED of
  // what is not, content outside of its place in the order snapshot - SYNCED - events.
  absl::Status Apply(const sas::v1::WatchResponse& response);

  // The stream ended; the next Apply() belongs to one that resumes from resume_token().
  void Disconnected() {
    synced_ = false;
    parts_.Clear();
  }

  bool synced() const { return synced_; }
  int64_t revision() const { return revision_; }
  const std::string& resume_token() const { return resume_token_; }
  int resyncs() const { return resyncs_; }
  size_t size() const { return digests_.size(); }

  // Up to `limit` names that differ between the two: missing, extra or of other content.
  std::vector<std::string> Differences(const Mirror& other, size_t limit = 5) const;

 private:
  // Of the content; the same for all mirrors of a process.
  uint64_t Digest(const sas::v1::Resource& resource);
  absl::Status ApplySnapshot(const sas::v1::SnapshotChunk& chunk);
  absl::Status ApplyEvent(const sas::v1::Event& event);
  absl::Status ApplyChanges(const google::protobuf::RepeatedPtrField<sas::v1::Change>& changes);
  absl::Status ApplyChange(const sas::v1::Change& change);

  bool synced_ = false;
  int64_t revision_ = 0;           // state is whole up to here once synced
  int64_t snapshot_revision_ = 0;  // of the snapshot being received; 0: none
  std::string resume_token_;
  int resyncs_ = 0;
  // Of an event whose last part is still to come.
  google::protobuf::RepeatedPtrField<sas::v1::Change> parts_;
  std::string bytes_;  // of what is digested; kept for its memory
  // Digest of the name -> digest of the content.
  absl::flat_hash_map<uint64_t, uint64_t> digests_;
};

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_MIRROR_H_
