// Disks that are full, read-only or hang, files that were cut short or exchanged, and stops at each
// operation of a step.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <thread>  // NOLINT: a write that hangs
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/journal/database_file.h"
#include "daemon/journal/faulty_disk.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/sqlite.h"
#include "daemon/journal/test_node.h"

namespace sasd::journal {
namespace {

class BadDayTest : public testing::Test {
 protected:
  BadDayTest() {
    node_.options().vfs = disk_.vfs();
    node_.options().reserved_block = 1000;
  }
  void Append(int64_t first, int64_t last) {
    for (int64_t r = first; r <= last; ++r) {
      const EventRow row = node_.Next(absl::StrCat("event ", r));
      ASSERT_EQ(row.revision, r);
      absl::Status status = node_.journal().Append({row});
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  std::vector<int64_t> Revisions() {
    std::vector<int64_t> out;
    auto page = node_.ReadAll({});
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return out;
    for (const EventRow& row : page->rows) {
      EXPECT_EQ(row.payload, absl::StrCat("event ", row.revision));
      out.push_back(row.revision);
    }
    return out;
  }
  std::string Bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  FaultyDisk disk_;
  TestNode node_;
};

using Revs = std::vector<int64_t>;

TEST_F(BadDayTest, AFullDiskTakesEventsAgainOnceItIsFreed) {
  ASSERT_TRUE(node_.Open().ok());
  Append(1, 3);
  disk_.set_full(true);
  EventRow row = node_.Next("event 4");
  EXPECT_EQ(node_.journal().Append({row}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(node_.journal().last_revision(), 3);
  EXPECT_EQ(Revisions(), (Revs{1, 2, 3})) << "readers do not need the disk's space";
  disk_.set_full(false);
  ASSERT_TRUE(node_.journal().Append({row}).ok());
  ASSERT_TRUE(node_.Open().ok());
  EXPECT_EQ(Revisions(), (Revs{1, 2, 3, 4}));
}

TEST_F(BadDayTest, AFullDiskAtTheStartIsAnError) {
  disk_.set_full(true);
  absl::Status status = node_.Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  disk_.set_full(false);
  EXPECT_TRUE(node_.Open().ok());
}

TEST_F(BadDayTest, AReadOnlyDiskKeepsWhatItHas) {
  ASSERT_TRUE(node_.Open().ok());
  Append(1, 3);
  disk_.set_read_only(true);
  EXPECT_FALSE(node_.journal().Append({node_.Next("event 4")}).ok());
  EXPECT_FALSE(node_.journal().Maintain().ok());
  EXPECT_FALSE(node_.journal().stats().last_error.ok());
  EXPECT_EQ(Revisions(), (Revs{1, 2, 3}));
  absl::Status status = node_.Open();
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(absl::IsDataLoss(status)) << status;
  disk_.set_read_only(false);
  ASSERT_TRUE(node_.Open().ok());
  EXPECT_FALSE(node_.journal().start().new_epoch);
  EXPECT_EQ(Revisions(), (Revs{1, 2, 3}));
}

TEST_F(BadDayTest, ADiskThatHangsHoldsUpNoReader) {
  ASSERT_TRUE(node_.Open().ok());
  Append(1, 3);
  disk_.set_hanging(true);
  const EventRow row = node_.Next("event 4");
  std::thread writer([&] { EXPECT_TRUE(node_.journal().Append({row}).ok()); });
  disk_.WaitUntilHung();
  EXPECT_EQ(Revisions(), (Revs{1, 2, 3}));
  node_.journal().SetVisible(4);
  EXPECT_EQ(node_.journal().last_revision(), 3);
  disk_.set_hanging(false);
  writer.join();
  EXPECT_EQ(Revisions(), (Revs{1, 2, 3, 4}));
}

TEST_F(BadDayTest, ATruncatedLogIsADeclaredGap) {
  ASSERT_TRUE(node_.Open().ok());
  Append(1, 40);
  node_.Kill();
  const std::string log = node_.path() + "-wal";
  std::filesystem::resize_file(log, std::filesystem::file_size(log) * 3 / 4);
  std::filesystem::remove(node_.path() + "-shm");
  ASSERT_TRUE(node_.Open().ok());
  const Revs kept = Revisions();
  ASSERT_FALSE(kept.empty());
  ASSERT_LT(kept.back(), 40);
  EXPECT_EQ(node_.journal().start().gap, (Gap{kept.back() + 1, 40, GapReason::kJournalDamaged}));
  EXPECT_EQ(node_.journal().start().next_revision, 41);
  EXPECT_EQ(node_.journal().start().losses.size(), 1u);
  Append(41, 42);
  EXPECT_EQ((*node_.journal().FindGap(40))->reason, GapReason::kJournalDamaged);
}

TEST_F(BadDayTest, AMissingLogIsADeclaredGap) {
  ASSERT_TRUE(node_.Open().ok());
  Append(1, 5);
  node_.FoldLog();
  ASSERT_TRUE(node_.Open().ok());
  Append(6, 9);
  node_.Kill();
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(node_.path() + suffix);
  ASSERT_TRUE(node_.Open().ok());
  EXPECT_EQ(Revisions(), (Revs{1, 2, 3, 4, 5}));
  EXPECT_EQ(node_.journal().start().gap, (Gap{6, 9, GapReason::kJournalDamaged}));
  EXPECT_FALSE(node_.journal().start().new_epoch);
}

TEST_F(BadDayTest, AMissingLogThatHadEverythingBeginsANewEpoch) {
  ASSERT_TRUE(node_.Open().ok());
  Append(1, 9);
  node_.Kill();
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(node_.path() + suffix);
  ASSERT_TRUE(node_.Open().ok());
  EXPECT_TRUE(node_.journal().start().new_epoch);
  EXPECT_EQ(node_.journal().start().losses.size(), 1u);
  EXPECT_GT(node_.journal().start().next_revision, 9);
}

TEST_F(BadDayTest, AForeignOrNewerJournalStaysUntouched) {
  ASSERT_TRUE(node_.Open().ok());
  Append(1, 3);
  node_.FoldLog();
  const std::string bytes = Bytes(node_.path());
  // Only journal.db is foreign: state.db is another machine's, too.
  const auto open_as = [&](const std::string& machine) {
    TestNode other;
    other.options().machine = machine;
    std::filesystem::copy_file(node_.path(), other.path());
    absl::Status status = other.Open();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_TRUE(Bytes(other.path()) == bytes);
    EXPECT_EQ(Bytes(other.path() + "-wal"), "");
    return std::string(status.message());
  };
  EXPECT_NE(open_as("m2").find("another machine"), std::string::npos);

  {
    auto db = Database::Open(node_.path(), {});
    ASSERT_TRUE(db->Exec("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)").ok());
  }
  const std::string newer = Bytes(node_.path());
  absl::Status status = node_.Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_NE(status.message().find("newer sasd"), std::string::npos) << status;
  EXPECT_TRUE(Bytes(node_.path()) == newer);
}

// A start reads a number of pages that does not grow with the journal.
TEST_F(BadDayTest, AStartReadsLittleOfALargeJournal) {
  node_.options().reserved_block = 100'000;
  std::vector<int64_t> reads;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(node_.Open().ok());
    std::vector<EventRow> rows;
    for (int i = 0; i < (round == 0 ? 600 : 20'000); ++i) {
      EventRow row = node_.Next(std::string(round == 0 ? 100 : 1000, 'x'),
                                {{absl::StrCat("object ", i), 1, 1}});
      row.revision += i;
      row.previous_revision = row.revision - 1;
      rows.push_back(std::move(row));
    }
    ASSERT_TRUE(node_.journal().Append(rows).ok());
    node_.FoldLog();
    const int64_t before = disk_.reads();
    ASSERT_TRUE(node_.Open().ok());
    reads.push_back(disk_.reads() - before);
  }
  std::cout << "a start reads " << reads[0] << " pages, and " << reads[1] << " of "
            << std::filesystem::file_size(node_.path()) / 4096 << "\n";
  EXPECT_LT(reads[1], reads[0] + 300) << "512 events of the last span, and a few pages";
}

// Each operation of a start, a write, a checkpoint and a write in turn, then twice in a row.
TEST_F(BadDayTest, AStopAtAnyOperationLosesNothingThatWasVisible) {
  int stops = 0;
  using Kept = FaultyDisk::Kept;
  // Staged events are visible before they are written.
  for (const auto& [kept, stages] :
       std::initializer_list<std::pair<Kept, bool>>{{Kept::kAll, false},
                                                    {Kept::kAll, true},
                                                    {Kept::kSynced, false},
                                                    {Kept::kSynced, true}}) {
    bool completed = false;
    for (int64_t n = 0; !completed; n += 1 + n / 16) {
      SCOPED_TRACE(absl::StrCat("operation ", n, stages ? ", staged" : ""));
      FaultyDisk disk(static_cast<uint64_t>(n));
      TestNode node;
      node.options().vfs = disk.vfs();
      node.options().reserved_block = 10;
      node.options().checkpoint_pages = 1;
      ASSERT_TRUE(node.Open().ok());
      ASSERT_TRUE(node.journal().Append({node.Next("first")}).ok());
      ASSERT_TRUE(node.journal().Maintain().ok());
      const std::string epoch = node.journal().epoch();

      int64_t visible = 1;
      disk.StopAfter(n);
      if (node.Open().ok()) {
        EventRow row = node.Next("second");
        if (stages && node.journal().Stage({row})) visible = row.revision;
        if (node.journal().Append({row}).ok()) visible = row.revision;
        node.journal().Maintain().IgnoreError();
        row = node.Next("third");
        if (stages && node.journal().Stage({row})) visible = row.revision;
        if (node.journal().Append({row}).ok()) visible = row.revision;
      }
      completed = !disk.stopped();
      node.Kill();
      disk.GoOn(kept);
      ++stops;

      // Again, somewhere in the next start.
      disk.StopAfter(n % 40);
      node.Open(kept == Kept::kSynced).IgnoreError();
      node.Kill();
      disk.GoOn(kept);
      ++stops;

      absl::Status status = node.Open(kept == Kept::kSynced);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(node.journal().epoch(), epoch);
      EXPECT_GT(node.journal().start().next_revision, visible);
      auto page = node.ReadAll({});
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_FALSE(page->rows.empty());
      EXPECT_EQ(page->rows[0].payload, "first");
      if (kept == Kept::kAll) {
        EXPECT_GE(page->rows.back().revision, visible);
        EXPECT_EQ(page->gaps, std::vector<Gap>{});
      }
    }
  }
  std::cout << stops << " stops\n";
}

// A second version of the schema, which a later release may have.
constexpr const char* kVersions[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE things(id INTEGER PRIMARY KEY, name TEXT)",
    "ALTER TABLE things ADD COLUMN size INTEGER DEFAULT 7;"
    "CREATE TABLE more(id INTEGER PRIMARY KEY);"
    "INSERT INTO more SELECT id FROM things",
};

TEST_F(BadDayTest, AStopDuringAMigrationLeavesTheOldOrTheNewSchema) {
  for (FaultyDisk::Kept kept : {FaultyDisk::Kept::kAll, FaultyDisk::Kept::kSynced}) {
    bool completed = false;
    int64_t old = 0;
    int64_t migrated = 0;
    for (int64_t n = 0; !completed; ++n) {
      SCOPED_TRACE(absl::StrCat("operation ", n));
      FaultyDisk disk(static_cast<uint64_t>(n));
      FileSpec spec;
      spec.path = absl::StrCat(node_.directory(), "/migrated-", static_cast<int>(kept), "-", n);
      spec.vfs = disk.vfs();
      spec.machine = "m1";
      spec.source = "live";
      spec.migrations = absl::MakeSpan(kVersions, 1);
      {
        auto file = OpenFile(spec);
        ASSERT_TRUE(file.ok()) << file.status();
        ASSERT_TRUE(file->db.Exec("INSERT INTO things VALUES(1, 'one'), (2, 'two')").ok());
      }
      spec.migrations = kVersions;
      disk.StopAfter(n);
      OpenFile(spec).status().IgnoreError();
      completed = !disk.stopped();
      disk.GoOn(kept);
      {
        auto db = Database::Open(spec.path, {.read_only = true, .vfs = spec.vfs});
        ASSERT_TRUE(db.ok()) << db.status();
        const int64_t version = *db->Int("PRAGMA user_version");
        const int64_t tables = *db->Int("SELECT count(*) FROM sqlite_schema WHERE name = 'more'");
        EXPECT_EQ(version, 1 + tables);
        ++(version == 1 ? old : migrated);
      }
      auto file = OpenFile(spec);
      ASSERT_TRUE(file.ok()) << file.status();
      EXPECT_FALSE(file->created);
      EXPECT_EQ(file->moved_aside, "");
      EXPECT_EQ(*file->db.Int("PRAGMA user_version"), 2);
      EXPECT_EQ(*file->db.Int("SELECT count(*) FROM things WHERE size = 7"), 2);
      EXPECT_EQ(*file->db.Int("SELECT count(*) FROM more"), 2);
    }
    EXPECT_GT(old, 0);
    EXPECT_GT(migrated, 0);
  }
}

}  // namespace
}  // namespace sasd::journal
