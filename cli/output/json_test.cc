#include "cli/output/json.h"

#include <string>

#include "gtest/gtest.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {
namespace {

sas::v1::Host Host() {
  sas::v1::Host host;
  host.set_name("hosts/x");
  host.set_phy_count(8);
  host.set_revision(7);
  host.mutable_discovery()->set_state(sas::v1::DISCOVERY_STATE_SETTLED);
  return host;
}

TEST(JsonTest, AMessageIsCanonicalJsonOnOneLine) {
  EXPECT_EQ(ToJson(Host()), R"({"name":"hosts/x","phyCount":8,)"
                            R"("discovery":{"state":"DISCOVERY_STATE_SETTLED"},"revision":"7"})");
  EXPECT_EQ(ToJson(sas::v1::Host()), "{}");
}

TEST(JsonTest, IndentedJsonHasOneFieldPerLine) {
  EXPECT_EQ(ToIndentedJson(Host()),
            "{\n"
            " \"name\": \"hosts/x\",\n"
            " \"phyCount\": 8,\n"
            " \"discovery\": {\n"
            "  \"state\": \"DISCOVERY_STATE_SETTLED\"\n"
            " },\n"
            " \"revision\": \"7\"\n"
            "}");
}

TEST(JsonTest, ATextIsQuotedAndEscaped) {
  EXPECT_EQ(JsonString(""), R"("")");
  EXPECT_EQ(JsonString(R"(a "b" \c)"), R"("a \"b\" \\c")");
  EXPECT_EQ(JsonString("a\tb\x7f"), R"("a\u0009b\u007f")");
  EXPECT_EQ(JsonString("b\xc3\xa9"), "\"b\xc3\xa9\"");
}

}  // namespace
}  // namespace sasd::cli
