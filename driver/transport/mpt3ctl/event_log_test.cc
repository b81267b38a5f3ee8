#include "driver/transport/mpt3ctl/event_log.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::mpt3ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The driver's ring.
class Ring {
 public:
  explicit Ring(uint32_t first_context = 0) : context_(first_context) {}

  void Add(uint32_t count = 1) {
    for (uint32_t i = 0; i < count; ++i) Store(context_++, 0x5A);
  }
  // Makes the newest entry look as before its data are written.
  void Tear() {
    tear_ = context_ - 1;
    Store(tear_, 0x00);
  }
  void Mend() { Store(tear_, 0x5A); }
  const Bytes& report() const { return report_; }

 private:
  void Store(uint32_t context, uint8_t fill) {
    LogEntry entry;
    entry.event = 0x21;
    entry.context = context;
    entry.data.fill(fill);
    const Bytes bytes = EncodeLogEntry(entry);
    std::copy(bytes.begin(), bytes.end(),
              report_.begin() + 12 + static_cast<std::ptrdiff_t>(context % 200 * 200));
  }

  uint32_t context_, tear_ = 0;
  Bytes report_ = Bytes(kEventReportSize);
};

class EventLogTest : public ::testing::Test {
 protected:
  void Start(const Ring& ring) { log_.Start(ring.report()); }

  // Reads until nothing more is wanted, while the ring stands still: "-3" is a gap of three.
  std::vector<std::string> Read(const Ring& ring) {
    std::vector<std::string> texts;
    for (bool again = true; again;) {
      EventLog::News news = log_.Read(ring.report());
      again = news.again;
      for (const LogItem& item : news.items) {
        if (item.kind == LogItem::Kind::kGap) {
          texts.push_back(absl::StrCat("-", item.lost));
        } else {
          texts.push_back(absl::StrCat(item.entry.context));
          EXPECT_EQ(item.entry.data[191], 0x5A) << "torn";
        }
      }
    }
    return texts;
  }

  EventLog log_;
};

TEST_F(EventLogTest, EntriesBeforeTheStartAreNotReported) {
  Ring ring;
  ring.Add(250);
  Start(ring);
  EXPECT_THAT(Read(ring), IsEmpty());
  ring.Add(2);
  EXPECT_THAT(Read(ring), ElementsAre("250", "251"));
}

TEST_F(EventLogTest, EmptyLogBeginsWithItsFirstEntry) {
  Ring ring;
  Start(ring);
  EXPECT_THAT(Read(ring), IsEmpty());
  ring.Add();
  EXPECT_THAT(Read(ring), ElementsAre("0"));
}

// Trap: a report has ring order.
TEST_F(EventLogTest, EntriesComeInContextOrder) {
  Ring ring;
  ring.Add(198);
  Start(ring);
  ring.Add(5);  // the last three are before the first two in the ring
  EXPECT_THAT(Read(ring), ElementsAre("198", "199", "200", "201", "202"));
}

// Trap: lost = newest - last seen - 200, if positive.
TEST_F(EventLogTest, OverwrittenEntriesAreAGapInOrder) {
  Ring ring;
  ring.Add(10);
  Start(ring);
  ring.Add(200);
  EXPECT_EQ(Read(ring).size(), 200u);  // newest 209 - last 9 - 200
  ring.Add(203);
  const std::vector<std::string> read = Read(ring);
  ASSERT_EQ(read.size(), 201u);
  EXPECT_EQ(read.front(), "-3");
  EXPECT_EQ(read[1], "213");
  EXPECT_EQ(read.back(), "412");
}

// Trap: no lock against the writer; the newest entry may be torn.
TEST_F(EventLogTest, TornEntryWaitsUntilItIsWhole) {
  Ring ring;
  Start(ring);
  ring.Add(2);
  ring.Tear();
  EventLog::News news = log_.Read(ring.report());
  EXPECT_TRUE(news.again);
  EXPECT_THAT(news.items, IsEmpty());
  ring.Mend();
  news = log_.Read(ring.report());
  EXPECT_TRUE(news.again);
  ASSERT_EQ(news.items.size(), 1u);  // the entry before it was whole
  EXPECT_EQ(news.items[0].entry.context, 0u);
  EXPECT_THAT(Read(ring), ElementsAre("1"));
}

// An entry that is overwritten during the copy has its own context and another entry's data.
TEST_F(EventLogTest, EntryBeingOverwrittenIsLost) {
  Ring ring;
  Start(ring);
  ring.Add(200);
  Bytes torn = ring.report();
  (void)log_.Read(torn);
  torn[12 + 8] ^= 0xFF;  // the data of context 0: 200 is being written there
  const EventLog::News news = log_.Read(torn);
  EXPECT_THAT(news.items, IsEmpty());
  EXPECT_TRUE(news.again);
  ring.Add();
  const std::vector<std::string> read = Read(ring);
  ASSERT_EQ(read.size(), 201u);
  EXPECT_EQ(read[0], "-1");
  EXPECT_EQ(read[1], "1");
  EXPECT_EQ(read.back(), "200");
}

TEST_F(EventLogTest, ContextWraps) {
  Ring ring(0xFFFFFFFE);
  ring.Add();
  Start(ring);
  ring.Add(3);
  EXPECT_THAT(Read(ring), ElementsAre("4294967295", "0", "1"));
}

// 2^32 is no multiple of 200: entries before the wrap with low slots are overwritten early.
TEST_F(EventLogTest, EarlyOverwritesAtTheWrapAreCounted) {
  Ring ring(0xFFFFFFFF - 100);
  ring.Add();
  Start(ring);
  ring.Add(100);  // to 0xFFFFFFFF in slot 95; 0xFFFFFFA0 is in slot 0
  ring.Add(2);    // contexts 0 and 1 in slots 0 and 1
  const std::vector<std::string> read = Read(ring);
  EXPECT_EQ(std::count(read.begin(), read.end(), "-2"), 1) << absl::StrJoin(read, " ");
  EXPECT_EQ(read.size(), 101u);
  EXPECT_EQ(read.back(), "1");
}

TEST_F(EventLogTest, RestartedLogIsAnUnknownGap) {
  Ring ring;
  ring.Add(50);
  Start(ring);
  Ring anew;
  anew.Add(3);
  EXPECT_THAT(Read(anew), ElementsAre("-0"));
  anew.Add();
  EXPECT_THAT(Read(anew), ElementsAre("3"));
}

TEST_F(EventLogTest, GarbageIsSurvived) {
  std::mt19937 random(1);
  Bytes report(kEventReportSize);
  for (int round = 0; round < 50; ++round) {
    for (uint8_t& byte : report) byte = static_cast<uint8_t>(random());
    if (round % 7 == 0) log_.Start(report);
    (void)log_.Read(report);
    (void)log_.Read(report);
  }
}

}  // namespace
}  // namespace sasd::mpt3ctl
