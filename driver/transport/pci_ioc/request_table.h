#ifndef DRIVER_TRANSPORT_PCI_IOC_REQUEST_TABLE_H_
#define DRIVER_TRANSPORT_PCI_IOC_REQUEST_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/transport/ioc_transport.h"
#include "driver/transport/pci_ioc/allowed_requests.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/queue_layout.h"
#include "driver/transport/pci_ioc/reply_rings.h"
#include "driver/transport/pci_ioc/request_pool.h"
#include "driver/transport/pci_ioc/sgl_writer.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::pci_ioc {

// A reply that only says how a function ended.
Bytes PlainReply(mpi::Function function, mpi::IocStatus status = mpi::IocStatus::kSuccess);

// The requests that an IOC has: their frames, data and sense in the arena, and who waits for each.
// A request that nobody waits for any more keeps its place until the IOC answers, or is reset.
// It calls no completion, but returns them. Thread-compatible.
class RequestTable {
 public:
  using Completion = transport::IocTransport::Completion;
  // What a descriptor needs.
  struct Placed {
    uint64_t ticket = 0;  // names the request beyond the reuse of its SMID; never 0
    uint16_t smid = 0;
    uint16_t handle = 0;  // of its device; 0 for paths that do not name it
  };
  struct Finished {
    Completion done;
    absl::StatusOr<transport::IocReply> result;
  };
  struct Answer {
    std::optional<Finished> finished;  // nullopt: nobody waits
    bool lie = false;                  // the entry answers nothing, or with another function
  };

  // `name`: of the IOC, for messages.
  explicit RequestTable(std::string name) : name_(std::move(name)) {}

  // Forgets all requests, as Clear() does, and begins with a layout. `ieee`: SCSI and SMP requests
  // have IEEE lists. Before the first call there is no place for any request.
  std::vector<Completion> Begin(const QueueLayout& layout, DmaArena arena, bool ieee);

  // Copies the request and its data out into the arena. CheckAllowed() has passed it with `path`.
  // Errors: kResourceExhausted: no place is free; kInvalidArgument: it fits no frame or buffer.
  absl::StatusOr<Placed> Place(const transport::IocRequest& request, RequestPath path,
                               absl::Duration deadline, Completion done);

  // Ends the request that the entry answers, and copies its data in to the caller. An entry that
  // answers no request becomes kRejected.
  Answer Finish(RingEntry& entry);

  // Nobody waits any more for this one. False: it has ended.
  bool GiveUp(uint64_t ticket);
  // The same for all whose deadline has come.
  std::vector<Completion> Expire(absl::Duration now);
  // Forgets all requests: the IOC was reset. Returns who waits.
  std::vector<Completion> Clear();

  size_t in_use() const { return pool_.in_use(); }
  // Whether somebody waits for one.
  bool IsAwaited() const { return pool_.in_use() > given_up_; }
  // More than half of the frames belong to requests that were given up.
  bool IsStuck() const { return 2 * given_up_ > layout_.request_count; }
  // absl::InfiniteDuration(): nobody waits.
  absl::Duration NextDeadline() const;

 private:
  struct Outstanding {
    bool active = false;  // somebody waits for it; else it was given up
    uint64_t ticket = 0;
    mpi::Function function = mpi::Function::kScsiIo;
    mpi::ConfigAction action = mpi::ConfigAction::kPageHeader;
    RequestSlot slot;
    MutableByteSpan data_in;
    size_t data_offset = 0;  // of the data in, in the arena
    size_t sense_size = 0;
    absl::Duration deadline;
    Completion done;
  };

  DmaData PlaceData(const transport::IocRequest& request, Outstanding& outstanding);
  void GiveUp(Outstanding& request);
  transport::IocReply MakeReply(const Outstanding& request, RingEntry& entry);

  const std::string name_;
  QueueLayout layout_;
  DmaArena arena_;
  bool ieee_ = false;
  RequestPool pool_;
  std::vector<Outstanding> outstanding_;  // by SMID
  size_t given_up_ = 0;
  uint64_t next_ticket_ = 1;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_REQUEST_TABLE_H_
