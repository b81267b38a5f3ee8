#ifndef DAEMON_SERVICE_WATCH_FILTER_H_
#define DAEMON_SERVICE_WATCH_FILTER_H_

#include <memory>

#include "daemon/registry/topology.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/history_reader.h"
#include "daemon/watch/filter.h"
#include "grpcpp/support/status.h"
#include "sas/v1/filter.pb.h"

namespace sasd::service {

// What Filter.behind is about.
struct BehindScope {
  const registry::Topology& topology;  // of now
  // The past of the node; null for a client that begins now, and needs none.
  const HistoryReader* reader = nullptr;
  Cancelled cancelled = NeverCancelled;
  // Whether the filter is kept as long as a Watch lives: then it has fewer patterns.
  bool is_of_watch = false;
};

// Reads a request's filter. `views` is shared by subscribers who go through the same events at the
// same time; null: the filter has its own. Errors: BadField for what is out of CheckBounds(), a
// kind that is not one, a name that is no host's, and as of ReadConditions() and BehindStates;
// those of the reader. A host that is not known (yet) is no error: it may come.
grpc::Status ReadWatchFilter(const sas::v1::Filter& proto, const BehindScope& scope,
                             watch::Filter* filter,
                             std::shared_ptr<watch::EventViews> views = nullptr);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WATCH_FILTER_H_
