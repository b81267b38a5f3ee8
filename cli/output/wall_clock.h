#ifndef CLI_OUTPUT_WALL_CLOCK_H_
#define CLI_OUTPUT_WALL_CLOCK_H_

#include <functional>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace sasd::cli {

// The time and the time zone of the user. Tests inject their own.
struct WallClock {
  std::function<absl::Time()> now = absl::Now;
  absl::TimeZone zone = absl::LocalTimeZone();
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_WALL_CLOCK_H_
