#include "cli/query/time_spec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"

namespace sasd::cli {
namespace {

// The unit that a word names; zero for none.
absl::Duration UnitOf(absl::string_view word) {
  static const auto& units =
      *new std::vector<std::pair<std::vector<absl::string_view>, absl::Duration>>{
          {{"s", "sec", "secs", "second", "seconds"}, absl::Seconds(1)},
          {{"m", "min", "mins", "minute", "minutes"}, absl::Minutes(1)},
          {{"h", "hour", "hours"}, absl::Hours(1)},
          {{"d", "day", "days"}, absl::Hours(24)},
          {{"w", "week", "weeks"}, absl::Hours(7 * 24)},
      };
  for (const auto& [words, unit] : units) {
    for (const absl::string_view name : words) {
      if (name == word) return unit;
    }
  }
  return absl::ZeroDuration();
}

// "2h", "1d12h", "3 days".
std::optional<absl::Duration> ParseAge(absl::string_view text) {
  absl::Duration age;
  bool any = false;
  while (!text.empty()) {
    text = absl::StripLeadingAsciiWhitespace(text);
    size_t digits = 0, letters = 0;
    while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
    uint32_t count = 0;
    if (digits == 0 || !absl::SimpleAtoi(text.substr(0, digits), &count)) return std::nullopt;
    text = absl::StripLeadingAsciiWhitespace(text.substr(digits));
    while (letters < text.size() && absl::ascii_isalpha(text[letters])) ++letters;
    const absl::Duration unit = UnitOf(text.substr(0, letters));
    if (unit == absl::ZeroDuration()) return std::nullopt;
    age += count * unit;
    any = true;
    text = text.substr(letters);
  }
  if (!any) return std::nullopt;
  return age;
}

// "03:30", "3:30:15": hours, minutes and seconds.
std::optional<absl::Duration> ParseTimeOfDay(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() != 2 && parts.size() != 3) return std::nullopt;
  const uint32_t limits[] = {24, 60, 60};
  uint32_t values[] = {0, 0, 0};
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool number = !parts[i].empty() && parts[i].size() <= 2 &&
                        absl::ascii_isdigit(static_cast<unsigned char>(parts[i][0])) &&
                        absl::SimpleAtoi(parts[i], &values[i]);
    if (!number || values[i] >= limits[i]) return std::nullopt;
  }
  return absl::Hours(values[0]) + absl::Minutes(values[1]) + absl::Seconds(values[2]);
}

// The time at which the clock of the zone shows `time_of_day` on that day.
absl::Time At(absl::CivilDay day, absl::Duration time_of_day, absl::TimeZone zone) {
  return absl::FromCivil(absl::CivilSecond(day) + absl::ToInt64Seconds(time_of_day), zone);
}

// "today", "yesterday 03:30", "03:30".
std::optional<absl::Time> ParseDay(absl::string_view text, const WallClock& clock) {
  const absl::Time now = clock.now();
  const absl::CivilDay today = absl::ToCivilDay(now, clock.zone);
  std::optional<absl::CivilDay> day;
  if (absl::ConsumePrefix(&text, "today")) day = today;
  if (absl::ConsumePrefix(&text, "yesterday")) day = today - 1;
  if (day.has_value() && text.empty()) return At(*day, absl::ZeroDuration(), clock.zone);
  if (day.has_value() && !absl::ConsumePrefix(&text, " ")) return std::nullopt;
  const auto time_of_day = ParseTimeOfDay(text);
  if (!time_of_day.has_value()) return std::nullopt;
  if (day.has_value()) return At(*day, *time_of_day, clock.zone);
  const absl::Time time = At(today, *time_of_day, clock.zone);
  return time <= now ? time : At(today - 1, *time_of_day, clock.zone);
}

// "2026-03-02", "2026-03-02T03:14:07Z".
std::optional<absl::Time> ParseDate(absl::string_view text, absl::TimeZone zone) {
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%E*S",
                             "%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%d %H:%M%Ez", "%Y-%m-%dT%H:%M%Ez",
                             "%Y-%m-%d %H:%M:%E*S%Ez", "%Y-%m-%dT%H:%M:%E*S%Ez"}) {
    absl::Time time;
    if (absl::ParseTime(format, text, zone, &time, nullptr)) return time;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<absl::Time> ParseTime(absl::string_view option, absl::string_view text,
                                     const WallClock& clock) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  absl::string_view age_text = lower;
  absl::ConsumeSuffix(&age_text, " ago");
  if (lower == "now") return clock.now();
  if (const auto age = ParseAge(age_text); age.has_value()) return clock.now() - *age;
  if (const auto day = ParseDay(lower, clock); day.has_value()) return *day;
  // The letters T and Z of a date are upper-case.
  const std::string upper = absl::AsciiStrToUpper(lower);
  if (const auto date = ParseDate(upper, clock.zone); date.has_value()) return *date;
  return absl::InvalidArgumentError(
      absl::StrCat(option, " \"", text,
                   "\" is not a time; give one such as 2h, yesterday, 03:30, \"yesterday 03:30\", "
                   "2026-03-02 or 2026-03-02T03:14:07"));
}

}  // namespace sasd::cli
