// Logical units that share an identifier, several units of one device, and the slots of both, as
// the writer derives them from reports.
#include <string>
#include <utility>
#include <vector>

#include "daemon/registry/fake_facts.h"
#include "daemon/registry/writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

LogicalUnitFacts UnitOf(HostKey host, uint64_t address, const std::string& serial,
                        const std::string& block = "", uint64_t lun = 0,
                        const std::string& wwid = "naa.5") {
  LogicalUnitFacts facts = Unit(host, address, wwid);
  facts.lun = lun;
  facts.serial = serial;
  facts.vendor = "ATA";
  facts.model = "CHEAP 512GB";
  facts.block_device = block;
  return facts;
}

SlotFacts SlotOf(uint16_t number, const std::string& label) {
  return {{kEnclosure, number}, label, label};
}

EnclosureFacts Listed(uint16_t count, uint16_t start = 0) {
  EnclosureFacts facts;
  facts.key = kEnclosure;
  facts.host = kHostA;
  facts.slot_count = count;
  facts.start_slot = start;
  facts.lists_slots = true;
  return facts;
}

class SharedWwidTest : public ::testing::Test {
 protected:
  SharedWwidTest() { Report({HostOf(kHostA), Settled(kHostA)}); }

  RegistryEventPtr Report(std::vector<Observation> observations, HostKey host = kHostA,
                          Source source = Source::kFirmware) {
    ObservationBatch batch = Batch(std::move(observations), host);
    batch.source = source;
    return writer_.Apply(std::move(batch));
  }
  template <typename T>
  const T* Find(const typename T::Key& key) const {
    return writer_.tables().of<T>().Find(key);
  }
  const LogicalUnit* FindUnit(const char* key) const {
    return Find<LogicalUnit>(LogicalUnitKey(Text(key)));
  }
  // "naa.5 S1 1": key, serial, number of paths.
  std::vector<std::string> Units() const {
    std::vector<std::string> units;
    for (const auto& unit : writer_.tables().of<LogicalUnit>()) {
      units.push_back(unit->id.text().str() + " " + unit->serial.str() + " " +
                      std::to_string(unit->paths.size()));
    }
    return units;
  }
  std::vector<int> Slots() const {
    std::vector<int> numbers;
    for (const auto& slot : writer_.tables().of<Slot>()) numbers.push_back(slot->id.slot);
    return numbers;
  }
  static NodeKey KeyOf(uint64_t address) { return {kHostA, SasAddress(address), PhysicalPort(0)}; }

  Writer writer_{0};
};

TEST_F(SharedWwidTest, UnitsOfADeviceAreInTheOrderOfTheirLuns) {
  const auto luns = [this] {
    std::vector<uint64_t> found;
    for (const UnitPathPtr& path : Find<EndDevice>(KeyOf(0x11))->units) {
      found.push_back(path->facts.lun);
    }
    return found;
  };
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1", "sdc", 2, "naa.52"),
          UnitOf(kHostA, 0x11, "S1", "sda", 0, "naa.50"),
          UnitOf(kHostA, 0x11, "S1", "sdb", 1, "naa.51")});
  EXPECT_THAT(luns(), ElementsAre(0, 1, 2));
  Report({LogicalUnitGone{KeyOf(0x11), 1}});
  EXPECT_THAT(luns(), ElementsAre(0, 2));
  EXPECT_EQ(FindUnit("naa.51"), nullptr);
}

TEST_F(SharedWwidTest, TwoSerialsAreTwoUnitsFromOneBatchOrTwo) {
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1", "sdg"), Drive(kHostA, 0x12),
          UnitOf(kHostA, 0x12, "S2", "sdh")});
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 1", "naa.5~S2 S2 1"));
  Report({Drive(kHostA, 0x13), UnitOf(kHostA, 0x13, "S0", "sdi")});
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 1", "naa.5~S0 S0 1", "naa.5~S2 S2 1"));
  EXPECT_EQ(FindUnit("naa.5~S2")->wwid, "naa.5");
  EXPECT_EQ(FindUnit("naa.5~S2")->slot, 2);
  EXPECT_EQ(Find<EndDevice>(KeyOf(0x12))->first_unit()->unit.text(), "naa.5~S2");
  EXPECT_THAT(Find<Slot>({kEnclosure, 2})->LogicalUnits(),
              ElementsAre(LogicalUnitKey(Text("naa.5~S2"))));
}

TEST_F(SharedWwidTest, RemovalOfOneIsNoLostPathOfTheOther) {
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1"), Drive(kHostA, 0x12),
          UnitOf(kHostA, 0x12, "S2")});
  const auto event = Report({EndDeviceGone{KeyOf(0x11)}});
  EXPECT_THAT(Units(), ElementsAre("naa.5~S2 S2 1"));
  for (const Change& change : event->changes) {
    if (change.resource_kind() != ResourceKind::kLogicalUnit) continue;
    EXPECT_EQ(change.kind(), ChangeKind::kRemoved) << "the other drive does not change";
  }
  // Another drive of the batch does not take the name of the one that is gone.
  Report({Drive(kHostA, 0x13), UnitOf(kHostA, 0x13, "S3")});
  EXPECT_THAT(Units(), ElementsAre("naa.5~S2 S2 1", "naa.5~S3 S3 1"));
  Report({Drive(kHostA, 0x14), UnitOf(kHostA, 0x14, "S1")});
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 1", "naa.5~S2 S2 1", "naa.5~S3 S3 1"));
}

TEST_F(SharedWwidTest, NameOfADriveThatBelongsHereIsNotForAnother) {
  LogicalUnit gone;
  gone.id = LogicalUnitKey(Text("naa.5"));
  gone.wwid = "naa.5";
  gone.serial = "S9";
  writer_.Reserve(gone);
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1")});
  EXPECT_THAT(Units(), ElementsAre("naa.5~S1 S1 1"));
  Report({Drive(kHostA, 0x12), UnitOf(kHostA, 0x12, "S9")});
  EXPECT_THAT(Units(), ElementsAre("naa.5 S9 1", "naa.5~S1 S1 1"));
}

TEST_F(SharedWwidTest, SerialThatComesLateSplitsWithoutALostPath) {
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1")});
  EndDeviceFacts elsewhere = Drive(kHostA, 0x12);
  elsewhere.enclosure = EnclosureKey(0);
  elsewhere.slot = std::nullopt;
  Report({elsewhere, UnitOf(kHostA, 0x12, "")});
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 2"));
  Report({UnitOf(kHostA, 0x12, "S2")});
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 1", "naa.5~S2 S2 1"));
  EXPECT_EQ(FindUnit("naa.5")->most_paths, 1);
  EXPECT_FALSE(FindUnit("naa.5")->lost_hosts);
}

TEST_F(SharedWwidTest, UnreadSerialInAnotherSlotIsAnotherDrive) {
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1"), Drive(kHostA, 0x12),
          UnitOf(kHostA, 0x12, "")});
  EXPECT_EQ(Units().size(), 2u);
  Report({UnitOf(kHostA, 0x12, "S2")});
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 1", "naa.5~S2 S2 1"));
}

TEST_F(SharedWwidTest, TwoHostsReachOneDriveOfEachSerial) {
  Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  for (const HostKey host : {kHostA, kHostB}) {
    Report(
        {Drive(host, 0x11), UnitOf(host, 0x11, "S1"), Drive(host, 0x12), UnitOf(host, 0x12, "S2")},
        host);
  }
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 2", "naa.5~S2 S2 2"));
  Report({EndDeviceGone{{kHostB, SasAddress(0x12), PhysicalPort(0)}}}, kHostB);
  EXPECT_THAT(Units(), ElementsAre("naa.5 S1 2", "naa.5~S2 S2 1"));
  EXPECT_EQ(FindUnit("naa.5~S2")->most_paths, 2);
}

TEST_F(SharedWwidTest, OneSerialOfTwoModelsIsTwoUnits) {
  LogicalUnitFacts other = UnitOf(kHostA, 0x12, "1", "", 0, "serial.1");
  other.model = "OTHER";
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "1", "", 0, "serial.1"), Drive(kHostA, 0x12),
          other});
  EXPECT_THAT(Units(), ElementsAre("serial.1 1 1", "serial.1~ATA OTHER 1 1"));
}

TEST_F(SharedWwidTest, DeviceAndSlotShowAllUnits) {
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1", "sda", 0, "naa.5a"),
          UnitOf(kHostA, 0x11, "S1", "sdb", 1, "naa.5b")});
  const Slot* slot = Find<Slot>({kEnclosure, 1});
  EXPECT_THAT(slot->BlockDevices(), ElementsAre("sda", "sdb"));
  EXPECT_THAT(slot->Serials(), ElementsAre("S1"));
  EXPECT_EQ(slot->LogicalUnits().size(), 2u);
  // A change of the second unit alone is one of the device and of the slot.
  const auto event = Report({UnitOf(kHostA, 0x11, "S1", "sdq", 1, "naa.5b")});
  std::vector<ResourceKind> kinds;
  for (const Change& change : event->changes) kinds.push_back(change.resource_kind());
  EXPECT_THAT(kinds, UnorderedElementsAre(ResourceKind::kEndDevice, ResourceKind::kLogicalUnit,
                                          ResourceKind::kSlot));
  EXPECT_THAT(Find<Slot>({kEnclosure, 1})->BlockDevices(), ElementsAre("sda", "sdq"));
}

TEST_F(SharedWwidTest, SeveralDrivesInOneSlotAreAllThere) {
  EndDeviceFacts second = Drive(kHostA, 0x12);
  second.slot = 1;
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1", "sda"), second,
          UnitOf(kHostA, 0x12, "S2", "sdb")});
  EXPECT_THAT(Find<Slot>({kEnclosure, 1})->Serials(), ElementsAre("S1", "S2"));
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->occupied_slot_count, 1);
}

TEST_F(SharedWwidTest, OnlyListedSlotsExist) {
  EnclosureFacts range = Listed(8);
  range.lists_slots = false;
  Report({range});
  EXPECT_THAT(Slots(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  Report({Listed(3, 1), SlotOf(1, "A"), SlotOf(2, "B"), SlotOf(5, "C")}, kHostA, Source::kSysfs);
  EXPECT_THAT(Slots(), ElementsAre(1, 2, 5));
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->slot_count, 3);
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->start_slot, 1);
  // Without the list, the range is the best that is known.
  Report({EnclosureGone{kEnclosure, kHostA}}, kHostA, Source::kSysfs);
  EXPECT_THAT(Slots(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST_F(SharedWwidTest, PlacesOfTheHostItselfAreNoEmptyBays) {
  EnclosureFacts board = Listed(8);
  board.lists_slots = false;
  board.is_host = true;
  Report({board});
  EXPECT_THAT(Slots(), IsEmpty());
  EXPECT_EQ(Find<Enclosure>(kEnclosure)->slot_count, 0) << "not known";
  Report({Drive(kHostA, 0x13)});
  EXPECT_THAT(Slots(), ElementsAre(3));
}

TEST_F(SharedWwidTest, DriveShowsTheLabelOfItsSlot) {
  Report({Drive(kHostA, 0x11), UnitOf(kHostA, 0x11, "S1")});
  Report({Listed(1, 1), SlotOf(1, "SLOT 01")}, kHostA, Source::kSysfs);
  EXPECT_EQ(Find<EndDevice>(KeyOf(0x11))->slot_label, "SLOT 01");
  EXPECT_EQ(FindUnit("naa.5")->slot_label, "SLOT 01");
  EndDeviceFacts moved = Drive(kHostA, 0x11);
  moved.slot = 9;
  Report({moved});
  EXPECT_EQ(Find<EndDevice>(KeyOf(0x11))->slot_label, "");
  EXPECT_EQ(FindUnit("naa.5")->slot_label, "");
}

}  // namespace
}  // namespace sasd::registry
