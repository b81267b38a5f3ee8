#include "daemon/health/alias_text.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A host, and an enclosure of its identifier.
const HostKey kHost(SasAddress(0x500605b00ab01230));
const EnclosureKey kOfHost(0x500605b00ab01230);
const EnclosureKey kJbod(0x5000ccab03001100);

class AliasTextTest : public ::testing::Test {
 protected:
  std::string In(const std::string& text) { return AliasText(aliases_).In(text, &named_); }

  registry::Aliases aliases_;
  std::vector<NamedAlias> named_;
};

TEST_F(AliasTextTest, AliasStandsBehindTheIdentifier) {
  aliases_.hosts[kHost] = "rack3-a";
  aliases_.enclosures[kJbod] = "rack3-top";
  EXPECT_EQ(In("drive ZA1 in slot 3 of enclosure 5000ccab03001100 is missing, none over host "
               "500605b00ab01230"),
            "drive ZA1 in slot 3 of enclosure 5000ccab03001100 (rack3-top) is missing, none over "
            "host 500605b00ab01230 (rack3-a)");
  ASSERT_THAT(named_, SizeIs(2));
  EXPECT_EQ(named_[0].resource, registry::ResourceId(registry::MakeId<registry::Enclosure>(kJbod)));
  EXPECT_EQ(named_[0].alias, "rack3-top");
  EXPECT_EQ(named_[1].alias, "rack3-a");
}

TEST_F(AliasTextTest, HostDoesNotGetTheAliasOfItsEnclosure) {
  aliases_.enclosures[kOfHost] = "inner";
  EXPECT_EQ(In("port to 5000ccab0300113f of host 500605b00ab01230 has 3 of 4 phys"),
            "port to 5000ccab0300113f of host 500605b00ab01230 has 3 of 4 phys");
  EXPECT_THAT(named_, IsEmpty());
  EXPECT_EQ(In("enclosure 500605b00ab01230"), "enclosure 500605b00ab01230 (inner)");
}

TEST_F(AliasTextTest, OtherObjectsOfTheIdentifierStayAsTheyAre) {
  aliases_.enclosures[kJbod] = "rack3-top";
  for (const char* text :
       {"enclosure 5000ccab03001101, expander 5000ccab03001100", "port to 5000ccab03001100",
        "enclosure 5000ccab030011001", "5000ccab03001100"}) {
    EXPECT_EQ(In(text), text);
  }
}

TEST_F(AliasTextTest, EachOfAListGetsItsAlias) {
  aliases_.enclosures[kJbod] = "rack3-top";
  aliases_.enclosures[kOfHost] = "inner";
  EXPECT_EQ(In("enclosures 500605b00ab01230 and 5000ccab03001100 have one identifier"),
            "enclosures 500605b00ab01230 (inner) and 5000ccab03001100 (rack3-top) have one "
            "identifier");
}

TEST_F(AliasTextTest, FindingHasTheAliasOfTheHostOfItsResource) {
  aliases_.hosts[kHost] = "rack3-a";
  Finding finding;
  finding.id.resource = registry::MakeId<registry::Expander>(
      NodeKey{kHost, SasAddress(0x5000ccab0300113f), PhysicalPort(0)});
  finding.message = "expander 5000ccab0300113f is missing";
  std::vector<Finding> findings = {finding};
  AliasText(aliases_).AddTo(findings);
  EXPECT_EQ(findings[0].message, "expander 5000ccab0300113f is missing");
  ASSERT_THAT(findings[0].aliases, SizeIs(1));
  EXPECT_EQ(findings[0].aliases[0].alias, "rack3-a");
}

}  // namespace
}  // namespace sasd::health
