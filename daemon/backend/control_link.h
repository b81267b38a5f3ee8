#ifndef DAEMON_BACKEND_CONTROL_LINK_H_
#define DAEMON_BACKEND_CONTROL_LINK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>  // NOLINT: one owned thread

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/control_node_state.h"
#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"
#include "driver/sysfs/controlled_hosts.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"
#include "driver/transport/mpt3ctl/ctl_poller.h"
#include "driver/transport/mpt3ctl/ctl_transport.h"

namespace sasd {

struct ControlLinkOptions {
  // Makes the CtlOptions::reset_count of a host.
  std::function<std::function<std::optional<uint32_t>()>(const sysfs::ControlledHost&)> reset_count;
  // Called from any thread, without a lock. They must not call the link.
  std::function<void()> on_change;  // state() has changed
  std::function<void()> on_loss;    // the link has lost its HBA, or has ended
  // Gives the firmware's reports the key that ControlledHost::key has, too. Null: the plain one.
  KeyAssignments* keys = nullptr;
};

// The link to one HBA of the kernel's mpt3sas. Its thread starts an HbaDriver on the control node,
// waits until End() is called or the HBA is gone, reports the loss, and connects again: after one
// second if the HBA is busy, else after a delay that doubles from one second to one minute.
// Thread-safe.
class ControlLink {
 public:
  // Starts the thread. Borrows `nodes`, `clock`, `sink` and `options` for its lifetime.
  ControlLink(sysfs::ControlledHost host, std::shared_ptr<mpt3ctl::CtlPoller> poller,
              mpt3ctl::CtlNodes& nodes, Clock& clock, ObservationSink& sink,
              const ControlLinkOptions& options);
  // Ends the link and waits for a running ioctl: up to a minute if the HBA hangs.
  ~ControlLink();

  const sysfs::ControlledHost& host() const { return host_; }

  // Asks the thread to end. Does not wait.
  void End() ABSL_LOCKS_EXCLUDED(mu_);
  // True once the thread only has to return.
  bool has_ended() const ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitEnd() ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the delay before the next attempt.
  void Retry() ABSL_LOCKS_EXCLUDED(mu_);

  // The running driver; null unless connected.
  std::shared_ptr<HbaDriver> driver() const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until an attempt to connect has succeeded or failed. False at the deadline.
  bool AwaitConnection(absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mu_);
  ControlNodeState state() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The parts of a connection. Each part uses those before it.
  struct Connection {
    std::shared_ptr<mpt3ctl::CtlPoller> poller;
    std::unique_ptr<mpt3ctl::CtlTransport> transport;
    std::unique_ptr<HbaDriver> driver;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Connects and waits for the end of the connection. Returns the reason for the end. `connected`:
  // whether there was a connection.
  absl::Status Serve(bool& connected) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Connection> Connect() ABSL_LOCKS_EXCLUDED(mu_);

  void ReportInProgress();
  void ReportGone(HostKey host, absl::string_view why);
  void Report(HostKey host, Cause cause, Observation observation);

  // Drops the poller. The last link that does so ends the polling and closes the nodes.
  void ReleasePoller() ABSL_LOCKS_EXCLUDED(mu_);
  bool IsEnding() const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits, then drops driver(). True if the HBA is gone, false if End() was called.
  bool AwaitGoneOrEnding() ABSL_LOCKS_EXCLUDED(mu_);
  // False if End() was called.
  bool AwaitRetry(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mu_);
  void Set(ControlNodeState::Kind kind, absl::Status error) ABSL_LOCKS_EXCLUDED(mu_);

  // Constant.
  const sysfs::ControlledHost host_;
  mpt3ctl::CtlNodes& nodes_;
  Clock& clock_;
  ObservationSink& sink_;
  const ControlLinkOptions& options_;

  mutable absl::Mutex mu_;                                           // a leaf
  std::shared_ptr<mpt3ctl::CtlPoller> poller_ ABSL_GUARDED_BY(mu_);  // null once ended
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool gone_ ABSL_GUARDED_BY(mu_) = false;
  bool retry_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  ControlNodeState::Kind kind_ ABSL_GUARDED_BY(mu_) = ControlNodeState::Kind::kConnecting;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<HbaDriver> driver_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // the last member: it uses the others
};

}  // namespace sasd

#endif  // DAEMON_BACKEND_CONTROL_LINK_H_
