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

// Links to every HBA of the kernel's mpt3sas (ControlLink). The sink gets the firmware's
// observations with source kFirmware and with the keys of sysfs (PortNumbering). While a link
// connects, its host's discovery is IN_PROGRESS; when it loses its HBA, it reports HostGone. Each
// link has its own thread, so an HBA that hangs delays no other.
//
// The kernel's module cannot be unloaded while any HBA is connected (see mpt3ctl). Thread-safe.
class ControlLinks {
 public:
  // Borrows `nodes`, `clock` and `sink` for its lifetime.
  ControlLinks(mpt3ctl::CtlNodes& nodes, Clock& clock, ObservationSink& sink,
               ControlLinkOptions options);
  // Waits for running ioctls: up to a minute if an HBA hangs.
  ~ControlLinks();

  // `hosts`: all HBAs of now. Links to new ones in the background, and ends the links to those that
  // are missing. Does not wait.
  void Follow(const std::vector<sysfs::ControlledHost>& hosts) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends all links, until the HBA reappears or Retry() is called. Returns once no node is open.
  void Release() ABSL_LOCKS_EXCLUDED(mu_);

  // Failed links try again at once; released HBAs get a link at the next Follow().
  void Retry() ABSL_LOCKS_EXCLUDED(mu_);

  // Queues a walk over all pages of every connected HBA.
  void Rescan() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until no link is connecting and every driver is idle (HbaDriver::WaitIdle()).
  absl::Status WaitIdle(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  bool IsConnected(HostKey host) const ABSL_LOCKS_EXCLUDED(mu_);

  // One per HBA: those with a link in the order of Follow(), then the released ones.
  std::vector<ControlNodeState> states() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using LinkPtr = std::shared_ptr<ControlLink>;

  std::vector<LinkPtr> Links() const ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<mpt3ctl::CtlPoller> Poller() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Removes and returns the links in `ending_` that have ended.
  std::vector<LinkPtr> TakeEnded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsEnding(const sysfs::ControlledHost& host) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  mpt3ctl::CtlNodes& nodes_;
  Clock& clock_;
  ObservationSink& sink_;
  const ControlLinkOptions options_;

  mutable absl::Mutex mu_;  // before a link's
  // The links of the last Follow(), without those still in `ending_`.
  std::vector<LinkPtr> links_ ABSL_GUARDED_BY(mu_);
  // Asked to end. A new link to the same HBA must wait, because an ending link reports HostGone.
  std::vector<LinkPtr> ending_ ABSL_GUARDED_BY(mu_);
  std::vector<sysfs::ControlledHost> released_ ABSL_GUARDED_BY(mu_);
  // Owned by the links. The last one destroys it, which closes the nodes.
  std::weak_ptr<mpt3ctl::CtlPoller> poller_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd

#endif  // DAEMON_BACKEND_CONTROL_LINKS_H_
