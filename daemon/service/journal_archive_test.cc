#include "daemon/service/journal_archive.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "daemon/journal/test_node.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/registry_event.h"
#include "daemon/service/event_encoder.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/watch_log.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using Verdict = watch::ResumeDecision::Verdict;

constexpr char kEpoch[] = "00000000000000aa";

struct NoListener : watch::WakeListener {
  void OnReady() override {}
};

std::string Payload(const watch::EncodedEvent& event) {
  std::string bytes(event.header());
  for (size_t i = 0; i < event.piece_count(); ++i) {
    bytes.append(event.piece_bytes(i).data(), event.piece_bytes(i).size());
  }
  return bytes;
}

// A node whose log keeps two events in memory, and whose journal has all.
class JournalArchiveTest : public ::testing::Test {
 protected:
  void Start(bool booted = false) {
    log_ = nullptr;
    const absl::Status status = node_.Open(booted);
    ASSERT_TRUE(status.ok()) << status;
    archive_ = std::make_unique<JournalArchive>(node_.journal());
    registry_ = std::make_unique<registry::Registry>(
        registry::Registry::Options{kEpoch, static_cast<int64_t>(events_.size())});
    watch::WatchLog::Options options;
    options.max_events = 2;
    options.archive = archive_.get();
    log_ = std::make_unique<watch::WatchLog>(*registry_, options);
  }
  // The next event, as the pump brings it into the world.
  void Happen(size_t text_bytes = 10, bool as_event = true) {
    journal::EventRow row = node_.Next("no event");
    auto event = std::make_shared<registry::RegistryEvent>();
    event->revision = row.revision;
    event->previous_revision = row.previous_revision;
    if (row.gap.any()) event->gap = registry::RevisionGap{row.gap.first, row.gap.last};
    event->time = absl::FromUnixNanos(row.unix_nanos);
    registry::EventNotice notice;
    notice.subject = registry::MakeId<registry::Host>(HostKey(SasAddress(0xA)));
    notice.host = HostKey(SasAddress(0xA));
    notice.text.assign(text_bytes, 'x');
    event->notices.push_back(notice);
    auto encoded = std::make_shared<const watch::EncodedEvent>(*event, encoder_.Encode(*event));
    if (as_event) row.payload = Payload(*encoded);
    const absl::Status status = node_.journal().Append({row});
    ASSERT_TRUE(status.ok()) << status;
    registry_->Publish({{event, std::make_shared<registry::Topology>(registry::Tables(),
                                                                     event->revision, kEpoch)}});
    log_->Append({encoded});
    events_.push_back(std::move(encoded));
  }
  void HappenTimes(int count) {
    for (int i = 0; i < count; ++i) Happen();
  }
  watch::ResumeDecision Decide(int64_t revision) { return log_->Decide({kEpoch, revision}); }
  // The bytes of all events after `revision`, as a subscriber gets them.
  std::string ReadAll(int64_t revision) {
    const auto cursor = log_->Resume({kEpoch, revision}, std::make_shared<NoListener>());
    if (!cursor.ok()) return cursor.status().ToString();
    std::string bytes;
    while (true) {
      watch::Cursor::Batch batch = (*cursor)->Next(3, 1 << 20);
      if (batch.state == watch::Cursor::Batch::State::kArchived) {
        batch = (*cursor)->NextArchived(3, 1 << 20);
      }
      if (batch.state == watch::Cursor::Batch::State::kAtEnd) return bytes;
      if (batch.state == watch::Cursor::Batch::State::kFellBehind) return bytes + "!behind";
      for (const watch::Selection& selection : batch.events) {
        EXPECT_TRUE(selection.whole);
        bytes += std::string(selection.event->all());
      }
    }
  }
  // What was encoded after `revision`, up to `last`.
  std::string Encoded(int64_t revision, int64_t last = 1'000'000) {
    std::string bytes;
    for (const watch::EncodedEventPtr& event : events_) {
      if (event->revision() > revision && event->revision() <= last) {
        bytes += std::string(event->all());
      }
    }
    return bytes;
  }

  journal::TestNode node_;
  EventEncoder encoder_{kEpoch};
  std::unique_ptr<JournalArchive> archive_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<watch::WatchLog> log_;
  std::vector<watch::EncodedEventPtr> events_;
};

TEST_F(JournalArchiveTest, SubscriberResumesByteForByte) {
  Start();
  HappenTimes(10);
  ASSERT_EQ(log_->oldest_revision(), 9);
  for (int64_t from = 0; from <= 10; ++from) EXPECT_EQ(ReadAll(from), Encoded(from)) << from;
}

TEST_F(JournalArchiveTest, SubscriberResumesAfterAKill) {
  Start();
  HappenTimes(10);
  Start();
  EXPECT_EQ(log_->newest_revision(), 10);
  EXPECT_EQ(ReadAll(4), Encoded(4));
  HappenTimes(5);
  EXPECT_EQ(ReadAll(4), Encoded(4));
  EXPECT_EQ(Decide(16).verdict, Verdict::kFuture);
}

TEST_F(JournalArchiveTest, TokenInTheGapOfAPowerLossIsLost) {
  Start();
  HappenTimes(10);
  Start(/*booted=*/true);
  ASSERT_TRUE(node_.journal().start().gap.has_value());
  const int64_t last = node_.journal().start().gap->last;
  const auto expect_lost = [&] {
    for (const int64_t revision : {int64_t{11}, last}) {
      const watch::ResumeDecision decision = Decide(revision);
      EXPECT_EQ(decision.verdict, Verdict::kLost) << revision;
      EXPECT_EQ(decision.first_lost, 11);
      EXPECT_EQ(decision.last_lost, last);
    }
  };
  expect_lost();  // the event that declares it is still to come
  EXPECT_EQ(Decide(last + 1).verdict, Verdict::kFuture);
  EXPECT_EQ(ReadAll(7), Encoded(7));
  HappenTimes(1);
  expect_lost();  // it is in memory
  EXPECT_EQ(events_.back()->previous_revision(), 10);
  HappenTimes(5);
  expect_lost();  // it is in the journal only
  EXPECT_EQ(ReadAll(7), Encoded(7));
}

TEST_F(JournalArchiveTest, RowThatIsNoEventIsNeverSkipped) {
  Start();
  HappenTimes(3);
  Happen(10, /*as_event=*/false);
  HappenTimes(5);
  EXPECT_EQ(ReadAll(1), Encoded(1, 3) + "!behind");
  EXPECT_EQ(ReadAll(4), Encoded(4));
}

TEST_F(JournalArchiveTest, TrimmedTokenIsCompacted) {
  node_.options().max_bytes = 1;
  Start();
  HappenTimes(10);
  const auto behind = log_->Resume({kEpoch, 1}, std::make_shared<NoListener>());
  ASSERT_TRUE(behind.ok()) << behind.status();
  ASSERT_TRUE(node_.journal().FinishState(4, std::nullopt).ok());
  ASSERT_TRUE(node_.journal().Maintain().ok());
  EXPECT_EQ(Decide(3).verdict, Verdict::kCompacted);
  EXPECT_EQ(Decide(3).oldest, 4);
  EXPECT_EQ(Decide(0).verdict, Verdict::kCompacted);
  EXPECT_EQ(ReadAll(4), Encoded(4));
  const watch::Cursor::Batch batch = (*behind)->NextArchived(10, 1 << 20);
  EXPECT_EQ(batch.state, watch::Cursor::Batch::State::kFellBehind);
  EXPECT_EQ(batch.oldest, 5);
}

TEST_F(JournalArchiveTest, PageEndsAtItsLimits) {
  Start();
  for (int i = 0; i < 10; ++i) Happen(1'000);
  const auto few = archive_->ReadAfter(2, 9, 3, 1 << 20);
  ASSERT_TRUE(few.ok()) << few.status();
  ASSERT_EQ(few->events.size(), 3u);
  EXPECT_EQ(few->events[0]->revision(), 3);
  EXPECT_EQ(archive_->ReadAfter(2, 5, 100, 1 << 20)->events.size(), 2u);
  EXPECT_EQ(archive_->ReadAfter(2, 9, 100, 1)->events.size(), 1u);
  EXPECT_TRUE(archive_->ReadAfter(2, 3, 100, 1 << 20)->events.empty());
}

}  // namespace
}  // namespace sasd::service
