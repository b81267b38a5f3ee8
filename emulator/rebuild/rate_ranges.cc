#include "emulator/rebuild/rate_ranges.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "emulator/fabric/fabric.h"

namespace sasd::emulator {
namespace {

using Ranges = google::protobuf::RepeatedPtrField<RateRange>;

// What the range of this phy says, without the phy. Empty: the phy's rates contradict each other.
std::optional<RateRange> RatesOf(const PhyFacts& phy, LinkRate max_rate) {
  PhyRates rates;
  if (IsLinkUp(phy.hardware_min)) rates.hardware_min = phy.hardware_min;
  rates.hardware_max = IsLinkUp(phy.hardware_max) ? phy.hardware_max : max_rate;
  rates.programmed_min = IsLinkUp(phy.programmed_min) ? phy.programmed_min : rates.hardware_min;
  const LinkRate most = IsLinkUp(phy.programmed_max)
                            ? std::min(phy.programmed_max, rates.hardware_max)
                            : rates.hardware_max;
  const LinkRate least = rates.programmed_min;
  const bool up = IsLinkUp(phy.negotiated);
  if (least < rates.hardware_min || least > most ||
      (up && (phy.negotiated < least || phy.negotiated > most))) {
    return std::nullopt;
  }
  RateRange range;
  if (rates.hardware_min != PhyRates().hardware_min) {
    range.set_hardware_min_gbps(Gbps(rates.hardware_min));
  }
  if (rates.hardware_max != max_rate) range.set_hardware_max_gbps(Gbps(rates.hardware_max));
  if (least != rates.hardware_min) range.set_programmed_min_gbps(Gbps(least));
  if (most != rates.hardware_max) range.set_programmed_max_gbps(Gbps(most));
  return range;
}

// Widens the last range to the next phy, if the rates are the same.
void Append(uint8_t phy, RateRange rates, Ranges& ranges) {
  rates.set_first_phy(phy);
  rates.set_last_phy(phy);
  if (!ranges.empty()) {
    RateRange& last = *ranges.rbegin();
    RateRange wider = last;
    wider.set_last_phy(phy);
    rates.set_first_phy(last.first_phy());
    if (last.last_phy() + 1 == phy && wider.SerializeAsString() == rates.SerializeAsString()) {
      last = std::move(wider);
      return;
    }
    rates.set_first_phy(phy);
  }
  *ranges.Add() = std::move(rates);
}

}  // namespace

RateRanges RateRangesOf(const std::map<uint8_t, PhyFacts>& phys, LinkRate max_rate,
                        uint32_t count) {
  RateRanges out;
  for (const auto& [number, phy] : phys) {
    if (number >= count) break;
    std::optional<RateRange> range = RatesOf(phy, max_rate);
    if (!range) {
      out.contradicting.push_back(number);
    } else if (range->ByteSizeLong() > 0) {
      Append(number, *std::move(range), out.ranges);
    }
  }
  return out;
}

}  // namespace sasd::emulator
