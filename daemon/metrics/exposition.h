#ifndef DAEMON_METRICS_EXPOSITION_H_
#define DAEMON_METRICS_EXPOSITION_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/metrics/latencies.h"

namespace sasd::metrics {

// Names and values. A name is [a-z_]+; a value is any text.
using Labels = std::vector<std::pair<absl::string_view, std::string>>;

// Writes metrics in Prometheus' text format 0.0.4: families, each with its samples. Source:
// https://prometheus.io/docs/instrumenting/exposition_formats/. Thread-compatible.
class Exposition {
 public:
  // Begins a family; its samples follow. `name`: "sas_...", a counter's ends with "_total". `help`:
  // one sentence without its full stop. A family without a sample is allowed.
  void Counter(absl::string_view name, absl::string_view help);
  void Gauge(absl::string_view name, absl::string_view help);

  // A sample of the family that was begun last. A whole number below 2^53 is written exactly.
  void Sample(double value, const Labels& labels = {});

  // Begins a family of histograms, in seconds.
  void Histogram(absl::string_view name, absl::string_view help);
  // One of that family: a sample for each bucket, their sum and their count.
  void Sample(const Latencies& latencies, const Labels& labels = {});

  size_t series() const { return series_; }
  const std::string& text() const { return text_; }
  std::string TakeText() && { return std::move(text_); }

 private:
  void Begin(absl::string_view name, absl::string_view type, absl::string_view help);
  void Line(absl::string_view name, const Labels& labels, double value);

  std::string text_;
  std::string family_;
  size_t series_ = 0;
};

}  // namespace sasd::metrics

#endif  // DAEMON_METRICS_EXPOSITION_H_
