#include "daemon/watch/watch_log.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: for ThreadSanitizer
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "daemon/registry/registry.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/event_archive.h"
#include "daemon/watch/event_recorder.h"
#include "daemon/watch/filter.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/pump.h"
#include "gtest/gtest.h"

namespace sasd::watch {
namespace {

constexpr HostKey kHostA(SasAddress(0xA)), kHostB(SasAddress(0xB));
constexpr char kEpoch[] = "00000000000000aa";

// "<" before, "r7:" for the header, "n" for each piece.
class TextEncoder : public RegistryEventEncoder {
 public:
  EncodedBytes Encode(const registry::RegistryEvent& event) override {
    EncodedBytes encoded;
    encoded.bytes = "<";
    encoded.frame_size = 1;
    const std::string header = absl::StrCat("r", event.revision, ":");
    encoded.bytes += header;
    encoded.header_size = static_cast<uint32_t>(header.size());
    for (size_t i = 0; i < event.changes.size() + event.notices.size(); ++i) {
      encoded.bytes += "n";
      encoded.piece_ends.push_back(static_cast<uint32_t>(encoded.bytes.size()));
    }
    ++encoded_count;
    return encoded;
  }
  std::atomic<int> encoded_count{0};
};

// Keeps what it is given; a test takes some of it away.
class FakeArchive : public EventArchive {
 public:
  absl::StatusOr<Page> ReadAfter(int64_t after, int64_t until, size_t max_events,
                                 size_t max_bytes) override {
    ++reads;
    if (on_read) std::exchange(on_read, nullptr)();
    if (!error.ok()) return error;
    absl::MutexLock lock(&mu_);
    Page page;
    page.floor = floor;
    size_t bytes = 0;
    for (const EncodedEventPtr& event : events_) {
      if (event->revision() <= after || event->revision() >= until) continue;
      bytes += event->all().size();
      const bool full = page.events.size() == max_events || bytes > max_bytes;
      if (full && !page.events.empty()) break;
      page.events.push_back(event);
    }
    return page;
  }
  absl::StatusOr<std::optional<Gap>> FindGap(int64_t revision) override {
    ++reads;
    if (!error.ok()) return error;
    if (revision < gap.first || revision > gap.last) return std::optional<Gap>();
    return gap;
  }

  void Add(EncodedEventPtr event) {
    absl::MutexLock lock(&mu_);
    events_.push_back(std::move(event));
  }
  void Lose(int64_t first, int64_t last) {
    absl::MutexLock lock(&mu_);
    const auto lost = [&](const EncodedEventPtr& event) {
      return event->revision() >= first && event->revision() <= last;
    };
    events_.erase(std::remove_if(events_.begin(), events_.end(), lost), events_.end());
  }
  void Trim(int64_t revision) {
    Lose(0, revision);
    floor = revision;
  }

  int64_t floor = 0;
  Gap gap{0, -1};
  absl::Status error;
  std::function<void()> on_read;
  std::atomic<int> reads{0};

 private:
  absl::Mutex mu_;
  std::vector<EncodedEventPtr> events_ ABSL_GUARDED_BY(mu_);
};

// Writes events to the archive before anybody sees them.
class ArchivingEncoder : public TextEncoder {
 public:
  explicit ArchivingEncoder(FakeArchive& archive) : archive_(archive) {}
  EncodedBytes Encode(const registry::RegistryEvent& event) override {
    EncodedBytes encoded = TextEncoder::Encode(event);
    archive_.Add(std::make_shared<const EncodedEvent>(event, encoded));
    return encoded;
  }

 private:
  FakeArchive& archive_;
};

// Checks that nobody sees an event yet that it is to keep.
class CheckingRecorder : public EventRecorder {
 public:
  explicit CheckingRecorder(WatchLog& log) : log_(log) {}
  void Record(absl::Span<const registry::CommittedEvent> events,
              absl::Span<const EncodedEventPtr> encoded) override {
    const int64_t first = events.front().event->revision;
    EXPECT_LT(log_.registry().revision(), first);
    EXPECT_LT(log_.newest_revision(), first);
    EXPECT_EQ(encoded.size(), events.size());
    recorded = events.back().event->revision;
  }
  void OnPublished() override {
    EXPECT_EQ(log_.registry().revision(), recorded);
    EXPECT_EQ(log_.newest_revision(), recorded);
    ++published;
  }
  int64_t recorded = 0;
  int published = 0;

 private:
  WatchLog& log_;
};

class Listener : public WakeListener {
 public:
  void OnReady() override { ++wakes; }
  std::atomic<int> wakes{0};
};

class WatchLogTest : public ::testing::Test {
 protected:
  explicit WatchLogTest(size_t max_events = 100) {
    WatchLog::Options options;
    options.max_events = max_events;
    log_ = std::make_unique<WatchLog>(registry_, options);
    publisher_ = std::make_unique<Publisher>(*log_, encoder_);
  }

  // One revision.
  void Happen(HostKey host = kHostA) {
    ObservationBatch batch;
    batch.host = host;
    HostFacts facts;
    facts.key = host;
    facts.os_name = absl::StrCat("host", ++names_);
    batch.observations.push_back(facts);
    registry_.Observe(std::move(batch));
  }
  void HappenAndPump(int count = 1, HostKey host = kHostA) {
    for (int i = 0; i < count; ++i) {
      Happen(host);
      EXPECT_TRUE(publisher_->PublishOnce());
    }
  }
  // All events until the end.
  std::string ReadAll(Cursor& cursor) {
    std::string text;
    while (true) {
      Cursor::Batch batch = cursor.Next(2, 1'000'000);
      if (batch.state == Cursor::Batch::State::kArchived) batch = cursor.NextArchived(2, 1'000'000);
      if (batch.state == Cursor::Batch::State::kFellBehind) return text + "!behind";
      if (batch.state == Cursor::Batch::State::kAtEnd) return text;
      for (const Selection& selection : batch.events) {
        absl::StrAppend(&text, selection.event->all());
      }
    }
  }
  ResumeToken TokenAt(int64_t revision) { return {kEpoch, revision}; }

  registry::Registry registry_{{kEpoch, 0}};
  TextEncoder encoder_;
  std::unique_ptr<WatchLog> log_;
  std::unique_ptr<Publisher> publisher_;
  std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
  int names_ = 0;
};

// Of three events in memory; an archive has all.
class ArchivedWatchLogTest : public WatchLogTest {
 protected:
  ArchivedWatchLogTest() { Restart(registry_); }
  // The memory of events is lost.
  void Restart(registry::Registry& registry) {
    publisher_ = nullptr;
    WatchLog::Options options;
    options.max_events = 3;
    options.archive = &archive_;
    log_ = std::make_unique<WatchLog>(registry, options);
    publisher_ = std::make_unique<Publisher>(*log_, archiver_);
  }
  std::unique_ptr<Cursor> ResumeAt(int64_t revision, Filter filter = {}) {
    auto cursor = log_->Resume(TokenAt(revision), listener_, std::move(filter));
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    return cursor.ok() ? *std::move(cursor) : nullptr;
  }

  FakeArchive archive_;
  ArchivingEncoder archiver_{archive_};
};

class SmallWatchLogTest : public WatchLogTest {
 protected:
  SmallWatchLogTest() : WatchLogTest(3) {}
};

TEST_F(WatchLogTest, SubscriberGetsLaterEvents) {
  HappenAndPump(2);
  const auto cursor = log_->Subscribe(listener_);
  EXPECT_EQ(ReadAll(*cursor), "");
  HappenAndPump(3);
  EXPECT_EQ(ReadAll(*cursor), "<r3:n<r4:n<r5:n");
  EXPECT_EQ(cursor->position(), 5);
}

TEST_F(WatchLogTest, EventsContinueExactlyAfterTheSnapshot) {
  HappenAndPump(2);
  Happen();  // not yet published
  const auto cursor = log_->Subscribe(listener_);
  const auto topology = cursor->BeginSnapshot();
  EXPECT_EQ(topology->revision(), 2);
  Happen();
  EXPECT_TRUE(publisher_->PublishOnce());
  EXPECT_FALSE(publisher_->PublishOnce()) << "one step takes all events";
  cursor->EndSnapshot();
  EXPECT_EQ(ReadAll(*cursor), "<r3:n<r4:n");
}

TEST_F(WatchLogTest, ListenerSeesAnEventBeforeSubscribersDo) {
  struct Reporter : CommitListener {
    void OnCommit(registry::RegistryEvent& event, const registry::Topology& after) override {
      EXPECT_EQ(after.revision(), event.revision);
      EXPECT_EQ(after.collection<registry::Host>().size(), 1u);
      EXPECT_EQ(registry.revision(), event.revision - 1) << "nothing is visible yet";
      registry::EventNotice notice;
      notice.subject = registry::MakeId<registry::Host>(kHostA);
      notice.host = kHostA;
      event.notices.push_back(notice);
    }
    explicit Reporter(registry::Registry& of) : registry(of) {}
    registry::Registry& registry;
  } first(registry_), second(registry_);
  publisher_ =
      std::make_unique<Publisher>(*log_, encoder_, std::vector<CommitListener*>{&first, &second});
  const auto cursor = log_->Subscribe(listener_);
  HappenAndPump(2);
  EXPECT_EQ(ReadAll(*cursor), "<r1:nnn<r2:nnn") << "a change and two notices each";
}

TEST_F(WatchLogTest, EventsAreKeptBeforeAnybodySeesThem) {
  CheckingRecorder recorder(*log_);
  publisher_ =
      std::make_unique<Publisher>(*log_, encoder_, std::vector<CommitListener*>{}, &recorder);
  HappenAndPump(3);
  EXPECT_EQ(recorder.recorded, registry_.revision());
  EXPECT_EQ(recorder.published, 3);
}

TEST_F(WatchLogTest, RevisionsThatWereJumpedOverAreLost) {
  const auto append = [this](int64_t previous, int64_t revision) {
    auto event = std::make_shared<registry::RegistryEvent>();
    event->previous_revision = previous;
    event->revision = revision;
    registry_.Publish(
        {{event, std::make_shared<registry::Topology>(registry::Tables(), revision, kEpoch)}});
    log_->Append({std::make_shared<const EncodedEvent>(*event, encoder_.Encode(*event))});
  };
  append(0, 10);
  append(10, 11);
  append(11, 20);
  const ResumeDecision decision = log_->Decide(TokenAt(15));
  EXPECT_EQ(decision.verdict, ResumeDecision::Verdict::kLost);
  EXPECT_EQ(decision.first_lost, 12);
  EXPECT_EQ(decision.last_lost, 19);
  EXPECT_EQ(decision.ToStatus().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(log_->Decide(TokenAt(1)).verdict, ResumeDecision::Verdict::kLost);
  const auto cursor = log_->Resume(TokenAt(0), listener_);
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  EXPECT_EQ(ReadAll(**cursor), "<r10:<r11:<r20:");
  EXPECT_EQ(log_->oldest_revision(), 10);
  EXPECT_EQ(log_->Read(10, 5)->events.size(), 2u);
}

TEST_F(WatchLogTest, EventIsEncodedOnceForAllSubscribers) {
  std::vector<std::unique_ptr<Cursor>> cursors;
  for (int i = 0; i < 10; ++i) cursors.push_back(log_->Subscribe(listener_));
  HappenAndPump(5);
  for (const auto& cursor : cursors) EXPECT_EQ(ReadAll(*cursor), "<r1:n<r2:n<r3:n<r4:n<r5:n");
  EXPECT_EQ(encoder_.encoded_count, 5);
}

// An event happens while the first of many subscribers is woken. The last ones get it together with
// the event that woke them and are woken once.
TEST_F(WatchLogTest, EventsDuringAWakeupGoOutWithIt) {
  struct Reader : WakeListener {
    void OnReady() override {
      ++wakes;
      if (then) std::exchange(then, nullptr)();
      while (cursor->Next(10, 1'000'000).state == Cursor::Batch::State::kEvents) {
      }
    }
    int wakes = 0;
    std::function<void()> then;
    std::unique_ptr<Cursor> cursor;
  };
  std::vector<std::shared_ptr<Reader>> readers;
  for (int i = 0; i < 100; ++i) {
    readers.push_back(std::make_shared<Reader>());
    readers.back()->cursor = log_->Subscribe(readers.back());
    (void)readers.back()->cursor->Next(1, 1);  // idle
  }
  // The last cursor to become idle is woken first.
  readers.back()->then = [this] { Happen(); };
  HappenAndPump();
  int wakes = 0;
  for (const auto& reader : readers) {
    EXPECT_EQ(reader->cursor->position(), 2);
    wakes += reader->wakes;
  }
  EXPECT_LT(wakes, 120) << "only the first few are woken twice";
  for (const auto& reader : readers) reader->cursor.reset();
}

TEST_F(WatchLogTest, IdleCursorIsWokenOncePerEnd) {
  const auto cursor = log_->Subscribe(listener_);
  EXPECT_EQ(ReadAll(*cursor), "");
  HappenAndPump(3);
  EXPECT_EQ(listener_->wakes, 1) << "it has not read since then";
  ReadAll(*cursor);
  HappenAndPump();
  EXPECT_EQ(listener_->wakes, 2);
}

TEST_F(WatchLogTest, BusyCursorIsNotWoken) {
  const auto cursor = log_->Subscribe(listener_);
  HappenAndPump(2);
  EXPECT_EQ(listener_->wakes, 0);
}

TEST_F(WatchLogTest, DestroyedCursorIsNotWoken) {
  auto cursor = log_->Subscribe(listener_);
  ReadAll(*cursor);
  cursor.reset();
  HappenAndPump();
  EXPECT_EQ(listener_->wakes, 0);
  EXPECT_EQ(log_->stats().subscribers, 0);
}

TEST_F(WatchLogTest, WakeAllWakesIdleCursors) {
  const auto cursor = log_->Subscribe(listener_);
  ReadAll(*cursor);
  log_->WakeAll();
  EXPECT_EQ(listener_->wakes, 1);
}

TEST_F(WatchLogTest, LastPendingUeventWakesIdleCursors) {
  Pump pump(*publisher_);
  const auto cursor = log_->Subscribe(listener_);
  ReadAll(*cursor);
  pump.SetPending(true);
  EXPECT_EQ(listener_->wakes, 0);
  pump.SetPending(false);
  EXPECT_EQ(listener_->wakes, 1);
}

// The last idle cursor takes the place of one that goes.
TEST_F(WatchLogTest, MovedIdleCursorIsFoundWhenItGoes) {
  auto first = log_->Subscribe(listener_);
  const auto middle_listener = std::make_shared<Listener>();
  const auto middle = log_->Subscribe(middle_listener);
  auto last = log_->Subscribe(listener_);
  for (Cursor* cursor : {first.get(), middle.get(), last.get()}) ReadAll(*cursor);
  first.reset();
  last.reset();
  EXPECT_EQ(log_->idle_count(), 1u);
  HappenAndPump();
  EXPECT_EQ(middle_listener->wakes, 1);
  EXPECT_EQ(listener_->wakes, 0);
}

TEST_F(WatchLogTest, EventThatDoesNotFitIsInTheNextBatch) {
  const auto cursor = log_->Subscribe(listener_);
  HappenAndPump(3);
  std::string text;
  for (int i = 0; i < 3; ++i) {
    const Cursor::Batch batch = cursor->Next(100, 7);
    ASSERT_EQ(batch.events.size(), 1u);
    absl::StrAppend(&text, batch.events[0].event->all());
  }
  EXPECT_EQ(text, "<r1:n<r2:n<r3:n");
}

TEST_F(WatchLogTest, TokenResumesAfterItsRevision) {
  HappenAndPump(5);
  const auto cursor = log_->Resume(TokenAt(3), listener_);
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  EXPECT_EQ(ReadAll(**cursor), "<r4:n<r5:n");
}

TEST_F(WatchLogTest, TokenOfAnotherEpochIsRefused) {
  HappenAndPump(2);
  const ResumeDecision decision = log_->Decide({"ffffffffffffffff", 1});
  EXPECT_EQ(decision.verdict, ResumeDecision::Verdict::kEpochChanged);
  EXPECT_EQ(decision.ToStatus().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(WatchLogTest, TokenOfTheFutureIsRefused) {
  HappenAndPump(2);
  EXPECT_EQ(log_->Resume(TokenAt(3), listener_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(log_->Resume(TokenAt(2), listener_).ok());
}

TEST_F(SmallWatchLogTest, CompactedTokenIsRefusedWithTheOldestRevision) {
  HappenAndPump(10);
  EXPECT_EQ(log_->oldest_revision(), 8);
  const ResumeDecision decision = log_->Decide(TokenAt(6));
  EXPECT_EQ(decision.verdict, ResumeDecision::Verdict::kCompacted);
  EXPECT_EQ(decision.oldest, 7);
  EXPECT_TRUE(log_->Resume(TokenAt(7), listener_).ok());
}

TEST_F(SmallWatchLogTest, StalledSubscriberFallsBehind) {
  const auto cursor = log_->Subscribe(listener_);
  HappenAndPump(10);
  EXPECT_EQ(log_->stats().log_events, 3u);
  const Cursor::Batch batch = cursor->Next(10, 1'000);
  EXPECT_EQ(batch.state, Cursor::Batch::State::kFellBehind);
  EXPECT_EQ(batch.sent, 0);
  EXPECT_EQ(batch.oldest, 8);
  EXPECT_EQ(cursor->BeginSnapshot()->revision(), 10);
  cursor->EndSnapshot();
  HappenAndPump();
  EXPECT_EQ(ReadAll(*cursor), "<r11:n");
}

TEST_F(SmallWatchLogTest, SubscriberOneEventBehindTheLogFallsBehind) {
  const auto behind = log_->Subscribe(listener_);
  HappenAndPump();
  const auto in_time = log_->Subscribe(listener_);
  HappenAndPump(3);  // of four events the log has three
  EXPECT_EQ(behind->Next(10, 1'000).state, Cursor::Batch::State::kFellBehind);
  EXPECT_EQ(ReadAll(*in_time), "<r2:n<r3:n<r4:n");
}

TEST_F(ArchivedWatchLogTest, ArchiveAndMemoryAreOneSequence) {
  HappenAndPump(10);
  ASSERT_EQ(log_->oldest_revision(), 8);
  for (int64_t from = 0; from <= 10; ++from) {
    std::string expected;
    for (int64_t i = from + 1; i <= 10; ++i) absl::StrAppend(&expected, "<r", i, ":n");
    EXPECT_EQ(ReadAll(*ResumeAt(from)), expected);
  }
  EXPECT_EQ(log_->stats().resyncs, 0);
}

TEST_F(ArchivedWatchLogTest, SlowReaderGoesOnInTheArchive) {
  const auto cursor = log_->Subscribe(listener_);
  HappenAndPump(10);
  EXPECT_EQ(ReadAll(*cursor), "<r1:n<r2:n<r3:n<r4:n<r5:n<r6:n<r7:n<r8:n<r9:n<r10:n");
}

TEST_F(ArchivedWatchLogTest, OnlyNextArchivedReadsTheArchive) {
  HappenAndPump(10);
  const auto cursor = ResumeAt(2);
  archive_.reads = 0;
  EXPECT_EQ(cursor->Next(2, 1'000).state, Cursor::Batch::State::kArchived);
  EXPECT_EQ(cursor->position(), 2);
  EXPECT_EQ(log_->idle_count(), 0u) << "the pump does not wake it";
  EXPECT_FALSE(log_->NeedsArchive(TokenAt(7)));
  EXPECT_TRUE(log_->NeedsArchive(TokenAt(6)));
  EXPECT_TRUE(ResumeAt(7) != nullptr);
  EXPECT_EQ(archive_.reads, 0);
  EXPECT_EQ(cursor->NextArchived(2, 1'000).events.size(), 2u);
  EXPECT_EQ(archive_.reads, 1);
}

TEST_F(ArchivedWatchLogTest, LiveReadersGoOnDuringARead) {
  HappenAndPump(10);
  const auto live = log_->Subscribe(listener_);
  const auto late = ResumeAt(5);
  archive_.on_read = [&] {
    HappenAndPump(5);  // trims the memory, too
    EXPECT_EQ(ReadAll(*live), "<r11:n<r12:n<r13:n<r14:n<r15:n");
  };
  EXPECT_EQ(ReadAll(*late), "<r6:n<r7:n<r8:n<r9:n<r10:n<r11:n<r12:n<r13:n<r14:n<r15:n");
}

TEST_F(ArchivedWatchLogTest, ReaderThatTrimmingOvertakesFallsBehind) {
  HappenAndPump(10);
  const auto cursor = ResumeAt(1);
  EXPECT_EQ(cursor->NextArchived(2, 1'000).events.size(), 2u);
  archive_.Trim(4);
  const Cursor::Batch batch = cursor->NextArchived(2, 1'000);
  EXPECT_EQ(batch.state, Cursor::Batch::State::kFellBehind);
  EXPECT_EQ(batch.sent, 3);
  EXPECT_EQ(batch.oldest, 5);
  EXPECT_EQ(log_->stats().resyncs, 1);
  EXPECT_EQ(cursor->BeginSnapshot()->revision(), 10);
  cursor->EndSnapshot();
  EXPECT_EQ(ReadAll(*cursor), "");
}

TEST_F(ArchivedWatchLogTest, TokenBelowTheFloorIsCompacted) {
  HappenAndPump(10);
  archive_.Trim(4);
  const ResumeDecision decision = log_->Decide(TokenAt(3));
  EXPECT_EQ(decision.verdict, ResumeDecision::Verdict::kCompacted);
  EXPECT_EQ(decision.oldest, 4);
  EXPECT_EQ(ReadAll(*ResumeAt(4)), "<r5:n<r6:n<r7:n<r8:n<r9:n<r10:n");
}

TEST_F(ArchivedWatchLogTest, DamagedEventIsNeverSkipped) {
  HappenAndPump(10);
  archive_.Lose(5, 5);
  EXPECT_EQ(ReadAll(*ResumeAt(2)), "<r3:n<r4:n!behind");
  EXPECT_EQ(ReadAll(*ResumeAt(3)), "<r4:n!behind") << "within a page";
  EXPECT_EQ(ReadAll(*ResumeAt(4)), "!behind");
  EXPECT_EQ(ReadAll(*ResumeAt(5)), "<r6:n<r7:n<r8:n<r9:n<r10:n") << "it has had the lost one";
}

TEST_F(ArchivedWatchLogTest, EventsMissingBeforeTheMemoryAreNeverSkipped) {
  HappenAndPump(10);
  archive_.Lose(6, 7);  // the disk stalled
  EXPECT_EQ(ReadAll(*ResumeAt(2)), "<r3:n<r4:n<r5:n!behind");
}

TEST_F(ArchivedWatchLogTest, UnreadableArchiveCountsAsEmpty) {
  HappenAndPump(10);
  const auto cursor = ResumeAt(2);
  archive_.error = absl::UnavailableError("the disk does not answer");
  EXPECT_EQ(ReadAll(*cursor), "!behind");
  EXPECT_EQ(log_->Decide(TokenAt(2)).verdict, ResumeDecision::Verdict::kCompacted);
  EXPECT_EQ(log_->Decide(TokenAt(2)).oldest, 7);
  EXPECT_EQ(log_->Decide(TokenAt(11)).verdict, ResumeDecision::Verdict::kFuture);
}

TEST_F(ArchivedWatchLogTest, ArchiveShowsNothingUnpublished) {
  HappenAndPump(12);
  registry::Registry restarted({kEpoch, 10});  // 11 and 12 are written and not published
  Restart(restarted);
  EXPECT_EQ(ReadAll(*ResumeAt(7)), "<r8:n<r9:n<r10:n");
  EXPECT_EQ(log_->Decide(TokenAt(11)).verdict, ResumeDecision::Verdict::kFuture);
  Restart(registry_);
}

TEST_F(ArchivedWatchLogTest, TokenInAGapIsLostBeforeAnyEvent) {
  HappenAndPump(10);
  registry::Registry restarted({kEpoch, 10});
  Restart(restarted);
  archive_.gap = {11, 100};
  for (const int64_t revision : {11, 50, 100}) {
    const ResumeDecision decision = log_->Decide(TokenAt(revision));
    EXPECT_EQ(decision.verdict, ResumeDecision::Verdict::kLost) << revision;
    EXPECT_EQ(decision.first_lost, 11);
    EXPECT_EQ(decision.last_lost, 100);
  }
  EXPECT_EQ(log_->Decide(TokenAt(101)).verdict, ResumeDecision::Verdict::kFuture);
  EXPECT_EQ(ReadAll(*ResumeAt(10)), "");
  Restart(registry_);
}

TEST_F(ArchivedWatchLogTest, ReaderPassesADeclaredGapInTheArchive) {
  HappenAndPump(3);
  registry::RegistryEvent event;
  event.previous_revision = 3;
  event.revision = 100;
  archive_.Add(std::make_shared<const EncodedEvent>(event, encoder_.Encode(event)));
  archive_.gap = {4, 99};
  registry::Registry restarted({kEpoch, 100});
  Restart(restarted);
  EXPECT_EQ(ReadAll(*ResumeAt(2)), "<r3:n<r100:");
  EXPECT_EQ(ReadAll(*ResumeAt(3)), "<r100:");
  EXPECT_EQ(log_->Decide(TokenAt(4)).verdict, ResumeDecision::Verdict::kLost);
  EXPECT_EQ(log_->Decide(TokenAt(99)).verdict, ResumeDecision::Verdict::kLost);
  Restart(registry_);
}

TEST_F(ArchivedWatchLogTest, FilterHoldsInTheArchiveToo) {
  HappenAndPump(2, kHostA);
  HappenAndPump(1, kHostB);
  HappenAndPump(6, kHostA);
  HappenAndPump(1, kHostB);
  const auto cursor = ResumeAt(0, Filter({}, {kHostB}));
  EXPECT_EQ(ReadAll(*cursor), "<r3:n<r10:n");
  EXPECT_EQ(cursor->position(), 10);
}

TEST_F(ArchivedWatchLogTest, BatchFromTheArchiveEndsAtItsLimits) {
  HappenAndPump(10);
  const auto cursor = ResumeAt(0);
  EXPECT_EQ(cursor->NextArchived(4, 1'000).events.size(), 4u);
  EXPECT_EQ(cursor->NextArchived(100, 9).events.size(), 1u) << "9 bytes hold one event of 5";
  EXPECT_EQ(cursor->NextArchived(100, 1).events.size(), 1u) << "at least one";
  EXPECT_EQ(cursor->position(), 6);
}

// Each reader resumes at the beginning. ThreadSanitizer checks the rest.
TEST_F(ArchivedWatchLogTest, ReadersCatchUpDuringPumping) {
  Pump pump(*publisher_);
  {
    std::thread reader([&] {
      for (int64_t position = 0; position < 1'000;) {
        const auto cursor = ResumeAt(0);
        ASSERT_NE(cursor, nullptr);
        for (int64_t expected = 1;;) {
          Cursor::Batch batch = cursor->Next(10, 1'000);
          if (batch.state == Cursor::Batch::State::kArchived) {
            batch = cursor->NextArchived(10, 1'000);
          }
          ASSERT_NE(batch.state, Cursor::Batch::State::kFellBehind);
          if (batch.state == Cursor::Batch::State::kAtEnd) break;
          for (const Selection& selection : batch.events) {
            ASSERT_EQ(selection.event->revision(), expected++);
          }
        }
        position = cursor->position();
      }
    });
    for (int i = 0; i < 1'000; ++i) {
      Happen();
      if (i % 3 == 0) pump.Flush();
    }
    pump.AwaitPublished();
    reader.join();
  }
}

TEST_F(WatchLogTest, LogIsBoundedInBytes) {
  WatchLog::Options options;
  options.max_bytes = 1'000;
  registry::Registry registry({kEpoch, 0});
  TextEncoder encoder;
  WatchLog log(registry, options);
  Publisher publisher(log, encoder);
  for (int i = 0; i < 100; ++i) {
    ObservationBatch batch;
    HostFacts facts;
    facts.key = kHostA;
    facts.os_name = absl::StrCat(i);
    batch.observations.push_back(facts);
    registry.Observe(std::move(batch));
    publisher.PublishOnce();
  }
  EXPECT_LE(log.stats().log_bytes, options.max_bytes);
  EXPECT_EQ(log.newest_revision(), 100);
}

TEST_F(WatchLogTest, FilterPassesItsHosts) {
  const auto cursor = log_->Subscribe(listener_, Filter({}, {kHostB}));
  HappenAndPump(2, kHostA);
  HappenAndPump(1, kHostB);
  HappenAndPump(1, kHostA);
  EXPECT_EQ(ReadAll(*cursor), "<r3:n");
  EXPECT_EQ(cursor->position(), 4) << "it moves past filtered events";
  EXPECT_EQ(cursor->unsent(), 1);
  cursor->BookmarkSent();
  EXPECT_EQ(cursor->unsent(), 0);
}

TEST_F(WatchLogTest, FilterPassesItsKinds) {
  const auto cursor = log_->Subscribe(listener_, Filter({registry::ResourceKind::kPhy}, {}));
  HappenAndPump(2);
  EXPECT_EQ(ReadAll(*cursor), "");
}

TEST_F(WatchLogTest, AuditPassesNoFilterOfResources) {
  const auto all = log_->Subscribe(listener_);
  const auto kinds = log_->Subscribe(listener_, Filter({registry::ResourceKind::kHost}, {}));
  Cause call;
  call.kind = CauseKind::kAudit;
  registry_.Annotate(std::move(call), {}, absl::UnixEpoch());
  EXPECT_TRUE(publisher_->PublishOnce());
  HappenAndPump(1);
  EXPECT_EQ(ReadAll(*all), "<r1:<r2:n");
  EXPECT_EQ(ReadAll(*kinds), "<r2:n");
}

TEST_F(WatchLogTest, BatchEndsAtItsLimits) {
  const auto cursor = log_->Subscribe(listener_);
  HappenAndPump(10);
  EXPECT_EQ(cursor->Next(4, 1'000).events.size(), 4u);
  EXPECT_EQ(cursor->Next(100, 9).events.size(), 1u) << "9 bytes hold one event of 5";
  EXPECT_EQ(cursor->Next(100, 1).events.size(), 1u) << "at least one";
}

// With as many notices about phys.
EncodedEventPtr EventOf(int64_t revision, size_t notices) {
  EncodedEvent::Head head;
  head.revision = revision;
  head.previous_revision = revision - 1;
  std::vector<EncodedEvent::Piece> pieces;
  for (uint32_t i = 0; i < notices; ++i) {
    pieces.push_back({1 + i, 2 + i, registry::ResourceKind::kPhy, std::nullopt, {}, {}});
  }
  return std::make_shared<const EncodedEvent>(head, 1, 0, "<" + std::string(notices, 'n'),
                                              std::move(pieces));
}

TEST_F(WatchLogTest, LargeEventIsLookedAtApartWithAFilter) {
  const auto all = log_->Subscribe(listener_);
  const auto phys = log_->Subscribe(listener_, Filter({registry::ResourceKind::kPhy}, {}));
  const auto slots = log_->Subscribe(listener_, Filter({registry::ResourceKind::kSlot}, {}));
  log_->Append({EventOf(1, 1), EventOf(2, 1'100), EventOf(3, 1)});
  EXPECT_EQ(all->Next(10, 10'000).events.size(), 3u);

  Cursor::Batch batch = phys->Next(10, 10'000);
  EXPECT_EQ(batch.state, Cursor::Batch::State::kEvents);
  EXPECT_EQ(batch.events.size(), 1u);
  batch = phys->Next(10, 10'000);
  EXPECT_EQ(batch.state, Cursor::Batch::State::kLarge);
  EXPECT_EQ(phys->position(), 1);
  int asked = 0;
  batch = phys->NextLarge(10, 10'000, [&asked] { return ++asked < 0; });
  EXPECT_EQ(batch.state, Cursor::Batch::State::kEvents);
  EXPECT_EQ(batch.events.size(), 2u);
  EXPECT_GE(asked, 1'100 / 64);
  EXPECT_EQ(phys->Next(10, 10'000).state, Cursor::Batch::State::kAtEnd);

  // What was passed over already is not looked at again.
  EXPECT_EQ(slots->Next(10, 10'000).state, Cursor::Batch::State::kLarge);
  EXPECT_EQ(slots->position(), 1);
  batch = slots->NextLarge(10, 10'000, NeverStop);
  EXPECT_EQ(batch.state, Cursor::Batch::State::kEvents);
  EXPECT_TRUE(batch.events.empty());
  EXPECT_EQ(slots->position(), 3);
}

class HeavyConditions : public Conditions {
 public:
  bool PassesKind(registry::ResourceKind) const override { return true; }
  bool is_heavy() const override { return true; }
  bool Passes(const registry::ResourceRef&) const override { return true; }
  bool Passes(registry::ResourceKind, const google::protobuf::Message&) const override {
    return true;
  }
};

TEST_F(WatchLogTest, EachEventIsLookedAtApartWithAHeavyFilter) {
  const auto cursor =
      log_->Subscribe(listener_, Filter({}, {}, std::make_shared<const HeavyConditions>()));
  EXPECT_EQ(cursor->Next(10, 10'000).state, Cursor::Batch::State::kAtEnd);
  log_->Append({EventOf(1, 1), EventOf(2, 1)});
  EXPECT_EQ(cursor->Next(10, 10'000).state, Cursor::Batch::State::kLarge);
  EXPECT_EQ(cursor->position(), 0);
  EXPECT_EQ(cursor->NextLarge(10, 10'000, NeverStop).events.size(), 2u);
  EXPECT_EQ(cursor->Next(10, 10'000).state, Cursor::Batch::State::kAtEnd);
}

TEST_F(SmallWatchLogTest, HistoryIsReadInPages) {
  HappenAndPump(10);
  EXPECT_EQ(log_->Read(5, 10).status().code(), absl::StatusCode::kOutOfRange);
  const absl::StatusOr<History> page = log_->Read(7, 2);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->events.size(), 2u);
  EXPECT_EQ(page->events[0]->revision(), 8);
  EXPECT_EQ(page->newest, 10);
  EXPECT_TRUE(log_->Read(10, 2)->events.empty());
}

TEST(ResumeTokenTest, TokenRoundTrips) {
  const std::string text = EncodeResumeToken(kEpoch, 42);
  const absl::StatusOr<ResumeToken> token = ParseResumeToken(text);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->epoch, kEpoch);
  EXPECT_EQ(token->revision, 42);
}

TEST(ResumeTokenTest, MistypedTokenIsRefused) {
  std::string text = EncodeResumeToken(kEpoch, 42);
  for (const std::string& wrong : {std::string(), std::string("42"), text + "0", "x" + text,
                                   text.substr(1), std::string("..")}) {
    EXPECT_EQ(ParseResumeToken(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
}

TEST_F(WatchLogTest, FlushingThreadServesFewSubscribers) {
  Pump pump(*publisher_);
  const auto cursor = log_->Subscribe(listener_);
  Happen();
  Happen();
  pump.Flush();
  EXPECT_EQ(ReadAll(*cursor), "<r1:n<r2:n");
}

TEST_F(WatchLogTest, AwaitPublishedNeedsNoFlush) {
  Pump pump(*publisher_);
  Happen();
  EXPECT_EQ(registry_.revision(), 0);
  pump.AwaitPublished();
  EXPECT_EQ(registry_.revision(), 1);
}

TEST_F(WatchLogTest, PumpThreadServesManySubscribers) {
  struct Waker : WakeListener {
    void OnReady() override { woken.Notify(); }
    absl::Notification woken;
  };
  Pump pump(*publisher_);
  std::vector<std::shared_ptr<Waker>> wakers;
  std::vector<std::unique_ptr<Cursor>> cursors;
  for (int i = 0; i < 20; ++i) {
    wakers.push_back(std::make_shared<Waker>());
    cursors.push_back(log_->Subscribe(wakers.back()));
    (void)cursors.back()->Next(1, 1);  // idle
  }
  Happen();
  pump.Flush();
  for (const auto& waker : wakers) {
    EXPECT_TRUE(waker->woken.WaitForNotificationWithTimeout(absl::Seconds(30)));
  }
}

// Each subscriber gets every event. ThreadSanitizer checks the rest.
TEST_F(WatchLogTest, SubscribersComeAndGoDuringPumping) {
  Pump pump(*publisher_);
  std::atomic<bool> stop{false};
  std::thread subscribers([&] {
    while (!stop) {
      const auto cursor = log_->Subscribe(listener_);
      const int64_t from = cursor->BeginSnapshot()->revision();
      cursor->EndSnapshot();
      int64_t expected = from;
      while (true) {
        const Cursor::Batch batch = cursor->Next(10, 1'000);
        if (batch.state != Cursor::Batch::State::kEvents) break;
        for (const Selection& selection : batch.events) {
          ASSERT_EQ(selection.event->revision(), ++expected);
        }
      }
    }
  });
  for (int i = 0; i < 2'000; ++i) {
    Happen();
    if (i % 3 == 0) pump.Flush();
  }
  pump.Flush();
  ASSERT_TRUE(registry_.WaitForRevision(2'000, absl::Seconds(60)).ok());
  stop = true;
  subscribers.join();
}

}  // namespace
}  // namespace sasd::watch
