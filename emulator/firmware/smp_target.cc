#include "emulator/firmware/smp_target.h"

#include "driver/wire/smp/smp.h"
#include "driver/wire/smp/smp_expander.h"
#include "emulator/firmware/smp_phys.h"
#include "emulator/firmware/smp_routes.h"

namespace sasd::emulator {
namespace {

using mpi::GeneralConfiguration;
using mpi::SmpFunction;
using mpi::SmpRequest;
using mpi::SmpResult;
using General = mpi::ReportGeneralResponse;

constexpr uint16_t kMaxRoutedAddresses = 4096;

SmpAnswer ReportGeneral(const FabricState& fabric, NodeRef node, const SmpRequest&) {
  General response;
  response.long_response = true;
  response.phy_count = static_cast<uint8_t>(fabric.phy_count(node));
  if (node.is_host) {
    response.enclosure_logical_id = fabric.host(node.index).enclosure_logical_id;
    return {mpi::EncodeReportGeneralResponse(response), {}};
  }
  const uint32_t enclosure = fabric.expander(node.index).enclosure;
  if (enclosure != kNoIndex) {
    response.enclosure_logical_id = fabric.spec().enclosures[enclosure].logical_id;
  }
  response.change_count = fabric.expander_change_count(node.index);
  response.route_indexes = kRouteIndexes;
  response.flags = General::kTableToTable | General::kConfiguresOthers | General::kOpenRejectRetry;
  response.max_routed_addresses = kMaxRoutedAddresses;
  const ExpanderTimes& times = fabric.times(node.index);
  response.ssp_connect_time_100us = times.ssp_connect_time_100us;
  response.stp_bus_inactivity_100us = times.stp_bus_inactivity_100us;
  response.stp_connect_time_100us = times.stp_connect_time_100us;
  response.nexus_loss_ms = times.nexus_loss_ms;
  response.power_done_s = times.power_done_s;
  response.open_delay_100ns = times.open_delay_100ns;
  response.reduced_function_100ms = times.reduced_function_100ms;
  response.stp_reject_to_open_10us = times.stp_reject_to_open_10us;
  return {mpi::EncodeReportGeneralResponse(response), {}};
}

SmpAnswer ReportManufacturer(const FabricState& fabric, NodeRef node, const SmpRequest&) {
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
  return {mpi::EncodeReportManufacturerResponse(response), {}};
}

// The expander's routes are always complete, so there is no error to report.
SmpAnswer ReportSelfConfigurationStatus(const FabricState& fabric, NodeRef node,
                                        const SmpRequest& request) {
  mpi::ReportSelfConfigurationStatusResponse response;
  response.change_count = fabric.expander_change_count(node.index);
  response.first_index = request.index;
  return {mpi::EncodeReportSelfConfigurationStatusResponse(response), {}};
}

SmpAnswer ConfigureGeneral(const FabricState& fabric, NodeRef node, const SmpRequest& request) {
  const GeneralConfiguration& wanted = request.configuration;
  ExpanderAction action{node.index, fabric.times(node.index)};
  const auto set = [&](uint8_t bit, auto& time, auto value) {
    if ((wanted.update & bit) != 0) time = value;
  };
  ExpanderTimes& times = action.times;
  set(GeneralConfiguration::kSspConnectTime, times.ssp_connect_time_100us,
      wanted.ssp_connect_time_100us);
  set(GeneralConfiguration::kStpBusInactivity, times.stp_bus_inactivity_100us,
      wanted.stp_bus_inactivity_100us);
  set(GeneralConfiguration::kStpConnectTime, times.stp_connect_time_100us,
      wanted.stp_connect_time_100us);
  set(GeneralConfiguration::kNexusLoss, times.nexus_loss_ms, wanted.nexus_loss_ms);
  set(GeneralConfiguration::kReducedFunction, times.reduced_function_100ms,
      wanted.reduced_function_100ms);
  set(GeneralConfiguration::kPowerDone, times.power_done_s, wanted.power_done_s);
  set(GeneralConfiguration::kOpenDelay, times.open_delay_100ns, wanted.open_delay_100ns);
  set(GeneralConfiguration::kStpRejectToOpen, times.stp_reject_to_open_10us,
      wanted.stp_reject_to_open_10us);
  return {mpi::EncodeSmpResult(request.function, SmpResult::kAccepted), action};
}

template <SmpAnswer (*kAnswer)(const FabricState&, PhyRef, const SmpRequest&)>
SmpAnswer OfPhy(const FabricState& fabric, NodeRef node, const SmpRequest& request) {
  const PhyRef phy{node, request.phy.value()};
  if (phy.phy < fabric.phy_count(node)) return kAnswer(fabric, phy, request);
  return {mpi::EncodeSmpResult(request.function, SmpResult::kPhyDoesNotExist), {}};
}

struct Handler {
  SmpFunction function;
  bool of_hosts;
  SmpAnswer (*answer)(const FabricState&, NodeRef, const SmpRequest&);
};
constexpr Handler kHandlers[] = {
    {SmpFunction::kReportGeneral, true, ReportGeneral},
    {SmpFunction::kReportManufacturer, true, ReportManufacturer},
    {SmpFunction::kReportSelfConfigurationStatus, false, ReportSelfConfigurationStatus},
    {SmpFunction::kDiscover, true, OfPhy<Discover>},
    {SmpFunction::kReportPhyErrorLog, true, OfPhy<ReportPhyErrorLog>},
    {SmpFunction::kReportPhySata, false, OfPhy<ReportPhySata>},
    {SmpFunction::kReportRouteInformation, false, OfPhy<ReportRouteInformation>},
    {SmpFunction::kReportPhyEvent, false, OfPhy<ReportPhyEvent>},
    {SmpFunction::kDiscoverList, false, OfPhy<DiscoverList>},
    {SmpFunction::kReportExpanderRouteTableList, false, OfPhy<ReportExpanderRouteTableList>},
    {SmpFunction::kConfigureGeneral, false, ConfigureGeneral},
    {SmpFunction::kPhyControl, true, OfPhy<ControlPhy>},
};

const Handler* HandlerOf(SmpFunction function, bool is_host) {
  for (const Handler& handler : kHandlers) {
    if (handler.function == function && (handler.of_hosts || !is_host)) return &handler;
  }
  return nullptr;
}

// SPL-4: an expected change count of 0 is not compared.
bool IsExpected(const FabricState& fabric, NodeRef node, uint16_t change_count) {
  return change_count == 0 || node.is_host ||
         change_count == fabric.expander_change_count(node.index);
}

}  // namespace

SmpAnswer AnswerSmp(const FabricState& fabric, NodeRef node, ByteSpan frame) {
  const auto function = frame.size() > 1 ? SmpFunction(frame[1]) : SmpFunction::kReportGeneral;
  const Handler* const handler = HandlerOf(function, node.is_host);
  if (handler == nullptr) return {mpi::EncodeSmpResult(function, SmpResult::kUnknownFunction), {}};
  const auto request = mpi::DecodeSmpRequest(frame);
  if (!request.ok()) {
    return {mpi::EncodeSmpResult(function, SmpResult::kInvalidRequestFrameLength), {}};
  }
  if (!IsExpected(fabric, node, request->expected_change_count)) {
    return {mpi::EncodeSmpResult(function, SmpResult::kInvalidExpanderChangeCount), {}};
  }
  SmpAnswer answer = handler->answer(fabric, node, *request);
  mpi::FitSmpResponse(*request, answer.response);
  return answer;
}

}  // namespace sasd::emulator
