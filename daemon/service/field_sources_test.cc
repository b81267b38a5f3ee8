#include "daemon/service/field_sources.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using registry::kHostA;
using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

class FieldSourcesTest : public ::testing::Test {
 protected:
  void Tell(Source source, std::vector<Observation> observations) {
    ObservationBatch batch = registry::Batch(std::move(observations));
    batch.source = source;
    registry_.Observe(std::move(batch));
  }
  // "slot FIRMWARE 4", with a "*" where it holds.
  std::vector<std::string> Of(const registry::ResourceId& id) {
    sas::v1::ListFieldSourcesResponse response;
    AddFieldSources(registry_.Snapshot()->Get(id), &response);
    std::vector<std::string> lines;
    for (const sas::v1::FieldSource& entry : response.field_sources()) {
      lines.push_back(absl::StrCat(entry.field(), " ",
                                   sas::v1::Source_Name(entry.source()).substr(7), " ",
                                   entry.value(), entry.holds() ? " *" : ""));
    }
    return lines;
  }

  registry::Registry registry_{{"00000000000000aa", 0}};
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
  Tell(Source::kFirmware, {registry::HostOf(kHostA), firmware});
  Tell(Source::kSysfs, {registry::HostOf(kHostA), sysfs, unit});
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
  Tell(Source::kFirmware, {registry::HostOf(kHostA), registry::Drive(kHostA, 0x11),
                           registry::PhyTo(host, 0, SasAddress(0x11), -1, LinkRate::k12Gbps)});
  const auto device = Of(registry::MakeId<registry::EndDevice>(device_));
  EXPECT_THAT(device, Contains("slot FIRMWARE 1 *"));
  EXPECT_THAT(device, Not(Contains(StartsWith("link_rate"))));
  EXPECT_THAT(Of(registry::MakeId<registry::Phy>({host, PhyId(0)})),
              Contains("negotiated_link_rate FIRMWARE LINK_RATE_12_GBPS *"));
}

TEST_F(FieldSourcesTest, EveryKindIsTold) {
  Tell(Source::kFirmware, {registry::HostOf(kHostA), registry::Settled(kHostA),
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
  Tell(Source::kSysfs, {registry::HostOf(kHostA), enclosure, slot, port});
  EXPECT_THAT(Of(registry::MakeId<registry::Host>(kHostA)), Contains("phy_count SYSFS 8 *"));
  EXPECT_THAT(
      Of(registry::MakeId<registry::Expander>({kHostA, registry::kExpander, PhysicalPort(0)})),
      Contains("phy_count FIRMWARE 24 *"));
  EXPECT_THAT(Of(registry::MakeId<registry::Enclosure>(registry::kEnclosure)),
              Contains("slot_count SYSFS 4 *"));
  EXPECT_THAT(Of(registry::MakeId<registry::Slot>(slot.key)), Contains("label SYSFS Slot 01 *"));
  EXPECT_THAT(Of(registry::MakeId<registry::Port>(port.key)), Contains("os_name SYSFS port-5:0 *"));
}

}  // namespace
}  // namespace sasd::service
