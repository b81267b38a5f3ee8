#include "cli/output/place_names.h"

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

constexpr char kHost[] = "hosts/500605b00ab01234", kJbod[] = "enclosures/5000ccab03001100";

PlaceNames Named() {
  PlaceNames names;
  sas::v1::Host host;
  host.set_name(kHost);
  host.set_alias("rack3-a");
  names.Add(host);
  sas::v1::Enclosure jbod;
  jbod.set_name(kJbod);
  jbod.set_model("JBOD24");
  jbod.set_alias("rack3-top");
  names.Add(jbod);
  return names;
}

TEST(PlaceNamesTest, AliasWinsOverModelAndIdentifier) {
  PlaceNames names = Named();
  EXPECT_EQ(names.Enclosure(kJbod), "rack3-top");
  EXPECT_EQ(names.Slot(kJbod, 3), "rack3-top/3");
  EXPECT_EQ(names.AliasOrId(kHost), "rack3-a");
  sas::v1::Enclosure jbod;
  jbod.set_name(kJbod);
  jbod.set_model("JBOD24");
  names.Add(jbod);  // the alias was removed
  EXPECT_EQ(names.Slot(kJbod, 3), "JBOD24/3");
  EXPECT_EQ(names.AliasOrId(kJbod), "5000ccab03001100");
}

TEST(PlaceNamesTest, CellsShowTheAliasesOfTheirKind) {
  const PlaceNames names = Named();
  EXPECT_EQ(names.InCell(sas::v1::RESOURCE_KIND_HOST, "500605b00ab01230,500605b00ab01234"),
            "500605b00ab01230,rack3-a");
  EXPECT_EQ(names.InCell(sas::v1::RESOURCE_KIND_ENCLOSURE, "500605b00ab01234"), "500605b00ab01234");
  EXPECT_EQ(names.InCell(sas::v1::RESOURCE_KIND_ENCLOSURE, "5000ccab03001100"), "rack3-top");
}

TEST(PlaceNamesTest, LinesShowAliases) {
  const PlaceNames names = Named();
  EXPECT_EQ(names.InText("host 500605b00ab01234 is missing."), "host rack3-a is missing.");
  EXPECT_EQ(names.InText("drive ZA1, slot 3 of enclosure 5000ccab03001100, is missing"),
            "drive ZA1, slot 3 of enclosure rack3-top, is missing");
  EXPECT_EQ(names.InText("removed from 5000ccab03001100/3: pulled"),
            "removed from rack3-top/3: pulled");
  EXPECT_EQ(names.InText("lost its path over 500605b00ab01234, 1 left"),
            "lost its path over rack3-a, 1 left");
}

TEST(PlaceNamesTest, HostKeepsItsAddressBesideTheAliasOfItsEnclosure) {
  PlaceNames names;
  names.AddAlias("enclosures/500605b00ab01234", "inner");
  for (const char* line :
       {"host 500605b00ab01234 added", "path over 500605b00ab01234 appeared",
        "hosts 500605b00ab01230,500605b00ab01234 -> 500605b00ab01234",
        "phy 500605b00ab01234/3 down", "end device via 500605b00ab01234/phy 3"}) {
    EXPECT_EQ(names.InText(line), line);
  }
  EXPECT_EQ(names.InText("drive ZA1  500605b00ab01234/0"), "drive ZA1  inner/0");
  names.AddAlias("hosts/500605b00ab01234", "rack3-a");
  EXPECT_EQ(names.InText("phy 500605b00ab01234/3, enclosure 500605b00ab01234, over "
                         "500605b00ab01234: expander 500605b00ab01234"),
            "phy rack3-a/3, enclosure inner, over rack3-a: expander 500605b00ab01234");
  EXPECT_EQ(names.InText("port 500605b00ab01234/500605b00ab01234"),
            "port rack3-a/500605b00ab01234");
  EXPECT_EQ(names.InText("lost hosts none -> 500605b00ab01234"), "lost hosts none -> rack3-a");
}

TEST(PlaceNamesTest, OtherObjectsKeepTheirAddress) {
  const PlaceNames names = Named();
  for (const char* line :
       {"expander 5000ccab03001100 removed", "end device 5000ccab03001100 on host 1",
        "port 500605b00ab01230/500605b00ab01234", "phy 5000ccab03001100x/3", ""}) {
    EXPECT_EQ(names.InText(line), line);
  }
}

}  // namespace
}  // namespace sasd::cli
