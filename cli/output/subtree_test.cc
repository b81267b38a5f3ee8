#include "cli/output/subtree.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// h -- x1 (e1) -- x2 (e2) -- d2, and d1 at x1, d0 at h; another host g with d3.
TreeSnapshot Node() {
  TreeSnapshot all;
  for (const char* host : {"h", "g"}) {
    all.hosts.emplace_back();
    all.hosts.back().set_name(host);
  }
  all.expanders = {
      Parse<sas::v1::Expander>("name: 'x1' host: 'h' parent: 'h' enclosure: 'e1'"),
      Parse<sas::v1::Expander>("name: 'x2' host: 'h' parent: 'x1' enclosure: 'e2'"),
  };
  all.devices = {
      Parse<sas::v1::EndDevice>("name: 'd0' host: 'h' parent: 'h'"),
      Parse<sas::v1::EndDevice>("name: 'd1' host: 'h' parent: 'x1' enclosure: 'e1'"),
      Parse<sas::v1::EndDevice>("name: 'd2' host: 'h' parent: 'x2' enclosure: 'e2'"),
      Parse<sas::v1::EndDevice>("name: 'd3' host: 'g' parent: 'g'"),
  };
  all.ports = {
      Parse<sas::v1::Port>("owner: 'h' attached: 'x1' attached_sas_address: '1'"),
      Parse<sas::v1::Port>("owner: 'x1' attached: 'h' attached_sas_address: '0'"),
      Parse<sas::v1::Port>("owner: 'x1' attached: 'x2' attached_sas_address: '2'"),
      Parse<sas::v1::Port>("owner: 'x2' attached: 'd2' attached_sas_address: 'd2'"),
  };
  for (const char* enclosure : {"e1", "e2"}) {
    all.enclosures.emplace_back();
    all.enclosures.back().set_name(enclosure);
  }
  return all;
}

struct Names {
  std::vector<std::string> hosts, expanders, devices, enclosures;
};

Names Cut(const std::string& object) {
  const TreeSnapshot part = Subtree(Node(), {Parse<sas::v1::Resource>(object)});
  Names names;
  for (const auto& host : part.hosts) names.hosts.push_back(host.name());
  for (const auto& expander : part.expanders) names.expanders.push_back(expander.name());
  for (const auto& device : part.devices) names.devices.push_back(device.name());
  for (const auto& enclosure : part.enclosures) names.enclosures.push_back(enclosure.name());
  return names;
}

TEST(SubtreeTest, ExpanderKeepsTheWayToItAndAllBelow) {
  const Names names = Cut("expander { name: 'x2' }");
  EXPECT_THAT(names.hosts, ElementsAre("h"));
  EXPECT_THAT(names.expanders, ElementsAre("x1", "x2"));
  EXPECT_THAT(names.devices, ElementsAre("d2"));
  EXPECT_THAT(names.enclosures, ElementsAre("e2"));
  EXPECT_THAT(Cut("expander { name: 'x1' }").devices, ElementsAre("d1", "d2"));
}

TEST(SubtreeTest, HostKeepsItsOwnOnly) {
  const Names names = Cut("host { name: 'h' }");
  EXPECT_THAT(names.hosts, ElementsAre("h"));
  EXPECT_THAT(names.devices, ElementsAre("d0", "d1", "d2"));
}

TEST(SubtreeTest, LinkLeadsAwayFromTheHost) {
  EXPECT_THAT(Cut("port { owner: 'x1' attached: 'x2' }").devices, ElementsAre("d2"));
  EXPECT_THAT(Cut("port { owner: 'x1' attached: 'h' }").devices, ElementsAre("d1", "d2"));
  EXPECT_THAT(Cut("port { owner: 'x2' attached: 'd2' }").devices, ElementsAre("d2"));
  EXPECT_THAT(Cut("phy { owner: 'x1' attached_sas_address: '2' }").devices, ElementsAre("d2"));
  EXPECT_THAT(Cut("phy { owner: 'x1' }").devices, IsEmpty());
}

TEST(SubtreeTest, EnclosureDriveAndSlotStandForTheirDevices) {
  EXPECT_THAT(Cut("enclosure { name: 'e1' }").devices, ElementsAre("d1", "d2"));
  EXPECT_THAT(Cut("enclosure { name: 'e2' }").devices, ElementsAre("d2"));
  const Names drive = Cut("logical_unit { paths { end_device: 'd2' } paths { end_device: 'd3' } }");
  EXPECT_THAT(drive.devices, ElementsAre("d2", "d3"));
  EXPECT_THAT(drive.hosts, ElementsAre("h", "g"));
  EXPECT_THAT(Cut("slot { end_devices: 'd0' }").devices, ElementsAre("d0"));
}

}  // namespace
}  // namespace sasd::cli
