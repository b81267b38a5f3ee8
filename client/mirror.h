#ifndef CLIENT_MIRROR_H_
#define CLIENT_MIRROR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/watch_protocol.h"
#include "sas/v1/resources.pb.h"

namespace sasd::client {

// A node's resources, as a Watch keeps them. While a snapshot arrives, readers see the picture
// before it. Thread-safe: one thread feeds it, any thread reads.
class Mirror : public WatchConsumer {
 public:
  using ResourcePtr = std::shared_ptr<const sas::v1::Resource>;
  using Resources = absl::btree_map<std::string, ResourcePtr>;

  // Null: there is no such resource. `name`: a resource name, such as "logicalUnits/naa.5000c5...".
  ResourcePtr Find(absl::string_view name) const ABSL_LOCKS_EXCLUDED(mu_);
  // All of one revision, by name.
  Resources All() const ABSL_LOCKS_EXCLUDED(mu_);
  // 0: nothing is complete yet.
  int64_t revision() const ABSL_LOCKS_EXCLUDED(mu_);
  // False: the time is over.
  bool WaitForRevision(int64_t revision, absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mu_);

  // WatchConsumer. Errors: kFailedPrecondition, an ADDED resource is there already, or one that is
  // MODIFIED or REMOVED is not.
  absl::Status OnSnapshotBegin(int64_t revision) override;
  absl::Status OnResource(const sas::v1::Resource& resource) override;
  absl::Status OnSynced(int64_t revision) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status OnEvent(const sas::v1::Event& event) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Status ApplyChange(const sas::v1::Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The feeding thread's: the snapshot that arrives.
  bool in_snapshot_ = false;
  Resources arriving_;

  mutable absl::Mutex mu_;
  Resources resources_ ABSL_GUARDED_BY(mu_);
  int64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sasd::client

#endif  // CLIENT_MIRROR_H_
