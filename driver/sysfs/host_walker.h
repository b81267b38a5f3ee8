#ifndef DRIVER_SYSFS_HOST_WALKER_H_
#define DRIVER_SYSFS_HOST_WALKER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "driver/observation/keys.h"
#include "driver/sysfs/host_tree.h"
#include "driver/sysfs/tree_io.h"
#include "driver/sysfs/unit_reader.h"

namespace sasd::sysfs {

// Walks the folder of one host downwards: phys, ports, expanders, end devices. The relations are
// those of the folders. Leaves out objects that cannot be read, and expanders and end devices
// without class devices. The kernel adds class devices after the folder and removes them before it
// (scsi_transport_sas.c, sas_rphy_add and sas_rphy_remove): such an object is being added or
// removed. Not thread-safe. One walk per HostWalker.
class HostWalker {
 public:
  // `sysfs` is the root, borrowed. `slot_links`: see ReadUnits().
  HostWalker(TreeIo& io, const Directory& sysfs, bool slot_links)
      : io_(io), sysfs_(sysfs), slot_links_(slot_links) {}

  // `directory` is the folder hostN, `name` its name.
  HostTree Walk(const Directory& directory, absl::string_view name);

 private:
  void ReadHost(const Directory& scsi_host);
  void WalkOwner(const Directory& directory, int owner);
  void NoteVolumes(const Listing& host_folder);
  void ReadPhy(const Directory& directory, absl::string_view name, int owner);
  void WalkPort(const Directory& directory, absl::string_view name, int owner);
  void JoinPhys(const Listing& port_folder, int owner, int port);
  void LookForPorts(const Directory& directory, int owner, size_t first_phy);
  EnclosureKey ReadEnclosure(const Directory& sas_device);
  SesId SesIdOf(const Directory& sas_device, EnclosureKey enclosure);
  void ReadPlace(const Directory& end_device, FoundDevice& found);
  void ReadExpander(const Directory& port_directory, absl::string_view name, int port);
  void ReadEndDevice(const Directory& port_directory, absl::string_view name, int port);

  TreeIo& io_;
  const Directory& sysfs_;
  const bool slot_links_;
  HostTree tree_;
  int depth_ = 0;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_HOST_WALKER_H_
