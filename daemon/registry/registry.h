#ifndef DAEMON_REGISTRY_REGISTRY_H_
#define DAEMON_REGISTRY_REGISTRY_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/registry/aliases.h"
#include "daemon/registry/enclosure_copies.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/registry_event_queue.h"
#include "daemon/registry/restored.h"
#include "daemon/registry/source_table.h"
#include "daemon/registry/topology.h"
#include "daemon/registry/writer.h"
#include "driver/observation/observation.h"

namespace sasd::registry {

// 16 hexadecimal digits out of `random`: an epoch for Registry::Options.
std::string MakeEpoch(const std::function<uint64_t()>& random);

// A host on which discovery has not settled, and why: "discovery is in progress", "3 end devices
// are being attached or removed", "the host is not known", "the host is not compared with the
// picture from before the restart".
struct UnsettledHost {
  HostKey host;
  std::string reason;
};

// When a resource was removed.
struct Removal {
  ResourceId id;
  int64_t revision = 0;
  absl::Time time;
};

// The one picture of the node: takes batches from every source, gives each batch that changes
// something a revision, and keeps the current topology. A batch is committed first: it has its
// revision and goes to events(), seen by nobody. The consumer of events() then publishes it, so
// that it can be written down before. Thread-safe; batches are applied one after another. A reader
// never waits for a writer.
class Registry : public ObservationSink {
 public:
  struct Options {
    std::string epoch;           // see MakeEpoch
    int64_t start_revision = 0;  // the first event gets the next one, if nothing is restored
    // Valid (SourceTable::IsValid), and unchanged while the registry and its snapshots live.
    const SourceTable* sources = &NodeSources();
    // What to start from.
    std::optional<Restored> restored = std::nullopt;
    // Which of several enclosures with one logical identifier has which name, as it was kept.
    EnclosureCopies enclosure_copies = {};
    // The aliases of hosts and enclosures from the first event on. Those of a restored picture stay
    // as they are until SetAliases().
    Aliases aliases = {};
    // Keeps changes of that, each row instead of an earlier one with its key. May wait for a disk;
    // called without a lock.
    std::function<void(absl::Span<const EnclosureCopies::Row>)> keep_enclosures = nullptr;
  };

  explicit Registry(Options options);
  ~Registry() override;

  // Commits a batch: none or one event, in O(changed). Blocks while 1,024 events are queued.
  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(write_mu_);
  // Marks the start from a restored picture: one event with cause RESTART, after which each host is
  // stale (Host::stale) until it is compared. Call it once, before the first batch.
  void BeginRestart(absl::Time time) ABSL_LOCKS_EXCLUDED(write_mu_);
  // Replaces all that is known of a stale host by what its sources report now. The differences are
  // one event with cause RESTART. Blocks as Observe().
  void Compare(HostComparison comparison) ABSL_LOCKS_EXCLUDED(write_mu_);
  // Drives that belong to the node. The names of those that are not there are not for others. Call
  // it before the first batch. Makes no event.
  void Reserve(absl::Span<const std::shared_ptr<const LogicalUnit>> drives)
      ABSL_LOCKS_EXCLUDED(write_mu_);
  // For one caller. Makes no event.
  void SetPending(bool pending) override ABSL_LOCKS_EXCLUDED(mu_);

  // Commits an event of notices alone, such as an operator's act that changes no resource. Returns
  // its revision. Wakes the consumer of events().
  int64_t Annotate(Cause cause, std::vector<EventNotice> notices, absl::Time time,
                   std::shared_ptr<const AuditRecord> audit = nullptr)
      ABSL_LOCKS_EXCLUDED(write_mu_);

  // Gives the hosts and enclosures that are there, and those that come, these aliases. What differs
  // is one event. Returns its revision; nullopt: nothing differs. Wakes the consumer of events().
  std::optional<int64_t> SetAliases(Aliases aliases, Cause cause, absl::Time time)
      ABSL_LOCKS_EXCLUDED(write_mu_);

  // Makes events visible that were taken from events(), in their order. For its one consumer.
  void Publish(absl::Span<const CommittedEvent> events) ABSL_LOCKS_EXCLUDED(mu_);

  // All resources at the newest published revision. O(1).
  std::shared_ptr<const Topology> Snapshot() const ABSL_LOCKS_EXCLUDED(mu_);

  const std::string& epoch() const { return epoch_; }
  // The newest published revision.
  int64_t revision() const ABSL_LOCKS_EXCLUDED(mu_);
  // The newest committed one, which nobody but the consumer of events() may show.
  int64_t committed_revision() const ABSL_LOCKS_EXCLUDED(mu_);
  // Firmware events lost since the start, as the causes of gaps report.
  int64_t lost_events() const ABSL_LOCKS_EXCLUDED(mu_);

  // Committed events for the one consumer, which publishes them.
  RegistryEventQueue& events() { return events_; }
  const RegistryEventQueue& events() const { return events_; }

  // The hosts among `hosts` (empty: all known ones) that are not settled: the host is stale,
  // discovery is not in state SETTLED, an end device is still DISCOVERED, ATTACHING or REMOVING,
  // SetPending(true) holds, or a committed change of the host is not published yet. Does not wait.
  std::vector<UnsettledHost> Unsettled(absl::Span<const HostKey> hosts) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Whether Unsettled({host}) is empty; Unsettled({}) for AllSettled(). Cheap: for every event.
  bool IsSettled(const Host::Key& host) const ABSL_LOCKS_EXCLUDED(mu_);
  bool AllSettled() const ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until Unsettled(hosts) is empty and returns the revision at which it was. Errors:
  // kDeadlineExceeded naming the hosts that are not settled, and why.
  absl::StatusOr<int64_t> WaitSettled(absl::Span<const HostKey> hosts, absl::Duration timeout) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until revision() >= `revision`. Errors: kDeadlineExceeded naming both.
  absl::Status WaitForRevision(int64_t revision, absl::Duration timeout) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The newest of the last few thousand removals of this resource.
  std::optional<Removal> LastRemoval(const ResourceId& id) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The state of one host that waiters need.
  struct HostProgress {
    DiscoveryState state = DiscoveryState::kIdle;
    std::string status_text;
    int64_t moving = 0;  // end devices that are being attached or removed
    bool known = false;  // the host itself exists
    bool stale = false;
  };

  // `apply` makes the event, or null. Separates enclosures afterwards, each with an event.
  template <typename Apply>
  void Commit(Apply apply) ABSL_LOCKS_EXCLUDED(write_mu_);
  void RememberRemovals(const RegistryEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FollowHosts(const RegistryEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FollowHost(const Host* before, const Host* after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FollowDevice(const EndDevice* before, const EndDevice* after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsSettledLocked(const Host::Key& host, const HostProgress& progress) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  std::vector<UnsettledHost> UnsettledLocked(absl::Span<const HostKey> hosts) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Queue(std::shared_ptr<RegistryEvent> event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  std::shared_ptr<const Topology> MakeSnapshot() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);

  // Constant.
  const std::string epoch_;
  const std::function<void(absl::Span<const EnclosureCopies::Row>)> keep_enclosures_;

  // Synchronizes itself.
  RegistryEventQueue events_;

  absl::Mutex write_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  const std::unique_ptr<Writer> writer_ ABSL_PT_GUARDED_BY(write_mu_);

  // What was published, and what is still to be. A leaf, held for a moment only.
  mutable absl::Mutex mu_;
  std::shared_ptr<const Topology> snapshot_ ABSL_GUARDED_BY(mu_);
  int64_t committed_ ABSL_GUARDED_BY(mu_);
  // The newest revision of each host that has changes to be published.
  absl::btree_map<HostKey, int64_t> unpublished_ ABSL_GUARDED_BY(mu_);
  int64_t lost_events_ ABSL_GUARDED_BY(mu_) = 0;
  bool pending_ ABSL_GUARDED_BY(mu_) = false;
  absl::btree_map<HostKey, HostProgress> hosts_ ABSL_GUARDED_BY(mu_);
  std::deque<Removal> removals_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_REGISTRY_H_
