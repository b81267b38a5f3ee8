#ifndef CLI_OUTPUT_SCREEN_H_
#define CLI_OUTPUT_SCREEN_H_

#include <cstddef>

namespace sasd::cli {

// Where output goes. Tests inject their own.
struct Screen {
  // Columns of the terminal; 0 if the output is none. Only a terminal gets shortened cells, hides
  // empty columns, and is redrawn.
  size_t columns = 0;
  // Whether errors go to a terminal, which may show progress.
  bool shows_progress = false;

  bool is_terminal() const { return columns > 0; }
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_SCREEN_H_
