#include "daemon/service/journal_history.h"

#include <stdlib.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/journal/state_store.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/resource_text.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/watch_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"

namespace sasd::service {
namespace {

using registry::kHostA;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kInMemory = 4;

// The row of an event, as the pump writes it.
journal::EventRow RowOf(const watch::EncodedEvent& event) {
  journal::EventRow row;
  row.payload = std::string(event.header());
  for (size_t i = 0; i < event.piece_count(); ++i) {
    row.payload.append(event.piece_bytes(i).data(), event.piece_bytes(i).size());
  }
  sas::v1::Event message;
  EXPECT_TRUE(message.ParseFromString(row.payload));
  row.revision = message.revision();
  row.previous_revision = message.previous_revision();
  row.unix_nanos = absl::ToUnixNanos(event.time());
  row.cause = static_cast<uint8_t>(message.cause().kind());
  row.severity = static_cast<uint8_t>(message.severity());
  for (const sas::v1::Change& change : message.changes()) {
    row.objects.push_back({NameOf(change.resource()),
                           static_cast<uint8_t>(change.resource().resource_case()),
                           static_cast<uint8_t>(change.kind())});
  }
  return row;
}

// A drive comes and goes; the journal has all of it, the log the newest four events.
class JournalHistoryTest : public ::testing::Test {
 protected:
  JournalHistoryTest() {
    std::string pattern = testing::TempDir() + "/history.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    auto state = journal::StateStore::Open({directory_, "m1", "live", false, ""});
    EXPECT_TRUE(state.ok()) << state.status();
    state_ = *std::move(state);
    journal::Journal::Options options;
    options.directory = directory_;
    options.machine = "m1";
    options.source = "live";
    options.boot_id = "boot1";
    options.fresh_epoch = "00000000000000aa";
    options.mark_directory = directory_;
    options.maintenance_thread = false;
    auto journal = journal::Journal::Open(options, *state_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
    history_ = std::make_unique<JournalHistory>(*journal_, log_history_);
    for (int i = 0; i < 5; ++i) {
      Come();
      Go();
    }
  }
  ~JournalHistoryTest() override {
    history_.reset();
    journal_.reset();
    state_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Observe(std::vector<Observation> observations, CauseKind kind, bool write = true) {
    ObservationBatch batch = registry::Batch(std::move(observations));
    batch.cause.kind = kind;
    batch.time = absl::FromUnixSeconds(++seconds_);
    const int64_t before = registry_.revision();
    registry_.Observe(std::move(batch));
    while (publisher_.PublishOnce()) {
    }
    const auto page = log_.Read(before, 1);
    ASSERT_TRUE(page.ok());
    ASSERT_EQ(page->events.size(), 1u);
    if (!write) return;
    const absl::Status status = journal_->Append({RowOf(*page->events[0])});
    ASSERT_TRUE(status.ok()) << status;
  }
  void Come(bool write = true) {
    LogicalUnitFacts unit = registry::Unit(kHostA, 0xA3, "naa.3");
    unit.serial = "Z3";
    Observe({registry::HostOf(kHostA), registry::Drive(kHostA, 0xA3), unit}, CauseKind::kUevent,
            write);
  }
  void Go(bool write = true) {
    Observe({EndDeviceGone{{kHostA, SasAddress(0xA3), PhysicalPort(0)}}}, CauseKind::kScan, write);
  }

  // The revisions of all pages of a query.
  std::vector<int64_t> All(HistoryQuery query) {
    std::vector<int64_t> revisions;
    for (int i = 0; i < 100; ++i) {
      const auto page = history_->Read(query);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const auto& event : page->events) revisions.push_back(event->revision());
      if (page->done) return revisions;
      (query.newest_first ? query.until : query.after) = page->position;
    }
    ADD_FAILURE() << "the query does not end";
    return revisions;
  }

  std::string directory_;
  std::unique_ptr<journal::StateStore> state_;
  std::unique_ptr<journal::Journal> journal_;
  registry::Registry registry_{registry::Registry::Options{"00000000000000aa", 0}};
  EventEncoder encoder_{"00000000000000aa"};
  watch::WatchLog log_{registry_, {16 << 20, kInMemory}};
  watch::Publisher publisher_{log_, encoder_};
  LogHistory log_history_{log_};
  std::unique_ptr<JournalHistory> history_;
  int64_t seconds_ = 0;
};

TEST_F(JournalHistoryTest, DiskAndMemoryAreOneSequence) {
  ASSERT_EQ(log_.oldest_revision(), 7);
  for (const size_t limit : {1u, 3u, 6u, 7u, 1000u}) {
    HistoryQuery query;
    query.limit = limit;
    EXPECT_THAT(All(query), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)) << limit;
    query.newest_first = true;
    EXPECT_THAT(All(query), ElementsAre(10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) << limit;
  }
  HistoryQuery some;
  some.after = 4;
  some.until = 9;
  EXPECT_THAT(All(some), ElementsAre(5, 6, 7, 8));
  some.newest_first = true;
  EXPECT_THAT(All(some), ElementsAre(8, 7, 6, 5));
}

// Under asan, an overflow ends this test.
TEST_F(JournalHistoryTest, TheLargestRevisionsOverflowNothing) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (const int64_t after : {kMax, kMax - 1}) {
    HistoryQuery query;
    query.after = after;
    EXPECT_THAT(All(query), IsEmpty());
    query.until = kMax;
    EXPECT_THAT(All(query), IsEmpty());
    query.newest_first = true;
    EXPECT_THAT(All(query), IsEmpty());
    query.until = 0;
    EXPECT_THAT(All(query), IsEmpty());
  }
  HistoryQuery query;
  query.until = kMax;
  query.newest_first = true;
  EXPECT_THAT(All(query), ElementsAre(10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
  query.until = 1;
  EXPECT_THAT(All(query), IsEmpty());
}

TEST_F(JournalHistoryTest, BothSidesUnderstandTheFilters) {
  HistoryQuery query;
  query.causes = 1u << static_cast<int>(CauseKind::kScan);
  EXPECT_THAT(All(query), ElementsAre(2, 4, 6, 8, 10));
  query.start = absl::FromUnixSeconds(4);
  query.end = absl::FromUnixSeconds(9);
  EXPECT_THAT(All(query), ElementsAre(4, 6, 8));
  query = {};
  query.minimum_severity = Notice::Severity::kWarning;
  EXPECT_THAT(All(query), ElementsAre(2, 4, 6, 8, 10));
  query = {};
  query.objects = {"logicalUnits/naa.3"};
  EXPECT_THAT(All(query), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  query.objects = {"hosts/000000000000000a"};
  EXPECT_THAT(All(query), ElementsAre(1));
  query.objects = {"hosts/000000000000000b"};
  EXPECT_THAT(All(query), IsEmpty());
}

TEST_F(JournalHistoryTest, ItReachesAsFarBackAsTheJournal) {
  const auto extent = history_->Extent();
  ASSERT_TRUE(extent.ok());
  EXPECT_EQ(extent->begin, 0);
  EXPECT_EQ(extent->oldest, 1);
  EXPECT_EQ(extent->newest, 10);
  EXPECT_EQ(extent->oldest_time, absl::FromUnixSeconds(1));
}

TEST_F(JournalHistoryTest, EventsThatTheJournalLacksComeFromMemory) {
  Come(/*write=*/false);
  Go(/*write=*/false);
  HistoryQuery query;
  EXPECT_THAT(All(query), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
}

TEST_F(JournalHistoryTest, ARowThatIsNoEventIsAGap) {
  journal::EventRow row;
  row.revision = 11;
  row.previous_revision = 10;
  row.cause = 1;
  row.payload = "no event";
  ASSERT_TRUE(journal_->Append({row}).ok());
  for (int i = 0; i < 2; ++i) {
    // The registry goes on after it.
    Come(/*write=*/false);
    Go(/*write=*/false);
  }
  // Only the journal is asked for what the log has not.
  ASSERT_EQ(log_.oldest_revision(), 11);
  Come(/*write=*/false);
  const auto page = history_->Read({});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->gaps.size(), 1u);
  EXPECT_EQ(page->gaps[0].first, 11);
  EXPECT_EQ(page->gaps[0].last, 11);
  EXPECT_EQ(page->gaps[0].reason, sas::v1::GAP_REASON_JOURNAL_DAMAGED);
}

TEST_F(JournalHistoryTest, WhatIsGoneIsInTheStateToo) {
  // As a checkpoint has it; the log and the journal no longer know.
  sas::v1::Resource drive;
  drive.mutable_logical_unit()->set_name("logicalUnits/naa.9");
  drive.mutable_logical_unit()->set_serial("Z9");
  ASSERT_TRUE(journal_
                  ->WriteState({{"logicalUnits/naa.9", 6, false, 2, drive.SerializeAsString()},
                                {"logicalUnits/naa.8", 6, true, 2, drive.SerializeAsString()}})
                  .ok());
  std::vector<std::string> gone;
  ASSERT_TRUE(history_
                  ->VisitRemoved([&](const RemovedState& state) {
                    gone.push_back(absl::StrCat(state.name, " ", state.revision));
                  })
                  .ok());
  EXPECT_THAT(gone, ::testing::UnorderedElementsAre(
                        "hosts/000000000000000a/endDevices/00000000000000a3 10",
                        "logicalUnits/naa.3 10", "enclosures/0000000000000077 10",
                        "enclosures/0000000000000077/slots/3 10", "logicalUnits/naa.9 2"));
}

}  // namespace
}  // namespace sasd::service
