#ifndef DAEMON_SERVICE_FIELD_SOURCES_H_
#define DAEMON_SERVICE_FIELD_SOURCES_H_

#include "daemon/registry/resources.h"
#include "daemon/registry/source_table.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::service {

// Adds each source's value of each field that the table lists and the source reports. In the order
// of the message's fields; within a field by source, the firmware first. `ref` is not null. Pure.
void AddFieldSources(const registry::ResourceRef& ref, const registry::SourceTable& table,
                     sas::v1::ListFieldSourcesResponse* out);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_FIELD_SOURCES_H_
