#include "driver/transport/pci_ioc/request_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sasd::pci_ioc {
namespace {

using mpi::Function;
using transport::IocReply;
using transport::IocRequest;

constexpr size_t kSenseAddressLow = 0x0C, kScsiIoFlags = 0x24, kDevHandle = 0x00;

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

Bytes PlainReply(Function function, mpi::IocStatus status) {
  return mpi::EncodeReplyHeader({function, status, 0});
}

std::vector<RequestTable::Completion> RequestTable::Begin(const QueueLayout& layout, DmaArena arena,
                                                          bool ieee) {
  std::vector<Completion> waiting = Clear();
  layout_ = layout;
  arena_ = arena;
  ieee_ = ieee;
  pool_ = RequestPool(layout);
  outstanding_.resize(layout.smid_count());
  return waiting;
}

absl::StatusOr<RequestTable::Placed> RequestTable::Place(const IocRequest& request,
                                                         RequestPath path, absl::Duration deadline,
                                                         Completion done) {
  if (request.frame.size() > layout_.request_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a frame of ", request.frame.size(), " bytes; the IOC's have ", layout_.request_size));
  }
  // Each direction begins at its own dword.
  const size_t out_size = (request.data_out.size() + 7) / 8 * 8;
  absl::StatusOr<RequestSlot> slot =
      pool_.Allocate(path == RequestPath::kHighPriority, out_size + request.data_in.size());
  if (!slot.ok()) {
    return absl::Status(slot.status().code(), absl::StrCat(name_, ": ", slot.status().message()));
  }
  Outstanding& outstanding = outstanding_[slot->smid];
  outstanding = Outstanding();
  outstanding.active = true;
  outstanding.ticket = next_ticket_++;
  outstanding.slot = *slot;
  outstanding.function = *mpi::DecodeFunction(request.frame);  // CheckAllowed() has
  outstanding.data_in = request.data_in;
  outstanding.data_offset = slot->data + out_size;
  outstanding.deadline = deadline;
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
  return Placed{outstanding.ticket, slot->smid,
                has_handle ? LoadLe16(frame, kDevHandle) : uint16_t{0}};
}

DmaData RequestTable::PlaceData(const IocRequest& request, Outstanding& outstanding) {
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

RequestTable::Answer RequestTable::Finish(RingEntry& entry) {
  Answer answer;
  if (entry.kind == RingEntry::Kind::kRejected || !pool_.InUse(entry.smid)) {
    entry.kind = RingEntry::Kind::kRejected;
    answer.lie = true;
    return answer;
  }
  Outstanding& request = outstanding_[entry.smid];
  const auto function = mpi::DecodeFunction(entry.frame);
  answer.lie = entry.kind == RingEntry::Kind::kReply
                   ? !function.ok() || *function != request.function
                   : request.function != Function::kScsiIo;
  if (!request.active) {
    --given_up_;
  } else if (answer.lie) {
    answer.finished =
        Finished{std::move(request.done),
                 absl::InternalError(absl::StrCat(name_, ": a reply of another function to ",
                                                  mpi::ToString(request.function)))};
  } else {
    answer.finished = Finished{std::move(request.done), MakeReply(request, entry)};
  }
  pool_.Free(entry.smid);
  request = Outstanding();
  return answer;
}

IocReply RequestTable::MakeReply(const Outstanding& request, RingEntry& entry) {
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

void RequestTable::GiveUp(Outstanding& request) {
  request.active = false;
  request.done = nullptr;
  request.data_in = {};
  ++given_up_;
}

bool RequestTable::GiveUp(uint64_t ticket) {
  for (Outstanding& request : outstanding_) {
    if (!request.active || request.ticket != ticket) continue;
    GiveUp(request);
    return true;
  }
  return false;
}

std::vector<RequestTable::Completion> RequestTable::Expire(absl::Duration now) {
  std::vector<Completion> expired;
  for (Outstanding& request : outstanding_) {
    if (!request.active || request.deadline > now) continue;
    expired.push_back(std::move(request.done));
    GiveUp(request);
  }
  return expired;
}

std::vector<RequestTable::Completion> RequestTable::Clear() {
  std::vector<Completion> waiting;
  for (Outstanding& request : outstanding_) {
    if (request.active) waiting.push_back(std::move(request.done));
    request = Outstanding();
  }
  pool_ = RequestPool(layout_);
  given_up_ = 0;
  return waiting;
}

absl::Duration RequestTable::NextDeadline() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const Outstanding& request : outstanding_) {
    if (request.active) next = std::min(next, request.deadline);
  }
  return next;
}

}  // namespace sasd::pci_ioc
