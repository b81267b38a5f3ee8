#include "driver/linux/sysfs_reader.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "driver/linux/host_facts.h"
#include "driver/linux/host_walker.h"
#include "driver/linux/sysfs_root.h"
#include "driver/linux/tree_io.h"

namespace sasd::sysfs {
namespace {

// Reads hosts of an open tree.
class Reader {
 public:
  Reader(const Directory& sysfs, FileIo& io)
      : sysfs_(sysfs), io_(io), slot_links_(!io_.Open(sysfs_, "class/enclosure")) {}

  std::vector<HostPlace> Hosts() { return FindHosts(io_, sysfs_); }
  std::optional<HostPlace> Host(absl::string_view name) { return FindHost(io_, sysfs_, name); }

  // nullopt if the host is not there, or no longer at the end: what was read then is perhaps only
  // the rest of it, under a name that it never had.
  std::optional<HostReading> Read(const HostPlace& place) {
    const Directory directory = io_.Open(sysfs_, place.path);
    if (!directory) return std::nullopt;
    HostTree tree = HostWalker(io_, sysfs_, slot_links_).Walk(directory, place.name);
    if (!Host(place.name)) return std::nullopt;
    tree.facts.pci_address = place.pci_address;
    return ObservationsOf(std::move(tree));
  }

  const absl::Status& status() const { return io_.status(); }

 private:
  const Directory& sysfs_;
  TreeIo io_;
  const bool slot_links_;
};

}  // namespace

absl::StatusOr<std::vector<HostReading>> ReadTree(const std::string& root, FileIo& io) {
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  Reader reader(*sysfs, io);
  std::vector<HostReading> readings;
  absl::flat_hash_set<SasAddress> seen;
  for (const HostPlace& place : reader.Hosts()) {
    std::optional<HostReading> reading = reader.Read(place);
    if (reading && seen.insert(reading->host).second) readings.push_back(*std::move(reading));
  }
  if (!reader.status().ok()) return reader.status();
  return readings;
}

absl::StatusOr<std::optional<HostReading>> ReadHost(const std::string& root, absl::string_view name,
                                                    FileIo& io) {
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  Reader reader(*sysfs, io);
  std::optional<HostReading> reading;
  if (const std::optional<HostPlace> place = reader.Host(name)) reading = reader.Read(*place);
  if (!reader.status().ok()) return reader.status();
  return reading;
}

}  // namespace sasd::sysfs
