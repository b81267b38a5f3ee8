#include "driver/transport/counting_transport.h"

#include <utility>

#include "driver/base/endian.h"

namespace sasd::transport {
namespace {

// MPI 2.x functions and configuration actions (mpi2.h, mpi2_cnfg.h).
constexpr uint8_t kScsiIo = 0x00, kTaskManagement = 0x01, kConfig = 0x04, kSmp = 0x1A;
constexpr uint8_t kHeader = 0, kReadCurrent = 1, kReadNvram = 6;

}  // namespace

std::atomic<uint64_t>& CountingTransport::CounterFor(ByteSpan frame) {
  if (frame.size() < 4) return other_;
  switch (Load8(frame, 3)) {
    case kScsiIo:
      return scsi_;
    case kTaskManagement:
      return task_management_;
    case kSmp:
      return smp_;
    case kConfig:
      break;
    default:
      return other_;
  }
  switch (Load8(frame, 0)) {
    case kHeader:
      return page_headers_;
    case kReadCurrent:
    case kReadNvram:
      return page_reads_;
    default:
      return other_;
  }
}

absl::Status CountingTransport::Submit(const IocRequest& request, Completion done) {
  std::atomic<uint64_t>& counter = CounterFor(request.frame);
  absl::Status sent = inner_.Submit(request, std::move(done));
  if (sent.ok()) counter.fetch_add(1, std::memory_order_relaxed);
  return sent;
}

absl::StatusOr<IocReply> CountingTransport::Execute(const IocRequest& request) {
  absl::StatusOr<IocReply> reply = inner_.Execute(request);
  const absl::StatusCode code = reply.status().code();
  const bool refused = code == absl::StatusCode::kResourceExhausted ||
                       code == absl::StatusCode::kUnavailable ||
                       code == absl::StatusCode::kFailedPrecondition;
  if (!refused) CounterFor(request.frame).fetch_add(1, std::memory_order_relaxed);
  return reply;
}

RequestCounts CountingTransport::counts() const {
  const auto value = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  RequestCounts counts;
  counts.page_reads = value(page_reads_);
  counts.page_headers = value(page_headers_);
  counts.smp = value(smp_);
  counts.scsi = value(scsi_);
  counts.task_management = value(task_management_);
  counts.other = value(other_);
  return counts;
}

}  // namespace sasd::transport
