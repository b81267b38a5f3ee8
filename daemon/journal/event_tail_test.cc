#include "daemon/journal/event_tail.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"

namespace sasd::journal {
namespace {

constexpr size_t kBytes = 4096;

EventRow Row(int64_t revision, size_t payload = 40) {
  EventRow row;
  row.revision = revision;
  row.previous_revision = revision - 1;
  row.unix_nanos = -revision;  // a clock before 1970
  row.cause = 62;
  row.severity = 15;
  row.gap = {revision - 2, revision - 1, GapReason::kJournalStalled};
  row.objects = {{"hosts/a", 1, 2}, {"", 0, kNoticeAbout}};
  row.payload.assign(payload, static_cast<char>('a' + revision % 26));
  return row;
}

class EventTailTest : public testing::Test {
 protected:
  EventTailTest() {
    std::string pattern = testing::TempDir() + "/tail.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/tail";
  }
  ~EventTailTest() override { std::filesystem::remove_all(directory_); }

  // A process that comes next; what it finds.
  EventTail::Left Reopen(absl::string_view id = "id", absl::string_view boot = "boot") {
    auto tail = EventTail::Open(path_, id, boot, kBytes);
    EXPECT_TRUE(tail.ok()) << tail.status();
    if (!tail.ok()) return {};
    tail_ = *std::move(tail);
    return tail_->ReadLeft();
  }
  static std::vector<int64_t> Revisions(const EventTail::Left& left) {
    std::vector<int64_t> out;
    for (const EventRow& row : left.rows) out.push_back(row.revision);
    return out;
  }

  std::string directory_, path_;
  std::unique_ptr<EventTail> tail_;
};

using Revs = std::vector<int64_t>;

TEST_F(EventTailTest, RowsOutliveTheProcess) {
  EXPECT_EQ(Revisions(Reopen()), Revs{});
  tail_->Clear();
  ASSERT_TRUE(tail_->Add({Row(7), Row(8, 0)}));
  ASSERT_TRUE(tail_->Add({Row(9)}));
  // Twice: a start that is killed leaves them.
  EXPECT_EQ(Revisions(Reopen()), (Revs{7, 8, 9}));
  const EventTail::Left left = Reopen();
  EXPECT_FALSE(left.damaged);
  ASSERT_EQ(Revisions(left), (Revs{7, 8, 9}));
  EXPECT_EQ(EncodeRow(left.rows[0]), EncodeRow(Row(7)));
  EXPECT_EQ(EncodeRow(left.rows[1]), EncodeRow(Row(8, 0)));
  tail_->Clear();
  EXPECT_EQ(Revisions(Reopen()), Revs{});
}

TEST_F(EventTailTest, WrittenRowsAreForgotten) {
  Reopen();
  tail_->Clear();
  ASSERT_TRUE(tail_->Add({Row(1), Row(2), Row(3)}));
  tail_->Forget(2);
  tail_->Forget(1);
  EXPECT_EQ(Revisions(Reopen()), Revs{3});
}

TEST_F(EventTailTest, AnotherJournalOrBootFindsNothing) {
  Reopen();
  tail_->Clear();
  ASSERT_TRUE(tail_->Add({Row(1)}));
  EXPECT_EQ(Revisions(Reopen("other", "boot")), Revs{});
  tail_->Clear();
  ASSERT_TRUE(tail_->Add({Row(1)}));
  EXPECT_EQ(Revisions(Reopen("other", "next boot")), Revs{});
}

// Rows of random sizes come and go; at each moment a process that comes next finds those that are
// there.
TEST_F(EventTailTest, TheRingKeepsWhatFits) {
  Reopen();
  tail_->Clear();
  std::mt19937_64 random(5);
  int64_t first = 1, next = 1;
  int refusals = 0, wraps = 0;
  for (int i = 0; i < 4000; ++i) {
    std::vector<EventRow> rows;
    for (uint64_t count = random() % 4; count > 0; --count)
      rows.push_back(Row(next + static_cast<int64_t>(rows.size()), random() % 900));
    if (tail_->Add(rows)) {
      next += static_cast<int64_t>(rows.size());
      wraps += rows.size() > 1;
    } else {
      ++refusals;
    }
    if (random() % 2 == 0) {
      first = std::min(next, first + static_cast<int64_t>(random() % 4));
      tail_->Forget(first - 1);
    }
    if (i % 10 != 0) continue;
    // Beside the first one, which goes on.
    auto other = EventTail::Open(path_, "id", "boot", kBytes);
    ASSERT_TRUE(other.ok());
    const EventTail::Left left = (*other)->ReadLeft();
    ASSERT_FALSE(left.damaged) << i;
    Revs expected;
    for (int64_t r = first; r < next; ++r) expected.push_back(r);
    ASSERT_EQ(Revisions(left), expected) << i;
  }
  EXPECT_GT(refusals, 100);
  EXPECT_GT(wraps, 100);
  EXPECT_FALSE(tail_->Add({Row(next, 2 * kBytes)})) << "more than the ring";
}

TEST_F(EventTailTest, ARowCutAnywhereIsNoRow) {
  const std::string bytes = EncodeRow(Row(300, 200));
  EventRow row;
  ASSERT_TRUE(DecodeRow(bytes, &row));
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeRow(absl::string_view(bytes).substr(0, size), &row)) << size;
  EXPECT_FALSE(DecodeRow(absl::StrCat(bytes, "x"), &row));
}

// Any damaged byte is noticed, or is of no row; the rows before it are kept.
TEST_F(EventTailTest, DamageEndsWhatCanBeRead) {
  Reopen();
  tail_->Clear();
  ASSERT_TRUE(tail_->Add({Row(1), Row(2), Row(3)}));
  tail_ = nullptr;
  std::string intact;
  {
    std::ifstream in(path_, std::ios::binary);
    intact.assign(std::istreambuf_iterator<char>(in), {});
  }
  int damaged = 0;
  for (size_t at = 8 + 64 + 64; at < intact.size(); ++at) {
    std::string bytes = intact;
    bytes[at] = static_cast<char>(~bytes[at]);
    std::ofstream(path_, std::ios::binary) << bytes;
    const EventTail::Left left = Reopen();
    damaged += left.damaged;
    ASSERT_LE(left.rows.size(), 3u);
    for (size_t i = 0; i < left.rows.size(); ++i)
      ASSERT_EQ(EncodeRow(left.rows[i]), EncodeRow(Row(static_cast<int64_t>(i) + 1))) << at;
    if (!left.damaged && left.rows.size() < 3) {
      // The end came to lie before the beginning, which means empty.
      ASSERT_LT(at, size_t{8 + 64 + 64 + 16});
    }
    tail_ = nullptr;
  }
  EXPECT_GT(damaged, 200);
}

TEST_F(EventTailTest, AFileOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  std::ofstream(path_) << "x";
  ASSERT_EQ(chown(path_.c_str(), 65534, 65534), 0);
  EXPECT_EQ(EventTail::Open(path_, "id", "boot", kBytes).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(EventTailTest, ALinkIsRefused) {
  std::filesystem::create_symlink(directory_ + "/elsewhere", path_);
  EXPECT_FALSE(EventTail::Open(path_, "id", "boot", kBytes).ok());
}

}  // namespace
}  // namespace sasd::journal
