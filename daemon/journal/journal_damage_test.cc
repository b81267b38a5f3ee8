// Pages and rows that cannot be read, anywhere in journal.db.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/sqlite.h"
#include "daemon/journal/test_node.h"

namespace sasd::journal {
namespace {

constexpr int64_t kEvents = 1500;
constexpr int64_t kPage = 4096;

class JournalDamageTest : public testing::Test {
 protected:
  void Fill() {
    node_.options().reserved_block = 100'000;
    ASSERT_TRUE(node_.Open().ok());
    for (int64_t r = 1; r <= kEvents; ++r) {
      const std::string object = absl::StrCat("object ", r % 50);
      EventRow row = node_.Next(Payload(r), {{object, 1, 2}});
      if (r == 700) row.payload.append(100'000, 'x');  // pages of its own
      payloads_[r] = row.payload;
      ASSERT_TRUE(node_.journal().Append({row}).ok());
    }
    for (int i = 0; i < 50; ++i) {
      const StateRow row{absl::StrCat("object ", i), 1, true, 10, std::string(300, 'a')};
      ASSERT_TRUE(node_.journal().WriteState({row}).ok());
    }
    ASSERT_TRUE(node_.journal().FinishState(kEvents, std::nullopt).ok());
    node_.FoldLog();
    healthy_ = directory() + "/healthy";
    std::filesystem::copy_file(node_.path(), healthy_);
  }
  static std::string Payload(int64_t r) {
    std::string payload = absl::StrCat("event ", r, " ");
    payload.append(300, static_cast<char>('a' + r % 26));
    return payload;
  }
  const std::string& directory() const { return node_.directory(); }
  int64_t pages() const {
    return static_cast<int64_t>(std::filesystem::file_size(healthy_)) / kPage;
  }
  // The database as it was, but for a part of a page.
  void Damage(int64_t page, int64_t from, const std::string& bytes) {
    node_.Kill();
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(node_.path() + suffix);
    std::filesystem::copy_file(healthy_, node_.path(),
                               std::filesystem::copy_options::overwrite_existing);
    std::fstream file(node_.path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(page * kPage + from);
    file << bytes;
  }
  int64_t Root(const std::string& table) {
    auto db = Database::Open(healthy_, {.read_only = true});
    return *db->Int(absl::StrCat("SELECT rootpage FROM sqlite_schema WHERE name = '", table, "'"));
  }
  // Every row is right; what lacks lies in a gap. Returns how many rows came.
  size_t CheckPage(const Query& query, bool complete) {
    auto page = node_.ReadAll(query);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return 0;
    std::set<int64_t> found;
    for (const EventRow& row : page->rows) {
      EXPECT_TRUE(row.payload == payloads_[row.revision]) << row.revision;
      EXPECT_TRUE(found.insert(row.revision).second) << row.revision << " comes twice";
    }
    for (int64_t r = 1; complete && r <= kEvents; ++r) {
      const bool in_gap = std::any_of(page->gaps.begin(), page->gaps.end(),
                                      [&](const Gap& gap) { return gap.Contains(r); });
      EXPECT_TRUE(found.count(r) != 0 || in_gap) << r << " is lost and not declared";
    }
    return found.size();
  }

  TestNode node_;
  std::string healthy_;
  std::map<int64_t, std::string> payloads_;
};

TEST_F(JournalDamageTest, WhatATornPageHidesIsDeclared) {
  Fill();
  std::mt19937_64 random(1);
  int moved_aside = 0;
  int with_gaps = 0;
  size_t fewest = kEvents;
  for (int64_t page = 1; page < pages(); page += 5) {
    for (int kind = 0; kind < 2; ++kind) {
      SCOPED_TRACE(absl::StrCat("page ", page, ", kind ", kind));
      std::string bytes(kPage / 2, '\0');
      if (kind == 1) {
        bytes.resize(kPage);
        for (char& byte : bytes) byte = static_cast<char>(random());
      }
      Damage(page, kPage - static_cast<int64_t>(bytes.size()), bytes);
      absl::Status status = node_.Open();
      ASSERT_TRUE(status.ok()) << status;
      if (node_.journal().start().new_epoch) {
        ++moved_aside;
        EXPECT_EQ(node_.journal().start().losses.size(), 1u);
        // The reservation would go on from this start.
        node_.Kill();
        for (const char* suffix : {"", "-wal", "-shm"})
          std::filesystem::remove(directory() + "/state.db" + suffix);
        continue;
      }
      const size_t up = CheckPage({}, true);
      const size_t down = CheckPage({.newest_first = true}, true);
      EXPECT_GT(up, kEvents * 9u / 10);
      EXPECT_GT(down, kEvents * 9u / 10);
      fewest = std::min(fewest, std::min(up, down));
      if (up < kEvents) {
        ++with_gaps;
        EXPECT_TRUE(node_.journal().stats().damaged);
      }
      CheckPage({.minimum_severity = 2}, false);
      CheckPage({.newest_first = true, .start_nanos = 1, .end_nanos = 700'000}, false);
      CheckPage({.objects = {"object 3", "object 40"}}, false);
      CheckPage({.newest_first = true, .objects = {"object 3"}}, false);
      int64_t objects = 0;
      auto damaged = node_.journal().VisitState([&](StateRow row) {
        ++objects;
        EXPECT_EQ(row.resource, std::string(300, 'a'));
      });
      ASSERT_TRUE(damaged.ok()) << damaged.status();
      EXPECT_TRUE(objects == 50 || *damaged > 0) << objects;
      EXPECT_TRUE(node_.journal().FindState("object 7").ok());
      EXPECT_TRUE(node_.journal().FindGap(500).ok());
    }
  }
  std::cout << "of " << pages() << " pages every fifth damaged twice: " << with_gaps
            << " times with gaps, " << moved_aside << " times moved aside, at least " << fewest
            << " of " << kEvents << " events read\n";
  EXPECT_GT(with_gaps, 10);
}

TEST_F(JournalDamageTest, WithoutTheIndexEventsOfAnObjectAreFound) {
  Fill();
  Damage(Root("postings") - 1, 0, std::string(kPage, '\xff'));
  ASSERT_TRUE(node_.Open().ok());
  ASSERT_FALSE(node_.journal().start().new_epoch);
  EXPECT_EQ(CheckPage({.objects = {"object 3"}}, false), 30u);
  EXPECT_EQ(
      CheckPage({.newest_first = true, .limit = 7, .objects = {"object 3", "object 4"}}, false),
      60u);
}

// Unlike SQLite, the index notices that its content was exchanged.
TEST_F(JournalDamageTest, AnIndexThatLacksAChunkHidesNothing) {
  Fill();
  for (const char* sql :
       {"DELETE FROM postings WHERE key = (SELECT max(key) FROM postings)", "DELETE FROM postings",
        "UPDATE postings SET entries = zeroblob(length(entries))",
        "DELETE FROM runs WHERE last = (SELECT min(last) FROM runs)",
        "UPDATE runs SET first = first + 100", "UPDATE runs SET id = id + 1"}) {
    SCOPED_TRACE(sql);
    Damage(0, 0, "");
    {
      auto db = Database::Open(node_.path(), {});
      absl::Status status = db->Exec(sql);
      ASSERT_TRUE(status.ok()) << status;
    }
    ASSERT_TRUE(node_.Open().ok());
    for (int i = 0; i < 50; ++i) {
      const std::string object = absl::StrCat("object ", i);
      EXPECT_EQ(CheckPage({.objects = {object}}, false), 30u) << object;
      EXPECT_EQ(CheckPage({.newest_first = true, .objects = {object}}, false), 30u) << object;
    }
  }
}

TEST_F(JournalDamageTest, DamageThatAWriteMeetsIsExaminedAtTheNextStart) {
  Fill();
  Damage(Root("objects") - 1, 0, std::string(kPage, '\xff'));
  ASSERT_TRUE(node_.Open().ok());
  const EventRow row = node_.Next("x", {{"a new object", 1, 2}});
  EXPECT_EQ(node_.journal().Append({row}).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(node_.journal().stats().damaged);
  ASSERT_TRUE(node_.journal().Maintain().ok());
  ASSERT_TRUE(node_.Open().ok());
  EXPECT_TRUE(node_.journal().start().new_epoch);
  ASSERT_EQ(node_.journal().start().losses.size(), 1u);
  EXPECT_NE(node_.journal().start().losses[0].find("corrupt"), std::string::npos);
  ASSERT_TRUE(node_.journal().Append({node_.Next("x")}).ok());
  // The examination is over.
  ASSERT_TRUE(node_.Open().ok());
  EXPECT_FALSE(node_.journal().start().new_epoch);
}

// Rows that are well formed and wrong, of the tables beside events and state.
class JournalWrongRowTest : public JournalDamageTest {
 protected:
  void SetUp() override {
    Fill();
    ASSERT_TRUE(node_.Open().ok());
    // 1501 to 1510 were published from memory.
    EventRow row = node_.Next("after a gap", {{"object 1", 1, 2}});
    row.gap = {kEvents + 1, kEvents + 10, GapReason::kJournalStalled};
    row.revision = kEvents + 11;
    row.previous_revision = kEvents;
    ASSERT_TRUE(node_.journal().Append({row}).ok());
    ASSERT_TRUE(node_.journal().Maintain().ok());
    ASSERT_TRUE(node_.journal().Close().ok());
    node_.FoldLog();
  }
  // Changes rows without their checksums, and starts again.
  void Change(const std::string& sql) {
    node_.Kill();
    {
      auto db = Database::Open(node_.path(), {});
      ASSERT_TRUE(db.ok()) << db.status();
      absl::Status status = db->Exec(sql);
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_GT(*db->Int("SELECT changes()"), 0) << sql;
    }
    status_ = node_.Open();
    ASSERT_TRUE(status_.ok()) << status_;
  }
  std::vector<int64_t> Revisions(const Query& query) {
    auto page = node_.ReadAll(query);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<int64_t> revisions;
    if (page.ok()) {
      for (const EventRow& row : page->rows) revisions.push_back(row.revision);
    }
    return revisions;
  }
  absl::Status status_;
};

TEST_F(JournalWrongRowTest, SpanHidesNothing) {
  const Query late = {.start_nanos = 1};
  ASSERT_TRUE(node_.Open().ok());
  const std::vector<int64_t> before = Revisions(late);
  ASSERT_FALSE(before.empty());
  Change(
      "UPDATE spans SET max_nanos = 0, min_nanos = 0 WHERE last = (SELECT min(last) FROM spans)");
  EXPECT_EQ(Revisions(late), before);
}

TEST_F(JournalWrongRowTest, RunHidesNothing) {
  ASSERT_TRUE(node_.Open().ok());
  const std::vector<int64_t> before = Revisions({.objects = {"object 7"}});
  ASSERT_EQ(before.size(), 30u);
  // It claims events that it does not have. Its chunks, which have its bounds, would say so, too.
  Change("UPDATE runs SET last = last + 300 WHERE last = (SELECT max(last) FROM runs)");
  EXPECT_EQ(Revisions({.objects = {"object 7"}}), before);
}

TEST_F(JournalWrongRowTest, GapIsTheHoleThatItDeclared) {
  for (const char* what : {"first = first + 5", "reason = 4"}) {
    Change(absl::StrCat("UPDATE gaps SET ", what));
    const auto page = node_.ReadAll({.objects = {"object 1"}});
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->gaps,
              (std::vector<Gap>{{kEvents + 1, kEvents + 10, GapReason::kJournalDamaged}}));
    EXPECT_EQ((*node_.journal().FindGap(kEvents + 7))->reason, GapReason::kJournalDamaged);
    const auto rows = node_.ReadAll({.after = kEvents});
    ASSERT_TRUE(rows.ok()) << rows.status();
    ASSERT_EQ(rows->rows.size(), 1u);
    EXPECT_EQ(rows->rows[0].gap, (Gap{kEvents + 1, kEvents + 10, GapReason::kJournalDamaged}));
  }
}

TEST_F(JournalWrongRowTest, EventIsNotAboutAnotherObject) {
  Change("UPDATE objects SET kind = kind + 1 WHERE name = 'object 7'");
  const auto page = node_.ReadAll({.until = 60, .with_objects = true});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->gaps, (std::vector<Gap>{{7, 7, GapReason::kJournalDamaged},
                                          {57, 57, GapReason::kJournalDamaged}}));
  const auto named = node_.ReadAll({.objects = {"object 7"}});
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_FALSE(named->gaps.empty()) << "its history is declared as lost";
}

TEST_F(JournalWrongRowTest, FileWithWrongMetaIsMovedAside) {
  Change("UPDATE meta SET value = 'another epoch' WHERE key = 'epoch'");
  EXPECT_TRUE(node_.journal().start().new_epoch);
  ASSERT_EQ(node_.journal().start().losses.size(), 1u);
  EXPECT_NE(node_.journal().start().losses[0].find("corrupt"), std::string::npos);
  EXPECT_GT(node_.journal().start().next_revision, kEvents + 11);
}

}  // namespace
}  // namespace sasd::journal
