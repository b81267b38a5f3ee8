#ifndef DAEMON_PROCESS_LOG_QUEUE_H_
#define DAEMON_PROCESS_LOG_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"

namespace sasd::process {

// Lines on their way to the log. Callers never wait for the log: a thread of the queue writes. When
// the log takes nothing (standard error is a full pipe, journald hangs), the queue fills up; what
// does not fit is dropped and counted, and a line says so at the place where the dropped lines
// would stand. Thread-safe.
class LogQueue {
 public:
  // Writes one text to the log. May wait as long as it likes.
  using Writer = std::function<void(const std::string& text)>;

  struct Options {
    size_t max_bytes = 1 << 20;  // of the waiting lines
    Writer write;                // empty: all of the text to standard error
  };
  explicit LogQueue(Options options);
  // Does not wait: a writer that hangs keeps what it needs.
  ~LogQueue();

  // Adds a line; the '\n' included.
  void Add(std::string text) { Add(std::move(text), nullptr); }
  // Adds a text that is written by another writer; null: the queue's own.
  void Add(std::string text, Writer write);

  // Waits until what was added is written, `timeout` at most. False: it is not. For the end.
  bool Flush(absl::Duration timeout);

  // Lines that were dropped so far.
  uint64_t dropped() const;

 private:
  struct Shared;
  const std::shared_ptr<Shared> shared_;  // with the thread
};

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_LOG_QUEUE_H_
