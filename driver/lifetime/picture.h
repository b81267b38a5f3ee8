#ifndef DRIVER_LIFETIME_PICTURE_H_
#define DRIVER_LIFETIME_PICTURE_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "driver/emulator/truth.h"
#include "driver/keys.h"
#include "driver/observation.h"

namespace sasd::lifetime {

// What one HBA's driver has told, folded into a picture, and held to what may be told: the going of
// something once, and of a logical unit only while its device is attached. Thread-compatible: the
// driver tells one batch at a time.
class Picture : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override;

  // What was told that may not be, a line each; empty: nothing.
  const std::string& illegal() const { return illegal_; }

  // How the picture differs from what the host can reach, a line each; empty: not at all.
  std::string Differences(const emulator::HostTruth& truth) const;

  const std::map<NodeKey, EndDeviceFacts>& devices() const { return devices_; }
  const std::map<NodeKey, ExpanderFacts>& expanders() const { return expanders_; }

 private:
  void Take(const HostFacts& host) { host_ = host; }
  void Take(const EndDeviceFacts& device) { devices_[device.key] = device; }
  void Take(const EndDeviceGone& gone);
  void Take(const LogicalUnitFacts& unit);
  void Take(const ExpanderFacts& expander) { expanders_[expander.key] = expander; }
  void Take(const ExpanderGone& gone);
  void Take(const PhyFacts& phy) { phys_[phy.key] = phy; }
  void Take(const EnclosureFacts& enclosure) { enclosures_[enclosure.key] = enclosure; }
  void Take(const EnclosureGone& gone);
  template <typename Other>
  void Take(const Other&) {}

  void Forbid(absl::string_view what, const NodeKey& key);
  const ExpanderFacts* ExpanderAt(SasAddress address) const;

  HostFacts host_;
  std::map<NodeKey, EndDeviceFacts> devices_;
  std::map<NodeKey, LogicalUnitFacts> units_;  // the last told of each device
  std::map<NodeKey, ExpanderFacts> expanders_;
  std::map<PhyKey, PhyFacts> phys_;
  std::map<EnclosureKey, EnclosureFacts> enclosures_;
  std::string illegal_;
};

}  // namespace sasd::lifetime

#endif  // DRIVER_LIFETIME_PICTURE_H_
