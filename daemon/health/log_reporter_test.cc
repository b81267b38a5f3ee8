#include "daemon/health/log_reporter.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LogReporterTest : public ::testing::Test {
 protected:
  static FindingChange Change(FindingChange::Kind kind, uint64_t host,
                              Severity severity = Severity::kCritical) {
    FindingChange change;
    change.kind = kind;
    change.finding.severity = severity;
    change.finding.id = {registry::MakeId<registry::Host>(HostKey(SasAddress(host))),
                         FindingReason::kHostMissing};
    change.finding.message = absl::StrCat("host ", host, " is missing");
    return change;
  }
  static std::vector<FindingChange> Storm(uint64_t count, Severity severity = Severity::kCritical) {
    std::vector<FindingChange> changes;
    for (uint64_t i = 0; i < count; ++i) {
      changes.push_back(Change(FindingChange::Kind::kAppeared, i, severity));
    }
    return changes;
  }

  FakeClock clock_;
  std::vector<LogLine> lines_;
  LogReporter reporter_{clock_,
                        [](const registry::ResourceId& id) {
                          return absl::StrCat("hosts/", std::get<0>(id).address.value());
                        },
                        [this](const LogLine& line) { lines_.push_back(line); }};
};

TEST_F(LogReporterTest, EachChangeIsOneLineWithItsFields) {
  reporter_.OnChanges({Change(FindingChange::Kind::kAppeared, 7)});
  reporter_.OnChanges({Change(FindingChange::Kind::kEnded, 7)});
  ASSERT_THAT(lines_, SizeIs(2));
  EXPECT_EQ(lines_[0].text, "HOST_MISSING: host 7 is missing");
  EXPECT_EQ(lines_[0].object, "hosts/7");
  EXPECT_EQ(lines_[0].reason, "HOST_MISSING");
  EXPECT_EQ(lines_[0].severity, Severity::kCritical);
  EXPECT_THAT(lines_[0].message_id, SizeIs(32));
  EXPECT_EQ(lines_[1].text, "HOST_MISSING ended: host 7 is missing");
  EXPECT_EQ(lines_[1].severity, Severity::kInfo);
  EXPECT_NE(lines_[1].message_id, lines_[0].message_id);
}

TEST_F(LogReporterTest, StormIsSummarizedInTenLinesASecond) {
  reporter_.OnChanges(Storm(100));
  ASSERT_THAT(lines_, SizeIs(10));
  EXPECT_THAT(lines_.back().text, HasSubstr("91 appeared, 0 changed, 0 ended"));
  EXPECT_EQ(lines_.back().severity, Severity::kCritical);
  lines_.clear();
  reporter_.OnChanges(Storm(5));
  EXPECT_THAT(lines_, IsEmpty()) << "in the same second";
  clock_.Advance(absl::Seconds(1));
  reporter_.OnChanges({});
  ASSERT_THAT(lines_, SizeIs(1));
  EXPECT_THAT(lines_[0].text, HasSubstr("5 appeared"));
  reporter_.OnChanges({});
  EXPECT_THAT(lines_, SizeIs(1)) << "once";
}

TEST_F(LogReporterTest, CriticalFindingIsNotHiddenByAStormOfOthers) {
  for (int i = 0; i < 5; ++i) reporter_.OnChanges(Storm(20, Severity::kWarning));
  EXPECT_THAT(lines_, SizeIs(7));
  EXPECT_THAT(lines_.back().text, HasSubstr("14 appeared"));
  lines_.clear();
  reporter_.OnChanges({Change(FindingChange::Kind::kAppeared, 1'000)});
  ASSERT_THAT(lines_, SizeIs(1));
  EXPECT_EQ(lines_[0].text, "HOST_MISSING: host 1000 is missing");
  reporter_.OnChanges(Storm(20));
  ASSERT_THAT(lines_, SizeIs(3));
  EXPECT_THAT(lines_.back().text, HasSubstr("99 appeared"));
  clock_.Advance(absl::Seconds(1));
  reporter_.OnChanges({});
  EXPECT_THAT(lines_, SizeIs(3)) << "all are counted";
}

}  // namespace
}  // namespace sasd::health
