// A cc_fuzz_test replays the members of its archive and its crash inputs. At its end this program
// fails if it has not seen the exact text of both; a mutation of one is not enough.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "tests/fuzz/properties.h"

namespace {

// The texts that were among the inputs; checked when the program ends.
struct Seen {
  ~Seen() {
    sasd::fuzz::Check(from_archive, "a member of the archive is replayed");
    sasd::fuzz::Check(from_crashes, "a crash input is replayed");
  }
  bool from_archive = false;
  bool from_crashes = false;
};

Seen seen;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = sasd::fuzz::TextOf({data, size});
  seen.from_archive |= text == "from the archive\n";
  seen.from_crashes |= text == "from the crash inputs\n";
  return 0;
}
