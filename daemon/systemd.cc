#include "daemon/systemd.h"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace sasd::systemd {

// Errors are ignored: if a message is lost, systemd waits and logs that itself.

void NotifyReady(absl::string_view status) {
  sd_notify(/*unset_environment=*/0, absl::StrCat("READY=1\nSTATUS=", status).c_str());
}

void NotifyReloading() { sd_notify(0, "RELOADING=1\nSTATUS=rescanning"); }

void NotifyStopping() { sd_notify(0, "STOPPING=1\nSTATUS=ending"); }

void NotifyAlive() { sd_notify(0, "WATCHDOG=1"); }

absl::Duration KeepaliveInterval() {
  uint64_t timeout_us = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &timeout_us) <= 0) {
    return absl::InfiniteDuration();
  }
  return absl::Microseconds(timeout_us) / 2;
}

std::vector<ActivatedSocket> TakeActivatedSockets() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  std::vector<ActivatedSocket> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.push_back({SD_LISTEN_FDS_START + i, names[i]});
    free(names[i]);
  }
  free(names);
  return sockets;
}

}  // namespace sasd::systemd
