#include "driver/lifetime/recording_sink.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace sasd::lifetime {
namespace {

std::string Text(DeviceState state) {
  switch (state) {
    case DeviceState::kDiscovered:
      return "discovered";
    case DeviceState::kAttaching:
      return "attaching";
    case DeviceState::kAttached:
      return "attached";
    case DeviceState::kBlocked:
      return "blocked";
    case DeviceState::kRemoving:
      return "removing";
    case DeviceState::kFailed:
      return "failed";
  }
  return "?";
}

template <typename Key, typename Value>
Value At(const std::map<Key, Value>& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? Value() : it->second;
}

}  // namespace

void RecordingSink::Observe(ObservationBatch batch) {
  if (on_batch_) on_batch_(batch);
  absl::MutexLock lock(&mu_);
  for (const Observation& observation : batch.observations) {
    std::visit([this](const auto& facts) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { Take(facts); },
               observation);
  }
  batches_.push_back(std::move(batch));
}

void RecordingSink::Forbid(const NodeKey& key, absl::string_view what) {
  absl::StrAppend(&illegal_, ToHex(key.address), " ", what, "\n");
}

bool RecordingSink::IsNode(const NodeKey& key) const {
  return key.is_host() || expanders_.count(key) != 0;
}

void RecordingSink::Take(const EndDeviceFacts& device) {
  of_node_[device.key].push_back(Text(device.state));
  const bool begins = devices_.count(device.key) == 0;
  if (begins && device.state != DeviceState::kDiscovered && device.state != DeviceState::kFailed) {
    Forbid(device.key, "begins as " + Text(device.state));
  }
  if (!IsNode(device.parent)) Forbid(device.key, "is told of under a parent that is not there");
  devices_[device.key] = device;
}

void RecordingSink::Take(const EndDeviceGone& gone) {
  of_node_[gone.key].push_back("gone");
  if (devices_.erase(gone.key) == 0) Forbid(gone.key, "goes and was not there");
}

void RecordingSink::Take(const LogicalUnitFacts& unit) {
  of_node_[unit.device].push_back("unit " + unit.serial);
  const auto device = devices_.find(unit.device);
  if (device == devices_.end()) return Forbid(unit.device, "has a unit and is not there");
  const DeviceState state = device->second.state;
  if (state != DeviceState::kAttached && state != DeviceState::kBlocked) {
    Forbid(unit.device, "has a unit and is " + Text(state));
  }
}

void RecordingSink::Take(const ExpanderFacts& expander) {
  of_node_[expander.key].push_back("told");
  if (!IsNode(expander.parent)) Forbid(expander.key, "is told of under a parent that is not there");
  expanders_[expander.key] = expander;
}

void RecordingSink::Take(const ExpanderGone& gone) {
  of_node_[gone.key].push_back("gone");
  if (expanders_.erase(gone.key) == 0) Forbid(gone.key, "goes and was not there");
  for (const auto& [key, device] : devices_) {
    if (device.parent == gone.key) Forbid(key, "stays behind an expander that goes");
  }
  for (const auto& [key, expander] : expanders_) {
    if (expander.parent == gone.key) Forbid(key, "stays behind an expander that goes");
  }
}

void RecordingSink::Take(const PhyFacts& phy) {
  if (!IsNode(phy.key.owner)) Forbid(phy.key.owner, "has a phy and is not there");
}

void RecordingSink::Take(const EnclosureFacts& enclosure) {
  of_enclosure_[enclosure.key].push_back("told");
  enclosures_[enclosure.key] = enclosure;
}

void RecordingSink::Take(const EnclosureGone& gone) {
  of_enclosure_[gone.key].push_back("gone");
  if (enclosures_.erase(gone.key) == 0) {
    absl::StrAppend(&illegal_, "enclosure ", absl::Hex(gone.key.value()),
                    " goes and was not there\n");
  }
}

void RecordingSink::Take(const DiscoveryFacts& discovery) { discovery_ = discovery; }

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
  return devices_;
}

std::map<NodeKey, ExpanderFacts> RecordingSink::expanders() const {
  absl::MutexLock lock(&mu_);
  return expanders_;
}

std::optional<DeviceState> RecordingSink::StateOf(const NodeKey& key) const {
  absl::MutexLock lock(&mu_);
  const auto it = devices_.find(key);
  return it == devices_.end() ? std::nullopt : std::optional<DeviceState>(it->second.state);
}

DiscoveryFacts RecordingSink::discovery() const {
  absl::MutexLock lock(&mu_);
  return discovery_;
}

std::string RecordingSink::illegal() const {
  absl::MutexLock lock(&mu_);
  return illegal_;
}

}  // namespace sasd::lifetime
