#include "daemon/service/spellings.h"

#include <set>
#include <string>
#include <vector>

#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/service/convert.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

ObservationBatch Everything() {
  HostFacts host = registry::HostOf(registry::kHostA);
  host.os_name = "host11";
  host.pci_address = "0000:3b:00.0";
  ExpanderFacts expander = registry::ExpanderOn(registry::kHostA);
  expander.os_name = "expander-11:0";
  EndDeviceFacts drive = registry::Drive(registry::kHostA, 0xD3);
  drive.os_name = "end_device-11:0:3";
  drive.device_name = SasAddress(0xD0);
  LogicalUnitFacts unit = registry::Unit(registry::kHostA, 0xD3, "naa.5000c500a7b2611c");
  unit.serial = "ZA1";
  unit.block_device = "sdb";
  unit.scsi_address = "11:0:3:0";
  PhyFacts phy =
      registry::PhyTo(NodeKey::Host(registry::kHostA), 1, SasAddress(0xD3), 0, LinkRate::k12Gbps);
  phy.os_name = "phy-11:1";
  EnclosureFacts enclosure;
  enclosure.key = registry::kEnclosure;
  enclosure.host = registry::kHostA;
  enclosure.slot_count = 4;
  enclosure.os_name = "11:0:2:0";
  return registry::Batch(
      {host, expander, drive, unit, phy, enclosure, registry::Settled(registry::kHostA)});
}

TEST(SpellingsTest, AMessageIsCalledWhatItsResourceIsCalled) {
  registry::Registry::Options options = {"00000000000000aa", 0};
  options.aliases.hosts[registry::kHostA] = "rack3-a";
  options.aliases.enclosures[registry::kEnclosure] = "rack3-top";
  registry::SelfPublishingRegistry registry(std::move(options));
  registry.Observe(Everything());
  size_t kinds = 0;
  registry.Snapshot()->VisitAll([&](const registry::ResourceRef& ref) {
    sas::v1::Resource message;
    ToProto(ref, &message);
    const std::vector<std::string> a = SpellingsOf(ref), b = SpellingsOf(message);
    EXPECT_EQ(std::set<std::string>(a.begin(), a.end()), std::set<std::string>(b.begin(), b.end()))
        << message.ShortDebugString();
    kinds |= size_t{1} << static_cast<size_t>(registry::KindOf(ref));
  });
  EXPECT_EQ(kinds, 0x1FEu);  // all eight
}

TEST(SpellingsTest, FoldersPrefixesAndCaseDoNotMatter) {
  const std::vector<std::string> spellings = {"naa.5000c500a7b2611c", "ZA1", "sdb"};
  for (const char* query :
       {"za1", "/dev/sdb", "wwn-0x5000c500a7b2611c", "/dev/disk/by-id/wwn-0x5000C500A7B2611C",
        "scsi-35000c500a7b2611c", "5000c500a7b2611c", "naa.5000c500a7b2611c"}) {
    EXPECT_TRUE(SpellingMatcher(query).Matches(spellings)) << query;
  }
  EXPECT_FALSE(SpellingMatcher("sd").Matches(spellings));
  EXPECT_FALSE(SpellingMatcher("ZA12").Matches(spellings));
}

TEST(SpellingsTest, ASlotIsAnEnclosureAndANumber) {
  SlotQuery slot;
  ASSERT_TRUE(ParseSlotQuery("JBOD24/3", &slot));
  EXPECT_EQ(slot.slot, 3);
  EXPECT_TRUE(MeansEnclosure(slot.enclosure, "5000ccab03001100", "JBOD24", ""));
  EXPECT_TRUE(MeansEnclosure("0x1100", "5000ccab03001100", "", ""));
  EXPECT_FALSE(MeansEnclosure("00", "5000ccab03001100", "", ""));
  EXPECT_TRUE(MeansEnclosure("rack3-top", "5000ccab03001100", "JBOD24", "Rack3-Top"));
  EXPECT_FALSE(ParseSlotQuery("JBOD24", &slot));
  EXPECT_FALSE(ParseSlotQuery("JBOD24/65536", &slot));
}

}  // namespace
}  // namespace sasd::service
