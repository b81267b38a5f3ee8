#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_NODES_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_NODES_H_

#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/base/endian.h"

namespace sasd::mpt3ctl {

// The system calls on control nodes: the seam at which tests put their own kernel. Results are as
// of the system call, but an error is given as -errno. Implementations are thread-safe; Ioctl() may
// wait, uninterruptibly, for as long as the HBA's other users let it.
class CtlNodes {
 public:
  virtual ~CtlNodes() = default;

  // A descriptor of the node `path`, for reading, non-blocking; to be given back with Close().
  virtual int Open(const char* path) = 0;

  // 0, or -errno. The caller has made `argument` as long as the kernel will write.
  virtual int Ioctl(int descriptor, uint32_t number, MutableByteSpan argument) = 0;

  // Waits until one of the descriptors is readable, which is level-triggered: 1 if so, 0 at the end
  // of `timeout` or after Interrupt(), or -errno.
  virtual int Poll(absl::Span<const int> descriptors, absl::Duration timeout) = 0;

  // Makes a Poll() that runs, or else the next one, return.
  virtual void Interrupt() = 0;

  virtual void Close(int descriptor) = 0;
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_NODES_H_
