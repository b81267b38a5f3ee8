#ifndef DAEMON_BACKEND_CONTROL_LINKS_H_
#define DAEMON_BACKEND_CONTROL_LINKS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/backend/control_link.h"
#include "daemon/diagnosis/control_node_state.h"
#include "driver/base/clock.h"
#include "driver/base/sas_address.h"
#include "driver/observation/observation.h"
#include "driver/sysfs/controlled_hosts.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"
#include "driver/transport/mpt3ctl/ctl_poller.h"

namespace sasd {

// A driver of ours on the control node of every HBA that the kernel's mpt3sas has. What their
// firmware tells goes to a sink with source kFirmware and keys as sysfs has them (AlignedSink);
// while one is being asked its discovery is IN_PROGRESS, and when it cannot be asked any more it is
// HostGone. Each HBA has a thread, so that one that hangs holds up no other. A node that cannot be
// used is tried again, after a second if the HBA is busy, else after a delay that doubles from one
// second to a minute.
//
// While any HBA is connected, the kernel's module cannot be unloaded (see mpt3ctl). Thread-safe.
class ControlLinks {
 public:
  // Borrows all for its lifetime.
  ControlLinks(mpt3ctl::CtlNodes& nodes, Clock& clock, ObservationSink& sink,
               ControlLinkOptions options);
  // Waits for ioctls that run: for a minute if an HBA hangs.
  ~ControlLinks();

  // These are the HBAs that there are. Connects to those that are new, in the background, and
  // lets go of those that are no more. Does not wait.
  void Follow(const std::vector<sysfs::ControlledHost>& hosts) ABSL_LOCKS_EXCLUDED(mu_);

  // Lets go of all HBAs, until each comes anew or Retry(). When it returns no node is open.
  void Release() ABSL_LOCKS_EXCLUDED(mu_);

  // Tries those that failed at once, and those that were released with the next Follow().
  void Retry() ABSL_LOCKS_EXCLUDED(mu_);

  // Walks the pages of all connected HBAs anew; queued.
  void Rescan() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until no HBA is being connected to, and HbaDriver::WaitIdle() of the connected ones.
  absl::Status WaitIdle(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  bool IsConnected(SasAddress host) const ABSL_LOCKS_EXCLUDED(mu_);

  // One of each HBA, in the order of Follow().
  std::vector<ControlNodeState> states() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using LinkPtr = std::shared_ptr<ControlLink>;

  std::vector<LinkPtr> Links() const ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<mpt3ctl::CtlPoller> Poller() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes those that have ended out of `ending_`.
  std::vector<LinkPtr> TakeEnded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsEnding(const sysfs::ControlledHost& host) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  mpt3ctl::CtlNodes& nodes_;
  Clock& clock_;
  ObservationSink& sink_;
  const ControlLinkOptions options_;

  mutable absl::Mutex mu_;  // before a link's
  // Those of the last Follow(), but for what is ending still.
  std::vector<LinkPtr> links_ ABSL_GUARDED_BY(mu_);
  // Told to end; a new link to the same HBA waits for it, whose last word is that the host is gone.
  std::vector<LinkPtr> ending_ ABSL_GUARDED_BY(mu_);
  std::vector<sysfs::ControlledHost> released_ ABSL_GUARDED_BY(mu_);
  // The links': it goes, and closes the nodes, with the last of them.
  std::weak_ptr<mpt3ctl::CtlPoller> poller_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd

#endif  // DAEMON_BACKEND_CONTROL_LINKS_H_
