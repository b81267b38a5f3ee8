#ifndef DRIVER_TRANSPORT_PCI_IOC_SYSTEM_POSIX_SYSTEM_CALLS_H_
#define DRIVER_TRANSPORT_PCI_IOC_SYSTEM_POSIX_SYSTEM_CALLS_H_

#include <string>
#include <vector>

#include "driver/transport/pci_ioc/system/system_calls.h"

namespace sasd::pci_ioc {

// The kernel's system calls. Stateless.
class PosixSystemCalls : public SystemCalls {
 public:
  int Open(const std::string& path, int flags) override;
  void Close(int descriptor) override;
  int Ioctl(int descriptor, uint64_t request, void* argument) override;
  ssize_t ReadAt(int descriptor, MutableByteSpan out, uint64_t offset) override;
  ssize_t WriteAt(int descriptor, ByteSpan bytes, uint64_t offset) override;
  ssize_t Read(int descriptor, MutableByteSpan out) override;
  ssize_t Write(int descriptor, ByteSpan bytes) override;
  ssize_t SizeOf(int descriptor) override;
  int Map(int descriptor, size_t size, uint64_t offset, MutableByteSpan& out) override;
  int MapMemory(size_t size, bool huge, MutableByteSpan& out) override;
  void Unmap(MutableByteSpan memory) override;
  int EventFd() override;
  int Poll(absl::Span<pollfd> files, absl::Duration timeout) override;
  int Lock(int descriptor) override;
  int ReadLink(const std::string& path, std::string& target) override;
  int List(const std::string& path, std::vector<std::string>& names) override;
  uint64_t MemlockLimit() override;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_SYSTEM_POSIX_SYSTEM_CALLS_H_
