#ifndef DAEMON_SYSTEMD_H_
#define DAEMON_SYSTEMD_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Reports this service's state to systemd: sd_notify(3). Without systemd ($NOTIFY_SOCKET is not
// set) these functions do nothing. Thread-safe.
namespace sasd::systemd {

// The service is ready. `status`: one line for `systemctl status`.
void NotifyReady(absl::string_view status);

// The service rescans, until NotifyReady().
void NotifyReloading();

// The service ends.
void NotifyStopping();

// The service is alive. For systemd's watchdog.
void NotifyAlive();

// The interval at which to call NotifyAlive(): half the watchdog's timeout. Infinite without a
// watchdog.
absl::Duration KeepaliveInterval();

// A socket that systemd bound and listens on for this service (systemd.socket(5)).
struct ActivatedSocket {
  int fd = -1;
  std::string name;  // FileDescriptorName=
};

// The sockets of this service; the caller owns them. Only the first call gets any.
std::vector<ActivatedSocket> TakeActivatedSockets();

}  // namespace sasd::systemd

#endif  // DAEMON_SYSTEMD_H_
