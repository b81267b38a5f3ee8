#ifndef DAEMON_SERVICE_CONVERT_SCSI_HOSTS_H_
#define DAEMON_SERVICE_CONVERT_SCSI_HOSTS_H_

#include "daemon/registry/topology.h"
#include "driver/observation/scsi_host.h"
#include "sas/v1/node_service.pb.h"

namespace sasd::service {

// What the operating system shows beside the SAS objects as the API's message. A SAS host gets the
// name of the topology's host with its os_name; empty where there is none yet. Keeps the bounds of
// the API. Pure.
sas::v1::ListScsiHostsResponse ToProto(const ScsiHosts& hosts, const registry::Topology& topology);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_CONVERT_SCSI_HOSTS_H_
