#include "daemon/registry/writer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/registry/fake_facts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// What follows from facts: ports, links, logical units, enclosures and slots.
namespace sasd::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class WriterTest : public ::testing::Test {
 protected:
  WriterTest() { Tell({HostOf(kHostA), Settled(kHostA)}); }

  RegistryEventPtr Tell(std::vector<Observation> observations, SasAddress host = kHostA,
                        Source source = Source::kFirmware) {
    ObservationBatch batch = Batch(std::move(observations), host);
    batch.source = source;
    return writer_.Apply(std::move(batch));
  }
  RegistryEventPtr SysfsTells(std::vector<Observation> observations, SasAddress host = kHostA) {
    return Tell(std::move(observations), host, Source::kSysfs);
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
  static NodeKey DeviceKey(SasAddress host, uint64_t address) {
    return {host, SasAddress(address), PhysicalPort(0)};
  }
  const Slot* SlotAt(uint16_t slot) const { return Find<Slot>({kEnclosure, slot}); }

  static EnclosureFacts EnclosureWith(uint16_t slots, uint16_t start = 0,
                                      SasAddress host = kHostA) {
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

TEST_F(WriterTest, PhysThatLeadToOneAddressAreAPort) {
  for (int phy = 0; phy < 4; ++phy) {
    Tell({PhyTo(host_, phy, kExpander, phy, phy == 2 ? LinkRate::k6Gbps : LinkRate::k12Gbps)});
  }
  const Port* port = HostPort(0xE);
  ASSERT_NE(port, nullptr);
  EXPECT_THAT(port->phys, ElementsAre(PhyId(0), PhyId(1), PhyId(2), PhyId(3)));
  EXPECT_EQ(port->width, 4);
  EXPECT_EQ(port->link_rate, LinkRate::k6Gbps) << "as fast as its slowest";
  EXPECT_EQ(port->attached.kind, AttachedNode::Kind::kUnknown);
  Tell({ExpanderOn(kHostA)});
  EXPECT_EQ(HostPort(0xE)->attached.kind, AttachedNode::Kind::kExpander);
  EXPECT_EQ(Find<Expander>(expander_)->link_width, 4);
  EXPECT_EQ(Find<Expander>(expander_)->link_rate, LinkRate::k6Gbps);
}

TEST_F(WriterTest, APortRemembersHowWideItWas) {
  Tell({PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps),
        PhyTo(host_, 1, kExpander, 1, LinkRate::k12Gbps)});
  Tell({PhyTo(host_, 1, SasAddress(0), -1, LinkRate::kDisabled)});
  EXPECT_EQ(HostPort(0xE)->width, 1);
  EXPECT_EQ(HostPort(0xE)->widest, 2);
  Tell({PhyTo(host_, 0, SasAddress(0), -1, LinkRate::kDisabled)});
  EXPECT_EQ(HostPort(0xE), nullptr);
  // Also when it comes back, a lane less and slower.
  Tell({PhyTo(host_, 0, kExpander, 0, LinkRate::k3Gbps)});
  EXPECT_EQ(HostPort(0xE)->width, 1);
  EXPECT_EQ(HostPort(0xE)->widest, 2);
  EXPECT_EQ(HostPort(0xE)->fastest, LinkRate::k12Gbps);
}

TEST_F(WriterTest, APortThatIsOnlyCountedHasThatWidth) {
  PortFacts counted;
  counted.key = {host_, kExpander};
  counted.os_name = "port-11:0";
  counted.width = 4;
  SysfsTells({counted});
  EXPECT_EQ(HostPort(0xE)->width, 4);
  EXPECT_THAT(HostPort(0xE)->phys, IsEmpty());
  // Where phys are shown, they are counted.
  Tell({PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps)});
  EXPECT_EQ(HostPort(0xE)->width, 1);
  EXPECT_EQ(HostPort(0xE)->facts.os_name, "port-11:0");
}

TEST_F(WriterTest, APortLeadsUpToTheParentOfItsOwner) {
  Tell({ExpanderOn(kHostA), PhyTo(expander_, 0, kHostA, 3, LinkRate::k12Gbps)});
  const Port* up = Find<Port>({expander_, kHostA});
  ASSERT_NE(up, nullptr);
  EXPECT_EQ(up->attached.kind, AttachedNode::Kind::kHost);
}

TEST_F(WriterTest, ADeviceHasTheLinkOfThePortToIt) {
  Tell({Drive(kHostA, 0x11), PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k6Gbps)});
  EXPECT_EQ(Find<EndDevice>(DeviceKey(kHostA, 0x11))->link_rate, LinkRate::k6Gbps);
  EXPECT_EQ(Find<EndDevice>(DeviceKey(kHostA, 0x11))->link_width, 1);
  EXPECT_EQ(HostPort(0x11)->attached.kind, AttachedNode::Kind::kEndDevice);
  Tell({PhyTo(host_, 0, SasAddress(0), -1, LinkRate::kDisabled)});
  EXPECT_EQ(Find<EndDevice>(DeviceKey(kHostA, 0x11))->link_width, 0);
}

// Logical units.

TEST_F(WriterTest, TwoPathsToOneNameAreOneUnit) {
  Tell({HostOf(kHostB)}, kHostB);
  LogicalUnitFacts first = Unit(kHostA, 0x11, "naa.5000c500a7b26110");
  LogicalUnitFacts second = Unit(kHostB, 0x12, "naa.5000c500a7b26110");
  first.block_device = "sda";
  second.block_device = "sdb";
  second.holders = {{HolderKind::kMultipath, "mpatha", "dm-0"}};
  second.serial = "ZA100001";
  Tell({Drive(kHostA, 0x11), first});
  Tell({Drive(kHostB, 0x12), second}, kHostB);
  ASSERT_EQ(Count<LogicalUnit>(), 1u);
  const LogicalUnit* unit = Find<LogicalUnit>(LogicalUnitKey("naa.5000c500a7b26110"));
  ASSERT_NE(unit, nullptr);
  ASSERT_EQ(unit->paths.size(), 2u);
  EXPECT_EQ(unit->paths[0].facts->facts.block_device, "sda");
  EXPECT_TRUE(unit->paths[0].facts->facts.holders.empty());
  ASSERT_EQ(unit->paths[1].facts->facts.holders.size(), 1u);
  EXPECT_EQ(unit->paths[1].facts->facts.holders[0].name, "mpatha");
  EXPECT_EQ(unit->paths[1].facts->facts.block_device, "sdb");
  EXPECT_EQ(unit->serial, "ZA100001") << "from the path that knows it";
  EXPECT_EQ(unit->most_paths, 2);

  Tell({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  unit = Find<LogicalUnit>(LogicalUnitKey("naa.5000c500a7b26110"));
  ASSERT_EQ(unit->paths.size(), 1u);
  EXPECT_EQ(unit->most_paths, 2) << "it has had two";
  ASSERT_TRUE(unit->lost_hosts);
  EXPECT_THAT(*unit->lost_hosts.get(), ElementsAre(kHostA));
  Tell({Drive(kHostA, 0x11), first});
  EXPECT_FALSE(Find<LogicalUnit>(LogicalUnitKey("naa.5000c500a7b26110"))->lost_hosts);
  Tell({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  Tell({EndDeviceGone{DeviceKey(kHostB, 0x12)}}, kHostB);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
}

TEST_F(WriterTest, AUnitWithoutANameIsItsDevices) {
  Tell({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "")});
  Tell({Drive(kHostA, 0x12), Unit(kHostA, 0x12, "")});
  EXPECT_EQ(Count<LogicalUnit>(), 2u);
}

TEST_F(WriterTest, AUnitThatGetsAnotherNameIsAnotherUnit) {
  Tell({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  const RegistryEventPtr event = Tell({Unit(kHostA, 0x11, "naa.2")});
  EXPECT_EQ(Find<LogicalUnit>(LogicalUnitKey("naa.1")), nullptr);
  ASSERT_NE(Find<LogicalUnit>(LogicalUnitKey("naa.2")), nullptr);
  std::vector<std::string> told;
  for (const Change& change : event->changes) {
    told.push_back(
        absl::StrCat(static_cast<int>(change.kind()), " ", Describe(IdOf(change.resource()))));
  }
  EXPECT_EQ(told.size(), 4u) << absl::StrJoin(told, "; ");  // device, two units, slot
}

TEST_F(WriterTest, AUnitOfADeviceThatIsGoneBringsNothingBack) {
  Tell({Drive(kHostA, 0x11)});
  Tell({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  EXPECT_EQ(Tell({Unit(kHostA, 0x11, "naa.1")}), nullptr);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
}

// Enclosures and slots.

TEST_F(WriterTest, AnEnclosureHasAllItsSlotsAndCountsThoseThatAreTaken) {
  Tell({EnclosureWith(4, 1), Drive(kHostA, 0x12), Unit(kHostA, 0x12, "naa.1")});
  EXPECT_EQ(Count<Slot>(), 4u);
  EXPECT_EQ(SlotAt(0), nullptr);
  ASSERT_NE(SlotAt(2), nullptr);
  EXPECT_EQ(SlotAt(2)->occupants[0].device, DeviceKey(kHostA, 0x12));
  EXPECT_EQ(SlotAt(2)->logical_unit, LogicalUnitKey("naa.1"));
  EXPECT_FALSE(SlotAt(4)->occupied());
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->occupied_slot_count, 1);
  Tell({EndDeviceGone{DeviceKey(kHostA, 0x12)}});
  EXPECT_FALSE(SlotAt(2)->occupied());
  EXPECT_TRUE(SlotAt(2)->logical_unit.text().empty());
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->occupied_slot_count, 0);
}

TEST_F(WriterTest, TwoPathsInASlotTakeItOnce) {
  Tell({HostOf(kHostB)}, kHostB);
  Tell({EnclosureWith(4), Drive(kHostA, 0x11)});
  Tell({EnclosureWith(4, 0, kHostB), Drive(kHostB, 0x21)}, kHostB);
  EXPECT_EQ(SlotAt(1)->occupants.size(), 2u);
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->occupied_slot_count, 1);
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->hosts, UnorderedElementsAre(kHostA, kHostB));
  EXPECT_EQ(Count<Slot>(), 4u);
  // One host loses sight of the enclosure, the other has it still.
  Tell({EndDeviceGone{DeviceKey(kHostA, 0x11)}, EnclosureGone{kEnclosure, kHostA}});
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->hosts, ElementsAre(kHostB));
  EXPECT_THAT(SlotAt(3)->hosts, ElementsAre(kHostB));
  Tell({EndDeviceGone{DeviceKey(kHostB, 0x21)}, EnclosureGone{kEnclosure, kHostB}}, kHostB);
  EXPECT_EQ(Count<Enclosure>(), 0u);
  EXPECT_EQ(Count<Slot>(), 0u);
}

TEST_F(WriterTest, AnEnclosureServicesDeviceSitsInNoSlotAndNamesTheEnclosure) {
  LogicalUnitFacts services = Unit(kHostA, 0x13, "naa.5");
  services.peripheral_type = 13;
  services.vendor = "HGST";
  services.model = "4U60_STOR_ENCL";
  Tell({EnclosureWith(4), Drive(kHostA, 0x13), services});
  EXPECT_FALSE(SlotAt(3)->occupied());
  const Enclosure* enclosure = Find<Enclosure>(kEnclosure);
  EXPECT_EQ(enclosure->vendor, "HGST");
  EXPECT_EQ(enclosure->model, "4U60_STOR_ENCL");
  EXPECT_THAT(enclosure->ses_devices, ElementsAre(DeviceKey(kHostA, 0x13)));
}

TEST_F(WriterTest, AnEnclosureThatOnlyItsMembersNameIsThereAsLongAsTheyAre) {
  Tell({Drive(kHostA, 0x11), Drive(kHostA, 0x12)});
  ASSERT_NE(Find<Enclosure>(kEnclosure), nullptr);
  EXPECT_EQ(Count<Slot>(), 2u) << "those where devices sit";
  Tell({EndDeviceGone{DeviceKey(kHostA, 0x11)}});
  EXPECT_NE(Find<Enclosure>(kEnclosure), nullptr);
  Tell({EndDeviceGone{DeviceKey(kHostA, 0x12)}});
  EXPECT_EQ(Count<Enclosure>(), 0u);
  EXPECT_EQ(Count<Slot>(), 0u);
}

TEST_F(WriterTest, AnEnclosureOfAbsurdSizeIsCut) {
  Tell({EnclosureWith(65'535)});
  EXPECT_EQ(Count<Slot>(), Enclosure::kMaxSlots);
}

// Sources.

TEST_F(WriterTest, WhatOneSourceDropsTheOtherKeeps) {
  ExpanderFacts seen = ExpanderOn(kHostA);
  seen.os_name = "expander-11:0";
  SysfsTells({seen});
  ExpanderFacts firmware = ExpanderOn(kHostA);
  firmware.handle = DevHandle(9);
  Tell({firmware});
  EXPECT_EQ(Find<Expander>(expander_)->facts.handle, DevHandle(9));
  Tell({ExpanderGone{expander_}});
  const Expander* left = Find<Expander>(expander_);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->facts.handle, DevHandle(0));
  EXPECT_EQ(left->facts.os_name, "expander-11:0");
  SysfsTells({ExpanderGone{expander_}});
  EXPECT_EQ(Find<Expander>(expander_), nullptr);
}

TEST_F(WriterTest, AHostTakesAllOfItsOwnWithIt) {
  Tell({HostOf(kHostB), Drive(kHostB, 0x21)}, kHostB);
  Tell({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps), Drive(kHostA, 0x11),
        Unit(kHostA, 0x11, "naa.1"), EnclosureWith(4)});
  Tell({HostGone{kHostA}});
  EXPECT_EQ(Count<Host>(), 1u);
  EXPECT_EQ(Count<Expander>(), 0u);
  EXPECT_EQ(Count<Phy>(), 0u);
  EXPECT_EQ(Count<Port>(), 0u);
  EXPECT_EQ(Count<EndDevice>(), 1u);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
  EXPECT_THAT(Find<Enclosure>(kEnclosure)->hosts, ElementsAre(kHostB));
}

TEST_F(WriterTest, AFactThatIsKnownIsNoChange) {
  Tell({ExpanderOn(kHostA), Drive(kHostA, 0x11), EnclosureWith(4)});
  EXPECT_EQ(Tell({ExpanderOn(kHostA), Drive(kHostA, 0x11), EnclosureWith(4)}), nullptr);
}

// An end device of two sources.

TEST_F(WriterTest, WhatTheFirmwareLostIsLeavingUntilTheKernelHasLostIt) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Tell({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsTells({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kAttached);
  EXPECT_NE(Tell({EndDeviceGone{key}}), nullptr);
  ASSERT_NE(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kRemoving);
  EXPECT_EQ(Count<LogicalUnit>(), 1u) << "the kernel has it still";
  // A reading from before the kernel knows brings nothing back.
  EndDeviceFacts again = Drive(kHostA, 0x11);
  again.handle = DevHandle(9);
  SysfsTells({again});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kRemoving);
  SysfsTells({EndDeviceGone{key}});
  EXPECT_EQ(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
}

TEST_F(WriterTest, WhatTheFirmwareFindsAgainIsBack) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Tell({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsTells({Drive(kHostA, 0x11)});
  Tell({EndDeviceGone{key}});
  Tell({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kAttached);
  SysfsTells({EndDeviceGone{key}});
  ASSERT_NE(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kDiscovered);
}

TEST_F(WriterTest, WhatTheKernelLostFirstGoesWithTheFirmware) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Tell({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsTells({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  SysfsTells({EndDeviceGone{key}});
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kDiscovered);
  EXPECT_EQ(Count<LogicalUnit>(), 0u);
  Tell({EndDeviceGone{key}});
  EXPECT_EQ(Find<EndDevice>(key), nullptr);
}

TEST_F(WriterTest, WithoutTheFirmwareTheKernelsWordHoldsAgain) {
  const NodeKey key = DeviceKey(kHostA, 0x11);
  Tell({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  SysfsTells({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)});
  Tell({EndDeviceGone{key}});
  Tell({HostGone{kHostA}});
  ASSERT_NE(Find<EndDevice>(key), nullptr);
  EXPECT_EQ(Find<EndDevice>(key)->facts.state, DeviceState::kAttached);
}

}  // namespace
}  // namespace sasd::registry
