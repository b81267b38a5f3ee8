#include "daemon/config/value_text.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace sasd::config {
namespace {

struct DurationUnit {
  absl::string_view name;
  int64_t milliseconds;
};

// The first of a size is its name in texts that sasd writes. The largest first.
constexpr DurationUnit kDurationUnits[] = {
    {"w", 7 * 86'400'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000},
    {"s", 1000},           {"ms", 1},         {"m", 60'000},    {"sec", 1000},
};
// Units in which DurationText() writes: weeks only confuse.
constexpr absl::string_view kWritten[] = {"d", "h", "min", "s", "ms"};

struct ByteUnit {
  absl::string_view name;
  int shift;
};
constexpr ByteUnit kByteUnits[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}};

absl::Status NoDuration() {
  return absl::InvalidArgumentError(
      "not a duration; write a number and a unit, for example 30s, 500ms, 5min, 1h, 90d");
}

absl::Status NoBytes() {
  return absl::InvalidArgumentError(
      "not a number of bytes; write for example 1048576, 64MiB or 1GiB");
}

// Takes the characters from the front of the text that are in the class.
template <typename Class>
absl::string_view TakeWhile(absl::string_view& text, Class in_class) {
  size_t size = 0;
  while (size < text.size() && in_class(static_cast<unsigned char>(text[size]))) ++size;
  const absl::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

// 0: no such unit.
int64_t MillisecondsOf(absl::string_view unit) {
  for (const DurationUnit& known : kDurationUnits) {
    if (known.name == unit) return known.milliseconds;
  }
  return 0;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text == "0") return absl::ZeroDuration();
  if (text.empty()) return NoDuration();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 4;
  int64_t total = 0;
  while (!text.empty()) {
    const absl::string_view digits = TakeWhile(text, absl::ascii_isdigit);
    TakeWhile(text, absl::ascii_isblank);
    const int64_t unit = MillisecondsOf(TakeWhile(text, absl::ascii_isalpha));
    TakeWhile(text, absl::ascii_isblank);
    int64_t number = 0;
    if (unit == 0 || !absl::SimpleAtoi(digits, &number)) return NoDuration();
    if (number > kMost / unit || (total += number * unit) > kMost) {
      return absl::InvalidArgumentError("too long a duration");
    }
  }
  return absl::Milliseconds(total);
}

std::string DurationText(absl::Duration duration) {
  int64_t left = absl::ToInt64Milliseconds(duration);
  std::string text;
  for (const absl::string_view unit : kWritten) {
    const int64_t size = MillisecondsOf(unit);
    if (left < size) continue;
    absl::StrAppend(&text, text.empty() ? "" : " ", left / size, unit);
    left %= size;
  }
  return text.empty() ? "0s" : text;
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const absl::string_view digits = TakeWhile(text, absl::ascii_isdigit);
  TakeWhile(text, absl::ascii_isblank);
  int64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number)) return NoBytes();
  if (text.empty()) return number;
  for (const ByteUnit& unit : kByteUnits) {
    if (unit.name != text) continue;
    if (number > std::numeric_limits<int64_t>::max() >> unit.shift) {
      return absl::InvalidArgumentError("too large a number of bytes");
    }
    return number << unit.shift;
  }
  return NoBytes();
}

std::string BytesText(int64_t bytes) {
  for (const ByteUnit& unit : kByteUnits) {
    const int64_t size = int64_t{1} << unit.shift;
    if (bytes >= size && bytes % size == 0) return absl::StrCat(bytes / size, unit.name);
  }
  return absl::StrCat(bytes);
}

}  // namespace sasd::config
