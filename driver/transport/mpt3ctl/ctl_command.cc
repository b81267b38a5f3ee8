#include "driver/transport/mpt3ctl/ctl_command.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/transport/smp_reports.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/smp/smp.h"

namespace sasd::mpt3ctl {
namespace {

using mpi::ConfigAction;
using mpi::Function;
using transport::IocRequest;

static_assert(sizeof(void*) == sizeof(uint64_t), "the structures are those of a 64-bit kernel");

constexpr size_t kFactsRequestSize = 0x0C;  // MPI2_IOC_FACTS_REQUEST, MPI2_PORT_FACTS_REQUEST
// A reply's length is a byte that counts dwords; the kernel copies at most the IOC's own frame.
constexpr size_t kReplySize = 1024;
// A fill byte that marks an unwritten reply: the first 20 bytes of a reply are never all equal to
// it.
constexpr uint8_t kUntouched = 0xFF;
constexpr size_t kDefaultReplySize = mpi::ReplyHeader::kSize;
constexpr uint8_t kImmediate = 0x80;  // MPI2_SMP_PT_REQ_PT_FLAGS_IMMEDIATE

absl::Status Refuse(absl::string_view what, absl::string_view why) {
  return absl::PermissionDeniedError(
      absl::StrCat(what, " is not sent to an HBA of the kernel's driver: ", why));
}

// The driver writes the scatter-gather list behind the frame. The list stays within the IOC's
// request frame (of 128 bytes at least), because each frame must have exactly the size of its
// function.
absl::Status CheckFrameSize(absl::string_view what, const IocRequest& request, size_t size) {
  if (request.frame.size() == size) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " frame of ", request.frame.size(),
                                                 " bytes, but its list is at offset ", size));
}

absl::Status CheckConfig(const IocRequest& request) {
  absl::Status size = CheckFrameSize("config", request, mpi::ConfigRequest::kSglOffset);
  if (!size.ok()) return size;
  const auto action = static_cast<ConfigAction>(Load8(request.frame, 0x00));
  switch (action) {
    case ConfigAction::kPageHeader:
    case ConfigAction::kReadCurrent:
    case ConfigAction::kReadDefault:
    case ConfigAction::kReadNvram:
      break;
    default:
      return Refuse(absl::StrCat("config, action ", mpi::ToString(action)),
                    "only reading headers and pages is allowed");
  }
  if (!request.data_out.empty()) return Refuse("config with data out", "only pages are read");
  return absl::OkStatus();
}

absl::Status CheckSmp(const IocRequest& request) {
  absl::Status size =
      CheckFrameSize("SMP passthrough", request, mpi::SmpPassthroughRequest::kSglOffset);
  if (!size.ok()) return size;
  // The kernel and the firmware would take the SMP frame from another place.
  if ((Load8(request.frame, 0x00) & kImmediate) != 0) {
    return Refuse("SMP passthrough with immediate data", "its SMP frame must be the data out");
  }
  if (request.data_out.size() < 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("SMP passthrough with ", request.data_out.size(), " bytes of SMP frame"));
  }
  const uint8_t function = Load8(request.data_out, 0x01);
  if (transport::IsSmpReport(function)) return absl::OkStatus();
  return Refuse(absl::StrCat("SMP ", mpi::ToString(static_cast<mpi::SmpFunction>(function))),
                "only REPORT and DISCOVER functions are sent");
}

absl::Status CheckFacts(const IocRequest& request) {
  return CheckFrameSize("facts", request, kFactsRequestSize);
}

// The list. All other requests are refused.
absl::Status CheckAllowed(const IocRequest& request) {
  if (request.frame.size() < 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("a frame of ", request.frame.size(), " bytes has no function"));
  }
  const auto function = static_cast<Function>(Load8(request.frame, 0x03));
  const bool chained = function == Function::kConfig || function == Function::kSmpPassthrough;
  if (chained && Load8(request.frame, 0x02) != 0) {
    return Refuse(absl::StrCat(mpi::ToString(function), " with a chain offset"),
                  "the driver makes the scatter-gather list");
  }
  switch (function) {
    case Function::kIocFacts:
    case Function::kPortFacts:
      return CheckFacts(request);
    case Function::kConfig:
      return CheckConfig(request);
    case Function::kSmpPassthrough:
      return CheckSmp(request);
    default:
      return Refuse(mpi::ToString(function),
                    "it may change something, or only the driver may send it");
  }
}

uint64_t AddressOf(const Bytes& bytes) {
  return bytes.empty() ? 0 : reinterpret_cast<uintptr_t>(bytes.data());
}

uint32_t KernelTimeout(absl::Duration timeout) {
  const absl::Duration longer = std::max(timeout, CtlCommand::kMinKernelTimeout);
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(longer, absl::Seconds(1)));
  return static_cast<uint32_t>(std::min<int64_t>(seconds, 3600));
}

// How much of the input data the IOC has filled: the kernel returns the whole buffer in any case.
size_t DataInSize(ByteSpan reply, size_t room) {
  const auto header = mpi::DecodeReplyHeader(reply);
  if (!header.ok()) return 0;
  if (header->function == Function::kSmpPassthrough) {
    const auto smp = mpi::DecodeSmpPassthroughReply(reply);
    return smp.ok() ? std::min<size_t>(smp->response_size, room) : 0;
  }
  if (header->status != mpi::IocStatus::kSuccess) return 0;
  const auto config = mpi::DecodeConfigReply(reply);
  if (!config.ok() || config->action == ConfigAction::kPageHeader) return 0;
  return std::min<size_t>(size_t{config->page.dwords} * 4, room);
}

}  // namespace

absl::StatusOr<CtlCommand> CtlCommand::Create(uint32_t ioc_number, const IocRequest& request) {
  if (absl::Status allowed = CheckAllowed(request); !allowed.ok()) return allowed;
  if (request.data_in.size() > kMaxData || request.data_out.size() > kMaxData) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxData, " bytes of data"));
  }
  return CtlCommand(ioc_number, request);
}

CtlCommand::CtlCommand(uint32_t ioc_number, const IocRequest& request)
    : function_(Load8(request.frame, 0x03)),
      reply_(kReplySize, kUntouched),
      data_in_(request.data_in.size()),
      data_out_(request.data_out.begin(), request.data_out.end()) {
  Bytes frame(request.frame.begin(), request.frame.end());
  if (static_cast<Function>(function_) == Function::kSmpPassthrough) frame[0x01] = 0xFF;
  CommandHeader header;
  header.ioc_number = ioc_number;
  header.timeout_s = KernelTimeout(request.timeout);
  header.reply_address = AddressOf(reply_);
  header.max_reply_bytes = static_cast<uint32_t>(reply_.size());
  header.data_in_address = AddressOf(data_in_);
  header.data_in_size = static_cast<uint32_t>(data_in_.size());
  header.data_out_address = AddressOf(data_out_);
  header.data_out_size = static_cast<uint32_t>(data_out_.size());
  argument_ = EncodeCommand(header, frame);
}

absl::StatusOr<transport::IocReply> CtlCommand::Reply() const {
  const auto begin = reply_.begin();
  if (std::all_of(begin, begin + kDefaultReplySize, [](uint8_t b) { return b == kUntouched; })) {
    return absl::AbortedError("a host reset ended the command");
  }
  transport::IocReply reply;
  const size_t size = size_t{reply_[0x02]} * 4;
  if (size == 0) {
    // The IOC reported only that the command is done.
    mpi::ReplyHeader header;
    header.function = static_cast<Function>(function_);
    reply.frame = mpi::EncodeReplyHeader(header);
    reply.data_in_size = data_in_.size();
    return reply;
  }
  reply.frame.assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, reply_.size())));
  reply.data_in_size = DataInSize(reply.frame, data_in_.size());
  return reply;
}

}  // namespace sasd::mpt3ctl
