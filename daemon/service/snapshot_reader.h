#ifndef DAEMON_SERVICE_SNAPSHOT_READER_H_
#define DAEMON_SERVICE_SNAPSHOT_READER_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "daemon/registry/topology.h"
#include "daemon/watch/filter.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {

// Reads a snapshot in chunks, parents before children, so that the whole of it is never there as
// messages. Thread-compatible.
class SnapshotReader {
 public:
  // `filter` outlives the reader.
  SnapshotReader(std::shared_ptr<const registry::Topology> topology, const watch::Filter& filter)
      : topology_(std::move(topology)), filter_(filter) {}

  int64_t revision() const { return topology_->revision(); }

  enum class Found { kResources, kNothingYet, kEnd };

  // Fills `chunk` with up to `max_resources` that pass the filter, of at most `max_looks`.
  // kNothingYet: none of these passed. kEnd: none are left.
  Found Next(size_t max_resources, size_t max_looks, sas::v1::SnapshotChunk* chunk);

 private:
  static constexpr size_t kKinds = registry::kResourceKindCount;

  template <typename T>
  void Read(size_t max_resources, size_t& looks, sas::v1::SnapshotChunk* chunk);

  const std::shared_ptr<const registry::Topology> topology_;
  const watch::Filter& filter_;
  size_t kind_ = 0;             // place in the order of kinds
  registry::ResourceRef last_;  // of this kind; null at its start
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SNAPSHOT_READER_H_
