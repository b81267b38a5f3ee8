#ifndef TESTS_SUPPORT_MIRROR_H_
#define TESTS_SUPPORT_MIRROR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "client/watch_protocol.h"
#include "sas/v1/resources.pb.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::testing {

// A digest of the content. Equal in all places of a process.
uint64_t DigestOf(const google::protobuf::Message& message);

// A subscriber's picture of the topology. It applies an unfiltered Watch stream and checks the
// stream's contract. Unlike client::Mirror it keeps only a digest of each resource, so that a
// hundred mirrors of a large topology fit into memory, and can be copied. Thread-compatible.
class Mirror : private client::WatchConsumer {
 public:
  // Applies the next message of the stream. Errors (kFailedPrecondition) name the broken promise:
  // those of client::WatchProtocol; ADDED for an existing resource, MODIFIED or REMOVED for a
  // missing one; a gap.
  absl::Status Apply(const sas::v1::WatchResponse& response) {
    return protocol_.Apply(response, *this);
  }
  // The stream has ended. The next Apply() is for a stream resumed from resume_token().
  void Disconnected() { protocol_.Disconnected(); }

  bool synced() const { return protocol_.synced(); }
  int64_t revision() const { return protocol_.revision(); }
  const std::string& resume_token() const { return protocol_.resume_token(); }
  int resyncs() const { return protocol_.resyncs(); }
  size_t size() const { return digests_.size(); }

  // Up to `limit` resources that are missing in one mirror or have other content, a line each.
  std::vector<std::string> Differences(const Mirror& other, size_t limit = 5) const;

 private:
  absl::Status OnSnapshotBegin(int64_t revision) override;
  absl::Status OnResource(const sas::v1::Resource& resource) override;
  absl::Status OnEvent(const sas::v1::Event& event) override;
  absl::Status ApplyChange(const sas::v1::Change& change);

  client::WatchProtocol protocol_;
  // Digest of the name -> digest of the content.
  absl::flat_hash_map<uint64_t, uint64_t> digests_;
};

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_MIRROR_H_
