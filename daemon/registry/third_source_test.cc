#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/health/examine.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/fake_sources.h"
#include "daemon/registry/merge.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// A source that only adds fields, beside the firmware and sysfs.
namespace sasd::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ThirdSourceTest : public ::testing::Test {
 protected:
  ThirdSourceTest() { Report(Source::kFirmware, {HostOf(kHostA), Settled(kHostA)}); }

  void Report(Source source, std::vector<Observation> observations) {
    ObservationBatch batch = Batch(std::move(observations));
    batch.source = source;
    batch.time = now_;
    registry_.Observe(std::move(batch));
  }
  template <typename T>
  std::shared_ptr<const T> Find(const typename T::Key& key) const {
    return registry_.Snapshot()->Get<T>(key);
  }
  std::vector<std::string> Messages() const {
    std::vector<std::string> messages;
    const health::Report report = health::Examine(*registry_.Snapshot(), {}, {}, {now_});
    for (const health::Finding& finding : report.findings) {
      messages.push_back(finding.message);
    }
    return messages;
  }
  // What each source reports of the drive: all fields that the fake source is asked for.
  static EndDeviceFacts DriveOf(const char* connector, uint64_t name, uint8_t level) {
    EndDeviceFacts facts = Drive(kHostA, 0x11);
    facts.connector_name = connector;
    facts.device_name = SasAddress(name);
    facts.enclosure_level = level;
    return facts;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  SelfPublishingRegistry registry_{{"00000000000000aa", 0, &ThreeSources()}};
  const NodeKey drive_{kHostA, SasAddress(0x11), PhysicalPort(0)};
  const NodeKey host_ = NodeKey::Host(kHostA);
};

TEST_F(ThirdSourceTest, TableWithThreeSourcesIsValid) {
  EXPECT_TRUE(ThreeSources().IsValid());
  SourceTable wrong = ThreeSources();
  EXPECT_TRUE(wrong.SetOrder(ResourceKind::kEndDevice, "os_name", {Source::kSysfs}));
  EXPECT_FALSE(wrong.IsValid()) << "the firmware proves existence, too";
  wrong = ThreeSources();
  EXPECT_TRUE(wrong.SetOrder(ResourceKind::kLogicalUnit, "wwid",
                             {Source::kFirmware, Source::kSysfs, kFakeSource}));
  EXPECT_FALSE(wrong.IsValid()) << "a wwid makes a logical unit";
  EXPECT_FALSE(wrong.SetOrder(ResourceKind::kHost, "no_such_field", {}));
}

TEST_F(ThirdSourceTest, TableDecidesWhoseFieldHolds) {
  Report(kFakeSource, {});
  Report(Source::kFirmware, {DriveOf("firmware", 1, 1)});
  Report(kFakeSource, {DriveOf("fake", 3, 3)});
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.connector_name, "fake") << "it is asked first";
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.device_name, SasAddress(1)) << "it is asked second";
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.enclosure_level, 1) << "it is asked last";
  Report(Source::kSysfs, {DriveOf("sysfs", 2, 2)});
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.connector_name, "fake");
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.enclosure_level, 1);
  // The firmware stops to know two of them.
  Report(Source::kFirmware, {DriveOf("firmware", 0, 1)});
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.device_name, SasAddress(3)) << "the second before last";
  EndDeviceFacts silent = DriveOf("firmware", 0, 1);
  silent.enclosure_level.reset();
  Report(Source::kFirmware, {silent});
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.enclosure_level, 2) << "sysfs before the third source";
}

TEST_F(ThirdSourceTest, FieldsThatTheTableDoesNotListAreIgnored) {
  Report(Source::kFirmware, {Drive(kHostA, 0x11)});
  EndDeviceFacts fake = Drive(kHostA, 0x11, DeviceState::kFailed);
  fake.handle = DevHandle(9);
  fake.slot = 7;
  fake.enclosure = EnclosureKey(0x78);
  fake.os_name = "end_device-9:9";
  Report(kFakeSource, {fake});
  const auto device = Find<EndDevice>(drive_);
  EXPECT_EQ(device->facts.handle, DevHandle(0));
  EXPECT_EQ(device->facts.slot, 1);
  EXPECT_EQ(device->facts.enclosure, kEnclosure);
  EXPECT_TRUE(device->facts.os_name.empty());
  EXPECT_EQ(device->facts.state, DeviceState::kAttached);
  EXPECT_EQ(Find<Enclosure>(EnclosureKey(0x78)), nullptr);
  EXPECT_TRUE(device->sources.Has(kFakeSource));
}

TEST_F(ThirdSourceTest, WithdrawalGivesTheFieldsBack) {
  Report(Source::kFirmware, {DriveOf("firmware", 1, 1)});
  const auto before = Find<EndDevice>(drive_);
  Report(kFakeSource, {DriveOf("fake", 3, 3)});
  Report(kFakeSource, {EndDeviceGone{drive_}});
  const auto after = Find<EndDevice>(drive_);
  ASSERT_NE(after, nullptr);
  EXPECT_TRUE(SameContent(*before, *after));
  EXPECT_FALSE(after->by_source) << "one report is the record";
  // The same with two others.
  Report(Source::kSysfs, {DriveOf("sysfs", 2, 2)});
  const auto two = Find<EndDevice>(drive_);
  Report(kFakeSource, {DriveOf("fake", 3, 3)});
  Report(kFakeSource, {HostGone{kHostA}});
  EXPECT_TRUE(SameContent(*two, *Find<EndDevice>(drive_)));
}

TEST_F(ThirdSourceTest, ReportAloneCreatesNoObject) {
  const int64_t before = registry_.revision();
  EnclosureFacts enclosure;
  enclosure.key = kEnclosure;
  enclosure.host = kHostA;
  enclosure.slot_count = 4;
  SlotFacts slot;
  slot.key = {kEnclosure, 1};
  slot.label = "Slot 01";
  PortFacts port;
  port.key = {host_, kExpander};
  port.width = 4;
  LogicalUnitFacts unit = Unit(kHostA, 0x11, "naa.1");
  Report(kFakeSource,
         {HostOf(kHostB), Settled(kHostB), ExpanderOn(kHostA), Drive(kHostA, 0x11), unit,
          PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps), port, enclosure, slot});
  EXPECT_EQ(registry_.revision(), before) << "nothing has changed";
  EXPECT_EQ(registry_.Snapshot()->size(), 1u) << "only the host";
  // A unit of a device that does exist is an object of its own.
  Report(Source::kFirmware, {Drive(kHostA, 0x11)});
  Report(kFakeSource, {unit});
  EXPECT_EQ(registry_.Snapshot()->collection<LogicalUnit>().size(), 0u);
}

TEST_F(ThirdSourceTest, ReportAloneKeepsNoObject) {
  LogicalUnitFacts unit = Unit(kHostA, 0x11, "naa.1");
  Report(Source::kFirmware, {ExpanderOn(kHostA), Drive(kHostA, 0x11), unit});
  unit.model = "ST8000NM0185";
  Report(kFakeSource, {ExpanderOn(kHostA), Drive(kHostA, 0x11), unit});
  EXPECT_EQ(Find<LogicalUnit>(LogicalUnitKey("naa.1"))->model, "ST8000NM0185");
  Report(Source::kFirmware, {LogicalUnitGone{drive_, 0}});
  EXPECT_EQ(registry_.Snapshot()->collection<LogicalUnit>().size(), 0u);
  Report(Source::kFirmware,
         {EndDeviceGone{drive_}, ExpanderGone{{kHostA, kExpander, PhysicalPort(0)}}});
  EXPECT_EQ(registry_.Snapshot()->size(), 1u) << "only the host";
  Report(kFakeSource, {HostOf(kHostA), Settled(kHostA)});
  Report(Source::kFirmware, {HostGone{kHostA}});
  EXPECT_EQ(registry_.Snapshot()->size(), 0u);
}

TEST_F(ThirdSourceTest, DerivedObjectsTakeOnlyFieldsFromIt) {
  EnclosureFacts enclosure;
  enclosure.key = kEnclosure;
  enclosure.host = kHostA;
  enclosure.slot_count = 4;
  Report(Source::kFirmware, {enclosure, PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k12Gbps)});
  enclosure.slot_count = 24;
  enclosure.host = kHostB;
  enclosure.os_name = "11:0:2:0";
  SlotFacts slot;
  slot.key = {kEnclosure, 1};
  slot.os_name = "1";
  PortFacts port;
  port.key = {host_, SasAddress(0x11)};
  port.os_name = "port-11:0";
  port.width = 4;
  Report(kFakeSource, {enclosure, slot, port});
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->os_name, "11:0:2:0");
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->slot_count, 4);
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->hosts, ElementsAre(kHostA));
  EXPECT_EQ(Find<Slot>(slot.key)->facts.os_name, "1");
  EXPECT_EQ(Find<Port>(port.key)->facts.os_name, "port-11:0");
  EXPECT_EQ(Find<Port>(port.key)->width, 1);
  Report(Source::kFirmware, {EnclosureGone{kEnclosure, kHostA},
                             PhyTo(host_, 0, SasAddress(0), -1, LinkRate::kDisabled)});
  EXPECT_EQ(Find<Enclosure>(kEnclosure), nullptr);
  EXPECT_EQ(Find<Slot>(slot.key), nullptr);
  EXPECT_EQ(Find<Port>(port.key), nullptr);
}

TEST_F(ThirdSourceTest, RemovingWaitsForTheKernelOnly) {
  Report(Source::kFirmware, {Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  Report(kFakeSource, {DriveOf("fake", 3, 3)});
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.state, DeviceState::kDiscovered);
  Report(Source::kSysfs, {Drive(kHostA, 0x11)});
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.state, DeviceState::kAttached);
  Report(Source::kFirmware, {EndDeviceGone{drive_}});
  ASSERT_NE(Find<EndDevice>(drive_), nullptr);
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.state, DeviceState::kRemoving);
  Report(kFakeSource, {DriveOf("fake, later", 3, 3)});
  EXPECT_EQ(Find<EndDevice>(drive_)->facts.state, DeviceState::kRemoving);
  Report(Source::kSysfs, {EndDeviceGone{drive_}});
  EXPECT_EQ(Find<EndDevice>(drive_), nullptr);
}

TEST_F(ThirdSourceTest, ContradictionNamesTheThirdSourcesSlot) {
  Report(Source::kFirmware, {Drive(kHostA, 0x11)});  // in slot 1
  EndDeviceFacts fake = Drive(kHostA, 0x11);
  fake.slot.reset();
  fake.ses_slot = 1;
  Report(kFakeSource, {fake});
  EXPECT_THAT(Messages(), IsEmpty());
  fake.ses_slot = 2;
  Report(kFakeSource, {fake});
  EXPECT_THAT(Messages(),
              ElementsAre(HasSubstr("slot 1 as the firmware has it, 2 as the enclosure has it")));
  Report(kFakeSource, {EndDeviceGone{drive_}});
  EXPECT_THAT(Messages(), IsEmpty());
}

TEST_F(ThirdSourceTest, FieldReportKeepsTheGracePeriod) {
  Report(Source::kSysfs, {HostOf(kHostA), Settled(kHostA)});
  Report(Source::kFirmware, {Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  now_ += absl::Seconds(20);
  Report(kFakeSource, {DriveOf("fake", 3, 3)});
  now_ += absl::Seconds(11);
  EXPECT_THAT(Messages(), ElementsAre(HasSubstr("for 31s")));
}

// What only the third source and sysfs know is still unknown to the firmware.
TEST_F(ThirdSourceTest, FieldReportProvesNothingToTheFabric) {
  Report(Source::kSysfs, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)});
  Report(kFakeSource, {DriveOf("fake", 3, 3)});
  now_ += absl::Seconds(31);
  EXPECT_THAT(Messages(), ElementsAre(HasSubstr("the firmware")));
}

// Every field of every record is in a row: a merge of one report loses nothing.
TEST(SourceTableTest, MergeOfOneReportIsTheReport) {
  for (const Source source : NodeSources().proving()) {
    EndDeviceFacts device = Drive(kHostA, 0x11, DeviceState::kBlocked);
    device.parent_phy = PhyId(3);
    device.handle = DevHandle(9);
    device.ses_slot = 4;
    device.enclosure_level = 2;
    device.connector_name = "C0.1";
    device.device_name = SasAddress(7);
    device.access_status = 5;
    device.failure = "because";
    device.os_name = "end_device-1:0:1";
    TextPool pool;
    const auto expect_same = [source](const auto& record) {
      ReportSet<std::decay_t<decltype(record)>> reports;
      reports.Set(source, record);
      EXPECT_TRUE(Merge(NodeSources(), reports) == record);
    };
    expect_same(Compact(device, pool));
    PhyFacts phy = PhyTo(NodeKey::Host(kHostA), 3, kExpander, 4, LinkRate::k6Gbps);
    phy.hardware_min = LinkRate::k1_5Gbps;
    phy.programmed_min = LinkRate::k3Gbps;
    phy.programmed_max = LinkRate::k12Gbps;
    phy.routing = RoutingAttribute::kTable;
    phy.is_virtual = phy.vacant = true;
    phy.os_name = "phy-1:3";
    expect_same(Compact(phy));
    ExpanderFacts expander = ExpanderOn(kHostA);
    expander.handle = DevHandle(9);
    expander.enclosure = kEnclosure;
    expander.level = 1;
    expander.vendor = "HGST";
    expander.product = "4U60";
    expander.revision = "0001";
    expander.os_name = "expander-1:0";
    expect_same(Compact(expander, pool));
    LogicalUnitFacts unit = Unit(kHostA, 0x11, "naa.1");
    unit.lun = 1;
    unit.peripheral_type = 13;
    unit.vendor = "HGST";
    unit.model = "HUH728080AL5200";
    unit.revision = "A7D8";
    unit.serial = "ZA100001";
    unit.size_bytes = 512;
    unit.scsi_address = "1:0:0:0";
    unit.block_device = "sda";
    unit.generic_device = "sg0";
    unit.holders = {{HolderKind::kMultipath, "mpatha", "dm-0"}};
    expect_same(Compact(unit, pool));
    HostFacts host = HostOf(kHostA);
    host.board_name = host.chip_name = host.firmware_version = "text";
    host.driver_name = host.pci_address = host.os_name = "text";
    expect_same(host);
    DiscoveryFacts discovery = Settled(kHostA);
    discovery.status = 1;
    discovery.status_text = "text";
    discovery.reset_count = 2;
    expect_same(discovery);
    PortFacts port;
    port.os_name = "port-1:0";
    port.width = 4;
    expect_same(Compact(port));
    SlotFacts slot;
    slot.label = slot.os_name = "text";
    expect_same(Compact(slot, pool));
  }
}

}  // namespace
}  // namespace sasd::registry
