#ifndef DRIVER_DISCOVERY_TOPOLOGY_EVENTS_H_
#define DRIVER_DISCOVERY_TOPOLOGY_EVENTS_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/discovery/change_set.h"
#include "driver/discovery/event_queue.h"
#include "driver/discovery/topology_model.h"
#include "driver/wire/mpi/events.h"

namespace sasd::discovery {

// The worker's handling of topology change lists. Runs in the worker only.
class TopologyEvents {
 public:
  // Borrows everything for its lifetime.
  TopologyEvents(TopologyModel& model, const device::NodeTable& nodes, device::DeviceTable& devices)
      : model_(model), nodes_(nodes), devices_(devices) {}

  // Events up to this one arrived while a walk was reading pages, which may be newer: an object
  // that they report as gone is checked before it is removed.
  void set_verify_until(uint64_t sequence) { verify_until_ = sequence; }
  // True if the firmware may still have the objects that the event reports as gone.
  bool MayBeStale(const Event& event) const { return event.sequence <= verify_until_; }

  // Errors: a page could not be read; the picture may be incomplete.
  absl::Status Handle(const Event& event, ChangeSet& changes);

 private:
  using List = mpi::TopologyChangeList;

  absl::StatusOr<device::NodeRef> NodeOf(const List& list, ChangeSet& changes);
  void BlockBeneath(const device::NodeRef& node, ChangeSet& changes);
  absl::Status HandleEntry(const Event& event, const device::NodeRef& node, PhyId phy,
                           const List::Entry& entry, ChangeSet& changes);
  absl::Status Appeared(const device::NodeRef& node, PhyId phy, const List::Entry& entry,
                        ChangeSet& changes);
  absl::Status NotResponding(const Event& event, const device::NodeRef& node, PhyId phy,
                             const List::Entry& entry, ChangeSet& changes);
  void RemoveSuperseded(const device::NodeRef& node, PhyId phy, ChangeSet& changes);
  absl::Status StartAnew(const device::NodeRef& node, ChangeSet& changes);
  absl::Status ExpanderNotResponding(const Event& event, const device::NodeRef& node,
                                     ChangeSet& changes);
  bool LeadsToNode(const device::NodeRef& node, DevHandle handle) const;
  // The tables have an end device at this phy under this handle.
  bool IsAt(const device::NodeRef& node, PhyId phy, DevHandle handle) const;

  TopologyModel& model_;
  const device::NodeTable& nodes_;
  device::DeviceTable& devices_;
  uint64_t verify_until_ = 0;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_TOPOLOGY_EVENTS_H_
