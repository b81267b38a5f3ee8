#ifndef DRIVER_TRANSPORT_PCI_IOC_SYSTEM_SYSTEM_CALLS_H_
#define DRIVER_TRANSPORT_PCI_IOC_SYSTEM_SYSTEM_CALLS_H_

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/base/endian.h"

namespace sasd::pci_ioc {

// The system calls by which a process gets at a PCI function: the seam where tests put their own
// kernel. Results are those of the system call, but errors are -errno. Implementations are
// thread-safe.
class SystemCalls {
 public:
  virtual ~SystemCalls() = default;

  // open(2), with O_CLOEXEC. Returns a descriptor; close it with Close().
  virtual int Open(const std::string& path, int flags) = 0;
  virtual void Close(int descriptor) = 0;

  // `argument`: a pointer or an integer, as the request wants it.
  virtual int Ioctl(int descriptor, uint64_t request, void* argument) = 0;
  virtual ssize_t ReadAt(int descriptor, MutableByteSpan out, uint64_t offset) = 0;
  virtual ssize_t WriteAt(int descriptor, ByteSpan bytes, uint64_t offset) = 0;
  // read(2) and write(2) of a file without positions (an eventfd, a UIO node).
  virtual ssize_t Read(int descriptor, MutableByteSpan out) = 0;
  virtual ssize_t Write(int descriptor, ByteSpan bytes) = 0;

  // The size of a regular file or of a file of sysfs.
  virtual ssize_t SizeOf(int descriptor) = 0;

  // Maps `size` bytes of a descriptor, shared, for reading and writing. Returns 0 or -errno; the
  // memory goes to `out`. Release it with Unmap().
  virtual int Map(int descriptor, size_t size, uint64_t offset, MutableByteSpan& out) = 0;
  // Zeroed memory of this process that a forked child does not get; of one huge page (2 MiB) if
  // `huge`. It is resident.
  virtual int MapMemory(size_t size, bool huge, MutableByteSpan& out) = 0;
  virtual void Unmap(MutableByteSpan memory) = 0;

  // A non-blocking eventfd of value 0.
  virtual int EventFd() = 0;
  // poll(2); the end of `timeout` and a signal are 0.
  virtual int Poll(absl::Span<pollfd> files, absl::Duration timeout) = 0;
  // flock(2), exclusive, without waiting: 0, or -EWOULDBLOCK if another open file has it.
  virtual int Lock(int descriptor) = 0;

  // The text of a symbolic link, and the names in a folder. 0 or -errno.
  virtual int ReadLink(const std::string& path, std::string& target) = 0;
  virtual int List(const std::string& path, std::vector<std::string>& names) = 0;

  // RLIMIT_MEMLOCK of this process, in bytes.
  virtual uint64_t MemlockLimit() = 0;
};

// Owns a descriptor. Borrows the calls. Thread-compatible.
class SystemFile {
 public:
  SystemFile() = default;
  SystemFile(SystemCalls& calls, int descriptor) : calls_(&calls), descriptor_(descriptor) {}
  SystemFile(SystemFile&& other) noexcept
      : calls_(other.calls_), descriptor_(std::exchange(other.descriptor_, -1)) {}
  SystemFile& operator=(SystemFile&& other) noexcept {
    std::swap(calls_, other.calls_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~SystemFile() { Close(); }

  // The descriptor, or -errno of the call that should have made it.
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }
  void Close() {
    if (descriptor_ >= 0) calls_->Close(std::exchange(descriptor_, -1));
  }

 private:
  SystemCalls* calls_ = nullptr;
  int descriptor_ = -1;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_SYSTEM_SYSTEM_CALLS_H_
