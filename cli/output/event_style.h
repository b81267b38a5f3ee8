#ifndef CLI_OUTPUT_EVENT_STYLE_H_
#define CLI_OUTPUT_EVENT_STYLE_H_

#include "cli/output/paint.h"
#include "cli/output/place_names.h"
#include "cli/output/screen.h"
#include "cli/output/wall_clock.h"

namespace sasd::cli {

// How lines look.
struct EventStyle {
  Paint paint;
  WallClock clock = {};
  bool verbose = false;  // a line per change, not per act
  PlaceNames places = {};
  Screen screen = {};
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_STYLE_H_
