#include "daemon/registry/text.h"

#include <cstring>
#include <new>

namespace sasd::registry {

Text::Text(absl::string_view text) {
  if (text.empty()) return;
  void* memory = ::operator new(sizeof(Rep) + text.size());
  rep_ = new (memory) Rep{{1}, static_cast<uint32_t>(text.size())};
  char* characters = static_cast<char*>(memory) + sizeof(Rep);
  std::memcpy(characters, text.data(), text.size());
}

absl::string_view Text::view() const {
  if (rep_ == nullptr) return absl::string_view();
  const void* characters = rep_ + 1;
  return absl::string_view(static_cast<const char*>(characters), rep_->size);
}

bool Text::unique() const {
  return rep_ == nullptr || rep_->references.load(std::memory_order_acquire) == 1;
}

void Text::Unref() {
  if (rep_ == nullptr) return;
  if (rep_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    rep_->~Rep();
    ::operator delete(rep_);
  }
}

Text TextPool::Intern(absl::string_view text) {
  if (text.empty()) return Text();
  const auto it = pool_.find(text);
  if (it != pool_.end()) return *it;
  if (pool_.size() >= sweep_at_) Sweep();
  return *pool_.insert(Text(text)).first;
}

void TextPool::Sweep() {
  absl::erase_if(pool_, [](const Text& text) { return text.unique(); });
  sweep_at_ = pool_.size() * 2 + 1024;
}

}  // namespace sasd::registry
