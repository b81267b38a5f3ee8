// Enclosures that share a logical identifier, as the writer takes them apart.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/enclosure_copies.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/restored.h"
#include "daemon/registry/writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr EnclosureKey kFirst = kEnclosure, kSecond(kEnclosure.value(), 1);

NodeKey At(uint64_t address, HostKey host = kHostA) {
  return {host, SasAddress(address), PhysicalPort(0)};
}

ExpanderFacts Cage(uint64_t address, HostKey host = kHostA) {
  ExpanderFacts facts;
  facts.key = At(address, host);
  facts.parent = NodeKey::Host(host);
  facts.enclosure = kEnclosure;
  facts.level = 1;
  return facts;
}

EnclosureFacts SesOf(const NodeKey& place, uint16_t slots) {
  EnclosureFacts facts;
  facts.key = kEnclosure;
  facts.host = place.host;
  facts.place = place;
  facts.slot_count = slots;
  facts.lists_slots = true;
  return facts;
}

class SharedEnclosureTest : public ::testing::Test {
 protected:
  SharedEnclosureTest() {
    for (const HostKey host : {kHostA, kHostB}) Report({HostOf(host), Settled(host)}, host);
  }

  // Applies, and returns the number of events.
  int Report(std::vector<Observation> observations, HostKey host = kHostA,
             Source source = Source::kFirmware) {
    ObservationBatch batch = Batch(std::move(observations), host);
    batch.source = source;
    int events = writer_.Apply(std::move(batch)) == nullptr ? 0 : 1;
    while (const RegistryEventPtr event = writer_.SeparateEnclosures()) ++events;
    return events;
  }
  // A drive in a slot, behind an expander.
  static void AddDrive(std::vector<Observation>& to, const NodeKey& cage, uint64_t address,
                       uint16_t slot, const std::string& serial) {
    EndDeviceFacts drive = Drive(cage.host, address);
    drive.parent = cage;
    drive.slot = slot;
    to.push_back(drive);
    LogicalUnitFacts unit = Unit(cage.host, address, "naa.5000c500" + serial);
    unit.serial = serial;
    to.push_back(unit);
  }
  static std::vector<Observation> CageWith(uint64_t address, const std::string& serials,
                                           HostKey host = kHostA) {
    std::vector<Observation> all = {Cage(address, host)};
    for (size_t i = 0; i < serials.size(); ++i) {
      AddDrive(all, At(address, host), address + 0x10 + i, static_cast<uint16_t>(i),
               serials.substr(i, 1) + "1");
    }
    return all;
  }
  // "77 0:A 1:B 2:-": an enclosure and its slots, each with the serial numbers in it.
  static std::vector<std::string> EnclosuresOf(const Tables& tables) {
    std::vector<std::string> all;
    for (const auto& enclosure : tables.of<Enclosure>()) {
      std::string text = absl::StrCat(absl::Hex(enclosure->id.value()), "-", enclosure->id.copy());
      for (const auto& slot : tables.of<Slot>()) {
        if (slot->id.enclosure != enclosure->id) continue;
        absl::StrAppend(&text, " ", slot->id.slot, ":");
        for (const Text& serial : slot->Serials()) {
          absl::StrAppend(&text, serial.view().substr(0, 1));
        }
        if (!slot->facts.label.empty()) absl::StrAppend(&text, "=", slot->facts.label.view());
      }
      all.push_back(text);
    }
    return all;
  }
  std::vector<std::string> Enclosures() const { return EnclosuresOf(writer_.tables()); }
  template <typename T>
  const T* Find(const typename T::Key& key) const {
    return writer_.tables().of<T>().Find(key);
  }

  Writer writer_{0};
};

TEST_F(SharedEnclosureTest, TwoCagesOfOneIdentifierAreTwoEnclosures) {
  Report(CageWith(0x1000, "AB"));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B"));
  EXPECT_EQ(Report(CageWith(0x2000, "CD")), 2) << "found, and taken apart";
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 0:C 1:D"));
  EXPECT_EQ(Find<Expander>(At(0x2000))->facts.enclosure, kSecond);
  EXPECT_EQ(Find<EndDevice>(At(0x2011))->facts.enclosure, kSecond);
  EXPECT_EQ(Find<Enclosure>(kSecond)->occupied_slot_count, 2);
  EXPECT_EQ(Report(CageWith(0x2000, "CD")), 0) << "a repeated report is no change";
}

TEST_F(SharedEnclosureTest, CagesOfOneBatchKeepTheLesserNode) {
  std::vector<Observation> both = CageWith(0x2000, "CD");
  for (Observation& one : CageWith(0x1000, "AB")) both.push_back(std::move(one));
  Report(std::move(both));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 0:C 1:D"));
}

TEST_F(SharedEnclosureTest, ThreeCagesAreThreeEnclosures) {
  Report(CageWith(0x1000, "AB"));
  Report(CageWith(0x2000, "CD"));
  Report(CageWith(0x3000, "EF"));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 0:C 1:D", "77-2 0:E 1:F"));
}

TEST_F(SharedEnclosureTest, CagesOfTwoHostsAreTwoEnclosures) {
  Report(CageWith(0x1000, "AB"));
  Report(CageWith(0x1000, "CD", kHostB), kHostB);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 0:C 1:D"));
  EXPECT_THAT(Find<Enclosure>(kFirst)->hosts, ElementsAre(kHostA));
  EXPECT_THAT(Find<Enclosure>(kSecond)->hosts, ElementsAre(kHostB));
}

// As the halves of one shelf would look, which has an expander for each (driver/sysfs/testdata,
// zfs-11095-4U-jbod-three-expanders).
TEST_F(SharedEnclosureTest, CagesThatContradictInNoSlotAreOneUntilTheyDo) {
  Report(CageWith(0x1000, "AB"));
  std::vector<Observation> second = {Cage(0x2000)};
  AddDrive(second, At(0x2000), 0x2012, 2, "C1");
  AddDrive(second, At(0x2000), 0x2013, 3, "D1");
  EXPECT_EQ(Report(std::move(second)), 1);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B 2:C 3:D")) << "all are shown";
  std::vector<Observation> proof;
  AddDrive(proof, At(0x2000), 0x2010, 1, "E1");
  Report(std::move(proof));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 1:E 2:C 3:D"));
}

// Nothing that a source reports of a drive names its row.
TEST_F(SharedEnclosureTest, RowsOfBaysBehindOneExpanderShowBothDrivesInASlot) {
  std::vector<Observation> rows = CageWith(0x1000, "AB");
  AddDrive(rows, At(0x1000), 0x1020, 0, "C1");
  AddDrive(rows, At(0x1000), 0x1021, 1, "D1");
  EXPECT_EQ(Report(std::move(rows)), 1);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:AC 1:BD"));
}

// Two I/O modules of a shelf, which may number its slots differently.
TEST_F(SharedEnclosureTest, ShelfThatIsReachedTwiceIsOne) {
  Report(CageWith(0x1000, "ABC"));
  Report(CageWith(0x2000, "ABC", kHostB), kHostB);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B 2:C"));
  Report(CageWith(0x3000, "CBA"));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:AC 1:B 2:CA"));
}

TEST_F(SharedEnclosureTest, SecondPathToASecondCageLeadsToIt) {
  Report(CageWith(0x1000, "AB"));
  Report(CageWith(0x2000, "CD"));
  Report(CageWith(0x1000, "AB", kHostB), kHostB);
  Report(CageWith(0x2000, "CD", kHostB), kHostB);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 0:C 1:D"));
  EXPECT_THAT(Find<Enclosure>(kSecond)->hosts, ElementsAre(kHostA, kHostB));
}

// The other module may show the drive of before for a moment.
TEST_F(SharedEnclosureTest, ReplacedDriveIsNoProof) {
  Report(CageWith(0x1000, "A"));
  Report(CageWith(0x2000, "A", kHostB), kHostB);
  std::vector<Observation> swap = {EndDeviceGone{At(0x1010)}};
  AddDrive(swap, At(0x1000), 0x1020, 0, "B1");
  Report(std::move(swap));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:BA")) << "a contradiction, no more";
}

TEST_F(SharedEnclosureTest, UnknownSerialIsNoProof) {
  Report(CageWith(0x1000, "A"));
  std::vector<Observation> other = CageWith(0x2000, "B");
  std::get<LogicalUnitFacts>(other[2]).serial.clear();
  Report(std::move(other));
  EXPECT_THAT(Enclosures(), SizeIs(1));
  LogicalUnitFacts unit = Unit(kHostA, 0x2010, "naa.5000c500B1");
  unit.serial = "B1";
  Report({unit});
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A", "77-1 0:B")) << "the proof comes late";
}

TEST_F(SharedEnclosureTest, CascadedCageTakesWhatIsBeneathIt) {
  Report(CageWith(0x1000, "AB"));
  ExpanderFacts second = Cage(0x2000), beneath = Cage(0x3000);
  second.parent = At(0x1000);
  second.level = 2;
  beneath.parent = At(0x2000);
  beneath.level = 3;
  std::vector<Observation> batch = {second, beneath};
  AddDrive(batch, At(0x2000), 0x2010, 0, "C1");
  AddDrive(batch, At(0x3000), 0x3010, 5, "D1");
  Report(std::move(batch));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 0:C 5:D"));
  std::vector<Observation> later;
  AddDrive(later, At(0x3000), 0x3011, 1, "E1");
  Report(std::move(later));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B", "77-1 0:C 1:E 5:D"));
}

TEST_F(SharedEnclosureTest, EachHasTheSlotsThatItsSesDeviceLists) {
  const auto ses = [&](uint64_t cage, uint16_t slots, const std::string& name) {
    std::vector<Observation> all = {SesOf(At(cage), slots)};
    for (uint16_t i = 0; i < slots; ++i) {
      all.push_back(SlotFacts{{kEnclosure, i}, absl::StrCat(name, i), "", At(cage)});
    }
    return all;
  };
  std::vector<Observation> all = ses(0x1000, 3, "X");
  for (auto& one : CageWith(0x1000, "AB")) all.push_back(std::move(one));
  for (auto& one : ses(0x2000, 2, "Y")) all.push_back(std::move(one));
  for (auto& one : CageWith(0x2000, "C")) all.push_back(std::move(one));
  Report(all, kHostA, Source::kSysfs);
  const std::vector<std::string> expected = {"77-0 0:A=X0 1:B=X1 2:=X2", "77-1 0:C=Y0 1:=Y1"};
  EXPECT_EQ(Enclosures(), expected);
  EXPECT_EQ(Report(all, kHostA, Source::kSysfs), 0);
  // The whole second one goes.
  Report({EndDeviceGone{At(0x2010)}, ExpanderGone{At(0x2000)},
          EnclosureGone{kEnclosure, kHostA, At(0x2000)}},
         kHostA, Source::kSysfs);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A=X0 1:B=X1 2:=X2"));
}

// The firmware of an HBA reports an identifier once.
TEST_F(SharedEnclosureTest, EachHasTheRangeThatTheFirmwareReports) {
  EnclosureFacts range = SesOf(NodeKey::Host(kHostA), 3);
  range.place = NodeKey();
  range.lists_slots = false;
  Report({range});
  Report(CageWith(0x1000, "AB"));
  Report(CageWith(0x2000, "C"));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B 2:", "77-1 0:C 1: 2:"));
  Report({EndDeviceGone{At(0x1010)}, EndDeviceGone{At(0x1011)}, ExpanderGone{At(0x1000)}});
  EXPECT_THAT(Enclosures(), ElementsAre("77-1 0:C 1: 2:")) << "no ghost of the first";
  range.slot_count = 2;
  Report({range});
  EXPECT_THAT(Enclosures(), ElementsAre("77-1 0:C 1:"));
  Report({EnclosureGone{kEnclosure, kHostA}, EndDeviceGone{At(0x2010)}, ExpanderGone{At(0x2000)}});
  EXPECT_THAT(Enclosures(), IsEmpty());
}

// Of a source that lists slots without the place where it found them: each enclosure has them, so a
// bay stays when its drive goes, and each source's hosts agree on the label.
TEST_F(SharedEnclosureTest, SlotsFromNoPlaceAreThoseOfEachEnclosure) {
  const auto list = [](HostKey host, const std::string& name) {
    EnclosureFacts facts = SesOf(NodeKey::Host(host), 2);
    facts.place = NodeKey();
    std::vector<Observation> all = {facts};
    for (uint16_t i = 0; i < 2; ++i) {
      all.push_back(SlotFacts{{kEnclosure, i}, absl::StrCat(name, i), "", NodeKey()});
    }
    return all;
  };
  Report(CageWith(0x1000, "AB"), kHostA, Source::kSysfs);
  Report(list(kHostA, "X"), kHostA, Source::kSysfs);
  Report(CageWith(0x2000, "C"), kHostA, Source::kSysfs);
  const std::vector<std::string> both = {"77-0 0:A=X0 1:B=X1", "77-1 0:C=X0 1:=X1"};
  EXPECT_EQ(Enclosures(), both);
  EXPECT_EQ(Report(list(kHostA, "X"), kHostA, Source::kSysfs), 0) << "a repetition";
  Report({EndDeviceGone{At(0x2010)}}, kHostA, Source::kSysfs);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A=X0 1:B=X1", "77-1 0:=X0 1:=X1"));
  // A host without members of the second one.
  Report(CageWith(0x1000, "AB", kHostB), kHostB, Source::kSysfs);
  Report(list(kHostB, "Y"), kHostB, Source::kSysfs);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A=Y0 1:B=Y1", "77-1 0:=X0 1:=X1"));
  EXPECT_EQ(Report(list(kHostA, "X"), kHostA, Source::kSysfs), 0) << "no flapping";
  EXPECT_EQ(Report(list(kHostB, "Y"), kHostB, Source::kSysfs), 0);
  Report({ExpanderGone{At(0x2000)}}, kHostA, Source::kSysfs);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A=Y0 1:B=Y1")) << "nothing leads there any more";
  Report({EnclosureGone{kEnclosure, kHostA}}, kHostA, Source::kSysfs);
  Report({EnclosureGone{kEnclosure, kHostB}}, kHostB, Source::kSysfs);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B"));
}

// A module may number the slots differently. A drive that two of them reach links them.
TEST_F(SharedEnclosureTest, NodesThatDrivesLinkAreOneEnclosure) {
  const auto with = [](uint64_t address, HostKey host, const std::string& drives) {
    std::vector<Observation> all = {Cage(address, host)};
    for (size_t i = 0; i < drives.size(); ++i) {
      if (drives[i] == '-') continue;
      AddDrive(all, At(address, host), address + 0x10 + i, static_cast<uint16_t>(i),
               drives.substr(i, 1) + "1");
    }
    return all;
  };
  Report(with(0x2000, kHostB, "A--B"), kHostB);
  Report(with(0x1000, kHostB, "D--"), kHostB);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 3:B", "77-1 0:D"));
  Report(with(0x3000, kHostB, "-E-"), kHostB);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:E 3:B", "77-1 0:D")) << "no proof yet";
  Report(with(0x4000, kHostA, "BE"), kHostA);
  // B and E are linked by the module that reaches both; slot 0 proves nothing.
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:BA 1:E 3:B", "77-1 0:D"));
  Report(with(0x5000, kHostA, "-F-B"), kHostA);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:BA 1:EF 3:B", "77-1 0:D"));
  Report(with(0x6000, kHostA, "D--G"), kHostA);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:BA 1:EF 3:B", "77-1 0:D 3:G"))
      << "D is seen in the second one";
}

// The drive over both is in one enclosure, whichever of the two nodes the proof is about.
TEST_F(SharedEnclosureTest, LinkedNodesMoveTogether) {
  Report(CageWith(0x1000, "A"));
  std::vector<Observation> second = {Cage(0x2000)};
  AddDrive(second, At(0x2000), 0x2011, 1, "B1");
  AddDrive(second, At(0x2000), 0x2012, 2, "C1");
  Report(std::move(second));
  std::vector<Observation> path = {Cage(0x3000, kHostB)};
  AddDrive(path, At(0x3000, kHostB), 0x3012, 2, "C1");
  AddDrive(path, At(0x3000, kHostB), 0x3013, 3, "D1");
  Report(std::move(path), kHostB);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A 1:B 2:C 3:D")) << "no proof yet";
  std::vector<Observation> proof;
  AddDrive(proof, At(0x3000, kHostB), 0x3010, 0, "E1");
  Report(std::move(proof), kHostB);
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A", "77-1 0:E 1:B 2:C 3:D"));
  EXPECT_EQ(Find<Expander>(At(0x2000))->facts.enclosure, kSecond);
}

// The new drive has the lesser key, and would stay if nothing linked it to the second enclosure.
TEST_F(SharedEnclosureTest, NodeWhoseDrivesAreSeenElsewhereLeadsThere) {
  Report(CageWith(0x1000, "A", kHostB), kHostB);
  Report(CageWith(0x2000, "B", kHostB), kHostB);
  std::vector<Observation> both = CageWith(0x1000, "B");
  for (Observation& one : CageWith(0x2000, "A")) both.push_back(std::move(one));
  Report(std::move(both));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:A", "77-1 0:B"));
}

TEST_F(SharedEnclosureTest, RestartKeepsWhichIsWhich) {
  Report(CageWith(0x1000, "AB"));
  Report(CageWith(0x2000, "CD"));
  EnclosureCopies kept;
  for (const auto& [key, value] : writer_.enclosure_copies().TakeChanges()) {
    EXPECT_TRUE(kept.Load(key, value)) << key << ": " << value;
  }
  EXPECT_THAT(writer_.enclosure_copies().TakeChanges(), IsEmpty());
  Writer after(0, NodeSources(), kept);
  // The other one comes first, and the first one is empty at first.
  for (auto batch : {CageWith(0x2000, "CD"), CageWith(0x1000, "AB")}) {
    after.Apply(Batch(std::move(batch)));
    EXPECT_EQ(after.SeparateEnclosures(), nullptr);
  }
  EXPECT_EQ(after.tables().of<EndDevice>().Find(At(0x2010))->facts.enclosure, kSecond);
  EXPECT_EQ(after.tables().of<EndDevice>().Find(At(0x1010))->facts.enclosure, kFirst);
}

// A crash may come between the event with the proof and the one that takes them apart.
TEST_F(SharedEnclosureTest, ProofOfBeforeARestartCountsOnceTheHostIsCompared) {
  writer_.Apply(Batch(CageWith(0x1000, "AB")));
  writer_.Apply(Batch(CageWith(0x2000, "CD")));
  EXPECT_THAT(Enclosures(), ElementsAre("77-0 0:AC 1:BD"));
  RestoredBuilder builder;
  const auto add_all = [&](const auto& table) {
    for (const auto& resource : table) builder.Add(*resource);
  };
  add_all(writer_.tables().of<Host>());
  add_all(writer_.tables().of<Expander>());
  add_all(writer_.tables().of<EndDevice>());
  add_all(writer_.tables().of<LogicalUnit>());
  add_all(writer_.tables().of<Enclosure>());
  add_all(writer_.tables().of<Slot>());
  absl::StatusOr<Restored> restored = builder.Finish();
  ASSERT_TRUE(restored.ok()) << restored.status();
  Writer after(*std::move(restored));
  after.BeginRestart(absl::UnixEpoch());
  EXPECT_EQ(after.SeparateEnclosures(), nullptr) << "its hosts are not compared";
  std::vector<Observation> all = {HostOf(kHostA), Settled(kHostA)};
  for (Observation& one : CageWith(0x1000, "AB")) all.push_back(std::move(one));
  for (Observation& one : CageWith(0x2000, "CD")) all.push_back(std::move(one));
  std::vector<ObservationBatch> batches;
  batches.push_back(Batch(std::move(all)));
  after.Compare({kHostA, std::move(batches), absl::UnixEpoch()});
  while (after.SeparateEnclosures() != nullptr) {
  }
  EXPECT_THAT(EnclosuresOf(after.tables()), ElementsAre("77-0 0:A 1:B", "77-1 0:C 1:D"));
}

TEST(EnclosureCopiesTest, RowsThatMakeNoSenseAreRefused) {
  EnclosureCopies copies;
  const std::string node = "500605b00c0ffe00/5003048000000000.0";
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"host 500605b00c0ffe00", "2=" + node},
           {"enclosure 0000000000000000", "2=" + node},
           {"enclosure 5003", "2=" + node},
           {"enclosure 500304800000003f", ""},
           {"enclosure 500304800000003f", "0=" + node},
           {"enclosure 500304800000003f", "257=" + node},
           {"enclosure 500304800000003f", "2=" + node + " 3=" + node},
           {"enclosure 500304800000003f", "2=500605b00c0ffe00/5003048000000000"}}) {
    EXPECT_FALSE(copies.Load(key, value)) << key << ": " << value;
  }
  EXPECT_TRUE(copies.Load("enclosure 500304800000003f", "2=" + node));
  EXPECT_TRUE(copies.IsShared(0x500304800000003f));
}

}  // namespace
}  // namespace sasd::registry
