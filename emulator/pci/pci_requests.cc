// Requests from the guest's memory, replies and events into it, resets.
#include <algorithm>
#include <utility>

#include "emulator/pci/pci_front_end.h"
#include "emulator/pci/request_data.h"
#include "emulator/pci/scatter_gather.h"

namespace sasd::emulator::pci {
namespace {

using mpi::Function;
using mpi::IocState;
using mpi::IocStatus;

constexpr size_t kMaxRequestFrame = 512;
// These bytes of a reply frame are always written: more than any reply that hosts read.
constexpr size_t kReplyFrame = 64;
constexpr uint8_t kTypeMask = 0x1E, kFastPath = 0x0C;  // MPI2_REQ_DESCRIPT_FLAGS_*
constexpr uint32_t kAtomicRequests = 0x00080000;       // MPI26_IOCFACTS_CAPABILITY_ATOMIC_REQ
constexpr uint16_t kCoredumpEnable = 0x0002;           // MPI26_IOCINIT_CFGFLAGS_COREDUMP_ENABLE

// What the chip adds to the firmware's facts.
Bytes WithChip(const Bytes& frame, const PciIdentity& identity) {
  auto facts = mpi::DecodeIocFactsReply(frame);
  if (!facts.ok()) return frame;
  facts->max_msix_vectors = identity.msix_vectors;
  if (identity.atomic_requests) facts->capabilities |= kAtomicRequests;
  return mpi::EncodeIocFactsReply(*facts);
}

bool IsPlainSuccess(const Bytes& frame) {
  const auto reply = mpi::DecodeScsiIoReply(frame);
  return reply.ok() && reply->header.status == IocStatus::kSuccess && reply->scsi_status == 0 &&
         reply->scsi_state == 0;
}

}  // namespace

void PciFrontEnd::HandleDoorbellRequest(Bytes request) {
  const Function function = *mpi::DecodeFunction(request);  // the frame has at least a dword
  FirmwareReply reply = hba_.Request({request, {}, {}});
  absl::MutexLock lock(&mu_);
  const auto header = mpi::DecodeReplyHeader(reply.frame);
  const bool success = header.ok() && header->status == IocStatus::kSuccess;
  if (success && function == Function::kIocInit) {
    init_ = *mpi::DecodeIocInitRequest(request);
    queues_.Configure(init_, options_.msix ? options_.identity.msix_vectors : 1);
    coredump_ = options_.identity.coredump && (init_.configuration_flags & kCoredumpEnable) != 0;
    state_ = IocState::kOperational;
  }
  if (success && function == Function::kMessageUnitReset) {
    ForgetHost();
    state_ = IocState::kReady;
  }
  if (success && function == Function::kIocFacts) {
    reply.frame = WithChip(reply.frame, options_.identity);
    if (const auto facts = mpi::DecodeIocFactsReply(reply.frame); facts.ok()) {
      reply_frame_size_ = size_t{4} * facts->reply_frame_dwords;
    }
  }
  doorbell_.Reply(std::move(reply.frame));
  UpdateLine();
}

void PciFrontEnd::HandlePosted(const Posted& posted) {
  Bytes frame;
  RequestData data;
  Bytes data_out, data_in;
  uint64_t resets = 0;
  bool in_memory = false;
  absl::Status found;
  {
    absl::MutexLock lock(&mu_);
    if (state_ != IocState::kOperational) return;
    resets = resets_;
    const size_t size = size_t{4} * init_.request_frame_dwords;
    frame.resize(std::min(size, kMaxRequestFrame));
    in_memory = dma_.Read(init_.request_frame_base + posted.smid * size, absl::MakeSpan(frame));
    if (in_memory) {
      auto result = FindRequestData(frame, options_.identity.ieee_sgl, dma_);
      found = result.status();
      if (result.ok()) {
        data = *std::move(result);
        data_out.resize(TotalSize(data.out));
        data_in.resize(TotalSize(data.in));
        in_memory = Gather(dma_, data.out, absl::MakeSpan(data_out));
      }
    }
  }
  const auto function = mpi::DecodeFunction(frame);
  if (!in_memory || !function.ok()) return FaultByGuest();
  FirmwareReply reply;
  if (found.ok()) {
    reply = hba_.Request(
        {ByteSpan(frame).subspan(0, data.message_size), data_out, absl::MakeSpan(data_in)});
  } else {
    reply.frame = mpi::EncodeReplyHeader({*function, IocStatus::kInvalidSgl, 0});
  }
  bool written = true;
  {
    absl::MutexLock lock(&mu_);
    if (resets != resets_) return;  // the host no longer waits for it
    data_in.resize(std::min(data_in.size(), reply.data_in_size));
    written = Scatter(dma_, data.in, data_in) && WriteSense(frame, reply.sense);
    if (written) {
      Outbound outbound;
      outbound.smid = posted.smid;
      outbound.queue = posted.queue < queues_.queue_count() ? posted.queue : 0;
      outbound.fast_path = (posted.flags & kTypeMask) == kFastPath;
      const bool plain = *function == Function::kScsiIo && IsPlainSuccess(reply.frame);
      if (!plain) outbound.frame = std::move(reply.frame);
      outbound_.push_back(std::move(outbound));
    }
  }
  if (!written) return FaultByGuest();
  Deliver();  // and the events that the request caused
}

bool PciFrontEnd::WriteSense(const Bytes& frame, const Bytes& sense) {
  if (sense.empty()) return true;
  const auto buffer = FindSenseBuffer(frame);
  if (!buffer.ok()) return true;
  const uint64_t address = uint64_t{init_.sense_buffer_address_high} << 32 | buffer->address_low;
  return dma_.Write(address,
                    ByteSpan(sense).subspan(0, std::min<size_t>(sense.size(), buffer->size)));
}

void PciFrontEnd::QueueEvent(OutboundEvent event) {
  if (event.frame.empty()) return;  // lost: the host does not notice
  absl::MutexLock lock(&mu_);
  if (state_ != IocState::kOperational) return;
  Outbound outbound;
  outbound.frame = std::move(event.frame);
  outbound_.push_back(std::move(outbound));
}

void PciFrontEnd::Deliver() {
  bool sound = true;
  {
    absl::MutexLock lock(&mu_);
    Flush();
    // A frame is free and the queue has room: only memory outside of the map can block the message.
    sound = outbound_.empty() || state_ != IocState::kOperational || !queues_.HasFreeFrame() ||
            !queues_.HasRoom(outbound_.front().queue);
  }
  if (!sound) FaultByGuest();
}

void PciFrontEnd::Flush() {
  uint32_t posted_queues = 0;
  while (!outbound_.empty() && state_ == IocState::kOperational && Send(outbound_.front())) {
    posted_queues |= 1u << outbound_.front().queue;
    outbound_.pop_front();
  }
  for (size_t queue = 0; queue < queues_.queue_count(); ++queue) {
    if (posted_queues >> queue & 1) Interrupt(queue);
  }
}

// False: it cannot be sent now.
bool PciFrontEnd::Send(const Outbound& outbound) {
  if (!queues_.HasRoom(outbound.queue)) return false;
  if (outbound.frame.empty()) {
    return queues_.Post(dma_, outbound.queue,
                        ScsiIoSuccessDescriptor(outbound.queue, outbound.smid, outbound.fast_path));
  }
  const auto address = queues_.TakeFreeFrame(dma_);
  if (!address.has_value()) return false;
  Bytes frame = outbound.frame;
  frame.resize(std::max(frame.size(), kReplyFrame));
  // What does not fit is cut: the next frame is another message's.
  if (reply_frame_size_ != 0) frame.resize(std::min(frame.size(), reply_frame_size_));
  if (!dma_.Write(*address, frame)) return false;
  return queues_.Post(
      dma_, outbound.queue,
      AddressReplyDescriptor(outbound.queue, outbound.smid, static_cast<uint32_t>(*address)));
}

void PciFrontEnd::FaultByGuest() {
  {
    absl::MutexLock lock(&mu_);
    guest_fault_ = true;
  }
  hba_.OnFault(FaultKind::kIocFault, 1, absl::ZeroDuration());
}

// Forgets the host's settings and the messages on their way to it.
void PciFrontEnd::ForgetHost() {
  ++resets_;
  queues_.Clear();
  outbound_.clear();
  init_ = mpi::IocInitRequest();
  coredump_ = false;
}

void PciFrontEnd::QueueResetBegin() {
  absl::MutexLock lock(&mu_);
  const bool coredump = coredump_;  // kept: it decides how the host sees a fault
  ForgetHost();
  coredump_ = coredump;
  state_ = IocState::kFault;
  fault_code_ = guest_fault_ ? kGuestFault : kInjectedFault;
  guest_fault_ = false;
  fault_time_ = clock_.Monotonic();
  doorbell_.Reset();
  UpdateLine();
}

void PciFrontEnd::QueueReady() {
  absl::MutexLock lock(&mu_);
  ForgetHost();
  guest_fault_ = false;
  state_ = IocState::kReady;
  doorbell_.Reset();
  UpdateLine();
}

}  // namespace sasd::emulator::pci
