#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_POLLER_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_POLLER_H_

#include <map>
#include <string>
#include <thread>  // NOLINT: an owned thread
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"

namespace sasd::mpt3ctl {

// Reads an HBA's event log at the poller's request.
class CtlWatcher {
 public:
  virtual ~CtlWatcher() = default;
  // The log may have news, or a second has passed. Returns at once; CtlPoller::Looked() follows
  // from any thread. Called without a lock.
  virtual void Look() = 0;
};

// The pause before the next poll. Without it, poll would return at once while an HBA has an unread
// log: one in reset, one whose thread waits for a command, or one without a watcher.
// Thread-compatible.
class PollPace {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(10), kLast = absl::Seconds(1);

  // After a round: whether the poll said "readable", and whether any watcher found news.
  absl::Duration Next(bool readable, bool news);

 private:
  absl::Duration pause_ = absl::ZeroDuration();
};

// One thread that waits for the events of all HBAs. A control node is readable while any HBA of the
// driver, at either node, has an event that is newer than the last read of its log (mpt3sas_ctl.c,
// _ctl_poll). So all watchers look each time, and again after a second without an event: the driver
// may lose a wake-up, and another program that reads the log takes it.
//
// Thread-safe; holds no lock while it polls or calls.
class CtlPoller {
 public:
  static constexpr absl::Duration kPeriod = absl::Seconds(1);

  // Borrows `nodes`. Starts the thread.
  explicit CtlPoller(CtlNodes& nodes);
  // Remove every watcher first.
  ~CtlPoller();

  // Polls the node `path` for `watcher`; the node is opened once for all watchers. Errors: those of
  // opening it (StatusOfErrno).
  absl::Status Add(const std::string& path, CtlWatcher& watcher) ABSL_LOCKS_EXCLUDED(mu_);
  // When this returns, no Look() is running or will come. Do not call it within Look().
  void Remove(CtlWatcher& watcher) ABSL_LOCKS_EXCLUDED(mu_);

  // The watcher has done its look; `news`: the log had new entries.
  void Looked(CtlWatcher& watcher, bool news) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Watched {
    bool looking = false;  // Look() was called, Looked() was not yet
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // The descriptors to poll; empty at the end.
  std::vector<int> AwaitNodes() ABSL_LOCKS_EXCLUDED(mu_);
  void LookEverywhere() ABSL_LOCKS_EXCLUDED(mu_);
  void Pause(bool readable) ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stopping_ || !watchers_.empty(); }
  bool NobodyLooks() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  CtlNodes& nodes_;
  PollPace pace_;  // the thread's

  absl::Mutex mu_;
  std::map<CtlWatcher*, Watched> watchers_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int> descriptors_ ABSL_GUARDED_BY(mu_);  // by path
  CtlWatcher* calling_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool news_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_POLLER_H_
