#include "daemon/journal/journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>  // NOLINT: a reader beside the writer

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/journal/sqlite.h"
#include "daemon/journal/state_store.h"
#include "driver/base/fake_clock.h"

namespace sasd::journal {
namespace {

EventRow Row(int64_t revision, std::vector<ObjectChange> objects = {}) {
  EventRow row;
  row.revision = revision;
  row.previous_revision = revision - 1;
  row.unix_nanos = revision * 1000;
  row.cause = 1;
  row.payload = absl::StrCat("event ", revision);
  row.objects = std::move(objects);
  return row;
}

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string pattern = testing::TempDir() + "/journal.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(directory_ + "/mark");
    options_.directory = directory_;
    options_.machine = "m1";
    options_.source = "live";
    options_.boot_id = "boot1";
    options_.mark_directory = directory_ + "/mark";
    options_.reserved_block = 1000;
    options_.maintenance_thread = false;
  }
  ~JournalTest() override {
    Kill();
    std::filesystem::remove_all(directory_);
  }

  absl::Status Open() {
    Kill();
    auto state = StateStore::Open(
        {directory_, options_.machine, options_.source, options_.new_epoch, options_.vfs});
    if (!state.ok()) return state.status();
    state_ = *std::move(state);
    options_.fresh_epoch = absl::StrCat("epoch", ++epochs_);
    auto journal = Journal::Open(options_, *state_);
    if (!journal.ok()) return journal.status();
    journal_ = *std::move(journal);
    return absl::OkStatus();
  }
  // As kill -9 leaves it: what was written is there.
  void Kill() {
    journal_ = nullptr;
    state_ = nullptr;
  }
  // The file of what is staged.
  std::filesystem::path Tail() {
    for (const auto& file : std::filesystem::directory_iterator(options_.mark_directory)) {
      if (file.path().extension() == ".tail") return file.path();
    }
    ADD_FAILURE() << "nothing is staged";
    return {};
  }
  void Append(int64_t first, int64_t last) {
    std::vector<EventRow> rows;
    for (int64_t r = first; r <= last; ++r) {
      rows.push_back(Row(r));
      if (r == first && journal_->start().gap && r == journal_->start().next_revision) {
        rows.back().gap = *journal_->start().gap;
        rows.back().previous_revision = rows.back().gap.first - 1;
      }
    }
    absl::Status status = journal_->Append(rows);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::vector<int64_t> Revisions(const Query& query) {
    auto page = journal_->Read(query);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<int64_t> out;
    if (page.ok()) {
      for (const EventRow& row : page->rows) out.push_back(row.revision);
    }
    return out;
  }
  // All pages.
  std::vector<int64_t> All(Query query) {
    std::vector<int64_t> out;
    for (;;) {
      auto page = journal_->Read(query);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return out;
      for (const EventRow& row : page->rows) out.push_back(row.revision);
      if (!page->more) return out;
      (query.newest_first ? query.until : query.after) = page->next;
    }
  }

  std::string directory_;
  Journal::Options options_;
  int epochs_ = 0;
  std::unique_ptr<StateStore> state_;
  std::unique_ptr<Journal> journal_;
};

using Revs = std::vector<int64_t>;

TEST_F(JournalTest, ReadsBackWhatWasAppended) {
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(journal_->start().first);
  EXPECT_EQ(journal_->start().next_revision, 1);
  EventRow row = Row(1, {{"hosts/a", 1, 2}, {"drives/b", 6, 1}, {"drives/b", 6, kNoticeAbout}});
  row.severity = 2;
  row.cause = 5;
  ASSERT_TRUE(journal_->Append({row}).ok());
  auto page = journal_->Read({.with_objects = true});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->rows.size(), 1u);
  const EventRow& got = page->rows[0];
  EXPECT_EQ(got.revision, 1);
  EXPECT_EQ(got.previous_revision, 0);
  EXPECT_EQ(got.unix_nanos, 1000);
  EXPECT_EQ(got.cause, 5);
  EXPECT_EQ(got.severity, 2);
  EXPECT_EQ(got.payload, "event 1");
  ASSERT_EQ(got.objects.size(), 3u);
  EXPECT_EQ(got.objects[0].name, "hosts/a");
  EXPECT_EQ(got.objects[0].change, 2);
  EXPECT_EQ(got.objects[1].name, "drives/b");
  EXPECT_EQ(got.objects[1].kind, 6);
  EXPECT_EQ(got.objects[1].change, 1);
  EXPECT_EQ(got.objects[2].change, kNoticeAbout);
  EXPECT_FALSE(page->more);
  EXPECT_EQ(page->oldest, 1);
}

TEST_F(JournalTest, PagesInBothOrders) {
  ASSERT_TRUE(Open().ok());
  Append(1, 10);
  EXPECT_EQ(Revisions({.after = 3, .limit = 3}), (Revs{4, 5, 6}));
  EXPECT_EQ(Revisions({.until = 8, .newest_first = true, .limit = 3}), (Revs{7, 6, 5}));
  EXPECT_EQ(All({.limit = 3}), (Revs{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(All({.newest_first = true, .limit = 4}), (Revs{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(Revisions({.max_bytes = 1}), (Revs{1}));
  EXPECT_EQ(Revisions({.after = 10}), Revs{});
}

TEST_F(JournalTest, RefusesRevisionsThatDoNotFollow) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->Append({Row(2)}).code(), absl::StatusCode::kInvalidArgument);
  Append(1, 2);
  EXPECT_EQ(journal_->Append({Row(2)}).code(), absl::StatusCode::kInvalidArgument);
  EventRow jump = Row(10);
  jump.gap = {4, 9, GapReason::kJournalStalled};
  EXPECT_EQ(journal_->Append({jump}).code(), absl::StatusCode::kInvalidArgument) << "3 is missing";
  jump.gap.first = 3;
  jump.previous_revision = 2;
  ASSERT_TRUE(journal_->Append({jump}).ok());
  auto page = journal_->Read({.after = 2});
  ASSERT_EQ(page->rows.size(), 1u);
  EXPECT_EQ(page->rows[0].gap, jump.gap);
  EXPECT_EQ(page->rows[0].previous_revision, 2);
  EXPECT_EQ(page->gaps, (std::vector<Gap>{jump.gap}));
  EXPECT_EQ(*journal_->FindGap(5), jump.gap);
  EXPECT_EQ(*journal_->FindGap(10), std::nullopt);
  EXPECT_EQ(*journal_->FindGap(2), std::nullopt);
}

TEST_F(JournalTest, FindsEventsOfObjects) {
  ASSERT_TRUE(Open().ok());
  std::vector<EventRow> rows;
  for (int64_t r = 1; r <= 100; ++r) {
    std::vector<ObjectChange> objects;
    if (r % 10 == 0) objects.push_back({"a", 1, static_cast<uint8_t>(r % 20 == 0 ? 3 : 1)});
    if (r % 15 == 0) objects.push_back({"b", 1, 2});
    rows.push_back(Row(r, objects));
    rows.back().severity = r == 50 ? 3 : 1;
    rows.back().cause = r == 60 ? 7 : 1;
  }
  ASSERT_TRUE(journal_->Append(rows).ok());
  EXPECT_EQ(All({.limit = 4, .objects = {"a"}}), (Revs{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}));
  EXPECT_EQ(All({.newest_first = true, .limit = 2, .objects = {"b"}}),
            (Revs{90, 75, 60, 45, 30, 15}));
  EXPECT_EQ(All({.limit = 3, .objects = {"a", "b"}}),
            (Revs{10, 15, 20, 30, 40, 45, 50, 60, 70, 75, 80, 90, 100}));
  EXPECT_EQ(All({.objects = {"unknown"}}), Revs{});
  EXPECT_EQ(All({.objects = {"unknown", "b"}, .minimum_severity = 2}), Revs{});
  EXPECT_EQ(All({.objects = {"a"}, .minimum_severity = 3}), (Revs{50}));
  EXPECT_EQ(All({.objects = {"a"}, .causes = 1u << 7}), (Revs{60}));
  EXPECT_EQ(All({.objects = {"a"}, .changes = 1u << 3}), (Revs{20, 40, 60, 80, 100}));
  EXPECT_EQ(All({.after = 30, .until = 60, .objects = {"a"}}), (Revs{40, 50}));
  EXPECT_EQ(All({.objects = {"a"}, .start_nanos = 40'000, .end_nanos = 70'000}),
            (Revs{40, 50, 60}));
}

// Spans of 512 events are skipped or searched; both orders must find the same.
TEST_F(JournalTest, FiltersAcrossSpans) {
  options_.reserved_block = 100'000;
  ASSERT_TRUE(Open().ok());
  std::vector<EventRow> rows;
  for (int64_t r = 1; r <= 3000; ++r) {
    rows.push_back(Row(r, {{"a", 1, 1}}));
    rows.back().severity = r == 700 || r == 2990 ? 3 : 1;
    rows.back().cause = r == 1025 ? 7 : 1;
  }
  ASSERT_TRUE(journal_->Append(rows).ok());
  for (int reopened = 0; reopened < 2; ++reopened) {
    EXPECT_EQ(All({.minimum_severity = 2}), (Revs{700, 2990}));
    EXPECT_EQ(All({.newest_first = true, .minimum_severity = 2}), (Revs{2990, 700}));
    EXPECT_EQ(All({.causes = 1u << 7}), (Revs{1025}));
    EXPECT_EQ(All({.start_nanos = 1'023'000, .end_nanos = 1'026'000}), (Revs{1023, 1024, 1025}));
    EXPECT_EQ(All({.newest_first = true, .limit = 1, .start_nanos = 2'998'000}),
              (Revs{3000, 2999, 2998}));
    EXPECT_EQ(All({.newest_first = true, .end_nanos = 3'000}), (Revs{2, 1}));
    EXPECT_EQ(
        All({.newest_first = true, .max_examined = 100, .objects = {"a"}, .minimum_severity = 2}),
        (Revs{2990, 700}));
    ASSERT_TRUE(Open().ok());
  }
  std::vector<EventRow> more;
  for (int64_t r = 3001; r <= 4000; ++r) more.push_back(Row(r));
  ASSERT_TRUE(journal_->Append(more).ok());
  EXPECT_EQ(All({.minimum_severity = 2}), (Revs{700, 2990})) << "the summary outlives a restart";
}

TEST_F(JournalTest, ADamagedRowIsADeclaredGap) {
  ASSERT_TRUE(Open().ok());
  Append(1, 10);
  auto db = Database::Open(directory_ + "/journal.db", {});
  ASSERT_TRUE(db->Exec("UPDATE events SET payload = x'00' WHERE revision IN (4, 5);"
                       "UPDATE events SET nanos = nanos + 1 WHERE revision = 8")
                  .ok());
  for (bool newest_first : {false, true}) {
    auto page = journal_->Read({.newest_first = newest_first});
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(page->rows.size(), 7u);
    std::vector<Gap> expected = {{4, 5, GapReason::kJournalDamaged},
                                 {8, 8, GapReason::kJournalDamaged}};
    if (newest_first) std::swap(expected[0], expected[1]);
    EXPECT_EQ(page->gaps, expected);
  }
}

TEST_F(JournalTest, AKillLosesNothingAndDeclaresNothing) {
  ASSERT_TRUE(Open().ok());
  const std::string epoch = journal_->epoch();
  Append(1, 7);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(journal_->start().next_revision, 8);
    EXPECT_EQ(journal_->start().gap, std::nullopt);
    EXPECT_FALSE(journal_->start().new_epoch);
    EXPECT_FALSE(journal_->start().first);
    EXPECT_EQ(journal_->epoch(), epoch);
  }
  Append(8, 9);
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(JournalTest, StagedRowsAreWrittenByTheNextStart) {
  ASSERT_TRUE(Open().ok());
  Append(1, 3);
  ASSERT_TRUE(journal_->Stage({Row(4, {{"hosts/a", 1, 2}}), Row(5)}));
  ASSERT_TRUE(journal_->Stage({Row(6)}));
  EXPECT_EQ(journal_->last_revision(), 3);
  // One of them was written before the kill.
  Append(4, 4);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().next_revision, 7);
  EXPECT_EQ(journal_->start().gap, std::nullopt);
  EXPECT_EQ(journal_->last_revision(), 6);
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4, 5, 6}));
  Append(7, 7);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(JournalTest, MoreStagedRowsThanASpanAreFoundByObject) {
  ASSERT_TRUE(Open().ok());
  Append(1, 500);
  for (int64_t r = 501; r <= 2000; ++r)
    ASSERT_TRUE(journal_->Stage({Row(r, {{absl::StrCat("drives/", r % 7), 6, 1}})}));
  ASSERT_TRUE(Open().ok());
  Append(2001, 2600);
  ASSERT_TRUE(journal_->Maintain().ok());
  Revs expected;
  for (int64_t r = 501; r <= 2000; ++r) {
    if (r % 7 == 3) expected.push_back(r);
  }
  EXPECT_EQ(All({.objects = {"drives/3"}}), expected);
  EXPECT_EQ(All({}).size(), 2600u);
}

TEST_F(JournalTest, StagesOnlyWhatFollowsAndIsReserved) {
  ASSERT_TRUE(Open().ok());
  Append(1, 3);
  EXPECT_FALSE(journal_->Stage({}));
  EXPECT_FALSE(journal_->Stage({Row(5)}));
  EXPECT_FALSE(journal_->Stage({Row(4), Row(6)}));
  ASSERT_TRUE(journal_->Stage({Row(4)}));
  EXPECT_FALSE(journal_->Stage({Row(4)})) << "it is staged";
  std::vector<EventRow> many;
  for (int64_t r = 5; r <= journal_->reserved() + 1; ++r) many.push_back(Row(r));
  EXPECT_FALSE(journal_->Stage(many)) << "the last one is not reserved";
  many.pop_back();
  EXPECT_TRUE(journal_->Stage(many));
}

TEST_F(JournalTest, StagedRowsOfAnotherBootAreLostAndDeclared) {
  ASSERT_TRUE(Open().ok());
  Append(1, 3);
  ASSERT_TRUE(journal_->Stage({Row(4)}));
  const int64_t reserved = journal_->reserved();
  options_.boot_id = "boot2";
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap, (Gap{4, reserved, GapReason::kPowerLoss}));
  EXPECT_EQ(All({}), (Revs{1, 2, 3}));
}

TEST_F(JournalTest, LostStagedRowsOfThisBootAreDeclared) {
  ASSERT_TRUE(Open().ok());
  Append(1, 3);
  ASSERT_TRUE(journal_->Stage({Row(4), Row(5)}));
  Kill();
  std::filesystem::remove(Tail());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap, (Gap{4, 5, GapReason::kJournalStalled}));
  EXPECT_EQ(journal_->start().next_revision, 6);
}

TEST_F(JournalTest, DamagedStagedRowsAreDeclared) {
  ASSERT_TRUE(Open().ok());
  Append(1, 3);
  ASSERT_TRUE(journal_->Stage({Row(4), Row(5)}));
  Kill();
  {
    std::fstream tail(Tail(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(tail), {});
    tail.seekp(static_cast<std::streamoff>(bytes.find("event 5")));
    tail << "EVENT";
  }
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4}));
  EXPECT_EQ(journal_->start().gap, (Gap{5, 5, GapReason::kJournalDamaged}));
  EXPECT_EQ(journal_->start().losses.size(), 1u);
}

TEST_F(JournalTest, WithoutSharedMemoryNothingIsStaged) {
  options_.mark_directory = directory_ + "/nowhere";
  ASSERT_TRUE(Open().ok());
  EXPECT_FALSE(journal_->Stage({Row(1)}));
  Append(1, 3);
  EXPECT_EQ(All({}), (Revs{1, 2, 3}));
}

TEST_F(JournalTest, ACleanEndComesAfterAllStagedRows) {
  ASSERT_TRUE(Open().ok());
  Append(1, 3);
  ASSERT_TRUE(journal_->Stage({Row(4)}));
  ASSERT_TRUE(journal_->Close().ok());
  const int64_t reserved = journal_->reserved();
  options_.boot_id = "boot2";
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap, (Gap{4, reserved, GapReason::kPowerLoss}));
}

TEST_F(JournalTest, AReadWaitsForWhatIsStaged) {
  ASSERT_TRUE(Open().ok());
  Append(1, 3);
  ASSERT_TRUE(journal_->Stage({Row(4)}));
  std::thread writer([this] { Append(4, 4); });
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4}));
  writer.join();
  // The disk takes nothing: one read waits for a second, the others do not.
  ASSERT_TRUE(journal_->Stage({Row(5)}));
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4}));
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(All({}), (Revs{1, 2, 3, 4}));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  Append(5, 5);
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4, 5}));
}

TEST_F(JournalTest, AnotherBootJumpsPastTheReservation) {
  ASSERT_TRUE(Open().ok());
  const std::string epoch = journal_->epoch();
  Append(1, 7);
  const int64_t reserved = journal_->reserved();
  options_.boot_id = "boot2";
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->epoch(), epoch);
  const Gap gap = {8, reserved, GapReason::kPowerLoss};
  EXPECT_EQ(journal_->start().gap, gap);
  EXPECT_EQ(journal_->start().next_revision, reserved + 1);
  EXPECT_EQ(*journal_->FindGap(100), gap);
  // Killed before the next event: the gap stays as it is.
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap, gap);
  EXPECT_EQ(journal_->start().next_revision, reserved + 1);
  // Power lost again before the next event: one gap, to the end of the next reservation.
  const int64_t reserved2 = journal_->reserved();
  options_.boot_id = "boot3";
  ASSERT_TRUE(Open().ok());
  const Gap gap2 = {8, reserved2, GapReason::kPowerLoss};
  EXPECT_EQ(journal_->start().gap, gap2);
  Append(reserved2 + 1, reserved2 + 2);
  auto page = journal_->Read({.after = 7});
  ASSERT_EQ(page->rows.size(), 2u);
  EXPECT_EQ(page->rows[0].gap, gap2);
  EXPECT_EQ(page->rows[0].previous_revision, 7);
  EXPECT_EQ(page->gaps, std::vector<Gap>{gap2});
}

TEST_F(JournalTest, ACleanEndSurvivesABoot) {
  ASSERT_TRUE(Open().ok());
  Append(1, 7);
  ASSERT_TRUE(journal_->Close().ok());
  options_.boot_id = "boot2";
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().next_revision, 8);
  EXPECT_EQ(journal_->start().gap, std::nullopt);
  // The flag is of that one end.
  options_.boot_id = "boot3";
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap->reason, GapReason::kPowerLoss);
}

TEST_F(JournalTest, RevisionsPublishedFromMemoryAreDeclared) {
  ASSERT_TRUE(Open().ok());
  Append(1, 7);
  journal_->SetVisible(12);
  ASSERT_TRUE(Open().ok());
  const Gap gap = {8, 12, GapReason::kJournalStalled};
  EXPECT_EQ(journal_->start().gap, gap);
  Append(13, 13);
  // A clean end does not hide what was never declared.
  journal_->SetVisible(20);
  ASSERT_TRUE(journal_->Close().ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap, (Gap{14, 20, GapReason::kJournalStalled}));
}

TEST_F(JournalTest, AStallEndsWithStateAndGapInOneStep) {
  ASSERT_TRUE(Open().ok());
  Append(1, 7);
  journal_->SetVisible(12);
  ASSERT_TRUE(journal_->WriteState({{"a", 1, true, 12, "twelve"}}).ok());
  EXPECT_EQ(journal_->FinishState(12, std::nullopt).code(), absl::StatusCode::kInvalidArgument);
  const Gap gap = {8, 12, GapReason::kJournalStalled};
  ASSERT_TRUE(journal_->FinishState(12, gap).ok());
  EXPECT_EQ(journal_->last_revision(), 12);
  EXPECT_EQ(journal_->state_revision(), 12);
  EventRow row = Row(13);
  row.gap = gap;
  row.previous_revision = 7;
  ASSERT_TRUE(journal_->Append({row}).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap, std::nullopt);
  EXPECT_EQ(journal_->start().next_revision, 14);
  EXPECT_EQ(journal_->state_revision(), 12);
}

TEST_F(JournalTest, LostRowsOfThisBootAreDamage) {
  ASSERT_TRUE(Open().ok());
  Append(1, 7);
  {
    auto db = Database::Open(directory_ + "/journal.db", {});
    ASSERT_TRUE(db->Exec("DELETE FROM events WHERE revision > 5").ok());
  }
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().gap, (Gap{6, 7, GapReason::kJournalDamaged}));
  EXPECT_EQ(journal_->start().losses.size(), 1u);
}

TEST_F(JournalTest, ReservesAheadAndNeverAppendsPastIt) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->reserved(), 2000);
  Append(1, 2000);
  EXPECT_EQ(journal_->Append({Row(2001)}).code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(journal_->reserved(), 4000);
  EXPECT_TRUE(journal_->Append({Row(2001)}).ok());
}

TEST_F(JournalTest, ANewEpochKeepsHistoryAndRevisionsGrow) {
  ASSERT_TRUE(Open().ok());
  const std::string epoch = journal_->epoch();
  Append(1, 7);
  options_.new_epoch = true;
  ASSERT_TRUE(Open().ok());
  EXPECT_NE(journal_->epoch(), epoch);
  EXPECT_TRUE(journal_->start().new_epoch);
  EXPECT_EQ(journal_->start().gap, std::nullopt);
  const int64_t next = journal_->start().next_revision;
  EXPECT_GT(next, 7);
  const std::string second = journal_->epoch();
  options_.new_epoch = false;
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->epoch(), second);
  EXPECT_EQ(journal_->start().next_revision, next);
  EXPECT_EQ(journal_->start().gap, std::nullopt);
  Append(next, next);
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4, 5, 6, 7, next}));
  EXPECT_EQ(journal_->Read({})->gaps, std::vector<Gap>{}) << "between epochs nothing is lost";
}

TEST_F(JournalTest, ALostJournalBeginsANewEpoch) {
  ASSERT_TRUE(Open().ok());
  const std::string epoch = journal_->epoch();
  Append(1, 7);
  const int64_t reserved = journal_->reserved();
  Kill();
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(directory_ + "/journal.db" + suffix);
  ASSERT_TRUE(Open().ok());
  EXPECT_NE(journal_->epoch(), epoch);
  EXPECT_GT(journal_->start().next_revision, reserved);
  EXPECT_EQ(journal_->start().losses.size(), 1u);
}

TEST_F(JournalTest, WithoutReservationANewEpochBegins) {
  ASSERT_TRUE(Open().ok());
  const std::string epoch = journal_->epoch();
  Append(1, 7);
  Kill();
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(directory_ + "/state.db" + suffix);
  options_.boot_id = "boot2";
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(state_->was_lost());
  EXPECT_NE(journal_->epoch(), epoch);
  EXPECT_TRUE(journal_->start().new_epoch);
  EXPECT_EQ(All({}), (Revs{1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(JournalTest, StateKeepsObjectsThatAreGone) {
  ASSERT_TRUE(Open().ok());
  Append(1, 5);
  ASSERT_TRUE(journal_->WriteState({{"a", 1, true, 2, "A"}, {"b", 2, true, 3, "B"}}).ok());
  ASSERT_TRUE(journal_->WriteState({{"b", 2, false, 5, "B"}}).ok());
  ASSERT_TRUE(journal_->FinishState(5, std::nullopt).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->state_revision(), 5);
  std::vector<std::string> seen;
  EXPECT_EQ(*journal_->VisitState([&](StateRow row) {
    seen.push_back(absl::StrCat(row.name, row.kind, row.present, row.revision, row.resource));
  }),
            0);
  EXPECT_EQ(seen, (std::vector<std::string>{"a112A", "b205B"}));
  EXPECT_EQ((*journal_->FindState("b"))->resource, "B");
  EXPECT_EQ(*journal_->FindState("c") == std::nullopt, true);
  auto db = Database::Open(directory_ + "/journal.db", {});
  ASSERT_TRUE(db->Exec("UPDATE state SET present = 1 WHERE revision = 5").ok());
  EXPECT_EQ(*journal_->VisitState([](StateRow) {}), 1) << "one damaged row is left out";
}

// A caller that has gone ends a read, wherever it is.

TEST_F(JournalTest, AnInterruptedReadEndsAtOnce) {
  options_.reserved_block = 100'000;
  ASSERT_TRUE(Open().ok());
  constexpr int64_t kRows = 3'000;
  std::vector<EventRow> rows;
  for (int64_t r = 1; r <= kRows; ++r) rows.push_back(Row(r, {{absl::StrCat("object ", r), 2, 1}}));
  ASSERT_TRUE(journal_->Append(rows).ok());
  std::vector<StateRow> states;
  for (int64_t r = 1; r <= kRows; ++r)
    states.push_back({absl::StrCat("object ", r), 2, false, r, "x"});
  ASSERT_TRUE(journal_->WriteState(states).ok());
  Query filtered;
  filtered.limit = kRows;
  filtered.minimum_severity = 200;  // nothing passes
  Query of_objects;
  for (int64_t r = 1; r <= kRows; ++r) of_objects.objects.push_back(absl::StrCat("object ", r));
  const std::function<absl::Status(Interrupted)> reads[] = {
      [&](Interrupted interrupted) { return journal_->Read({}, interrupted).status(); },
      [&](Interrupted interrupted) { return journal_->Read(filtered, interrupted).status(); },
      [&](Interrupted interrupted) { return journal_->Read(of_objects, interrupted).status(); },
      [&](Interrupted interrupted) {
        return journal_->VisitState([](StateRow) {}, true, interrupted).status();
      },
  };
  for (const auto& read : reads) {
    int looks = 0;
    EXPECT_TRUE(read([&looks] { return ++looks < 0; }).ok());
    ASSERT_GE(looks, 4);
    for (const int last : {1, 2, looks / 2}) {
      int count = 0;
      EXPECT_TRUE(absl::IsCancelled(read([&] { return ++count >= last; }))) << last;
      EXPECT_EQ(count, last) << "it is not asked again";
    }
    EXPECT_TRUE(read(NeverInterrupted).ok()) << "the connection is as good as before";
  }
}

// Trimming.

class JournalTrimTest : public JournalTest {
 protected:
  JournalTrimTest() {
    options_.clock = &clock_;
    options_.reserved_block = 100'000;
  }
  // Rows of a kilobyte, each about one object of its own and one that all share.
  void AppendLarge(int64_t first, int64_t last) {
    std::vector<EventRow> rows;
    for (int64_t r = first; r <= last; ++r) {
      rows.push_back(Row(r, {{"all", 1, 1}, {absl::StrCat("object ", r), 2, 1}}));
      rows.back().payload.assign(1000, 'x');
    }
    ASSERT_TRUE(journal_->Append(rows).ok());
  }
  int64_t Oldest() { return journal_->Read({.limit = 1})->oldest; }

  FakeClock clock_;
};

TEST_F(JournalTrimTest, TheOldestEventsGoWhenItIsFull) {
  options_.max_bytes = 1 << 20;
  ASSERT_TRUE(Open().ok());
  AppendLarge(1, 3000);
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(Oldest(), 1) << "the state is not stored yet";
  EXPECT_TRUE(journal_->stats().over_limit);
  ASSERT_TRUE(journal_->FinishState(2500, std::nullopt).ok());
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_FALSE(journal_->stats().over_limit);
  EXPECT_LE(journal_->stats().used_bytes, options_.max_bytes);
  const int64_t oldest = Oldest();
  EXPECT_GT(oldest, 2000);
  EXPECT_LE(oldest, 2501);
  EXPECT_EQ(journal_->stats().trimmed, oldest - 1);
  auto page = journal_->Read({.after = oldest - 1, .limit = 1});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->trimmed, oldest - 1);
  EXPECT_EQ(page->rows[0].revision, oldest);
  EXPECT_EQ(page->gaps, std::vector<Gap>{});
  EXPECT_EQ(journal_->Read({.after = oldest - 2}).status().code(), absl::StatusCode::kOutOfRange)
      << "a reader that trimming overtook";
  EXPECT_EQ(All({.newest_first = true, .objects = {"all"}}).back(), oldest);
  EXPECT_EQ(All({.minimum_severity = 0, .end_nanos = 1}), Revs{});
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().next_revision, 3001);
  EXPECT_EQ(Oldest(), oldest);
}

TEST_F(JournalTrimTest, NeverTrimsPastTheStoredState) {
  options_.max_bytes = 1;
  ASSERT_TRUE(Open().ok());
  AppendLarge(1, 100);
  ASSERT_TRUE(journal_->FinishState(40, std::nullopt).ok());
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(Oldest(), 41);
  EXPECT_TRUE(journal_->stats().over_limit);
  ASSERT_TRUE(journal_->FinishState(100, std::nullopt).ok());
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(Oldest(), 100) << "the newest event stays";
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(journal_->start().next_revision, 101);
  EXPECT_FALSE(journal_->start().first);
}

TEST_F(JournalTrimTest, UnusedNamesAndGoneObjectsAreForgotten) {
  options_.max_bytes = 1;
  ASSERT_TRUE(Open().ok());
  AppendLarge(1, 1000);
  ASSERT_TRUE(journal_
                  ->WriteState({{"object 1", 2, false, 1, "gone"},
                                {"object 2", 2, true, 2, "present"},
                                {"object 1000", 2, false, 1000, "gone"}})
                  .ok());
  ASSERT_TRUE(journal_->FinishState(1000, std::nullopt).ok());
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(*journal_->FindState("object 1"), std::nullopt);
  EXPECT_EQ((*journal_->FindState("object 2"))->resource, "present");
  EXPECT_EQ((*journal_->FindState("object 1000"))->resource, "gone") << "its event is still there";
  {
    auto db = Database::Open(directory_ + "/journal.db", {.read_only = true});
    EXPECT_EQ(*db->Int("SELECT count(*) FROM objects"), 3);
    EXPECT_EQ(*db->Int("SELECT count(*) FROM runs"), 0);
    EXPECT_EQ(*db->Int("SELECT count(*) FROM postings"), 0);
  }
  // A name that was forgotten comes back.
  ASSERT_TRUE(journal_->Append({Row(1001, {{"object 1", 2, 1}})}).ok());
  EXPECT_EQ(All({.objects = {"object 1"}}), (Revs{1001}));
}

TEST_F(JournalTrimTest, AnEventOfManyChangesGoesWithItsNames) {
  options_.max_bytes = 1;
  ASSERT_TRUE(Open().ok());
  EventRow row = Row(1);
  for (int i = 0; i < 20'000; ++i) row.objects.push_back({absl::StrCat(i), 3, 1});
  ASSERT_TRUE(journal_->Append({row, Row(2)}).ok());
  ASSERT_TRUE(journal_->FinishState(2, std::nullopt).ok());
  ASSERT_TRUE(journal_->Maintain().ok());
  auto db = Database::Open(directory_ + "/journal.db", {.read_only = true});
  EXPECT_EQ(*db->Int("SELECT count(*) FROM postings"), 0);
  EXPECT_EQ(*db->Int("SELECT count(*) FROM objects"), 0);
  EXPECT_EQ(*db->Int("SELECT count(*) FROM events"), 1);
}

TEST_F(JournalTrimTest, OldEventsGoByRunningTime) {
  options_.max_age = absl::Hours(24 * 90);
  ASSERT_TRUE(Open().ok());
  AppendLarge(1, 10);
  ASSERT_TRUE(journal_->FinishState(10, std::nullopt).ok());
  for (int day = 0; day < 60; ++day) {
    clock_.Advance(absl::Hours(24));
    ASSERT_TRUE(journal_->Maintain().ok());
  }
  AppendLarge(11, 20);
  ASSERT_TRUE(journal_->FinishState(20, std::nullopt).ok());
  ASSERT_TRUE(Open().ok()) << "a restart keeps the count";
  clock_.Advance(absl::Hours(24 * 29));
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(Oldest(), 1);
  clock_.Advance(absl::Hours(24 * 3));
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(Oldest(), 11);
  // Another boot: the monotonic clock begins again, and the count goes on.
  ASSERT_TRUE(journal_->Close().ok());
  FakeClock after_boot;
  options_.clock = &after_boot;
  options_.boot_id = "boot2";
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(journal_->Append({Row(21)}).ok());
  ASSERT_TRUE(journal_->FinishState(21, std::nullopt).ok());
  after_boot.Advance(absl::Hours(24 * 40));
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(Oldest(), 11);
  after_boot.Advance(absl::Hours(24 * 30));
  ASSERT_TRUE(journal_->Maintain().ok());
  EXPECT_EQ(Oldest(), 21);
  Kill();
}

// The wall clock has no part in the age of an event.
TEST_F(JournalTrimTest, AJumpOfTheClockErasesNothing) {
  class JumpingClock : public Clock {
   public:
    absl::Time Now() override { return now; }
    absl::Duration Monotonic() override { return monotonic; }
    absl::Time now = absl::FromUnixSeconds(1'700'000'000);
    absl::Duration monotonic = absl::Hours(100);
  };
  JumpingClock clock;
  options_.clock = &clock;
  ASSERT_TRUE(Open().ok());
  const absl::Duration year = absl::Hours(24 * 365);
  int64_t next = 1;
  for (absl::Duration jump : {absl::ZeroDuration(), year, -year, -year, year}) {
    clock.now += jump;
    std::vector<EventRow> rows = {Row(next), Row(next + 1)};
    for (EventRow& row : rows) row.unix_nanos = absl::ToUnixNanos(clock.now);
    ASSERT_TRUE(journal_->Append(rows).ok());
    next += 2;
    ASSERT_TRUE(journal_->FinishState(next - 1, std::nullopt).ok());
    for (int hour = 0; hour < 48; ++hour) {
      clock.monotonic += absl::Hours(1);
      clock.now += absl::Hours(1);
      ASSERT_TRUE(journal_->Maintain().ok());
    }
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(All({}).size(), static_cast<size_t>(next - 1)) << jump;
  }
  EXPECT_EQ(All({.newest_first = true}), (Revs{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}))
      << "order is by revision";
  // By time, what happened in the year before is found although later events have earlier times.
  EXPECT_EQ(All({.end_nanos = absl::ToUnixNanos(absl::FromUnixSeconds(1'700'000'000) - year / 2)}),
            (Revs{7, 8}));
  Kill();
}

TEST_F(JournalTest, RefusesAForeignJournal) {
  ASSERT_TRUE(Open().ok());
  options_.machine = "m2";
  EXPECT_EQ(Open().code(), absl::StatusCode::kFailedPrecondition);
  options_.machine = "m1";
  options_.source = "fabric x";
  EXPECT_EQ(Open().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(JournalTest, TakesAnEventOfManyChanges) {
  ASSERT_TRUE(Open().ok());
  EventRow row = Row(1);
  for (int i = 0; i < 100'000; ++i)
    row.objects.push_back({absl::StrCat("hosts/500605b000000001/phys/", i), 3, 1});
  row.payload.assign(30 << 20, 'x');
  ASSERT_TRUE(journal_->Append({row}).ok());
  auto page = journal_->Read({.objects = {"hosts/500605b000000001/phys/77777"}});
  ASSERT_EQ(page->rows.size(), 1u);
  EXPECT_EQ(page->rows[0].payload, row.payload);
}

TEST_F(JournalTest, TheLogStartsOverAfterACheckpoint) {
  options_.reserved_block = 1'000'000;
  ASSERT_TRUE(Open().ok());
  uintmax_t largest = 0;
  for (int64_t r = 1; r <= 2000; r += 20) {
    std::vector<EventRow> rows;
    for (int64_t i = r; i < r + 20; ++i) {
      rows.push_back(Row(i));
      rows.back().payload.assign(20'000, 'x');
    }
    ASSERT_TRUE(journal_->Append(rows).ok());
    ASSERT_TRUE(journal_->Maintain().ok());
    largest = std::max(largest, std::filesystem::file_size(directory_ + "/journal.db-wal"));
  }
  EXPECT_LT(largest, 8u << 20) << "of 40 MB that were written";
  EXPECT_EQ(All({}).size(), 2000u);
}

TEST_F(JournalTest, ReadersAndMaintenanceRunBesideTheWriter) {
  options_.maintenance_thread = true;
  options_.sync_interval = absl::Milliseconds(1);
  options_.reserved_block = 200;
  ASSERT_TRUE(Open().ok());
  std::atomic<bool> done{false};
  std::atomic<int64_t> read{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&, i] {
      int64_t last = 0;
      while (!done || last < journal_->last_revision()) {
        auto page = journal_->Read({.after = last, .limit = 50});
        ASSERT_TRUE(page.ok()) << page.status();
        for (const EventRow& row : page->rows) {
          ASSERT_EQ(row.revision, last + 1);
          ++last;
          ++read;
        }
        if (i == 1) ASSERT_TRUE(journal_->Read({.newest_first = true, .objects = {"a"}}).ok());
      }
    });
  }
  for (int64_t r = 1; r <= 1500;) {
    absl::Status status = journal_->Append({Row(r, {{"a", 1, 1}})});
    if (absl::IsUnavailable(status)) continue;  // the reservation is on its way
    ASSERT_TRUE(status.ok()) << status;
    ++r;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(read, 3000);
  ASSERT_TRUE(journal_->Close().ok());
}

}  // namespace
}  // namespace sasd::journal
