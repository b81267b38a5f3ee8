#ifndef DAEMON_REGISTRY_SOURCE_SET_H_
#define DAEMON_REGISTRY_SOURCE_SET_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "driver/observation/observation.h"

namespace sasd::registry {

// The most sources that a node can have.
inline constexpr size_t kMaxSources = 8;

// A set of sources, in the order of their numbers. A value of one byte.
class SourceSet {
 public:
  class Iterator {
   public:
    constexpr explicit Iterator(uint32_t bits) : bits_(bits) {}
    constexpr Source operator*() const { return static_cast<Source>(__builtin_ctz(bits_)); }
    constexpr Iterator& operator++() {
      bits_ &= bits_ - 1;
      return *this;
    }
    friend constexpr bool operator!=(Iterator a, Iterator b) { return a.bits_ != b.bits_; }

   private:
    uint32_t bits_;
  };

  constexpr SourceSet() = default;
  constexpr SourceSet(std::initializer_list<Source> sources) {
    for (const Source source : sources) Add(source);
  }

  constexpr bool Has(Source source) const { return (bits_ & Bit(source)) != 0; }
  constexpr bool HasAny(SourceSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool HasAll(SourceSet other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr void Add(Source source) { bits_ = static_cast<uint8_t>(bits_ | Bit(source)); }
  constexpr void Add(SourceSet other) { bits_ = static_cast<uint8_t>(bits_ | other.bits_); }
  constexpr void Remove(Source source) { bits_ = static_cast<uint8_t>(bits_ & ~Bit(source)); }
  constexpr SourceSet Without(Source source) const {
    SourceSet rest = *this;
    rest.Remove(source);
    return rest;
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr size_t size() const { return static_cast<size_t>(__builtin_popcount(bits_)); }
  // How many sources of the set have a smaller number.
  constexpr size_t CountBelow(Source source) const {
    return static_cast<size_t>(__builtin_popcount(bits_ & (uint32_t{Bit(source)} - 1)));
  }
  constexpr Iterator begin() const { return Iterator(bits_); }
  constexpr Iterator end() const { return Iterator(0); }

  // What both sets have.
  friend constexpr SourceSet operator&(SourceSet a, SourceSet b) {
    SourceSet both;
    both.bits_ = static_cast<uint8_t>(a.bits_ & b.bits_);
    return both;
  }
  friend constexpr bool operator==(SourceSet a, SourceSet b) { return a.bits_ == b.bits_; }
  friend constexpr bool operator!=(SourceSet a, SourceSet b) { return a.bits_ != b.bits_; }

 private:
  static constexpr uint8_t Bit(Source source) {
    return static_cast<uint8_t>(1u << static_cast<unsigned>(source));
  }
  uint8_t bits_ = 0;
};

// The last report of each source on one object. Two reports take no further allocation. A value.
template <typename Facts>
class ReportSet {
 public:
  SourceSet sources() const { return sources_; }
  bool empty() const { return sources_.empty(); }

  // Null where the source has not reported. Valid until the set changes.
  const Facts* Find(Source source) const {
    return sources_.Has(source) ? &reports_[sources_.CountBelow(source)] : nullptr;
  }
  // Replaces the source's last report.
  void Set(Source source, Facts facts) {
    const size_t at = sources_.CountBelow(source);
    if (sources_.Has(source)) {
      reports_[at] = std::move(facts);
      return;
    }
    reports_.insert(reports_.begin() + static_cast<std::ptrdiff_t>(at), std::move(facts));
    sources_.Add(source);
  }
  void Remove(Source source) {
    if (!sources_.Has(source)) return;
    reports_.erase(reports_.begin() + static_cast<std::ptrdiff_t>(sources_.CountBelow(source)));
    sources_.Remove(source);
  }

  friend bool operator==(const ReportSet& a, const ReportSet& b) {
    return a.sources_ == b.sources_ && a.reports_ == b.reports_;
  }

 private:
  SourceSet sources_;
  absl::InlinedVector<Facts, 2> reports_;  // in the order of the sources
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_SOURCE_SET_H_
