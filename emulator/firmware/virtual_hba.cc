#include "emulator/firmware/virtual_hba.h"

#include "emulator/firmware/make_truth.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sasd::emulator {

VirtualHba::VirtualHba(VirtualFabric& fabric, uint32_t host, uint64_t seed, Clock& clock,
                       std::function<void()> on_deadline_change)
    : fabric_(fabric),
      clock_(clock),
      on_deadline_change_(std::move(on_deadline_change)),
      firmware_(fabric.Read([&](const FabricState& state) {
        return Firmware(state, fabric.memory(), host, seed);
      })) {}

template <typename F>
void VirtualHba::Run(F f) {
  const absl::Duration now = clock_.Monotonic();
  std::vector<FabricAction> actions;
  bool deadline_changed = false;
  {
    absl::MutexLock lock(&mu_);
    const absl::Duration before = DeadlineLocked();
    Firmware* const firmware = &firmware_;
    fabric_.Read([&](const FabricState& state) { f(*firmware, state, now); });
    QueueEvents();
    actions = firmware_.TakeActions();
    deadline_changed = DeadlineLocked() != before;
  }
  for (const FabricAction& action : actions) fabric_.Act(action);
  if (deadline_changed) on_deadline_change_();
}

void VirtualHba::QueueEvents() {
  for (OutboundEvent& event : firmware_.TakeEvents()) front_end_->QueueEvent(std::move(event));
}

FirmwareReply VirtualHba::Request(const FirmwareRequest& request) {
  FirmwareReply reply;
  Run([&](Firmware& firmware, const FabricState& state, absl::Duration now) {
    reply = firmware.Handle(state, request, now);
  });
  return reply;
}

void VirtualHba::OnPhysChanged(absl::Span<const PhyRef> phys) {
  Run([&](Firmware& firmware, const FabricState& state, absl::Duration now) {
    firmware.OnPhysChanged(state, phys, now);
  });
  front_end_->Deliver();
}

void VirtualHba::OnNotice(const FirmwareNotice& notice) {
  Run([&](Firmware& firmware, const FabricState& state, absl::Duration now) {
    firmware.OnNotice(state, notice, now);
  });
  front_end_->Deliver();
}

void VirtualHba::OnFault(FaultKind kind, uint32_t count, absl::Duration delay) {
  {
    absl::MutexLock lock(&mu_);
    firmware_.Inject(kind, count);
    if (kind == FaultKind::kIocFault) {
      if (!faulted_) front_end_->QueueResetBegin();
      faulted_ = true;
      if (!front_end_->HostEndsFaults()) {
        fault_end_ = clock_.Monotonic() + delay;
        if (delay <= absl::ZeroDuration()) ResetLocked();
      }
    }
  }
  if (kind == FaultKind::kIocFault) on_deadline_change_();
  front_end_->Deliver();
}

absl::Status VirtualHba::OnReset() {
  Reset();
  return absl::OkStatus();
}

HostTruth VirtualHba::Truth() const { return Inspect(MakeTruth); }

void VirtualHba::Reset() {
  {
    absl::MutexLock lock(&mu_);
    ResetLocked();
  }
  on_deadline_change_();
  front_end_->Deliver();
}

void VirtualHba::ResetLocked() {
  if (!faulted_) front_end_->QueueResetBegin();
  faulted_ = false;
  fault_end_ = absl::InfiniteDuration();
  firmware_.Reset();
  front_end_->QueueReady();
}

void VirtualHba::RunTimers() {
  {
    absl::MutexLock lock(&mu_);
    if (fault_end_ <= clock_.Monotonic()) ResetLocked();
  }
  Run([](Firmware& firmware, const FabricState& state, absl::Duration now) {
    firmware.RunTimers(state, now);
  });
  front_end_->Deliver();
}

absl::Duration VirtualHba::DeadlineLocked() const {
  return std::min(firmware_.NextDeadline(), fault_end_);
}

absl::Duration VirtualHba::NextDeadline() const {
  absl::MutexLock lock(&mu_);
  return DeadlineLocked();
}

void VirtualHba::SetHook(mpi::Function function, RequestHook hook) {
  absl::MutexLock lock(&mu_);
  firmware_.SetHook(function, std::move(hook));
}

size_t VirtualHba::unacknowledged_events() const {
  absl::MutexLock lock(&mu_);
  return firmware_.unacknowledged_events();
}

bool VirtualHba::events_in_trouble() const {
  absl::MutexLock lock(&mu_);
  return firmware_.events_in_trouble();
}

}  // namespace sasd::emulator
