#include "cli/output/node_summary.h"

#include <string>

#include "cli/output/link_text.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Two enclosures in a row behind one host: e1, and e2 behind a wider link.
NodePicture TwoInARow() {
  NodePicture picture;
  picture.node_name = "vm";
  TreeSnapshot& all = picture.topology;
  all.hosts.push_back(
      Parse<sas::v1::Host>("name: 'hosts/h' os_name: 'host1' board_name: 'HBA' discovery { state: "
                           "DISCOVERY_STATE_SETTLED }"));
  all.ports.push_back(
      Parse<sas::v1::Port>("name: 'p' owner: 'hosts/h' attached: 'hosts/h/expanders/x1' width: 4 "
                           "link_rate: LINK_RATE_12_GBPS"));
  all.expanders.push_back(Parse<sas::v1::Expander>(
      "name: 'hosts/h/expanders/x1' host: 'hosts/h' parent: 'hosts/h' enclosure: 'enclosures/e1' "
      "link_width: 4 link_rate: LINK_RATE_12_GBPS"));
  all.expanders.push_back(Parse<sas::v1::Expander>(
      "name: 'hosts/h/expanders/x2' host: 'hosts/h' parent: 'hosts/h/expanders/x1' "
      "enclosure: 'enclosures/e2' link_width: 8 link_rate: LINK_RATE_12_GBPS"));
  all.enclosures.push_back(Parse<sas::v1::Enclosure>(
      "name: 'enclosures/e1' vendor: 'SMC' model: 'JBOD24' slot_count: 24 occupied_slot_count: 1"));
  all.enclosures.push_back(
      Parse<sas::v1::Enclosure>("name: 'enclosures/e2' model: 'JBOD12' slot_count: 12"));
  all.enclosures.push_back(Parse<sas::v1::Enclosure>("name: 'enclosures/h'"));
  all.units.push_back(
      Parse<sas::v1::LogicalUnit>("name: 'logicalUnits/u1' enclosure: 'enclosures/e1' "
                                  "paths { end_device: 'hosts/h/endDevices/d1' host: 'hosts/h' }"));
  // Not a drive.
  all.units.push_back(Parse<sas::v1::LogicalUnit>(
      "name: 'logicalUnits/ses' peripheral_type: 13 enclosure: 'enclosures/e1' "
      "paths { end_device: 'hosts/h/endDevices/s1' host: 'hosts/h' }"));
  picture.findings.set_status(sas::v1::HEALTH_STATUS_OK);
  return picture;
}

void LoseADrive(NodePicture& picture) {
  picture.missing.push_back(Parse<sas::v1::BaselineEntry>(
      "resource: 'hosts/h/endDevices/d2' kind: RESOURCE_KIND_END_DEVICE missing: true last_known { "
      "end_device { name: 'hosts/h/endDevices/d2' enclosure: 'enclosures/e2' "
      "logical_units: 'logicalUnits/u2' } }"));
  picture.missing.push_back(Parse<sas::v1::BaselineEntry>(
      "resource: 'logicalUnits/u2' kind: RESOURCE_KIND_LOGICAL_UNIT missing: true last_known { "
      "logical_unit { name: 'logicalUnits/u2' enclosure: 'enclosures/e2' } }"));
  picture.findings = Parse<sas::v1::ListFindingsResponse>(
      "status: HEALTH_STATUS_CRITICAL findings { severity: SEVERITY_CRITICAL reason: "
      "'DRIVE_MISSING' resource: 'logicalUnits/u2' message: 'drive u2 is missing' last_known { "
      "logical_unit { enclosure: 'enclosures/e2' paths { host: 'hosts/h' } } } }");
}

TEST(NodeSummaryTest, OneLinePerHostAndEnclosure) {
  EXPECT_EQ(SummaryText(TwoInARow(), Paint()),
            "vm: OK: 1 drive, 1 path, 1 host, 2 expanders, 3 enclosures, 35 free slots\n"
            "\n"
            "HOST  OS-NAME  BOARD  DISCOVERY  DRIVES  PATHS  LINKS  GBIT/S  FINDINGS\n"
            "h     host1    HBA    settled       1/1    1/1  4x12G      48  -\n"
            "\n"
            "ENCLOSURE  MODEL       DRIVES  FREE  PATHS  LINKS  GBIT/S  FINDINGS\n"
            "e1         SMC JBOD24     1/1    23    1/1  4x12G      48  -\n"
            "e2         JBOD12         0/0    12    0/0  4x12G      48  -\n");
}

TEST(NodeSummaryTest, MissingDrivesAreExpected) {
  NodePicture picture = TwoInARow();
  LoseADrive(picture);
  EXPECT_EQ(SummaryText(picture, Paint()),
            "vm: CRITICAL: 1 of 2 drives, 1 of 2 paths, 1 host, 2 expanders, 3 enclosures, "
            "35 free slots\n"
            "\n"
            "HOST  OS-NAME  BOARD  DISCOVERY  DRIVES  PATHS  LINKS  GBIT/S  FINDINGS\n"
            "h     host1    HBA    settled       1/2    1/2  4x12G      48  1 critical\n"
            "\n"
            "ENCLOSURE  MODEL       DRIVES  FREE  PATHS  LINKS  GBIT/S  FINDINGS\n"
            "e1         SMC JBOD24     1/1    23    1/1  4x12G      48  -\n"
            "e2         JBOD12         0/1    12    0/1  4x12G      48  1 critical\n"
            "\n"
            "critical  DRIVE_MISSING  drive u2 is missing\n");
}

TEST(NodeSummaryTest, DriveThatCameBackWhileWeAskedIsNotMissing) {
  NodePicture picture = TwoInARow();
  LoseADrive(picture);
  picture.topology.units.push_back(
      Parse<sas::v1::LogicalUnit>("name: 'logicalUnits/u2' enclosure: 'enclosures/e2' "
                                  "paths { end_device: 'hosts/h/endDevices/d2' host: 'hosts/h' }"));
  EXPECT_THAT(SummaryText(picture, Paint()), HasSubstr(": 2 drives, 2 paths, "));
}

TEST(NodeSummaryTest, LostHostAndEnclosureKeepTheirLines) {
  NodePicture picture = TwoInARow();
  picture.missing.push_back(Parse<sas::v1::BaselineEntry>(
      "resource: 'hosts/g' missing: true last_known { host { name: 'hosts/g' } }"));
  picture.missing.push_back(Parse<sas::v1::BaselineEntry>(
      "resource: 'enclosures/e3' missing: true "
      "last_known { enclosure { name: 'enclosures/e3' slot_count: 60 } }"));
  const std::string text = SummaryText(picture, Paint());
  EXPECT_THAT(text, HasSubstr("1 of 2 hosts, 2 expanders, 3 of 4 enclosures, 35 free slots"));
  EXPECT_THAT(text,
              HasSubstr("\ng     -        -      MISSING       0/0    0/0  -           -  -"));
  EXPECT_THAT(text, HasSubstr("\ne3         MISSING        0/0     -    0/0  -           -  -"));
}

TEST(NodeSummaryTest, ShowsTheWorstFindingsFirst) {
  NodePicture picture = TwoInARow();
  for (int i = 0; i < 12; ++i) {
    auto& finding = *picture.findings.add_findings();
    finding.set_severity(i == 11 ? sas::v1::SEVERITY_CRITICAL : sas::v1::SEVERITY_WARNING);
    finding.set_reason("SLOW_LINK");
    finding.set_resource("hosts/h/expanders/x1/phys/3");
    finding.set_message(std::to_string(i));
  }
  const std::string text = SummaryText(picture, Paint());
  EXPECT_THAT(text, HasSubstr("\ncritical  SLOW_LINK  11\nwarning   SLOW_LINK  0\n"));
  EXPECT_THAT(text, HasSubstr("SLOW_LINK  8\nand 2 more: sasctl health\n"));
  EXPECT_THAT(text, Not(HasSubstr("SLOW_LINK  9")));
  EXPECT_THAT(text, HasSubstr("e1         SMC JBOD24     1/1    23    1/1  4x12G      48  "
                              "1 critical, 11 warnings\n"));
}

TEST(NodeSummaryTest, NodeWithoutHostsIsUnknown) {
  NodePicture picture;
  picture.node_name = "vm";
  picture.findings.set_status(sas::v1::HEALTH_STATUS_UNKNOWN);
  picture.findings.set_status_message("there is no host");
  EXPECT_EQ(SummaryText(picture, Paint()),
            "vm: UNKNOWN: there is no host: 0 drives, 0 paths, 0 hosts, 0 expanders, "
            "0 enclosures\n");
}

TEST(LinkTextTest, FoldsLinksThatAreAlike) {
  constexpr auto k12 = sas::v1::LINK_RATE_12_GBPS, k6 = sas::v1::LINK_RATE_6_GBPS;
  EXPECT_EQ(LinkText({{1, k6}, {4, k12}, {4, k12}}), "2 x 4x12G + 1x6G");
  EXPECT_EQ(LinkText({{8, sas::v1::LINK_RATE_22_5_GBPS}}), "8x22.5G");
  EXPECT_EQ(LinkText({{0, k12}}), "-");
  EXPECT_EQ(GbitText(Tenths({3, sas::v1::LINK_RATE_1_5_GBPS})), "4.5");
  EXPECT_EQ(GbitText(Tenths({4, sas::v1::LINK_RATE_DISABLED})), "-");
}

}  // namespace
}  // namespace sasd::cli
