#ifndef DRIVER_DISCOVERY_CHANGE_SET_H_
#define DRIVER_DISCOVERY_CHANGE_SET_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "driver/base/strong_id.h"
#include "driver/device/device.h"
#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/observation/observation.h"

namespace sasd::discovery {

// What one occurrence has changed, as references to the objects, in the order of the changes. What
// is told of an object is read when the set is rendered, not when it was touched: two threads that
// touch the same object then tell the same in whichever order they come. Thread-compatible.
class ChangeSet {
 public:
  void Touch(const device::NodeRef& expander) { entries_.push_back(Expander{expander}); }
  void Touch(const device::NodeRef& node, PhyId phy) { entries_.push_back(Phy{node, phy}); }
  void Touch(const device::DeviceRef& device) { entries_.push_back(EndDevice{device}); }
  void Touch(const device::EnclosureRef& enclosure) { entries_.push_back(Enclosure{enclosure}); }
  // An object that is gone.
  void Gone(const device::NodeRef& expander) { entries_.push_back(GoneObject{expander}); }
  void Gone(const device::DeviceRef& device) { entries_.push_back(GoneObject{device}); }
  void Gone(const device::EnclosureRef& enclosure) { entries_.push_back(GoneObject{enclosure}); }
  // A fact that stands for itself.
  void Add(Observation observation) { entries_.push_back(std::move(observation)); }
  // Facts about a device that hold only if it is still attached when they are told.
  void AddIfAttached(const device::DeviceRef& device, LogicalUnitFacts facts) {
    entries_.push_back(LogicalUnit{device, std::move(facts)});
  }

  // A line for people; the first kLines of them make the text of the cause. `text` is called only
  // if it is wanted.
  void Describe(absl::FunctionRef<std::string()> text);
  // Likewise; goes before all others, as what explains them.
  void DescribeFirst(std::string text);
  std::string Text() const;

  bool empty() const { return entries_.empty(); }

  // The facts as they are now, which count as told from then on (SetTold()). An object touched more
  // than once is told once; nothing is told of one that is gone but that, and not even that if it
  // was never told of.
  std::vector<Observation> Render(device::NodeTable& nodes, device::DeviceTable& devices,
                                  SasAddress host) const;

 private:
  static constexpr size_t kLines = 3;

  struct Expander {
    device::NodeRef node;
  };
  struct Phy {
    device::NodeRef node;
    PhyId phy;
  };
  struct EndDevice {
    device::DeviceRef device;
  };
  struct Enclosure {
    device::EnclosureRef enclosure;
  };
  struct LogicalUnit {
    device::DeviceRef device;
    LogicalUnitFacts facts;
  };
  using GoneObject = std::variant<device::NodeRef, device::DeviceRef, device::EnclosureRef>;
  using Entry =
      std::variant<Expander, Phy, EndDevice, Enclosure, GoneObject, LogicalUnit, Observation>;
  class Renderer;

  std::vector<Entry> entries_;
  std::vector<std::string> lines_;
  size_t line_count_ = 0;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_CHANGE_SET_H_
