#include "tests/lifetime/recording_sink.h"

#include <utility>
#include <variant>

namespace sasd::lifetime {
namespace {

template <typename Key, typename Value>
Value At(const std::map<Key, Value>& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? Value() : it->second;
}

}  // namespace

void RecordingSink::Observe(ObservationBatch batch) {
  if (on_batch_) on_batch_(batch);
  absl::MutexLock lock(&mu_);
  picture_.Take(batch);
  for (const Observation& observation : batch.observations) {
    std::visit([this](const auto& facts) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { Record(facts); },
               observation);
  }
  batches_.push_back(std::move(batch));
}

void RecordingSink::Record(const EndDeviceFacts& device) {
  of_node_[device.key].emplace_back(ToString(device.state));
}

void RecordingSink::Record(const EndDeviceGone& gone) { of_node_[gone.key].push_back("gone"); }

void RecordingSink::Record(const LogicalUnitFacts& unit) {
  of_node_[unit.device].push_back("unit " + unit.serial);
}

void RecordingSink::Record(const ExpanderFacts& expander) {
  of_node_[expander.key].push_back("reported");
}

void RecordingSink::Record(const ExpanderGone& gone) { of_node_[gone.key].push_back("gone"); }

void RecordingSink::Record(const EnclosureFacts& enclosure) {
  of_enclosure_[enclosure.key].push_back("reported");
}

void RecordingSink::Record(const EnclosureGone& gone) { of_enclosure_[gone.key].push_back("gone"); }

std::vector<std::string> RecordingSink::Of(const NodeKey& key) const {
  absl::MutexLock lock(&mu_);
  return At(of_node_, key);
}

std::vector<std::string> RecordingSink::Of(EnclosureKey key) const {
  absl::MutexLock lock(&mu_);
  return At(of_enclosure_, key);
}

std::vector<ObservationBatch> RecordingSink::batches() const {
  absl::MutexLock lock(&mu_);
  return batches_;
}

void RecordingSink::ClearRecords() {
  absl::MutexLock lock(&mu_);
  of_node_.clear();
  of_enclosure_.clear();
  batches_.clear();
}

std::map<NodeKey, EndDeviceFacts> RecordingSink::devices() const {
  absl::MutexLock lock(&mu_);
  return picture_.devices();
}

std::map<NodeKey, ExpanderFacts> RecordingSink::expanders() const {
  absl::MutexLock lock(&mu_);
  return picture_.expanders();
}

std::optional<DeviceState> RecordingSink::StateOf(const NodeKey& key) const {
  absl::MutexLock lock(&mu_);
  const auto it = picture_.devices().find(key);
  return it == picture_.devices().end() ? std::nullopt
                                        : std::optional<DeviceState>(it->second.state);
}

DiscoveryFacts RecordingSink::discovery() const {
  absl::MutexLock lock(&mu_);
  return picture_.discovery();
}

std::string RecordingSink::illegal() const {
  absl::MutexLock lock(&mu_);
  return picture_.illegal();
}

std::string RecordingSink::Differences(const emulator::HostTruth& truth) const {
  absl::MutexLock lock(&mu_);
  return picture_.Differences(truth);
}

}  // namespace sasd::lifetime
