#ifndef DRIVER_DISCOVERY_DISCOVERY_TRACKER_H_
#define DRIVER_DISCOVERY_DISCOVERY_TRACKER_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/strong_id.h"
#include "driver/discovery/change_set.h"
#include "driver/observation/observation.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/mpi/pages.h"

namespace sasd::discovery {

// The progress of the host's discovery, from the firmware's discovery events, port enable and
// resets. The firmware discovers each of its ports separately; the host is settled when all are.
// Thread-safe.
class DiscoveryTracker {
 public:
  void set_host(HostKey host) ABSL_LOCKS_EXCLUDED(mu_);

  // The first scan of the host (port enable, or the walk at the start) is running or done.
  void SetStarting(bool starting) ABSL_LOCKS_EXCLUDED(mu_);
  void OnEvent(const mpi::DiscoveryEvent& event) ABSL_LOCKS_EXCLUDED(mu_);
  // The state of the firmware's ports (SAS IO unit page 0), for the case that an event was lost.
  void OnPorts(const mpi::SasIoUnitPage0& page) ABSL_LOCKS_EXCLUDED(mu_);
  // A host reset: recovering until OnRecovered().
  void OnReset() ABSL_LOCKS_EXCLUDED(mu_);
  void OnRecovered() ABSL_LOCKS_EXCLUDED(mu_);
  // The host could not be brought back.
  void OnFailure(std::string why) ABSL_LOCKS_EXCLUDED(mu_);

  // Adds the facts to `changes` if they differ from the last report.
  void Report(ChangeSet& changes) ABSL_LOCKS_EXCLUDED(mu_);

  // True unless discovery is in progress.
  bool quiet() const ABSL_LOCKS_EXCLUDED(mu_);
  // True from the beginning of a reset to the end of the walk after it.
  bool recovering() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Port {
    bool in_progress = false;
    uint32_t status = 0;
  };
  DiscoveryFacts Facts() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  HostKey host_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<PhysicalPort, Port> ports_ ABSL_GUARDED_BY(mu_);
  bool starting_ ABSL_GUARDED_BY(mu_) = true;
  bool recovering_ ABSL_GUARDED_BY(mu_) = false;
  std::string failure_ ABSL_GUARDED_BY(mu_);
  uint32_t resets_ ABSL_GUARDED_BY(mu_) = 0;
  DiscoveryFacts reported_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_DISCOVERY_TRACKER_H_
