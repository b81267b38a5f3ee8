#include "emulator/firmware/handle_table.h"

#include <algorithm>
#include <utility>

namespace sasd::emulator {
namespace {

constexpr uint16_t kHbaHandle = 1;
constexpr uint16_t kFromStart = 0xFFFF;

// SplitMix64: small, and gives the same numbers on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace

HandleTable::HandleTable(uint8_t num_phys, uint16_t max_handle)
    : first_(num_phys + 1), max_(max_handle), entries_(first_), fresh_(first_) {
  entries_[kHbaHandle].state = HandleEntry::State::kPresent;
  entries_[kHbaHandle].kind = HandleEntry::Kind::kHba;
}

uint16_t HandleTable::Allocate(const HandleEntry& entry) {
  uint16_t handle = 0;
  if (!shuffled_.empty()) {
    handle = shuffled_.back();
    shuffled_.pop_back();
  } else if (!freed_.empty()) {
    handle = freed_.top();
    freed_.pop();
  } else if (fresh_ <= max_) {
    handle = static_cast<uint16_t>(fresh_++);
    entries_.resize(fresh_);
  } else {
    return 0;
  }
  entries_[handle] = entry;
  ++in_use_;
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
  Random random(seed);
  for (size_t i = shuffled_.size(); i > 1; --i) {
    std::swap(shuffled_[i - 1], shuffled_[random.Next() % i]);
  }
}

void HandleTable::EndRenumbering() {
  for (uint16_t handle : shuffled_) freed_.push(handle);
  shuffled_.clear();
}

}  // namespace sasd::emulator
