#ifndef DRIVER_TRANSPORT_PCI_IOC_QUEUE_LAYOUT_H_
#define DRIVER_TRANSPORT_PCI_IOC_QUEUE_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::pci_ioc {

// What one IOC's queues and buffers need, and where each lies in the arena. Sizes and offsets are
// in bytes, offsets from the arena's begin. Queues, frames and buffers do not overlap.
//
// A system message id (SMID) names a request frame. 1 to request_count are ordinary ones; the next
// high_priority_count are for task management. SMID 0 is never used; its frame exists.
struct QueueLayout {
  // More than that serve only a data path.
  static constexpr uint16_t kMaxRequests = 64, kMaxHighPriority = 8, kEvents = 64;
  static constexpr size_t kMaxQueues = 16;
  static constexpr size_t kSenseSize = 256, kDataSize = 4096, kLargeDataSize = 65536;
  static constexpr uint16_t kLargeData = 4;

  uint16_t request_count = 0, high_priority_count = 0;
  uint16_t reply_count = 0;       // reply frames, and 32-bit entries of the reply free queue
  uint16_t reply_post_depth = 0;  // 64-bit entries, of each queue
  uint16_t queue_count = 0;       // reply post queues, one after the other
  uint16_t large_data_count = 0;
  size_t request_size = 0, reply_size = 0;  // of a frame

  size_t requests = 0, replies = 0, reply_free = 0, reply_post = 0, sense = 0;
  size_t data = 0, large_data = 0;
  size_t total = 0;

  uint16_t smid_count() const {
    return static_cast<uint16_t>(1 + request_count + high_priority_count);
  }
  bool is_high_priority(uint16_t smid) const { return smid > request_count && smid < smid_count(); }
};

// Lays the queues out for an IOC with these facts and `queues` reply post queues (1 at least;
// kMaxQueues at most are used), in the kernel driver's way (mpt3sas_base.c,
// _base_allocate_memory_pools): as many requests as the credit allows, a reply frame for each and
// for kEvents events, room in each post queue for all of them. Pure. The result fits `arena_size`.
// Errors: kFailedPrecondition: no driver can work with such facts (no credit, frames that are too
// short, a post queue that holds too little); kResourceExhausted: it does not fit.
absl::StatusOr<QueueLayout> LayOutQueues(const mpi::IocFactsReply& facts, size_t queues,
                                         size_t arena_size);

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_QUEUE_LAYOUT_H_
