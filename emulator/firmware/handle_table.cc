#include "emulator/firmware/handle_table.h"

#include <algorithm>
#include <utility>

namespace sasd::emulator {
namespace {

constexpr uint16_t kHbaHandle = 1;
constexpr uint16_t kFromStart = 0xFFFF;

}  // namespace

HandleTable::HandleTable(uint8_t num_phys, uint16_t max_handle)
    : first_(num_phys + 1), max_(max_handle), entries_(first_), fresh_(first_) {
  entries_[kHbaHandle].state = HandleEntry::State::kPresent;
  entries_[kHbaHandle].kind = HandleEntry::Kind::kHba;
}

uint16_t HandleTable::Allocate(const HandleEntry& entry) {
  uint16_t handle = TakeShuffled(entry);
  if (handle == 0 && !freed_.empty()) {
    handle = freed_.top();
    freed_.pop();
  }
  if (handle == 0 && fresh_ <= max_) {
    handle = static_cast<uint16_t>(fresh_++);
    entries_.resize(fresh_);
  }
  if (handle == 0) return 0;
  entries_[handle] = entry;
  ++in_use_;
  return handle;
}

uint16_t HandleTable::TakeShuffled(const HandleEntry& entry) {
  if (shuffled_.empty()) return 0;
  auto chosen = shuffled_.end() - 1;
  if (entry.kind == HandleEntry::Kind::kExpander) {
    // One of the lower handles above the parent's, so that some are left for the expanders behind.
    std::vector<uint16_t> above;
    for (uint16_t handle : shuffled_) {
      if (handle > entry.parent) above.push_back(handle);
    }
    if (above.empty() && fresh_ <= max_) return 0;  // a fresh one is higher
    if (!above.empty()) {
      std::sort(above.begin(), above.end());
      const uint16_t wanted = above[random_.Next() % (above.size() / 4 + 1)];
      chosen = std::find(shuffled_.begin(), shuffled_.end(), wanted);
    }
  }
  const uint16_t handle = *chosen;
  shuffled_.erase(chosen);
  return handle;
}

void HandleTable::Free(uint16_t handle) {
  entries_[handle] = HandleEntry();
  freed_.push(handle);
  --in_use_;
}

HandleEntry* HandleTable::Find(uint16_t handle) {
  if (handle >= entries_.size() || entries_[handle].state == HandleEntry::State::kFree) {
    return nullptr;
  }
  return &entries_[handle];
}

const HandleEntry* HandleTable::Find(uint16_t handle) const {
  return const_cast<HandleTable*>(this)->Find(handle);
}

uint16_t HandleTable::Next(uint16_t handle) const {
  for (size_t i = handle == kFromStart ? 1 : handle + 1; i < entries_.size(); ++i) {
    if (entries_[i].alive()) return static_cast<uint16_t>(i);
  }
  return 0;
}

void HandleTable::BeginRenumbering(uint64_t seed) {
  freed_ = {};
  shuffled_.clear();
  for (uint32_t handle = first_; handle < fresh_; ++handle) {
    entries_[handle] = HandleEntry();
    shuffled_.push_back(static_cast<uint16_t>(handle));
  }
  in_use_ = 0;
  random_ = SplitMix64(seed);
  for (size_t i = shuffled_.size(); i > 1; --i) {
    std::swap(shuffled_[i - 1], shuffled_[random_.Next() % i]);
  }
}

void HandleTable::EndRenumbering() {
  for (uint16_t handle : shuffled_) freed_.push(handle);
  shuffled_.clear();
}

}  // namespace sasd::emulator
