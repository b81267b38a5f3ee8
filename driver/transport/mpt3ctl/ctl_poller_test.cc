#include "driver/transport/mpt3ctl/ctl_poller.h"

#include <errno.h>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"
#include "gtest/gtest.h"

namespace sasd::mpt3ctl {
namespace {

const FakeCtlNodes::Hba kHba{"/dev/mpt3ctl", 0};

// Counts looks; reads nothing by itself.
class Watcher : public CtlWatcher {
 public:
  void Look() override {
    absl::MutexLock lock(&mu_);
    ++looks_;
  }
  bool Await(int looks) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, looks]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return looks_ >= looks; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Minutes(1));
  }
  int looks() {
    absl::MutexLock lock(&mu_);
    return looks_;
  }

 private:
  absl::Mutex mu_;
  int looks_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(PollPaceTest, PollsAtOnceAfterNewsOrQuiet) {
  PollPace pace;
  EXPECT_EQ(pace.Next(/*readable=*/true, /*news=*/true), absl::ZeroDuration());
  EXPECT_EQ(pace.Next(/*readable=*/false, /*news=*/false), absl::ZeroDuration());
}

// Trap: poll() is level-triggered over all HBAs of both nodes.
TEST(PollPaceTest, UnreadLogSlowsPolling) {
  PollPace pace;
  absl::Duration pause;
  for (int i = 0; i < 5; ++i) {
    const absl::Duration next = pace.Next(true, false);
    EXPECT_GT(next, pause);
    pause = next;
  }
  for (int i = 0; i < 10; ++i) pause = pace.Next(true, false);
  EXPECT_EQ(pause, PollPace::kLast);
  EXPECT_EQ(pace.Next(true, true), absl::ZeroDuration());
  EXPECT_EQ(pace.Next(true, false), PollPace::kFirst);
}

TEST(CtlPollerTest, AnyEventWakesAllWatchers) {
  FakeCtlNodes nodes;
  nodes.Add(kHba);
  CtlPoller poller(nodes);
  Watcher one, other;
  ASSERT_TRUE(poller.Add("/dev/mpt3ctl", one).ok());
  ASSERT_TRUE(poller.Add("/dev/mpt3ctl", other).ok());
  EXPECT_EQ(nodes.open_descriptors(), 1u);
  nodes.Tick();
  EXPECT_TRUE(one.Await(1));
  EXPECT_TRUE(other.Await(1));
  poller.Remove(one);
  poller.Remove(other);
}

// A watcher whose thread waits for a command looks later; the others do not wait for it.
TEST(CtlPollerTest, BusyWatcherIsAskedOnce) {
  FakeCtlNodes nodes;
  nodes.Add(kHba);
  CtlPoller poller(nodes);
  Watcher busy, other;
  ASSERT_TRUE(poller.Add("/dev/mpt3ctl", busy).ok());
  ASSERT_TRUE(poller.Add("/dev/mpt3ctl", other).ok());
  for (int round = 1; round <= 3; ++round) {
    nodes.Tick();
    EXPECT_TRUE(other.Await(round));
    poller.Looked(other, true);
  }
  EXPECT_EQ(busy.looks(), 1);
  poller.Remove(busy);
  poller.Remove(other);
}

TEST(CtlPollerTest, UnopenableNodeIsAnError) {
  FakeCtlNodes nodes;
  CtlPoller poller(nodes);
  Watcher watcher;
  EXPECT_EQ(poller.Add("/dev/mpt2ctl", watcher).code(), absl::StatusCode::kNotFound);
  nodes.FailOpen("/dev/mpt2ctl", EACCES);
  EXPECT_EQ(poller.Add("/dev/mpt2ctl", watcher).code(), absl::StatusCode::kPermissionDenied);
}

TEST(CtlPollerTest, DestructorEndsARunningPoll) {
  FakeCtlNodes nodes;
  nodes.Add(kHba);
  Watcher watcher;
  {
    CtlPoller poller(nodes);
    ASSERT_TRUE(poller.Add("/dev/mpt3ctl", watcher).ok());
    nodes.Tick();
    EXPECT_TRUE(watcher.Await(1));
    poller.Remove(watcher);
  }
  EXPECT_EQ(nodes.open_descriptors(), 0u);
}

}  // namespace
}  // namespace sasd::mpt3ctl
