#ifndef DRIVER_TRANSPORT_PCI_IOC_SYSTEM_FAKE_PCI_KERNEL_H_
#define DRIVER_TRANSPORT_PCI_IOC_SYSTEM_FAKE_PCI_KERNEL_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/unique_fd.h"
#include "driver/transport/pci_ioc/system/posix_system_calls.h"

namespace sasd::pci_ioc {

// A kernel with one PCI function, "0000:03:00.0" in IOMMU group 7, as vfio-pci and uio_pci_generic
// show it: paths, ioctls, configuration space, a BAR of 64 KiB at BAR 1, interrupts by eventfd,
// pages by pagemap. Descriptors, memory and eventfds are real. Set the public fields before a bus
// is opened, except where a method changes them. Thread-safe.
class FakePciKernel : public PosixSystemCalls {
 public:
  static constexpr char kAddress[] = "0000:03:00.0";
  static constexpr size_t kBarSize = 0x10000;
  enum class Index : uint8_t { kIntx = 0, kMsix = 2, kError = 3, kRequest = 4 };  // of vfio

  FakePciKernel();

  std::string driver = "vfio-pci";
  std::map<std::string, std::string> neighbours;  // functions of the group and their drivers
  bool has_iommu = true, viable = true, remaps_interrupts = true, type1 = true;
  std::string iommu_type = "DMA-FQ";
  bool may_open_group = true, locked_down = false, shows_frames = true;
  uint64_t memlock = uint64_t{8} << 20, free_huge_pages = 1;
  bool frames_in_pieces = false;
  std::map<Index, uint32_t> vectors = {
      {Index::kIntx, 1}, {Index::kMsix, 96}, {Index::kError, 1}, {Index::kRequest, 1}};
  uint32_t free_msix_vectors = 96;
  std::vector<std::pair<uint64_t, uint64_t>> iova_ranges = {{0, 0xFEDFFFFF},
                                                            {0xFEF00000, 0xFFFFFFFFFFFF}};

  // What the function does.
  void Interrupt(size_t vector);  // MSI-X
  void SetLine(bool level);       // INTx: fires while high and unmasked
  void RequestRelease();
  void ReportError();
  // Replaces the driver below a running user.
  void Rebind(const std::string& other);
  void SetDecoding(bool on);  // the BAR's pages go and come

  // What the bus did.
  uint32_t Config(uint32_t offset, uint32_t size);
  MutableByteSpan bar();
  std::map<uint64_t, uint64_t> mapped();  // IOVA -> bytes
  size_t open_files();
  size_t vectors_enabled();
  bool bus_master() { return (Config(4, 2) & 0x4) != 0; }

  int Open(const std::string& path, int flags) override;
  void Close(int descriptor) override;
  int Ioctl(int descriptor, uint64_t request, void* argument) override;
  ssize_t ReadAt(int descriptor, MutableByteSpan out, uint64_t offset) override;
  ssize_t WriteAt(int descriptor, ByteSpan bytes, uint64_t offset) override;
  ssize_t Read(int descriptor, MutableByteSpan out) override;
  ssize_t SizeOf(int descriptor) override;
  int Map(int descriptor, size_t size, uint64_t offset, MutableByteSpan& out) override;
  int MapMemory(size_t size, bool huge, MutableByteSpan& out) override;
  int Lock(int descriptor) override;
  int ReadLink(const std::string& path, std::string& target) override;
  int List(const std::string& path, std::vector<std::string>& names) override;
  uint64_t MemlockLimit() override { return memlock; }

 private:
  enum class Role : uint8_t {
    kOther,
    kContainer,
    kGroup,
    kDevice,
    kConfig,
    kBar,
    kNode,
    kPagemap,
    kType
  };

  Role RoleOf(int descriptor) ABSL_LOCKS_EXCLUDED(mu_);
  int Add(int descriptor, Role role) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsOpen(Role role) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int ContainerIoctl(uint64_t request, void* argument) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int GroupIoctl(uint64_t request, void* argument) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int DeviceIoctl(uint64_t request, void* argument) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int SetIrqs(const void* argument) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FireLine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Signal(int descriptor);

  absl::Mutex mu_;
  std::map<int, Role> files_ ABSL_GUARDED_BY(mu_);
  std::array<uint8_t, 256> config_ ABSL_GUARDED_BY(mu_) = {};
  UniqueFd bar_file_, line_event_;
  MutableByteSpan bar_;
  bool group_in_container_ ABSL_GUARDED_BY(mu_) = false, iommu_set_ ABSL_GUARDED_BY(mu_) = false;
  bool locked_ ABSL_GUARDED_BY(mu_) = false;
  std::map<uint64_t, uint64_t> mapped_ ABSL_GUARDED_BY(mu_);
  uint64_t huge_page_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<Index, std::vector<int>> triggers_ ABSL_GUARDED_BY(mu_);
  bool line_ ABSL_GUARDED_BY(mu_) = false, line_masked_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_SYSTEM_FAKE_PCI_KERNEL_H_
