#ifndef DRIVER_DISCOVERY_TOPOLOGY_MODEL_H_
#define DRIVER_DISCOVERY_TOPOLOGY_MODEL_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/base/link_rate.h"
#include "driver/base/strong_id.h"
#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/discovery/change_set.h"
#include "driver/discovery/page_reader.h"

namespace sasd::discovery {

// What events and walks do to the tables: the operations "add", "remove", "link changed", with the
// page reads that they need. Each notes in a ChangeSet what it changed. A status that is not ok
// means that a page could not be read, hence that the picture may be incomplete; a page that is
// not there is no error, as what it described has gone. Runs in the worker only
// (thread-compatible); holds no lock across a read.
class TopologyModel {
 public:
  // Borrows everything for its lifetime.
  TopologyModel(PageReader& pages, device::NodeTable& nodes, device::DeviceTable& devices)
      : pages_(pages), nodes_(nodes), devices_(devices) {}

  // Called with each handle that something had whose going was not noticed, so that nobody has
  // given the handle back; it is in use for nothing else. Before any operation.
  void set_on_stale_handle(std::function<void(DevHandle)> on_stale_handle) {
    on_stale_handle_ = std::move(on_stale_handle);
  }

  // Handles above this one are the firmware's mistake (IOC facts, MaxDevHandle).
  void set_max_handle(DevHandle handle) { max_handle_ = handle; }

  // Adds the expander with this handle, its parent first where that is not known yet, and reads
  // its phys and manufacturer. One that is there is left as it is; if it has another handle, that
  // is a new life: what was beneath it has gone. Null if the firmware does not have it any more.
  absl::StatusOr<device::NodeRef> AddExpander(DevHandle handle, ChangeSet& changes);
  // Adds or mends the expander of a page that has been read. kNotFound: the parent is not known.
  absl::StatusOr<device::NodeRef> PutExpander(const mpi::ExpanderPage0& page, ChangeSet& changes);
  // Reads all phys of an expander (expander page 1) or of the host (SAS phy page 0).
  absl::Status ReadPhys(const device::NodeRef& node, ChangeSet& changes);
  // Removes an expander: all beneath it first, the nearest last.
  void RemoveExpander(const device::NodeRef& node, ChangeSet& changes);

  // Adds the end device with this handle (one SAS device page 0), or takes over its new handle if
  // it is known, and mends it if it was blocked or failed. What is no end device or not present is
  // left out.
  absl::Status AddDevice(DevHandle handle, ChangeSet& changes);
  // The same for a page that has been read after `as_of` (DeviceTable::handshakes()). Returns the
  // device; null if it is none of ours.
  absl::StatusOr<device::DeviceRef> PutDevice(const mpi::SasDevicePage0& page, uint64_t as_of,
                                              ChangeSet& changes);
  void RemoveDevice(const device::DeviceRef& device, ChangeSet& changes);

  // A phy's link has a new rate, and leads to `handle` if it is up (0: nowhere). Reads the phy's
  // page only where an expander appears at the other end, whose phy's number the event does not
  // tell.
  absl::Status UpdateLink(const device::NodeRef& node, PhyId phy, DevHandle handle, LinkRate rate,
                          ChangeSet& changes);
  // Reads one phy, where what is known of it may be older than the tables.
  absl::Status RefreshPhy(const device::NodeRef& node, PhyId phy, ChangeSet& changes);
  // Has every phy show what its attached handle stands for now.
  void ResolvePhys(const device::NodeRef& node, ChangeSet& changes);

  // True if the firmware still has what this handle stood for. An address may be its place's
  // (SATA); a name, where there is one, is its own.
  absl::StatusOr<bool> IsPresent(DevHandle handle, SasAddress address,
                                 SasAddress name = SasAddress(0));

  absl::Status AddEnclosure(EnclosureHandle handle, ChangeSet& changes);
  void PutEnclosure(const mpi::EnclosurePage0& page, ChangeSet& changes);
  // Whether an expander or device is in it, as was read under this handle.
  bool HasMembers(EnclosureHandle enclosure) const;
  void RemoveEnclosure(EnclosureHandle handle, ChangeSet& changes);

  SasAddress host() const { return nodes_.host()->key().host; }

 private:
  absl::StatusOr<device::NodeRef> AddExpander(DevHandle handle, int depth, ChangeSet& changes);
  // Whether the expander with this key is `node` or leads to it.
  bool IsAbove(const NodeKey& key, device::NodeRef node) const;
  absl::Status NameExpander(PhysicalPort port, device::ExpanderInfo& info);
  absl::StatusOr<device::NodeRef> AddNewExpander(const mpi::ExpanderPage0& page,
                                                 device::ExpanderInfo info, ChangeSet& changes);
  absl::StatusOr<device::DeviceInfo> Complete(const mpi::SasDevicePage0& page, ChangeSet& changes);
  void MendDevice(const device::DeviceRef& device, const device::DeviceInfo& info, uint64_t as_of,
                  ChangeSet& changes);
  void NoteExpander(const mpi::SasDevicePage0& page, ChangeSet& changes);
  void SetPhy(const device::NodeRef& node, PhyId phy, const device::PhyRecord& record,
              ChangeSet& changes);
  // The other end of a link between two nodes learns of it, too.
  void TellPeer(const device::NodeRef& node, PhyId phy, const device::PhyRecord& record,
                ChangeSet& changes);
  void Attach(const NodeKey& parent, DevHandle handle, const NodeKey& attached, ChangeSet& changes);
  void Detach(const NodeKey& parent, SasAddress address, ChangeSet& changes);
  // What a handle that a phy of `node` leads to stands for; 0: not known.
  SasAddress AddressAt(const device::NodeRef& node, DevHandle handle) const;
  absl::StatusOr<EnclosureKey> EnclosureOf(EnclosureHandle handle, ChangeSet& changes);
  absl::StatusOr<device::PhyRecord> ReadPhy(const device::NodeRef& node, PhyId phy);

  // `handle` is not that of what had it any more.
  void GiveBack(DevHandle handle);

  PageReader& pages_;
  device::NodeTable& nodes_;
  device::DeviceTable& devices_;
  DevHandle max_handle_{0xFFFF};
  std::function<void(DevHandle)> on_stale_handle_ = [](DevHandle) {};
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_TOPOLOGY_MODEL_H_
