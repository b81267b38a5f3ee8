// Requests to devices and phys: SCSI IO, task management, removal, SMP.
#include <algorithm>

#include "driver/wire/mpi/messages.h"
#include "emulator/firmware/firmware.h"
#include "emulator/scsi/scsi_target.h"

namespace sasd::emulator {

using mpi::Function;
using mpi::IocStatus;
using mpi::SasControlOp;

FirmwareReply Firmware::ScsiIo(const Call& call) {
  const auto request = mpi::DecodeScsiIoRequest(call.request.frame);
  if (!request.ok()) return Plain(Function::kScsiIo, IocStatus::kInvalidField);
  mpi::ScsiIoReply reply;
  reply.handle = request->handle;
  reply.scsi_state = mpi::ScsiIoReply::kStateNoScsiStatus;
  FirmwareReply out;
  const HandleEntry* const entry = topology_.handles().Find(request->handle.value());
  if (entry == nullptr || entry->kind != HandleEntry::Kind::kDevice) {
    reply.header.status = IocStatus::kScsiInvalidDevHandle;
  } else if (entry->state == HandleEntry::State::kMissing) {
    reply.header.status = IocStatus::kBusy;  // the device may come back
  } else if (entry->state != HandleEntry::State::kPresent ||
             !call.fabric.device_up(entry->element)) {
    reply.header.status = IocStatus::kScsiDeviceNotThere;
  } else {
    const scsi::Unit unit{call.fabric, memory_, entry->element, entry->device_port};
    scsi::ScsiResult result = scsi::ExecuteScsi(
        unit, {request->lun, request->cdb, call.request.data_out, call.request.data_in});
    if (request->direction == mpi::DataDirection::kRead) out.data_in_size = result.transferred;
    reply.scsi_status = result.status;
    reply.transfer_count = static_cast<uint32_t>(result.transferred);
    if (result.transferred < request->data_size) {
      reply.header.status = IocStatus::kScsiDataUnderrun;
    }
    reply.scsi_state = result.sense.empty() ? uint8_t{0} : mpi::ScsiIoReply::kStateAutosenseValid;
    reply.sense_count = static_cast<uint32_t>(result.sense.size());
    out.sense = std::move(result.sense);
  }
  out.frame = mpi::EncodeScsiIoReply(reply);
  return out;
}

FirmwareReply Firmware::TaskManagement(const Call& call) {
  const auto request = mpi::DecodeTaskManagementRequest(call.request.frame);
  if (!request.ok()) return Plain(Function::kTaskManagement, IocStatus::kInvalidField);
  mpi::TaskManagementReply reply;
  reply.handle = request->handle;
  reply.type = request->type;
  // A device that is gone has no tasks left: success. Requests run at once here, so no task is ever
  // there to terminate.
  if (topology_.handles().Find(request->handle.value()) == nullptr) {
    reply.header.status = IocStatus::kScsiInvalidDevHandle;
  }
  FirmwareReply out;
  out.frame = mpi::EncodeTaskManagementReply(reply);
  return out;
}

FirmwareReply Firmware::SasIoUnitControl(const Call& call) {
  const auto request = mpi::DecodeSasControlRequest(call.request.frame);
  if (!request.ok()) return Plain(Function::kSasIoUnitControl, IocStatus::kInvalidField);
  mpi::SasControlReply reply;
  reply.operation = request->operation;
  reply.handle = request->handle;
  const uint8_t phy = request->phy.value();
  switch (request->operation) {
    case SasControlOp::kRemoveDevice:
      reply.header.status = RemoveDevice(request->handle.value());
      break;
    case SasControlOp::kPhyLinkReset:
      reply.header.status = ControlOwnPhy(call, phy, PhyActionKind::kLinkReset);
      break;
    case SasControlOp::kPhyHardReset:
      reply.header.status = ControlOwnPhy(call, phy, PhyActionKind::kHardReset);
      break;
    case SasControlOp::kPhyClearErrorLog:
      reply.header.status = ControlOwnPhy(call, phy, PhyActionKind::kClearErrorLog);
      break;
    case SasControlOp::kForceFullDiscovery: {
      std::vector<mpi::EventData> events;
      DiscoveryRun discovery(call.fabric, topology_, DiscoveryOptions(call.fabric, call.now),
                             events);
      discovery.RunFull();
      settings_.discovery_status = discovery.status();
      Post(events, call.now);
      break;
    }
    case SasControlOp::kClearAllPersistent:  // nothing persists here
      break;
    default:
      reply.header.status = IocStatus::kInvalidField;
  }
  FirmwareReply out;
  out.frame = mpi::EncodeSasControlReply(reply);
  return out;
}

// The end of the removal handshake: frees the handle.
IocStatus Firmware::RemoveDevice(uint16_t handle) {
  const HandleEntry* const entry = topology_.handles().Find(handle);
  if (entry == nullptr || entry->kind == HandleEntry::Kind::kHba) return IocStatus::kInvalidField;
  if (entry->state != HandleEntry::State::kGone) return IocStatus::kInvalidState;
  topology_.handles().Free(handle);
  return IocStatus::kSuccess;
}

IocStatus Firmware::ControlOwnPhy(const Call& call, uint8_t phy, PhyActionKind operation) {
  if (phy >= call.fabric.host(host_).phy_count) return IocStatus::kInvalidField;
  actions_.push_back(PhyAction{{{true, host_}, phy}, operation});
  return IocStatus::kSuccess;
}

// The HBA itself, or a known expander that is not missing.
NodeRef Firmware::SmpTargetAt(const FabricState& fabric, SasAddress address) const {
  for (uint16_t handle : topology_.NodeHandles()) {
    const HandleEntry& entry = *topology_.handles().Find(handle);
    if (entry.address != address || entry.state != HandleEntry::State::kPresent) continue;
    const NodeRef node = topology_.Node(handle)->ref;
    if (node.is_host || fabric.expander_up(node.index)) return node;
  }
  return {};
}

FirmwareReply Firmware::SmpPassthrough(const Call& call) {
  const auto request = mpi::DecodeSmpPassthroughRequest(call.request.frame);
  if (!request.ok()) return Plain(Function::kSmpPassthrough, IocStatus::kInvalidField);
  mpi::SmpPassthroughReply reply;
  reply.port = request->port;
  FirmwareReply out;
  const NodeRef node = SmpTargetAt(call.fabric, request->address);
  if (!node.valid()) {
    reply.header.status = IocStatus::kScsiDeviceNotThere;
  } else if (request->request_size > call.request.data_out.size()) {
    reply.header.status = IocStatus::kInvalidField;
  } else {
    // Passes the whole request: mpt3sas gives 12 bytes for its PHY CONTROL request of 40, which
    // works.
    SmpAnswer answer = AnswerSmp(call.fabric, node, call.request.data_out);
    if (answer.action) actions_.push_back(*answer.action);
    out.data_in_size = std::min(answer.response.size(), call.request.data_in.size());
    std::copy_n(answer.response.begin(), out.data_in_size, call.request.data_in.begin());
    reply.response_size = static_cast<uint16_t>(out.data_in_size);
    if (out.data_in_size < answer.response.size()) {
      reply.header.status = IocStatus::kSasSmpDataOverrun;
    }
  }
  out.frame = mpi::EncodeSmpPassthroughReply(reply);
  return out;
}

}  // namespace sasd::emulator
