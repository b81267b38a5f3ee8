#ifndef DAEMON_DIAGNOSIS_DRIVER_LIMITS_H_
#define DAEMON_DIAGNOSIS_DRIVER_LIMITS_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sasd {

// What the sysfs of another driver's hosts does not show besides what none shows, as a clause: "the
// phys tell the address of what is attached to them"; empty where nothing special is known.
absl::string_view DriverLimits(absl::string_view driver_name);

// The module to load for a controller that no driver has; empty where its modalias has to tell.
absl::string_view ModuleFor(uint16_t vendor, uint16_t device, uint16_t class_code);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_DRIVER_LIMITS_H_
