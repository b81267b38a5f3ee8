#ifndef TESTS_STORM_STORM_RESULT_H_
#define TESTS_STORM_STORM_RESULT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/storm/apart.h"
#include "tests/support/step.h"

namespace sasd::testing {

// One storm as the documentation counts it.
struct StormResult {
  uint64_t seed = 0;
  uint64_t events = 0;  // delivered by the firmware
  uint64_t devices = 0;
  uint64_t resets = 0;
};

// Pass results from a child process (apart.h) to its parent. A dead child's results are those
// before its death.
void SayResult(const StormResult& result, Say say);
std::vector<StormResult> ResultsOf(const Outcome& outcome);

// Writes storm.json to the test's outputs ($TEST_UNDECLARED_OUTPUTS_DIR), if set:
//   {"seeds": [{"seed": 1, "events": 100, "devices": 10, "resets": 2, "config": "asan"}]}
// with "opt", "asan" or "tsan" as the configuration.
void WriteResults(const std::vector<StormResult>& results);

// Writes a failing script as NAME.storm to the test's outputs, or to the current folder. Returns
// its path.
std::string WriteScript(const std::string& name, const Script& script);

// Reads one back. Errors name the file.
absl::StatusOr<Script> ReadScript(const std::string& path);

}  // namespace sasd::testing

#endif  // TESTS_STORM_STORM_RESULT_H_
