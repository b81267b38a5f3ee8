#include "cli/query/finder.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/query/fake_sasd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kUnit[] = R"(logical_unit {
  name: "logicalUnits/naa.5000c500a7b26113" serial: "ZA1" vendor: "SEAGATE" model: "ST8000NM0075"
  enclosure: "enclosures/5000ccab0405db00" slot: 4
  paths { end_device: "hosts/1/endDevices/5000c500a7b26111" block_device: "sdb" }
  paths { end_device: "hosts/2/endDevices/5000c500a7b26112" block_device: "sdk" }
})";
constexpr char kPath[] =
    R"(end_device { name: "hosts/1/endDevices/5000c500a7b26111" serial: "ZA1" })";
constexpr char kOtherPath[] =
    R"(end_device { name: "hosts/1/endDevices/5000c500a7b26999" serial: "ZA1" })";
constexpr char kSlot[] = R"(slot { name: "enclosures/5000ccab0405db00/slots/4" occupied: true
                                   logical_unit: "logicalUnits/naa.5000c500a7b26113" })";
constexpr char kHost[] = R"(host { name: "hosts/500605b00ab01230" os_name: "host1" })";

class FinderTest : public ::testing::Test {
 protected:
  // The name of the object found, or the error.
  std::string Find(const std::string& query, const std::vector<sas::v1::ResourceKind>& kinds = {}) {
    const auto found = FindOne(sasd_.context(), query, kinds);
    if (!found.ok()) return std::string(found.status().message());
    return found->has_logical_unit() ? found->logical_unit().name()
           : found->has_slot()       ? found->slot().name()
           : found->has_host()       ? found->host().name()
                                     : found->end_device().name();
  }

  FakeSasd sasd_;
};

TEST_F(FinderTest, StripsDecorationFromTheQuery) {
  struct Case {
    const char* typed;
    const char* asked;
  };
  const std::vector<Case> cases = {
      // From other tools...
      {"sdb", "sdb"},
      {"/dev/sdb", "sdb"},
      {" ZA1 ", "ZA1"},
      {"11:0:0:0", "11:0:0:0"},
      {"5000ccab0405db00/4", "5000ccab0405db00/4"},
      {"hosts/500605b00ab01230", "hosts/500605b00ab01230"},
      {"naa.5000c500a7b26113", "naa.5000c500a7b26113"},
      // ... and from the tree, which prints names of the system and names made from an address.
      {"expander-11:0", "expander-11:0"},
      {"end_device-11:0:1", "end_device-11:0:1"},
      {"host-500605b00ab01230", "500605b00ab01230"},
      {"expander-5000ccab0300113f", "5000ccab0300113f"},
      {"end_device-5000c500a7b26111", "5000c500a7b26111"},
      // A serial may look alike.
      {"disk-5000c500a7b26111", "disk-5000c500a7b26111"},
      {"host-500605b00ab0123z", "host-500605b00ab0123z"},
      {"host-500605b00ab0123", "host-500605b00ab0123"},
  };
  for (const Case& c : cases) {
    Find(c.typed);
    EXPECT_EQ(sasd_.topology.find_requests.back().query(), c.asked);
  }
  EXPECT_EQ(sasd_.topology.find_requests.size(), cases.size());
}

TEST_F(FinderTest, FindsOnlyTheGivenKinds) {
  sasd_.topology.Add(ParseResource(kHost), {"x"});
  sasd_.topology.Add(ParseResource(kPath), {"x"});
  EXPECT_EQ(Find("x", {sas::v1::RESOURCE_KIND_HOST}), "hosts/500605b00ab01230");
  EXPECT_EQ(Find("x", {sas::v1::RESOURCE_KIND_END_DEVICE, sas::v1::RESOURCE_KIND_SLOT}),
            "hosts/1/endDevices/5000c500a7b26111");
}

TEST_F(FinderTest, DrivePathsAndSlotGiveTheDrive) {
  for (const char* resource : {kPath, kSlot, kUnit}) {
    sasd_.topology.Add(ParseResource(resource), {"sdb", "ZA1"});
  }
  for (const char* query : {"sdb", "/dev/sdb", "ZA1"}) {
    EXPECT_EQ(Find(query), "logicalUnits/naa.5000c500a7b26113") << query;
  }
}

TEST_F(FinderTest, EnclosureAndSlotGiveTheSlot) {
  for (const char* resource : {kUnit, kSlot, kPath}) {
    sasd_.topology.Add(ParseResource(resource), {"5000ccab0405db00/4"});
  }
  EXPECT_EQ(Find("5000ccab0405db00/4"), "enclosures/5000ccab0405db00/slots/4");
}

TEST_F(FinderTest, NotFoundNamesCloseOnes) {
  sasd_.topology.Suggest("sdb");
  sasd_.topology.Suggest("sdk");
  EXPECT_EQ(FindOne(sasd_.context(), "sdq", {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Find("sdq"), "no object \"sdq\"; close names: sdb, sdk");
  EXPECT_EQ(Find("sdq", {sas::v1::RESOURCE_KIND_HOST, sas::v1::RESOURCE_KIND_EXPANDER}),
            "no host or expander \"sdq\"; close names: sdb, sdk");
}

TEST_F(FinderTest, NotFoundSuggestsAListCommand) {
  EXPECT_EQ(Find("/dev/sdq"), "no object \"/dev/sdq\"; `sasctl list drives` lists the drives");
  EXPECT_EQ(Find("x", {sas::v1::RESOURCE_KIND_ENCLOSURE}),
            "no enclosure \"x\"; `sasctl list enclosures` lists the enclosures");
}

TEST_F(FinderTest, ListsSeveralMatches) {
  sasd_.topology.Add(ParseResource(kUnit), {"ZA1"});
  sasd_.topology.Add(ParseResource(kOtherPath), {"ZA1"});  // a path of another drive
  const absl::Status status = FindOne(sasd_.context(), "ZA1", {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "\"ZA1\" is 2 objects; give a resource name, or use `sasctl show NOUN ZA1`:"
            "\n  drive logicalUnits/naa.5000c500a7b26113  5000ccab0405db00/4, sdb, sdk, SEAGATE "
            "ST8000NM0075 ZA1"
            "\n  device hosts/1/endDevices/5000c500a7b26999  ZA1");
}

TEST_F(FinderTest, TwoDrivesAreAmbiguous) {
  sasd_.topology.Add(ParseResource(kUnit), {"ZA1"});
  sasd_.topology.Add(ParseResource(R"(logical_unit { name: "logicalUnits/naa.2" })"), {"ZA1"});
  EXPECT_THAT(Find("ZA1"), HasSubstr("is 2 objects"));
}

TEST_F(FinderTest, ListsAtMostTwentyMatches) {
  for (int i = 1; i <= 23; ++i) {
    sasd_.topology.Add(ParseResource(absl::StrCat("host { name: \"hosts/", i, "\" }")), {"x"});
  }
  const std::string message = Find("x");
  EXPECT_THAT(message, HasSubstr("\"x\" is 23 objects"));
  EXPECT_THAT(message, EndsWith("\n  host hosts/20\n  and 3 more"));
  EXPECT_THAT(message, Not(HasSubstr("hosts/21")));
}

TEST_F(FinderTest, AnUnknownKindIsAnError) {
  sasd_.topology.Add(sas::v1::Resource(), {"x"});
  EXPECT_THAT(Find("x"), HasSubstr("use a newer sasctl"));
}

TEST_F(FinderTest, PassesOnErrorsOfSasd) {
  sasd_.topology.Fail(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "query is too long"));
  const absl::Status status = FindOne(sasd_.context(), "x", {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "query is too long");
}

TEST_F(FinderTest, ResourceNamesAreNotLookedUp) {
  for (const char* name : {"hosts/500605b00ab01230", "hosts/1/expanders/2", "logicalUnits/naa.1",
                           "enclosures/1/slots/4"}) {
    EXPECT_EQ(*FindName(sasd_.context(), name, {}), name);
  }
  EXPECT_THAT(sasd_.topology.find_requests, IsEmpty());
}

TEST_F(FinderTest, OtherNamesAreLookedUp) {
  sasd_.topology.Add(ParseResource(kHost), {"host1"});
  EXPECT_EQ(*FindName(sasd_.context(), "host1", {sas::v1::RESOURCE_KIND_HOST}),
            "hosts/500605b00ab01230");
  EXPECT_THAT(sasd_.topology.find_requests.back().kinds(),
              ElementsAre(sas::v1::RESOURCE_KIND_HOST));
  EXPECT_EQ(FindName(sasd_.context(), "host2", {}).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sasd::cli
