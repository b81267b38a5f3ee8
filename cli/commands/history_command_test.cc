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

using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// The clock shows 2026-03-02 12:00:00 UTC.
class HistoryTest : public ::testing::Test {
 protected:
  int Run(const std::vector<std::string>& arguments) {
    sasd_.out.str("");
    sasd_.err.str("");
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
  std::string out() const { return sasd_.out.str(); }
  std::string err() const { return sasd_.err.str(); }

  FakeSasd sasd_;
  Interrupt interrupt_;
};

constexpr char kTimeline[] = R"(
  resources: "hosts/500605b00ab01230/endDevices/5000c500a7b2611d"
  resources: "logicalUnits/naa.1"
  placements {
    slot: "enclosures/5000ccab03001100/slots/3" start_time { seconds: 1772334847 }
    end_time { seconds: 1772421247 } start_unknown: true
    end_cause { text: "expander e not responding" }
  }
  entries {
    revision: 42 time { seconds: 1772421247 } severity: SEVERITY_WARNING
    text: "removed from enclosures/5000ccab03001100/slots/3, last seen as sdx: gone"
    resource: "logicalUnits/naa.1"
  }
  entries { gap { first_revision: 30 last_revision: 41 reason: GAP_REASON_POWER_LOSS } }
  oldest_time { seconds: 1772334847 })";

TEST_F(HistoryTest, ShowsPlacesThenEntriesOldestFirst) {
  sasd_.history.timelines.push_back(Parse<sas::v1::GetTimelineResponse>(kTimeline));
  ASSERT_EQ(Run({"history", "/dev/sdx", "-n", "2"}), 0) << err();
  EXPECT_EQ(out(),
            "logicalUnits/naa.1\n"
            "where it has been:\n"
            "  FROM                           UNTIL                SLOT\n"
            "  2026-03-01 03:14:07 or before  2026-03-02 03:14:07  5000ccab03001100/3  (expander e "
            "not responding)\n"
            "--- gap: revisions 30 to 41 are lost: the node lost power before the journal was on "
            "disk ---\n"
            "r42 03:14:07.000 removed from 5000ccab03001100/3, last seen as sdx: gone\n"
            "the history begins at 2026-03-01 03:14:07\n");
  const sas::v1::GetTimelineRequest& request = sasd_.history.timeline_requests[0];
  EXPECT_EQ(request.object(), "sdx");
  EXPECT_EQ(request.order(), sas::v1::ORDER_NEWEST_FIRST);
  EXPECT_EQ(request.page_size(), 2);
}

TEST_F(HistoryTest, ReadsAllPagesAndStopsAtTheCount) {
  for (int i = 0; i < 2; ++i) {
    auto page = Parse<sas::v1::GetTimelineResponse>(
        "resources: \"hosts/1\" entries { revision: 9 text: \"a\" } entries { revision: 8 text: "
        "\"b\" }");
    page.set_next_page_token("t");
    sasd_.history.timelines.push_back(page);
  }
  ASSERT_EQ(Run({"history", "host1", "-n", "3", "--reverse", "-o", "jsonl"}), 0) << err();
  EXPECT_EQ(out(),
            "{\"revision\":\"9\",\"text\":\"a\"}\n{\"revision\":\"8\",\"text\":\"b\"}\n"
            "{\"revision\":\"9\",\"text\":\"a\"}\n");
  EXPECT_EQ(sasd_.history.timeline_requests[1].page_token(), "t");
}

TEST_F(HistoryTest, AnUnknownObjectFails) {
  sasd_.history.Fail(grpc::Status(grpc::StatusCode::NOT_FOUND, "nobody knows \"x\""));
  EXPECT_EQ(Run({"history", "x"}), kExitFailed);
  EXPECT_EQ(err(), "sasctl: nobody knows \"x\"\n");
}

TEST_F(HistoryTest, DiffTakesARevisionOrATime) {
  for (const char* since : {"42", "r42"}) {
    sasd_.history.differences.emplace_back();
    ASSERT_EQ(Run({"diff", "--since", since}), 0) << err();
    EXPECT_EQ(sasd_.history.differences_requests.back().revision(), 42);
  }
  sasd_.history.differences.emplace_back();
  ASSERT_EQ(Run({"diff", "--since", "2h"}), 0);
  EXPECT_EQ(sasd_.history.differences_requests.back().time().seconds(), 1'772'445'600);
  EXPECT_EQ(Run({"diff", "--since", "never"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("or a revision such as 42"));
  EXPECT_EQ(Run({"diff"}), kExitUsage);
}

TEST_F(HistoryTest, DiffShowsOneLinePerObject) {
  sasd_.history.differences.push_back(Parse<sas::v1::GetDifferencesResponse>(R"(
    changes { kind: CHANGE_KIND_MODIFIED changed_fields { paths: "width" }
              resource { port { name: "hosts/1/ports/2" width: 3 link_rate: LINK_RATE_12_GBPS } }
              previous { port { width: 4 } } }
    since_revision: 42 revision: 99
    gaps { first_revision: 50 last_revision: 60 reason: GAP_REASON_JOURNAL_STALLED })"));
  ASSERT_EQ(Run({"diff", "--since", "42"}), 0) << err();
  EXPECT_EQ(out(),
            "--- gap: revisions 50 to 60 are lost: the journal could not be written ---\n"
            "~ port      1/2  3x 12G  width 4 -> 3\n"
            "1 difference between revision 42 and 99\n");
}

TEST_F(HistoryTest, ShowOfWhatIsGoneSaysWhenWhereAndWhy) {
  sasd_.topology.AddEnclosure(
      Parse<sas::v1::Enclosure>("name: \"enclosures/5000ccab03001100\" model: \"JBOD24\""));
  sasd_.topology.AddRemoved(Parse<sas::v1::RemovedResource>(R"(
        last_known { logical_unit {
          name: "logicalUnits/naa.1" serial: "ZA1" enclosure: "enclosures/5000ccab03001100" slot: 3
          paths { block_device: "sdx" } } }
        remove_time { seconds: 1772421247 } remove_revision: 42
        cause { text: "expander 5000ccab0300113f not responding" })"),
                            {"ZA1"});
  EXPECT_EQ(Run({"show", "ZA1"}), kExitFailed);
  EXPECT_EQ(err(),
            "sasctl: \"ZA1\" is gone: removed 2026-03-02 03:14:07 from JBOD24/3: expander "
            "5000ccab0300113f not responding; last seen as sdx; `sasctl history ZA1` shows its "
            "past\n");
  EXPECT_THAT(out(), IsEmpty());
  EXPECT_EQ(Run({"show", "ZA1", "-o", "json"}), kExitFailed);
  EXPECT_THAT(out(), HasSubstr("\"removeRevision\": \"42\""));
}

TEST_F(HistoryTest, OfTwoEnclosuresOfAModelTheIdentifierIsShown) {
  for (const char* name : {"enclosures/5000ccab03001100", "enclosures/5000ccab03002100"}) {
    sas::v1::Enclosure enclosure;
    enclosure.set_name(name);
    enclosure.set_model("JBOD24");
    sasd_.topology.AddEnclosure(enclosure);
  }
  sasd_.topology.AddRemoved(
      Parse<sas::v1::RemovedResource>(
          "last_known { logical_unit { name: \"logicalUnits/naa.1\" enclosure: "
          "\"enclosures/5000ccab03001100\" slot: 3 } } remove_revision: 42"),
      {"ZA1"});
  EXPECT_EQ(Run({"show", "ZA1"}), kExitFailed);
  EXPECT_THAT(err(), HasSubstr("removed at revision 42 from 5000ccab03001100/3;"));
}

}  // namespace
}  // namespace sasd::cli
