#ifndef DRIVER_TRANSPORT_SMP_REPORTS_H_
#define DRIVER_TRANSPORT_SMP_REPORTS_H_

#include <cstdint>

namespace sasd::transport {

// Whether an SMP function only reports or discovers: SPL-4's REPORT and DISCOVER functions, without
// REPORT ZONE MANAGER PASSWORD (05h). Other functions configure, are vendor-specific, or move GPIO.
constexpr bool IsSmpReport(uint8_t function) {
  switch (function) {
    case 0x00:  // REPORT GENERAL
    case 0x01:  // REPORT MANUFACTURER INFORMATION
    case 0x03:  // REPORT SELF-CONFIGURATION STATUS
    case 0x04:  // REPORT ZONE PERMISSION TABLE
    case 0x06:  // REPORT BROADCAST
    case 0x10:  // DISCOVER
    case 0x11:  // REPORT PHY ERROR LOG
    case 0x12:  // REPORT PHY SATA
    case 0x13:  // REPORT ROUTE INFORMATION
    case 0x14:  // REPORT PHY EVENT
    case 0x20:  // DISCOVER LIST
    case 0x21:  // REPORT PHY EVENT LIST
    case 0x22:  // REPORT EXPANDER ROUTE TABLE LIST
      return true;
    default:
      return false;
  }
}

}  // namespace sasd::transport

#endif  // DRIVER_TRANSPORT_SMP_REPORTS_H_
