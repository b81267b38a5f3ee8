#ifndef DAEMON_REGISTRY_WRITER_H_
#define DAEMON_REGISTRY_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "daemon/registry/aliases.h"
#include "daemon/registry/derived_memory.h"
#include "daemon/registry/enclosure_copies.h"
#include "daemon/registry/enclosure_evidence.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/restored.h"
#include "daemon/registry/source_table.h"
#include "daemon/registry/text.h"
#include "daemon/registry/topology.h"
#include "driver/observation/observation.h"

namespace sasd::registry {

// What the sources report of a stale host after a restart.
struct HostComparison {
  HostKey host;
  // Of the host's sources, in their order: all that they have reported since the restart. Empty
  // where no source has the host any more.
  std::vector<ObservationBatch> batches;
  absl::Time time;
};

// Applies batches to the tables. First each observation changes the facts of its object, then
// Deriver updates the derived resources. Not thread-safe.
class Writer {
 public:
  // Borrows the sources for its lifetime. `copies`: what it knew when it ended. `aliases`: those
  // from the first event on.
  explicit Writer(int64_t start_revision, const SourceTable& sources = NodeSources(),
                  EnclosureCopies copies = EnclosureCopies(), Aliases aliases = Aliases());
  explicit Writer(Restored restored, const SourceTable& sources = NodeSources(),
                  EnclosureCopies copies = EnclosureCopies(), Aliases aliases = Aliases());

  // Null where the batch changes nothing and marks nothing (see ObservationBatch).
  std::shared_ptr<RegistryEvent> Apply(ObservationBatch batch);
  // Makes all hosts stale. Never null.
  std::shared_ptr<RegistryEvent> BeginRestart(absl::Time time);
  // Replaces what the host had by what it has. Null where nothing differs.
  std::shared_ptr<RegistryEvent> Compare(HostComparison comparison);

  // After each event, until it is null: an event that takes two enclosures apart that the events so
  // far prove to be two, with one logical identifier (enclosure_evidence.h).
  std::shared_ptr<RegistryEvent> SeparateEnclosures();
  EnclosureCopies& enclosure_copies() { return copies_; }

  // The aliases from now on. Null where no host or enclosure that is there has another one.
  std::shared_ptr<RegistryEvent> SetAliases(Aliases aliases, Cause cause, absl::Time time);

  // An event that changes no resource.
  std::shared_ptr<RegistryEvent> Annotate(Cause cause, std::vector<EventNotice> notices,
                                          absl::Time time);

  // A unit that is not there, and belongs to the node: its plain key is not for another unit.
  void Reserve(const LogicalUnit& unit) {
    const bool is_there = tables_.of<LogicalUnit>().Find(unit.id) != nullptr;
    if (unit.id.IsPlain() && !is_there) memory_.Reserve(unit.wwid, IdentityOf(unit));
  }

  const Tables& tables() const { return tables_; }
  int64_t revision() const { return revision_; }
  const SourceTable& sources() const { return sources_; }

 private:
  class Step;  // one batch being applied

  // Ends the step. `batch` has no observations any more. Null where nothing changed, unless the
  // event is a `mark` that comes also without changes.
  std::shared_ptr<RegistryEvent> Finish(Step& step, ObservationBatch batch, bool mark);

  void NoteContradictions(absl::Span<const Change> changes);
  void NoteContradictionsOf(HostKey host);

  const SourceTable& sources_;
  Tables tables_;
  int64_t revision_;
  std::optional<RevisionGap> gap_;  // after revision_
  TextPool pool_;
  DerivedMemory memory_;
  EnclosureCopies copies_;
  Aliases aliases_;
  absl::flat_hash_map<EnclosureKey, HostList> uncompared_;  // see Restored
  // Slots with several devices for SeparateEnclosures(), with those that they had before.
  absl::btree_map<SlotKey, std::vector<NodeKey>> contradictions_;
  ObservationBatch last_batch_;  // without observations
  // Since the last batch. Nodes that contradict each other everywhere stay where they are in the
  // end.
  size_t separations_ = 0;
  static constexpr size_t kMaxSeparations = 255;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_WRITER_H_
