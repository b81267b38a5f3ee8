#ifndef DAEMON_REGISTRY_RESTART_GATE_H_
#define DAEMON_REGISTRY_RESTART_GATE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/registry/held_facts.h"
#include "daemon/registry/registry.h"
#include "driver/base/clock.h"
#include "driver/observation/observation.h"

namespace sasd::registry {

// A host whose picture is from before a restart.
struct StaleHost {
  HostKey host;
  absl::Time since;       // when sasd started
  bool not_read = false;  // the boot grace is over; before, the host is "not yet seen"
  std::string waits_for;  // "the firmware: discovery is in progress", ...
};

// Stands between the sources and the registry after a start from a restored picture. It holds back
// what the sources report of a stale host until all sources that the host had before have settled
// or cannot be read, and then has the registry compare the host in one step (Registry::Compare).
// Batches of other hosts pass. A host that never settles holds up no other.
//
//   held ------> being compared ------> passing
//
// Holding no lock, it calls `next` and the registry from the thread that observes or polls.
// Thread-safe.
class RestartGate : public ObservationSink {
 public:
  struct Options {
    // On Clock::Monotonic, which counts from the boot. Before, hosts and devices that are missing
    // may still come.
    absl::Duration grace_end = absl::Minutes(5);
    // A source that has reported nothing so long after another one of the host settled is not
    // there.
    absl::Duration silent_source = absl::Seconds(30);
    // A host is compared once its sources have reported nothing for so long, or after
    // `longest_attach`, if it has devices that are being attached or removed or are blocked; if the
    // firmware and the kernel differ about what both had; or, within the grace, if some are
    // missing.
    absl::Duration quiet = absl::Seconds(30);
    absl::Duration longest_attach = absl::Minutes(5);
  };

  // Marks the restart (Registry::BeginRestart). Borrows all for its lifetime. `next` passes
  // observations to the registry.
  RestartGate(Registry& registry, ObservationSink& next, Clock& clock, Options options);

  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_);
  void Flush() override { next_.Flush(); }
  void SetPending(bool pending) override { next_.SetPending(pending); }

  // The sources have reported every host that they found at first. From now on a host of which
  // nothing is reported may be gone.
  void OnFirstReading() ABSL_LOCKS_EXCLUDED(mu_);

  // Compares the hosts for which the time has come.
  void Poll() ABSL_LOCKS_EXCLUDED(mu_);
  // When to call Poll() next, on Clock::Monotonic; InfiniteDuration() while only an observation can
  // change something, and once all hosts are compared. Each Observe() may change it.
  absl::Duration NextPoll() const ABSL_LOCKS_EXCLUDED(mu_);

  // In the order of addresses.
  std::vector<StaleHost> stale_hosts() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct SourceState {
    bool heard = false;
    bool gone = false;  // it reports that the host is gone
    bool lost = false;  // it cannot be read any more
    DiscoveryState discovery = DiscoveryState::kIdle;
    bool settled() const { return discovery == DiscoveryState::kSettled; }
    bool failed() const { return discovery == DiscoveryState::kFailed; }
  };

  struct Held {
    explicit Held(const SourceTable& table) : facts(table) {}
    SourceSet sources_before;
    HeldFacts facts;
    std::array<SourceState, kMaxSources> sources;
    absl::Duration last_report;
    std::optional<absl::Duration> first_settled;  // of any source
    std::optional<absl::Duration> all_settled;
    bool being_compared = false;
    std::vector<ObservationBatch> later;  // came while it was being compared
  };

  // Whether a host can be compared; what it waits for, and until when at most.
  struct Readiness {
    bool ready = false;
    std::string waits_for;
    absl::Duration until = absl::InfiniteDuration();
  };

  Readiness Look(const Held& held, absl::Duration now) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  Readiness LookForMissing(const Held& held, absl::Duration now) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // What the sources must still do; then, what the objects must.
  std::optional<Readiness> LookAtSources(const Held& held, absl::Duration now) const;
  Readiness LookAtFacts(const Held& held, absl::Duration now) const;
  void Hold(Held& held, ObservationBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The comparison of the host, if it is ready.
  std::optional<HostComparison> TakeIfReady(HostKey host, Held& held)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Compare(HostComparison comparison) ABSL_LOCKS_EXCLUDED(mu_);

  // Constant.
  Registry& registry_;
  ObservationSink& next_;
  Clock& clock_;
  const Options options_;
  const SourceTable& table_;
  absl::Time start_;

  // True once all hosts are compared. Then nothing takes the lock any more.
  std::atomic<bool> open_{false};

  mutable absl::Mutex mu_;
  bool first_reading_ ABSL_GUARDED_BY(mu_) = false;
  absl::btree_map<HostKey, std::unique_ptr<Held>> held_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_RESTART_GATE_H_
