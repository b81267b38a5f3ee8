// 20,000 events a second from the registry through recorder and journal to a subscriber: none is
// lost, the subscriber gets the journal's bytes, and no write stalls. RATE_STORM_SECONDS, 1 by
// default, says for how long. It prints the rate that it reached.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>  // NOLINT: it sleeps until the next tick
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "driver/base/clock.h"
#include "gtest/gtest.h"
#include "tests/memory/event_path.h"

namespace sasd {
namespace {

constexpr int kRate = 20'000;
constexpr int kPerTick = 20;
constexpr int kDrives = 1'000;

struct Received {
  int64_t revision = 0;
  int64_t previous_revision = 0;
  size_t hash = 0;  // of its bytes without the frame
};

size_t HashOf(absl::string_view bytes) {
  return std::hash<std::string_view>()({bytes.data(), bytes.size()});
}

int Seconds() {
  const char* seconds = getenv("RATE_STORM_SECONDS");
  return seconds == nullptr ? 1 : std::max(1, atoi(seconds));
}

TEST(RateStormTest, LosesNothing) {
  std::string directory = ::testing::TempDir() + "/rate_storm.XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const int events = Seconds() * kRate;
  std::vector<Received> received;
  received.reserve(static_cast<size_t>(events));
  {
    testing::EventPath path(directory, kDrives);
    const int64_t first = path.registry().revision() + 1;
    testing::PathSubscriber subscriber(path, [&](const watch::EncodedEvent& event) {
      const auto frame = static_cast<size_t>(event.header().data() - event.all().data());
      received.push_back(
          {event.revision(), event.previous_revision(), HashOf(event.all().substr(frame))});
    });
    // The schedule does not wait for the events: what is late stays late.
    const absl::Duration begin = SystemClock().Monotonic();
    absl::Duration latest;
    for (int sent = 0; sent < events;) {
      const absl::Duration due = begin + absl::Seconds(1) * sent / kRate;
      const absl::Duration late = SystemClock().Monotonic() - due;
      if (late < absl::ZeroDuration()) absl::SleepFor(-late);
      latest = std::max(latest, late);
      for (int i = 0; i < kPerTick; ++i, ++sent) path.Change();
      path.pump().Flush();
    }
    const int64_t last = path.registry().committed_revision();
    ASSERT_EQ(last - first + 1, events) << "each change is an event";
    ASSERT_TRUE(subscriber.Await(last, absl::Minutes(5)));
    const absl::Duration took = SystemClock().Monotonic() - begin;
    const double rate = events / absl::ToDoubleSeconds(took);
    EXPECT_EQ(path.recorder()->status().state, memory::JournalState::kOk);

    ASSERT_EQ(received.size(), static_cast<size_t>(events));
    journal::Query query;
    query.after = first - 1;
    size_t at = 0;
    for (bool more = true; more;) {
      absl::StatusOr<journal::Page> page = path.journal()->Read(query);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_TRUE(page->gaps.empty());
      for (const journal::EventRow& row : page->rows) {
        ASSERT_LT(at, received.size());
        const Received& event = received[at];
        ASSERT_EQ(row.revision, first + static_cast<int64_t>(at));
        ASSERT_EQ(event.revision, row.revision);
        ASSERT_EQ(event.previous_revision, row.previous_revision);
        ASSERT_EQ(event.hash, HashOf(row.payload)) << row.revision;
        ++at;
      }
      more = page->more;
      query.after = page->next;
    }
    EXPECT_EQ(at, received.size());
    std::cout << absl::StrFormat(
        "%d events in %.2f s: %.0f events/s asked for, %.0f/s received; the latest change was %.0f "
        "ms late; the journal has each with the subscriber's bytes\n",
        events, absl::ToDoubleSeconds(took), 1.0 * kRate, rate, absl::ToDoubleMilliseconds(latest));

    // A node of 1,000 drives with 500 events a day, for 90 days.
    ASSERT_TRUE(path.journal()->Maintain().ok());
    const double each =
        static_cast<double>(path.journal()->stats().used_bytes) / static_cast<double>(events);
    std::cout << absl::StrFormat("%.0f bytes per event; 90 days with 500 a day: %.1f MB\n", each,
                                 each * 90 * 500 / 1e6);
    EXPECT_LT(each * 90 * 500, 100e6);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace sasd
