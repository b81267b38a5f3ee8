#include "daemon/registry/writer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/registry/fake_facts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// Derived resources and the life of objects with two sources.
namespace sasd::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() { Report({HostOf(kHostA), Settled(kHostA)}); }

  RegistryEventPtr Report(std::vector<Observation> observations, HostKey host = kHostA,
                          Source source = Source::kFirmware) {
    ObservationBatch batch = Batch(std::move(observations), host);
    batch.source = source;
    return writer_.Apply(std::move(batch));
  }
  RegistryEventPtr SysfsReports(std::vector<Observation> observations, HostKey host = kHostA) {
    return Report(std::move(observations), host, Source::kSysfs);
  }

  template <typename T>
  const T* Find(const typename T::Key& key) const {
    return writer_.tables().of<T>().Find(key);
  }
  template <typename T>
  size_t Count() const {
    return writer_.tables().of<T>().size();
  }
  const Port* HostPort(uint64_t attached) const {
    return Find<Port>({host_, SasAddress(attached)});
  }
  static NodeKey DeviceKey(HostKey host, uint64_t address) {
    return {host, SasAddress(address), PhysicalPort(0)};
  }
  const Slot* SlotAt(uint16_t slot) const { return Find<Slot>({kEnclosure, slot}); }

  static EnclosureFacts EnclosureWith(uint16_t slots, uint16_t start = 0, HostKey host = kHostA) {
    EnclosureFacts facts;
    facts.key = kEnclosure;
    facts.host = host;
    facts.slot_count = slots;
    facts.start_slot = start;
    return facts;
  }

  Writer writer_{0};
  const NodeKey host_ = NodeKey::Host(kHostA);
  const NodeKey expander_{kHostA, kExpander, PhysicalPort(0)};
};

// Ports.

TEST_F(WriterTest, PhyThatIsDownIsNoLane) {
  Report({PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps),
          PhyTo(host_, 1, kExpander, 1, LinkRate::kDisabled),
          PhyTo(host_, 2, kExpander, 2, LinkRate::kUnknown)});
  EXPECT_THAT(HostPort(0xE)->phys, ElementsAre(PhyId(0), PhyId(2)));
}

TEST_F(WriterTest, PhysWithOneAttachedAddressFormAPort) {
  for (int phy = 0; phy < 4; ++phy) {
    Report({PhyTo(host_, phy, kExpander, phy, phy == 2 ? LinkRate::k6Gbps : LinkRate::k12Gbps)});
  }
  const Port* port = HostPort(0xE);
  ASSERT_NE(port, nullptr);
  EXPECT_THAT(port->phys, ElementsAre(PhyId(0), PhyId(1), PhyId(2), PhyId(3)));
  EXPECT_EQ(port->width, 4);
  EXPECT_EQ(port->link_rate, LinkRate::k6Gbps) << "the slowest phy decides";
  EXPECT_EQ(port->attached.kind, AttachedNode::Kind::kUnknown);
  Report({ExpanderOn(kHostA)});
  EXPECT_EQ(HostPort(0xE)->attached.kind, AttachedNode::Kind::kExpander);
  EXPECT_EQ(Find<Expander>(expander_)->link_width, 4);
  EXPECT_EQ(Find<Expander>(expander_)->link_rate, LinkRate::k6Gbps);
}

TEST_F(WriterTest, PortRemembersItsGreatestWidth) {
  Report({PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps),
          PhyTo(host_, 1, kExpander, 1, LinkRate::k12Gbps)});
  Report({PhyTo(host_, 1, SasAddress(0), -1, LinkRate::kDisabled)});
  EXPECT_EQ(HostPort(0xE)->width, 1);
  EXPECT_EQ(HostPort(0xE)->widest, 2);
  Report({PhyTo(host_, 0, SasAddress(0), -1, LinkRate::kDisabled)});
  EXPECT_EQ(HostPort(0xE), nullptr);
  // It comes back narrower and slower.
  Report({PhyTo(host_, 0, kExpander, 0, LinkRate::k3Gbps)});
  EXPECT_EQ(HostPort(0xE)->width, 1);
  EXPECT_EQ(HostPort(0xE)->widest, 2);
  EXPECT_EQ(HostPort(0xE)->fastest, LinkRate::k12Gbps);
}

TEST_F(WriterTest, PortWithoutPhysHasTheReportedWidth) {
  PortFacts counted;
  counted.key = {host_, kExpander};
  counted.os_name = "port-11:0";
  counted.width = 4;
  SysfsReports({counted});
  EXPECT_EQ(HostPort(0xE)->width, 4);
  EXPECT_THAT(HostPort(0xE)->phys, IsEmpty());
  // Known phys are counted.
  Report({PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps)});
  EXPECT_EQ(HostPort(0xE)->width, 1);
  EXPECT_EQ(HostPort(0xE)->facts.os_name, "port-11:0");
}

TEST_F(WriterTest, PortLeadsUpToTheOwnersParent) {
  Report({ExpanderOn(kHostA), PhyTo(expander_, 0, kHostA.address, 3, LinkRate::k12Gbps)});
  const Port* up = Find<Port>({expander_, kHostA.address});
  ASSERT_NE(up, nullptr);
  EXPECT_EQ(up->attached.kind, AttachedNode::Kind::kHost);
}

TEST_F(WriterTest, DeviceHasTheLinkOfItsPort) {
  Report({Drive(kHostA, 0x11), PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k6Gbps)});
  EXPECT_EQ(Find<EndDevice>(DeviceKey(kHostA, 0x11))->link_rate, LinkRate::k6Gbps);
  EXPECT_EQ(Find<EndDevice>(DeviceKey(kHostA, 0x11))->link_width, 1);
  EXPECT_EQ(HostPort(0x11)->attached.kind, AttachedNode::Kind::kEndDevice);
  Report({PhyTo(host_, 0, SasAddress(0), -1, LinkRate::kDisabled)});
  EXPECT_EQ(Find<EndDevice>(DeviceKey(kHostA, 0x11))->link_width, 0);
}

// Logical units.

TEST_F(WriterTest, TwoPathsWithOneWwidAreOneUnit) {
  Report({HostOf(kHostB)}, kHostB);
  LogicalUnitFacts first = Unit(kHostA, 0x11, "naa.5000c500a7b26110");
  LogicalUnitFacts second = Unit(kHostB, 0x12, "naa.5000c500a7b26110");
  first.block_device = "sda";
  second.block_device = "sdb";
  second.holders = {{HolderKind::kMultipath, "mpatha", "dm-0"}};
  second.serial = "ZA100001";
  Report({Drive(kHostA, 0x11), first});
  Report({Drive(kHostB, 0x12), second}, kHostB);
  ASSERT_EQ(Count<LogicalUnit>(), 1u);
  const LogicalUnit* unit = Find<LogicalUnit>(LogicalUnitKey("naa.5000c500a7b26110"));
  ASSERT_NE(unit, nullptr);
  ASSERT_EQ(unit->paths.size(), 2u);
  EXPECT_EQ(unit->paths[0].facts->facts.block_device, "sda");
  EXPECT_TRUE(unit->paths[0].facts->facts.holders.empty());
  ASSERT_EQ(unit->paths[1].facts->facts.holders.size(), 1u);
  EXPECT_EQ(unit->paths[1].facts->facts.holders[0].name, "mpatha");
  EXPECT_EQ(unit->paths[1].facts->facts.block_device, "sdb");
  EXPECT_EQ(unit->serial, "ZA100001") << "the second path knows it";
  EXPECT_EQ(unit->most_paths, 2);

  Report({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  unit = Find<LogicalUnit>(LogicalUnitKey("naa.5000c500a7b26110"));
  ASSERT_EQ(unit->paths.size(), 1u);
  EXPECT_EQ(unit->most_paths, 2) << "it had two";
  ASSERT_TRUE(unit->lost_hosts);
  EXPECT_THAT(*unit->lost_hosts.get(), ElementsAre(kHostA));
  Report({Drive(kHostA, 0x11), first});
  EXPECT_FALSE(Find<LogicalUnit>(LogicalUnitKey("naa.5000c500a7b26110"))->lost_hosts);
  Report({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  Report({EndDeviceGone{DeviceKey(kHostB, 0x12)}}, kHostB);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
}

TEST_F(WriterTest, UnitWithoutWwidIsNamedByDevice) {
  Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "")});
  Report({Drive(kHostA, 0x12), Unit(kHostA, 0x12, "")});
  EXPECT_EQ(Count<LogicalUnit>(), 2u);
}

TEST_F(WriterTest, UnitWithNewWwidIsAnotherUnit) {
  Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  const RegistryEventPtr event = Report({Unit(kHostA, 0x11, "naa.2")});
  EXPECT_EQ(Find<LogicalUnit>(LogicalUnitKey("naa.1")), nullptr);
  ASSERT_NE(Find<LogicalUnit>(LogicalUnitKey("naa.2")), nullptr);
  std::vector<std::string> changes;
  for (const Change& change : event->changes) {
    changes.push_back(
        absl::StrCat(static_cast<int>(change.kind()), " ", Describe(IdOf(change.resource()))));
  }
  EXPECT_EQ(changes.size(), 4u) << absl::StrJoin(changes, "; ");  // device, two units, slot
}

TEST_F(WriterTest, LateUnitReportRestoresNoDevice) {
  Report({Drive(kHostA, 0x11)});
  Report({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  EXPECT_EQ(Report({Unit(kHostA, 0x11, "naa.1")}), nullptr);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
}

// Enclosures and slots.

TEST_F(WriterTest, EnclosureHasAllSlotsAndCountsOccupiedOnes) {
  Report({EnclosureWith(4, 1), Drive(kHostA, 0x12), Unit(kHostA, 0x12, "naa.1")});
  EXPECT_EQ(Count<Slot>(), 4u);
  EXPECT_EQ(SlotAt(0), nullptr);
  ASSERT_NE(SlotAt(2), nullptr);
  EXPECT_EQ(SlotAt(2)->occupants[0].device, DeviceKey(kHostA, 0x12));
  EXPECT_EQ(SlotAt(2)->logical_unit, LogicalUnitKey("naa.1"));
  EXPECT_FALSE(SlotAt(4)->occupied());
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->occupied_slot_count, 1);
  Report({EndDeviceGone{DeviceKey(kHostA, 0x12)}});
  EXPECT_FALSE(SlotAt(2)->occupied());
  EXPECT_TRUE(SlotAt(2)->logical_unit.text().empty());
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->occupied_slot_count, 0);
}

TEST_F(WriterTest, TwoPathsOccupyASlotOnce) {
  Report({HostOf(kHostB)}, kHostB);
  Report({EnclosureWith(4), Drive(kHostA, 0x11)});
  Report({EnclosureWith(4, 0, kHostB), Drive(kHostB, 0x21)}, kHostB);
  EXPECT_EQ(SlotAt(1)->occupants.size(), 2u);
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->occupied_slot_count, 1);
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->hosts, UnorderedElementsAre(kHostA, kHostB));
  EXPECT_EQ(Count<Slot>(), 4u);
  // One host loses the enclosure, the other still has it.
  Report({EndDeviceGone{DeviceKey(kHostA, 0x11)}, EnclosureGone{kEnclosure, kHostA}});
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->hosts, ElementsAre(kHostB));
  EXPECT_THAT(SlotAt(3)->hosts, ElementsAre(kHostB));
  Report({EndDeviceGone{DeviceKey(kHostB, 0x21)}, EnclosureGone{kEnclosure, kHostB}}, kHostB);
  EXPECT_EQ(Count<Enclosure>(), 0u);
  EXPECT_EQ(Count<Slot>(), 0u);
}

TEST_F(WriterTest, SesDeviceOccupiesNoSlot) {
  LogicalUnitFacts services = Unit(kHostA, 0x13, "naa.5");
  services.peripheral_type = 13;
  services.vendor = "HGST";
  services.model = "4U60_STOR_ENCL";
  Report({EnclosureWith(4), Drive(kHostA, 0x13), services});
  EXPECT_FALSE(SlotAt(3)->occupied());
  const Enclosure* enclosure = Find<Enclosure>(kEnclosure);
  EXPECT_EQ(enclosure->vendor, "HGST");
  EXPECT_EQ(enclosure->model, "4U60_STOR_ENCL");
  EXPECT_THAT(enclosure->ses_devices, ElementsAre(DeviceKey(kHostA, 0x13)));
}

TEST_F(WriterTest, EnclosureListsTheExpandersInIt) {
  ExpanderFacts in = ExpanderOn(kHostA), other = ExpanderOn(kHostA);
  other.key.address = SasAddress(0xEE);
  in.enclosure = other.enclosure = kEnclosure;
  Report({EnclosureWith(4), in, other});
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->expanders, ElementsAre(in.key, other.key));
  other.enclosure = EnclosureKey(0x99);
  Report({other});
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->expanders, ElementsAre(in.key));
  EXPECT_THAT(Find<Enclosure>(EnclosureKey(0x99))->expanders, ElementsAre(other.key));
  Report({ExpanderGone{in.key}});
  EXPECT_TRUE(Find<Enclosure>(kEnclosure)->expanders.empty());
}

TEST_F(WriterTest, EnclosureOfMembersGoesWithTheLastOne) {
  Report({Drive(kHostA, 0x11), Drive(kHostA, 0x12)});
  ASSERT_NE(Find<Enclosure>(kEnclosure), nullptr);
  EXPECT_EQ(Count<Slot>(), 2u) << "the slots with devices";
  Report({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  EXPECT_NE(Find<Enclosure>(kEnclosure), nullptr);
  Report({EndDeviceGone{DeviceKey(kHostA, 0x12)}});
  EXPECT_EQ(Count<Enclosure>(), 0u);
  EXPECT_EQ(Count<Slot>(), 0u);
}

TEST_F(WriterTest, SlotCountIsBounded) {
  Report({EnclosureWith(65'535)});
  EXPECT_EQ(Count<Slot>(), Enclosure::kMaxSlots);
}

// Sources.

TEST_F(WriterTest, ObjectStaysWhileOneSourceReportsIt) {
  ExpanderFacts seen = ExpanderOn(kHostA);
  seen.os_name = "expander-11:0";
  SysfsReports({seen});
  ExpanderFacts firmware = ExpanderOn(kHostA);
  firmware.handle = DevHandle(9);
  Report({firmware});
  EXPECT_EQ(Find<Expander>(expander_)->facts.handle, DevHandle(9));
  Report({ExpanderGone{expander_}});
  const Expander* left = Find<Expander>(expander_);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->facts.handle, DevHandle(0));
  EXPECT_EQ(left->facts.os_name, "expander-11:0");
  SysfsReports({ExpanderGone{expander_}});
  EXPECT_EQ(Find<Expander>(expander_), nullptr);
}

TEST_F(WriterTest, HostGoesWithAllItsObjects) {
  Report({HostOf(kHostB), Drive(kHostB, 0x21)}, kHostB);
  Report({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps), Drive(kHostA, 0x11),
          Unit(kHostA, 0x11, "naa.1"), EnclosureWith(4)});
  Report({HostGone{kHostA}});
  EXPECT_EQ(Count<Host>(), 1u);
  EXPECT_EQ(Count<Expander>(), 0u);
  EXPECT_EQ(Count<Phy>(), 0u);
  EXPECT_EQ(Count<Port>(), 0u);
  EXPECT_EQ(Count<EndDevice>(), 1u);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->hosts, ElementsAre(kHostB));
}

TEST_F(WriterTest, RepeatedReportIsNoChange) {
  Report({ExpanderOn(kHostA), Drive(kHostA, 0x11), EnclosureWith(4)});
  EXPECT_EQ(Report({ExpanderOn(kHostA), Drive(kHostA, 0x11), EnclosureWith(4)}), nullptr);
}

// An end device of two sources.

TEST_F(WriterTest, DeviceLostByFirmwareIsRemovingUntilKernelLosesIt) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsReports({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kAttached);
  EXPECT_NE(Report({EndDeviceGone{key}}), nullptr);
  ASSERT_NE(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kRemoving);
  EXPECT_EQ(Count<LogicalUnit>(), 1u) << "the kernel still has it";
  // A report of the kernel that comes late changes nothing.
  EndDeviceFacts again = Drive(kHostA, 0x11);
  again.handle = DevHandle(9);
  SysfsReports({again});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kRemoving);
  SysfsReports({EndDeviceGone{key}});
  EXPECT_EQ(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
}

TEST_F(WriterTest, DeviceLostByFirmwareLosesTheUnitsOfTheFirmware) {
  Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  SysfsReports({Drive(kHostA, 0x11)});
  Report({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  EXPECT_EQ(Find<EndDevice>(DeviceKey(kHostA, 0x11))->facts.state, DeviceState::kRemoving);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
}

TEST_F(WriterTest, DeviceFoundAgainByFirmwareIsAttached) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsReports({Drive(kHostA, 0x11)});
  Report({EndDeviceGone{key}});
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kAttached);
  SysfsReports({EndDeviceGone{key}});
  ASSERT_NE(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kDiscovered);
}

TEST_F(WriterTest, DeviceLostByKernelFirstGoesWithFirmware) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsReports({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  SysfsReports({EndDeviceGone{key}});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kDiscovered);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
  Report({EndDeviceGone{key}});
  EXPECT_EQ(Find<EndDevice>(key), nullptr);
}

TEST_F(WriterTest, SysfsStateHoldsWithoutTheFirmware) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsReports({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)});
  Report({EndDeviceGone{key}});
  Report({HostGone{kHostA}});
  ASSERT_NE(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kAttached);
}

}  // namespace
}  // namespace sasd::registry
