#ifndef DAEMON_DIAGNOSIS_DRIVER_LIMITS_H_
#define DAEMON_DIAGNOSIS_DRIVER_LIMITS_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sasd {

// What the sysfs of this driver does not show in addition to what no driver shows there. A clause,
// such as "expanders are not shown"; empty if the driver has no known limits of its own.
absl::string_view DriverLimits(absl::string_view driver_name);

// The module to load for a controller without a driver; empty if the modalias must be used.
absl::string_view ModuleFor(uint16_t vendor, uint16_t device, uint16_t class_code);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_DRIVER_LIMITS_H_
