#include "daemon/backend/linux_backend.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daemon/backend/control_links.h"
#include "daemon/diagnosis/diagnose.h"
#include "daemon/diagnosis/machine_reader.h"
#include "driver/observation/key_table.h"
#include "driver/sysfs/controlled_hosts.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/live_file_io.h"
#include "driver/sysfs/sysfs_follower.h"
#include "driver/sysfs/sysfs_source.h"
#include "driver/sysfs/udev_monitor.h"
#include "driver/transport/mpt3ctl/posix_ctl_nodes.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

using sysfs::SysfsSource;
using sysfs::UeventSource;

// Stands in where the kernel sends no uevents. Thread-safe.
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

// udev's database describes only this machine.
std::unique_ptr<sysfs::FileIo> MakeFileIo(const std::string& root) {
  if (root == "/sys") return std::make_unique<sysfs::LiveFileIo>();
  return std::make_unique<sysfs::PosixFileIo>();
}

// One thread does all the work of sysfs: it receives uevents, reads the tree and reports. Other
// threads ask it and wait. The links to the firmware (ControlLinks) have threads of their own; this
// thread shows them which HBAs there are.
class LinuxBackend : public Backend {
 public:
  LinuxBackend(std::string description, const LinuxBackendOptions& options, LinuxSeams seams,
               Clock& clock)
      : description_(std::move(description)),
        uevents_(std::move(seams.uevents)),
        nodes_(std::move(seams.nodes)),
        uevent_state_(std::move(seams.uevent_state)),
        clock_(clock),
        keys_(options.keys != nullptr ? *options.keys : own_keys_),
        io_(MakeFileIo(options.root)) {}

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
        SysfsSource::Create(options.root, *io_, clock_, sink, &keys_);
    if (!source.ok()) return source.status();
    source_ = *std::move(source);
    sink_ = &sink;
    root_ = options.root;
    {
      absl::MutexLock lock(&mu_);
      look_interval_ = options.follower.look_interval;
    }
    sysfs::FollowerOptions follower = options.follower;
    if (nodes_ != nullptr && options.control_nodes) {
      links_ = std::make_unique<ControlLinks>(*nodes_, clock_, sink, OptionsOfLinks());
      follower.has_control_node = [this](HostKey host) { return links_->IsConnected(host); };
    }
    follower_ = std::make_unique<sysfs::SysfsFollower>(*source_, clock_, std::move(follower));
    if (absl::Status s = follower_->ScanTree(SysfsSource::ScanCause()); !s.ok()) return s;
    ShowScsiHosts();
    FollowHbas();
    thread_ = std::thread(&LinuxBackend::Run, this);
    return absl::OkStatus();
  }

  const std::string& description() const override { return description_; }

  absl::Status Rescan() override ABSL_LOCKS_EXCLUDED(mu_) {
    if (links_ != nullptr) {
      links_->Retry();
      links_->Rescan();
    }
    const uint64_t ticket = Ask(&LinuxBackend::scans_);
    absl::MutexLock lock(&mu_);
    const auto done = [this, ticket]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return scans_.done >= ticket; };
    mu_.Await(absl::Condition(&done));
    return scan_status_;
  }

  absl::Status WaitIdle(absl::Duration timeout) override ABSL_LOCKS_EXCLUDED(mu_) {
    const absl::Time deadline = absl::Now() + timeout;
    if (absl::Status s = WaitForSysfs(timeout); !s.ok() || links_ == nullptr) return s;
    return links_->WaitIdle(deadline - absl::Now());
  }

  void Release() override {
    if (links_ != nullptr) links_->Release();
  }

  void SetLookInterval(absl::Duration interval) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      if (look_interval_ == interval) return;
      look_interval_ = interval;
    }
    Note(&LinuxBackend::look_interval_changed_);
  }

  std::shared_ptr<const ScsiHosts> scsi_hosts() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return scsi_hosts_;
  }

  std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) override
      ABSL_LOCKS_EXCLUDED(mu_) {
    LiveSystem live;
    MachinePlaces places;
    places.sysfs = root_;
    live.machine = ReadMachine(places, *io_);
    live.uevents = uevent_state_;
    live.asks_control_nodes = links_ != nullptr;
    if (links_ != nullptr) live.control_nodes = links_->states();
    {
      absl::MutexLock lock(&mu_);
      live.look_interval = look_interval_;
      live.reading_error = last_error_;
      live.scsi_hosts = scsi_hosts_;
    }
    return DiagnoseLive(live, topology);
  }

 private:
  // Numbered requests of other threads.
  struct Requests {
    uint64_t asked = 0;
    uint64_t done = 0;
  };
  // At most so many uevents are taken before the tree is read.
  static constexpr int kMostUevents = 100'000;

  absl::Status WaitForSysfs(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_) {
    const uint64_t ticket = Ask(&LinuxBackend::flushes_);
    absl::MutexLock lock(&mu_);
    const auto done = [this, ticket]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return flushes_.done >= ticket; };
    if (!mu_.AwaitWithTimeout(absl::Condition(&done), timeout)) {
      return absl::DeadlineExceededError(absl::StrCat(
          "received uevents are not reported yet", last_error_.empty() ? "" : ": ", last_error_));
    }
    return absl::OkStatus();
  }

  ControlLinkOptions OptionsOfLinks() {
    ControlLinkOptions options;
    options.reset_count = [this](const sysfs::ControlledHost& host) {
      return sysfs::ResetCountOf(host, root_, *io_);
    };
    options.on_change = [this] { Note(&LinuxBackend::links_changed_); };
    options.keys = &keys_;
    options.on_loss = [this] { Note(&LinuxBackend::link_lost_); };
    return options;
  }

  void Note(bool LinuxBackend::*what) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      this->*what = true;
    }
    uevents_->Wake();
  }

  // Called by the thread, or before it starts.
  void FollowHbas() {
    if (links_ == nullptr) return;
    const auto hosts = sysfs::FindControlledHosts(root_, *io_, &keys_);
    if (!hosts.ok()) return;  // the follower has the same error and will read again
    links_->Follow(*hosts);
    readings_ = Readings();
  }
  // Grows with each reading that may have found another HBA.
  uint64_t Readings() const {
    return follower_->stats().tree_scans + follower_->stats().host_scans;
  }

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
      bool links_changed, link_lost;
      std::optional<absl::Duration> look_interval;
      {
        absl::MutexLock lock(&mu_);
        if (stopping_) return;
        links_changed = std::exchange(links_changed_, false);
        link_lost = std::exchange(link_lost_, false);
        if (std::exchange(look_interval_changed_, false)) look_interval = look_interval_;
        scan = scans_.asked;
        flush = flushes_.asked;
      }
      // A request is answered once all uevents received before it are reported.
      for (int i = 0; i < kMostUevents && Hand(uevents_->Receive(absl::ZeroDuration())); ++i) {
      }
      ReportPending();
      if (look_interval.has_value()) follower_->SetLookInterval(*look_interval);
      const bool wants_scan = scan != scanned, wants_flush = flush != flushed;
      const absl::Status status = wants_scan    ? follower_->ScanTree(SysfsSource::ScanCause())
                                  : wants_flush ? follower_->ReportNow()
                                                : follower_->RunDue();
      scanned = scan;
      flushed = flush;
      ShowScsiHosts();
      ReportPending();
      if (links_changed) follower_->PlanLooks();
      if (link_lost || readings_ != Readings()) FollowHbas();
      Answer(status, scan, flush);
    }
  }

  // Notes what was received. False if that was nothing.
  bool Hand(const UeventSource::Received& received) {
    if (const auto* uevent = std::get_if<sysfs::Uevent>(&received)) {
      follower_->Note(*uevent);
    } else if (const auto* gap = std::get_if<UeventSource::Gap>(&received)) {
      follower_->NoteGap(gap->lost_events);
      spdlog::warn(
          "uevents were lost ({}); rescanning",
          gap->lost_events == 0 ? "an unknown number" : absl::StrCat("at most ", gap->lost_events));
    } else {
      return false;
    }
    return true;
  }

  void ShowScsiHosts() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    scsi_hosts_ = source_->scsi_hosts();
  }

  void ReportPending() {
    if (pending_ == follower_->pending()) return;
    pending_ = follower_->pending();
    sink_->SetPending(pending_);
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
  const std::unique_ptr<mpt3ctl::CtlNodes> nodes_;  // may be null
  const UeventState uevent_state_;                  // at the start
  Clock& clock_;
  KeyTable own_keys_;
  KeyAssignments& keys_;
  // Constant after Start().
  ObservationSink* sink_ = nullptr;
  std::string root_;
  const std::unique_ptr<sysfs::FileIo> io_;
  // Used by the thread only, once it runs.
  std::unique_ptr<SysfsSource> source_;
  std::unique_ptr<sysfs::SysfsFollower> follower_;
  uint64_t readings_ = 0;  // at the last Follow()
  bool pending_ = false;   // last value sent to the sink

  absl::Mutex mu_;  // a leaf
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool links_changed_ ABSL_GUARDED_BY(mu_) = false;
  bool link_lost_ ABSL_GUARDED_BY(mu_) = false;
  bool look_interval_changed_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration look_interval_ ABSL_GUARDED_BY(mu_);
  Requests scans_ ABSL_GUARDED_BY(mu_);
  Requests flushes_ ABSL_GUARDED_BY(mu_);
  absl::Status scan_status_ ABSL_GUARDED_BY(mu_);  // of the last requested scan
  std::string last_error_ ABSL_GUARDED_BY(mu_);    // of the last reading; empty: none
  std::shared_ptr<const ScsiHosts> scsi_hosts_ ABSL_GUARDED_BY(mu_) =
      std::make_shared<const ScsiHosts>();

  std::unique_ptr<ControlLinks> links_;  // may be null; constant after Start()
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           LinuxSeams seams, Clock& clock,
                                                           ObservationSink& sink) {
  std::string description = absl::StrCat("sysfs ", options.root, ", live");
  if (seams.uevents == nullptr) {
    description = absl::StrCat("sysfs ", options.root, ", without uevents");
    seams.uevents = std::make_unique<NoUevents>();
    seams.uevent_state.error.Update(absl::UnavailableError("sasd started without them"));
  }
  auto backend = std::make_unique<LinuxBackend>(description, options, std::move(seams), clock);
  if (absl::Status s = backend->Start(options, sink); !s.ok()) return s;
  return backend;
}

absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           Clock& clock, ObservationSink& sink) {
  LinuxSeams seams;
  // First, so that no change during the first reading is missed.
  absl::StatusOr<std::unique_ptr<sysfs::UdevMonitor>> monitor = sysfs::UdevMonitor::Open();
  seams.uevent_state.error = monitor.status();
  if (monitor.ok()) {
    seams.uevent_state.receive_buffer_bytes = (*monitor)->receive_buffer_bytes();
    seams.uevent_state.wanted_buffer_bytes = sysfs::UdevMonitor::kReceiveBufferBytes;
    seams.uevents = *std::move(monitor);
  } else {
    spdlog::warn("{}; sasd finds changes only at a rescan (SIGHUP) and at its looks at the links",
                 std::string(monitor.status().message()));
  }
  seams.nodes = std::make_unique<mpt3ctl::PosixCtlNodes>();
  return StartLinuxBackend(options, std::move(seams), clock, sink);
}

}  // namespace sasd
