#ifndef DRIVER_DISCOVERY_HBA_H_
#define DRIVER_DISCOVERY_HBA_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/device/device_table.h"
#include "driver/device/live_count.h"
#include "driver/device/node_table.h"
#include "driver/discovery/arrival.h"
#include "driver/discovery/attacher.h"
#include "driver/discovery/discovery_tracker.h"
#include "driver/discovery/emitter.h"
#include "driver/discovery/event_queue.h"
#include "driver/discovery/frame_sender.h"
#include "driver/discovery/page_reader.h"
#include "driver/discovery/recovery.h"
#include "driver/discovery/removal_handshake.h"
#include "driver/discovery/scsi_probe.h"
#include "driver/discovery/topology_events.h"
#include "driver/discovery/topology_model.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"
#include "driver/transport/ioc_transport.h"

namespace sasd::discovery {

// One HBA without threads: all of its driver's work, as steps. A step of the worker handles one
// event or reads a part of a walk; a step of the attacher attaches one device. The owner
// (HbaDriver's threads, a test, an explorer of schedules) decides when they run. The IOC's own
// context runs Arrival's part.
//
// Steps of the worker run one at a time, as do those of the attacher; both may run at once.
// Everything else is thread-safe.
class Hba : private transport::IocListener {
 public:
  using Caller = transport::IocListener::Caller;

  // Borrows everything for its lifetime. `keys`: see HbaDriver::Start(). `on_work` is called when
  // the worker may have new work, from any thread and without a lock held. A caller that may wait
  // may run some of the worker's steps itself.
  Hba(transport::IocTransport& ioc, Clock& clock, ObservationSink& sink,
      std::function<void(Caller)> on_work, PortNumbering numbering = PortNumbering::kFirmware,
      KeyAssignments* keys = nullptr);
  ~Hba() override;

  // Sets the IOC up, reads the host, emits the first batch (host, its phys, discovery) and begins
  // discovery: by port enable, or by a walk if the IOC is not ours. Call once, before any step.
  // Errors: those of the IOC.
  absl::Status Start();

  // Ends listening and emitting, and frees every object. Later steps do nothing. Call while no step
  // is running. Idempotent.
  void Stop();

  // The worker: handles the next event or continues a walk. False if there is nothing to do now.
  bool RunWorkerStep();
  // When a walk is to be tried again, by Clock::Monotonic(); InfiniteDuration() if never.
  absl::Duration NextWorkerDue() const;

  // The attacher: tries to attach one device. False if none is due.
  bool RunAttachStep();
  absl::Duration NextAttachDue() const { return devices_.NextAttachDue(); }
  // The same in three steps.
  Attacher& attacher() { return attacher_; }

  // Requests a walk over everything.
  void Rescan();

  // The unfinished work, for people; empty if nothing is queued, running or awaited.
  std::string Unfinished() const;
  // True while devices wait for the attacher or it attaches one.
  bool attaches_pending() const { return devices_.attaches_pending() != 0; }

  HostKey host() const;
  size_t live_objects() const { return live_.count(); }
  const Arrival& arrival() const { return arrival_; }
  uint64_t handshakes() const { return handshake_.completed(); }
  uint64_t rescans() const { return rescans_.load(std::memory_order_relaxed); }

  // For tests.
  const device::DeviceTable& devices() const { return devices_; }
  const device::NodeTable& nodes() const { return nodes_; }

 private:
  class StepInProgress {
   public:
    explicit StepInProgress(Hba& hba) : hba_(hba) { ++hba_.steps_begun_; }
    ~StepInProgress() { ++hba_.steps_ended_; }

   private:
    Hba& hba_;
  };

  // A walk: its cause and progress.
  struct Walk {
    Cause cause;
    absl::Duration arrival;  // of the event that caused it
    uint32_t epoch = 0;      // of the handles (DeviceTable::epoch())
    bool after_reset = false;
    bool always_report = false;  // gaps and resets are reported even if nothing differs
    std::optional<Recovery> recovery;
  };

  // IocListener: Arrival's part, and on_work_ at the end.
  void OnEvent(const transport::EventArrival& event) override;
  void OnEventsLost(uint32_t count) override;
  void OnResetBegin() override;
  void OnReady() override;
  void OnDelivered(Caller caller) override;

  // Unfinished() but for steps in progress.
  std::string Remaining() const;

  absl::Status ReadHost(const mpi::IocFactsReply& facts);
  void EnablePorts();
  void OnPortEnableReply(const absl::StatusOr<transport::IocReply>& reply, uint32_t epoch);

  void Handle(const Event& event);
  void HandleFirmware(const Event& event);
  absl::Status HandleData(const Event& event, ChangeSet& changes);
  absl::Status HandleDeviceStatus(const mpi::DeviceStatusChange& change, ChangeSet& changes);
  absl::Status HandleEnclosure(const mpi::EnclosureStatusChange& change, ChangeSet& changes);
  void HandleGap(const Event& event);
  void HandleResetBegin();
  void HandleReady(const Event& event);
  void HandlePortEnabled(const Event& event);
  void FailHost(const std::string& why);

  void BeginWalk(Walk walk);
  void StepWalk();
  void EndWalk();
  // The picture may be incomplete: schedules another walk.
  void RetryLater();
  // Takes over the content of events that need no further handling.
  void Supersede(const std::vector<EventRef>& events, ChangeSet& changes);
  void Push(Event::Kind kind, absl::Status status = absl::OkStatus());

  // Constant.
  transport::IocTransport& ioc_;
  Clock& clock_;
  const std::function<void(Caller)> on_work_;
  const bool owned_;
  KeyAssignments* const keys_;

  // Each synchronizes itself, or runs in the worker only.
  device::LiveCount live_;
  device::NodeTable nodes_;
  device::DeviceTable devices_;
  FrameSender sender_;
  PageReader pages_;
  ScsiProbe probe_;
  RemovalHandshake handshake_;
  EventQueue queue_;
  Arrival arrival_;
  DiscoveryTracker tracker_;
  Emitter emitter_;
  TopologyModel model_;
  TopologyEvents topology_;
  Attacher attacher_;

  // The worker's.
  std::optional<Walk> walk_;
  uint32_t walks_ = 0;
  absl::Duration retry_delay_;

  std::atomic<int64_t> retry_due_ns_;  // Clock::Monotonic(); the maximum: no retry is due
  std::atomic<bool> walking_{false};
  std::atomic<uint64_t> steps_begun_{0}, steps_ended_{0};
  std::atomic<uint64_t> rescans_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_HBA_H_
