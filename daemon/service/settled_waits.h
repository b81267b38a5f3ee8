#ifndef DAEMON_SERVICE_SETTLED_WAITS_H_
#define DAEMON_SERVICE_SETTLED_WAITS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/topology.h"
#include "daemon/watch/watch_log.h"

namespace sasd::service {

// Something that waits for hosts to settle.
class SettledWaiter {
 public:
  virtual ~SettledWaiter() = default;
  // Empty: all. Constant.
  virtual const std::vector<registry::Host::Key>& hosts() const = 0;
  // All of them had settled at this revision, which is published. Called at most once.
  virtual void OnSettled(const registry::Topology& topology) = 0;
};

// All that wait for hosts to settle, as one subscriber of the log. An event costs them together
// O(hosts that anybody waits for); a waiter is looked at when a host has settled that it waits for.
// Thread-safe.
class SettledWaits final : public watch::WakeListener,
                           public std::enable_shared_from_this<SettledWaits> {
 public:
  // Runs a function soon, on a thread that does not publish events. Called again only once the
  // function before has done its work, though it may not have returned yet.
  using RunSoon = std::function<void(std::function<void()>)>;

  // Borrows registry and log for its lifetime. Has to be held by a shared_ptr.
  SettledWaits(registry::Registry& registry, watch::WatchLog& log, RunSoon run_soon)
      : registry_(registry), log_(log), run_soon_(std::move(run_soon)) {}

  // Keeps the waiter until it is removed; or, if its hosts have settled, calls OnSettled() before
  // it returns. False, and nothing happens: after Close().
  bool Add(const std::shared_ptr<SettledWaiter>& waiter) ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets a waiter. OnSettled() may still come. O(1).
  void Remove(const SettledWaiter* waiter) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes no more, and returns those it has.
  std::vector<std::shared_ptr<SettledWaiter>> Close() ABSL_LOCKS_EXCLUDED(mu_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

  void OnReady() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Waiters = absl::flat_hash_set<const SettledWaiter*>;
  struct Entry {
    std::shared_ptr<SettledWaiter> waiter;
    registry::Host::Key awaited;  // one of its hosts that has not settled; unless it waits for all
  };

  // Passes by all events there are, so that the next one wakes.
  void CatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Looks for a host that has not settled, to wait for. False: they all have.
  bool Park(const SettledWaiter* key, Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Those whose hosts have all settled now.
  Waiters TakeSettled() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FinishReady() ABSL_LOCKS_EXCLUDED(mu_);

  // Constant.
  registry::Registry& registry_;
  watch::WatchLog& log_;
  const RunSoon run_soon_;

  mutable absl::Mutex mu_;  // before the log's and the registry's
  std::unique_ptr<watch::Cursor> cursor_ ABSL_GUARDED_BY(mu_);  // null while nobody waits
  absl::flat_hash_map<const SettledWaiter*, Entry> entries_ ABSL_GUARDED_BY(mu_);
  Waiters of_all_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<registry::Host::Key, Waiters> by_host_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;

  // To be finished by a function that runs soon.
  struct Ready {
    std::shared_ptr<SettledWaiter> waiter;
    std::shared_ptr<const registry::Topology> topology;
  };
  std::vector<Ready> ready_ ABSL_GUARDED_BY(mu_);
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SETTLED_WAITS_H_
