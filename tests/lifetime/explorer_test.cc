#include "tests/lifetime/explorer.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::lifetime {
namespace {

using Observed = Interleaving::Observed;

std::string Fine() { return ""; }

struct Letters {
  absl::Mutex mu;
  std::string text;
  absl::Mutex own[2];  // one per thread
};

void Write(Letters& letters, const std::string& text) {
  const Observed observed(true);
  for (const char letter : text) {
    absl::MutexLock lock(&letters.mu);
    letters.text += letter;
  }
}

// The texts that two threads write, letter by letter, over all schedules.
std::multiset<std::string> Texts(int preemptions) {
  std::multiset<std::string> texts;
  ExploreOptions options;
  options.preemptions = preemptions;
  const ExploreReport report = Explore(options, [&texts](Schedule& schedule) -> std::string {
    Letters letters;
    schedule.Run(
        {{"lower", [&] { Write(letters, "ab"); }}, {"upper", [&] { Write(letters, "AB"); }}},
        &letters, sizeof(letters), Fine);
    texts.insert(letters.text);
    return "";
  });
  EXPECT_EQ(report.failure, "");
  return texts;
}

TEST(Explorer, RunsEverySchedule) {
  const std::multiset<std::string> texts = Texts(100);
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()),
            (std::set<std::string>{"abAB", "aAbB", "aABb", "AabB", "AaBb", "ABab"}));
}

TEST(Explorer, KeepsToItsBound) {
  const std::multiset<std::string> none = Texts(0), one = Texts(1);
  EXPECT_EQ(std::set<std::string>(none.begin(), none.end()),
            (std::set<std::string>{"abAB", "ABab"}));
  EXPECT_EQ(std::set<std::string>(one.begin(), one.end()),
            (std::set<std::string>{"abAB", "aABb", "AabB", "ABab"}));
}

struct Counter {
  absl::Mutex mu;
  int value = 0;
};

void Add(Counter& counter) {
  const Observed observed(true);
  int value;
  {
    absl::MutexLock lock(&counter.mu);
    value = counter.value;
  }
  absl::MutexLock lock(&counter.mu);
  counter.value = value + 1;
}

TEST(Explorer, FindsALostUpdateAndShowsItsSchedule) {
  const ExploreReport report = Explore({}, [](Schedule& schedule) -> std::string {
    Counter counter;
    schedule.Run({{"first", [&] { Add(counter); }}, {"second", [&] { Add(counter); }}}, &counter,
                 sizeof(counter), Fine);
    return counter.value == 2 ? "" : "an update is lost";
  });
  EXPECT_THAT(report.failure, testing::StartsWith("an update is lost\nschedule:\n  first runs"));
  EXPECT_THAT(report.failure, testing::HasSubstr("second runs; the one before is at lock"));
}

TEST(Explorer, ChecksAtEachPoint) {
  const ExploreReport report = Explore({}, [](Schedule& schedule) -> std::string {
    Counter counter;
    schedule.Run({{"first", [&] { Add(counter); }}, {"second", [&] { Add(counter); }}}, &counter,
                 sizeof(counter), [&] { return counter.value == 1 ? "one" : ""; });
    return "";
  });
  EXPECT_THAT(report.failure, testing::StartsWith("one\n"));
}

TEST(Explorer, LeavesOutLocksOfOneThread) {
  const auto run = [](bool with_own) {
    return Explore({},
                   [with_own](Schedule& schedule) -> std::string {
                     Letters letters;
                     const auto body = [&](int i) {
                       const Observed observed(true);
                       for (int k = 0; k < 3 && with_own; ++k)
                         absl::MutexLock lock(&letters.own[i]);
                       absl::MutexLock lock(&letters.mu);
                     };
                     schedule.Run({{"0", [&] { body(0); }}, {"1", [&] { body(1); }}}, &letters,
                                  sizeof(letters), Fine);
                     return "";
                   })
        .schedules;
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Explorer, WaitingThreadResumesWhenItsConditionHolds) {
  std::set<std::string> texts;
  const ExploreReport report = Explore({}, [&texts](Schedule& schedule) -> std::string {
    Letters letters;
    bool written = false;
    schedule.Run({{"waits",
                   [&] {
                     Interleaving::WaitFor("the other", [&] { return written; });
                     Write(letters, "b");
                   }},
                  {"writes",
                   [&] {
                     Write(letters, "a");
                     written = true;
                   }}},
                 &letters, sizeof(letters), Fine);
    texts.insert(letters.text);
    return "";
  });
  EXPECT_EQ(report.failure, "");
  EXPECT_THAT(texts, testing::ElementsAre("ab"));
}

TEST(Explorer, AwaitLetsTheOthersRun) {
  const ExploreReport report = Explore({}, [](Schedule& schedule) -> std::string {
    Counter counter;
    schedule.Run({{"awaits",
                   [&] {
                     const Observed observed(true);
                     absl::MutexLock lock(&counter.mu);
                     counter.mu.Await(absl::Condition(
                         +[](int* value) { return *value == 1; }, &counter.value));
                   }},
                  {"adds", [&] { Add(counter); }}},
                 &counter, sizeof(counter), Fine);
    return "";
  });
  EXPECT_EQ(report.failure, "");
  EXPECT_GT(report.schedules, 1u);
}

TEST(ExplorerDeathTest, DeadlockMessageNamesThreadsAndLocks) {
  EXPECT_DEATH(
      Explore({},
              [](Schedule& schedule) -> std::string {
                schedule.Run(
                    {{"reader", [] { Interleaving::WaitFor("Godot", [] { return false; }); }}},
                    nullptr, 0, Fine);
                return "";
              }),
      "No thread can continue:\n  reader waits: Godot");
}

}  // namespace
}  // namespace sasd::lifetime
