#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_NODES_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_NODES_H_

#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/base/endian.h"

namespace sasd::mpt3ctl {

// The system calls on control nodes: the seam where tests put their own kernel. Results are those
// of the system call, but errors are -errno. Implementations are thread-safe. Ioctl() may wait,
// uninterruptibly, as long as the HBA is busy with others.
class CtlNodes {
 public:
  virtual ~CtlNodes() = default;

  // Opens the node `path` for reading, non-blocking. Returns a descriptor; close it with Close().
  virtual int Open(const char* path) = 0;

  // Returns 0 or -errno. `argument` must be as long as the kernel will write.
  virtual int Ioctl(int descriptor, uint32_t number, MutableByteSpan argument) = 0;

  // Waits until one of the descriptors is readable (level-triggered): returns 1. Returns 0 at the
  // end of `timeout` or after Interrupt(), or -errno.
  virtual int Poll(absl::Span<const int> descriptors, absl::Duration timeout) = 0;

  // Makes the running Poll() return, or else the next one.
  virtual void Interrupt() = 0;

  virtual void Close(int descriptor) = 0;
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_NODES_H_
