#include "driver/transport/pci_ioc/pci_ioc_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "driver/transport/pci_ioc/system_interface.h"

namespace sasd::pci_ioc {
namespace {

using namespace system_interface;  // NOLINT: names of registers and bits
using mpi::Function;
using mpi::IocState;
using transport::IocListener;
using transport::IocReply;
using transport::IocRequest;

// Event notification reply (mpi2_ioc.h): the length of its data in dwords, and the data.
constexpr size_t kEventDataLength = 0x00;
constexpr size_t kEventData = mpi::EventNotificationReply::kDataOffset;
constexpr absl::Duration kLastLook = absl::Seconds(1);
constexpr absl::Duration kPollBusy = absl::Milliseconds(1), kPollIdle = absl::Milliseconds(10);

absl::Status WithName(absl::string_view name, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(name, ": ", status.message()));
}

std::string NameOf(const PciBus& bus, const PciIocOptions& options) {
  return options.info.name.empty() ? absl::StrCat("pci:", bus.function().address)
                                   : options.info.name;
}

}  // namespace

// ------------------------------------------------------------------------------ Begin and end

PciIocTransport::PciIocTransport(std::unique_ptr<PciBus> bus, Clock& clock, PciIocOptions options)
    : bus_(std::move(bus)),
      clock_(clock),
      options_(std::move(options)),
      own_pacer_(*bus_, clock),
      pacer_(options_.pacer != nullptr ? *options_.pacer : own_pacer_),
      requests_(NameOf(*bus_, options_)),
      thread_id_(std::this_thread::get_id()) {
  options_.info.owned = true;
  options_.info.answers_at_once = false;
  if (options_.info.pci_address.empty()) options_.info.pci_address = bus_->function().address;
  options_.info.name = NameOf(*bus_, options_);
}

absl::StatusOr<std::unique_ptr<PciIocTransport>> PciIocTransport::Create(
    std::unique_ptr<PciBus> bus, Clock& clock, PciIocOptions options) {
  std::unique_ptr<PciIocTransport> ioc(
      new PciIocTransport(std::move(bus), clock, std::move(options)));
  absl::StatusOr<DmaArena> arena = ioc->bus_->AllocateArena(PciBus::kMaxArena);
  absl::Status begun = arena.status();
  if (arena.ok()) {
    ioc->arena_ = *arena;
    begun = ioc->BringUp(ResetWish::kGentle);
  }
  if (begun.ok()) begun = ioc->EnableInterrupts();
  if (begun.ok()) begun = ioc->BeginReady();
  if (!begun.ok()) {
    // Nothing was started, so nothing is handed back.
    absl::MutexLock lock(&ioc->mu_);
    ioc->state_ = State::kGone;
    return WithName(ioc->options_.info.name, begun);
  }
  ioc->next_look_ = clock.Monotonic() + ioc->options_.look_interval;
  if (ioc->options_.threaded) ioc->thread_ = std::thread(&PciIocTransport::Run, ioc.get());
  return ioc;
}

PciIocTransport::~PciIocTransport() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    listener_ = nullptr;
  }
  own_pacer_.Stop();
  if (thread_.joinable()) thread_.join();
  const bool gone = state() == State::kGone;
  if (!gone) HandBack();
  const absl::Status ended = absl::CancelledError(absl::StrCat(options_.info.name, " has ended"));
  for (Job& job : TakeJobs()) job.done(ended);
  Abort(ended);
}

// ------------------------------------------------------------------------------------ Requests

PciIocTransport::State PciIocTransport::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

absl::Status PciIocTransport::CheckState(RequestPath path) const {
  switch (state_) {
    case State::kGone:
      return absl::FailedPreconditionError(
          absl::StrCat(options_.info.name, " is gone: ", gone_.message()));
    case State::kInReset:
      return absl::UnavailableError(absl::StrCat(options_.info.name, ": in reset"));
    case State::kReady:
      if (path == RequestPath::kDoorbell) return absl::OkStatus();
      return absl::UnavailableError(
          absl::StrCat(options_.info.name, " does not operate yet: send IOC INIT first"));
    case State::kOperational:
      return absl::OkStatus();
  }
  return absl::InternalError("state");
}

absl::Status PciIocTransport::Submit(const IocRequest& request, Completion done) {
  return Send(request, std::move(done)).status();
}

absl::StatusOr<uint64_t> PciIocTransport::Send(const IocRequest& request, Completion done) {
  const absl::StatusOr<RequestPath> path = CheckAllowed(request);
  if (!path.ok()) return path.status();
  bool wake = false;
  uint64_t ticket = 0;
  {
    absl::MutexLock lock(&mu_);
    if (absl::Status s = CheckState(*path); !s.ok()) return s;
    if (*path == RequestPath::kDoorbell) {
      jobs_.push_back({Bytes(request.frame.begin(), request.frame.end()),
                       clock_.Monotonic() + request.timeout, std::move(done)});
      wake = true;
    } else {
      const absl::StatusOr<RequestTable::Placed> placed =
          requests_.Place(request, *path, clock_.Monotonic() + request.timeout, std::move(done));
      if (!placed.ok()) return placed.status();
      // Events come on queue 0. So does the reply of port enable, after its events.
      const size_t queue = *path == RequestPath::kScsiIo ? placed->smid % layout_.queue_count : 0;
      registers_.Post(*bus_, *path, placed->smid, placed->handle, queue);
      ticket = placed->ticket;
      // The thread's wait ends in time for its look. An earlier deadline, or a poll, needs it now.
      wake = mode_ == InterruptMode::kNone || request.timeout < options_.look_interval;
    }
  }
  if (wake) bus_->Wake();
  return ticket;
}

bool PciIocTransport::GiveUp(uint64_t ticket) {
  absl::MutexLock lock(&mu_);
  if (!requests_.GiveUp(ticket)) return false;
  ++stats_.timeouts;
  return true;
}

absl::StatusOr<IocReply> PciIocTransport::Execute(const IocRequest& request) {
  struct Waiter {
    absl::Notification done;
    absl::StatusOr<IocReply> result = IocReply();
  };
  const auto waiter = std::make_shared<Waiter>();  // a doorbell's reply may come after the timeout
  const absl::StatusOr<uint64_t> ticket = Send(request, [waiter](absl::StatusOr<IocReply> result) {
    waiter->result = std::move(result);
    waiter->done.Notify();
  });
  if (!ticket.ok()) return ticket.status();
  if (options_.threaded) {
    // The thread looks for the reply when the time is over, in case its interrupt was lost. Only a
    // listener that keeps the thread makes this wait end before it has.
    if (waiter->done.WaitForNotificationWithTimeout(request.timeout + kLastLook)) {
      return std::move(waiter->result);
    }
  } else {
    const absl::Time end = absl::Now() + request.timeout;
    while (!waiter->done.HasBeenNotified() && absl::Now() < end) RunStep(kPollBusy);
    if (waiter->done.HasBeenNotified()) return std::move(waiter->result);
  }
  // The data belongs to the caller again: nothing may be copied there after this.
  if (*ticket != 0 && !GiveUp(*ticket)) {
    waiter->done.WaitForNotification();  // it completes now
    return std::move(waiter->result);
  }
  return absl::DeadlineExceededError(absl::StrCat(options_.info.name, ": no reply within ",
                                                  absl::FormatDuration(request.timeout)));
}

void PciIocTransport::SetListener(IocListener* listener) {
  absl::MutexLock lock(&mu_);
  listener_ = listener;  // no further call begins after this
  if (!OnThread()) mu_.Await(absl::Condition(this, &PciIocTransport::NobodyIsCalling));
}

absl::Status PciIocTransport::Reset() {
  uint64_t mine = 0;
  bool on_thread = false;
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kGone) return CheckState(RequestPath::kDoorbell);
    mine = ++resets_wanted_;
    on_thread = options_.threaded ? OnThread() : calling_;
  }
  bus_->Wake();
  if (on_thread) return absl::OkStatus();
  if (!options_.threaded) RunStep(absl::ZeroDuration());
  absl::MutexLock lock(&mu_);
  const auto is_over = [this, mine]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return resets_done_ >= mine || state_ == State::kGone;
  };
  mu_.Await(absl::Condition(&is_over));
  if (resets_done_ >= mine) return absl::OkStatus();
  return CheckState(RequestPath::kDoorbell);
}

PciIocStats PciIocTransport::stats() const {
  absl::MutexLock lock(&mu_);
  return stats_;
}

size_t PciIocTransport::requests_in_flight() const {
  absl::MutexLock lock(&mu_);
  return requests_.in_use();
}

// ---------------------------------------------------------------------------------- The thread

void PciIocTransport::Run() {
  {
    absl::MutexLock lock(&mu_);
    thread_id_ = std::this_thread::get_id();
  }
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (state_ == State::kGone) mu_.Await(absl::Condition(&stopping_));
      if (stopping_) return;
    }
    RunStep(options_.look_interval);
  }
}

absl::Duration PciIocTransport::NextWait(absl::Duration longest) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mu_);
  if (!jobs_.empty() || resets_wanted_ > resets_done_) return absl::ZeroDuration();
  absl::Duration wait = std::min(longest, next_look_ - now);
  if (mode_ == InterruptMode::kNone) {
    wait = std::min(wait, requests_.IsAwaited() ? kPollBusy : kPollIdle);
  }
  wait = std::min(wait, requests_.NextDeadline() - now);
  return std::max(wait, absl::ZeroDuration());
}

void PciIocTransport::RunStep(absl::Duration longest) {
  if (state() == State::kGone) return;
  const WaitResult waited = bus_->Wait(NextWait(longest));
  if (waited.failed) return BecomeGone(bus_->error());
  if (waited.release_requested) {
    HandBack();
    return BecomeGone(absl::CancelledError("the system has taken the function back"));
  }
  uint64_t wanted = 0;
  {
    absl::MutexLock lock(&mu_);
    if (waited.interrupt) ++stats_.interrupts_taken;
    if (resets_wanted_ > resets_done_) wanted = resets_wanted_;
  }
  if (wanted != 0) Recover("on request", ResetWish::kDiagnostic);
  RunJobs();
  Drain();
  Expire();
  if (clock_.Monotonic() >= next_look_) Look();
}

std::deque<PciIocTransport::Job> PciIocTransport::TakeJobs() {
  std::deque<Job> jobs;
  absl::MutexLock lock(&mu_);
  jobs.swap(jobs_);
  return jobs;
}

void PciIocTransport::RunJobs() {
  std::deque<Job> jobs = TakeJobs();
  for (Job& job : jobs) {
    absl::Status state;
    {
      absl::MutexLock lock(&mu_);
      state = CheckState(RequestPath::kDoorbell);
    }
    job.done(state.ok() ? RunJob(job) : state);
  }
  if (!jobs.empty() && ReadDoorbell(*bus_).used) next_look_ = clock_.Monotonic();
}

absl::StatusOr<IocReply> PciIocTransport::RunJob(const Job& job) {
  const Function function = *mpi::DecodeFunction(job.frame);
  absl::StatusOr<Bytes> frame;
  if (function == Function::kIocInit) {
    frame = Initialize(job);
  } else if (function == Function::kMessageUnitReset) {
    frame = TakeBackToReady();
  } else {
    frame = Handshake(*bus_, pacer_, job.frame, job.deadline - clock_.Monotonic());
  }
  if (!frame.ok()) return WithName(options_.info.name, frame.status());
  IocReply reply;
  reply.frame = *std::move(frame);
  return reply;
}

// Reads all queues: queue 0, the events', last. So each event that came before a reply that is read
// here is read here, too, and is delivered before the reply.
void PciIocTransport::Drain() {
  QueueRegisters registers;
  {
    absl::MutexLock lock(&mu_);
    if (state_ != State::kOperational) return;
    registers = registers_;
  }
  std::vector<RingEntry> entries;
  for (size_t queue = rings_.queue_count(); queue-- > 0;) {
    const size_t before = entries.size();
    rings_.Take(queue, entries);
    if (entries.size() == before) continue;
    QueueRegisters::WriteFreeIndex(*bus_, rings_.free_host_index());
    registers.WritePostIndex(*bus_, queue, rings_.post_host_index(queue));
  }
  bus_->RearmInterrupt();
  if (entries.empty()) return;
  bool events = false;
  std::vector<RequestTable::Finished> finished;
  {
    absl::MutexLock lock(&mu_);
    for (RingEntry& entry : entries) {
      if (entry.kind == RingEntry::Kind::kEvent) {
        events = true;
        ++stats_.events;
        continue;
      }
      RequestTable::Answer answer = requests_.Finish(entry);
      if (answer.finished.has_value()) {
        ++stats_.replies;
        finished.push_back(*std::move(answer.finished));
      }
      if (answer.lie) {
        ++stats_.rejected;
        ++lies_;
      }
    }
  }
  for (const RingEntry& entry : entries) {
    if (entry.kind == RingEntry::Kind::kEvent) DeliverEvent(entry);
    // It may have been an event.
    if (entry.kind == RingEntry::Kind::kRejected && entry.smid == 0) {
      events = true;
      Notify([](IocListener& listener) { listener.OnEventsLost(1); });
    }
  }
  for (RequestTable::Finished& one : finished) one.done(std::move(one.result));
  if (events) EndDelivery();
  if (lies_ >= kMaxLies) {
    Recover(absl::StrCat(lies_, " entries of its reply queues make no sense"),
            ResetWish::kDiagnostic);
  }
}

// An event whose data was cut at the end of its frame keeps what there is: it may want to be
// acknowledged, and its receiver finds that it is cut.
void PciIocTransport::DeliverEvent(const RingEntry& entry) {
  Bytes frame = entry.frame;
  if (frame.size() >= kEventData) {
    const size_t there = (frame.size() - kEventData) / 4;
    if (LoadLe16(frame, kEventDataLength) > there) {
      StoreLe16(absl::MakeSpan(frame), kEventDataLength, static_cast<uint16_t>(there));
    }
  }
  const auto event = mpi::DecodeEventNotificationReply(frame);
  if (!event.ok() || event->header.function != Function::kEventNotification) {
    {
      absl::MutexLock lock(&mu_);
      ++stats_.rejected;
    }
    ++lies_;
    return Notify([](IocListener& listener) { listener.OnEventsLost(1); });
  }
  transport::EventArrival arrival;
  arrival.event = event->event;
  arrival.context = event->context;
  arrival.ack_required = event->ack_required;
  arrival.data = event->data;
  arrival.time = clock_.Monotonic();
  Notify([&arrival](IocListener& listener) { listener.OnEvent(arrival); });
}

void PciIocTransport::Notify(absl::FunctionRef<void(IocListener&)> call) {
  IocListener* listener = nullptr;
  {
    absl::MutexLock lock(&mu_);
    listener = listener_;
    if (listener == nullptr) return;
    calling_ = true;
  }
  call(*listener);
  absl::MutexLock lock(&mu_);
  calling_ = false;
}

void PciIocTransport::EndDelivery() {
  Notify([](IocListener& listener) { listener.OnDelivered(IocListener::Caller::kMayNotWait); });
}

void PciIocTransport::Expire() {
  const absl::Duration now = clock_.Monotonic();
  std::vector<Completion> expired;
  bool stuck = false;
  {
    absl::MutexLock lock(&mu_);
    expired = requests_.Expire(now);
    stats_.timeouts += expired.size();
    stuck = state_ == State::kOperational && requests_.IsStuck();
  }
  for (Completion& done : expired) {
    done(absl::DeadlineExceededError(absl::StrCat(options_.info.name, ": no reply in time")));
  }
  if (stuck) Recover("half of its requests were never answered", ResetWish::kDiagnostic);
}

}  // namespace sasd::pci_ioc
