#ifndef DAEMON_SERVICE_LIST_FILTERS_H_
#define DAEMON_SERVICE_LIST_FILTERS_H_

#include <functional>

#include "daemon/registry/topology.h"
#include "grpcpp/support/status.h"
#include "sas/v1/topology_service.pb.h"

// The typed filters of the List methods as predicates. Each reads the filter of a request; an empty
// filter matches everything. Errors: BadField with the path of the condition: a name that cannot be
// read, a host that is not there, a value that is none of its enumeration.
namespace sasd::service {

template <typename T>
using Predicate = std::function<bool(const T&)>;

grpc::Status ReadFilter(const sas::v1::PhyFilter& filter, const registry::Topology& topology,
                        Predicate<registry::Phy>* predicate);
grpc::Status ReadFilter(const sas::v1::PortFilter& filter, const registry::Topology& topology,
                        Predicate<registry::Port>* predicate);
grpc::Status ReadFilter(const sas::v1::ExpanderFilter& filter, const registry::Topology& topology,
                        Predicate<registry::Expander>* predicate);
grpc::Status ReadFilter(const sas::v1::EndDeviceFilter& filter, const registry::Topology& topology,
                        Predicate<registry::EndDevice>* predicate);
grpc::Status ReadFilter(const sas::v1::LogicalUnitFilter& filter,
                        const registry::Topology& topology,
                        Predicate<registry::LogicalUnit>* predicate);
grpc::Status ReadFilter(const sas::v1::EnclosureFilter& filter, const registry::Topology& topology,
                        Predicate<registry::Enclosure>* predicate);
grpc::Status ReadFilter(const sas::v1::SlotFilter& filter, const registry::Topology& topology,
                        Predicate<registry::Slot>* predicate);

// The hosts of a request's repeated field `field`. Errors as above.
grpc::Status ReadHosts(const google::protobuf::RepeatedPtrField<std::string>& names,
                       absl::string_view field, const registry::Topology& topology,
                       std::vector<SasAddress>* hosts);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_LIST_FILTERS_H_
