#ifndef DAEMON_SERVICE_LIST_FILTERS_H_
#define DAEMON_SERVICE_LIST_FILTERS_H_

#include <array>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/topology.h"
#include "daemon/service/filter_field.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/status.h"
#include "sas/v1/filter.pb.h"

// The filters of the List methods as predicates over the registry's resources. Values are compiled
// once; a predicate allocates only where a glob meets a name or an address.
namespace sasd::service {

// Reads a filter of resources of kind T, for the eight kinds. The predicate is thread-safe and
// needs neither filter nor topology. An empty filter matches everything. Errors: BadField with the
// path, such as "filter.conditions[2].values[0]", and what is possible: CheckBounds(); kinds; a
// host that is malformed or unknown; a field, operator or value that is not possible.
template <typename T>
grpc::Status ReadFilter(const sas::v1::Filter& filter, const registry::Topology& topology,
                        Predicate<T>* predicate);

// The conditions of a filter for one kind. Both decide equally; unset: no resource of the kind
// passes. `message`: of the kind. Thread-safe.
struct KindConditions {
  Predicate<registry::ResourceRef> resource;
  Predicate<google::protobuf::Message> message;
};
using ConditionsByKind = std::array<KindConditions, registry::kResourceKindCount>;

// Reads the conditions of a filter over several kinds: those that it names, or all. A kind without
// one of the fields does not pass. In conditions on `name`, a value of another kind is no error.
// The filter is within CheckBounds(). Errors: BadField for a field that none of the kinds has, for
// fields that no kind has together, and as of ReadFilter() for each kind that has all fields.
grpc::Status ReadConditions(const sas::v1::Filter& filter, ConditionsByKind* out);

// The hosts of a request's repeated field `field`. Errors as above.
grpc::Status ReadHosts(const google::protobuf::RepeatedPtrField<std::string>& names,
                       absl::string_view field, const registry::Topology& topology,
                       std::vector<HostKey>* hosts);

// The fields of a kind, in the order of its message, then the derived ones.
std::vector<FilterField> FilterFieldsOf(registry::ResourceKind kind);

// All of them as Markdown: a heading and a table per kind. docs/filters.md ends with it.
std::string FilterFieldsMarkdown();

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_LIST_FILTERS_H_
