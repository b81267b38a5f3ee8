#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "cli/query/fake_sasd.h"
#include "cli/run.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The clock shows 2026-03-02 12:00:00 UTC.
class EventsTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string> arguments) {
    sasd_.out.str("");
    sasd_.err.str("");
    arguments.insert(arguments.begin(), "events");
    WallClock clock;
    clock.zone = absl::UTCTimeZone();
    clock.now = [] { return absl::FromUnixSeconds(1'772'452'800); };
    return cli::Run(arguments, {sasd_.out,
                                sasd_.err,
                                interrupt_,
                                false,
                                {},
                                [this](const Connection&) { return sasd_.NewChannel(); },
                                clock});
  }

  void Answer(const std::string& page) {
    sas::v1::ListEventsResponse response;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(page, &response)) << page;
    sasd_.history.events.push_back(std::move(response));
  }

  std::string out() const { return sasd_.out.str(); }
  std::string err() const { return sasd_.err.str(); }
  const sas::v1::ListEventsRequest& request() const {
    return sasd_.history.events_requests.front();
  }

  FakeSasd sasd_;
  Interrupt interrupt_;
};

TEST_F(EventsTest, TimesObjectsAndOrderGoToSasd) {
  Answer("oldest_revision: 1");
  ASSERT_EQ(Run({"--since", "yesterday", "--until", "03:30", "/dev/sdx", "ZA1", "--reverse", "-n",
                 "5", "--cause", "uevent,host-reset", "--severity", "warning"}),
            0)
      << err();
  EXPECT_EQ(request().start_time().seconds(), 1'772'323'200);
  EXPECT_EQ(request().end_time().seconds(), 1'772'422'200);
  EXPECT_THAT(request().objects(), ElementsAre("sdx", "ZA1"));
  EXPECT_EQ(request().order(), sas::v1::ORDER_NEWEST_FIRST);
  EXPECT_EQ(request().newest_count(), 5);
  EXPECT_THAT(request().cause_kinds(),
              ElementsAre(sas::v1::CAUSE_KIND_UEVENT, sas::v1::CAUSE_KIND_HOST_RESET));
  EXPECT_EQ(request().minimum_severity(), sas::v1::SEVERITY_WARNING);
}

TEST_F(EventsTest, WrongWordsAreUsageErrors) {
  EXPECT_EQ(Run({"--since", "soon"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--since \"soon\" is not a time"));
  EXPECT_EQ(Run({"--since", "1h", "--until", "2h"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--until 2026-03-02 10:00:00 is not after --since"));
  EXPECT_EQ(Run({"--cause", "uevnt"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("did you mean \"uevent\"?"));
  EXPECT_EQ(Run({"--severity", "bad"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("(values: info, warning, critical)"));
  EXPECT_THAT(sasd_.history.events_requests, IsEmpty());
}

TEST_F(EventsTest, PrintsAllPagesWithTheirGaps) {
  Answer(
      "events { revision: 5 time { seconds: 1772421247 } cause { text: \"a\" } } "
      "oldest_revision: 5 next_page_token: \"t\" "
      "gaps { first_revision: 3 last_revision: 4 reason: GAP_REASON_JOURNAL_DAMAGED }");
  Answer(
      "events { revision: 9 time { seconds: 1772334847 } cause { text: \"b\" } "
      "gap { first_revision: 6 last_revision: 8 reason: GAP_REASON_JOURNAL_STALLED } } "
      "gaps { first_revision: 6 last_revision: 8 reason: GAP_REASON_JOURNAL_STALLED }");
  ASSERT_EQ(Run({}), 0) << err();
  EXPECT_EQ(out(),
            "--- gap: revisions 3 to 4 are lost: the journal is damaged ---\n"
            "r5 03:14:07.000 * nothing changed: a\n"
            "--- gap: revisions 6 to 8 are lost: the journal could not be written ---\n"
            "r9 2026-03-01 03:14:07.000 * nothing changed: b\n");
  EXPECT_EQ(sasd_.history.events_requests[1].page_token(), "t");
}

TEST_F(EventsTest, AHistoryThatBeginsLaterSaysSo) {
  Answer("oldest_revision: 5");
  Answer("events { revision: 5 time { seconds: 1772421247 } }");
  ASSERT_EQ(Run({"--since", "yesterday"}), 0);
  EXPECT_EQ(err(), "sasctl: the history begins at 2026-03-02 03:14:07, revision 5\n");
  Answer("oldest_revision: 5");
  Answer("events { revision: 5 time { seconds: 1772421247 } }");
  ASSERT_EQ(Run({"--since", "04:00"}), 0);
  EXPECT_THAT(err(), IsEmpty());
}

TEST_F(EventsTest, JsonHasTheGapsToo) {
  Answer(
      "events { revision: 5 } "
      "gaps { first_revision: 6 last_revision: 8 reason: GAP_REASON_JOURNAL_STALLED }");
  ASSERT_EQ(Run({"-o", "jsonl"}), 0);
  EXPECT_EQ(out(),
            "{\"revision\":\"5\"}\n"
            "{\"lost\":{\"firstRevision\":\"6\",\"lastRevision\":\"8\","
            "\"reason\":\"GAP_REASON_JOURNAL_STALLED\"}}\n");
}

}  // namespace
}  // namespace sasd::cli
