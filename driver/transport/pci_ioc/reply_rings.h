#ifndef DRIVER_TRANSPORT_PCI_IOC_REPLY_RINGS_H_
#define DRIVER_TRANSPORT_PCI_IOC_REPLY_RINGS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "driver/base/endian.h"
#include "driver/transport/pci_ioc/queue_layout.h"

namespace sasd::pci_ioc {

// One entry of a reply post queue, checked. Its bytes are copies.
struct RingEntry {
  enum class Kind : uint8_t {
    kSuccess,   // the SCSI IO `smid` succeeded; there is no frame
    kReply,     // `frame` answers `smid`
    kEvent,     // `frame` is an event; smid 0
    kRejected,  // it lies: an unknown type, an address that is no frame's, a SMID that no request
                // can have. Nothing was read from where it leads.
  };
  Kind kind = Kind::kRejected;
  uint16_t smid = 0;
  Bytes frame;              // as long as it says itself, cut to a reply frame's size
  uint64_t descriptor = 0;  // for messages
};

// The host's side of the reply free queue and of the reply post queues (mpt3sas_base.c,
// _base_process_reply_queue, _base_make_ioc_operational), in the arena: pure on memory. The entries
// are the IOC's, so bytes from outside: any of them is answered with a RingEntry, no access leaves
// the queues and the frames, and one Take() never sees an entry twice. Entries that the IOC writes
// while they are read are seen whole or not yet.
//
// Thread-compatible.
class ReplyRings {
 public:
  ReplyRings() = default;
  // `arena`: the bytes, at `address` for the IOC; layout.total <= arena.size().
  ReplyRings(const QueueLayout& layout, MutableByteSpan arena, uint64_t address);

  // Writes what the IOC expects before IOC INIT: all frames free, all entries unused. The indexes
  // begin anew.
  void Reset();

  // Takes the entries of a queue, at most as many as it has, and frees their frames. The caller
  // then writes the host indexes if it took anything: of the queue, and of the free queue.
  void Take(size_t queue, std::vector<RingEntry>& entries);

  uint32_t post_host_index(size_t queue) const { return post_index_[queue]; }
  uint32_t free_host_index() const { return free_index_; }
  size_t queue_count() const { return post_index_.size(); }

 private:
  RingEntry Read(uint64_t descriptor);
  // The frame's offset in the arena; nullopt if the address is no frame's.
  std::optional<size_t> FrameAt(uint32_t address_low) const;
  void FreeFrame(uint32_t address_low);

  QueueLayout layout_;
  MutableByteSpan arena_;
  uint64_t address_ = 0;
  uint32_t free_index_ = 0;
  std::vector<uint32_t> post_index_;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_REPLY_RINGS_H_
