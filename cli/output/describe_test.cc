#include "cli/output/describe.h"

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using sas::v1::Resource;

constexpr char kUnit[] = R"(logical_unit {
  name: "logicalUnits/naa.5000c500a7b26113" serial: "ZA1" vendor: "SEAGATE" model: "ST8000NM0075"
  enclosure: "enclosures/5000ccab0405db00" slot: 4
  paths { end_device: "hosts/1/endDevices/5000c500a7b26111" block_device: "sdb" }
  paths { end_device: "hosts/2/endDevices/5000c500a7b26112" block_device: "sdk" }
})";
constexpr char kSlot[] = R"(slot { name: "enclosures/5000ccab0405db00/slots/4" occupied: true
                                   logical_unit: "logicalUnits/naa.5000c500a7b26113" })";

Resource ParseResource(const std::string& text) {
  Resource resource;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &resource)) << text;
  return resource;
}

TEST(DescribeResourceTest, DescribesIdentityAndPlace) {
  struct Case {
    std::string resource;
    const char* text;
  };
  for (const Case& c : std::vector<Case>{
           {kUnit, "5000ccab0405db00/4, sdb, sdk, SEAGATE ST8000NM0075 ZA1"},
           {R"(end_device { enclosure: "enclosures/5" slot: 0 block_device: "sdb" model: "X" })",
            "5/0, sdb, X"},
           {R"(end_device { slot: 4 serial: "ZA1" })", "ZA1"},  // a slot of no enclosure
           {kSlot, ""},
           {R"(slot { label: "Slot 01" })", "Slot 01, empty"},
           {R"(slot { occupied: true block_devices: "sdb" vendor: "HGST" })", "sdb, HGST"},
           {R"(expander { os_name: "expander-1:0" vendor: "ASTEK" product: "S" })",
            "expander-1:0, ASTEK S"},
           {R"(host { os_name: "host1" board_name: "HBA 9500-16e" })", "host1, HBA 9500-16e"},
           {R"(enclosure { vendor: "HGST" model: "4U60" })", "HGST 4U60"},
           {"port { width: 4 link_rate: LINK_RATE_12_GBPS }", "4x 12G"},
           {"phy { negotiated_link_rate: LINK_RATE_DISABLED }", "disabled"},
           {"", ""},
       }) {
    EXPECT_EQ(DescribeResource(ParseResource(c.resource)), c.text) << c.resource;
  }
}

}  // namespace
}  // namespace sasd::cli
