#ifndef TESTS_SUPPORT_OBSERVED_PICTURE_H_
#define TESTS_SUPPORT_OBSERVED_PICTURE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/observation/observation.h"

namespace sasd {

// All facts about one HBA, as last reported.
struct Picture {
  std::map<HostKey, HostFacts> hosts;
  std::map<NodeKey, ExpanderFacts> expanders;
  std::map<NodeKey, EndDeviceFacts> devices;
  std::map<std::pair<NodeKey, uint64_t>, LogicalUnitFacts> units;
  std::map<PhyKey, PhyFacts> phys;
  std::map<EnclosureKey, EnclosureFacts> enclosures;

  friend bool operator==(const Picture& a, const Picture& b) {
    return a.hosts == b.hosts && a.expanders == b.expanders && a.devices == b.devices &&
           a.units == b.units && a.phys == b.phys && a.enclosures == b.enclosures;
  }
};

// "2 hosts, 4 expanders, ...".
std::string Sizes(const Picture& picture);

// What each driver of an HBA must report alike: without the facts that only the one that owns it
// has (the HBA's name; what attaching finds out).
Picture TopologyOf(Picture picture);

// A driver's sink: the sum of its batches. The waits take real time, a minute at most. Thread-safe.
class ObservedPicture : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_);

  Picture picture() const ABSL_LOCKS_EXCLUDED(mu_);
  DiscoveryFacts discovery() const ABSL_LOCKS_EXCLUDED(mu_);
  // Batches after a loss of events.
  int resyncs() const ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<std::string> notices() const ABSL_LOCKS_EXCLUDED(mu_);

  // So many end devices, all attached.
  bool AwaitDevices(size_t count) ABSL_LOCKS_EXCLUDED(mu_);
  // At least so many resets, and discovery has settled since.
  bool AwaitReset(uint32_t count) ABSL_LOCKS_EXCLUDED(mu_);
  // TopologyOf(picture()) is this.
  bool AwaitTopology(const Picture& wanted) ABSL_LOCKS_EXCLUDED(mu_);
  bool AwaitNotice() ABSL_LOCKS_EXCLUDED(mu_);
  bool AwaitResync() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Add(Observation& observation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  Picture picture_ ABSL_GUARDED_BY(mu_);
  DiscoveryFacts discovery_ ABSL_GUARDED_BY(mu_);
  int resyncs_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> notices_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd

#endif  // TESTS_SUPPORT_OBSERVED_PICTURE_H_
