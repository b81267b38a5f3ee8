#include "tests/storm/storm_result.h"

#include <stdlib.h>
#include <string.h>

#include <fstream>
#include <iterator>
#include <type_traits>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace sasd::testing {
namespace {

#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
constexpr char kConfig[] = "asan";
#elif defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr char kConfig[] = "tsan";
#else
constexpr char kConfig[] = "opt";
#endif

}  // namespace

void SayResult(const StormResult& result, Say say) {
  static_assert(std::is_trivially_copyable_v<StormResult>);
  say({reinterpret_cast<const char*>(&result), sizeof(result)});
}

std::vector<StormResult> ResultsOf(const Outcome& outcome) {
  std::vector<StormResult> results;
  for (absl::string_view rest = outcome.said; rest.size() >= sizeof(StormResult);
       rest.remove_prefix(sizeof(StormResult))) {
    memcpy(&results.emplace_back(), rest.data(), sizeof(StormResult));
  }
  return results;
}

void WriteResults(const std::vector<StormResult>& results) {
  const char* const folder = getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  if (folder == nullptr) return;
  std::ofstream file(absl::StrCat(folder, "/storm.json"));
  const char* separator = "{\"seeds\": [\n";
  for (const StormResult& result : results) {
    file << separator
         << absl::StrFormat(
                R"(  {"seed": %d, "events": %d, "devices": %d, "resets": %d, "config": "%s"})",
                result.seed, result.events, result.devices, result.resets, kConfig);
    separator = ",\n";
  }
  file << "\n]}\n";
}

std::string WriteScript(const std::string& name, const Script& script) {
  const char* const folder = getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  std::string path = absl::StrCat(folder == nullptr ? "." : folder, "/", name, ".storm");
  std::ofstream(path) << ToString(script);
  return path;
}

absl::StatusOr<Script> ReadScript(const std::string& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  absl::StatusOr<Script> script = ParseScript(text);
  if (script.ok()) return script;
  return absl::Status(script.status().code(), absl::StrCat(path, ": ", script.status().message()));
}

}  // namespace sasd::testing
