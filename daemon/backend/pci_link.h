#ifndef DAEMON_BACKEND_PCI_LINK_H_
#define DAEMON_BACKEND_PCI_LINK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/pci_hba_check.h"
#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/pci_ioc_transport.h"

namespace sasd {

struct PciLinkOptions {
  // Opens the function at an address. Errors: for people, with what to do.
  std::function<absl::StatusOr<std::unique_ptr<pci_ioc::PciBus>>(const std::string& address)> open;
  // The driver that is bound to it, for HostFacts::driver_name: "vfio-pci".
  std::function<std::string(const std::string& address)> driver_of;
  // Whether a function is at the address, whichever driver has it. Called before each attempt;
  // null: unknown.
  std::function<bool(const std::string& address)> is_present;
  pci_ioc::InterruptMode interrupts = pci_ioc::InterruptMode::kMsix;
  size_t vectors = 1;
  KeyAssignments* keys = nullptr;
  // Called from any thread, without a lock, when state() has changed. It must not call the link.
  std::function<void()> on_change;
  // Between two looks whether an HBA that cannot be opened was taken for sasd meanwhile.
  absl::Duration look = absl::Seconds(1);
};

// The link to one HBA that sasd drives itself. Its thread opens the function, brings its IOC up,
// runs an HbaDriver, and waits until End() is called, the system asks for the function, or the HBA
// is gone; then it lets go at once, reports the loss, and tries again: after `look` if the function
// is not there for sasd, which costs nothing; after a delay that doubles from one second to one
// minute if its IOC does not come up. Thread-safe.
class PciLink {
 public:
  // Starts the thread. Borrows `clock`, `sink` and `options` for its lifetime.
  PciLink(std::string address, Clock& clock, ObservationSink& sink, const PciLinkOptions& options);
  // Ends the link: hands the IOC back, and waits for that.
  ~PciLink();

  const std::string& address() const { return address_; }

  // Asks the thread to end. Does not wait.
  void End() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the delay before the next attempt.
  void Retry() ABSL_LOCKS_EXCLUDED(mu_);

  // The running driver; null unless connected.
  std::shared_ptr<HbaDriver> driver() const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until an attempt to connect has succeeded or failed. False at the deadline.
  bool AwaitConnection(absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mu_);
  PciLinkState state() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The parts of a connection. Each part uses those before it.
  struct Connection {
    std::unique_ptr<pci_ioc::PciIocTransport> transport;
    std::unique_ptr<HbaDriver> driver;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // One attempt, and what follows. `connected`: there was a connection. `opened`: sasd had the
  // function.
  absl::Status Serve(bool& opened, bool& connected) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::unique_ptr<Connection>> Connect(bool& opened) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status AwaitGoneOrEnding() ABSL_LOCKS_EXCLUDED(mu_);
  bool AwaitRetry(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mu_);
  bool IsEnding() const ABSL_LOCKS_EXCLUDED(mu_);
  void Set(PciLinkState::Kind kind, absl::Status error) ABSL_LOCKS_EXCLUDED(mu_);
  void ReportGone(HostKey host, absl::string_view why);

  // Constant.
  const std::string address_;
  Clock& clock_;
  ObservationSink& sink_;
  const PciLinkOptions& options_;

  mutable absl::Mutex mu_;  // a leaf
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool retry_ ABSL_GUARDED_BY(mu_) = false;
  bool gone_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status why_gone_ ABSL_GUARDED_BY(mu_);
  PciLinkState::Kind kind_ ABSL_GUARDED_BY(mu_) = PciLinkState::Kind::kConnecting;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
  HostKey host_ ABSL_GUARDED_BY(mu_);  // of the last connection
  std::shared_ptr<Connection> connection_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // the last member: it uses the others
};

}  // namespace sasd

#endif  // DAEMON_BACKEND_PCI_LINK_H_
