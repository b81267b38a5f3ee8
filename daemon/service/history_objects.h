#ifndef DAEMON_SERVICE_HISTORY_OBJECTS_H_
#define DAEMON_SERVICE_HISTORY_OBJECTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/registry/topology.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/find.h"
#include "daemon/service/history_reader.h"
#include "grpcpp/support/status.h"
#include "sas/v1/resources.pb.h"

// What people call objects of the past. The functions wait for the history (HistoryReader).
namespace sasd::service {

struct RemovedObject {
  sas::v1::Resource last_known;
  int64_t revision = 0;  // of the removal
};

// The objects that are gone and were called `query`, the newest removal first; at most 100. Only of
// `kinds`, unless that is empty. As FindResources in find.h, by what the objects, and the
// enclosures of slots, were called last. A drive stands for its paths.
absl::StatusOr<std::vector<RemovedObject>> FindRemoved(
    absl::string_view query, absl::Span<const registry::ResourceKind> kinds,
    const registry::Topology& topology, const HistoryReader& reader,
    Cancelled cancelled = NeverCancelled);

// FindResources() of the topology of now, with an index if there is one.
using ObjectFinder = std::function<FoundResources(absl::string_view query, Cancelled cancelled)>;

// An object of the past or of now.
struct HistoryObject {
  sas::v1::Resource resource;  // as it is, or the last known state
  bool is_gone = false;
  // Its name, and of a drive those of its paths, also of ones that it lost in its last 200 events.
  // Ascending.
  std::vector<std::string> names;
};

// Finds the object that `query` means: those that are there come first, then the newest that is
// gone. Several objects (a serial that two drives share) are all in `names`; `resource` is the
// first. `find` null: without an index. Errors: NOT_FOUND with close names; CANCELLED; those of the
// reader.
grpc::Status ResolveObject(absl::string_view query, const registry::Topology& topology,
                           const HistoryReader& reader, HistoryObject* object,
                           const ObjectFinder& find = nullptr,
                           Cancelled cancelled = NeverCancelled);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_HISTORY_OBJECTS_H_
