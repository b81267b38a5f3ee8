#ifndef DRIVER_BASE_LINK_RATE_H_
#define DRIVER_BASE_LINK_RATE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sasd {

// A phy's negotiated physical link rate, or the reason why it has none. The numbers are those of
// SPL-4's NEGOTIATED PHYSICAL LINK RATE, which MPI shares. Rates order by speed.
enum class LinkRate : uint8_t {
  kUnknown = 0x0,
  kDisabled = 0x1,
  kNegotiationFailed = 0x2,
  kSataOobComplete = 0x3,  // spin-up hold
  kPortSelector = 0x4,
  kResetInProgress = 0x5,
  kUnsupportedPhy = 0x6,
  k1_5Gbps = 0x8,
  k3Gbps = 0x9,
  k6Gbps = 0xA,
  k12Gbps = 0xB,
  k22_5Gbps = 0xC,
};

// Total: a nibble without a meaning gives kUnknown. The high nibble is ignored.
LinkRate LinkRateFromNibble(uint8_t nibble);

// True for a rate at which frames pass (1.5 Gbit/s and up).
inline bool IsLinkUp(LinkRate rate) { return rate >= LinkRate::k1_5Gbps; }

// In Gbit/s; 0 if the link is not up.
double Gbps(LinkRate rate);

// "12 Gbps", "disabled", "negotiation failed", ... Never empty.
absl::string_view ToString(LinkRate rate);

}  // namespace sasd

#endif  // DRIVER_BASE_LINK_RATE_H_
