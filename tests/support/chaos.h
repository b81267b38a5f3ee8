#ifndef TESTS_SUPPORT_CHAOS_H_
#define TESTS_SUPPORT_CHAOS_H_

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "driver/emulator/emulator.h"

namespace sasd::testing {

// What a storm is made of, in shares of 1,000 acts; the rest are drives pulled and inserted. An act
// picks an element at random; every other act mends one that an earlier act has broken.
struct ChaosShares {
  int phy = 150;      // a phy of an expander or host goes down
  int expander = 4;   // an expander is lost
  int enclosure = 1;  // an enclosure loses power
  int firmware = 20;  // an event is lost, doubled, truncated or reordered; a page read fails
  int host_reset = 0;
};

// Acts at random on a fabric, from a seed: the same seed and fabric give the same acts.
// Thread-compatible.
class Chaos {
 public:
  Chaos(uint64_t seed, const ChaosShares& shares, emulator::Emulator& emulator);

  // Does one act that changes something. Returns what it did, for the log of a failing run.
  std::string Act();

 private:
  struct Broken {
    std::string what;
    std::function<absl::Status()> mend;
  };

  std::string Mend();
  // Tries one act of a random kind; empty if the element was not in the state for it.
  std::string Break();
  std::string BreakDrive();
  std::string BreakPhy();
  std::string BreakExpander();
  std::string BreakEnclosure();
  std::string BreakFirmware();
  std::string ResetHost();
  std::string Remember(const absl::Status& status, Broken broken);
  size_t Below(size_t limit) {
    return std::uniform_int_distribution<size_t>(0, limit - 1)(random_);
  }
  const std::string& Any(const std::vector<std::string>& ids) { return ids[Below(ids.size())]; }

  const ChaosShares shares_;
  emulator::VirtualFabric& fabric_;
  std::mt19937_64 random_;
  std::vector<std::string> hosts_, expanders_, enclosures_, drives_;
  std::vector<Broken> broken_;
  uint64_t replacements_ = 0;
};

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_CHAOS_H_
