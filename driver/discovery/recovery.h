#ifndef DRIVER_DISCOVERY_RECOVERY_H_
#define DRIVER_DISCOVERY_RECOVERY_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/discovery/change_set.h"
#include "driver/discovery/page_reader.h"
#include "driver/discovery/removal_handshake.h"
#include "driver/discovery/topology_model.h"

namespace sasd::discovery {

// A walk over everything that the firmware has, by "next" pages, after a host reset or lost events.
// It keeps each object that responds, matched by address, slot and port (expanders: by address and
// port), and gives it its new handle. It adds new objects. Only then it removes those that did not
// respond, children first. It runs in small steps in the worker. Its owner may drop it between two
// steps: then nothing is removed. Thread-compatible.
class Recovery {
 public:
  // `walk`: the walk's number, greater than all before. Borrows everything for its lifetime.
  // `handshake`: for devices whose removal went unnoticed; null: none (after a reset no handle is
  // left to give back).
  Recovery(uint32_t walk, TopologyModel& model, PageReader& pages, device::NodeTable& nodes,
           device::DeviceTable& devices, RemovalHandshake* handshake);

  // The next step: a page, the phys of a node, a removal. True if there is more to do.
  bool Step();

  // The differences found so far.
  ChangeSet& changes() { return changes_; }

  // Not ok: pages could not be read, so the picture may be incomplete; or the host is in reset
  // (IsHostLost). An object that could not be listed is not removed.
  const absl::Status& status() const { return status_; }

 private:
  enum class Phase { kEnclosures, kExpanders, kDevices, kPhys, kRemove, kDone };

  void StepEnclosures();
  void StepExpanders();
  void StepDevices();
  void StepPhys();
  void StepRemove();
  void PutExpanders();
  absl::Status FindExpander(DevHandle handle);
  void BeginPhase(Phase phase);
  void RemoveDevice(const device::DeviceRef& device);
  bool IsUnused(DevHandle handle) const;
  // Ends the phase at the end of a listing; notes an error that ends the whole walk.
  void EndListing(const absl::Status& status, Phase next);
  // False if the listing repeats a handle.
  bool Advance(uint16_t handle);

  const uint32_t walk_;
  TopologyModel& model_;
  PageReader& pages_;
  device::NodeTable& nodes_;
  device::DeviceTable& devices_;
  RemovalHandshake* const handshake_;

  Phase phase_ = Phase::kEnclosures;
  uint16_t cursor_;
  uint32_t listed_ = 0;
  std::vector<mpi::ExpanderPage0> expander_pages_;
  std::vector<device::NodeRef> nodes_to_read_;
  std::vector<device::DeviceRef> missing_;
  absl::Status status_;
  ChangeSet changes_;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_RECOVERY_H_
