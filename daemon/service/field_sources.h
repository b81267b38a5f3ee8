#ifndef DAEMON_SERVICE_FIELD_SOURCES_H_
#define DAEMON_SERVICE_FIELD_SOURCES_H_

#include "daemon/registry/resources.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::service {

// Adds what each source tells of a resource, field by field: those that have a value and are told,
// not derived. In the order of the message's fields, the firmware first. `ref` is not null. Pure.
void AddFieldSources(const registry::ResourceRef& ref, sas::v1::ListFieldSourcesResponse* out);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_FIELD_SOURCES_H_
