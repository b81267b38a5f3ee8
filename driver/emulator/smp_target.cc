#include "driver/emulator/smp_target.h"

#include <algorithm>

#include "driver/mpi/smp.h"

namespace sasd::emulator {
namespace {

using mpi::SmpFunction;
using mpi::SmpResult;

// SPL-4 DISCOVER response, the protocol bits of a phy's other end.
constexpr uint8_t kSataBit = 0x01, kSmpBit = 0x02, kStpBit = 0x04, kSspBit = 0x08;

Bytes ReportGeneral(const FabricState& fabric, NodeRef node) {
  mpi::ReportGeneralResponse response;
  response.phy_count = static_cast<uint8_t>(fabric.phy_count(node));
  if (node.is_host) {
    response.enclosure_logical_id = fabric.host(node.index).enclosure_logical_id;
  } else {
    const uint32_t enclosure = fabric.expander(node.index).enclosure;
    response.change_count = fabric.expander_change_count(node.index);
    response.route_indexes = 1024;
    response.table_to_table = true;
    if (enclosure != kNoIndex) {
      response.enclosure_logical_id = fabric.spec().enclosures[enclosure].logical_id;
    }
  }
  return mpi::EncodeReportGeneralResponse(response);
}

Bytes ReportManufacturer(const FabricState& fabric, NodeRef node) {
  mpi::ReportManufacturerResponse response;
  if (node.is_host) {
    response.vendor = "BROADCOM";
    response.product = fabric.host(node.index).board_name;
  } else {
    const ExpanderSpec& expander = fabric.expander(node.index);
    response.change_count = fabric.expander_change_count(node.index);
    response.vendor = expander.vendor;
    response.product = expander.product;
    response.revision = expander.revision;
    response.component_vendor = expander.component_vendor;
    response.component_id = expander.component_id;
    response.component_revision = expander.component_revision;
  }
  return mpi::EncodeReportManufacturerResponse(response);
}

void DescribePeer(const FabricState& fabric, const PhyLink& link, mpi::DiscoverResponse& out) {
  switch (link.peer) {
    case PhyLink::Peer::kNone:
      return;
    case PhyLink::Peer::kHost:
      out.attached_device_type = 1;
      out.attached_initiators = kSmpBit | kStpBit | kSspBit;
      out.attached_phy = PhyId(link.peer_phy);
      break;
    case PhyLink::Peer::kExpander:
      out.attached_device_type = 2;
      out.attached_initiators = kSmpBit;
      out.attached_targets = kSmpBit;
      out.attached_phy = PhyId(link.peer_phy);
      break;
    case PhyLink::Peer::kDevice: {
      const DeviceModel& model = fabric.model_of(link.peer_index);
      out.attached_device_type = 1;
      out.attached_targets = model.protocol == DeviceModel::Protocol::kSata ? kSataBit : kSspBit;
      break;
    }
  }
  out.attached_address = fabric.PeerAddress(link);
}

Bytes Discover(const FabricState& fabric, PhyRef phy) {
  const PhyLink link = fabric.Link(phy);
  mpi::DiscoverResponse response;
  response.phy = PhyId(phy.phy);
  response.negotiated = link.rate;
  response.address = fabric.address(phy.node);
  response.hardware_min = response.programmed_min = LinkRate::k1_5Gbps;
  response.hardware_max = fabric.max_rate(phy.node);
  response.programmed_max = std::min(fabric.programmed_max(phy), response.hardware_max);
  response.change_count = fabric.change_count(phy);
  response.is_virtual = fabric.is_virtual(phy);
  response.routing = fabric.routing(phy) == PhyRouting::kSubtractive ? 1
                     : fabric.routing(phy) == PhyRouting::kTable     ? 2
                                                                     : 0;
  DescribePeer(fabric, link, response);
  return mpi::EncodeDiscoverResponse(response);
}

Bytes ReportPhyErrorLog(const FabricState& fabric, PhyRef phy) {
  const PhyErrors errors = fabric.errors(phy);
  mpi::ReportPhyErrorLogResponse response;
  response.phy = PhyId(phy.phy);
  response.invalid_dword_count = errors.invalid_dwords;
  response.running_disparity_error_count = errors.disparity_errors;
  response.loss_of_dword_sync_count = errors.loss_of_sync;
  response.phy_reset_problem_count = errors.reset_problems;
  return mpi::EncodeReportPhyErrorLogResponse(response);
}

SmpAnswer PhyControl(PhyRef phy, mpi::PhyOperation operation) {
  SmpAnswer answer;
  SmpResult result = SmpResult::kAccepted;
  switch (operation) {
    case mpi::PhyOperation::kNop:
      break;
    case mpi::PhyOperation::kLinkReset:
      answer.action = PhyAction{phy, PhyOperation::kLinkReset};
      break;
    case mpi::PhyOperation::kHardReset:
      answer.action = PhyAction{phy, PhyOperation::kHardReset};
      break;
    case mpi::PhyOperation::kDisable:
      answer.action = PhyAction{phy, PhyOperation::kDisable};
      break;
    case mpi::PhyOperation::kClearErrorLog:
      answer.action = PhyAction{phy, PhyOperation::kClearErrorLog};
      break;
    default:
      result = SmpResult::kUnknownPhyOperation;
  }
  answer.response = mpi::EncodeSmpResult(SmpFunction::kPhyControl, result);
  return answer;
}

}  // namespace

SmpAnswer AnswerSmp(const FabricState& fabric, NodeRef node, ByteSpan request) {
  const auto decoded = mpi::DecodeSmpRequest(request);
  if (!decoded.ok()) {
    const auto function =
        request.size() > 1 ? SmpFunction(request[1]) : SmpFunction::kReportGeneral;
    const bool known =
        function == SmpFunction::kReportGeneral || function == SmpFunction::kReportManufacturer ||
        function == SmpFunction::kDiscover || function == SmpFunction::kReportPhyErrorLog ||
        function == SmpFunction::kPhyControl;
    return {mpi::EncodeSmpResult(function, known ? SmpResult::kInvalidRequestFrameLength
                                                 : SmpResult::kUnknownFunction),
            {}};
  }
  const PhyRef phy{node, decoded->phy.value()};
  switch (decoded->function) {
    case SmpFunction::kReportGeneral:
      return {ReportGeneral(fabric, node), {}};
    case SmpFunction::kReportManufacturer:
      return {ReportManufacturer(fabric, node), {}};
    case SmpFunction::kDiscover:
    case SmpFunction::kReportPhyErrorLog:
    case SmpFunction::kPhyControl:
      break;
    default:
      return {mpi::EncodeSmpResult(decoded->function, SmpResult::kUnknownFunction), {}};
  }
  if (phy.phy >= fabric.phy_count(node)) {
    return {mpi::EncodeSmpResult(decoded->function, SmpResult::kPhyDoesNotExist), {}};
  }
  if (decoded->function == SmpFunction::kDiscover) return {Discover(fabric, phy), {}};
  if (decoded->function == SmpFunction::kReportPhyErrorLog) {
    return {ReportPhyErrorLog(fabric, phy), {}};
  }
  return PhyControl(phy, decoded->operation);
}

}  // namespace sasd::emulator
