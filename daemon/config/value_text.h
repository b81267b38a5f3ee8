#ifndef DAEMON_CONFIG_VALUE_TEXT_H_
#define DAEMON_CONFIG_VALUE_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sasd::config {

// A duration as systemd.time(7) writes it: numbers with units, which add up: "500ms", "30s",
// "5min", "1h 30min", "90d". Units: ms, s (sec), min (m), h, d, w. Zero needs none. Errors:
// kInvalidArgument, which says what is expected.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// The same value as ParseDuration() reads it, with the largest units: "1h 30min". Of whole
// milliseconds; not negative.
std::string DurationText(absl::Duration duration);

// A number of bytes: "65536", "64KiB", "64MiB", "1GiB", "1TiB". Errors: kInvalidArgument.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

// The same value as ParseBytes() reads it, with the largest unit that gives a whole number.
std::string BytesText(int64_t bytes);

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_VALUE_TEXT_H_
