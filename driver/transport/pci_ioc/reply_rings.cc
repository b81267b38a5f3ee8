#include "driver/transport/pci_ioc/reply_rings.h"

#include <algorithm>

#include "driver/transport/pci_ioc/system_interface.h"

namespace sasd::pci_ioc {
namespace {

using namespace system_interface;  // NOLINT: kinds of descriptors

constexpr uint64_t kUnused = ~uint64_t{0};
constexpr size_t kMinFrame = 0x14;  // a default reply (mpi2.h, MPI2_DEFAULT_REPLY)

// The IOC's DMA stores an entry at once. The arena is aligned to pages and the queues to 64 bytes,
// so the entry is aligned.
uint64_t LoadEntry(MutableByteSpan at) {
  uint64_t value;
  __atomic_load(static_cast<uint64_t*>(static_cast<void*>(at.data())), &value, __ATOMIC_ACQUIRE);
  return value;  // little-endian, as all machines that this project supports
}

void StoreEntry(MutableByteSpan at, uint64_t value) {
  __atomic_store(static_cast<uint64_t*>(static_cast<void*>(at.data())), &value, __ATOMIC_RELEASE);
}

// One half still all ones: the other is the first half of a store that is not over.
bool IsThere(uint64_t descriptor) {
  return (descriptor & kReplyTypeMask) != kReplyUnused &&
         static_cast<uint32_t>(descriptor) != 0xFFFFFFFF &&
         static_cast<uint32_t>(descriptor >> 32) != 0xFFFFFFFF;
}

}  // namespace

ReplyRings::ReplyRings(const QueueLayout& layout, MutableByteSpan arena, uint64_t address)
    : layout_(layout), arena_(arena), address_(address), post_index_(layout.queue_count) {}

void ReplyRings::Reset() {
  std::fill(post_index_.begin(), post_index_.end(), 0);
  const size_t entries = size_t{layout_.reply_post_depth} * layout_.queue_count;
  for (size_t i = 0; i < entries; ++i) {
    StoreEntry(arena_.subspan(layout_.reply_post + 8 * i, 8), kUnused);
  }
  // Each entry has a frame, also the one at the host index: whether an IOC takes that one or stops
  // before it, it finds a frame of ours.
  for (size_t i = 0; i < layout_.reply_count; ++i) {
    const size_t frame = layout_.replies + layout_.reply_size * i;
    StoreLe32(arena_, layout_.reply_free + 4 * i, static_cast<uint32_t>(address_ + frame));
  }
  free_index_ = layout_.reply_count - 1u;
}

std::optional<size_t> ReplyRings::FrameAt(uint32_t address_low) const {
  // The arena lies within one 4 GiB window: its low halves do not wrap around.
  const auto base = static_cast<uint32_t>(address_ + layout_.replies);
  if (address_low < base) return std::nullopt;
  const size_t offset = address_low - base;
  if (offset % layout_.reply_size != 0) return std::nullopt;
  if (offset / layout_.reply_size >= layout_.reply_count) return std::nullopt;
  return layout_.replies + offset;
}

void ReplyRings::FreeFrame(uint32_t address_low) {
  free_index_ = (free_index_ + 1) % layout_.reply_count;
  StoreLe32(arena_, layout_.reply_free + size_t{4} * free_index_, address_low);
}

RingEntry ReplyRings::Read(uint64_t descriptor) {
  RingEntry entry;
  entry.descriptor = descriptor;
  entry.smid = static_cast<uint16_t>(descriptor >> 16);
  const auto type = static_cast<uint8_t>(descriptor & kReplyTypeMask);
  if (type == kReplyScsiSuccess || type == kReplyFastPathSuccess) {
    if (entry.smid != 0 && entry.smid < layout_.smid_count())
      entry.kind = RingEntry::Kind::kSuccess;
    return entry;
  }
  if (type != kReplyAddress) return entry;
  const auto address_low = static_cast<uint32_t>(descriptor >> 32);
  const std::optional<size_t> frame = FrameAt(address_low);
  if (!frame.has_value()) return entry;
  const MutableByteSpan bytes = arena_.subspan(*frame, layout_.reply_size);
  const size_t size = std::clamp<size_t>(size_t{4} * bytes[2], kMinFrame, bytes.size());
  entry.frame.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  FreeFrame(address_low);
  if (entry.smid >= layout_.smid_count()) return entry;
  entry.kind = entry.smid == 0 ? RingEntry::Kind::kEvent : RingEntry::Kind::kReply;
  return entry;
}

void ReplyRings::Take(size_t queue, std::vector<RingEntry>& entries) {
  if (queue >= post_index_.size()) return;
  uint32_t& index = post_index_[queue];
  for (uint32_t taken = 0; taken < layout_.reply_post_depth; ++taken) {
    const size_t at = layout_.reply_post + 8 * (size_t{layout_.reply_post_depth} * queue + index);
    const MutableByteSpan place = arena_.subspan(at, 8);
    const uint64_t descriptor = LoadEntry(place);
    if (!IsThere(descriptor)) return;
    entries.push_back(Read(descriptor));
    StoreEntry(place, kUnused);
    index = (index + 1) % layout_.reply_post_depth;
  }
}

}  // namespace sasd::pci_ioc
