#include "driver/hba_driver.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <thread>  // NOLINT: owned threads
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "driver/discovery/hba.h"
#include "driver/transport/counting_transport.h"

namespace sasd {
namespace {

// Wakes a thread that waits for work. Thread-safe.
class Doorbell {
 public:
  void Ring() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    rung_ = true;
  }
  // Waits for a ring since the last Wait(), in real time.
  void Wait(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&rung_), timeout);
    rung_ = false;
  }

 private:
  absl::Mutex mu_;  // a leaf
  bool rung_ ABSL_GUARDED_BY(mu_) = false;
};

// Flushes the sink before each wait for the IOC, so that no observation waits with it. If the IOC
// answers at once, observations that belong together go out together.
class FlushingTransport : public transport::CountingTransport {
 public:
  FlushingTransport(transport::IocTransport& ioc, ObservationSink& sink)
      : CountingTransport(ioc), sink_(sink), waits_(!ioc.Info().answers_at_once) {}

  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override {
    if (waits_) sink_.Flush();
    return CountingTransport::Execute(request);
  }

 private:
  ObservationSink& sink_;
  const bool waits_;
};

class ThreadedHba : public HbaDriver {
 public:
  ThreadedHba(transport::IocTransport& ioc, Clock& clock, ObservationSink& sink,
              PortNumbering numbering, KeyAssignments* keys)
      : clock_(clock),
        sink_(sink),
        ioc_(ioc, sink),
        hba_(
            ioc_, clock, sink, [this](Caller caller) { OnWork(caller); }, numbering, keys) {}

  ~ThreadedHba() override { Stop(); }

  absl::Status Begin() {
    if (absl::Status s = hba_.Start(); !s.ok()) return s;
    started_ = true;
    worker_ = std::thread(&ThreadedHba::RunWorker, this);
    attacher_ = std::thread(&ThreadedHba::RunAttacher, this);
    return absl::OkStatus();
  }

  void Stop() override {
    if (stopping_.exchange(true)) return;
    work_.Ring();
    attach_.Ring();
    if (worker_.joinable()) worker_.join();
    if (attacher_.joinable()) attacher_.join();
    hba_.Stop();
    finished_.Ring();
  }

  HostKey host() const override { return hba_.host(); }

  HbaStats stats() const override {
    const transport::RequestCounts counts = ioc_.counts();
    HbaStats stats;
    stats.events_received = hba_.arrival().received();
    stats.events_rejected = hba_.arrival().rejected();
    stats.events_lost = hba_.arrival().lost();
    stats.page_reads = counts.page_reads;
    stats.page_headers = counts.page_headers;
    stats.smp_requests = counts.smp;
    stats.scsi_requests = counts.scsi;
    stats.handshakes = hba_.handshakes();
    stats.rescans = hba_.rescans();
    stats.resets = hba_.arrival().epoch();
    return stats;
  }

  absl::Status WaitIdle(absl::Duration timeout) override {
    const absl::Time deadline = absl::Now() + timeout;
    while (true) {
      const std::string unfinished = hba_.Unfinished();
      if (unfinished.empty() || stopping_) return absl::OkStatus();
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError(
            absl::StrCat("host ", ToText(host()), " is not idle: ", unfinished));
      }
      // A completion in the transport's context rings no bell.
      finished_.Wait(std::min(left, kLongestNap));
    }
  }

  void Rescan() override { hba_.Rescan(); }
  size_t live_objects() const override { return hba_.live_objects(); }

 private:
  using Caller = discovery::Hba::Caller;
  static constexpr absl::Duration kLongestNap = absl::Milliseconds(5);
  // The number of steps that a thread of the transport lends: enough for the events of one act or
  // the beginning of a walk.
  static constexpr int kLentSteps = 16;

  // Waking a thread takes longer than most events: a caller that may wait does the work itself.
  void OnWork(Caller caller) {
    wanted_ = true;
    const bool lent = caller == Caller::kMayWait && started_;
    if (lent && TakeSteps(kLentSteps) && hba_.NextWorkerDue() == absl::InfiniteDuration()) return;
    work_.Ring();
  }

  // Runs the worker's steps until there is nothing to do (true) or `most` have run. If another
  // thread runs them already, it does the work (true).
  bool TakeSteps(int most) {
    do {
      if (working_.exchange(true)) return true;
      wanted_ = false;
      bool more = true;
      while (!stopping_ && most > 0 && (more = hba_.RunWorkerStep())) {
        --most;
        if (hba_.attaches_pending()) attach_.Ring();
        finished_.Ring();
      }
      sink_.Flush();
      working_ = false;
      if (more) return false;
    } while (wanted_);
    return true;
  }

  void RunWorker() {
    while (!stopping_) {
      TakeSteps(std::numeric_limits<int>::max());
      work_.Wait(hba_.NextWorkerDue() - clock_.Monotonic());
    }
  }

  void RunAttacher() {
    while (!stopping_) {
      if (hba_.RunAttachStep()) {
        finished_.Ring();
      } else {
        sink_.Flush();
        attach_.Wait(hba_.NextAttachDue() - clock_.Monotonic());
      }
    }
  }

  Clock& clock_;
  ObservationSink& sink_;
  FlushingTransport ioc_;
  Doorbell work_, attach_, finished_;
  std::atomic<bool> started_{false}, stopping_{false};
  std::atomic<bool> working_{false};  // a thread runs the worker's steps
  std::atomic<bool> wanted_{false};   // new work came after it began
  discovery::Hba hba_;
  std::thread worker_, attacher_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HbaDriver>> HbaDriver::Start(transport::IocTransport& ioc,
                                                            Clock& clock, ObservationSink& sink,
                                                            PortNumbering numbering,
                                                            KeyAssignments* keys) {
  auto driver = std::make_unique<ThreadedHba>(ioc, clock, sink, numbering, keys);
  if (absl::Status s = driver->Begin(); !s.ok()) {
    return absl::Status(s.code(), absl::StrCat("IOC ", ioc.Info().name, ": ", s.message()));
  }
  return driver;
}

}  // namespace sasd
