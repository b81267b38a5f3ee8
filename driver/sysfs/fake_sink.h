#ifndef DRIVER_SYSFS_FAKE_SINK_H_
#define DRIVER_SYSFS_FAKE_SINK_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/observation/observation.h"

namespace sasd::sysfs {

// The kind of an observation and the end of its address: "host 230", "device gone 211".
inline std::string Name(const Observation& observation) {
  struct Namer {
    static std::string Of(const char* what, uint64_t address) {
      return absl::StrCat(what, " ", absl::Hex(address & 0xFFF));
    }
    std::string operator()(const HostFacts& f) { return Of("host", f.key.address.value()); }
    std::string operator()(const HostGone& f) { return Of("host gone", f.host.address.value()); }
    std::string operator()(const PhyFacts& f) { return absl::StrCat("phy ", f.key.phy.value()); }
    std::string operator()(const PortFacts& f) { return Of("port to", f.key.attached.value()); }
    std::string operator()(const ExpanderFacts& f) { return Of("expander", f.key.address.value()); }
    std::string operator()(const ExpanderGone& f) {
      return Of("expander gone", f.key.address.value());
    }
    std::string operator()(const EndDeviceFacts& f) { return Of("device", f.key.address.value()); }
    std::string operator()(const EndDeviceGone& f) {
      return Of("device gone", f.key.address.value());
    }
    std::string operator()(const LogicalUnitFacts& f) {
      return Of("unit of", f.device.address.value());
    }
    std::string operator()(const LogicalUnitGone& f) {
      return Of("unit gone of", f.device.address.value());
    }
    std::string operator()(const EnclosureFacts& f) { return Of("enclosure", f.key.value()); }
    std::string operator()(const EnclosureGone& f) { return Of("enclosure gone", f.key.value()); }
    std::string operator()(const SlotFacts& f) { return absl::StrCat("slot ", f.key.slot); }
    std::string operator()(const DiscoveryFacts& f) {
      return Of("discovery", f.host.address.value());
    }
    std::string operator()(const Notice& f) { return "notice " + f.text; }
  };
  return std::visit(Namer(), observation);
}

// Keeps the batches it gets. Not thread-safe.
class FakeSink : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override { batches_.push_back(std::move(batch)); }

  // The names of all observations since the last call, in order.
  std::vector<std::string> Take() {
    std::vector<std::string> names;
    for (const ObservationBatch& batch : batches_) {
      for (const Observation& observation : batch.observations) names.push_back(Name(observation));
    }
    batches_.clear();
    return names;
  }
  const std::vector<ObservationBatch>& batches() const { return batches_; }

 private:
  std::vector<ObservationBatch> batches_;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_FAKE_SINK_H_
