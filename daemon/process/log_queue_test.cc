#include "daemon/process/log_queue.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::process {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kLong = absl::Seconds(60);

// A log that takes nothing until it is opened.
struct Log {
  void Write(const std::string& text) {
    if (!asked.HasBeenNotified()) asked.Notify();
    open.WaitForNotification();
    absl::MutexLock lock(&mu);
    lines.push_back(text);
  }

  absl::Notification asked;
  absl::Notification open;
  absl::Mutex mu;
  std::vector<std::string> lines ABSL_GUARDED_BY(mu);
};

LogQueue::Options OptionsFor(const std::shared_ptr<Log>& log, size_t max_bytes) {
  LogQueue::Options options;
  options.max_bytes = max_bytes;
  options.write = [log](const std::string& text) { log->Write(text); };
  return options;
}

TEST(LogQueueTest, LinesKeepTheirOrder) {
  const auto log = std::make_shared<Log>();
  log->open.Notify();
  LogQueue queue(OptionsFor(log, 1 << 20));
  for (int i = 0; i < 100; ++i) queue.Add(absl::StrCat(i, "\n"));
  ASSERT_TRUE(queue.Flush(kLong));
  absl::MutexLock lock(&log->mu);
  ASSERT_EQ(log->lines.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(log->lines[i], absl::StrCat(i, "\n"));
  EXPECT_EQ(queue.dropped(), 0u);
}

TEST(LogQueueTest, AHangingLogDropsAndCounts) {
  const auto log = std::make_shared<Log>();
  LogQueue queue(OptionsFor(log, 1000));
  queue.Add("first\n");
  log->asked.WaitForNotification();  // the thread hangs with it; 1,000 bytes are free again
  for (int i = 0; i < 100; ++i) queue.Add(std::string(200, 'x') + "\n");
  EXPECT_EQ(queue.dropped(), 97u);
  EXPECT_FALSE(queue.Flush(absl::ZeroDuration()));
  log->open.Notify();
  ASSERT_TRUE(queue.Flush(kLong));
  queue.Add("last\n");
  ASSERT_TRUE(queue.Flush(kLong));
  absl::MutexLock lock(&log->mu);
  const std::string long_line = std::string(200, 'x') + "\n";
  EXPECT_THAT(log->lines,
              ElementsAre("first\n", long_line, long_line, long_line,
                          "sasd: 97 log lines dropped: the log did not take them\n", "last\n"));
}

TEST(LogQueueTest, ALineOfItsOwnWriterKeepsItsPlace) {
  const auto log = std::make_shared<Log>();
  log->open.Notify();
  LogQueue queue(OptionsFor(log, 1 << 20));
  queue.Add("a\n");
  queue.Add("b", [log](const std::string& text) { log->Write("own " + text); });
  queue.Add("c\n");
  ASSERT_TRUE(queue.Flush(kLong));
  absl::MutexLock lock(&log->mu);
  EXPECT_THAT(log->lines, ElementsAre("a\n", "own b", "c\n"));
}

// The end of a process must not wait for its log.
TEST(LogQueueTest, TheEndDoesNotWaitForTheLog) {
  const auto log = std::make_shared<Log>();
  {
    LogQueue queue(OptionsFor(log, 1000));
    queue.Add("hangs\n");
    log->asked.WaitForNotification();
  }
  log->open.Notify();  // the thread still has what it needs
}

}  // namespace
}  // namespace sasd::process
