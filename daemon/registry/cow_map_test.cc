#include "daemon/registry/cow_map.h"

#include <map>
#include <memory>
#include <random>
#include <tuple>
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

// The differences as (key, content before, content after); -1 where there is none.
using Difference = std::tuple<int, int, int>;

std::vector<Difference> DifferencesOf(const Map& before, const Map& after) {
  std::vector<Difference> found;
  Map::VisitDifferences(before, after, [&found](const Map::Value& a, const Map::Value& b) {
    found.emplace_back(a ? a->id : b->id, a ? a->content : -1, b ? b->content : -1);
  });
  return found;
}

TEST(CowMapTest, DifferencesAreThoseOfEachKey) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    const int keys = round % 2 == 0 ? 100 : 5000;
    Map before;
    for (int i = 0; i < keys; ++i) before.Put(Make(static_cast<int>(random() % keys), i));
    Map after = before;
    for (size_t i = random() % 300; i > 0; --i) {
      const int key = static_cast<int>(random() % (2 * static_cast<unsigned>(keys)));
      if (random() % 2 == 0) {
        after.Put(Make(key, 100'000 + static_cast<int>(i)));
      } else {
        after.Erase(key);
      }
    }
    std::vector<Difference> expected;
    const Reference was = ContentOf(before), is = ContentOf(after);
    for (int key = 0; key < 2 * keys; ++key) {
      const auto a = was.find(key), b = is.find(key);
      const int x = a == was.end() ? -1 : a->second, y = b == is.end() ? -1 : b->second;
      if (x != y) expected.emplace_back(key, x, y);
    }
    ASSERT_EQ(DifferencesOf(before, after), expected) << round;
    EXPECT_EQ(DifferencesOf(after, before).size(), expected.size());
  }
}

TEST(CowMapTest, DifferencesOfUnrelatedMapsAreAllOfBoth) {
  Map before, after;
  for (int i = 0; i < 1000; ++i) before.Put(Make(2 * i, i));
  for (int i = 0; i < 10; ++i) after.Put(Make(2 * i + 1, i));
  EXPECT_EQ(DifferencesOf(before, after).size(), 1010u);
  EXPECT_EQ(DifferencesOf(Map(), after).size(), 10u);
  EXPECT_TRUE(DifferencesOf(Map(), Map()).empty());
}

// Counts how often keys are read, as a measure of the work.
struct CountedItem {
  using Key = int;
  int id = 0;
  static int reads;
  Key key() const {
    ++reads;
    return id;
  }
};
int CountedItem::reads = 0;

TEST(CowMapTest, WhatCopiesShareIsPassedBy) {
  CowMap<CountedItem> before;
  for (int i = 0; i < 100'000; ++i) {
    before.Put(std::make_shared<const CountedItem>(CountedItem{i}));
  }
  CowMap<CountedItem> after = before;
  after.Put(std::make_shared<const CountedItem>(CountedItem{50'000}));
  after.Erase(70'000);
  CountedItem::reads = 0;
  int found = 0;
  CowMap<CountedItem>::VisitDifferences(before, after,
                                        [&found](const auto&, const auto&) { ++found; });
  EXPECT_EQ(found, 2);
  EXPECT_LT(CountedItem::reads, 2'000);
}

}  // namespace
}  // namespace sasd::registry
