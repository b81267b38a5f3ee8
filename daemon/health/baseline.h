#ifndef DAEMON_HEALTH_BASELINE_H_
#define DAEMON_HEALTH_BASELINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/health/missing.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/topology.h"

namespace sasd::health {

// One object that belongs to the node.
struct BaselineEntry {
  registry::ResourceRef last_known;
  std::shared_ptr<const registry::Port> port;  // as Missing::port
  UnitKeys units;                              // as Missing::units
  // A drive: greater than those of drives that came to their slots in earlier events, and in
  // earlier runs; 0: not known.
  int64_t placement = 0;
  absl::Time first_seen;
  MissingPtr missing;    // null while it is there
  bool settled = false;  // a host: discovery has settled on it once
  bool seen = false;     // since the start; not stored
};

// What belongs to the node: every host, expander, enclosure, drive (a logical unit), path (an end
// device that leads to a drive) and wide port that was ever seen, until it is replaced or accepted
// as gone. Follows the registry's events; makes no I/O. Thread-safe; the lock is held for
// O(changed).
//
// An object without a host on which discovery has settled once is not missed: at the first start
// all that is seen is simply added.
class Baseline {
 public:
  // Takes over a committed event; `after`: all resources at its revision. Call it in the order of
  // revisions, before the event is published. Returns notices that belong to the event:
  // DRIVE_REPLACED.
  std::vector<registry::EventNotice> OnCommit(const registry::RegistryEvent& event,
                                              const registry::Topology& after)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Adds what is there, without an event: for a registry that began with a restored picture. What
  // the baseline has and the picture has not is missing from then on.
  void Compare(const registry::Topology& restored, const Origin& origin) ABSL_LOCKS_EXCLUDED(mu_);
  // For a registry that began with nothing: what was stored, and was not seen since the start, is
  // missing, where all of its hosts are among `hosts`. `topology`: what is there. Returns notices,
  // as OnCommit(). O(n).
  std::vector<registry::EventNotice> MissUnseen(const absl::flat_hash_set<HostKey>& hosts,
                                                const registry::Topology& topology,
                                                const Origin& origin) ABSL_LOCKS_EXCLUDED(mu_);
  // The hosts that belong to the node and were not seen since the start.
  std::vector<HostKey> UnseenHosts() const ABSL_LOCKS_EXCLUDED(mu_);

  BaselineView View() const ABSL_LOCKS_EXCLUDED(mu_);
  // Grows with each change of what is missing.
  uint64_t version() const ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `limit` entries that belong to the node, after `after` (none: from the start), ascending
  // by id. Copies; O(limit) unless few are missing.
  struct Listed {
    registry::ResourceId id;
    BaselineEntry entry;
  };
  std::vector<Listed> List(const std::optional<registry::ResourceId>& after, bool missing,
                           size_t limit) const ABSL_LOCKS_EXCLUDED(mu_);
  // Nothing where it does not belong to the node.
  std::optional<BaselineEntry> Find(const registry::ResourceId& id) const ABSL_LOCKS_EXCLUDED(mu_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);
  // All drives that belong to the node, there or not, as they were last seen. O(size()).
  std::vector<std::shared_ptr<const registry::LogicalUnit>> Drives() const ABSL_LOCKS_EXCLUDED(mu_);

  // Forgets what is missing (of `ids`; empty: all), and returns it. Ends `lost`.
  std::vector<Listed> Accept(absl::Span<const registry::ResourceId> ids, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // When the baseline began, or was last accepted; InfinitePast() before the first host.
  absl::Time accept_time() const ABSL_LOCKS_EXCLUDED(mu_);

  // The stored baseline could not be read although there was one.
  void SetLost() ABSL_LOCKS_EXCLUDED(mu_);
  // Puts a stored entry back, before the first event.
  void Restore(const registry::ResourceId& id, BaselineEntry entry) ABSL_LOCKS_EXCLUDED(mu_);
  void RestoreAcceptTime(absl::Time time) ABSL_LOCKS_EXCLUDED(mu_);

  // What has to be stored: the entries that changed since the last call, without a value where they
  // ended.
  struct Changed {
    registry::ResourceId id;
    std::optional<BaselineEntry> entry;
  };
  std::vector<Changed> TakeChanged() ABSL_LOCKS_EXCLUDED(mu_);
  // The objects that came back since the last call.
  std::vector<registry::ResourceId> TakeReturned() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Entries = absl::btree_map<registry::ResourceId, BaselineEntry>;
  class Step;  // one event

  void Erase(const registry::ResourceId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;  // a leaf
  Entries entries_ ABSL_GUARDED_BY(mu_);
  // Of them, those that are missing.
  absl::btree_map<registry::ResourceId, MissingPtr> missing_ ABSL_GUARDED_BY(mu_);
  // The end devices that lead, or led, to a unit of a drive: those whose entries have it in
  // `units`.
  absl::flat_hash_map<registry::LogicalUnitKey, absl::btree_set<NodeKey>> paths_
      ABSL_GUARDED_BY(mu_);
  // The missing drives of a slot.
  absl::flat_hash_map<SlotKey, absl::btree_set<registry::LogicalUnitKey>> missing_in_slot_
      ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<PortKey, BaselineView::PortBest> best_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<HostKey> settled_ ABSL_GUARDED_BY(mu_);  // since the start
  absl::btree_set<registry::ResourceId> changed_ ABSL_GUARDED_BY(mu_);
  std::vector<registry::ResourceId> returned_ ABSL_GUARDED_BY(mu_);
  int64_t last_placement_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t version_ ABSL_GUARDED_BY(mu_) = 0;
  bool lost_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time accept_time_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_BASELINE_H_
