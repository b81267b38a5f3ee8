#include "daemon/service/field_sources.h"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/fake_sources.h"
#include "daemon/registry/source_table.h"
#include "daemon/service/convert.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using registry::kHostA;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

class FieldSourcesTest : public ::testing::Test {
 protected:
  explicit FieldSourcesTest(const registry::SourceTable& sources = registry::NodeSources())
      : registry_({"00000000000000aa", 0, &sources}) {}

  void Report(Source source, std::vector<Observation> observations) {
    ObservationBatch batch = registry::Batch(std::move(observations));
    batch.source = source;
    registry_.Observe(std::move(batch));
  }
  // A source that the API does not name has its number.
  static std::string NameOf(sas::v1::Source source) {
    const std::string& name = sas::v1::Source_Name(source);
    return name.empty() ? absl::StrCat(static_cast<int>(source)) : name.substr(7);
  }
  // "slot FIRMWARE 4", with a "*" where it holds.
  std::vector<std::string> Of(const registry::ResourceId& id) {
    sas::v1::ListFieldSourcesResponse response;
    const auto topology = registry_.Snapshot();
    AddFieldSources(topology->Get(id), topology->sources(), &response);
    std::vector<std::string> lines;
    for (const sas::v1::FieldSource& entry : response.field_sources()) {
      lines.push_back(absl::StrCat(entry.field(), " ", NameOf(entry.source()), " ", entry.value(),
                                   entry.holds() ? " *" : ""));
    }
    return lines;
  }

  registry::SelfPublishingRegistry registry_;
  const NodeKey device_{kHostA, SasAddress(0x11), PhysicalPort(0)};
};

TEST_F(FieldSourcesTest, WhatBothTellIsToldTwice) {
  EndDeviceFacts firmware = registry::Drive(kHostA, 0x11, DeviceState::kDiscovered);
  firmware.handle = DevHandle(9);
  EndDeviceFacts sysfs = registry::Drive(kHostA, 0x11);
  sysfs.slot = 5;
  sysfs.os_name = "end_device-5:0:1";
  LogicalUnitFacts unit = registry::Unit(kHostA, 0x11, "naa.1");
  unit.block_device = "sdb";
  Report(Source::kFirmware, {registry::HostOf(kHostA), firmware});
  Report(Source::kSysfs, {registry::HostOf(kHostA), sysfs, unit});
  const auto lines = Of(registry::MakeId<registry::EndDevice>(device_));
  EXPECT_THAT(lines, Contains("slot FIRMWARE 1 *"));
  EXPECT_THAT(lines, Contains("slot SYSFS 5"));
  EXPECT_THAT(lines, Contains("state FIRMWARE DEVICE_STATE_DISCOVERED"));
  EXPECT_THAT(lines, Contains("state SYSFS DEVICE_STATE_ATTACHED *"));
  EXPECT_THAT(lines, Contains("device_handle FIRMWARE 9 *"));
  EXPECT_THAT(lines, Not(Contains(StartsWith("device_handle SYSFS"))));
  EXPECT_THAT(lines, Contains("os_name SYSFS end_device-5:0:1 *"));
  EXPECT_THAT(lines, Contains("block_device SYSFS sdb *"));
  EXPECT_THAT(lines, Not(Contains(StartsWith("revision"))));
  EXPECT_THAT(Of(registry::MakeId<registry::LogicalUnit>(registry::LogicalUnitKey("naa.1"))),
              Contains("wwid SYSFS naa.1 *"));
}

TEST_F(FieldSourcesTest, WhatFollowsFromOthersIsNotTold) {
  const NodeKey host = NodeKey::Host(kHostA);
  Report(Source::kFirmware, {registry::HostOf(kHostA), registry::Drive(kHostA, 0x11),
                             registry::PhyTo(host, 0, SasAddress(0x11), -1, LinkRate::k12Gbps)});
  const auto device = Of(registry::MakeId<registry::EndDevice>(device_));
  EXPECT_THAT(device, Contains("slot FIRMWARE 1 *"));
  EXPECT_THAT(device, Not(Contains(StartsWith("link_rate"))));
  EXPECT_THAT(Of(registry::MakeId<registry::Phy>({host, PhyId(0)})),
              Contains("negotiated_link_rate FIRMWARE LINK_RATE_12_GBPS *"));
}

TEST_F(FieldSourcesTest, EveryKindIsTold) {
  Report(Source::kFirmware, {registry::HostOf(kHostA), registry::Settled(kHostA),
                             registry::ExpanderOn(kHostA), registry::Drive(kHostA, 0x11)});
  EnclosureFacts enclosure;
  enclosure.key = registry::kEnclosure;
  enclosure.host = kHostA;
  enclosure.slot_count = 4;
  SlotFacts slot;
  slot.key = {registry::kEnclosure, 1};
  slot.label = "Slot 01";
  PortFacts port;
  port.key = {NodeKey::Host(kHostA), registry::kExpander};
  port.os_name = "port-5:0";
  Report(Source::kSysfs, {registry::HostOf(kHostA), enclosure, slot, port});
  EXPECT_THAT(Of(registry::MakeId<registry::Host>(kHostA)), Contains("phy_count SYSFS 8 *"));
  EXPECT_THAT(
      Of(registry::MakeId<registry::Expander>({kHostA, registry::kExpander, PhysicalPort(0)})),
      Contains("phy_count FIRMWARE 24 *"));
  EXPECT_THAT(Of(registry::MakeId<registry::Enclosure>(registry::kEnclosure)),
              Contains("slot_count SYSFS 4 *"));
  EXPECT_THAT(Of(registry::MakeId<registry::Slot>(slot.key)), Contains("label SYSFS Slot 01 *"));
  EXPECT_THAT(Of(registry::MakeId<registry::Port>(port.key)), Contains("os_name SYSFS port-5:0 *"));
}

// A row of the table that names no field of the API would show nothing.
TEST(FieldRowsTest, EveryRowNamesFieldsOfTheApi) {
  const google::protobuf::Descriptor* const messages[] = {
      sas::v1::Host::descriptor(),      sas::v1::Phy::descriptor(),
      sas::v1::Port::descriptor(),      sas::v1::Expander::descriptor(),
      sas::v1::EndDevice::descriptor(), sas::v1::LogicalUnit::descriptor(),
      sas::v1::Enclosure::descriptor(), sas::v1::Slot::descriptor()};
  for (size_t i = 0; i < std::size(messages); ++i) {
    const auto kind = static_cast<registry::ResourceKind>(i + 1);
    registry::NodeSources().VisitRows(kind, [&](const registry::FieldRow& row) {
      for (const absl::string_view path : absl::StrSplit(row.fields, ", ")) {
        if (path == "ses_slot") continue;  // for findings only
        const google::protobuf::Descriptor* message = messages[i];
        for (const absl::string_view name : absl::StrSplit(path, '.')) {
          const auto* field =
              message == nullptr ? nullptr : message->FindFieldByName(std::string(name));
          ASSERT_NE(field, nullptr) << message->full_name() << " has no " << path;
          message = field->message_type();
        }
      }
    });
  }
}

TEST(FieldRowsTest, EverySourceIsInTheApi) {
  for (const Source source : registry::NodeSources().all()) {
    EXPECT_EQ(sas::v1::Source_Name(ToProto(source)),
              absl::StrCat("SOURCE_", registry::NodeSources().info(source).name));
  }
}

class ThreeSourcesTest : public FieldSourcesTest {
 protected:
  ThreeSourcesTest() : FieldSourcesTest(registry::ThreeSources()) {}
};

TEST_F(ThreeSourcesTest, AllThreeAreListed) {
  EndDeviceFacts facts = registry::Drive(kHostA, 0x11);
  const auto report = [&](Source source, const char* connector, uint8_t level) {
    facts.connector_name = connector;
    facts.enclosure_level = level;
    Report(source, {registry::HostOf(kHostA), facts});
  };
  report(Source::kFirmware, "C0", 1);
  report(Source::kSysfs, "C1", 2);
  report(registry::kFakeSource, "C2", 3);
  std::vector<std::string> lines;
  for (const std::string& line : Of(registry::MakeId<registry::EndDevice>(device_))) {
    if (absl::StartsWith(line, "connector_name") || absl::StartsWith(line, "enclosure_level") ||
        absl::StartsWith(line, "slot")) {
      lines.push_back(line);
    }
  }
  EXPECT_THAT(lines, ElementsAre("slot FIRMWARE 1 *", "slot SYSFS 1 *",
                                 "enclosure_level FIRMWARE 1 *", "enclosure_level SYSFS 2",
                                 "enclosure_level 3 3", "connector_name FIRMWARE C0",
                                 "connector_name SYSFS C1", "connector_name 3 C2 *"));
}

}  // namespace
}  // namespace sasd::service
