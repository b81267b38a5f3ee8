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

// What one event or step has changed, as references to the objects, in the order of the changes.
// Render() reads the objects' content, not Touch(): two threads that touch the same object then
// report the same content in either order. Thread-compatible.
class ChangeSet {
 public:
  void Touch(const device::NodeRef& expander) { entries_.push_back(Expander{expander}); }
  void Touch(const device::NodeRef& node, PhyId phy) { entries_.push_back(Phy{node, phy}); }
  void Touch(const device::DeviceRef& device) { entries_.push_back(EndDevice{device}); }
  void Touch(const device::EnclosureRef& enclosure) { entries_.push_back(Enclosure{enclosure}); }
  // Notes that an object is gone.
  void Gone(const device::NodeRef& expander) { entries_.push_back(GoneObject{expander}); }
  void Gone(const device::DeviceRef& device) { entries_.push_back(GoneObject{device}); }
  void Gone(const device::EnclosureRef& enclosure) { entries_.push_back(GoneObject{enclosure}); }
  // Adds a fact that needs no object.
  void Add(Observation observation) { entries_.push_back(std::move(observation)); }
  // Adds facts about a device. They are reported only if it is still attached at Render().
  void AddIfAttached(const device::DeviceRef& device, LogicalUnitFacts facts) {
    entries_.push_back(LogicalUnit{device, std::move(facts)});
  }

  // Adds a line for people. The first kLines lines make the text of the cause; `text` is called
  // only for those.
  void Describe(absl::FunctionRef<std::string()> text);
  // The same, before all other lines: it explains them.
  void DescribeFirst(std::string text);
  std::string Text() const;

  bool empty() const { return entries_.empty(); }

  // The facts as they are now; from then on they count as reported (SetReported()). An object that
  // was touched several times is reported once. A gone object reports only its removal, and nothing
  // if it was never reported.
  std::vector<Observation> Render(device::NodeTable& nodes, device::DeviceTable& devices,
                                  HostKey host) const;

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
