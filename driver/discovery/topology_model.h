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

// The changes that events and walks make to the tables: the operations "add", "remove" and "link
// changed", with the page reads they need. Each notes its changes in a ChangeSet. A status that is
// not ok means that a page could not be read, so the picture may be incomplete. A missing page is
// no error: its object has gone. Runs in the worker only (thread-compatible); holds no lock across
// a read.
class TopologyModel {
 public:
  // Borrows everything for its lifetime.
  TopologyModel(PageReader& pages, device::NodeTable& nodes, device::DeviceTable& devices)
      : pages_(pages), nodes_(nodes), devices_(devices) {}

  // `on_stale_handle` is called with each handle of an object whose removal went unnoticed, so that
  // nobody has given the handle back; no other object uses it. Set it before any operation.
  void set_on_stale_handle(std::function<void(DevHandle)> on_stale_handle) {
    on_stale_handle_ = std::move(on_stale_handle);
  }

  // Sets the highest valid handle (IOC facts, MaxDevHandle); a greater one is an error of the
  // firmware.
  void set_max_handle(DevHandle handle) { max_handle_ = handle; }

  // Adds the expander with this handle, after its parent if that is not known yet, and reads its
  // phys and manufacturer. Leaves a known expander as it is; but a new handle is a new life, and
  // the objects beneath it have gone. Null if the firmware no longer has it.
  absl::StatusOr<device::NodeRef> AddExpander(DevHandle handle, ChangeSet& changes);
  // Adds or updates the expander of a page that was read. kNotFound: the parent is not known.
  absl::StatusOr<device::NodeRef> PutExpander(const mpi::ExpanderPage0& page, ChangeSet& changes);
  // Reads all phys of an expander (expander page 1) or of the host (SAS phy page 0).
  absl::Status ReadPhys(const device::NodeRef& node, ChangeSet& changes);
  // Removes an expander after everything beneath it, the nearest last.
  void RemoveExpander(const device::NodeRef& node, ChangeSet& changes);

  // Adds the end device with this handle (one SAS device page 0). Gives a known device its new
  // handle, and unblocks or retries it if it was blocked or failed. Ignores a handle that is no end
  // device or not present.
  absl::Status AddDevice(DevHandle handle, ChangeSet& changes);
  // The same for a page that has been read after `as_of` (DeviceTable::handshakes()). Returns the
  // device; null if it is none of ours.
  absl::StatusOr<device::DeviceRef> PutDevice(const mpi::SasDevicePage0& page, uint64_t as_of,
                                              ChangeSet& changes);
  void RemoveDevice(const device::DeviceRef& device, ChangeSet& changes);

  // A phy's link has a new rate and leads to `handle` if it is up (0: to nothing known). Reads the
  // phy's page only if an expander appears at the other end: the event does not have the number of
  // the expander's phy.
  absl::Status UpdateLink(const device::NodeRef& node, PhyId phy, DevHandle handle, LinkRate rate,
                          ChangeSet& changes);
  // Reads one phy whose record may be older than the tables.
  absl::Status RefreshPhy(const device::NodeRef& node, PhyId phy, ChangeSet& changes);
  // Updates every phy of the node to the current owner of its attached handle.
  void ResolvePhys(const device::NodeRef& node, ChangeSet& changes);

  // True if this handle still stands for the same object. A SATA device shares its address with its
  // place; its name, if it has one, is its own.
  absl::StatusOr<bool> IsPresent(DevHandle handle, SasAddress address,
                                 SasAddress name = SasAddress(0));

  absl::Status AddEnclosure(EnclosureHandle handle, ChangeSet& changes);
  void PutEnclosure(const mpi::EnclosurePage0& page, ChangeSet& changes);
  // Whether an expander or device was read under this enclosure handle.
  bool HasMembers(EnclosureHandle enclosure) const;
  void RemoveEnclosure(EnclosureHandle handle, ChangeSet& changes);

  HostKey host() const { return nodes_.host()->key().host; }

 private:
  absl::StatusOr<device::NodeRef> AddExpander(DevHandle handle, int depth, ChangeSet& changes);
  // Whether the expander with this key is `node` or above it.
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
  // Updates the other end of a link between two nodes, too.
  void UpdatePeer(const device::NodeRef& node, PhyId phy, const device::PhyRecord& record,
                  ChangeSet& changes);
  void Attach(const NodeKey& parent, DevHandle handle, const NodeKey& attached, ChangeSet& changes);
  void Detach(const NodeKey& parent, SasAddress address, ChangeSet& changes);
  // The address behind a handle to which a phy of `node` leads; 0: not known.
  SasAddress AddressAt(const device::NodeRef& node, DevHandle handle) const;
  absl::StatusOr<EnclosureKey> EnclosureOf(EnclosureHandle handle, ChangeSet& changes);
  absl::StatusOr<device::PhyRecord> ReadPhy(const device::NodeRef& node, PhyId phy);

  // The object that had `handle` no longer has it.
  void GiveBack(DevHandle handle);
  void CollectHandles(const device::NodeRef& node, std::vector<DevHandle>& handles);
  absl::Status GiveBackUnused(const std::vector<DevHandle>& handles);
  // Whether an object of the tables has the handle.
  bool IsKnown(DevHandle handle) const;

  PageReader& pages_;
  device::NodeTable& nodes_;
  device::DeviceTable& devices_;
  DevHandle max_handle_{0xFFFF};
  std::function<void(DevHandle)> on_stale_handle_ = [](DevHandle) {};
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_TOPOLOGY_MODEL_H_
