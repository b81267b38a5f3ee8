#ifndef TESTS_SUPPORT_CHAOS_H_
#define TESTS_SUPPORT_CHAOS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "emulator/fabric/fabric.h"
#include "tests/support/random.h"
#include "tests/support/step.h"

namespace sasd::testing {

// The mix of a storm, in shares of 1,000 steps. The remaining steps pull and insert drives. A step
// picks a random element. Every other step repairs an element that an earlier step has broken.
struct ChaosShares {
  int phy = 150;  // a phy of an expander (without expanders: of a host) goes down or gets slow
  int host_phy =
      0;  // the same for a host; in a large fabric one phy may lead to thousands of drives
  int expander = 4;   // an expander is lost
  int enclosure = 1;  // an enclosure loses power
  int firmware = 20;  // events are lost, doubled, truncated, reordered; pages and SMP fail
  int notice = 0;     // events that change nothing: device status, broadcast
  int host_reset = 0;
  int ioc_fault = 0;
};

// Random steps on a fabric. The same seed and fabric give the same steps.
// Thread-compatible.
class Chaos {
 public:
  Chaos(uint64_t seed, const ChaosShares& shares, const emulator::FabricSpec& fabric);

  Step Next();
  std::vector<Step> Take(size_t steps);

 private:
  struct Node {
    std::string id;
    uint32_t phy_count;
  };

  // A step of a random kind; nullopt if its element is broken already.
  std::optional<Step> Break();
  std::optional<Step> BreakDrive();
  std::optional<Step> BreakPhy(const std::vector<Node>& nodes);
  Step BreakFirmware();
  Step Notify();
  Step Of(Step::Kind kind, std::string element, uint32_t a = 0, uint32_t b = 0) const;
  // The step that undoes `step`; nullopt if none does.
  std::optional<Step> MendOf(const Step& step);
  template <typename T>
  const T& Any(const std::vector<T>& from) {
    return from[random_.Below(from.size())];
  }

  const ChaosShares shares_;
  Random random_;
  std::vector<Node> hosts_, expanders_;
  std::vector<std::string> enclosures_, drives_;
  std::vector<Step> mends_;                                       // repairs of broken elements
  absl::flat_hash_set<std::pair<std::string, uint32_t>> broken_;  // elements (a phy by number)
  uint64_t replacements_ = 0;
};

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_CHAOS_H_
