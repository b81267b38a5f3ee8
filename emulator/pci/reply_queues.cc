#include "emulator/pci/reply_queues.h"

#include <algorithm>

namespace sasd::emulator::pci {
namespace {

constexpr uint64_t kDescriptorSize = 8, kFreeEntrySize = 4;
constexpr uint64_t kScsiIoSuccess = 0x00, kAddressReply = 0x01, kFastPathSuccess = 0x06;

}  // namespace

void ReplyQueues::Configure(const mpi::IocInitRequest& init, size_t max_queues) {
  Clear();
  free_address_ = init.reply_free_queue_address;
  frame_address_high_ = uint64_t{init.reply_address_high} << 32;
  free_depth_ = init.reply_free_queue_depth;
  post_depth_ = init.reply_post_queue_depth;
  const size_t count = std::min<size_t>(std::max<size_t>(init.host_msix_vectors, 1),
                                        std::max<size_t>(max_queues, 1));
  for (size_t i = 0; i < count; ++i) {
    queues_.push_back({init.reply_post_queue_address + i * post_depth_ * kDescriptorSize, 0, 0});
  }
}

void ReplyQueues::Clear() { *this = ReplyQueues(); }

void ReplyQueues::SetFreeHostIndex(uint32_t index) {
  if (index < free_depth_) free_host_index_ = index;
}

void ReplyQueues::SetPostHostIndex(size_t queue, uint32_t index) {
  if (queue < queues_.size() && index < post_depth_) queues_[queue].host_index = index;
}

std::optional<uint64_t> ReplyQueues::TakeFreeFrame(DmaMemory& memory) {
  if (!HasFreeFrame()) return std::nullopt;
  uint8_t entry[kFreeEntrySize];
  if (!memory.Read(free_address_ + free_index_ * kFreeEntrySize, absl::MakeSpan(entry))) {
    return std::nullopt;
  }
  free_index_ = (free_index_ + 1) % free_depth_;
  return frame_address_high_ | LoadLe32(entry, 0);
}

bool ReplyQueues::HasRoom(size_t queue) const {
  if (queue >= queues_.size() || post_depth_ == 0) return false;
  return (queues_[queue].index + 1) % post_depth_ != queues_[queue].host_index;
}

bool ReplyQueues::Post(DmaMemory& memory, size_t queue, uint64_t descriptor) {
  if (!HasRoom(queue)) return false;
  PostQueue& post = queues_[queue];
  if (!memory.StoreAtomic64(post.address + post.index * kDescriptorSize, descriptor)) return false;
  post.index = (post.index + 1) % post_depth_;
  return true;
}

bool ReplyQueues::Pending(size_t queue) const {
  return queue < queues_.size() && queues_[queue].index != queues_[queue].host_index;
}

uint64_t AddressReplyDescriptor(uint8_t queue, uint16_t smid, uint32_t frame_address) {
  return kAddressReply | uint64_t{queue} << 8 | uint64_t{smid} << 16 |
         uint64_t{frame_address} << 32;
}

uint64_t ScsiIoSuccessDescriptor(uint8_t queue, uint16_t smid, bool fast_path) {
  return (fast_path ? kFastPathSuccess : kScsiIoSuccess) | uint64_t{queue} << 8 |
         uint64_t{smid} << 16;
}

}  // namespace sasd::emulator::pci
