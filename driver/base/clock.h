#ifndef DRIVER_BASE_CLOCK_H_
#define DRIVER_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace sasd {

// The time. Code that reads it takes a Clock. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock, for times shown to people.
  virtual absl::Time Now() = 0;

  // Time since an arbitrary start, for durations and deadlines. It never goes back
  // (CLOCK_MONOTONIC, comparable between processes of one boot).
  virtual absl::Duration Monotonic() = 0;
};

// The system's clocks. Never destroyed.
Clock& SystemClock();

}  // namespace sasd

#endif  // DRIVER_BASE_CLOCK_H_
