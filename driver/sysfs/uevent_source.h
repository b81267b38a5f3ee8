#ifndef DRIVER_SYSFS_UEVENT_SOURCE_H_
#define DRIVER_SYSFS_UEVENT_SOURCE_H_

#include <cstdint>
#include <variant>

#include "absl/time/time.h"
#include "driver/sysfs/uevent.h"

namespace sasd::sysfs {

// Where uevents come from: the seam at which tests make them. One thread receives; Wake() is
// thread-safe. What the kernel sends from a source's creation on is received from it, so that who
// creates it before he looks at the tree misses nothing.
class UeventSource {
 public:
  // Nothing came within the timeout, or Wake() was called.
  struct Nothing {};
  // Uevents were lost. `lost_events`: how many at most, of whatever subsystem; 0: unknown.
  struct Gap {
    uint32_t lost_events = 0;
  };
  using Received = std::variant<Nothing, Uevent, Gap>;

  virtual ~UeventSource() = default;

  // The next one, in the kernel's order; waits up to `timeout` (real time, 0 or more) for it.
  virtual Received Receive(absl::Duration timeout) = 0;

  // Ends a Receive() that waits, or else the next one that would.
  virtual void Wake() = 0;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UEVENT_SOURCE_H_
