#include "daemon/registry/cow_map.h"

#include <map>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

struct Item {
  using Key = int;
  int id = 0;
  int content = 0;
  Key key() const { return id; }
};
using Map = CowMap<Item>;
using Reference = std::map<int, int>;

std::shared_ptr<const Item> Make(int id, int content) {
  return std::make_shared<const Item>(Item{id, content});
}

Reference ContentOf(const Map& map) {
  Reference content;
  for (const auto& item : map) content.emplace(item->id, item->content);
  return content;
}

// As many elements as iteration finds, in order.
void Check(const Map& map, const Reference& expected) {
  EXPECT_EQ(map.size(), expected.size());
  EXPECT_EQ(map.empty(), expected.empty());
  auto it = expected.begin();
  for (const auto& item : map) {
    ASSERT_NE(it, expected.end());
    EXPECT_EQ(item->id, it->first);
    EXPECT_EQ(item->content, it->second);
    ++it;
  }
  EXPECT_EQ(it, expected.end());
}

TEST(CowMapTest, EmptyMapHasNoElements) {
  Map map;
  Check(map, {});
  EXPECT_EQ(map.Find(1), nullptr);
  EXPECT_EQ(map.LowerBound(1), map.end());
  EXPECT_EQ(map.Erase(1), nullptr);
}

TEST(CowMapTest, PutAndEraseReturnTheOldValue) {
  Map map;
  EXPECT_EQ(map.Put(Make(1, 10)), nullptr);
  EXPECT_EQ(map.Put(Make(1, 11))->content, 10);
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.Erase(1)->content, 11);
  EXPECT_TRUE(map.empty());
}

TEST(CowMapTest, BoundsMatchAnOrderedMap) {
  Map map;
  for (int id = 0; id < 1'000; id += 10) map.Put(Make(id, id));
  for (int key = -5; key < 1'000; ++key) {
    const int least = key <= 0 ? 0 : (key + 9) / 10 * 10;
    const int above = key < 0 ? 0 : key / 10 * 10 + 10;
    const auto lower = map.LowerBound(key), upper = map.UpperBound(key);
    ASSERT_EQ(lower == map.end() ? 1'000 : (*lower)->id, least) << key;
    ASSERT_EQ(upper == map.end() ? 1'000 : (*upper)->id, above) << key;
  }
}

// Against std::map, over sizes at which nodes split and join.
TEST(CowMapTest, RandomChangesMatchAnOrderedMap) {
  std::mt19937 random(7);
  for (const int keys : {60, 400, 5'000}) {
    Map map;
    Reference reference;
    for (int round = 0; round < 6; ++round) {
      const bool grows = round % 2 == 0;
      for (int i = 0; i < 2 * keys; ++i) {
        const int key = static_cast<int>(random() % static_cast<unsigned>(keys));
        if (random() % 8 < (grows ? 6u : 1u)) {
          const bool is_new = map.Put(Make(key, i)) == nullptr;
          ASSERT_EQ(is_new, reference.insert_or_assign(key, i).second);
        } else {
          ASSERT_EQ(map.Erase(key) != nullptr, reference.erase(key) == 1);
        }
      }
      Check(map, reference);
    }
    for (const auto& [key, content] : Reference(reference)) {
      ASSERT_EQ(map.Find(key)->content, content);
      ASSERT_NE(map.Erase(key), nullptr);
    }
    Check(map, {});
  }
}

TEST(CowMapTest, CopyKeepsItsElements) {
  std::mt19937 random(11);
  Map map;
  std::vector<std::pair<Map, Reference>> copies;
  for (int i = 0; i < 3'000; ++i) {
    const int key = static_cast<int>(random() % 700);
    if (random() % 3 != 0) {
      map.Put(Make(key, i));
    } else {
      map.Erase(key);
    }
    if (i % 100 == 0) copies.emplace_back(map, ContentOf(map));
  }
  for (const auto& [copy, content] : copies) Check(copy, content);
}

// Two leaves of 13 elements. The right one shrinks until both fit in half a node, and the left one,
// which the copy shares, takes its elements.
TEST(CowMapTest, JoiningNodesLeavesTheCopyAlone) {
  constexpr int kLeaf = 48, kLeft = 13;
  Map map;
  for (int id = 0; id < 2 * kLeaf; ++id) map.Put(Make(id, 0));
  for (int id = 0; id < 2 * kLeaf; ++id) {
    if (id % kLeaf >= kLeft) map.Erase(id);
  }
  const Map copy = map;
  const Reference content = ContentOf(copy);
  for (int id = kLeaf; id < kLeaf + kLeft; ++id) {
    map.Erase(id);
    Check(copy, content);
  }
  EXPECT_EQ(map.size(), static_cast<size_t>(kLeft));
}

TEST(CowMapTest, CopySharesUnchangedNodes) {
  Map map;
  for (int id = 0; id < 1'000; ++id) map.Put(Make(id, 0));
  const Map copy = map;
  map.Put(Make(500, 1));
  int shared = 0;
  for (int id = 0; id < 1'000; ++id) shared += map.Find(id) == copy.Find(id);
  EXPECT_EQ(shared, 999);
  // The element, the copy's leaf and the map's own copy of that leaf hold it; another leaf is one.
  EXPECT_EQ(copy.Get(0).use_count(), 2);
  EXPECT_EQ(copy.Get(501).use_count(), 3);
}

TEST(CowMapTest, LastCopyFreesAllElements) {
  const std::shared_ptr<const Item> item = Make(1, 1);
  {
    Map map;
    map.Put(item);
    const Map copy = map;
    map.Erase(1);
    EXPECT_EQ(item.use_count(), 2);
  }
  EXPECT_EQ(item.use_count(), 1);
}

}  // namespace
}  // namespace sasd::registry
