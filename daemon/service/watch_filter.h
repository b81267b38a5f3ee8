#ifndef DAEMON_SERVICE_WATCH_FILTER_H_
#define DAEMON_SERVICE_WATCH_FILTER_H_

#include "daemon/watch/filter.h"
#include "grpcpp/support/status.h"
#include "sas/v1/filter.pb.h"

namespace sasd::service {

// Reads a request's filter. Error: BadField for a kind that is not one or a name that is no host's.
// A host that is not known (yet) is no error: it may come.
grpc::Status ReadWatchFilter(const sas::v1::Filter& proto, watch::Filter* filter);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WATCH_FILTER_H_
