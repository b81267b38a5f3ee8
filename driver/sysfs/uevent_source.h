#ifndef DRIVER_SYSFS_UEVENT_SOURCE_H_
#define DRIVER_SYSFS_UEVENT_SOURCE_H_

#include <cstdint>
#include <variant>

#include "absl/time/time.h"
#include "driver/sysfs/uevent.h"

namespace sasd::sysfs {

// A source of uevents: the kernel, or a test. One thread receives; Wake() is thread-safe. A source
// delivers all uevents from its creation on. Create it before you read the tree, and you miss none.
class UeventSource {
 public:
  // Nothing came within the timeout, or Wake() was called.
  struct Nothing {};
  // Uevents were lost. `lost_events`: how many at most, of any subsystem; 0: unknown.
  struct Gap {
    uint32_t lost_events = 0;
  };
  using Received = std::variant<Nothing, Uevent, Gap>;

  virtual ~UeventSource() = default;

  // The next uevent or gap, in the kernel's order. Waits up to `timeout` (real time, 0 or more).
  virtual Received Receive(absl::Duration timeout) = 0;

  // Ends a waiting Receive(), or else the next one that would wait.
  virtual void Wake() = 0;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UEVENT_SOURCE_H_
