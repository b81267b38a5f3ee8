#include "daemon/memory/recorder.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "daemon/journal/faulty_disk.h"
#include "daemon/journal/test_node.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/service/event_encoder.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/watch_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::memory {
namespace {

constexpr size_t kRoomy = 1 << 20;  // of shared memory

using registry::kHostA;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A node whose events go through the recorder to a journal on a disk that can fail.
class RecorderTest : public ::testing::Test {
 protected:
  RecorderTest() {
    node_.options().vfs = disk_.vfs();
    node_.options().fresh_epoch = "00000000000000aa";
  }
  // A node whose shared memory has so many bytes for events; 0: it has none.
  void Start(size_t tail_bytes) {
    node_.options().tail_bytes = tail_bytes;
    if (tail_bytes == 0) node_.options().mark_directory = node_.directory() + "/nowhere";
    ASSERT_TRUE(node_.Open().ok());
    Recorder::Options options;
    options.patience = absl::Milliseconds(200);
    options.first_retry = options.longest_retry = absl::Milliseconds(5);
    options.checkpoint_objects = 3;
    recorder_ = std::make_unique<Recorder>(node_.journal(), options);
    publisher_ = std::make_unique<watch::Publisher>(
        log_, encoder_, std::vector<watch::CommitListener*>{}, recorder_.get());
  }
  ~RecorderTest() override {
    disk_.set_full(false);
    disk_.set_read_only(false);
    disk_.set_hanging(false);
    recorder_.reset();
  }

  // One event, published.
  void Come(uint64_t drive) {
    registry_.Observe(registry::Batch({registry::HostOf(kHostA), registry::Drive(kHostA, drive)}));
    EXPECT_TRUE(publisher_->PublishOnce());
  }
  void Go(uint64_t drive) {
    registry_.Observe(
        registry::Batch({EndDeviceGone{{kHostA, SasAddress(drive), PhysicalPort(0)}}}));
    EXPECT_TRUE(publisher_->PublishOnce());
  }
  JournalState State() { return recorder_->status().state; }
  // Gives the recorder events until it writes again.
  void AwaitRecovery() {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    uint64_t drive = 0x1000;
    while (State() != JournalState::kOk && absl::Now() < deadline) Come(++drive);
    ASSERT_EQ(State(), JournalState::kOk);
  }
  void AwaitStall() {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (State() == JournalState::kOk && absl::Now() < deadline)
      absl::SleepFor(absl::Milliseconds(1));  // the state has no event
    ASSERT_EQ(State(), JournalState::kStalled);
  }
  journal::Page ReadAll() {
    absl::StatusOr<journal::Page> page = node_.ReadAll({});
    EXPECT_TRUE(page.ok()) << page.status();
    return *std::move(page);
  }
  // No revision up to the newest is neither a row nor in a declared gap.
  void ExpectNoHole() {
    const journal::Page page = ReadAll();
    int64_t next = 1;
    size_t gap = 0;
    for (const journal::EventRow& row : page.rows) {
      while (gap < page.gaps.size() && page.gaps[gap].first == next)
        next = page.gaps[gap++].last + 1;
      EXPECT_EQ(row.revision, next);
      next = row.revision + 1;
    }
    while (gap < page.gaps.size() && page.gaps[gap].first == next) next = page.gaps[gap++].last + 1;
    EXPECT_EQ(next, registry_.revision() + 1);
  }

  journal::FaultyDisk disk_;
  journal::TestNode node_;
  registry::Registry registry_{{"00000000000000aa", 0}};
  service::EventEncoder encoder_{"00000000000000aa"};
  watch::WatchLog log_{registry_, {}};
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<watch::Publisher> publisher_;
};

TEST_F(RecorderTest, AnEventIsShownBeforeTheDiskHasIt) {
  Start(kRoomy);
  disk_.set_hanging(true);
  for (uint64_t drive = 1; drive <= 5; ++drive) Come(drive);
  EXPECT_EQ(registry_.revision(), 5);
  EXPECT_EQ(node_.journal().last_revision(), 0) << "the disk has none of them";
  disk_.set_hanging(false);
  AwaitRecovery();
  ExpectNoHole();
  EXPECT_THAT(ReadAll().gaps, IsEmpty());
}

TEST_F(RecorderTest, WithoutSharedMemoryAnEventIsWrittenBeforeItIsShown) {
  Start(0);
  for (uint64_t drive = 1; drive <= 5; ++drive) {
    Come(drive);
    EXPECT_EQ(node_.journal().last_revision(), registry_.revision());
  }
  const journal::Page page = ReadAll();
  EXPECT_THAT(page.rows, SizeIs(5));
  EXPECT_THAT(page.gaps, IsEmpty());
  EXPECT_EQ(State(), JournalState::kOk);
}

TEST_F(RecorderTest, AReaderFindsEachEventThatIsShown) {
  Start(kRoomy);
  for (uint64_t drive = 1; drive <= 200; ++drive) {
    Come(drive);
    const journal::Page page = ReadAll();
    ASSERT_FALSE(page.rows.empty());
    ASSERT_EQ(page.rows.back().revision, registry_.revision());
  }
  EXPECT_EQ(State(), JournalState::kOk);
}

TEST_F(RecorderTest, AHangingDiskLosesNothingThatHasRoom) {
  Start(kRoomy);
  Come(1);
  disk_.set_hanging(true);
  Come(2);
  EXPECT_EQ(registry_.revision(), 2);
  AwaitStall();
  EXPECT_THAT(recorder_->status().message, HasSubstr("has not taken an event"));
  EXPECT_THAT(recorder_->status().message, HasSubstr("in shared memory"));
  Come(3);
  Go(1);
  disk_.set_hanging(false);
  AwaitRecovery();
  ExpectNoHole();
  EXPECT_THAT(ReadAll().gaps, IsEmpty());
}

TEST_F(RecorderTest, AFullDiskLosesNothingThatHasRoom) {
  Start(kRoomy);
  Come(1);
  disk_.set_full(true);
  Come(2);
  AwaitStall();
  for (uint64_t drive = 3; drive < 50; ++drive) Come(drive);
  EXPECT_EQ(State(), JournalState::kStalled);
  disk_.set_full(false);
  AwaitRecovery();
  ExpectNoHole();
  EXPECT_THAT(ReadAll().gaps, IsEmpty());
}

// Each event waits for the disk, or the shared memory is soon full.
class SmallMemoryTest : public RecorderTest, public ::testing::WithParamInterface<size_t> {};
INSTANTIATE_TEST_SUITE_P(, SmallMemoryTest, ::testing::Values(size_t{0}, size_t{4096}));

TEST_P(SmallMemoryTest, AHangingDiskDoesNotSilenceTheNode) {
  Start(GetParam());
  Come(1);
  disk_.set_hanging(true);
  uint64_t drive = 1;
  while (!absl::StrContains(recorder_->status().message, "serves from memory")) {
    Come(++drive);  // returns although the write does not
    ASSERT_LT(drive, 100u);
  }
  EXPECT_EQ(registry_.revision(), static_cast<int64_t>(drive));
  EXPECT_EQ(State(), JournalState::kStalled);
  EXPECT_THAT(recorder_->status().message, HasSubstr("has not taken an event"));
  Come(++drive);
  Go(1);
  disk_.set_hanging(false);
  AwaitRecovery();
  ExpectNoHole();
  EXPECT_THAT(ReadAll().gaps, SizeIs(1));
}

TEST_F(RecorderTest, AReadOnlyDiskIsDeclaredAndMadeUpFor) {
  Start(0);
  Come(1);
  Come(2);
  disk_.set_read_only(true);
  Come(3);  // is written later
  EXPECT_EQ(State(), JournalState::kStalled);
  Go(2);
  disk_.set_read_only(false);
  AwaitRecovery();
  ExpectNoHole();
  const journal::Page page = ReadAll();
  ASSERT_THAT(page.gaps, SizeIs(1));
  EXPECT_EQ(page.gaps[0].first, 4);
  EXPECT_EQ(page.gaps[0].reason, journal::GapReason::kJournalStalled);
  // What went away meanwhile is not in the stored picture.
  const auto gone = node_.journal().FindState("hosts/000000000000000a/endDevices/0000000000000002");
  ASSERT_TRUE(gone.ok()) << gone.status();
  if (gone->has_value()) EXPECT_FALSE((*gone)->present);
  const auto there =
      node_.journal().FindState("hosts/000000000000000a/endDevices/0000000000000003");
  ASSERT_TRUE(there.ok()) << there.status();
  ASSERT_TRUE(there->has_value());
  EXPECT_TRUE((*there)->present);
}

TEST_F(RecorderTest, StoredStateAndLaterEventsAreTheWholePicture) {
  Start(kRoomy);
  for (uint64_t drive = 1; drive <= 20; ++drive) Come(drive);
  recorder_.reset();  // writes the state
  EXPECT_EQ(node_.journal().state_revision(), registry_.revision());
  int present = 0;
  ASSERT_TRUE(node_.journal()
                  .VisitState([&](const journal::StateRow& row) { present += row.present; })
                  .ok());
  EXPECT_EQ(present, static_cast<int>(registry_.Snapshot()->size()));
}

}  // namespace
}  // namespace sasd::memory
