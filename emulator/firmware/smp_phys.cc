#include "emulator/firmware/smp_phys.h"

#include <algorithm>
#include <array>

#include "driver/wire/smp/smp_discover.h"
#include "driver/wire/smp/smp_phy.h"
#include "emulator/firmware/smp_routes.h"

namespace sasd::emulator {
namespace {

using mpi::SmpRequest;
using mpi::SmpResult;

// The protocol bits of a phy's other end in SPL-4's DISCOVER response, and its device type.
constexpr uint8_t kSataBit = 0x01, kSmpBit = 0x02, kStpBit = 0x04, kSspBit = 0x08;
constexpr uint8_t kEndDevice = 1, kExpanderDevice = 2;
constexpr uint8_t kPartialPathwayTimeoutUs = 7;  // what SPL-4 recommends

// The register device to host FIS that a SATA disk sends after its reset: its signature, with the
// status "ready" and no interrupt (ATA8-ACS, device signatures; SATA, register FIS).
constexpr std::array<uint8_t, 20> kDiskSignature = {0x34, 0, 0x50, 0x01, 0x01, 0, 0, 0, 0, 0,
                                                    0,    0, 0x01, 0,    0,    0, 0, 0, 0, 0};

SmpAnswer Refuse(const SmpRequest& request, SmpResult result) {
  return {mpi::EncodeSmpResult(request.function, result), {}};
}

uint16_t ChangeCountAt(const FabricState& fabric, NodeRef node) {
  return node.is_host ? uint16_t{0} : fabric.expander_change_count(node.index);
}

void DescribePeer(const FabricState& fabric, const PhyLink& link, mpi::DiscoverResponse& out) {
  out.attached_address = fabric.PeerAddress(link);
  out.attached_device_name = out.attached_address;
  switch (link.peer) {
    case PhyLink::Peer::kNone:
      return;
    case PhyLink::Peer::kHost:
      out.attached_device_type = kEndDevice;
      out.attached_initiators = kSmpBit | kStpBit | kSspBit;
      out.attached_phy = PhyId(link.peer_phy);
      return;
    case PhyLink::Peer::kExpander:
      out.attached_device_type = kExpanderDevice;
      out.attached_initiators = kSmpBit;
      out.attached_targets = kSmpBit;
      out.attached_phy = PhyId(link.peer_phy);
      return;
    case PhyLink::Peer::kDevice: {
      const DeviceModel& model = fabric.model_of(link.peer_index);
      out.attached_device_type = kEndDevice;
      out.attached_targets = model.protocol == DeviceModel::Protocol::kSata ? kSataBit : kSspBit;
      out.attached_device_name = fabric.device(link.peer_index).name;
      return;
    }
  }
}

// The slot of the bay that the phy is wired to, whether or not a drive is in it.
uint8_t SlotOf(const FabricState& fabric, PhyRef phy) {
  const PhyLink cabled = fabric.Cabled(phy);
  if (cabled.peer != PhyLink::Peer::kDevice) return mpi::DiscoverResponse::kNoSlot;
  if (fabric.model_of(cabled.peer_index).type != DeviceModel::Type::kDisk) {
    return mpi::DiscoverResponse::kNoSlot;
  }
  const DeviceSpec& device = fabric.device(cabled.peer_index);
  if (device.enclosure == kNoIndex) return mpi::DiscoverResponse::kNoSlot;
  return static_cast<uint8_t>(std::min<uint16_t>(device.slot, mpi::DiscoverResponse::kNoSlot));
}

uint8_t RoutingOf(const FabricState& fabric, PhyRef phy) {
  if (fabric.routing(phy) == PhyRouting::kSubtractive) return 1;
  return fabric.routing(phy) == PhyRouting::kTable ? 2 : 0;
}

mpi::DiscoverResponse Describe(const FabricState& fabric, PhyRef phy) {
  const PhyLink link = fabric.Link(phy);
  mpi::DiscoverResponse response;
  response.change_count_of_expander = ChangeCountAt(fabric, phy.node);
  response.phy = PhyId(phy.phy);
  response.negotiated = link.rate;
  response.address = fabric.address(phy.node);
  response.hardware_min = fabric.hardware_min(phy);
  response.programmed_min = fabric.programmed_min(phy);
  response.hardware_max = fabric.hardware_max(phy);
  response.programmed_max = fabric.programmed_max(phy);
  response.change_count = fabric.change_count(phy);
  response.is_virtual = fabric.is_virtual(phy);
  response.partial_pathway_timeout_us = kPartialPathwayTimeoutUs;
  response.routing = RoutingOf(fabric, phy);
  response.slot = SlotOf(fabric, phy);
  DescribePeer(fabric, link, response);
  return response;
}

bool Passes(mpi::PhyFilter filter, uint8_t attached_device_type) {
  switch (filter) {
    case mpi::PhyFilter::kAll:
      return true;
    case mpi::PhyFilter::kToExpander:
      return attached_device_type == kExpanderDevice;
    case mpi::PhyFilter::kToAny:
      return attached_device_type != 0;
    case mpi::PhyFilter::kToEndDevice:
      return attached_device_type == kEndDevice;
  }
  return false;
}

bool HasSata(const FabricState& fabric, PhyRef phy) {
  const PhyLink link = fabric.Link(phy);
  return link.peer == PhyLink::Peer::kDevice &&
         fabric.model_of(link.peer_index).protocol == DeviceModel::Protocol::kSata;
}

// Whether the phy supports the requested rates; kUnknown leaves a rate unchanged.
bool CanProgram(const FabricState& fabric, PhyRef phy, const SmpRequest& request) {
  const auto wanted = [](LinkRate rate, LinkRate present) {
    return rate == LinkRate::kUnknown ? present : rate;
  };
  const LinkRate min = wanted(request.programmed_min, fabric.programmed_min(phy));
  const LinkRate max = wanted(request.programmed_max, fabric.programmed_max(phy));
  return min >= fabric.hardware_min(phy) && min <= max && max <= fabric.hardware_max(phy);
}

}  // namespace

SmpAnswer Discover(const FabricState& fabric, PhyRef phy, const SmpRequest&) {
  return {mpi::EncodeDiscoverResponse(Describe(fabric, phy)), {}};
}

SmpAnswer DiscoverList(const FabricState& fabric, PhyRef phy, const SmpRequest& request) {
  if (request.filter > mpi::PhyFilter::kToEndDevice) {
    return Refuse(request, SmpResult::kUnknownPhyFilter);
  }
  if (request.descriptor_type > mpi::DescriptorType::kShort) {
    return Refuse(request, SmpResult::kUnknownDescriptorType);
  }
  mpi::DiscoverListResponse response;
  response.change_count = ChangeCountAt(fabric, phy.node);
  response.first_phy = request.phy;
  response.filter = request.filter;
  response.type = request.descriptor_type;
  // The frame holds whole descriptors only.
  const size_t allocated = 4 + size_t{4} * request.allocated_dwords;
  const size_t room = allocated < mpi::DiscoverListResponse::kHeaderSize
                          ? 0
                          : (allocated - mpi::DiscoverListResponse::kHeaderSize) /
                                mpi::DiscoverDescriptorSize(request.descriptor_type);
  const size_t most = std::min<size_t>(room, request.max_descriptors);
  for (int i = phy.phy; i < fabric.phy_count(phy.node) && response.phys.size() < most; ++i) {
    const auto one = Describe(fabric, {phy.node, static_cast<uint8_t>(i)});
    if (Passes(request.filter, one.attached_device_type)) response.phys.push_back(one);
  }
  return {mpi::EncodeDiscoverListResponse(response), {}};
}

SmpAnswer ReportPhyErrorLog(const FabricState& fabric, PhyRef phy, const SmpRequest&) {
  const PhyErrors errors = fabric.errors(phy);
  mpi::ReportPhyErrorLogResponse response;
  response.change_count = ChangeCountAt(fabric, phy.node);
  response.phy = PhyId(phy.phy);
  response.invalid_dword_count = errors.invalid_dwords;
  response.running_disparity_error_count = errors.disparity_errors;
  response.loss_of_dword_sync_count = errors.loss_of_sync;
  response.phy_reset_problem_count = errors.reset_problems;
  return {mpi::EncodeReportPhyErrorLogResponse(response), {}};
}

SmpAnswer ReportPhyEvent(const FabricState& fabric, PhyRef phy, const SmpRequest&) {
  const PhyErrors errors = fabric.errors(phy);
  mpi::ReportPhyEventResponse response;
  response.change_count = ChangeCountAt(fabric, phy.node);
  response.phy = PhyId(phy.phy);
  response.events = {{mpi::PhyEventSource::kInvalidDwords, errors.invalid_dwords, 0},
                     {mpi::PhyEventSource::kRunningDisparityErrors, errors.disparity_errors, 0},
                     {mpi::PhyEventSource::kLossOfDwordSync, errors.loss_of_sync, 0},
                     {mpi::PhyEventSource::kPhyResetProblems, errors.reset_problems, 0}};
  return {mpi::EncodeReportPhyEventResponse(response), {}};
}

// One affiliation per disk, with the initiator that reaches it: it found the disk and so has spoken
// to it.
SmpAnswer ReportPhySata(const FabricState& fabric, PhyRef phy, const SmpRequest& request) {
  if (!HasSata(fabric, phy)) return Refuse(request, SmpResult::kPhyDoesNotSupportSata);
  mpi::ReportPhySataResponse response;
  response.change_count = ChangeCountAt(fabric, phy.node);
  response.phy = PhyId(phy.phy);
  response.stp_address = fabric.PeerAddress(fabric.Link(phy));
  response.fis = kDiskSignature;
  response.affiliations_supported = true;
  response.affiliation_context = request.affiliation_context;
  response.max_affiliation_contexts = 1;
  const SasAddress initiator = NearestHost(fabric, phy.node.index);
  response.affiliation_contexts = initiator == SasAddress() ? 0 : 1;
  if (request.affiliation_context < response.affiliation_contexts) {
    response.affiliation_valid = true;
    response.affiliated_initiator = initiator;
  }
  return {mpi::EncodeReportPhySataResponse(response), {}};
}

SmpAnswer ControlPhy(const FabricState& fabric, PhyRef phy, const SmpRequest& request) {
  if (!CanProgram(fabric, phy, request)) return Refuse(request, SmpResult::kFailed);
  PhyAction action{phy, PhyActionKind::kNop, request.programmed_min, request.programmed_max};
  switch (request.operation) {
    case mpi::PhyOperation::kNop:
    case mpi::PhyOperation::kClearNexusLoss:  // none has occurred
      break;
    case mpi::PhyOperation::kLinkReset:
      action.operation = PhyActionKind::kLinkReset;
      break;
    case mpi::PhyOperation::kHardReset:
      action.operation = PhyActionKind::kHardReset;
      break;
    case mpi::PhyOperation::kDisable:
      action.operation = PhyActionKind::kDisable;
      break;
    case mpi::PhyOperation::kClearErrorLog:
      action.operation = PhyActionKind::kClearErrorLog;
      break;
    case mpi::PhyOperation::kClearAffiliation:  // the initiator's next command makes a new one
      if (!HasSata(fabric, phy)) return Refuse(request, SmpResult::kFailed);
      break;
    case mpi::PhyOperation::kSataPortSelection:
      if (!HasSata(fabric, phy)) return Refuse(request, SmpResult::kPhyDoesNotSupportSata);
      break;
    default:  // among them SET ATTACHED DEVICE NAME: the expander asks the disk itself
      return Refuse(request, SmpResult::kUnknownPhyOperation);
  }
  return {mpi::EncodeSmpResult(request.function, SmpResult::kAccepted), action};
}

}  // namespace sasd::emulator
