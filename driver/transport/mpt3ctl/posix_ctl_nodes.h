#ifndef DRIVER_TRANSPORT_MPT3CTL_POSIX_CTL_NODES_H_
#define DRIVER_TRANSPORT_MPT3CTL_POSIX_CTL_NODES_H_

#include "driver/transport/mpt3ctl/ctl_nodes.h"

namespace sasd::mpt3ctl {

// The kernel's control nodes. Thread-safe.
class PosixCtlNodes : public CtlNodes {
 public:
  PosixCtlNodes();
  ~PosixCtlNodes() override;

  int Open(const char* path) override;
  int Ioctl(int descriptor, uint32_t number, MutableByteSpan argument) override;
  int Poll(absl::Span<const int> descriptors, absl::Duration timeout) override;
  void Interrupt() override;
  void Close(int descriptor) override;

 private:
  const int interrupt_;  // an eventfd
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_POSIX_CTL_NODES_H_
