#include "driver/base/link_rate.h"

namespace sasd {

LinkRate LinkRateFromNibble(uint8_t nibble) {
  nibble &= 0xF;
  if (nibble == 0x7 || nibble > static_cast<uint8_t>(LinkRate::k22_5Gbps)) {
    return LinkRate::kUnknown;
  }
  return static_cast<LinkRate>(nibble);
}

double Gbps(LinkRate rate) {
  switch (rate) {
    case LinkRate::k1_5Gbps:
      return 1.5;
    case LinkRate::k3Gbps:
      return 3;
    case LinkRate::k6Gbps:
      return 6;
    case LinkRate::k12Gbps:
      return 12;
    case LinkRate::k22_5Gbps:
      return 22.5;
    default:
      return 0;
  }
}

absl::string_view ToString(LinkRate rate) {
  switch (rate) {
    case LinkRate::kUnknown:
      return "unknown";
    case LinkRate::kDisabled:
      return "disabled";
    case LinkRate::kNegotiationFailed:
      return "negotiation failed";
    case LinkRate::kSataOobComplete:
      return "SATA spin-up hold";
    case LinkRate::kPortSelector:
      return "SATA port selector";
    case LinkRate::kResetInProgress:
      return "reset in progress";
    case LinkRate::kUnsupportedPhy:
      return "unsupported phy";
    case LinkRate::k1_5Gbps:
      return "1.5 Gbps";
    case LinkRate::k3Gbps:
      return "3 Gbps";
    case LinkRate::k6Gbps:
      return "6 Gbps";
    case LinkRate::k12Gbps:
      return "12 Gbps";
    case LinkRate::k22_5Gbps:
      return "22.5 Gbps";
  }
  return "unknown";
}

}  // namespace sasd
