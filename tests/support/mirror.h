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

// The name of the resource that is set; empty if none is.
const std::string& NameOf(const sas::v1::Resource& resource);

// A subscriber's picture of the topology. It applies an unfiltered Watch stream and checks the
// stream's contract. It keeps only a digest of each resource, so that a hundred mirrors of a large
// topology fit into memory. Thread-compatible.
class Mirror {
 public:
  // Applies the next message of the stream. Errors (kFailedPrecondition) name the broken promise: a
  // revision out of sequence, ADDED for an existing resource, MODIFIED or REMOVED for a missing
  // one, or a violation of the order snapshot - SYNCED - events.
  absl::Status Apply(const sas::v1::WatchResponse& response);

  // The stream has ended. The next Apply() is for a stream resumed from resume_token().
  void Disconnected() {
    synced_ = false;
    parts_.Clear();
  }

  bool synced() const { return synced_; }
  int64_t revision() const { return revision_; }
  const std::string& resume_token() const { return resume_token_; }
  int resyncs() const { return resyncs_; }
  size_t size() const { return digests_.size(); }

  // Up to `limit` resources that are missing in one mirror or have other content, a line each.
  std::vector<std::string> Differences(const Mirror& other, size_t limit = 5) const;

 private:
  // A digest of the content. All mirrors of a process have the same digests.
  uint64_t Digest(const sas::v1::Resource& resource);
  absl::Status ApplySnapshot(const sas::v1::SnapshotChunk& chunk);
  absl::Status ApplyEvent(const sas::v1::Event& event);
  absl::Status ApplyChanges(const google::protobuf::RepeatedPtrField<sas::v1::Change>& changes);
  absl::Status ApplyChange(const sas::v1::Change& change);

  bool synced_ = false;
  int64_t revision_ = 0;           // once synced, all changes up to here are applied
  int64_t snapshot_revision_ = 0;  // of the snapshot being received; 0: none
  std::string resume_token_;
  int resyncs_ = 0;
  // The changes of an event whose last part is still missing.
  google::protobuf::RepeatedPtrField<sas::v1::Change> parts_;
  std::string bytes_;  // the buffer of Digest()
  // Digest of the name -> digest of the content.
  absl::flat_hash_map<uint64_t, uint64_t> digests_;
};

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_MIRROR_H_
