#ifndef EMULATOR_FIRMWARE_VIRTUAL_HBA_H_
#define EMULATOR_FIRMWARE_VIRTUAL_HBA_H_

#include <cstdint>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "emulator/fabric/fabric_member.h"
#include "emulator/fabric/virtual_fabric.h"
#include "emulator/firmware/firmware.h"
#include "emulator/firmware/firmware_event_queue.h"

namespace sasd::emulator {

// A front end carries an HBA's messages to the host.
class HbaFrontEnd {
 public:
  virtual ~HbaFrontEnd() = default;

  // These queue messages, in this order, for later delivery. They are called under the HBA's lock:
  // they return at once and call nothing back.
  virtual void QueueEvent(OutboundEvent event) = 0;
  virtual void QueueResetBegin() = 0;  // the IOC has left the operational state
  virtual void QueueReady() = 0;       // it can be initialized again

  // Delivers what is queued, or leaves it to a thread that is delivering already. Called without a
  // lock.
  virtual void Deliver() = 0;

  // Whether a fault of the IOC lasts until the host resets it, as with hardware. Else it ends by
  // itself after its delay.
  virtual bool HostEndsFaults() const { return false; }
};

// One HBA: its firmware with a lock around it, joined to the fabric on one side and to a front end
// on the other. Thread-safe. Lock order: the HBA's before the fabric's and the front end's.
class VirtualHba : public FabricMember {
 public:
  // Borrows all for its lifetime. Calls `on_deadline_change` without a lock when NextDeadline()
  // changes.
  VirtualHba(VirtualFabric& fabric, uint32_t host, uint64_t seed, Clock& clock,
             std::function<void()> on_deadline_change);

  // Call before the first use. The front end outlives the HBA's use.
  void Connect(HbaFrontEnd& front_end) { front_end_ = &front_end; }

  // Runs the firmware on a request. Its events are queued when this returns, not delivered.
  FirmwareReply Request(const FirmwareRequest& request) ABSL_LOCKS_EXCLUDED(mu_);

  // A diagnostic reset. Ends a fault. Returns after Deliver().
  void Reset() ABSL_LOCKS_EXCLUDED(mu_);

  void RunTimers() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Duration NextDeadline() const ABSL_LOCKS_EXCLUDED(mu_);

  void SetHook(mpi::Function function, RequestHook hook) ABSL_LOCKS_EXCLUDED(mu_);
  size_t unacknowledged_events() const ABSL_LOCKS_EXCLUDED(mu_);
  // Whether an event is held back, or an injected fault applies to the next one.
  bool events_in_trouble() const ABSL_LOCKS_EXCLUDED(mu_);

  // Calls `f(const FabricState&, const ReportedTopology&)` while neither can change.
  template <typename F>
  auto Inspect(F f) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const ReportedTopology& topology = firmware_.topology();
    return fabric_.Read([&](const FabricState& fabric) { return f(fabric, topology); });
  }

  // FabricMember
  void OnPhysChanged(absl::Span<const PhyRef> phys) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnNotice(const FirmwareNotice& notice) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnFault(FaultKind kind, uint32_t count, absl::Duration delay) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status OnReset() override;
  HostTruth Truth() const override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Runs `f(Firmware&, const FabricState&, now)`, queues its events and carries out its actions.
  template <typename F>
  void Run(F f) ABSL_LOCKS_EXCLUDED(mu_);
  void QueueEvents() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ResetLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration DeadlineLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  VirtualFabric& fabric_;
  Clock& clock_;
  const std::function<void()> on_deadline_change_;
  HbaFrontEnd* front_end_ = nullptr;  // constant after Connect()

  mutable absl::Mutex mu_;
  Firmware firmware_ ABSL_GUARDED_BY(mu_);
  bool faulted_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration fault_end_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_VIRTUAL_HBA_H_
