#ifndef DAEMON_SERVICE_TOPOLOGY_SERVICE_H_
#define DAEMON_SERVICE_TOPOLOGY_SERVICE_H_

#include "daemon/registry/registry.h"
#include "daemon/service/calls.h"
#include "daemon/service/history_reader.h"
#include "daemon/service/resource_finder.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/topology_service.grpc.pb.h"

namespace sasd::service {

// How gRPC hands the methods over: what runs on the pool takes bytes.
#define SASD_TOPOLOGY(METHOD) sas::v1::TopologyService::METHOD
using TopologyMethods = WithMethods<
    SASD_TOPOLOGY(Service), SASD_TOPOLOGY(WithRawCallbackMethod_ListHosts),
    SASD_TOPOLOGY(WithRawCallbackMethod_ListPhys), SASD_TOPOLOGY(WithRawCallbackMethod_ListPorts),
    SASD_TOPOLOGY(WithRawCallbackMethod_ListExpanders),
    SASD_TOPOLOGY(WithRawCallbackMethod_ListEndDevices),
    SASD_TOPOLOGY(WithRawCallbackMethod_ListLogicalUnits),
    SASD_TOPOLOGY(WithRawCallbackMethod_ListEnclosures),
    SASD_TOPOLOGY(WithRawCallbackMethod_ListSlots),
    SASD_TOPOLOGY(WithRawCallbackMethod_FindResources), SASD_TOPOLOGY(WithCallbackMethod_GetHost),
    SASD_TOPOLOGY(WithCallbackMethod_GetPhy), SASD_TOPOLOGY(WithCallbackMethod_GetPort),
    SASD_TOPOLOGY(WithCallbackMethod_GetExpander), SASD_TOPOLOGY(WithCallbackMethod_GetEndDevice),
    SASD_TOPOLOGY(WithCallbackMethod_GetLogicalUnit),
    SASD_TOPOLOGY(WithCallbackMethod_GetEnclosure), SASD_TOPOLOGY(WithCallbackMethod_GetSlot),
    SASD_TOPOLOGY(WithCallbackMethod_ListFieldSources)>::Type;
#undef SASD_TOPOLOGY

// sas.v1.TopologyService. Every answer comes from one snapshot of the registry; of what is gone,
// from the history. Thread-safe.
class TopologyService final : public TopologyMethods {
 public:
  // Borrows all of them for its lifetime.
  TopologyService(const registry::Registry& registry, const HistoryReader& history,
                  ResourceFinder& finder, Calls& calls)
      : registry_(registry), history_(history), finder_(finder), calls_(calls) {}

#define SASD_LIST_AND_GET(PLURAL, SINGULAR)                                               \
  grpc::ServerUnaryReactor* List##PLURAL(grpc::CallbackServerContext* context,            \
                                         const grpc::ByteBuffer* request,                 \
                                         grpc::ByteBuffer* response) override;            \
  grpc::ServerUnaryReactor* Get##SINGULAR(grpc::CallbackServerContext* context,           \
                                          const sas::v1::Get##SINGULAR##Request* request, \
                                          sas::v1::Get##SINGULAR##Response* response) override;
  SASD_LIST_AND_GET(Hosts, Host)
  SASD_LIST_AND_GET(Phys, Phy)
  SASD_LIST_AND_GET(Ports, Port)
  SASD_LIST_AND_GET(Expanders, Expander)
  SASD_LIST_AND_GET(EndDevices, EndDevice)
  SASD_LIST_AND_GET(LogicalUnits, LogicalUnit)
  SASD_LIST_AND_GET(Enclosures, Enclosure)
  SASD_LIST_AND_GET(Slots, Slot)
#undef SASD_LIST_AND_GET

  grpc::ServerUnaryReactor* FindResources(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListFieldSources(grpc::CallbackServerContext* context,
                                             const sas::v1::ListFieldSourcesRequest* request,
                                             sas::v1::ListFieldSourcesResponse* response) override;

 private:
  const registry::Registry& registry_;
  const HistoryReader& history_;
  ResourceFinder& finder_;
  Calls& calls_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_TOPOLOGY_SERVICE_H_
