// The states of the IOC: up, to work, back to READY, and gone.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "driver/transport/pci_ioc/pci_ioc_transport.h"
#include "driver/transport/pci_ioc/system_interface.h"

namespace sasd::pci_ioc {
namespace {

using namespace system_interface;  // NOLINT: names of registers and bits
using mpi::Function;
using mpi::IocState;
using transport::IocListener;

constexpr uint32_t kPciVendor = 0x00;
// A gone function is looked at twice: a reset by another path has such moments, too.
constexpr int kSilentLooks = 2;
constexpr int kResetAttempts = 3;
constexpr absl::Duration kResetRetry = absl::Seconds(5);
constexpr uint8_t kHostPageShift = 12;        // IOC init, HostPageSize: 4 KiB
constexpr uint16_t kIeeeSglVersion = 0x0205;  // MPI 2.5

}  // namespace

// ------------------------------------------------------------------------------------------ Up

absl::Status PciIocTransport::BringUp(ResetWish wish) {
  const auto reset = MakeReady(*bus_, pacer_, wish);
  if (!reset.ok()) return reset.status();
  const auto facts = ReadIocFacts(*bus_, pacer_);
  if (!facts.ok()) return facts.status();
  facts_ = *facts;
  return absl::OkStatus();
}

absl::Status PciIocTransport::BeginReady() {
  const auto layout = LayOutQueues(facts_, queues_, arena_.bytes.size());
  if (!layout.ok()) return layout.status();
  rings_ = ReplyRings(*layout, arena_.bytes, arena_.address);
  absl::MutexLock lock(&mu_);
  layout_ = *layout;
  registers_ = QueueRegisters(facts_, bus_->function());
  // Nobody waits: each way here has aborted all.
  (void)requests_.Begin(layout_, arena_, facts_.message_version >= kIeeeSglVersion);
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
  own_pacer_.BeginLast();
  bus_->Write32(kInterruptMask, kMaskAll);
  bus_->DisableInterrupts();
  // It must not write to memory any more, in any state. One that operates first ends what
  // it does; one that does not is cut off before the reset, which may take long.
  if (ReadDoorbell(*bus_).state != IocState::kOperational) SetBusMaster(false);
  (void)MakeReady(*bus_, pacer_, ResetWish::kGentle);
  SetBusMaster(false);
}

// ------------------------------------------------------------------------------------- To work

absl::StatusOr<Bytes> PciIocTransport::Initialize(const Job& job) {
  if (state() != State::kReady) {
    return PlainReply(Function::kIocInit, mpi::IocStatus::kInvalidState);
  }
  QueueLayout layout;
  QueueRegisters registers;
  {
    absl::MutexLock lock(&mu_);
    layout = layout_;
    registers = registers_;
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
      Handshake(*bus_, pacer_, mpi::EncodeIocInitRequest(init), job.deadline - clock_.Monotonic());
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
  QueueRegisters::WriteFreeIndex(*bus_, rings_.free_host_index());
  for (size_t queue = 0; queue < rings_.queue_count(); ++queue) {
    registers.WritePostIndex(*bus_, queue, 0);
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
    aborted = requests_.Clear();
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
    if (attempt != 0) status = pacer_.Pause(kResetRetry);
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
