// The journal of each release opens in this one, and goes on.
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "daemon/journal/faulty_disk.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/test_node.h"

namespace sasd::journal {
namespace {

class JournalReleaseTest : public testing::TestWithParam<int> {
 protected:
  // Gives the node the files of the release.
  static void Install(TestNode& node) {
    node.options().machine = "release machine";
    const std::string data = absl::StrCat("daemon/journal/testdata/", GetParam());
    for (const char* name : {"/journal.db", "/state.db"}) {
      std::filesystem::copy_file(data + name, node.directory() + name);
      std::filesystem::permissions(node.directory() + name, std::filesystem::perms::owner_write,
                                   std::filesystem::perm_options::add);
    }
  }
  static void ExpectAllRows(TestNode& node);
};

// What write_release_journal wrote.
void JournalReleaseTest::ExpectAllRows(TestNode& node) {
  EXPECT_EQ(node.journal().epoch(), "release epoch");
  EXPECT_EQ(node.journal().start().losses.size(), 0u);
  EXPECT_EQ(node.journal().state_revision(), 24);
  EXPECT_FALSE(node.state().was_lost());
  auto page = node.ReadAll({.until = 25, .with_objects = true});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->rows.size(), 20u);
  EXPECT_EQ(page->gaps, (std::vector<Gap>{{6, 9, GapReason::kJournalStalled}}));
  int64_t r = 0;
  for (const EventRow& row : page->rows) {
    ++r;
    EXPECT_EQ(row.revision, r <= 5 ? r : r + 4);
    EXPECT_EQ(row.unix_nanos, r * 1'000'000'000);
    EXPECT_EQ(row.cause, r % 5);
    EXPECT_EQ(row.severity, r % 4);
    EXPECT_EQ(row.payload, absl::StrCat("event ", row.revision));
    ASSERT_EQ(row.objects.size(), 2u);
  }
  page = node.ReadAll({.newest_first = true, .objects = {"drives/1"}, .minimum_severity = 2});
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->rows.size(), 3u);
  EXPECT_FALSE((*node.journal().FindState("drives/1"))->present);
  EXPECT_EQ((*node.journal().FindState("hosts/a"))->resource, "host");
  EXPECT_EQ(node.state().Get("baseline", "drives/0")->value(), "known");
  EXPECT_EQ(node.state().Get("dismissals", "drives/1")->value(), "planned");
}

TEST_P(JournalReleaseTest, OpensAndGoesOn) {
  TestNode node;
  Install(node);
  absl::Status status = node.Open(/*booted=*/true);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(node.journal().start().next_revision, 25);
  EXPECT_EQ(node.journal().start().gap, std::nullopt) << "it ended cleanly";
  ExpectAllRows(node);

  ASSERT_TRUE(node.journal().Append({node.Next("event 25", {{"drives/1", 6, 1}})}).ok());
  ASSERT_TRUE(node.journal().Maintain().ok());
  ASSERT_TRUE(node.Open().ok());
  EXPECT_EQ(node.ReadAll({.after = 24})->rows.size(), 1u);
}

// The migration, and the first round of maintenance, which builds the index of schema 1.
class JournalMigrationTest : public JournalReleaseTest {
 protected:
  // Cuts the first start short at each of its writes, truncations and syncs. Returns how many there
  // are.
  int64_t CutEachStepShort(FaultyDisk::Kept kept) {
    for (int64_t step = 0;; ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      FaultyDisk disk(static_cast<uint64_t>(step + 1));
      TestNode node;
      Install(node);
      node.options().vfs = disk.vfs();
      disk.StopAfter(step);
      const absl::Status first = node.Open(/*booted=*/true);
      const bool cut = disk.stopped();
      EXPECT_TRUE(first.ok() || cut) << first;
      node.Kill();
      disk.GoOn(kept);
      const bool power_loss = kept == FaultyDisk::Kept::kSynced;
      const absl::Status second = node.Open(/*booted=*/power_loss);
      EXPECT_TRUE(second.ok()) << second;
      if (second.ok()) {
        ExpectAllRows(node);
        if (!power_loss) EXPECT_EQ(node.journal().start().next_revision, 25);
        EXPECT_TRUE(node.journal().Append({node.Next("goes on", {{"drives/1", 6, 1}})}).ok());
        EXPECT_EQ(node.ReadAll({.newest_first = true, .limit = 1})->rows[0].payload, "goes on");
      }
      if (!cut || HasFailure()) return step;
    }
  }
};

TEST_P(JournalMigrationTest, KillAtEachStepLosesNothing) {
  EXPECT_GT(CutEachStepShort(FaultyDisk::Kept::kAll), 10);
}

TEST_P(JournalMigrationTest, PowerLossAtEachStepLosesNothing) {
  EXPECT_GT(CutEachStepShort(FaultyDisk::Kept::kSynced), 10);
}

// The schemas of all releases.
INSTANTIATE_TEST_SUITE_P(Releases, JournalMigrationTest, testing::Values(1, 2, 3));
INSTANTIATE_TEST_SUITE_P(Releases, JournalReleaseTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace sasd::journal
