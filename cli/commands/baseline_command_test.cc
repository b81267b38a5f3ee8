#include <string>
#include <vector>

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
using ::testing::SizeIs;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class BaselineTest : public ::testing::Test {
 protected:
  int Run(const std::vector<std::string>& arguments) {
    sasd_.out.str("");
    sasd_.err.str("");
    return cli::Run(arguments,
                    {sasd_.out, sasd_.err, interrupt_, false, {}, [this](const Connection&) {
                       return sasd_.NewChannel();
                     }});
  }
  // Two pages: a missing drive, then a host.
  void AddPages() {
    sasd_.baseline.pages.push_back(Parse<sas::v1::ListBaselineResponse>(R"(
      entries {
        resource: "logicalUnits/naa.1" kind: RESOURCE_KIND_LOGICAL_UNIT missing: true
        missing_time { seconds: 1772421247 } missing_cause { text: "pulled" }
      }
      next_page_token: "next" total_size: 2 missing_count: 1)"));
    sasd_.baseline.pages.push_back(Parse<sas::v1::ListBaselineResponse>(R"(
      entries { resource: "hosts/500605b00ab01230" kind: RESOURCE_KIND_HOST }
      total_size: 2 missing_count: 1)"));
  }
  std::string out() const { return sasd_.out.str(); }
  std::string err() const { return sasd_.err.str(); }

  FakeSasd sasd_;
  Interrupt interrupt_;
};

TEST_F(BaselineTest, ShowListsAllPages) {
  AddPages();
  ASSERT_EQ(Run({"baseline", "show"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("logicalUnits/naa.1"));
  EXPECT_THAT(out(), HasSubstr("missing since 2026-03-0"));
  EXPECT_THAT(out(), HasSubstr(": pulled\n"));
  EXPECT_THAT(out(), HasSubstr("hosts/500605b00ab01230  present\n"));
  ASSERT_THAT(sasd_.baseline.list_requests, SizeIs(2));
  EXPECT_FALSE(sasd_.baseline.list_requests[0].missing_only());
  EXPECT_EQ(sasd_.baseline.list_requests[1].page_token(), "next");
}

TEST_F(BaselineTest, ShowHasOtherFormats) {
  AddPages();
  ASSERT_EQ(Run({"baseline", "show", "--missing", "-o", "name"}), 0) << err();
  EXPECT_EQ(out(), "logicalUnits/naa.1\nhosts/500605b00ab01230\n");
  EXPECT_TRUE(sasd_.baseline.list_requests[0].missing_only());
  AddPages();
  ASSERT_EQ(Run({"baseline", "show", "-o", "jsonl"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\n{\"resource\":\"hosts/500605b00ab01230\""));
  EXPECT_EQ(Run({"baseline", "show", "-o", "jsn"}), 2);
}

TEST_F(BaselineTest, AcceptPrintsWhatItForgets) {
  *sasd_.baseline.accepted.add_removed_entries() = Parse<sas::v1::BaselineEntry>(
      R"(resource: "logicalUnits/naa.1" kind: RESOURCE_KIND_LOGICAL_UNIT missing: true)");
  ASSERT_EQ(Run({"baseline", "accept", "logicalUnits/naa.1"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("accepted: 1 missing object forgotten\n"));
  EXPECT_THAT(out(), HasSubstr("logicalUnits/naa.1"));
  ASSERT_EQ(Run({"baseline", "accept"}), 0);
  ASSERT_THAT(sasd_.baseline.accept_requests, SizeIs(2));
  EXPECT_THAT(sasd_.baseline.accept_requests[0].resources(), ElementsAre("logicalUnits/naa.1"));
  EXPECT_THAT(sasd_.baseline.accept_requests[1].resources(), IsEmpty());
}

TEST_F(BaselineTest, AcceptTakesAnyNameOfWhatIsMissing) {
  sas::v1::RemovedResource removed;
  *removed.mutable_last_known() = ParseResource(R"(logical_unit { name: "logicalUnits/naa.1" })");
  sasd_.topology.AddRemoved(removed, {"ZA1"});
  ASSERT_EQ(Run({"baseline", "accept", "ZA1"}), 0) << err();
  ASSERT_THAT(sasd_.baseline.accept_requests, SizeIs(1));
  EXPECT_THAT(sasd_.baseline.accept_requests[0].resources(), ElementsAre("logicalUnits/naa.1"));
  EXPECT_EQ(Run({"baseline", "accept", "nothing"}), 1);
  EXPECT_THAT(err(), HasSubstr("no object \"nothing\""));
  EXPECT_THAT(sasd_.baseline.accept_requests, SizeIs(1));
}

TEST_F(BaselineTest, DismissSendsReasonAndDuration) {
  sasd_.baseline.dismissed = Parse<sas::v1::DismissResponse>(R"(
    dismissal { resource: "logicalUnits/naa.1" expire_time { seconds: 1772421247 } })");
  ASSERT_EQ(Run({"dismiss", "sdx", "--reason", "sent back", "--for", "1h30m500ms"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("dismissed logicalUnits/naa.1 until 2026-03-0"));
  ASSERT_THAT(sasd_.baseline.dismiss_requests, SizeIs(1));
  const sas::v1::DismissRequest& request = sasd_.baseline.dismiss_requests[0];
  EXPECT_EQ(request.object(), "sdx");
  EXPECT_EQ(request.reason(), "sent back");
  EXPECT_EQ(request.duration().seconds(), 5400);
  EXPECT_EQ(request.duration().nanos(), 500'000'000);
}

TEST_F(BaselineTest, DismissWithoutDurationHoldsUntilTheReturn) {
  sasd_.baseline.dismissed.mutable_dismissal()->set_resource("logicalUnits/naa.1");
  ASSERT_EQ(Run({"dismiss", "sdx", "--reason", "sent back"}), 0) << err();
  EXPECT_EQ(out(), "dismissed logicalUnits/naa.1 until it returns\n");
  EXPECT_FALSE(sasd_.baseline.dismiss_requests[0].has_duration());
}

TEST_F(BaselineTest, WrongArgumentsMakeNoCall) {
  EXPECT_EQ(Run({"dismiss", "sdx"}), 2) << "no reason";
  EXPECT_EQ(Run({"dismiss", "sdx", "--reason", "r", "--for", "soon"}), 2);
  EXPECT_THAT(err(), HasSubstr("--for \"soon\" is not a duration"));
  EXPECT_EQ(Run({"dismiss", "sdx", "--reason", "r", "--for", "-2h"}), 2);
  EXPECT_EQ(Run({"undismiss"}), 2);
  EXPECT_EQ(Run({"baseline"}), 2);
  EXPECT_THAT(sasd_.baseline.dismiss_requests, IsEmpty());
}

TEST_F(BaselineTest, UndismissNamesTheObject) {
  sasd_.baseline.undismissed.mutable_dismissal()->set_resource("logicalUnits/naa.1");
  ASSERT_EQ(Run({"undismiss", "sdx"}), 0) << err();
  EXPECT_EQ(out(), "undismissed logicalUnits/naa.1\n");
  EXPECT_EQ(sasd_.baseline.undismiss_requests[0].object(), "sdx");
}

TEST_F(BaselineTest, ErrorsOfSasdAreShown) {
  sasd_.baseline.Fail(grpc::Status(grpc::StatusCode::NOT_FOUND, "no object \"sdx\" is there"));
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"baseline", "show"},
                                             {"baseline", "accept"},
                                             {"dismiss", "sdx", "--reason", "r"},
                                             {"undismiss", "sdx"}}) {
    EXPECT_NE(Run(arguments), 0) << arguments[0];
    EXPECT_THAT(err(), HasSubstr("no object \"sdx\" is there")) << arguments[0];
    EXPECT_THAT(out(), IsEmpty()) << arguments[0];
  }
}

}  // namespace
}  // namespace sasd::cli
