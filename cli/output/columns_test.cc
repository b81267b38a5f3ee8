#include "cli/output/columns.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::IsEmpty;

using Shown = Column::Shown;

std::vector<Column> Columns() {
  return {{"address", Shown::kAlways, false, {}},
          {"os-name", Shown::kWide, false, {}},
          {"width", Shown::kAlways, true, {}},
          {"revision", Shown::kOnRequest, true, {}}};
}

std::string Keys(const std::vector<const Column*>& columns) {
  return absl::StrJoin(columns, " ",
                       [](std::string* out, const Column* column) { out->append(column->key); });
}

// The cell of a resource in text format.
std::string Cell(const std::string& text, const std::string& key) {
  sas::v1::Resource resource;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &resource)) << text;
  // The numbers of fields equal the ResourceKind.
  const int number = resource.resource_case();
  const Column* column = FindColumn(ColumnsOf(static_cast<sas::v1::ResourceKind>(number)), key);
  if (column == nullptr) return "no such column";
  return column->value(resource.GetReflection()->GetMessage(
      resource, resource.GetDescriptor()->FindFieldByNumber(number)));
}

TEST(ColumnsTest, AWideTableAddsNoOnRequestColumns) {
  const std::vector<Column> columns = Columns();
  EXPECT_EQ(Keys(DefaultColumns(columns, /*wide=*/false)), "address width");
  EXPECT_EQ(Keys(DefaultColumns(columns, /*wide=*/true)), "address os-name width");
}

TEST(ColumnsTest, ChosenColumnsKeepTheirOrder) {
  const std::vector<Column> columns = Columns();
  struct Case {
    const char* list;
    const char* keys;
  };
  for (const Case& c : std::vector<Case>{{"revision,address", "revision address"},
                                         {" width , os_name ", "width os-name"},
                                         {"OS-Name", "os-name"},
                                         {"width,,width,", "width width"}}) {
    const auto chosen = ChooseColumns(columns, c.list);
    ASSERT_TRUE(chosen.ok()) << chosen.status();
    EXPECT_EQ(Keys(*chosen), c.keys) << c.list;
  }
}

TEST(ColumnsTest, AnUnknownColumnNamesCloseOnesAndAll) {
  const std::vector<Column> columns = Columns();
  const auto chosen = ChooseColumns(columns, "address,adress,wdth");
  EXPECT_EQ(chosen.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(chosen.status().message(),
            "unknown column \"adress\"; did you mean \"address\"? "
            "(columns: address, os-name, width, revision)");
}

TEST(ColumnsTest, AnEmptyChoiceIsAnError) {
  const std::vector<Column> columns = Columns();
  for (const char* list : {",", " , "}) {
    EXPECT_EQ(ChooseColumns(columns, list).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ColumnsTest, EveryKindHasColumnsWithDistinctKeys) {
  for (int kind = sas::v1::RESOURCE_KIND_HOST; kind <= sas::v1::ResourceKind_MAX; ++kind) {
    const auto& columns = ColumnsOf(static_cast<sas::v1::ResourceKind>(kind));
    EXPECT_FALSE(DefaultColumns(columns, false).empty()) << kind;
    std::set<std::string> keys;
    for (const Column& column : columns) {
      EXPECT_TRUE(keys.insert(column.key).second) << column.key;
      EXPECT_EQ(column.Header(), absl::AsciiStrToUpper(column.key));
    }
    for (const char* common : {"sources", "revision", "updated", "name"}) {
      EXPECT_NE(FindColumn(columns, common), nullptr) << kind << " " << common;
    }
  }
  EXPECT_THAT(ColumnsOf(sas::v1::RESOURCE_KIND_UNSPECIFIED), IsEmpty());
  EXPECT_THAT(ColumnsOf(static_cast<sas::v1::ResourceKind>(99)), IsEmpty());
}

TEST(ColumnsTest, NumbersAreRightAligned) {
  for (const char* key : {"slot", "paths", "size", "bytes", "revision"}) {
    EXPECT_TRUE(FindColumn(ColumnsOf(sas::v1::RESOURCE_KIND_LOGICAL_UNIT), key)->right_aligned);
  }
  EXPECT_FALSE(FindColumn(ColumnsOf(sas::v1::RESOURCE_KIND_LOGICAL_UNIT), "serial")->right_aligned);
}

TEST(ColumnsTest, CellsShowShortNames) {
  constexpr char kUnit[] = R"(logical_unit {
    wwid: "naa.5000c500a7b26111" peripheral_type: 20 enclosure: "enclosures/5000ccab0405db00"
    slot: 0 size_bytes: 8001563222016
    paths { host: "hosts/1" end_device: "hosts/1/endDevices/5000c500a7b26111" block_device: "sdb"
            state: DEVICE_STATE_ATTACHED }
    paths { host: "hosts/1" end_device: "hosts/1/endDevices/5000c500a7b26112"
            state: DEVICE_STATE_BLOCKED }
    paths { host: "hosts/2" end_device: "hosts/2/endDevices/5000c500a7b26111" block_device: "sdk"
            state: DEVICE_STATE_ATTACHED }
  })";
  constexpr char kLost[] = R"(logical_unit {
    most_path_count: 2 lost_hosts: "hosts/500605b00ab01230"
    paths { holders { name: "mpatha" block_device: "dm-0" } holders { block_device: "md127" } }
  })";
  constexpr char kPort[] = R"(port { owner: "hosts/1" attached: "hosts/1/expanders/2" width: 2
                                     widest_count: 4 phy_identifiers: [0, 3] })";
  constexpr char kDevice[] = R"(end_device { host: "hosts/1" parent: "hosts/1/expanders/2"
                                peripheral_type: 13 target_protocols: PROTOCOL_SSP
                                link_rate: LINK_RATE_12_GBPS device_handle: 18 })";
  struct Case {
    const char* resource;
    const char* key;
    const char* cell;
  };
  for (const Case& c : std::vector<Case>{
           {kUnit, "type", "zbc-disk"},
           {kUnit, "enclosure", "5000ccab0405db00"},
           {kUnit, "slot", "0"},
           {kUnit, "block-devices", "sdb,sdk"},
           {kUnit, "paths", "3"},
           {kUnit, "state", "attached,blocked"},
           {kUnit, "size", "8.0TB"},
           {kUnit, "bytes", "8001563222016"},
           {kUnit, "addresses", "5000c500a7b26111,5000c500a7b26112"},  // distinct
           {kUnit, "hosts", "1,2"},
           {kUnit, "lost-hosts", ""},
           {kLost, "paths", "1/2"},
           {kLost, "lost-hosts", "500605b00ab01230"},
           {kLost, "holders", "mpatha,md127"},
           {"logical_unit {}", "slot", ""},
           {"logical_unit {}", "state", ""},
           {"logical_unit {}", "size", ""},
           {kPort, "to", "expanders"},
           {kPort, "phys", "0,3"},
           {kPort, "note", "narrow: 2 of 4"},
           {"port { width: 4 widest_count: 4 }", "note", ""},
           {kDevice, "type", "enclosure"},
           {kDevice, "parent", "2"},
           {kDevice, "protocol", "ssp"},
           {kDevice, "rate", "12G"},
           {kDevice, "handle", "0x0012"},
           {"end_device {}", "type", ""},  // unknown, unlike 0
           {"host { discovery { state: DISCOVERY_STATE_SETTLED } }", "discovery", "settled"},
           {R"(phy { owner: "hosts/1/expanders/2" })", "owner", "2"},
           {"enclosure { slot_count: 60 }", "slots", "60"},
           {"enclosure {}", "slots", ""},  // Linux does not report it
           {R"(enclosure { hosts: ["hosts/1", "hosts/2"] })", "hosts", "1,2"},
           {"slot { occupied: true }", "occupied", "yes"},
           {R"(slot { logical_unit: "logicalUnits/naa.5" })", "drive", "naa.5"},
       }) {
    EXPECT_EQ(Cell(c.resource, c.key), c.cell) << c.key << " of " << c.resource;
  }
}

TEST(ColumnsTest, AnUnknownWidthIsEmpty) {
  sas::v1::Port port;
  const Column* const width = FindColumn(ColumnsOf(sas::v1::RESOURCE_KIND_PORT), "width");
  ASSERT_NE(width, nullptr);
  EXPECT_EQ(width->value(port), "");
  port.set_width(4);
  EXPECT_EQ(width->value(port), "4");
}

}  // namespace
}  // namespace sasd::cli
