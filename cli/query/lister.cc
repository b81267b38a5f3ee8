#include "cli/query/lister.h"
#include "sas/v1/topology_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;
using sas::v1::TopologyService;

// The largest page of sasd. It needs the fewest calls, and is about one megabyte at most.
constexpr int kPageSize = 1000;

// The resources of a List response: its field 1, for every kind.
std::vector<const Message*> ItemsOf(const Message& response) {
  const auto* items = response.GetDescriptor()->FindFieldByNumber(1);
  const auto& reflection = *response.GetReflection();
  std::vector<const Message*> page;
  for (int i = 0; i < reflection.FieldSize(response, items); ++i) {
    page.push_back(&reflection.GetRepeatedMessage(response, items, i));
  }
  return page;
}

template <typename Request, typename Response>
absl::Status Pages(const Context& context,
                   grpc::Status (TopologyService::StubInterface::*method)(grpc::ClientContext*,
                                                                          const Request&,
                                                                          Response*),
                   Request request, const TakePage& take) {
  request.set_page_size(kPageSize);
  for (;;) {
    const auto response = context.Call(*context.Stub<sas::v1::TopologyService>(), method, request);
    if (!response.ok()) return response.status();
    if (!take(ItemsOf(*response)) || response->next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(response->next_page_token());
  }
}

template <typename Request>
Request NewRequest(sas::v1::View view, const sas::v1::Filter& filter) {
  Request request;
  request.set_view(view);
  *request.mutable_filter() = filter;
  return request;
}

}  // namespace

absl::Status ListPages(const Context& context, sas::v1::ResourceKind kind,
                       const sas::v1::Filter& filter, sas::v1::View view, const TakePage& take) {
  using Stub = TopologyService::StubInterface;
  switch (kind) {
    case sas::v1::RESOURCE_KIND_HOST:
      return Pages(context, &Stub::ListHosts, NewRequest<sas::v1::ListHostsRequest>(view, filter),
                   take);
    case sas::v1::RESOURCE_KIND_PHY:
      return Pages(context, &Stub::ListPhys, NewRequest<sas::v1::ListPhysRequest>(view, filter),
                   take);
    case sas::v1::RESOURCE_KIND_PORT:
      return Pages(context, &Stub::ListPorts, NewRequest<sas::v1::ListPortsRequest>(view, filter),
                   take);
    case sas::v1::RESOURCE_KIND_EXPANDER:
      return Pages(context, &Stub::ListExpanders,
                   NewRequest<sas::v1::ListExpandersRequest>(view, filter), take);
    case sas::v1::RESOURCE_KIND_END_DEVICE:
      return Pages(context, &Stub::ListEndDevices,
                   NewRequest<sas::v1::ListEndDevicesRequest>(view, filter), take);
    case sas::v1::RESOURCE_KIND_LOGICAL_UNIT:
      return Pages(context, &Stub::ListLogicalUnits,
                   NewRequest<sas::v1::ListLogicalUnitsRequest>(view, filter), take);
    case sas::v1::RESOURCE_KIND_ENCLOSURE:
      return Pages(context, &Stub::ListEnclosures,
                   NewRequest<sas::v1::ListEnclosuresRequest>(view, filter), take);
    case sas::v1::RESOURCE_KIND_SLOT:
      return Pages(context, &Stub::ListSlots, NewRequest<sas::v1::ListSlotsRequest>(view, filter),
                   take);
    default:
      return absl::InternalError("no list of this kind");
  }
}

}  // namespace sasd::cli
