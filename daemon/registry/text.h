#ifndef DAEMON_REGISTRY_TEXT_H_
#define DAEMON_REGISTRY_TEXT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace sasd::registry {

// An immutable string of 8 bytes: a reference to shared characters, null where empty. Topologies
// hold millions of them; most are empty or equal to another. Copies are cheap and may be used from
// any thread; one Text object is as thread-safe as a pointer.
class Text {
 public:
  Text() = default;
  // Implicit, as std::string's from a literal.
  Text(absl::string_view text);                                     // NOLINT
  Text(const char* text) : Text(absl::string_view(text)) {}         // NOLINT
  Text(const std::string& text) : Text(absl::string_view(text)) {}  // NOLINT
  Text(const Text& other) : rep_(other.rep_) { Ref(); }
  Text(Text&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Text& operator=(Text other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~Text() { Unref(); }

  // Valid as long as any Text shares the characters.
  absl::string_view view() const;
  std::string str() const { return std::string(view()); }
  operator absl::string_view() const { return view(); }  // NOLINT
  bool empty() const { return rep_ == nullptr; }
  size_t size() const { return view().size(); }

  // True where no other Text shares the characters. For TextPool.
  bool unique() const;

  friend bool operator==(const Text& a, const Text& b) {
    return a.rep_ == b.rep_ || a.view() == b.view();
  }
  friend bool operator!=(const Text& a, const Text& b) { return !(a == b); }
  friend bool operator<(const Text& a, const Text& b) { return a.view() < b.view(); }
  friend bool operator==(const Text& a, absl::string_view b) { return a.view() == b; }
  friend bool operator!=(const Text& a, absl::string_view b) { return a.view() != b; }
  friend bool operator==(const Text& a, const char* b) { return a.view() == b; }
  friend bool operator!=(const Text& a, const char* b) { return a.view() != b; }
  friend bool operator==(const Text& a, const std::string& b) { return a.view() == b; }
  friend bool operator!=(const Text& a, const std::string& b) { return a.view() != b; }
  template <typename H>
  friend H AbslHashValue(H h, const Text& text) {
    return H::combine(std::move(h), text.view());
  }
  friend std::ostream& operator<<(std::ostream& out, const Text& text) {
    return out << text.view();
  }

 private:
  struct Rep {
    std::atomic<uint32_t> references;
    uint32_t size;
    // The characters follow.
  };

  void Ref() const {
    if (rep_ != nullptr) rep_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void Unref();

  Rep* rep_ = nullptr;  // shared; null: empty
};

// Makes equal texts share their characters. For values that many objects have in common: vendor,
// model, firmware revision, slot label. Not thread-safe; its texts are.
class TextPool {
 public:
  Text Intern(absl::string_view text);
  size_t size() const { return pool_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(absl::string_view text) const {
      return absl::Hash<absl::string_view>()(text);
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(absl::string_view a, absl::string_view b) const { return a == b; }
  };

  void Sweep();

  absl::flat_hash_set<Text, Hash, Equal> pool_;
  size_t sweep_at_ = 1024;  // at this size, texts that only the pool has are dropped
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_TEXT_H_
