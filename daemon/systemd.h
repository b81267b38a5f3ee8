#ifndef DAEMON_SYSTEMD_H_
#define DAEMON_SYSTEMD_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// What a service tells systemd, which started it: sd_notify(3). Where nobody did ($NOTIFY_SOCKET is
// not set) they do nothing. Thread-safe.
namespace sasd::systemd {

// It serves; `status` is a line for `systemctl status`.
void NotifyReady(absl::string_view status);

// It reads everything anew, until NotifyReady().
void NotifyReloading();

// It ends.
void NotifyStopping();

// It is alive, for the watchdog.
void NotifyAlive();

// How often NotifyAlive() is wanted, with time to spare: half the watchdog's patience. Infinite
// without a watchdog.
absl::Duration KeepaliveInterval();

}  // namespace sasd::systemd

#endif  // DAEMON_SYSTEMD_H_
