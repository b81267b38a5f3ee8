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

// Passes on what the firmware of one HBA tells, with the keys that sysfs has for the same nodes.
// The firmware numbers its physical ports and sysfs does not show them: so a key's `port` becomes
// 0, and counts up for further nodes with the same address (multipath on one HBA). A number is free
// again when its node is told to be gone. Thread-safe; holds no lock while it passes on.
class AlignedSink : public ObservationSink {
 public:
  // Borrows `sink` for its lifetime.
  explicit AlignedSink(ObservationSink& sink) : sink_(sink) {}

  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_);
  void Flush() override { sink_.Flush(); }

 private:
  // At n: the physical port of the node whose number is n; nullopt: the number is free.
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
