#ifndef DAEMON_SERVICE_CALL_HOLDS_H_
#define DAEMON_SERVICE_CALL_HOLDS_H_

#include <algorithm>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"

namespace sasd::service {

// How long somebody has had a thread to himself. A value.
struct HeldTime {
  absl::Duration wall;  // with the waits for a disk, a lock or a core
  absl::Duration cpu;   // of this thread

  void Raise(const HeldTime& other) {
    wall = std::max(wall, other.wall);
    cpu = std::max(cpu, other.cpu);
  }
};

// Measures the thread that makes it. Thread-compatible.
class StopWatch {
 public:
  absl::Duration wall() const { return SystemClock().Monotonic() - wall_; }
  HeldTime Elapsed() const { return {wall(), ThreadCpuTime() - cpu_}; }

 private:
  static absl::Duration ThreadCpuTime();

  absl::Duration wall_ = SystemClock().Monotonic();
  absl::Duration cpu_ = ThreadCpuTime();
};

// The longest that a call of each method has held a thread without giving others the chance to go
// on. Thread-safe.
class CallHolds {
 public:
  // What is shorter is of no interest, and is not noted.
  static constexpr absl::Duration kLeast = absl::Milliseconds(1);

  // Notes what passes from here to its end.
  class Scope {
   public:
    Scope(CallHolds& holds, absl::string_view method) : holds_(holds), method_(method) {}
    ~Scope() {
      if (watch_.wall() >= kLeast) holds_.Note(method_, watch_.Elapsed());
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    CallHolds& holds_;
    const absl::string_view method_;
    StopWatch watch_;
  };

  // `method`: "sas.v1.NodeService/GetNode".
  void Note(absl::string_view method, const HeldTime& held) ABSL_LOCKS_EXCLUDED(mu_);

  absl::btree_map<std::string, HeldTime> longest() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return longest_;
  }

 private:
  mutable absl::Mutex mu_;  // a leaf
  absl::btree_map<std::string, HeldTime> longest_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_CALL_HOLDS_H_
