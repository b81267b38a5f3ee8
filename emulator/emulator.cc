#include "emulator/emulator.h"

#include "emulator/firmware/make_truth.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "emulator/fabric/fabric_validate.h"

namespace sasd::emulator {

absl::StatusOr<std::unique_ptr<Emulator>> Emulator::Create(FabricSpec fabric,
                                                           const EmulatorOptions& options,
                                                           Clock& clock) {
  const absl::Status valid = ValidateFabric(fabric);
  if (!valid.ok()) return valid;
  return absl::WrapUnique(new Emulator(std::move(fabric), options, clock));
}

Emulator::Emulator(FabricSpec fabric, const EmulatorOptions& options, Clock& clock)
    : fabric_(std::move(fabric)) {
  const auto hosts = fabric_.Read([](const FabricState& state) { return state.spec().hosts; });
  for (uint32_t i = 0; i < hosts.size(); ++i) {
    host_ids_.push_back(hosts[i].id);
    hbas_.push_back(
        std::make_unique<VirtualHba>(fabric_, i, options.seed, clock, [this] { Wake(); }));
    if (options.make_front_end) {
      front_ends_.push_back(options.make_front_end(*hbas_[i], i));
      fabric_.Join(i, *hbas_[i]);
      continue;
    }
    transport::IocInfo info;
    info.name = absl::StrCat("virtual:", hosts[i].id);
    info.board_name = hosts[i].board_name;
    info.chip_name = hosts[i].chip_name;
    info.pci_address = hosts[i].pci_address;
    info.driver_name = "virtual";
    info.answers_at_once = true;
    transports_.push_back(
        std::make_unique<EmulatedTransport>(*hbas_[i], std::move(info), hosts[i].request_credit));
    fabric_.Join(i, *hbas_[i]);
  }
}

HostTruth Emulator::Truth(size_t host) const { return hbas_[host]->Inspect(MakeTruth); }

absl::Duration Emulator::RunTimers() {
  {
    absl::MutexLock lock(&timer_mu_);
    timers_changed_ = false;
  }
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& hba : hbas_) {
    hba->RunTimers();
    next = std::min(next, hba->NextDeadline());
  }
  return next;
}

void Emulator::AwaitTimers(absl::Duration timeout) {
  absl::MutexLock lock(&timer_mu_);
  timer_mu_.AwaitWithTimeout(absl::Condition(this, &Emulator::HasChange), timeout);
}

void Emulator::Wake() {
  absl::MutexLock lock(&timer_mu_);
  timers_changed_ = true;
}

}  // namespace sasd::emulator
