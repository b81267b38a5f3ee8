// The index by object: searches find the same, whatever part of it is built, merged or gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "daemon/journal/faulty_disk.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/sqlite.h"
#include "daemon/journal/test_node.h"

namespace sasd::journal {
namespace {

class JournalIndexTest : public testing::Test {
 protected:
  JournalIndexTest() { node_.options().reserved_block = 1'000'000; }

  // Events about one to four of a hundred objects, a few of them about thousands.
  void Append(int64_t count) {
    while (count > 0) {
      std::vector<EventRow> rows;
      int64_t revision = node_.journal().last_revision();
      for (uint64_t n = 1 + random_() % 300; n > 0 && count > 0; --n, --count) {
        EventRow row = node_.Next(absl::StrCat("event ", ++revision));
        if (row.revision != revision) row = EventRow();
        row.revision = revision;
        row.previous_revision = revision - 1;
        row.unix_nanos = revision * 1000;
        row.cause = static_cast<uint8_t>(random_() % 5);
        row.severity = random_() % 50 == 0 ? 3 : 1;
        row.payload = absl::StrCat("event ", revision);
        const uint64_t objects = random_() % 2000 == 0 ? 3000 : 1 + random_() % 4;
        for (uint64_t i = 0; i < objects; ++i)
          row.objects.push_back({absl::StrCat("object ", objects > 4 ? i : random_() % 100), 6,
                                 static_cast<uint8_t>(1 + random_() % 4)});
        rows.push_back(row);
        rows_.push_back(std::move(row));
      }
      absl::Status status = node_.journal().Append(rows);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  // What a search must find.
  std::vector<int64_t> Expected(const Query& query) {
    std::vector<int64_t> out;
    for (const EventRow& row : rows_) {
      const bool about =
          std::any_of(row.objects.begin(), row.objects.end(), [&](const ObjectChange& object) {
            return std::count(query.objects.begin(), query.objects.end(), object.name) > 0 &&
                   (query.changes == 0 || (query.changes >> object.change & 1) != 0);
          });
      if (about && row.revision > std::max(query.after, trimmed_) &&
          row.severity >= query.minimum_severity &&
          (query.causes == 0 || (query.causes >> row.cause & 1) != 0))
        out.push_back(row.revision);
    }
    if (query.newest_first) std::reverse(out.begin(), out.end());
    return out;
  }
  void Check() {
    for (const std::vector<std::string>& objects : {std::vector<std::string>{"object 3"},
                                                    {"object 50", "object 51", "object 2999"},
                                                    {"object 2998"},
                                                    {"unknown"}}) {
      for (bool newest_first : {false, true}) {
        for (const auto& [severity, changes, causes] :
             std::initializer_list<std::tuple<uint8_t, uint64_t, uint64_t>>{
                 {0, 0, 0}, {3, 0, 0}, {0, 1u << 2, 0}, {0, 0, 1u << 3}}) {
          const Query query = {.newest_first = newest_first,
                               .limit = 37,
                               .objects = objects,
                               .changes = changes,
                               .causes = causes,
                               .minimum_severity = severity};
          auto page = node_.ReadAll(query);
          ASSERT_TRUE(page.ok()) << page.status();
          std::vector<int64_t> found;
          for (const EventRow& row : page->rows) found.push_back(row.revision);
          EXPECT_EQ(found, Expected(query)) << objects[0] << " " << newest_first;
        }
      }
    }
  }
  int64_t Count(const std::string& sql) {
    auto db = Database::Open(node_.path(), {.read_only = true});
    return *db->Int(sql);
  }

  std::mt19937_64 random_{3};
  TestNode node_;
  std::vector<EventRow> rows_;
  int64_t trimmed_ = 0;
};

TEST_F(JournalIndexTest, SearchesFindTheSameBeforeAndAfterAMerge) {
  ASSERT_TRUE(node_.Open().ok());
  Append(300);
  Check();
  Append(75'000);
  Check();
  const int64_t small = Count("SELECT count(*) FROM runs");
  EXPECT_GT(small, 140);
  ASSERT_TRUE(node_.journal().Maintain().ok());
  EXPECT_LT(Count("SELECT count(*) FROM runs"), small - 120);
  EXPECT_EQ(Count("SELECT count(*) FROM (SELECT DISTINCT key >> 32 FROM postings)"),
            Count("SELECT count(*) FROM runs"))
      << "what was merged is gone";
  Check();
  ASSERT_TRUE(node_.Open().ok());
  Check();
  Append(1000);
  Check();
}

TEST_F(JournalIndexTest, TheIndexGoesWithItsEvents) {
  node_.options().max_bytes = 1 << 20;
  ASSERT_TRUE(node_.Open().ok());
  Append(80'000);
  ASSERT_TRUE(node_.journal().FinishState(node_.journal().last_revision(), std::nullopt).ok());
  while (node_.journal().stats().trimmed == trimmed_ ||
         node_.journal().stats().used_bytes > 1 << 20) {
    trimmed_ = node_.journal().stats().trimmed;
    ASSERT_TRUE(node_.journal().Maintain().ok());
  }
  trimmed_ = node_.journal().stats().trimmed;
  EXPECT_GT(trimmed_, 50'000);
  EXPECT_EQ(Count(absl::StrCat("SELECT count(*) FROM runs WHERE last <= ", trimmed_)), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM (SELECT DISTINCT key >> 32 FROM postings)"),
            Count("SELECT count(*) FROM runs"));
  Check();
}

// An older schema, or damage: the maintenance writes what the index lacks.
TEST_F(JournalIndexTest, WhatTheIndexLacksIsBuiltAgain) {
  ASSERT_TRUE(node_.Open().ok());
  Append(30'000);
  node_.Kill();
  for (const char* sql : {"DELETE FROM runs; DELETE FROM postings",
                          "DELETE FROM postings WHERE key >> 32 IN (SELECT id FROM runs WHERE"
                          " first BETWEEN 5000 AND 20000);"
                          "DELETE FROM runs WHERE first BETWEEN 5000 AND 20000"}) {
    {
      auto db = Database::Open(node_.path(), {});
      absl::Status status = db->Exec(sql);
      ASSERT_TRUE(status.ok()) << status;
    }
    const int64_t before = Count("SELECT count(*) FROM runs");
    ASSERT_TRUE(node_.Open().ok()) << "it maintains once";
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(node_.journal().Maintain().ok());
    EXPECT_GT(Count("SELECT count(*) FROM runs"), before);
    EXPECT_EQ(Count("SELECT min(first) FROM runs"), 1);
    EXPECT_EQ(Count("SELECT sum(last - first + 1) FROM runs"), Count("SELECT max(last) FROM runs"))
        << "no revision is left out";
    Check();
    Append(700);
    Check();
    node_.Kill();
  }
}

TEST_F(JournalIndexTest, AWriteThatFailsLeavesNothingInTheIndex) {
  FaultyDisk disk;
  node_.options().vfs = disk.vfs();
  ASSERT_TRUE(node_.Open().ok());
  Append(500);
  EventRow row = node_.Next("large", {{"object 3", 6, 1}, {"a new one", 6, 1}});
  row.payload.assign(1 << 20, 'x');
  disk.set_full(true);
  ASSERT_FALSE(node_.journal().Append({row}).ok());
  disk.set_full(false);
  Append(600);
  Check();
  auto page = node_.journal().Read({.objects = {"a new one"}});
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->rows.empty());
}

}  // namespace
}  // namespace sasd::journal
