#include "driver/discovery/removal_handshake.h"

#include <utility>

#include "driver/wire/mpi/messages.h"

namespace sasd::discovery {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);

Bytes TargetReset(DevHandle handle) {
  mpi::TaskManagementRequest request;
  request.handle = handle;
  request.type = mpi::TaskManagementType::kTargetReset;
  return mpi::EncodeTaskManagementRequest(request);
}

Bytes RemoveDevice(DevHandle handle) {
  mpi::SasControlRequest request;
  request.operation = mpi::SasControlOp::kRemoveDevice;
  request.handle = handle;
  return mpi::EncodeSasControlRequest(request);
}

// The IOC has forgotten the handle or is gone.
bool IsVoid(const absl::Status& status) {
  return absl::IsAborted(status) || absl::IsUnavailable(status) || absl::IsCancelled(status) ||
         absl::IsFailedPrecondition(status);
}

}  // namespace

RemovalHandshake::RemovalHandshake(FrameSender sender)
    : sender_(std::move(sender)), completed_(std::make_shared<std::atomic<uint64_t>>(0)) {}

void RemovalHandshake::Start(DevHandle handle) {
  // A failed target reset changes nothing: the target is not there. The second step must follow.
  sender_.Send(
      TargetReset(handle),
      [handle, sender = sender_, completed = completed_](auto reply) {
        if (IsVoid(reply.status())) return;
        sender.Send(
            RemoveDevice(handle),
            [completed](auto removed) {
              if (removed.ok()) completed->fetch_add(1, std::memory_order_relaxed);
            },
            kTimeout);
      },
      kTimeout);
}

void RemovalHandshake::ResetTarget(DevHandle handle) {
  sender_.Send(
      TargetReset(handle), [](auto) {}, kTimeout);
}

}  // namespace sasd::discovery
