#ifndef DAEMON_SERVICE_RESOURCE_FINDER_H_
#define DAEMON_SERVICE_RESOURCE_FINDER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/registry/registry.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/find.h"
#include "daemon/service/spelling_index.h"

namespace sasd::service {

// The host or enclosure that has an alias, there or not; nullopt: none has it.
using AliasHolder = std::function<std::optional<registry::ResourceId>(absl::string_view alias)>;

// FindResources() with an index, which a thread makes after the first find, keeps up to date, and
// drops when nobody has asked for long. Thread-safe.
class ResourceFinder {
 public:
  // The index goes so long after the last find.
  static constexpr absl::Duration kKeep = absl::Minutes(10);

  // Borrows the registry for its lifetime. `aliases`: for WithoutAlias().
  explicit ResourceFinder(const registry::Registry& registry, AliasHolder aliases = nullptr)
      : registry_(registry), aliases_(std::move(aliases)) {}
  ~ResourceFinder();

  // What FindResources() finds in the topology. Cancellable while it looks through all objects: to
  // suggest something, and as long as there is no index.
  FoundResources Find(const std::shared_ptr<const registry::Topology>& topology,
                      absl::string_view query, absl::Span<const registry::ResourceKind> kinds,
                      Cancelled cancelled = NeverCancelled) ABSL_LOCKS_EXCLUDED(mu_);

  // A query with a resource name in place of an alias, or of an alias before a slot. For objects
  // that may be gone: Find() knows the aliases of those that are there.
  std::string WithoutAlias(absl::string_view query) const;

  bool has_index() const ABSL_LOCKS_EXCLUDED(mu_);
  // One round of the thread at this Clock::Monotonic(); for tests.
  void Step(absl::Duration now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  const registry::Registry& registry_;
  const AliasHolder aliases_;  // constant; null: nothing has an alias

  mutable absl::Mutex mu_;  // before the registry's
  std::unique_ptr<SpellingIndex> index_ ABSL_GUARDED_BY(mu_);
  bool used_ ABSL_GUARDED_BY(mu_) = false;  // since the last round
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration last_use_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();
  std::thread thread_;  // started by the first find
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_RESOURCE_FINDER_H_
