#ifndef DAEMON_HEALTH_MONITOR_H_
#define DAEMON_HEALTH_MONITOR_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/health/alias_text.h"
#include "daemon/health/baseline.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/examine.h"
#include "daemon/health/examiner.h"
#include "daemon/health/node_facts.h"
#include "daemon/health/store.h"
#include "daemon/health/trends.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/registry_event.h"
#include "driver/base/clock.h"

namespace sasd::health {

// A finding that appeared, changed or ended.
struct FindingChange {
  enum class Kind : uint8_t { kAppeared, kChanged, kEnded };
  Kind kind = Kind::kAppeared;
  Finding finding;  // kEnded: the last state
};

// Takes the changes of findings. Called by the monitor's thread alone.
class FindingSink {
 public:
  virtual ~FindingSink() = default;
  // Of one examination, the most severe first. Those that follow from another one are not among
  // them, nor are dismissed ones. Also called without changes, at least every second or so.
  virtual void OnChanges(absl::Span<const FindingChange> changes) = 0;
};

// Keeps the baseline up to date, examines the node, and remembers findings. Thread-safe.
class Monitor {
 public:
  struct Options {
    absl::Duration attach_grace = absl::Seconds(30);  // HealthCriteria
    // So long after the start, a host that was not seen is missing: it may still scan.
    absl::Duration host_grace = absl::Minutes(5);
    // Both or none; none: nothing outlives a restart. Borrowed for the monitor's lifetime.
    Store* store = nullptr;
    const ResourceCodec* codec = nullptr;
    FindingSink* sink = nullptr;  // borrowed; may be null
    // Called often, without a lock, until the monitor is destroyed. Null: nothing else is known.
    NodeFactsSource node_facts = nullptr;
    // As node_facts. Null: nothing has an alias.
    AliasSource aliases = nullptr;
  };

  // Reads what is stored. Borrows registry and clock for its lifetime.
  Monitor(const Options& options, registry::Registry& registry, Clock& clock);
  // Calls Stop().
  ~Monitor();

  // Starts the thread that examines the node after events, at most every 200 ms and at most a tenth
  // of the time. Call it once.
  void Start();
  // Ends the thread and writes what is not stored yet: what is missing first, then what is there,
  // for 300 ms. The next start finds the rest in the restored picture, as after a kill. Calls
  // neither `sink`, `node_facts` nor `aliases` of Options afterwards, unless Current() or Step() is
  // called. By one thread; may be called again.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // A committed event, before it is published, in the order of revisions; `after`: all resources at
  // its revision. May add notices to it.
  void OnCommit(registry::RegistryEvent& event, const registry::Topology& after)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Adds what a registry began with that restored its picture. Before the first event.
  void Compare(const registry::Topology& restored);

  // What happened before sasd began, for trends: the events of longest_trend(), oldest first.
  // `now`: by the clock of their times. Before the first event.
  void TakePast(absl::Span<const registry::RegistryEvent> events, absl::Time now);
  absl::Duration longest_trend() const { return trends_.longest_window(); }

  // The node at the newest revision: the last report, or a new one where something changed, or a
  // second has passed. A new one costs what Examiner::Examine() costs. Its texts have the aliases
  // of now.
  std::shared_ptr<const Report> Current() ABSL_LOCKS_EXCLUDED(examine_mu_);

  // The grace of Options from now on.
  void SetAttachGrace(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mu_);

  Baseline& baseline() { return baseline_; }

  // The verbs write what they change to the store first, and are events of the node (cause
  // CONTROL). Each returns the event's revision, which may not be published yet. Errors: those of
  // the store; then nothing has changed.
  struct Dismissed {
    DismissalPtr dismissal;
    int64_t revision = 0;
  };
  // `duration` InfiniteDuration(): until the object returns.
  absl::StatusOr<Dismissed> Dismiss(const registry::ResourceId& resource, std::string reason,
                                    absl::Duration duration, std::string author);
  // kNotFound where there is none.
  absl::StatusOr<Dismissed> Undismiss(const registry::ResourceId& resource,
                                      const std::string& author);
  struct Accepted {
    std::vector<Baseline::Listed> removed;
    int64_t revision = 0;
  };
  // Of `resources`; empty: all that is missing.
  absl::StatusOr<Accepted> Accept(absl::Span<const registry::ResourceId> resources,
                                  const std::string& author);
  DismissalMap HoldingDismissals();

  // One round of the thread: examines, stores, reports. For tests.
  void Step() ABSL_LOCKS_EXCLUDED(examine_mu_, step_mu_);

 private:
  using OpenFindings = std::map<FindingId, Finding>;

  void Load();
  // Current(), with these facts and aliases.
  std::shared_ptr<const Report> CurrentWith(const NodeFacts& facts,
                                            const registry::Aliases& aliases)
      ABSL_LOCKS_EXCLUDED(examine_mu_);
  // What was stored and does not come back: host by host, once each has settled.
  void CompareHosts(const registry::Topology& topology) ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void Poke() ABSL_LOCKS_EXCLUDED(mu_);
  int64_t Record(registry::ResourceId subject, const char* reason, std::string text);
  // A device of a host that was not read yet may have been attached since. Leaves out findings
  // about it that are new.
  void DropUnsure(Report& report) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(examine_mu_);
  // Of the last run: what the restored picture does not show any more, of hosts that are not read
  // yet. Such findings stay until then.
  std::vector<Finding> Inherited(const Report& report) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(examine_mu_);
  // Gives each finding the time when it was first seen.
  void Remember(Report& report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(examine_mu_);
  // What is missing, the dismissals and the findings first. What is there follows in slices, until
  // `is_over` says so between two.
  absl::Status StoreChanges(absl::FunctionRef<bool()> is_over) ABSL_LOCKS_EXCLUDED(store_mu_);
  bool IsStopped() ABSL_LOCKS_EXCLUDED(mu_);
  void ReportChanges(const Report& report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  std::string KeyOf(const FindingId& id) const;

  // Constant.
  const Options options_;
  registry::Registry& registry_;
  Clock& clock_;
  const absl::Duration start_;  // Clock::Monotonic()

  std::atomic<int64_t> attach_grace_ns_;  // of Options, until it is set

  // Synchronize themselves.
  Baseline baseline_;
  Dismissals dismissals_;
  Trends trends_;

  // Order: step_mu_, store_mu_, examine_mu_, mu_. Held for an examination, a write, a report.
  absl::Mutex step_mu_;
  std::map<FindingId, Finding> reported_ ABSL_GUARDED_BY(step_mu_);
  absl::flat_hash_set<HostKey> compared_ ABSL_GUARDED_BY(step_mu_);

  absl::Mutex store_mu_;
  std::vector<Store::Edit> unwritten_ ABSL_GUARDED_BY(store_mu_);  // by a write that failed
  // Changed entries of what is there, not written yet.
  absl::btree_map<registry::ResourceId, std::optional<BaselineEntry>> unstored_
      ABSL_GUARDED_BY(store_mu_);
  OpenFindings stored_ ABSL_GUARDED_BY(store_mu_);

  absl::Mutex examine_mu_;
  Examiner examiner_ ABSL_GUARDED_BY(examine_mu_);
  std::shared_ptr<const Report> report_ ABSL_GUARDED_BY(examine_mu_);
  uint64_t report_version_ ABSL_GUARDED_BY(examine_mu_) = 0;
  absl::Time report_time_ ABSL_GUARDED_BY(examine_mu_) = absl::InfinitePast();
  registry::Aliases report_aliases_ ABSL_GUARDED_BY(examine_mu_);
  OpenFindings open_ ABSL_GUARDED_BY(examine_mu_);
  OpenFindings inherited_ ABSL_GUARDED_BY(examine_mu_);  // those that the store had at the start

  absl::Mutex mu_;
  bool poked_ ABSL_GUARDED_BY(mu_) = false;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_MONITOR_H_
