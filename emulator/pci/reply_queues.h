#ifndef EMULATOR_PCI_REPLY_QUEUES_H_
#define EMULATOR_PCI_REPLY_QUEUES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "driver/wire/mpi/messages.h"
#include "emulator/pci/dma_memory.h"

namespace sasd::emulator::pci {

// The reply free queue, a ring of free reply frames that the host fills, and the reply post queues,
// rings of 8-byte descriptors that it drains. All are in the guest's memory (mpi2.h;
// mpt3sas_base.c, _base_make_ioc_operational and _base_process_reply_queue). Indexes stay within
// the rings for any value from the guest. Thread-compatible.
class ReplyQueues {
 public:
  // Sets up the rings of IOC INIT, with at most `max_queues` reply post queues, adjacent in memory.
  void Configure(const mpi::IocInitRequest& init, size_t max_queues);
  // Removes the queues: no frame can be taken, no descriptor posted.
  void Clear();

  size_t queue_count() const { return queues_.size(); }

  // Writes to the host index registers. An index outside of its ring is ignored.
  void SetFreeHostIndex(uint32_t index);
  void SetPostHostIndex(size_t queue, uint32_t index);
  uint32_t free_host_index() const { return free_host_index_; }

  bool HasFreeFrame() const { return free_depth_ != 0 && free_index_ != free_host_index_; }
  // Takes the guest's address of a free reply frame; nullopt if none is free or the ring is not in
  // shared memory.
  std::optional<uint64_t> TakeFreeFrame(DmaMemory& memory);

  bool HasRoom(size_t queue) const;
  // False, without an effect, if the ring is full or not in shared memory.
  bool Post(DmaMemory& memory, size_t queue, uint64_t descriptor);

  // Whether the queue holds a descriptor that the host has not taken.
  bool Pending(size_t queue) const;

 private:
  struct PostQueue {
    uint64_t address = 0;
    uint32_t index = 0;       // where the next descriptor goes
    uint32_t host_index = 0;  // the next descriptor that the host takes
  };

  uint64_t free_address_ = 0, frame_address_high_ = 0;
  uint32_t free_depth_ = 0, free_index_ = 0, free_host_index_ = 0;
  uint32_t post_depth_ = 0;
  std::vector<PostQueue> queues_;
};

// Reply descriptors (mpi2.h, MPI2_*_REPLY_DESCRIPTOR).
uint64_t AddressReplyDescriptor(uint8_t queue, uint16_t smid, uint32_t frame_address);
uint64_t ScsiIoSuccessDescriptor(uint8_t queue, uint16_t smid, bool fast_path);

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_REPLY_QUEUES_H_
