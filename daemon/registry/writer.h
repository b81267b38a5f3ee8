#ifndef DAEMON_REGISTRY_WRITER_H_
#define DAEMON_REGISTRY_WRITER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "daemon/registry/derive.h"
#include "daemon/registry/draft_set.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/source_table.h"
#include "daemon/registry/topology.h"
#include "driver/observation/observation.h"

namespace sasd::registry {

// Applies batches to the tables. First each observation changes the facts of its object, then
// Deriver updates the derived resources. Not thread-safe.
class Writer {
 public:
  // Borrows the sources for its lifetime.
  explicit Writer(int64_t start_revision, const SourceTable& sources = NodeSources())
      : sources_(sources), revision_(start_revision) {}

  // Null where the batch changes nothing and marks nothing (see ObservationBatch).
  std::shared_ptr<RegistryEvent> Apply(ObservationBatch batch);

  // An event that changes no resource.
  std::shared_ptr<RegistryEvent> Annotate(Cause cause, std::vector<EventNotice> notices,
                                          absl::Time time);

  const Tables& tables() const { return tables_; }
  int64_t revision() const { return revision_; }
  const SourceTable& sources() const { return sources_; }

 private:
  class Step;  // one batch being applied

  const SourceTable& sources_;
  Tables tables_;
  int64_t revision_;
  TextPool pool_;
  DerivedMemory memory_;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_WRITER_H_
