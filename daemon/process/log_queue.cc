#include "daemon/process/log_queue.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <thread>  // NOLINT: one thread, which may hang in a write
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace sasd::process {
namespace {

// What a waiting line takes besides its text.
constexpr size_t kEntryBytes = 128;

void WriteToStandardError(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(STDERR_FILENO, text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {  // somebody else made the pipe non-blocking
      pollfd fd = {STDERR_FILENO, POLLOUT, 0};
      poll(&fd, 1, -1);
    } else if (errno != EINTR) {
      return;  // nobody reads it any more: EPIPE, EIO
    }
  }
}

}  // namespace

struct LogQueue::Shared {
  struct Entry {
    std::string text;
    Writer write;
    uint64_t dropped_before = 0;
  };

  explicit Shared(Options given) : options(std::move(given)) {
    if (!options.write) options.write = WriteToStandardError;
  }

  void Run() ABSL_LOCKS_EXCLUDED(mu) {
    while (true) {
      Entry entry;
      {
        absl::MutexLock lock(&mu);
        writing = false;
        mu.Await(absl::Condition(this, &Shared::HasWork));
        if (entries.empty() && dropped_now == 0) return;  // ended
        writing = true;
        if (entries.empty()) {
          entry.dropped_before = std::exchange(dropped_now, 0);
        } else {
          entry = std::move(entries.front());
          entries.pop_front();
          bytes -= entry.text.size() + kEntryBytes;
        }
      }
      if (entry.dropped_before > 0) {
        options.write(absl::StrCat("sasd: ", entry.dropped_before, " log lines dropped: the log ",
                                   "did not take them\n"));
      }
      if (!entry.text.empty()) (entry.write ? entry.write : options.write)(entry.text);
    }
  }

  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    return ended || !entries.empty() || dropped_now > 0;
  }
  bool IsWritten() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    return !writing && entries.empty() && dropped_now == 0;
  }

  Options options;  // constant

  mutable absl::Mutex mu;  // a leaf
  std::deque<Entry> entries ABSL_GUARDED_BY(mu);
  size_t bytes ABSL_GUARDED_BY(mu) = 0;
  uint64_t dropped_now ABSL_GUARDED_BY(mu) = 0;  // since the newest entry
  uint64_t dropped ABSL_GUARDED_BY(mu) = 0;
  bool writing ABSL_GUARDED_BY(mu) = false;
  bool ended ABSL_GUARDED_BY(mu) = false;
};

LogQueue::LogQueue(Options options) : shared_(std::make_shared<Shared>(std::move(options))) {
  std::thread([shared = shared_] { shared->Run(); }).detach();
}

LogQueue::~LogQueue() {
  absl::MutexLock lock(&shared_->mu);
  shared_->ended = true;
}

void LogQueue::Add(std::string text, Writer write) {
  if (text.empty()) return;
  Shared& shared = *shared_;
  absl::MutexLock lock(&shared.mu);
  const size_t size = text.size() + kEntryBytes;
  if (shared.bytes + size > shared.options.max_bytes) {
    ++shared.dropped_now;
    ++shared.dropped;
    return;
  }
  shared.bytes += size;
  shared.entries.push_back(
      {std::move(text), std::move(write), std::exchange(shared.dropped_now, 0)});
}

bool LogQueue::Flush(absl::Duration timeout) {
  absl::MutexLock lock(&shared_->mu);
  return shared_->mu.AwaitWithTimeout(absl::Condition(shared_.get(), &Shared::IsWritten), timeout);
}

uint64_t LogQueue::dropped() const {
  absl::MutexLock lock(&shared_->mu);
  return shared_->dropped;
}

}  // namespace sasd::process
