#include "driver/transport/pci_ioc/request_pool.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::pci_ioc {

RequestPool::RequestPool(const QueueLayout& layout)
    : layout_(layout), in_use_(layout.smid_count()), large_of_(layout.smid_count(), kNone) {
  for (uint16_t smid = layout.smid_count(); smid-- > 1;) {
    (layout.is_high_priority(smid) ? free_high_priority_ : free_).push_back(smid);
  }
  for (uint16_t i = layout.large_data_count; i-- > 0;) free_large_.push_back(i);
}

absl::StatusOr<RequestSlot> RequestPool::Allocate(bool high_priority, size_t data_size) {
  if (data_size > QueueLayout::kLargeDataSize || (high_priority && data_size != 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat(data_size, " bytes of data; ",
                     high_priority ? size_t{0} : QueueLayout::kLargeDataSize, " at most"));
  }
  std::vector<uint16_t>& free = high_priority ? free_high_priority_ : free_;
  const bool large = data_size > QueueLayout::kDataSize;
  if (free.empty()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("all ", high_priority ? layout_.high_priority_count : layout_.request_count,
                     high_priority ? " high priority" : "", " request frames are in use"));
  }
  if (large && free_large_.empty()) {
    return absl::ResourceExhaustedError("all large data buffers are in use");
  }
  RequestSlot slot;
  slot.smid = free.back();
  free.pop_back();
  in_use_[slot.smid] = 1;
  ++in_use_count_;
  slot.frame = layout_.requests + layout_.request_size * slot.smid;
  if (high_priority) return slot;
  slot.sense = layout_.sense + QueueLayout::kSenseSize * (slot.smid - 1u);
  slot.data = layout_.data + QueueLayout::kDataSize * (slot.smid - 1u);
  slot.data_size = QueueLayout::kDataSize;
  if (large) {
    const uint16_t buffer = free_large_.back();
    free_large_.pop_back();
    large_of_[slot.smid] = buffer;
    slot.data = layout_.large_data + QueueLayout::kLargeDataSize * buffer;
    slot.data_size = QueueLayout::kLargeDataSize;
  }
  return slot;
}

void RequestPool::Free(uint16_t smid) {
  if (!InUse(smid)) return;
  in_use_[smid] = 0;
  --in_use_count_;
  (layout_.is_high_priority(smid) ? free_high_priority_ : free_).push_back(smid);
  const uint16_t large = std::exchange(large_of_[smid], kNone);
  if (large != kNone) free_large_.push_back(large);
}

}  // namespace sasd::pci_ioc
