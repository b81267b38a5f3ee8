#include "driver/sysfs/udev_monitor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace sasd::sysfs {
namespace {

// The shortest time from a failure of the socket to its reopening.
constexpr absl::Duration kReopenDelay = absl::Seconds(1);

absl::Status Unavailable(const char* what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(error)));
}

// The number of the newest uevent of this machine; 0 if unknown.
uint64_t NewestSequenceNumber() {
  std::ifstream file("/sys/kernel/uevent_seqnum");
  uint64_t number = 0;
  return file >> number ? number : 0;
}

std::string OrEmpty(const char* text) { return text == nullptr ? "" : text; }

}  // namespace

absl::StatusOr<std::unique_ptr<UdevMonitor>> UdevMonitor::Open(int receive_buffer_bytes) {
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return Unavailable("cannot make an eventfd", errno);
  auto monitor = absl::WrapUnique(new UdevMonitor(receive_buffer_bytes, wake_fd));
  if (absl::Status s = monitor->OpenSocket(); !s.ok()) return s;
  monitor->sequence_ = UeventSequence(NewestSequenceNumber());
  return monitor;
}

UdevMonitor::UdevMonitor(int receive_buffer_bytes, int wake_fd)
    : wanted_bytes_(receive_buffer_bytes), wake_fd_(wake_fd), udev_(udev_new()), sequence_(0) {}

UdevMonitor::~UdevMonitor() { close(wake_fd_); }

absl::Status UdevMonitor::OpenSocket() {
  if (udev_ == nullptr) return Unavailable("libudev", ENOMEM);
  errno = 0;
  monitor_.reset(udev_monitor_new_from_netlink(udev_.get(), "kernel"));
  if (monitor_ == nullptr) return Unavailable("no netlink socket for uevents", errno);
  // A smaller buffer than requested makes more gaps, and gaps are reported.
  udev_monitor_set_receive_buffer_size(monitor_.get(), wanted_bytes_);
  const int error = udev_monitor_enable_receiving(monitor_.get());
  if (error >= 0) return absl::OkStatus();
  monitor_.reset();
  return Unavailable("the netlink socket for uevents cannot be bound", -error);
}

int UdevMonitor::receive_buffer_bytes() const {
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  if (monitor_ == nullptr) return 0;
  getsockopt(udev_monitor_get_fd(monitor_.get()), SOL_SOCKET, SO_RCVBUF, &bytes, &size);
  return bytes;
}

void UdevMonitor::Wake() {
  const uint64_t one = 1;
  // It fails only after a few quintillion calls that nothing consumed, and so it is awake then.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

UeventSource::Received UdevMonitor::Receive(absl::Duration timeout) {
  if (next_) return *std::exchange(next_, std::nullopt);
  if (monitor_ == nullptr) {
    if (Wait(std::min(timeout, kReopenDelay)) || timeout < kReopenDelay) return Nothing{};
    return Reopen();
  }
  if (std::optional<Received> received = Take()) return *received;
  if (timeout <= absl::ZeroDuration() || Wait(timeout)) return Nothing{};
  std::optional<Received> received = Take();
  return received ? *std::move(received) : Nothing{};
}

UeventSource::Received UdevMonitor::Reopen() {
  if (!OpenSocket().ok()) return Nothing{};
  sequence_ = UeventSequence(NewestSequenceNumber());
  return Gap{};
}

// The next queued item; nullopt: nothing is queued.
std::optional<UeventSource::Received> UdevMonitor::Take() {
  while (true) {
    errno = 0;
    const Device device(udev_monitor_receive_device(monitor_.get()));
    const int error = errno;
    if (device != nullptr) return Received(TakeFrom(*device));
    switch (error) {
      case ENOBUFS:
        sequence_.Overrun();
        break;
      case 0:
      case EAGAIN:
      case EINTR:
        if (HasMore()) break;  // after a message that is not a uevent
        if (const auto lost = sequence_.Dry(NewestSequenceNumber())) return Gap{*lost};
        return std::nullopt;
      case EBADMSG:
      case EINVAL:
        return Gap{};  // one that libudev cannot parse
      default:
        monitor_.reset();
        return Gap{};
    }
  }
}

UeventSource::Received UdevMonitor::TakeFrom(udev_device& device) {
  Uevent uevent = {OrEmpty(udev_device_get_action(&device)),
                   OrEmpty(udev_device_get_devpath(&device)),
                   OrEmpty(udev_device_get_subsystem(&device)), udev_device_get_seqnum(&device)};
  const std::optional<uint32_t> lost = sequence_.Next(uevent.sequence_number);
  if (!lost) return uevent;
  next_ = std::move(uevent);
  return Gap{*lost};
}

bool UdevMonitor::HasMore() const {
  pollfd fd = {udev_monitor_get_fd(monitor_.get()), POLLIN, 0};
  return poll(&fd, 1, 0) > 0;
}

// Waits for a uevent or Wake(); true for the latter.
bool UdevMonitor::Wait(absl::Duration timeout) {
  pollfd fds[] = {{wake_fd_, POLLIN, 0}, {-1, POLLIN, 0}};
  if (monitor_ != nullptr) fds[1].fd = udev_monitor_get_fd(monitor_.get());
  const timespec time = absl::ToTimespec(std::max(timeout, absl::ZeroDuration()));
  ppoll(fds, 2, timeout == absl::InfiniteDuration() ? nullptr : &time, nullptr);
  uint64_t rings = 0;
  return read(wake_fd_, &rings, sizeof(rings)) > 0;
}

}  // namespace sasd::sysfs
