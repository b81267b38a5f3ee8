#ifndef DAEMON_HEALTH_DISMISSALS_H_
#define DAEMON_HEALTH_DISMISSALS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/registry/resources.h"

namespace sasd::health {

// An operator's word that the absence of an object, or a fault of it, is known and intended.
struct Dismissal {
  registry::ResourceId resource;  // need not be there
  std::string reason;             // in the operator's words
  std::string author;             // "uid 1000", "unknown"
  absl::Time create_time;
  // InfiniteFuture(): until the object returns.
  absl::Time expire_time = absl::InfiniteFuture();

  bool HoldsAt(absl::Time now) const { return now < expire_time; }
};
using DismissalPtr = std::shared_ptr<const Dismissal>;

using DismissalMap = absl::btree_map<registry::ResourceId, DismissalPtr>;

// What operators have dismissed: at most one dismissal per object. Thread-safe.
class Dismissals {
 public:
  // Replaces an earlier one of the same object.
  DismissalPtr Add(Dismissal dismissal) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the dismissal and returns it; null where there is none.
  DismissalPtr Remove(const registry::ResourceId& resource) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends a dismissal without an expiry: the object has come back.
  void EndOnReturn(const registry::ResourceId& resource) ABSL_LOCKS_EXCLUDED(mu_);

  // Those that hold at `now`. Drops the expired ones.
  DismissalMap HoldingAt(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Grows with each change but an expiry.
  uint64_t version() const ABSL_LOCKS_EXCLUDED(mu_);
  // The resources whose dismissals have changed since the last call: to be stored.
  std::vector<registry::ResourceId> TakeChanged() ABSL_LOCKS_EXCLUDED(mu_);
  // Null where there is none.
  DismissalPtr Find(const registry::ResourceId& resource) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;  // a leaf
  DismissalMap dismissals_ ABSL_GUARDED_BY(mu_);
  std::vector<registry::ResourceId> changed_ ABSL_GUARDED_BY(mu_);
  uint64_t version_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_DISMISSALS_H_
