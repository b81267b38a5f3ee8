#include "cli/query/watch_filter.h"

#include <string>
#include <vector>

#include "cli/query/fake_sasd.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

// The filter in protobuf's short form, or the error.
std::string Ask(const std::vector<std::string>& arguments) {
  FakeSasd sasd;
  sasd.topology.Add(ParseResource(R"(host { name: "hosts/1" })"), {"host1"});
  const auto filter = ParseWatchFilter(arguments, sasd.context());
  return filter.ok() ? filter->ShortDebugString() : std::string(filter.status().message());
}

TEST(WatchFilterTest, KindsAndHostsAreSent) {
  EXPECT_EQ(Ask({}), "");
  EXPECT_EQ(Ask({"kind=drives,slot", "host=host1"}),
            "kinds: RESOURCE_KIND_LOGICAL_UNIT kinds: RESOURCE_KIND_SLOT hosts: \"hosts/1\"");
}

TEST(WatchFilterTest, ConditionsOfListsAreSent) {
  EXPECT_EQ(Ask({"kind=drive", "size>=14TB", "model=HUH72*,ST8*"}),
            "kinds: RESOURCE_KIND_LOGICAL_UNIT "
            "conditions { field: \"size_bytes\" operator: OPERATOR_GREATER_OR_EQUAL "
            "values: \"14000000000000\" } "
            "conditions { field: \"model\" operator: OPERATOR_EQUAL values: \"HUH72*\" "
            "values: \"ST8*\" }");
  EXPECT_EQ(Ask({"kind=device", "state!=attached", "rate<12"}),
            "kinds: RESOURCE_KIND_END_DEVICE "
            "conditions { field: \"state\" operator: OPERATOR_NOT_EQUAL "
            "values: \"DEVICE_STATE_ATTACHED\" } "
            "conditions { field: \"link_rate\" operator: OPERATOR_LESS "
            "values: \"LINK_RATE_12_GBPS\" }");
}

TEST(WatchFilterTest, AKeyThatMeansTheSameNeedsNoKind) {
  EXPECT_EQ(Ask({"slot=4"}),
            "conditions { field: \"slot\" operator: OPERATOR_EQUAL values: \"4\" }");
  EXPECT_EQ(Ask({"kind=port,expander", "rate>6"}),
            "kinds: RESOURCE_KIND_PORT kinds: RESOURCE_KIND_EXPANDER "
            "conditions { field: \"link_rate\" operator: OPERATOR_GREATER "
            "values: \"LINK_RATE_6_GBPS\" }");
}

TEST(WatchFilterTest, TextsThatListsShowAreSent) {
  EXPECT_EQ(Ask({"kind=slot", "label!=Slot*"}),
            "kinds: RESOURCE_KIND_SLOT conditions { field: \"label\" "
            "operator: OPERATOR_NOT_EQUAL values: \"Slot*\" }");
  EXPECT_EQ(Ask({"kind=slot", "label<x"}), "filter label takes = and !=, not <");
}

TEST(WatchFilterTest, AnAmbiguousKeyNamesTheKinds) {
  EXPECT_EQ(Ask({"rate>6"}),
            "filter rate of events is not the same for phys and ports; choose with kind=phy or "
            "kind=port");
}

TEST(WatchFilterTest, WhatOnlySasctlComparesIsAnError) {
  EXPECT_EQ(Ask({"kind=drive", "size=14TB"}), "filter size of events takes <, <=, > and >=, not =");
  const std::string unknown = Ask({"kind=slot", "updated=x"});
  EXPECT_EQ(unknown.find("unknown filter \"updated\" for events"), 0u) << unknown;
}

TEST(WatchFilterTest, OtherKeysAndOperatorsAreErrors) {
  const std::string unknown = Ask({"kinds=drive"});
  EXPECT_EQ(
      unknown.find("unknown filter \"kinds\" for events; did you mean \"kind\"? (filters: kind, "
                   "host, "),
      0u)
      << unknown;
  EXPECT_EQ(Ask({"host!=host1"}), "filter host of events takes only =, not !=");
  EXPECT_EQ(Ask({"kind>drive"}), "filter kind of events takes only =, not >");
}

}  // namespace
}  // namespace sasd::cli
