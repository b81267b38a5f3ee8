#include "daemon/service/worker_pool.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/service/call_holds.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using Turn = WorkerPool::Turn;

TEST(WorkerPoolTest, RunsEveryTaskOnce) {
  std::atomic<int> runs = 0;
  {
    WorkerPool pool(2, 1'000, 1'000);
    for (int i = 0; i < 1'000; ++i) {
      EXPECT_EQ(pool.Run("", [&runs](Turn&) { ++runs; }), WorkerPool::Verdict::kRuns);
    }
  }
  EXPECT_EQ(runs, 1'000);
}

// A pool of one thread, which waits.
class HeldPool {
 public:
  HeldPool(size_t max_waiting, size_t max_of_peer) : pool_(1, max_waiting, max_of_peer) {
    pool_.Run("", [this](Turn&) {
      begun_.Notify();
      go_on_.WaitForNotification();
    });
    begun_.WaitForNotification();
  }
  WorkerPool* operator->() { return &pool_; }
  void GoOn() { go_on_.Notify(); }

 private:
  absl::Notification begun_, go_on_;
  WorkerPool pool_;
};

TEST(WorkerPoolTest, RefusesWhenTooManyWait) {
  HeldPool pool(2, 10);
  EXPECT_EQ(pool->Run("", [](Turn&) {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("b", [](Turn&) {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("c", [](Turn&) {}), WorkerPool::Verdict::kTooManyWait);
  pool.GoOn();
}

TEST(WorkerPoolTest, RefusesWhenTooManyOfOnePeerWait) {
  HeldPool pool(10, 2);
  EXPECT_EQ(pool->Run("a", [](Turn&) {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("a", [](Turn&) {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("a", [](Turn&) {}), WorkerPool::Verdict::kTooManyOfPeerWait);
  EXPECT_EQ(pool->Run("b", [](Turn&) {}), WorkerPool::Verdict::kRuns);
  pool.GoOn();
}

TEST(WorkerPoolTest, PeersTakeTurns) {
  std::string order;
  {
    HeldPool pool(100, 100);
    for (int i = 0; i < 4; ++i) pool->Run("hog", [&order](Turn&) { order += 'h'; });
    for (int i = 0; i < 2; ++i) pool->Run("other", [&order](Turn&) { order += 'o'; });
    pool.GoOn();
  }
  EXPECT_EQ(order, "hohohh");
}

TEST(WorkerPoolTest, OneSlowTaskHoldsUpNoOther) {
  absl::Notification other;
  WorkerPool pool(2, 10, 10);
  pool.Run("", [&other](Turn&) { other.WaitForNotification(); });
  pool.Run("", [&other](Turn&) { other.Notify(); });
}

TEST(WorkerPoolTest, LongTaskLetsOthersGoOn) {
  std::atomic<bool> done = false;
  WorkerPool pool(1, 10, 10);
  pool.Run("hog", [&done](Turn& turn) {
    while (!done) turn.Yield();
  });
  pool.Run("other", [&done](Turn&) { done = true; });
}

TEST(WorkerPoolTest, LongTasksOfOnePeerLeaveRoomForOthers) {
  std::atomic<bool> done = false;
  WorkerPool pool(2, 100, 100);
  for (int i = 0; i < 50; ++i) {
    pool.Run("hog", [&done](Turn& turn) {
      while (!done) turn.Yield();
    });
  }
  pool.Run("other", [&done](Turn&) { done = true; });
}

TEST(WorkerPoolTest, ShortTaskGoesOnBesideLongOnesOfItsPeer) {
  std::atomic<bool> done = false;
  WorkerPool pool(2, 10, 10);
  for (int i = 0; i < 2; ++i) {
    pool.Run("a", [&done](Turn& turn) {
      while (!done) turn.Yield();
    });
  }
  pool.Run("a", [&done](Turn&) { done = true; });
}

TEST(WorkerPoolTest, TasksThatWaitApartHoldUpNoOther) {
  absl::Notification other;
  WorkerPool pool(1, 10, 10);
  pool.Run("hog", [&other](Turn& turn) { turn.Apart([&] { other.WaitForNotification(); }); });
  pool.Run("other", [&other](Turn&) { other.Notify(); });
}

TEST(WorkerPoolTest, OneTaskAtATimeHasTheTurn) {
  std::atomic<int> running = 0, most = 0, ended = 0;
  {
    WorkerPool pool(1, 100, 100);
    for (const char* peer : {"a", "b", "c"}) {
      pool.Run(peer, [&](Turn& turn) {
        for (int slice = 0; slice < 3; ++slice) {
          const int now = ++running;
          if (now > most) most = now;
          const StopWatch watch;
          while (watch.wall() < WorkerPool::kSlice) {
          }
          --running;
          turn.Yield();
        }
        ++ended;
      });
    }
  }
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(most, 1);
}

// Keeps the turn for as long as a task may.
void Work(Turn& turn) {
  const StopWatch watch;
  while (watch.wall() < WorkerPool::kSlice) {
  }
  turn.Yield();
}

TEST(WorkerPoolTest, CancelledTaskEndsAtItsNextTurn) {
  std::atomic<bool> cancelled = false, ended = false;
  std::atomic<int> slices = 0, slices_at_end = 0;
  absl::Notification enough;
  {
    WorkerPool pool(1, 10, 10);
    for (const char* peer : {"a", "b"}) {
      pool.Run(peer, [&](Turn& turn) {
        while (!ended) {
          // One of them has the turn at a time.
          if (++slices >= 4 && !enough.HasBeenNotified()) enough.Notify();
          Work(turn);
        }
      });
    }
    pool.Run("c", [&](Turn& turn) {
      while (!cancelled) Work(turn);
      slices_at_end = slices.load();
      ended = true;
    });
    enough.WaitForNotification();
    slices = 0;
    cancelled = true;
  }
  // Both others may have had their turn before, and one of them was under way.
  EXPECT_LE(slices_at_end, 3);
}

TEST(WorkerPoolTest, TasksThatGaveTheirTurnAwayEndBeforeThePool) {
  std::atomic<int> ended = 0;
  const auto held = std::make_shared<int>();
  {
    WorkerPool pool(1, 10, 10);
    for (const char* peer : {"a", "a", "b", "c", "c"}) {
      pool.Run(peer, [&ended, held](Turn& turn) {
        for (int slice = 0; slice < 3; ++slice) Work(turn);
        ++ended;
      });
    }
  }
  EXPECT_EQ(ended, 5);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WorkerPoolTest, LongestIsWhatATaskKeptForItself) {
  absl::Duration longest;
  {
    WorkerPool pool(1, 10, 10);
    pool.Run("", [&longest](Turn& turn) {
      for (const absl::Duration busy :
           {absl::ZeroDuration(), 3 * WorkerPool::kSlice, absl::ZeroDuration()}) {
        const StopWatch watch;
        while (watch.wall() < busy) {
        }
        turn.Yield();
      }
      turn.Apart([] { absl::SleepFor(10 * WorkerPool::kSlice); });
      longest = turn.Finish().wall;
    });
  }
  EXPECT_GE(longest, 3 * WorkerPool::kSlice);
}

}  // namespace
}  // namespace sasd::service
