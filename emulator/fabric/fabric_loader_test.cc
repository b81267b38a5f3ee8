#include "emulator/fabric/fabric_loader.h"

#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "emulator/fabric/shipped_fabrics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::emulator {
namespace {

using ::testing::HasSubstr;

// One host, two expanders in a row, an enclosure with two drives. Each text that a test replaces
// occurs once.
constexpr char kSound[] = R"(host { id: "h" address: "500605b00ab01230" phys: 8 }
enclosure { id: "e" logical_id: "5000ccab03001100" slots: 4 }
expander { id: "x" address: "5000ccab0300113f" phys: 12 enclosure: "e" }
expander { id: "y" address: "5000ccab0300213f" phys: 12 }
link { a: "h" a_phy: 0 b: "x" b_phy: 8 width: 4 }
link { a: "x" a_phy: 4 b: "y" b_phy: 4 }
model { id: "m" vendor: "V" product: "P" size: "1TB" }
device { id: "d0" model: "m" serial: "S0" wwn: "5000c500a7b26110" slot: 0 port { at: "x" phy: 0 } }
device { id: "d1" model: "m" serial: "S1" wwn: "5000c500a7b26120" slot: 1 port { at: "x" phy: 1 } }
)";

std::string ErrorOf(const std::string& text) {
  const absl::StatusOr<FabricSpec> fabric = ParseFabric(text, "f");
  EXPECT_FALSE(fabric.ok());
  if (fabric.ok()) return "";
  EXPECT_EQ(fabric.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(fabric.status().message());
}

// The valid fabric with one change.
std::string With(absl::string_view from, absl::string_view to) {
  const std::string text = absl::StrReplaceAll(kSound, {{from, to}});
  EXPECT_NE(text, kSound) << from;
  return text;
}

// As recorded SES devices: a name that is not their address, a slot before the bays, a slow phy.
TEST(FabricLoaderTest, SesDeviceMayHaveNameSlotAndRateOfItsOwn) {
  const std::string place = R"(phys: 12 enclosure: "e" })";
  const auto ses = [&](const std::string& fields) {
    const auto fabric =
        ParseFabric(With(place, R"(phys: 13 enclosure: "e" ses { )" + fields + "} }"), "f");
    EXPECT_TRUE(fabric.ok()) << fabric.status();
    return std::make_pair(fabric->devices[0], fabric->models[fabric->devices[0].model].max_rate);
  };
  const auto [usual, usual_rate] = ses("");
  EXPECT_EQ(usual.name, usual.ports[0].address);
  EXPECT_EQ(usual.slot, 4);
  EXPECT_EQ(usual_rate, LinkRate::k12Gbps);
  const auto [own, own_rate] = ses(R"(wwn: "5000ccab03001100" slot: 0 rate_gbps: 6 )");
  EXPECT_EQ(own.name, SasAddress(0x5000ccab03001100));
  EXPECT_EQ(own.ports[0].address, usual.ports[0].address);
  EXPECT_EQ(own.slot, 0);
  EXPECT_EQ(own_rate, LinkRate::k6Gbps);
}

TEST(FabricLoaderTest, PhysMayHaveRatesOfTheirOwn) {
  const auto fabric =
      ParseFabric(With("phys: 8 }",
                       "phys: 8 phy_rates { first_phy: 2 last_phy: 5 programmed_min_gbps: 3 }"
                       " phy_rates { first_phy: 5 last_phy: 5 hardware_min_gbps: 3 "
                       "hardware_max_gbps: 6 } }"),
                  "f");
  ASSERT_TRUE(fabric.ok()) << fabric.status();
  const std::vector<PhyRates>& rates = fabric->hosts[0].phy_rates;
  ASSERT_EQ(rates.size(), 8u);
  EXPECT_EQ(rates[1].programmed_min, LinkRate::k1_5Gbps);
  EXPECT_EQ(rates[2].programmed_min, LinkRate::k3Gbps);
  EXPECT_EQ(rates[4].hardware_min, LinkRate::k1_5Gbps);
  EXPECT_EQ(rates[4].hardware_max, LinkRate::k12Gbps);
  EXPECT_EQ(rates[5].hardware_min, LinkRate::k3Gbps);
  EXPECT_EQ(rates[5].programmed_min, LinkRate::k3Gbps);
  EXPECT_EQ(rates[5].hardware_max, LinkRate::k6Gbps);
  EXPECT_TRUE(fabric->expanders[0].phy_rates.empty());
}

TEST(FabricLoaderTest, RatesThatLeaveNoneAreRefused) {
  const auto error = [](const std::string& rates) {
    return ErrorOf(With("phys: 8 }", "phys: 8 phy_rates { " + rates + " } }"));
  };
  EXPECT_THAT(error("last_phy: 3 programmed_min_gbps: 6 programmed_max_gbps: 3"),
              HasSubstr("f:1:1: host \"h\": phy_rates: phy 0 has 1.5 to 12 Gbps and a setting of 6 "
                        "to 3 Gbps"));
  EXPECT_THAT(error("hardware_min_gbps: 3 programmed_min_gbps: 1.5"), HasSubstr("leaves no rate"));
  EXPECT_THAT(error("hardware_max_gbps: 6 programmed_min_gbps: 12"), HasSubstr("leaves no rate"));
  EXPECT_THAT(error("hardware_min_gbps: 7"), HasSubstr("link rate 7 Gbps does not exist"));
}

TEST(FabricLoaderTest, RangeOfPhysIsInOrderAndThere) {
  EXPECT_THAT(ErrorOf(With("phys: 8 }", "phys: 8 phy_rates { first_phy: 4 last_phy: 3 } }")),
              HasSubstr("host \"h\" phy_rates: first_phy 4 is after last_phy 3"));
  EXPECT_THAT(ErrorOf(With("phys: 8 }", "phys: 8 phy_rates { last_phy: 8 } }")),
              HasSubstr("host \"h\" phy_rates last_phy: 8 is out of range; 0 to 7"));
  EXPECT_THAT(ErrorOf(With("5000ccab0300213f\"", "5000ccab0300213f\" routing { first_phy: 2 }")),
              HasSubstr("expander \"y\" routing: first_phy 2 is after last_phy 0"));
}

TEST(FabricLoaderTest, ReadsTheFileIntoASpec) {
  const absl::StatusOr<FabricSpec> fabric = ParseFabric(kSound, "f");
  ASSERT_TRUE(fabric.ok()) << fabric.status();
  ASSERT_EQ(fabric->hosts.size(), 1u);
  EXPECT_EQ(fabric->hosts[0].address, SasAddress(0x500605b00ab01230));
  ASSERT_EQ(fabric->expanders.size(), 2u);
  EXPECT_EQ(fabric->expanders[0].phy_count, 12);
  EXPECT_EQ(fabric->links.size(), 4u + 1u);  // one for each lane
  ASSERT_EQ(fabric->devices.size(), 2u);
  EXPECT_EQ(fabric->devices[1].slot, 1);
  // A SAS drive's port address follows its name (fabric.proto).
  EXPECT_EQ(fabric->devices[1].ports[0].address, SasAddress(0x5000c500a7b26121));
}

TEST(FabricLoaderTest, SharedIdentifiersMustBeDeclared) {
  const std::string host = R"(host { id: "h2" address: "500605b00ab01230" })";
  EXPECT_THAT(ErrorOf(kSound + host), HasSubstr("500605b00ab01230 is in use already"));
  const std::string declared = kSound + host + "shared_identifiers: true";
  EXPECT_TRUE(ParseFabric(declared, "f").ok()) << ParseFabric(declared, "f").status();
  // An expander and a host never have one address.
  const std::string expander = R"(expander { id: "z" address: "500605b00ab01230" phys: 4 })";
  EXPECT_THAT(ErrorOf(kSound + expander + "shared_identifiers: true"),
              HasSubstr("500605b00ab01230 is in use already"));
}

TEST(FabricLoaderTest, ExpandersOfOneAddressNeedTwoPorts) {
  const auto fabric = [](const std::string& host, const std::string& second) {
    return R"(name: "f" description: "f" shared_identifiers: true
              host { id: "h" address: "500605b00ab01230" phys: 8 )" +
           host + R"( }
              host { id: "g" address: "500605b00ab01240" phys: 8 }
              expander { id: "top" address: "5003048000000100" phys: 24 }
              expander { id: "x" address: "5003048000000200" phys: 24 }
              expander { id: "y" address: "5003048000000200" phys: 24 }
              link { a: "h" a_phy: 0 b: "top" b_phy: 0 }
              link { a: "top" a_phy: 8 b: "x" b_phy: 0 }
              link { )" +
           second + R"( b: "y" b_phy: 0 })";
  };
  const std::string below = R"(a: "top" a_phy: 12)", beside = R"(a: "h" a_phy: 4)";
  for (const auto& [host, second] : {std::pair<std::string, std::string>{"", below},
                                     {"port_per_link: true", below},
                                     {"", beside}}) {
    EXPECT_THAT(ErrorOf(fabric(host, second)),
                HasSubstr("expander \"x\" has its address and is on the same port"));
  }
  for (const auto& [host, second] : {std::pair<std::string, std::string>{"", R"(a: "g" a_phy: 4)"},
                                     {"port_per_link: true", beside}}) {
    const auto sound = ParseFabric(fabric(host, second), "f");
    EXPECT_TRUE(sound.ok()) << sound.status();
  }
}

TEST(FabricLoaderTest, OnlySasDrivesHaveSeveralUnits) {
  const auto fabric = ParseFabric(With(R"(size: "1TB")", R"(size: "1TB" luns: 2)"), "f");
  ASSERT_TRUE(fabric.ok()) << fabric.status();
  EXPECT_EQ(fabric->models[0].lun_count, 2);
  EXPECT_THAT(ErrorOf(With(R"(size: "1TB")", R"(size: "1TB" luns: 9)")), HasSubstr("1 to 8"));
  EXPECT_THAT(ErrorOf(With(R"(size: "1TB")", R"(size: "1TB" luns: 2 protocol: SATA)")),
              HasSubstr("a SATA drive has one logical unit"));
}

TEST(FabricLoaderTest, AnUnknownFieldNamesLineAndColumn) {
  EXPECT_THAT(ErrorOf(With("slots: 4", "slotz: 4")), HasSubstr("f:2:"));
  EXPECT_THAT(ErrorOf(With("slots: 4", "slotz: 4")), HasSubstr("slotz"));
}

TEST(FabricLoaderTest, ADanglingReferenceNamesSimilarIds) {
  const std::string error = ErrorOf(With("model { id: \"m\"", "model { id: \"mm\""));
  EXPECT_THAT(error, HasSubstr("f:8:"));
  EXPECT_THAT(error, HasSubstr("there is no model \"m\"; did you mean \"mm\"?"));
}

TEST(FabricLoaderTest, AnAddressInUseNamesBothPlaces) {
  const std::string error = ErrorOf(With("5000ccab0300213f", "5000ccab0300113f"));
  EXPECT_THAT(error, HasSubstr("f:4:"));
  EXPECT_THAT(error, HasSubstr("expander \"y\": the address 5000ccab0300113f is in use already"));
  EXPECT_THAT(error, HasSubstr("at f:3:"));
}

TEST(FabricLoaderTest, AnIdIsUniqueOverAllKinds) {
  const std::string error = ErrorOf(With("device { id: \"d1\"", "device { id: \"h\""));
  EXPECT_THAT(error, HasSubstr("f:9:"));
  EXPECT_THAT(error, HasSubstr("in use already, by the host at f:1:"));
}

TEST(FabricLoaderTest, ALoopOfExpandersIsRefused) {
  const std::string error =
      ErrorOf(absl::StrCat(kSound, "link { a: \"h\" a_phy: 7 b: \"y\" b_phy: 8 }\n"));
  EXPECT_THAT(error, HasSubstr("f:10:"));
  EXPECT_THAT(error, HasSubstr("closes a loop"));
  EXPECT_THAT(error, HasSubstr("take one of the links away"));
}

TEST(FabricLoaderTest, ACableToTheSameElementIsRefused) {
  EXPECT_THAT(ErrorOf(With("a: \"x\" a_phy: 4 b: \"y\"", "a: \"x\" a_phy: 5 b: \"x\"")),
              HasSubstr("both ends are the same element"));
}

TEST(FabricLoaderTest, APhyIsUsedOnce) {
  const std::string error = ErrorOf(With("at: \"x\" phy: 1", "at: \"x\" phy: 0"));
  EXPECT_THAT(error, HasSubstr("f:9:"));
  EXPECT_THAT(error, HasSubstr("phy 0 of expander \"x\" is in use already, by device \"d0\""));
}

TEST(FabricLoaderTest, APhyOutOfRangeNamesTheRange) {
  const std::string error = ErrorOf(With("at: \"x\" phy: 1", "at: \"x\" phy: 12"));
  EXPECT_THAT(error, HasSubstr("phy 12 is out of range"));
  EXPECT_THAT(error, HasSubstr("(0 to 11)"));
}

TEST(FabricLoaderTest, ASlotExistsAndHoldsOneDrive) {
  EXPECT_THAT(ErrorOf(With("slot: 1", "slot: 4")),
              HasSubstr("slot 4 is not one of enclosure \"e\", which has 0 to 3"));
  EXPECT_THAT(ErrorOf(With("slot: 1", "slot: 0")), HasSubstr("holds device \"d0\" already"));
}

TEST(FabricLoaderTest, AnEnclosureWithoutSlotsHoldsNoDrive) {
  const std::string error = ErrorOf(With(" slots: 4", ""));
  EXPECT_THAT(error,
              HasSubstr("device \"d0\": slot 0 is not one of enclosure \"e\", which has none"));
}

TEST(FabricLoaderTest, AnUnknownEnumerationValueIsRefused) {
  EXPECT_THAT(ErrorOf(With("phys: 8 }", "phys: 8 mpi: 7 }")),
              HasSubstr("f:1:1: host \"h\" mpi: 7 is not a value of this enumeration"));
  EXPECT_THAT(ErrorOf(With("size: \"1TB\"", "protocol: 2")),
              HasSubstr("model \"m\" protocol: 2 is"));
  EXPECT_THAT(ErrorOf(With("5000ccab0300213f\"", "5000ccab0300213f\" routing { attribute: 259 }")),
              HasSubstr("expander \"y\" routing attribute: 259 is"));
}

TEST(FabricLoaderTest, AnUnknownLinkRateIsRefused) {
  EXPECT_THAT(ErrorOf(With("size: \"1TB\"", "size: \"1TB\" rate_gbps: 7")), HasSubstr("f:7:"));
}

TEST(FabricLoaderTest, ATextTooLongForItsFieldIsRefused) {
  EXPECT_THAT(ErrorOf(With("vendor: \"V\"", "vendor: \"MUCHTOOLONG\"")),
              HasSubstr("vendor \"MUCHTOOLONG\" has 11 characters; at most 8 fit"));
}

TEST(FabricLoaderTest, EveryProblemIsReported) {
  std::string text = With("slot: 1", "slot: 9");
  text = absl::StrReplaceAll(text, {{"5000ccab0300213f", "5000ccab0300113f"}});
  const std::string error = ErrorOf(text);
  EXPECT_THAT(error, HasSubstr("slot 9"));
  EXPECT_THAT(error, HasSubstr("5000ccab0300113f is in use"));
}

TEST(FabricLoaderTest, EmptyTextLacksAHost) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("f: the fabric has no host"));
}

TEST(FabricLoaderTest, EveryShippedFabricLoads) {
  ASSERT_FALSE(ShippedFabrics().empty());
  for (const ShippedFabric& shipped : ShippedFabrics()) {
    const absl::StatusOr<FabricSpec> fabric = LoadFabric(shipped.name);
    ASSERT_TRUE(fabric.ok()) << fabric.status();
    EXPECT_EQ(fabric->name, shipped.name);
    EXPECT_FALSE(fabric->devices.empty()) << shipped.name;
  }
}

TEST(FabricLoaderTest, AnUnknownNameListsTheShippedFabrics) {
  const absl::Status status = LoadFabric("demmo").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("demo"));
  const absl::Status file = LoadFabric("/nonexistent/f.textproto").status();
  EXPECT_EQ(file.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(file.message()), HasSubstr("/nonexistent/f.textproto"));
}

// A start with such a file must end with an error.
TEST(FabricLoaderTest, AFileWithoutAnEndIsRefused) {
  const std::string fifo = testing::TempDir() + "/fabric.textproto";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  for (const std::string& path : {fifo, std::string("/dev/zero")}) {
    const absl::Status status = LoadFabric(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    EXPECT_THAT(std::string(status.message()), HasSubstr("not a regular file"));
  }
}

}  // namespace
}  // namespace sasd::emulator
