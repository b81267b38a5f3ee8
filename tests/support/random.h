#ifndef TESTS_SUPPORT_RANDOM_H_
#define TESTS_SUPPORT_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace sasd::testing {

// SplitMix64. A seed gives the same numbers in every build. Thread-compatible.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // A number from 0 to limit - 1.
  size_t Below(size_t limit) { return Next() % limit; }
  // True with a probability of 1/n.
  bool OneIn(size_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_RANDOM_H_
