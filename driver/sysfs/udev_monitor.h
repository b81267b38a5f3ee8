#ifndef DRIVER_SYSFS_UDEV_MONITOR_H_
#define DRIVER_SYSFS_UDEV_MONITOR_H_

#include <libudev.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/sysfs/uevent_sequence.h"
#include "driver/sysfs/uevent_source.h"

namespace sasd::sysfs {

// The kernel's uevents, by libudev. Those that the kernel sends, not those that udevd passes on:
// they need no udevd, come when a device comes and not when 1,255 rules have been run, and in the
// kernel's order. What sasd reads is in sysfs by then, and SAS class devices have no udev database
// entry that could be waited for.
//
// ScopeOf() filters by subsystem. libudev would filter the kernel's messages in this process too
// (its socket filter knows udevd's only), and without its filter every SEQNUM is seen.
//
// A socket that fails is opened anew, and what it missed is a gap. Threads: see UeventSource.
class UdevMonitor : public UeventSource {
 public:
  // Bytes that the socket may hold, as udevd's own. It is a limit: memory is taken for what is
  // queued, about 2 KiB a uevent, so that it takes some 60,000 (a thousand drives with all their
  // devices make 20,000). Setting it needs CAP_NET_ADMIN. Without that it is net.core.rmem_max, as
  // a rule 208 KiB: room for a hundred uevents, and more gaps.
  static constexpr int kReceiveBufferBytes = 128 << 20;

  // Receives from its return on. Errors: kUnavailable, with the reason (no netlink in a sandbox).
  // A network namespace of another user namespace gets no uevents, and nothing tells so.
  static absl::StatusOr<std::unique_ptr<UdevMonitor>> Open(
      int receive_buffer_bytes = kReceiveBufferBytes);

  ~UdevMonitor() override;

  Received Receive(absl::Duration timeout) override;
  void Wake() override;

  // What the socket was really granted, in bytes; the kernel counts its own overhead in.
  int receive_buffer_bytes() const;

 private:
  struct Unref {
    void operator()(udev* u) const { udev_unref(u); }
    void operator()(udev_monitor* m) const { udev_monitor_unref(m); }
    void operator()(udev_device* d) const { udev_device_unref(d); }
  };
  using Device = std::unique_ptr<udev_device, Unref>;

  UdevMonitor(int receive_buffer_bytes, int wake_fd);

  absl::Status OpenSocket();
  Received Reopen();
  std::optional<Received> Take();
  Received TakeFrom(udev_device& device);
  bool HasMore() const;
  bool Wait(absl::Duration timeout);

  const int wanted_bytes_;
  const int wake_fd_;  // an eventfd
  std::unique_ptr<udev, Unref> udev_;
  std::unique_ptr<udev_monitor, Unref> monitor_;  // null: could not be opened anew yet
  UeventSequence sequence_;
  std::optional<Uevent> next_;  // after a gap that has been told
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UDEV_MONITOR_H_
