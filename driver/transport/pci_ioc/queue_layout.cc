#include "driver/transport/pci_ioc/queue_layout.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sasd::pci_ioc {
namespace {

constexpr size_t kAlignment = 64;  // each structure needs 16 at most
constexpr size_t kPage = 4096;
// A SCSI IO with one IEEE element (mpi2_init.h) is the longest request; the replies and events that
// this driver reads have this much at least.
constexpr size_t kMinRequestFrame = mpi::ScsiIoRequest::kSglOffset + 16;
constexpr size_t kMinReplyFrame = 64;
constexpr uint32_t kPostMultiple = 16;

size_t RoundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

absl::Status Unusable(absl::string_view what, size_t value) {
  return absl::FailedPreconditionError(absl::StrCat("IOC facts: ", what, " ", value));
}

}  // namespace

absl::StatusOr<QueueLayout> LayOutQueues(const mpi::IocFactsReply& facts, size_t queues,
                                         size_t arena_size) {
  QueueLayout layout;
  layout.request_size = size_t{4} * facts.request_frame_dwords;
  layout.reply_size = size_t{4} * facts.reply_frame_dwords;
  if (facts.request_credit == 0) return Unusable("request credit", 0);
  if (layout.request_size < kMinRequestFrame) {
    return Unusable("request frame of bytes", layout.request_size);
  }
  if (layout.reply_size < kMinReplyFrame) {
    return Unusable("reply frame of bytes", layout.reply_size);
  }
  const uint32_t high_priority =
      std::clamp<uint32_t>(facts.high_priority_credit, 1, QueueLayout::kMaxHighPriority);
  uint32_t requests = std::min<uint32_t>(facts.request_credit, QueueLayout::kMaxRequests);
  const auto post_depth = [&] {
    const uint32_t in_flight = requests + high_priority;
    return RoundUp(in_flight + (in_flight + QueueLayout::kEvents) + 1, kPostMultiple);
  };
  // 0: the firmware states no limit.
  const uint32_t most =
      facts.max_reply_post_queue_depth == 0 ? 0xFFFF : facts.max_reply_post_queue_depth;
  while (requests > 1 && post_depth() > most) --requests;
  if (post_depth() > most) return Unusable("reply post queue depth", most);

  layout.request_count = static_cast<uint16_t>(requests);
  layout.high_priority_count = static_cast<uint16_t>(high_priority);
  layout.reply_count = static_cast<uint16_t>(requests + high_priority + QueueLayout::kEvents);
  layout.reply_post_depth = static_cast<uint16_t>(post_depth());
  layout.queue_count =
      static_cast<uint16_t>(std::clamp<size_t>(queues, 1, QueueLayout::kMaxQueues));
  layout.large_data_count = QueueLayout::kLargeData;

  size_t at = 0;
  const auto place = [&at](size_t size, size_t alignment = kAlignment) {
    const size_t begin = RoundUp(at, alignment);
    at = begin + size;
    return begin;
  };
  layout.requests = place(layout.request_size * layout.smid_count());
  layout.replies = place(layout.reply_size * layout.reply_count);
  layout.reply_free = place(size_t{4} * layout.reply_count);
  layout.reply_post = place(size_t{8} * layout.reply_post_depth * layout.queue_count);
  layout.sense = place(QueueLayout::kSenseSize * layout.request_count);
  layout.data = place(QueueLayout::kDataSize * layout.request_count, kPage);
  layout.large_data = place(QueueLayout::kLargeDataSize * layout.large_data_count, kPage);
  layout.total = at;
  if (layout.total > arena_size) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the queues need ", layout.total, " bytes of DMA memory, of ", arena_size));
  }
  return layout;
}

}  // namespace sasd::pci_ioc
