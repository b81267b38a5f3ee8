#include "tests/lifetime/explored_hba.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::lifetime {
namespace {

using Observed = Interleaving::Observed;

// More than any program needs.
constexpr int kMostSettling = 10'000;

std::unique_ptr<emulator::Emulator> MakeEmulator(const emulator::SyntheticFabricOptions& fabric,
                                                 Clock& clock, SteppedPciIoc* pci) {
  emulator::FabricSpec spec = emulator::SyntheticFabric(fabric);
  emulator::EmulatorOptions options;
  if (pci != nullptr) {
    options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t host) {
      return pci->Plug(hba, clock, spec.hosts[host].generation);
    };
  }
  auto emulator = emulator::Emulator::Create(spec, options, clock);
  return *std::move(emulator);
}

// A function whose locks are no points: hardware has none.
class UnobservedBus : public pci_ioc::PciBus {
 public:
  explicit UnobservedBus(std::unique_ptr<pci_ioc::PciBus> inner) : inner_(std::move(inner)) {}

  const pci_ioc::PciFunction& function() const override { return inner_->function(); }
  uint32_t ReadConfig(uint32_t offset, uint32_t size) override {
    const Observed unobserved(false);
    return inner_->ReadConfig(offset, size);
  }
  void WriteConfig(uint32_t offset, uint32_t value, uint32_t size) override {
    const Observed unobserved(false);
    inner_->WriteConfig(offset, value, size);
  }
  uint32_t Read32(uint32_t offset) override {
    const Observed unobserved(false);
    return inner_->Read32(offset);
  }
  void Write32(uint32_t offset, uint32_t value) override {
    const Observed unobserved(false);
    inner_->Write32(offset, value);
  }
  void Write64(uint32_t offset, uint64_t value) override {
    const Observed unobserved(false);
    inner_->Write64(offset, value);
  }
  absl::StatusOr<pci_ioc::DmaArena> AllocateArena(size_t size) override {
    const Observed unobserved(false);
    return inner_->AllocateArena(size);
  }
  absl::StatusOr<size_t> EnableInterrupts(pci_ioc::InterruptMode mode, size_t vectors) override {
    const Observed unobserved(false);
    return inner_->EnableInterrupts(mode, vectors);
  }
  void DisableInterrupts() override {
    const Observed unobserved(false);
    inner_->DisableInterrupts();
  }
  void RearmInterrupt() override {
    const Observed unobserved(false);
    inner_->RearmInterrupt();
  }
  pci_ioc::WaitResult Wait(absl::Duration timeout) override {
    const Observed unobserved(false);
    return inner_->Wait(timeout);
  }
  void Wake() override {
    const Observed unobserved(false);
    inner_->Wake();
  }
  bool ReleaseRequested() const override {
    const Observed unobserved(false);
    return inner_->ReleaseRequested();
  }
  absl::Status error() const override {
    const Observed unobserved(false);
    return inner_->error();
  }

 private:
  const std::unique_ptr<pci_ioc::PciBus> inner_;
};

transport::IocTransport& TransportOf(emulator::Emulator& emulator, SteppedPciIoc* pci,
                                     FakeClock& clock) {
  if (pci == nullptr) return emulator.transport(0);
  const absl::Status started = pci->Start(clock, 1, [](std::unique_ptr<pci_ioc::PciBus> bus) {
    return std::make_unique<UnobservedBus>(std::move(bus));
  });
  if (!started.ok()) abort();
  return *pci;
}

}  // namespace

// ---------------------------------------------------------------------------- ObservedTransport

absl::Status ObservedTransport::Submit(const transport::IocRequest& request, Completion done) {
  Interleaving::Point("request");
  if (pci_ != nullptr) return inner_.Submit(request, std::move(done));
  const Observed unobserved(false);
  return inner_.Submit(request,
                       [done = std::move(done)](absl::StatusOr<transport::IocReply> reply) {
                         const Observed observed(true);
                         done(std::move(reply));
                       });
}

absl::StatusOr<transport::IocReply> ObservedTransport::Execute(
    const transport::IocRequest& request) {
  Interleaving::Point("request");
  if (pci_ != nullptr && Interleaving::InRun()) return ExecuteByThread(request);
  const Observed unobserved(false);
  return inner_.Execute(request);
}

absl::StatusOr<transport::IocReply> ObservedTransport::ExecuteByThread(
    const transport::IocRequest& request) {
  std::optional<absl::StatusOr<transport::IocReply>> result;
  const absl::Status sent = inner_.Submit(
      request, [&result](absl::StatusOr<transport::IocReply> reply) { result = std::move(reply); });
  if (!sent.ok()) return sent;
  Interleaving::WaitFor("a reply", [&result] { return result.has_value(); });
  return *std::move(result);
}

void ObservedTransport::SetListener(transport::IocListener* listener) {
  // On a PCI function its end waits for a call that is under way: a point.
  const Observed observed(pci_ != nullptr);
  if (listener != nullptr) listener_ = listener;
  inner_.SetListener(listener == nullptr ? nullptr : this);
}

absl::Status ObservedTransport::Reset() {
  const Observed unobserved(false);
  return inner_.Reset();
}

void ObservedTransport::OnEvent(const transport::EventArrival& event) {
  const Observed observed(true);
  listener_->OnEvent(event);
}

void ObservedTransport::OnEventsLost(uint32_t count) {
  const Observed observed(true);
  listener_->OnEventsLost(count);
}

void ObservedTransport::OnResetBegin() {
  const Observed observed(true);
  listener_->OnResetBegin();
}

void ObservedTransport::OnReady() {
  const Observed observed(true);
  listener_->OnReady();
}

void ObservedTransport::OnDelivered(Caller caller) {
  const Observed observed(true);
  listener_->OnDelivered(caller);
}

// ---------------------------------------------------------------------------------- ExploredHba

ExploredHba::ExploredHba(const emulator::SyntheticFabricOptions& fabric, Begin begin, Path path)
    : pci_(path == Path::kPci ? std::make_unique<SteppedPciIoc>() : nullptr),
      emulator_(MakeEmulator(fabric, clock_, pci_.get())),
      ioc_(TransportOf(*emulator_, pci_.get(), clock_), pci_.get()),
      hba_(ioc_, clock_, sink_, [this](discovery::Hba::Caller) { work_ = true; }) {
  if (!hba_.Start().ok()) abort();
  do {
    Deliver();
    while (hba_.RunWorkerStep()) {
    }
  } while (IocHasNews());
  while (begin == Begin::kAttached && hba_.RunAttachStep()) {
  }
}

ExploredHba::~ExploredHba() {
  hba_.Stop();
  if (pci_ != nullptr) pci_->Stop();
}

void ExploredHba::Deliver() {
  if (pci_ != nullptr) pci_->Deliver();
}

std::string ExploredHba::Run(Schedule& schedule, const Threads& threads,
                             std::vector<Actor> actors) {
  std::vector<Interleaving::Thread> bodies;
  worker_ended_ = !threads.worker;
  attacher_ended_ = !threads.attacher;
  if (threads.worker) bodies.push_back({"worker", [this] { RunWorker(); }});
  if (threads.attacher) bodies.push_back({"attacher", [this] { RunAttacher(); }});
  unload_ended_ = !threads.unload;
  if (threads.unload) bodies.push_back({"unload", [this] { Unload(); }});
  if (pci_ != nullptr) bodies.push_back({"IOC", [this] { RunIoc(); }});
  acting_ = static_cast<int>(actors.size());
  for (Actor& actor : actors) {
    bodies.push_back({actor.name, [this, act = std::move(actor.act)] {
                        act(*this);
                        --acting_;
                      }});
  }
  schedule.Run(std::move(bodies), &hba_, sizeof(hba_),
               [this] { return hba_.devices().CheckInvariants(); });
  if (!threads.unload) {
    if (std::string wrong = Settle(); !wrong.empty()) return wrong;
  }
  return Judge();
}

void ExploredHba::RunWorker() {
  const Observed observed(true);
  const auto nobody_acts = [this] { return acting_ == 0 && attacher_ended_ && !IocHasNews(); };
  while (!stopping_) {
    work_ = false;
    if (hba_.RunWorkerStep()) continue;
    if (nobody_acts()) break;
    Interleaving::WaitFor("work", [&] { return work_ || stopping_ || nobody_acts(); });
  }
  worker_ended_ = true;
}

void ExploredHba::RunAttacher() {
  const Observed observed(true);
  const auto is_due = [this] { return hba_.NextAttachDue() <= clock_.Monotonic(); };
  const auto nobody_acts = [this] { return acting_ == 0; };
  while (!stopping_) {
    if (hba_.RunAttachStep()) continue;
    if (nobody_acts()) break;
    Interleaving::WaitFor("a device to attach",
                          [&] { return is_due() || stopping_ || nobody_acts(); });
  }
  attacher_ended_ = true;
}

void ExploredHba::Unload() {
  stopping_ = true;
  Interleaving::WaitFor("worker and attacher", [this] { return worker_ended_ && attacher_ended_; });
  {
    const Observed observed(true);
    hba_.Stop();
  }
  unload_ended_ = true;
}

// The transport's context.
void ExploredHba::RunIoc() {
  const Observed observed(true);
  const auto is_over = [this] {
    return acting_ == 0 && worker_ended_ && attacher_ended_ && unload_ended_;
  };
  while (true) {
    Interleaving::WaitFor("the function", [&] { return IocHasNews() || is_over(); });
    bool left;
    {
      const Observed unobserved(false);
      left = pci_->IsLeftUnnoticed();
      if (!left && !pci_->HasNews()) return;
    }
    if (left) pci_->AdvanceToTheNextLook();
    pci_->RunStep();
  }
}

std::string ExploredHba::Settle() {
  for (int i = 0; i < kMostSettling; ++i) {
    Deliver();
    if (hba_.RunWorkerStep() || hba_.RunAttachStep()) continue;
    const absl::Duration timers = emulator_->RunTimers();
    if (IocHasNews() || hba_.RunWorkerStep()) continue;
    const absl::Duration due = std::min({hba_.NextWorkerDue(), hba_.NextAttachDue(), timers});
    const std::string unfinished = hba_.Unfinished();
    if (due == absl::InfiniteDuration()) {
      return unfinished.empty() ? "" : absl::StrCat("never finished: ", unfinished);
    }
    clock_.Advance(std::max(due - clock_.Monotonic(), absl::Nanoseconds(1)));
  }
  return absl::StrCat("does not settle: ", hba_.Unfinished());
}

std::string ExploredHba::Judge() {
  std::string wrong = sink_.illegal();
  if (!stopping_) {
    absl::StrAppend(&wrong, hba_.devices().CheckInvariants(),
                    sink_.Differences(emulator_->Truth(0)));
    const size_t listed = 1 + hba_.nodes().expander_count() + hba_.nodes().enclosure_count() +
                          hba_.devices().size();  // 1: the host
    if (hba_.live_objects() != listed) {
      absl::StrAppend(&wrong, hba_.live_objects(), " objects live, ", listed, " are listed\n");
    }
    hba_.Stop();
  }
  if (hba_.live_objects() != 0) {
    absl::StrAppend(&wrong, hba_.live_objects(), " objects are left after the stop\n");
  }
  if (pci_ != nullptr) {
    absl::StrAppend(&wrong, pci_->violations());
    pci_->Stop();
    if (pci_->slot().ioc_state() != mpi::IocState::kReady) wrong += "the IOC is not READY\n";
  }
  return wrong;
}

}  // namespace sasd::lifetime
