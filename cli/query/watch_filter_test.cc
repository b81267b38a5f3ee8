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

TEST(WatchFilterTest, OtherKeysAndOperatorsAreErrors) {
  EXPECT_EQ(Ask({"kinds=drive"}),
            "no filter \"kinds\" for events; did you mean \"kind\"? (filters: kind, host)");
  EXPECT_EQ(Ask({"host!=host1"}), "filter host of events takes only =, not !=");
  EXPECT_EQ(Ask({"kind>drive"}), "filter kind of events takes only =, not >");
}

}  // namespace
}  // namespace sasd::cli
