#ifndef TESTS_LIFETIME_PICTURE_H_
#define TESTS_LIFETIME_PICTURE_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "driver/observation/keys.h"
#include "driver/observation/observation.h"
#include "emulator/fabric/truth.h"

namespace sasd::lifetime {

absl::string_view ToString(DeviceState state);

// The reports of one HBA's driver, folded into a picture, and checked. An object is removed once,
// after its report and after the removal of everything beneath it. Its life begins before any
// attach. A logical unit is reported while its device is attached. Thread-compatible.
class Picture {
 public:
  void Take(const ObservationBatch& batch);

  // The illegal reports, one per line; empty: none.
  const std::string& illegal() const { return illegal_; }

  // The differences between the picture and what the host can reach, one per line; empty: none.
  std::string Differences(const emulator::HostTruth& truth) const;

  const std::map<NodeKey, EndDeviceFacts>& devices() const { return devices_; }
  const std::map<NodeKey, ExpanderFacts>& expanders() const { return expanders_; }
  const DiscoveryFacts& discovery() const { return discovery_; }

 private:
  void Take(const HostFacts& host) { host_ = host; }
  void Take(const DiscoveryFacts& discovery) { discovery_ = discovery; }
  void Take(const EndDeviceFacts& device);
  void Take(const EndDeviceGone& gone);
  void Take(const LogicalUnitFacts& unit);
  void Take(const ExpanderFacts& expander);
  void Take(const ExpanderGone& gone);
  void Take(const PhyFacts& phy);
  void Take(const EnclosureFacts& enclosure) { enclosures_[enclosure.key] = enclosure; }
  void Take(const EnclosureGone& gone);
  template <typename Other>
  void Take(const Other&) {}

  void CheckPlaces(const ObservationBatch& batch);
  void CheckParent(const NodeKey& key, const NodeKey& parent);
  void Forbid(const NodeKey& key, absl::string_view what);
  bool IsNode(const NodeKey& key) const;
  bool HasNodeAt(SasAddress address) const;

  HostFacts host_;
  DiscoveryFacts discovery_;
  std::map<NodeKey, EndDeviceFacts> devices_;
  std::map<NodeKey, LogicalUnitFacts> units_;  // the last report of each device
  std::map<NodeKey, ExpanderFacts> expanders_;
  std::map<PhyKey, PhyFacts> phys_;
  std::map<EnclosureKey, EnclosureFacts> enclosures_;
  std::string illegal_;
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_PICTURE_H_
