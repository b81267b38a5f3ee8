#ifndef DRIVER_TRANSPORT_PCI_IOC_REQUEST_POOL_H_
#define DRIVER_TRANSPORT_PCI_IOC_REQUEST_POOL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/transport/pci_ioc/queue_layout.h"

namespace sasd::pci_ioc {

// A request's place in the arena: offsets from its begin.
struct RequestSlot {
  uint16_t smid = 0;
  size_t frame = 0;
  size_t sense = 0;  // kSenseSize bytes; not for high priority
  size_t data = 0, data_size = 0;
};

// The SMIDs of an IOC and the buffers that go with them. A slot is nobody else's until Free():
// a caller that gave up on a request keeps its slot until the IOC has answered or was reset,
// because the IOC may still write there. Thread-compatible.
class RequestPool {
 public:
  RequestPool() = default;
  explicit RequestPool(const QueueLayout& layout);

  // `data_size`: bytes of data, out and in together. Errors: kResourceExhausted: no SMID, or no
  // buffer that is large enough, is free; kInvalidArgument: no buffer is ever large enough, or
  // `high_priority` with data.
  absl::StatusOr<RequestSlot> Allocate(bool high_priority, size_t data_size);

  // Ignores a SMID that is not in use.
  void Free(uint16_t smid);

  bool InUse(uint16_t smid) const { return smid < in_use_.size() && in_use_[smid] != 0; }
  size_t in_use() const { return in_use_count_; }

 private:
  static constexpr uint16_t kNone = 0xFFFF;

  QueueLayout layout_;
  std::vector<uint16_t> free_, free_high_priority_, free_large_;
  std::vector<uint8_t> in_use_;     // by SMID
  std::vector<uint16_t> large_of_;  // by SMID; kNone
  size_t in_use_count_ = 0;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_REQUEST_POOL_H_
