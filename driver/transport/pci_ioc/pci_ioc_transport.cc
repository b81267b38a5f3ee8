#include "driver/transport/pci_ioc/pci_ioc_transport.h"

#include <algorithm>
#include <atomic>
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

constexpr uint32_t kPciVendor = 0x00;
constexpr absl::Duration kPollBusy = absl::Milliseconds(1), kPollIdle = absl::Milliseconds(10);
// A gone function is looked at twice: a reset by another path has such moments, too.
constexpr int kSilentLooks = 2;
constexpr int kResetAttempts = 3;
constexpr absl::Duration kResetRetry = absl::Seconds(5);
constexpr uint8_t kHostPageShift = 12;  // IOC init, HostPageSize: 4 KiB
constexpr size_t kSenseAddressLow = 0x0C, kScsiIoFlags = 0x24, kDevHandle = 0x00;
constexpr uint16_t kIeeeSglVersion = 0x0205;  // MPI 2.5
// 94xx of the Aero and Sea kind (mpi2_cnfg.h, MPI26_MFGPAGE_DEVID_*_3816, _3916): the kernel uses
// atomic descriptors with these alone (mpt3sas_base.c, mpt3sas_base_attach).
constexpr uint16_t kAeroMask = 0xFFF0, kAero = 0x00E0;

absl::Status WithName(absl::string_view name, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(name, ": ", status.message()));
}

Bytes PlainReply(Function function, mpi::IocStatus status = mpi::IocStatus::kSuccess) {
  return mpi::EncodeReplyHeader({function, status, 0});
}

// How much of the data in the IOC has filled, cut to `room`.
size_t DataInSize(Function function, mpi::ConfigAction action, ByteSpan frame, size_t room) {
  switch (function) {
    case Function::kConfig: {
      const auto reply = mpi::DecodeConfigReply(frame);
      if (!reply.ok() || reply->header.status != mpi::IocStatus::kSuccess) return 0;
      if (action == mpi::ConfigAction::kPageHeader) return 0;
      return std::min(room, size_t{4} * reply->page.dwords);
    }
    case Function::kSmpPassthrough: {
      const auto reply = mpi::DecodeSmpPassthroughReply(frame);
      return reply.ok() ? std::min<size_t>(room, reply->response_size) : 0;
    }
    case Function::kScsiIo: {
      const auto reply = mpi::DecodeScsiIoReply(frame);
      return reply.ok() ? std::min<size_t>(room, reply->transfer_count) : 0;
    }
    default:
      return 0;
  }
}

}  // namespace

// Waits at the bus, so that the system's request, a failure and the end of the transport end the
// wait. In its last mode only a failure does: an IOC is handed back in any case.
class PciIocTransport::BusPacer : public Pacer {
 public:
  BusPacer(PciBus& bus, Clock& clock) : bus_(bus), clock_(clock) {}

  void Stop() {
    stopped_ = true;
    bus_.Wake();
  }
  void BeginLast() { last_ = true; }

  absl::Duration Monotonic() override { return clock_.Monotonic(); }

  absl::Status Pause(absl::Duration duration) override {
    if (last_) {
      absl::SleepFor(duration);
      return bus_.error();
    }
    const absl::Time end = absl::Now() + duration;
    do {
      const WaitResult result = bus_.Wait(end - absl::Now());
      if (result.failed) return bus_.error();
      if (stopped_) return absl::CancelledError("the transport ends");
      if (result.release_requested) {
        return absl::CancelledError("the system wants the function back");
      }
    } while (absl::Now() < end);
    return absl::OkStatus();
  }

 private:
  PciBus& bus_;
  Clock& clock_;
  std::atomic<bool> stopped_{false}, last_{false};
};

// ------------------------------------------------------------------------------ Begin and end

PciIocTransport::PciIocTransport(std::unique_ptr<PciBus> bus, Clock& clock, PciIocOptions options)
    : bus_(std::move(bus)),
      clock_(clock),
      options_(std::move(options)),
      own_pacer_(std::make_unique<BusPacer>(*bus_, clock)),
      pacer_(options_.pacer != nullptr ? options_.pacer : own_pacer_.get()),
      thread_id_(std::this_thread::get_id()) {
  options_.info.owned = true;
  options_.info.answers_at_once = false;
  if (options_.info.pci_address.empty()) options_.info.pci_address = bus_->function().address;
  if (options_.info.name.empty()) {
    options_.info.name = absl::StrCat("pci:", bus_->function().address);
  }
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
  own_pacer_->Stop();
  if (thread_.joinable()) thread_.join();
  const bool gone = state() == State::kGone;
  if (!gone) HandBack();
  const absl::Status ended = absl::CancelledError(absl::StrCat(options_.info.name, " has ended"));
  for (Job& job : TakeJobs()) job.done(ended);
  Abort(ended);
}

absl::Status PciIocTransport::BringUp(ResetWish wish) {
  const auto reset = MakeReady(*bus_, *pacer_, wish);
  if (!reset.ok()) return reset.status();
  const auto facts = ReadIocFacts(*bus_, *pacer_);
  if (!facts.ok()) return facts.status();
  facts_ = *facts;
  return absl::OkStatus();
}

absl::Status PciIocTransport::BeginReady() {
  const auto layout = LayOutQueues(facts_, queues_, arena_.bytes.size());
  if (!layout.ok()) return layout.status();
  rings_ = ReplyRings(*layout, arena_.bytes, arena_.address);
  absl::MutexLock lock(&mu_);
  ieee_ = facts_.message_version >= kIeeeSglVersion;
  atomic_ = (facts_.capabilities & kCapabilityAtomicRequest) != 0 &&
            (bus_->function().device_id & kAeroMask) == kAero;
  layout_ = *layout;
  pool_ = RequestPool(layout_);
  outstanding_.clear();
  outstanding_.resize(layout_.smid_count());
  given_up_ = 0;
  state_ = State::kReady;
  stats_.queues = layout_.queue_count;
  return absl::OkStatus();
}

absl::Status PciIocTransport::EnableInterrupts() {
  const size_t wanted = std::min({std::max<size_t>(options_.vectors, 1), QueueLayout::kMaxQueues,
                                  std::max<size_t>(facts_.max_msix_vectors, 1)});
  absl::StatusOr<size_t> given = absl::UnimplementedError("not tried");
  mode_ = options_.interrupts;
  if (mode_ == InterruptMode::kMsix) {
    given = bus_->EnableInterrupts(mode_, wanted);
    if (!given.ok()) mode_ = InterruptMode::kIntx;
  }
  if (mode_ == InterruptMode::kIntx) {
    given = bus_->EnableInterrupts(mode_, 1);
    if (!given.ok()) mode_ = InterruptMode::kNone;
  }
  if (mode_ == InterruptMode::kNone) {
    given = bus_->EnableInterrupts(mode_, 1);
    if (!given.ok()) return given.status();
  }
  queues_ = mode_ == InterruptMode::kMsix ? std::max<size_t>(*given, 1) : 1;
  absl::MutexLock lock(&mu_);
  stats_.interrupts = mode_;
  return absl::OkStatus();
}

void PciIocTransport::SetBusMaster(bool on) {
  const uint32_t command = bus_->ReadConfig(kPciCommand, 2);
  if (command == 0xFFFF) return;  // nobody answers
  const uint32_t wanted = on ? command | kPciCommandBusMaster : command & ~kPciCommandBusMaster;
  if (wanted != command) bus_->WriteConfig(kPciCommand, wanted, 2);
}

bool PciIocTransport::IsBusMaster() {
  return (bus_->ReadConfig(kPciCommand, 2) & kPciCommandBusMaster) != 0;
}

void PciIocTransport::HandBack() {
  own_pacer_->BeginLast();
  bus_->Write32(kInterruptMask, kMaskAll);
  bus_->DisableInterrupts();
  // It must not write to memory any more, in any state. One that operates first ends what
  // it does; one that does not is cut off before the reset, which may take long.
  if (ReadDoorbell(*bus_).state != IocState::kOperational) SetBusMaster(false);
  (void)MakeReady(*bus_, *pacer_, ResetWish::kGentle);
  SetBusMaster(false);
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
  absl::StatusOr<uint64_t> ticket = 0;
  {
    absl::MutexLock lock(&mu_);
    if (absl::Status s = CheckState(*path); !s.ok()) return s;
    if (*path == RequestPath::kDoorbell) {
      jobs_.push_back({Bytes(request.frame.begin(), request.frame.end()),
                       clock_.Monotonic() + request.timeout, std::move(done)});
      wake = true;
    } else {
      ticket = Post(request, *path, std::move(done));
      // The thread's wait ends in time for its look. An earlier deadline, or a poll, needs it now.
      wake = ticket.ok() &&
             (mode_ == InterruptMode::kNone || request.timeout < options_.look_interval);
    }
  }
  if (wake) bus_->Wake();
  return ticket;
}

absl::StatusOr<uint64_t> PciIocTransport::Post(const IocRequest& request, RequestPath path,
                                               Completion done) {
  if (request.frame.size() > layout_.request_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a frame of ", request.frame.size(), " bytes; the IOC's have ", layout_.request_size));
  }
  // Each direction begins at its own dword.
  const size_t out_size = (request.data_out.size() + 7) / 8 * 8;
  absl::StatusOr<RequestSlot> slot =
      pool_.Allocate(path == RequestPath::kHighPriority, out_size + request.data_in.size());
  if (!slot.ok()) return WithName(options_.info.name, slot.status());
  Outstanding& outstanding = outstanding_[slot->smid];
  outstanding = Outstanding();
  outstanding.active = true;
  outstanding.ticket = next_ticket_++;
  outstanding.slot = *slot;
  outstanding.function = *mpi::DecodeFunction(request.frame);  // CheckAllowed() has
  outstanding.data_in = request.data_in;
  outstanding.data_offset = slot->data + out_size;
  outstanding.deadline = clock_.Monotonic() + request.timeout;
  outstanding.done = std::move(done);

  const MutableByteSpan frame = arena_.bytes.subspan(slot->frame, layout_.request_size);
  std::fill(frame.begin(), frame.end(), uint8_t{0});
  std::copy(request.frame.begin(), request.frame.end(), frame.begin());
  const DmaData data = PlaceData(request, outstanding);
  if (path == RequestPath::kScsiIo) {
    const mpi::ScsiIoRequest scsi = *mpi::DecodeScsiIoRequest(request.frame);
    outstanding.sense_size = std::min<size_t>(scsi.sense_size, QueueLayout::kSenseSize);
    StoreLe32(frame, kSenseAddressLow, static_cast<uint32_t>(arena_.address + slot->sense));
    if (scsi.io_flags == 0) StoreLe16(frame, kScsiIoFlags, CdbLength(scsi.cdb[0]));
  }
  if (outstanding.function == Function::kConfig) {
    outstanding.action = static_cast<mpi::ConfigAction>(Load8(frame, 0x00));
  }
  const SglFormat format = SglFormatOf(outstanding.function, ieee_);
  if (format != SglFormat::kNone &&
      WriteSgl(format, data, frame.subspan(request.frame.size())) == 0) {
    pool_.Free(slot->smid);
    outstanding = Outstanding();
    return absl::InvalidArgumentError("the scatter-gather list does not fit the IOC's frames");
  }
  const bool has_handle = path == RequestPath::kScsiIo || path == RequestPath::kHighPriority;
  PostDescriptor(path, slot->smid, has_handle ? LoadLe16(frame, kDevHandle) : 0);
  return outstanding.ticket;
}

DmaData PciIocTransport::PlaceData(const IocRequest& request, Outstanding& outstanding) {
  const size_t out = outstanding.slot.data, in = outstanding.data_offset;
  DmaData data;
  data.out_size = static_cast<uint32_t>(request.data_out.size());
  data.in_size = static_cast<uint32_t>(request.data_in.size());
  if (data.out_size != 0) {
    data.out_address = arena_.address + out;
    std::copy(request.data_out.begin(), request.data_out.end(),
              arena_.bytes.begin() + static_cast<std::ptrdiff_t>(out));
  }
  if (data.in_size != 0) {
    // What the IOC does not write is not what the last request left.
    const MutableByteSpan to = arena_.bytes.subspan(in, data.in_size);
    std::fill(to.begin(), to.end(), uint8_t{0});
    data.in_address = arena_.address + in;
  }
  return data;
}

void PciIocTransport::PostDescriptor(RequestPath path, uint16_t smid, uint16_t handle) {
  uint8_t type = kRequestDefault;
  if (path == RequestPath::kScsiIo) type = kRequestScsiIo;
  if (path == RequestPath::kHighPriority) type = kRequestHighPriority;
  // Events come on queue 0. So does the reply of port enable, after its events.
  const uint32_t queue = path == RequestPath::kScsiIo ? smid % layout_.queue_count : 0;
  const uint32_t low = type | queue << 8 | uint32_t{smid} << 16;
  if (atomic_) {
    bus_->Write32(kAtomicRequestPost, low);
  } else {
    bus_->Write64(kRequestPost,
                  low | (path == RequestPath::kScsiIo ? uint64_t{handle} << 48 : uint64_t{0}));
  }
}

bool PciIocTransport::GiveUp(uint64_t ticket) {
  absl::MutexLock lock(&mu_);
  for (Outstanding& request : outstanding_) {
    if (!request.active || request.ticket != ticket) continue;
    request.active = false;
    request.done = nullptr;
    request.data_in = {};
    ++given_up_;
    ++stats_.timeouts;
    return true;
  }
  return false;
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
    if (waiter->done.WaitForNotificationWithTimeout(request.timeout)) {
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
  return pool_.in_use();
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
    wait = std::min(wait, pool_.in_use() > given_up_ ? kPollBusy : kPollIdle);
  }
  for (const Outstanding& request : outstanding_) {
    if (request.active) wait = std::min(wait, request.deadline - now);
  }
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
    frame = Handshake(*bus_, *pacer_, job.frame, job.deadline - clock_.Monotonic());
  }
  if (!frame.ok()) return WithName(options_.info.name, frame.status());
  IocReply reply;
  reply.frame = *std::move(frame);
  return reply;
}

absl::StatusOr<Bytes> PciIocTransport::Initialize(const Job& job) {
  if (state() != State::kReady) {
    return PlainReply(Function::kIocInit, mpi::IocStatus::kInvalidState);
  }
  QueueLayout layout;
  {
    absl::MutexLock lock(&mu_);
    layout = layout_;
  }
  rings_.Reset();
  lies_ = 0;
  mpi::IocInitRequest init = *mpi::DecodeIocInitRequest(job.frame);  // CheckAllowed() has
  init.request_frame_dwords = static_cast<uint16_t>(layout.request_size / 4);
  init.reply_post_queue_depth = layout.reply_post_depth;
  init.reply_free_queue_depth = layout.reply_count;
  init.sense_buffer_address_high = static_cast<uint32_t>(arena_.address >> 32);
  init.reply_address_high = static_cast<uint32_t>(arena_.address >> 32);
  init.request_frame_base = arena_.address + layout.requests;
  init.reply_post_queue_address = arena_.address + layout.reply_post;
  init.reply_free_queue_address = arena_.address + layout.reply_free;
  init.host_page_size = kHostPageShift;
  init.host_msix_vectors =
      mode_ == InterruptMode::kMsix ? static_cast<uint8_t>(layout.queue_count) : 0;
  if ((facts_.capabilities & kCapabilityCoredump) != 0) {
    init.configuration_flags |= kInitCoredumpEnable;
  }
  SetBusMaster(true);
  absl::StatusOr<Bytes> reply =
      Handshake(*bus_, *pacer_, mpi::EncodeIocInitRequest(init), job.deadline - clock_.Monotonic());
  absl::StatusOr<mpi::ReplyHeader> header = mpi::ReplyHeader();
  if (reply.ok()) {
    header = mpi::DecodeReplyHeader(*reply);
  } else {
    header = reply.status();
  }
  // Success means a log info of 0, too (mpt3sas_base.c, _base_send_ioc_init).
  if (!header.ok() || header->status != mpi::IocStatus::kSuccess || header->log_info != 0) {
    SetBusMaster(false);
    if (header.ok() && header->status == mpi::IocStatus::kSuccess) {
      return absl::InternalError(
          absl::StrCat("IOC init: log info 0x", absl::Hex(header->log_info, absl::kZeroPad8)));
    }
    return header.ok() ? reply : header.status();
  }
  bus_->Write32(kReplyFreeHostIndex, rings_.free_host_index());
  for (uint32_t queue = 0; queue < rings_.queue_count(); ++queue) {
    bus_->Write32(kReplyPostHostIndex, queue << kQueueShift);
  }
  bus_->Write32(kInterruptMask, kMaskAllButReplies);
  bus_->RearmInterrupt();
  next_look_ = clock_.Monotonic() + options_.look_interval;
  absl::MutexLock lock(&mu_);
  state_ = State::kOperational;
  return reply;
}

absl::StatusOr<Bytes> PciIocTransport::TakeBackToReady() {
  if (state() == State::kOperational) {
    {
      absl::MutexLock lock(&mu_);
      state_ = State::kInReset;
    }
    absl::Status status = BringUp(ResetWish::kGentle);
    SetBusMaster(false);
    Abort(absl::AbortedError(absl::StrCat(options_.info.name, ": message unit reset")));
    if (status.ok()) status = BeginReady();
    if (!status.ok()) {
      // The next look finds it in another state than READY, and recovers it.
      absl::MutexLock lock(&mu_);
      state_ = State::kReady;
      return status;
    }
  }
  return PlainReply(Function::kMessageUnitReset);
}

// Reads all queues: queue 0, the events', last. So each event that came before a reply that is read
// here is read here, too, and is delivered before the reply.
void PciIocTransport::Drain() {
  if (state() != State::kOperational) return;
  std::vector<RingEntry> entries;
  for (size_t queue = rings_.queue_count(); queue-- > 0;) {
    const size_t before = entries.size();
    rings_.Take(queue, entries);
    if (entries.size() == before) continue;
    bus_->Write32(kReplyFreeHostIndex, rings_.free_host_index());
    bus_->Write32(kReplyPostHostIndex,
                  static_cast<uint32_t>(queue) << kQueueShift | rings_.post_host_index(queue));
  }
  bus_->RearmInterrupt();
  if (entries.empty()) return;
  bool events = false;
  std::vector<Finished> finished;
  {
    absl::MutexLock lock(&mu_);
    for (RingEntry& entry : entries) {
      if (entry.kind == RingEntry::Kind::kEvent) {
        events = true;
        ++stats_.events;
        continue;
      }
      std::optional<Finished> one = Finish(entry);
      if (one.has_value()) {
        ++stats_.replies;
        finished.push_back(*std::move(one));
      } else if (entry.kind == RingEntry::Kind::kRejected) {
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
  for (Finished& one : finished) one.done(std::move(one.result));
  if (events) EndDelivery();
  if (lies_ >= kMaxLies) {
    Recover(absl::StrCat(lies_, " entries of its reply queues make no sense"),
            ResetWish::kDiagnostic);
  }
}

// nullopt: nobody waits for it. Marks an entry that answers nothing as rejected.
std::optional<PciIocTransport::Finished> PciIocTransport::Finish(RingEntry& entry) {
  if (entry.kind == RingEntry::Kind::kRejected) return std::nullopt;
  if (!pool_.InUse(entry.smid)) {
    entry.kind = RingEntry::Kind::kRejected;
    return std::nullopt;
  }
  Outstanding& request = outstanding_[entry.smid];
  const auto function = mpi::DecodeFunction(entry.frame);
  const bool other = entry.kind == RingEntry::Kind::kReply
                         ? !function.ok() || *function != request.function
                         : request.function != Function::kScsiIo;
  std::optional<Finished> finished;
  if (!request.active) {
    --given_up_;
  } else if (other) {
    finished = Finished{
        std::move(request.done),
        absl::InternalError(absl::StrCat(options_.info.name, ": a reply of another function to ",
                                         mpi::ToString(request.function)))};
  } else {
    finished = Finished{std::move(request.done), MakeReply(request, entry)};
  }
  if (other) {
    ++stats_.rejected;
    ++lies_;
  }
  pool_.Free(entry.smid);
  request = Outstanding();
  return finished;
}

IocReply PciIocTransport::MakeReply(const Outstanding& request, RingEntry& entry) {
  IocReply reply;
  if (entry.kind == RingEntry::Kind::kSuccess) {
    reply.frame = PlainReply(request.function);
    reply.data_in_size = request.data_in.size();  // less would be an underrun, with a frame
  } else {
    reply.frame = std::move(entry.frame);
    reply.data_in_size =
        DataInSize(request.function, request.action, reply.frame, request.data_in.size());
  }
  const ByteSpan data = arena_.bytes.subspan(request.data_offset, request.data_in.size());
  std::copy(data.begin(), data.end(), request.data_in.begin());
  if (request.function != Function::kScsiIo) return reply;
  const auto scsi = mpi::DecodeScsiIoReply(reply.frame);
  if (!scsi.ok() || (scsi->scsi_state & mpi::ScsiIoReply::kStateAutosenseValid) == 0) return reply;
  const size_t size = std::min<size_t>(scsi->sense_count, request.sense_size);
  const ByteSpan sense = arena_.bytes.subspan(request.slot.sense, size);
  reply.sense.assign(sense.begin(), sense.end());
  return reply;
}

void PciIocTransport::DeliverEvent(const RingEntry& entry) {
  const auto event = mpi::DecodeEventNotificationReply(entry.frame);
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

template <typename Call>
void PciIocTransport::Notify(Call call) {
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
    for (Outstanding& request : outstanding_) {
      if (!request.active || request.deadline > now) continue;
      request.active = false;
      request.data_in = {};
      expired.push_back(std::move(request.done));
      ++given_up_;
      ++stats_.timeouts;
    }
    stuck = state_ == State::kOperational && 2 * given_up_ > layout_.request_count;
  }
  for (Completion& done : expired) {
    done(absl::DeadlineExceededError(absl::StrCat(options_.info.name, ": no reply in time")));
  }
  if (stuck) Recover("half of its requests were never answered", ResetWish::kDiagnostic);
}

// ------------------------------------------------------------------------------------- Resets

// What is wrong with the IOC; empty: nothing.
std::string PciIocTransport::Trouble(const DoorbellValue& doorbell) {
  const State now = state();
  if (now == State::kOperational && doorbell.state != IocState::kOperational) {
    return absl::StrCat("it left its operation by itself: ", ToString(doorbell));
  }
  if (now == State::kReady && doorbell.state != IocState::kReady) {
    return absl::StrCat("it left READY by itself: ", ToString(doorbell));
  }
  // This thread alone uses it, and does not now: a message was left half sent.
  if (doorbell.used) return "its doorbell hangs";
  if (now == State::kOperational && !IsBusMaster()) return "somebody turned its bus master off";
  return "";
}

void PciIocTransport::Look() {
  next_look_ = clock_.Monotonic() + options_.look_interval;
  const DoorbellValue doorbell = ReadDoorbell(*bus_);
  if (doorbell.gone) return LookAtNothing();
  silent_looks_ = 0;
  const std::string trouble = Trouble(doorbell);
  if (!trouble.empty()) Recover(trouble, ResetWish::kGentle);
}

void PciIocTransport::LookAtNothing() {
  if (bus_->ReadConfig(kPciVendor, 2) == bus_->function().vendor_id) {
    // The function is there, but its registers are not: a reset of the function, or of the slot.
    bus_->WriteConfig(kPciCommand, bus_->ReadConfig(kPciCommand, 2) | kPciCommandMemory, 2);
    if (!ReadDoorbell(*bus_).gone) {
      return Recover("its registers had gone", ResetWish::kGentle);
    }
  }
  if (++silent_looks_ < kSilentLooks) return;
  BecomeGone(absl::NotFoundError("it does not answer any more (all ones)"));
}

void PciIocTransport::Abort(const absl::Status& why) {
  std::vector<Completion> aborted;
  {
    absl::MutexLock lock(&mu_);
    for (Outstanding& request : outstanding_) {
      if (request.active) aborted.push_back(std::move(request.done));
      request = Outstanding();
    }
    pool_ = RequestPool(layout_);
    given_up_ = 0;
  }
  for (Completion& done : aborted) done(why);
}

void PciIocTransport::Recover(absl::string_view why, ResetWish wish) {
  uint64_t wanted = 0;
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kGone) return;
    state_ = State::kInReset;
    wanted = resets_wanted_;
    ++stats_.resets;
    stats_.last_reset = std::string(why);
  }
  bus_->Write32(kInterruptMask, kMaskAll);
  // A faulted IOC has no more business in memory. One that operates ends by itself what it does.
  if (ReadDoorbell(*bus_).state != IocState::kOperational) SetBusMaster(false);
  Notify([](IocListener& listener) { listener.OnResetBegin(); });
  Abort(absl::AbortedError(absl::StrCat(options_.info.name, ": aborted: ", why)));
  for (Job& job : TakeJobs()) {
    job.done(absl::AbortedError(absl::StrCat(options_.info.name, ": aborted: ", why)));
  }
  EndDelivery();
  absl::Status status;
  for (int attempt = 0; attempt < kResetAttempts; ++attempt) {
    if (attempt != 0) status = pacer_->Pause(kResetRetry);
    if (attempt == 0 || status.ok()) status = BringUp(wish);
    SetBusMaster(false);
    if (status.ok()) status = BeginReady();
    if (status.ok() || absl::IsCancelled(status) || !bus_->error().ok()) break;
    wish = ResetWish::kDiagnostic;
  }
  next_look_ = clock_.Monotonic() + options_.look_interval;
  if (absl::IsCancelled(status)) return;  // the end, or the system's request: the next step sees it
  if (!status.ok()) return BecomeGone(status);
  lies_ = 0;
  Notify([](IocListener& listener) { listener.OnReady(); });
  EndDelivery();
  absl::MutexLock lock(&mu_);
  resets_done_ = std::max(resets_done_, wanted);
}

void PciIocTransport::BecomeGone(const absl::Status& why) {
  State before;
  {
    absl::MutexLock lock(&mu_);
    before = std::exchange(state_, State::kGone);
    gone_ = why;
  }
  if (before == State::kGone) return;
  SetBusMaster(false);
  if (before != State::kInReset) {
    Notify([](IocListener& listener) { listener.OnResetBegin(); });
  }
  const absl::Status gone =
      absl::FailedPreconditionError(absl::StrCat(options_.info.name, " is gone: ", why.message()));
  Abort(gone);
  for (Job& job : TakeJobs()) job.done(gone);
  EndDelivery();
  if (options_.on_gone) options_.on_gone(why);
}

}  // namespace sasd::pci_ioc
