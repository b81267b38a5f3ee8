#ifndef CLI_QUERY_TIME_SPEC_H_
#define CLI_QUERY_TIME_SPEC_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/output/wall_clock.h"

namespace sasd::cli {

// Parses a time as people type it:
//   2h, "2h ago", "3 days ago"       so long ago: s, m, h, d, w, or their words
//   now, today, yesterday            the last two: midnight at which the day begins
//   03:30, 03:30:15                  the last time that the clock showed this
//   "today 03:30", "yesterday 03:30"
//   2026-03-02                       midnight at which the day begins
//   "2026-03-02 03:14", 2026-03-02T03:14:07, also with Z or an offset: +02:00
// Times without an offset are in the clock's zone. `option` ("--since") is for the error. Error:
// kInvalidArgument with the forms there are.
absl::StatusOr<absl::Time> ParseTime(absl::string_view option, absl::string_view text,
                                     const WallClock& clock);

}  // namespace sasd::cli

#endif  // CLI_QUERY_TIME_SPEC_H_
