#ifndef DRIVER_BASE_STRONG_ID_H_
#define DRIVER_BASE_STRONG_ID_H_

#include <cstdint>
#include <utility>

namespace sasd {

// An integer that is an identifier: it compares, orders and hashes. It has no arithmetic and no
// conversions. Each `Tag` gives a distinct type. A value type, as thread-safe as an integer.
template <typename Tag, typename Rep>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  friend constexpr bool operator==(StrongId a, StrongId b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(StrongId a, StrongId b) { return a.value_ != b.value_; }
  friend constexpr bool operator<(StrongId a, StrongId b) { return a.value_ < b.value_; }
  friend constexpr bool operator>(StrongId a, StrongId b) { return b < a; }
  friend constexpr bool operator<=(StrongId a, StrongId b) { return !(b < a); }
  friend constexpr bool operator>=(StrongId a, StrongId b) { return !(a < b); }

  template <typename H>
  friend H AbslHashValue(H h, StrongId id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  Rep value_ = 0;
};

// A device handle: the firmware's 16-bit name of an expander, end device or volume. Valid until the
// firmware reuses it or the host is reset (MPI 2.0, SAS device page 0, DevHandle). 0 is "none".
using DevHandle = StrongId<struct DevHandleTag, uint16_t>;

// The firmware's name of an enclosure, as short-lived as a device handle. 0 is "none".
using EnclosureHandle = StrongId<struct EnclosureHandleTag, uint16_t>;

// A phy's number within its expander, HBA or device (SPL-4, phy identifier; 0..254).
using PhyId = StrongId<struct PhyIdTag, uint8_t>;

// The HBA's physical port number (MPI 2.x PhysicalPort). 0 if the HBA has one domain; 0xFF is
// "any".
using PhysicalPort = StrongId<struct PhysicalPortTag, uint8_t>;

}  // namespace sasd

#endif  // DRIVER_BASE_STRONG_ID_H_
