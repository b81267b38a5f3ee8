#include "daemon/metrics/exposition.h"

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/metrics/call_latencies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::metrics {
namespace {

using ::testing::HasSubstr;

TEST(ExpositionTest, AFamilyHasHelpTypeAndSamples) {
  Exposition out;
  out.Counter("sas_events_total", "Events");
  out.Sample(3, {{"cause", "scan"}, {"host", "a"}});
  out.Gauge("sas_revision", "The newest");
  out.Sample(12);
  EXPECT_EQ(out.text(),
            "# HELP sas_events_total Events\n# TYPE sas_events_total counter\n"
            "sas_events_total{cause=\"scan\",host=\"a\"} 3\n"
            "# HELP sas_revision The newest\n# TYPE sas_revision gauge\nsas_revision 12\n");
  EXPECT_EQ(out.series(), 2u);
}

TEST(ExpositionTest, TextOfDevicesIsEscaped) {
  Exposition out;
  out.Gauge("sas_finding_info", "A \\ and\na line");
  out.Sample(1, {{"serial_number", "a\"b\\c\nd"}});
  EXPECT_EQ(out.text(),
            "# HELP sas_finding_info A \\\\ and\\na line\n# TYPE sas_finding_info gauge\n"
            "sas_finding_info{serial_number=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(ExpositionTest, LargeWholeNumbersAreExact) {
  Exposition out;
  out.Gauge("g", "");
  out.Sample(4'503'599'627'370'497.0);
  out.Sample(0.25);
  EXPECT_NE(out.text().find("g 4503599627370497\n"), std::string::npos) << out.text();
  EXPECT_NE(out.text().find("g 0.25\n"), std::string::npos) << out.text();
}

TEST(ExpositionTest, BucketsOfAHistogramAddUp) {
  Latencies latencies;
  latencies.Add(absl::Microseconds(50));
  latencies.Add(absl::Milliseconds(1));  // a bound belongs to its bucket
  latencies.Add(absl::Seconds(20));
  Exposition out;
  out.Histogram("sas_record_duration_seconds", "Time");
  out.Sample(latencies);
  EXPECT_EQ(out.text(),
            "# HELP sas_record_duration_seconds Time\n"
            "# TYPE sas_record_duration_seconds histogram\n"
            "sas_record_duration_seconds_bucket{le=\"0.0001\"} 1\n"
            "sas_record_duration_seconds_bucket{le=\"0.001\"} 2\n"
            "sas_record_duration_seconds_bucket{le=\"0.01\"} 2\n"
            "sas_record_duration_seconds_bucket{le=\"0.05\"} 2\n"
            "sas_record_duration_seconds_bucket{le=\"0.1\"} 2\n"
            "sas_record_duration_seconds_bucket{le=\"1\"} 2\n"
            "sas_record_duration_seconds_bucket{le=\"10\"} 2\n"
            "sas_record_duration_seconds_bucket{le=\"+Inf\"} 3\n"
            "sas_record_duration_seconds_sum 20.00105\n"
            "sas_record_duration_seconds_count 3\n");
}

TEST(CallLatenciesTest, CountsAllCallsAndThoseOfEachMethod) {
  CallLatencies calls;
  calls.Add("sas.v1.NodeService/GetNode", absl::Milliseconds(2));
  calls.Add("sas.v1.BaselineService/Dismiss", absl::Seconds(2));
  calls.Add("sas.v1.NodeService/GetNode", absl::Milliseconds(3));
  EXPECT_EQ(calls.all().counts().sum, absl::Milliseconds(2005));
  Exposition out;
  out.Histogram("sas_method_duration_seconds", "Time");
  calls.ForEach([&](absl::string_view method, const Latencies& latencies) {
    out.Sample(latencies, {{"method", std::string(method)}});
  });
  EXPECT_EQ(out.series(), 20u);
  const std::string& text = out.text();
  EXPECT_THAT(text, HasSubstr("sas_method_duration_seconds_bucket{method=\"sas.v1.NodeService/"
                              "GetNode\",le=\"0.01\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_sum{method=\"sas.v1.NodeService/GetNode\"} 0.005\n"));
  EXPECT_THAT(text, HasSubstr("_count{method=\"sas.v1.BaselineService/Dismiss\"} 1\n"));
  EXPECT_LT(text.find("BaselineService"), text.find("NodeService"));
}

}  // namespace
}  // namespace sasd::metrics
