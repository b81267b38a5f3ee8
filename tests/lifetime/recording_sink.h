#ifndef TESTS_LIFETIME_RECORDING_SINK_H_
#define TESTS_LIFETIME_RECORDING_SINK_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/observation/keys.h"
#include "driver/observation/observation.h"
#include "emulator/fabric/truth.h"
#include "tests/lifetime/picture.h"

namespace sasd::lifetime {

// Records the reports of one HBA's driver, in order, and their sum. Thread-safe.
class RecordingSink : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_);

  // Called with each batch from now on, in the reporting thread, before the batch is recorded. Set
  // it while nothing is reported.
  void set_on_batch(std::function<void(const ObservationBatch&)> on_batch) {
    on_batch_ = std::move(on_batch);
  }

  // The reports of an end device or expander, in order: "discovered", "attached", ...; "unit
  // SERIAL" for a device's logical unit; "reported" for an expander; "gone".
  std::vector<std::string> Of(const NodeKey& key) const ABSL_LOCKS_EXCLUDED(mu_);
  // The reports of an enclosure: "reported" and "gone".
  std::vector<std::string> Of(EnclosureKey key) const ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<ObservationBatch> batches() const ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets the records, but keeps the picture.
  void ClearRecords() ABSL_LOCKS_EXCLUDED(mu_);

  // The present objects, as last reported.
  std::map<NodeKey, EndDeviceFacts> devices() const ABSL_LOCKS_EXCLUDED(mu_);
  std::map<NodeKey, ExpanderFacts> expanders() const ABSL_LOCKS_EXCLUDED(mu_);
  // nullopt: it is absent.
  std::optional<DeviceState> StateOf(const NodeKey& key) const ABSL_LOCKS_EXCLUDED(mu_);
  DiscoveryFacts discovery() const ABSL_LOCKS_EXCLUDED(mu_);

  // See Picture.
  std::string illegal() const ABSL_LOCKS_EXCLUDED(mu_);
  std::string Differences(const emulator::HostTruth& truth) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Record(const EndDeviceFacts& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Record(const EndDeviceGone& gone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Record(const LogicalUnitFacts& unit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Record(const ExpanderFacts& expander) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Record(const ExpanderGone& gone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Record(const EnclosureFacts& enclosure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Record(const EnclosureGone& gone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  template <typename Other>
  void Record(const Other&) {}

  std::function<void(const ObservationBatch&)> on_batch_;

  mutable absl::Mutex mu_;  // a leaf
  Picture picture_ ABSL_GUARDED_BY(mu_);
  std::map<NodeKey, std::vector<std::string>> of_node_ ABSL_GUARDED_BY(mu_);
  std::map<EnclosureKey, std::vector<std::string>> of_enclosure_ ABSL_GUARDED_BY(mu_);
  std::vector<ObservationBatch> batches_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_RECORDING_SINK_H_
