#include "driver/linux/sysfs_reader.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "driver/linux/host_facts.h"
#include "driver/linux/host_walker.h"
#include "driver/linux/sysfs_root.h"
#include "driver/linux/tree_io.h"

namespace sasd::sysfs {

absl::StatusOr<std::vector<HostReading>> ReadTree(const std::string& root, FileIo& io) {
  absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  TreeIo tree_io(io);
  const bool slot_links = !tree_io.Open(*sysfs, "class/enclosure");
  std::vector<HostReading> readings;
  absl::flat_hash_set<SasAddress> seen;
  for (const HostPlace& place : FindHosts(tree_io, *sysfs)) {
    const Directory directory = tree_io.Open(*sysfs, place.path);
    if (!directory) continue;
    HostTree tree = HostWalker(tree_io, slot_links).Walk(directory, place.name);
    tree.facts.pci_address = place.pci_address;
    HostReading reading = ObservationsOf(std::move(tree));
    if (seen.insert(reading.host).second) readings.push_back(std::move(reading));
  }
  if (!tree_io.status().ok()) return tree_io.status();
  return readings;
}

}  // namespace sasd::sysfs
