#include <algorithm>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daemon/backend.h"
#include "driver/linux/file_io.h"
#include "driver/linux/sysfs_follower.h"
#include "driver/linux/sysfs_source.h"
#include "driver/linux/udev_monitor.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

using sysfs::SysfsSource;
using sysfs::UeventSource;

// Where the kernel's uevents cannot be had. Thread-safe.
class NoUevents : public UeventSource {
 public:
  Received Receive(absl::Duration timeout) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (timeout <= absl::ZeroDuration()) return Nothing{};
    mu_.AwaitWithTimeout(absl::Condition(&woken_), timeout);
    woken_ = false;
    return Nothing{};
  }

  void Wake() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    woken_ = true;
  }

 private:
  absl::Mutex mu_;  // a leaf
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
};

// One thread does all: it receives, reads the tree and tells. Others ask it to and wait.
class LinuxBackend : public Backend {
 public:
  LinuxBackend(std::string description, std::unique_ptr<UeventSource> uevents, Clock& clock)
      : description_(std::move(description)), uevents_(std::move(uevents)), clock_(clock) {}

  ~LinuxBackend() override {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    uevents_->Wake();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Start(const LinuxBackendOptions& options, ObservationSink& sink) {
    absl::StatusOr<std::unique_ptr<SysfsSource>> source =
        SysfsSource::Create(options.root, io_, clock_, sink);
    if (!source.ok()) return source.status();
    source_ = *std::move(source);
    follower_ = std::make_unique<sysfs::SysfsFollower>(*source_, clock_, options.follower);
    if (absl::Status s = follower_->ScanTree(SysfsSource::ScanCause()); !s.ok()) return s;
    thread_ = std::thread(&LinuxBackend::Run, this);
    return absl::OkStatus();
  }

  const std::string& description() const override { return description_; }
  emulator::Emulator* emulator() override { return nullptr; }

  absl::Status Rescan() override ABSL_LOCKS_EXCLUDED(mu_) {
    const uint64_t ticket = Ask(&LinuxBackend::scans_);
    absl::MutexLock lock(&mu_);
    const auto done = [this, ticket]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return scans_.done >= ticket; };
    mu_.Await(absl::Condition(&done));
    return scan_status_;
  }

  absl::Status WaitIdle(absl::Duration timeout) override ABSL_LOCKS_EXCLUDED(mu_) {
    const uint64_t ticket = Ask(&LinuxBackend::flushes_);
    absl::MutexLock lock(&mu_);
    const auto done = [this, ticket]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return flushes_.done >= ticket; };
    if (mu_.AwaitWithTimeout(absl::Condition(&done), timeout)) return absl::OkStatus();
    return absl::DeadlineExceededError(
        absl::StrCat("uevents are not told yet", last_error_.empty() ? "" : ": ", last_error_));
  }

 private:
  // Something that others ask for, by a number that counts up.
  struct Requests {
    uint64_t asked = 0;
    uint64_t done = 0;
  };
  // Uevents taken at once before the tree is read.
  static constexpr int kMostUevents = 100'000;

  uint64_t Ask(Requests LinuxBackend::*requests) ABSL_LOCKS_EXCLUDED(mu_) {
    uint64_t ticket;
    {
      absl::MutexLock lock(&mu_);
      ticket = ++(this->*requests).asked;
    }
    uevents_->Wake();
    return ticket;
  }

  void Run() ABSL_LOCKS_EXCLUDED(mu_) {
    uint64_t scanned = 0, flushed = 0;
    while (true) {
      Hand(uevents_->Receive(
          std::max(follower_->NextDue() - clock_.Monotonic(), absl::ZeroDuration())));
      uint64_t scan, flush;
      {
        absl::MutexLock lock(&mu_);
        if (stopping_) return;
        scan = scans_.asked;
        flush = flushes_.asked;
      }
      // What was received before somebody asked is told before he is answered.
      for (int i = 0; i < kMostUevents && Hand(uevents_->Receive(absl::ZeroDuration())); ++i) {
      }
      const bool wants_scan = scan != scanned, wants_flush = flush != flushed;
      const absl::Status status = wants_scan    ? follower_->ScanTree(SysfsSource::ScanCause())
                                  : wants_flush ? follower_->TellNow()
                                                : follower_->RunDue();
      scanned = scan;
      flushed = flush;
      Answer(status, scan, flush);
    }
  }

  // Whether there was something.
  bool Hand(const UeventSource::Received& received) {
    if (const auto* uevent = std::get_if<sysfs::Uevent>(&received)) {
      follower_->Note(*uevent);
    } else if (const auto* gap = std::get_if<UeventSource::Gap>(&received)) {
      follower_->NoteGap(gap->lost_events);
      spdlog::warn(
          "uevents were lost ({}): looking at everything anew",
          gap->lost_events == 0 ? "an unknown number" : absl::StrCat("at most ", gap->lost_events));
    } else {
      return false;
    }
    return true;
  }

  void Answer(const absl::Status& status, uint64_t scan, uint64_t flush) ABSL_LOCKS_EXCLUDED(mu_) {
    const std::string error(status.message());
    bool news = false;
    {
      absl::MutexLock lock(&mu_);
      if (scans_.done != scan) scan_status_ = status;
      scans_.done = scan;
      if (!follower_->pending()) flushes_.done = flush;
      news = error != last_error_;
      last_error_ = error;
    }
    if (news && !error.empty()) spdlog::error("{}", error);
  }

  const std::string description_;
  const std::unique_ptr<UeventSource> uevents_;
  Clock& clock_;
  sysfs::PosixFileIo io_;
  // Of the thread, once it runs.
  std::unique_ptr<SysfsSource> source_;
  std::unique_ptr<sysfs::SysfsFollower> follower_;

  absl::Mutex mu_;  // a leaf
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Requests scans_ ABSL_GUARDED_BY(mu_);
  Requests flushes_ ABSL_GUARDED_BY(mu_);
  absl::Status scan_status_ ABSL_GUARDED_BY(mu_);  // of the last scan that was asked for
  std::string last_error_ ABSL_GUARDED_BY(mu_);    // empty: the last reading was fine

  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           std::unique_ptr<UeventSource> uevents,
                                                           Clock& clock, ObservationSink& sink) {
  std::string description = absl::StrCat("sysfs ", options.root, ", live");
  if (uevents == nullptr) {
    description = absl::StrCat("sysfs ", options.root, ", without uevents");
    uevents = std::make_unique<NoUevents>();
  }
  auto backend = std::make_unique<LinuxBackend>(description, std::move(uevents), clock);
  if (absl::Status s = backend->Start(options, sink); !s.ok()) return s;
  return backend;
}

absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           Clock& clock, ObservationSink& sink) {
  // First, so that what changes while the tree is read is not missed.
  absl::StatusOr<std::unique_ptr<sysfs::UdevMonitor>> monitor = sysfs::UdevMonitor::Open();
  if (!monitor.ok()) {
    spdlog::warn("{}: changes are found by scans only (SIGHUP) and by looks at the links",
                 std::string(monitor.status().message()));
    return StartLinuxBackend(options, nullptr, clock, sink);
  }
  return StartLinuxBackend(options, *std::move(monitor), clock, sink);
}

}  // namespace sasd
