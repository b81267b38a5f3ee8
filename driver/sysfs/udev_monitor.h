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

// The kernel's uevents, through libudev. It receives those that the kernel sends, not those that
// udevd passes on. They need no udevd. They come in the kernel's order, as soon as a device appears
// and not after 1,255 rules. The files that sasd reads are in sysfs by then, and SAS class devices
// have no udev database entry to wait for.
//
// ScopeOf() filters by subsystem. libudev's filter would save nothing: its socket filter handles
// udevd's messages only, and it filters the kernel's in this process. Without it sasd sees every
// SEQNUM.
//
// After a failure of the socket it opens a new one, and reports a gap. Threads: see UeventSource.
class UdevMonitor : public UeventSource {
 public:
  // The limit of bytes that the socket queues, as udevd has it. Only queued uevents take memory:
  // about 2 KiB each, so that some 60,000 fit (a thousand drives with all their devices make
  // 20,000). To set it needs CAP_NET_ADMIN. Without that the limit is net.core.rmem_max, usually
  // 208 KiB. That holds a hundred uevents, and so causes more gaps.
  static constexpr int kReceiveBufferBytes = 128 << 20;

  // Receives from its return on. Errors: kUnavailable, with the reason (no netlink in a sandbox).
  // A network namespace of another user namespace gets no uevents, and there is no error for that.
  static absl::StatusOr<std::unique_ptr<UdevMonitor>> Open(
      int receive_buffer_bytes = kReceiveBufferBytes);

  ~UdevMonitor() override;

  Received Receive(absl::Duration timeout) override;
  void Wake() override;

  // The limit that the kernel granted, in bytes. It includes the kernel's own overhead.
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
  std::unique_ptr<udev_monitor, Unref> monitor_;  // null: not yet opened again after a failure
  UeventSequence sequence_;
  std::optional<Uevent> next_;  // follows a gap that was returned before it
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UDEV_MONITOR_H_
