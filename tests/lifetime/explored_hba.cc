#include "tests/lifetime/explored_hba.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::lifetime {
namespace {

using Observed = Interleaving::Observed;

// More than any program needs.
constexpr int kMostSettling = 10'000;

std::unique_ptr<emulator::Emulator> MakeEmulator(const emulator::SyntheticFabricOptions& fabric,
                                                 Clock& clock) {
  auto emulator = emulator::Emulator::Create(emulator::SyntheticFabric(fabric), {}, clock);
  return *std::move(emulator);
}

}  // namespace

// ---------------------------------------------------------------------------- ObservedTransport

absl::Status ObservedTransport::Submit(const transport::IocRequest& request, Completion done) {
  Interleaving::Point("request");
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
  const Observed unobserved(false);
  return inner_.Execute(request);
}

void ObservedTransport::SetListener(transport::IocListener* listener) {
  const Observed unobserved(false);
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

ExploredHba::ExploredHba(const emulator::SyntheticFabricOptions& fabric, Begin begin)
    : emulator_(MakeEmulator(fabric, clock_)),
      ioc_(emulator_->transport(0)),
      hba_(ioc_, clock_, sink_, [this](discovery::Hba::Caller) { work_ = true; }) {
  if (!hba_.Start().ok()) abort();
  while (hba_.RunWorkerStep()) {
  }
  while (begin == Begin::kAttached && hba_.RunAttachStep()) {
  }
}

std::string ExploredHba::Run(Schedule& schedule, const Threads& threads,
                             std::vector<Actor> actors) {
  std::vector<Interleaving::Thread> bodies;
  worker_ended_ = !threads.worker;
  attacher_ended_ = !threads.attacher;
  if (threads.worker) bodies.push_back({"worker", [this] { RunWorker(); }});
  if (threads.attacher) bodies.push_back({"attacher", [this] { RunAttacher(); }});
  if (threads.unload) bodies.push_back({"unload", [this] { Unload(); }});
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
  const auto nobody_acts = [this] { return acting_ == 0 && attacher_ended_; };
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
  const Observed observed(true);
  hba_.Stop();
}

std::string ExploredHba::Settle() {
  for (int i = 0; i < kMostSettling; ++i) {
    if (hba_.RunWorkerStep() || hba_.RunAttachStep()) continue;
    const absl::Duration timers = emulator_->RunTimers();
    if (hba_.RunWorkerStep()) continue;
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
  return wrong;
}

}  // namespace sasd::lifetime
