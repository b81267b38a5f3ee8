#ifndef DAEMON_BACKEND_ALIGNED_SINK_H_
#define DAEMON_BACKEND_ALIGNED_SINK_H_

#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/observation/observation.h"

namespace sasd {

// Forwards the observations of one HBA's firmware with the keys that sysfs uses for the same nodes.
// The firmware numbers its physical ports, but sysfs does not show these numbers. So the first node
// with a SAS address gets port 0 in its key, the next one 1, and so on (multipath on one HBA). A
// number becomes free when its node is reported gone. Thread-safe; holds no lock while forwarding.
class AlignedSink : public ObservationSink {
 public:
  // Borrows `sink` for its lifetime.
  explicit AlignedSink(ObservationSink& sink) : sink_(sink) {}

  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_);
  void Flush() override { sink_.Flush(); }

 private:
  // Element n: the firmware's port of the node with number n; nullopt if the number is free.
  using Numbers = absl::InlinedVector<std::optional<PhysicalPort>, 1>;
  // Visitors of observations.
  struct Departures;
  struct Aligner;

  static PhysicalPort NumberAt(const Numbers& numbers, Numbers::const_iterator at);

  ObservationSink& sink_;
  absl::Mutex mu_;  // a leaf
  absl::flat_hash_map<SasAddress, Numbers> numbers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd

#endif  // DAEMON_BACKEND_ALIGNED_SINK_H_
