#ifndef EMULATOR_REBUILD_RATE_RANGES_H_
#define EMULATOR_REBUILD_RATE_RANGES_H_

#include <cstdint>
#include <map>
#include <vector>

#include "driver/base/link_rate.h"
#include "driver/observation/observation.h"
#include "emulator/fabric/fabric.pb.h"

namespace sasd::emulator {

struct RateRanges {
  // As Host.phy_rates and Expander.phy_rates have them.
  google::protobuf::RepeatedPtrField<RateRange> ranges;
  std::vector<uint8_t> contradicting;  // phys that have a fabric's default for that
};

// The rates of the first `count` phys, in ranges, without those that have a fabric's default for a
// host or an expander of this greatest rate. A pure function.
RateRanges RateRangesOf(const std::map<uint8_t, PhyFacts>& phys, LinkRate max_rate, uint32_t count);

}  // namespace sasd::emulator

#endif  // EMULATOR_REBUILD_RATE_RANGES_H_
