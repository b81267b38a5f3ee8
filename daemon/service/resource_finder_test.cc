#include "daemon/service/resource_finder.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/service/find.h"
#include "daemon/service/spelling_index.h"
#include "daemon/service/spellings.h"
#include "driver/base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using registry::kHostA;
using registry::ResourceKind;
using registry::ResourceRef;
using registry::Topology;

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kSecond = absl::Seconds(1);

LogicalUnitFacts UnitOf(uint64_t address, int number) {
  LogicalUnitFacts unit = registry::Unit(kHostA, address, absl::StrCat("naa.5000", number));
  unit.serial = absl::StrCat("ZA1", number, "XYZ");
  unit.block_device = absl::StrCat("sd", number);
  unit.generic_device = absl::StrCat("sg", number);
  unit.scsi_address = absl::StrCat("11:0:", number, ":0");
  return unit;
}

class ResourceFinderTest : public ::testing::Test {
 protected:
  ResourceFinderTest() { Observe({registry::HostOf(kHostA), registry::Settled(kHostA)}); }

  void Observe(std::vector<Observation> observations) {
    registry_.Observe(registry::Batch(std::move(observations)));
  }
  void AddDrives(int count) {
    std::vector<Observation> all;
    for (int i = 0; i < count; ++i) {
      const uint64_t address = 0x5000c50000000000 + static_cast<uint64_t>(i);
      all.push_back(registry::Drive(kHostA, address));
      all.push_back(UnitOf(address, i));
    }
    Observe(std::move(all));
  }

  registry::SelfPublishingRegistry registry_{registry::Registry::Options{"00000000000000aa"}};
};

TEST_F(ResourceFinderTest, AliasOfWhatMayBeGoneBecomesItsName) {
  const ResourceFinder finder(registry_, [](absl::string_view alias) {
    return alias == "rack3-top"
               ? std::optional(registry::MakeId<registry::Enclosure>(registry::kEnclosure))
               : std::nullopt;
  });
  EXPECT_EQ(finder.WithoutAlias(" rack3-top"), "enclosures/0000000000000077");
  EXPECT_EQ(finder.WithoutAlias("rack3-top/3"), "enclosures/0000000000000077/slots/3");
  for (const char* query : {"cellar", "cellar/3", "rack3-top/x", "rack3-top/3/4", ""}) {
    EXPECT_EQ(finder.WithoutAlias(query), query);
  }
}

// What the index finds is what a look at all resources finds, while resources come and go.
TEST_F(ResourceFinderTest, IndexFindsWhatALookAtAllFinds) {
  std::mt19937 random(3);
  SpellingIndex index;
  size_t found_in_all = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Observation> observations;
    for (int i = 0; i < 3; ++i) {
      const uint64_t address = 0x5000c50000000000 + random() % 20;
      const int number = static_cast<int>(random() % 20);
      switch (random() % 4) {
        case 0:
          observations.push_back(EndDeviceGone{{kHostA, SasAddress(address), PhysicalPort(0)}});
          break;
        case 1:
          observations.push_back(
              LogicalUnitGone{{kHostA, SasAddress(address), PhysicalPort(0)}, 0});
          break;
        case 2:
          observations.push_back(registry::Drive(kHostA, address));
          break;
        default:
          observations.push_back(registry::Drive(kHostA, address));
          observations.push_back(UnitOf(address, number));
      }
    }
    Observe(std::move(observations));
    if (round % 4 == 1) continue;  // some events are taken over together
    const std::shared_ptr<const Topology> topology = registry_.Snapshot();
    index.MoveTo(topology);
    size_t spellings = 0;
    topology->VisitAll([&](const ResourceRef& ref) {
      std::vector<std::string> all = SpellingsOf(ref);
      std::sort(all.begin(), all.end());
      spellings += static_cast<size_t>(std::unique(all.begin(), all.end()) - all.begin());
    });
    ASSERT_EQ(index.size(), spellings) << "round " << round;
    const std::string number = absl::StrCat(random() % 20);
    for (const std::string& query :
         {absl::StrCat("sd", number), absl::StrCat("/dev/SG", number),
          absl::StrCat("za1", number, "xyz"), absl::StrCat("wwn-0x5000", number),
          absl::StrCat("11:0:", number, ":0"), std::string("5000c50000000003"),
          std::string("000000000000000a"), std::string("nothing")}) {
      for (const std::vector<ResourceKind>& kinds :
           {std::vector<ResourceKind>{},
            {ResourceKind::kEndDevice},
            {ResourceKind::kLogicalUnit, ResourceKind::kHost}}) {
        const auto expected = FindExact(*topology, query, kinds, nullptr);
        ASSERT_EQ(FindExact(*topology, query, kinds, &index), expected) << query;
        found_in_all += expected.size();
      }
    }
  }
  EXPECT_GT(found_in_all, 500u);
}

TEST_F(ResourceFinderTest, FindsWithAndWithoutAnIndex) {
  AddDrives(10);
  ResourceFinder finder(registry_);
  const auto find = [&](absl::string_view query) {
    return finder.Find(registry_.Snapshot(), query, {});
  };
  EXPECT_THAT(find("sd3").resources, SizeIs(1));
  finder.Step(kSecond);
  EXPECT_TRUE(finder.has_index());
  EXPECT_THAT(find("sd3").resources, SizeIs(1));
  // What came after the index was made.
  Observe({UnitOf(0x5000c50000000003, 77)});
  EXPECT_THAT(find("sd3").resources, IsEmpty());
  EXPECT_THAT(find("sd77").resources, SizeIs(1));
  EXPECT_THAT(find("sd4x").suggestions, ::testing::Contains("sd4"));
}

TEST_F(ResourceFinderTest, SlotsAndNamesAreFoundWithAnIndexToo) {
  AddDrives(10);
  SpellingIndex index;
  index.MoveTo(registry_.Snapshot());
  const auto found = FindExact(*registry_.Snapshot(), "077/3", {}, &index);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(KindOf(found[0]), ResourceKind::kSlot);
  EXPECT_THAT(FindExact(*registry_.Snapshot(), "hosts/000000000000000a", {}, &index), SizeIs(1));
}

TEST_F(ResourceFinderTest, IndexGoesWhenNobodyAsks) {
  AddDrives(3);
  ResourceFinder finder(registry_);
  finder.Find(registry_.Snapshot(), "sd1", {});
  Clock& clock = SystemClock();
  absl::Duration now = clock.Monotonic() + kSecond;
  finder.Step(now);
  EXPECT_TRUE(finder.has_index());
  finder.Step(now + ResourceFinder::kKeep - absl::Seconds(60));  // it was asked before `now`
  EXPECT_TRUE(finder.has_index());
  finder.Step(now + 2 * ResourceFinder::kKeep);
  EXPECT_FALSE(finder.has_index());
}

TEST_F(ResourceFinderTest, CancelledFindEndsSoon) {
  AddDrives(5'000);
  int asked = 0;
  const auto found = FindResources(*registry_.Snapshot(), "zzzz", {}, [&asked] {
    ++asked;
    return true;
  });
  EXPECT_THAT(found.resources, IsEmpty());
  EXPECT_EQ(asked, 2) << "once while looking, once while suggesting";
}

}  // namespace
}  // namespace sasd::service
