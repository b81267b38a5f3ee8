#include "daemon/metrics/exposition.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"

namespace sasd::metrics {
namespace {

constexpr double kExact = 9'007'199'254'740'992.0;  // 2^53

std::string NumberText(double value) {
  if (std::floor(value) == value && std::abs(value) < kExact) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  return absl::StrFormat("%.15g", value);
}

}  // namespace

void Exposition::Begin(absl::string_view name, absl::string_view type, absl::string_view help) {
  family_ = std::string(name);
  absl::StrAppend(&text_, "# HELP ", name, " ",
                  absl::StrReplaceAll(help, {{"\\", "\\\\"}, {"\n", "\\n"}}), "\n# TYPE ", name,
                  " ", type, "\n");
}

void Exposition::Counter(absl::string_view name, absl::string_view help) {
  Begin(name, "counter", help);
}

void Exposition::Gauge(absl::string_view name, absl::string_view help) {
  Begin(name, "gauge", help);
}

void Exposition::Sample(double value, const Labels& labels) { Line(family_, labels, value); }

void Exposition::Line(absl::string_view name, const Labels& labels, double value) {
  absl::StrAppend(&text_, name);
  char separator = '{';
  for (const auto& [label, text] : labels) {
    absl::StrAppend(&text_, std::string(1, separator), label, "=\"",
                    absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                    "\"");
    separator = ',';
  }
  absl::StrAppend(&text_, labels.empty() ? " " : "} ", NumberText(value), "\n");
  ++series_;
}

void Exposition::Histogram(absl::string_view name, absl::string_view help) {
  Begin(name, "histogram", help);
}

void Exposition::Sample(const Latencies& latencies, const Labels& labels) {
  const Latencies::Counts counts = latencies.counts();
  Labels bucket = labels;
  bucket.emplace_back("le", "");
  int64_t sum = 0;
  for (size_t i = 0; i < counts.in_bucket.size(); ++i) {
    sum += counts.in_bucket[i];
    const bool last = i == Latencies::kBounds.size();
    bucket.back().second = last ? "+Inf" : NumberText(Latencies::kBounds[i]);
    Line(absl::StrCat(family_, "_bucket"), bucket, static_cast<double>(sum));
  }
  Line(absl::StrCat(family_, "_sum"), labels, absl::ToDoubleSeconds(counts.sum));
  Line(absl::StrCat(family_, "_count"), labels, static_cast<double>(sum));
}

}  // namespace sasd::metrics
