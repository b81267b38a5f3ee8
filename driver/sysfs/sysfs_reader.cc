#include "driver/sysfs/sysfs_reader.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <system_error>
#include <thread>  // NOLINT: they end before the reading does
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "driver/observation/key_table.h"
#include "driver/sysfs/host_facts.h"
#include "driver/sysfs/host_walker.h"
#include "driver/sysfs/sysfs_root.h"
#include "driver/sysfs/tree_io.h"

namespace sasd::sysfs {
namespace {

// mpt3sas and the drivers of libsas add a SCSI host first, and its phys, whose address it has,
// later (scsi_add_host() comes before _scsih_sas_host_add() and sas_register_ha()). mpt3sas removes
// a host whose firmware does not answer (_scsih_scan_finished()).
bool AddsPhysLater(absl::string_view driver) {
  for (const absl::string_view one : {"mpt2sas", "mpt3sas", "aic94xx", "isci", "mvsas", "pm80xx"}) {
    if (driver == one) return true;
  }
  return absl::StartsWith(driver, "hisi_sas");
}

bool IsStarting(const HostTree& tree) {
  return AddsPhysLater(tree.facts.driver_name) && tree.address == SasAddress() &&
         tree.owners[0].phys.empty() && tree.devices.empty();
}

// Reads hosts of an open tree.
class Reader {
 public:
  Reader(const Directory& sysfs, FileIo& io)
      : sysfs_(sysfs), io_(io), slot_links_(!io_.Open(sysfs_, "class/enclosure")) {}

  std::vector<HostPlace> Hosts() { return FindHosts(io_, sysfs_); }

  // nullopt if the host is missing before or after the reading, or is starting: such a reading may
  // hold only a part of the host, under a key that it never has.
  std::optional<HostTree> Read(const HostPlace& place) {
    const Directory directory = io_.Open(sysfs_, place.path);
    if (!directory) return std::nullopt;
    HostTree tree = HostWalker(io_, sysfs_, slot_links_).Walk(directory, place.name);
    if (!FindHost(io_, sysfs_, place.name)) return std::nullopt;
    if (IsStarting(tree)) return std::nullopt;
    tree.facts.pci_address = place.pci_address;
    tree.location = place.location;
    return tree;
  }

  const absl::Status& status() const { return io_.status(); }

 private:
  const Directory& sysfs_;
  TreeIo io_;
  const bool slot_links_;
};

// More threads would only wait for the kernel, and take CPU time from the node's I/O.
constexpr size_t kMostThreads = 4;

// Runs `work` on this thread and on up to `others` more. Returns when all have returned.
void RunOnThreads(size_t others, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  try {
    while (threads.size() < others) threads.emplace_back(work);
  } catch (const std::system_error&) {
    // No further thread can start: the running ones do all the work.
  }
  work();
  for (std::thread& thread : threads) thread.join();
}

// Nearly all of a reading's time passes in the kernel, where hosts share nothing.
class ParallelReading {
 public:
  ParallelReading(const Directory& sysfs, FileIo& io, std::vector<HostPlace> places)
      : sysfs_(sysfs), io_(io), places_(std::move(places)), hosts_(places_.size()) {}

  // In the order of the places.
  absl::StatusOr<std::vector<std::optional<HostTree>>> Run() ABSL_LOCKS_EXCLUDED(mu_) {
    const size_t threads =
        std::min({places_.size(), kMostThreads, size_t{std::thread::hardware_concurrency()}});
    RunOnThreads(std::max(threads, size_t{1}) - 1, [this] { ReadSome(); });
    absl::MutexLock lock(&mu_);
    if (!status_.ok()) return status_;
    return std::move(hosts_);
  }

 private:
  void ReadSome() ABSL_LOCKS_EXCLUDED(mu_) {
    Reader reader(sysfs_, io_);
    for (size_t i; (i = next_++) < places_.size();) hosts_[i] = reader.Read(places_[i]);
    absl::MutexLock lock(&mu_);
    status_.Update(reader.status());
  }

  const Directory& sysfs_;
  FileIo& io_;
  const std::vector<HostPlace> places_;
  std::vector<std::optional<HostTree>> hosts_;  // the thread that takes a number writes it
  std::atomic<size_t> next_ = 0;

  absl::Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

PlacedHost PlaceOf(const HostTree& tree) { return {AddressOf(tree), tree.location}; }

HostReading ReadingOf(HostTree tree, KeyAssignments& keys) {
  const HostKey host = keys.KeyOf(PlaceOf(tree));
  return ObservationsOf(std::move(tree), host, keys);
}

}  // namespace

absl::StatusOr<std::vector<HostReading>> ReadTree(const std::string& root, FileIo& io,
                                                  KeyAssignments* keys) {
  KeyTable of_this_reading;
  if (keys == nullptr) keys = &of_this_reading;
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  Reader reader(*sysfs, io);
  std::vector<HostPlace> places = reader.Hosts();
  if (!reader.status().ok()) return reader.status();
  auto hosts = ParallelReading(*sysfs, io, std::move(places)).Run();
  if (!hosts.ok()) return hosts.status();
  std::vector<PlacedHost> present;
  for (const std::optional<HostTree>& tree : *hosts) {
    if (tree) present.push_back(PlaceOf(*tree));
  }
  keys->SetHosts(present);
  std::vector<HostReading> readings;
  for (std::optional<HostTree>& tree : *hosts) {
    if (tree) readings.push_back(ReadingOf(*std::move(tree), *keys));
  }
  return readings;
}

absl::StatusOr<std::optional<HostReading>> ReadHost(const std::string& root, absl::string_view name,
                                                    FileIo& io, KeyAssignments& keys) {
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  Reader reader(*sysfs, io);
  std::optional<HostTree> tree;
  // The other hosts of its function are a part of its location.
  for (const HostPlace& place : reader.Hosts()) {
    if (place.name == name) tree = reader.Read(place);
  }
  if (!reader.status().ok()) return reader.status();
  if (!tree) return std::nullopt;
  return ReadingOf(*std::move(tree), keys);
}

}  // namespace sasd::sysfs
