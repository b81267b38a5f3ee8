#ifndef DRIVER_SYSFS_SYSFS_SOURCE_H_
#define DRIVER_SYSFS_SYSFS_SOURCE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/base/clock.h"
#include "driver/observation/observation.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/host_reading.h"
#include "driver/sysfs/link_look.h"

namespace sasd::sysfs {

// Tells a sink what the Linux kernel shows of SAS, and how that differs from what it told last.
// Not thread-safe: one caller at a time.
class SysfsSource {
 public:
  // Looks whether `root` is a tree that ReadTree() takes (its errors); reads nothing yet. Borrows
  // `io`, `clock` and `sink` for the source's lifetime.
  static absl::StatusOr<std::unique_ptr<SysfsSource>> Create(std::string root, FileIo& io,
                                                             Clock& clock, ObservationSink& sink);

  // Reads the tree and emits one batch per host that is new, changed or gone (source kSysfs), with
  // only the objects that differ; a host that was never told is told whole. `cause` goes into each
  // batch: kScan, kUevent, or kResync after a gap. The first batch of a kResync alone has its
  // lost_events, so that they add up; if nothing differs it is an empty one of no host, for a gap
  // is told in any case. On an error nothing is emitted and the earlier picture stands.
  absl::Status Scan(const Cause& cause);

  // A Scan() that nothing but a wish calls for.
  static Cause ScanCause();
  absl::Status Scan() { return Scan(ScanCause()); }

  // As Scan(), but reads the one host `os_name` ("host11") only. It becomes a Scan() where the host
  // is new, is gone or is another one under the same number: what it shares with others decides
  // then. A host that is no SAS host tells nothing.
  absl::Status ScanHost(absl::string_view os_name, const Cause& cause);

  // The hosts, by os_name, whose disks the block device ("dm-3") is on top of now, or was when they
  // were told last.
  std::vector<std::string> HostsUnder(absl::string_view block_device);

  // LookAtLinks() of what was told last of `os_name`; nothing is told.
  LinkLook LookAtLinks(absl::string_view os_name, size_t first, size_t budget);

  // What was told last.
  const std::vector<HostReading>& last() const { return last_; }

 private:
  SysfsSource(std::string root, FileIo& io, Clock& clock, ObservationSink& sink);

  // The reading that was told last of the host; end() if none was.
  std::vector<HostReading>::iterator Known(absl::string_view os_name);
  void Emit(SasAddress host, const Cause& cause, std::vector<Observation> observations);

  const std::string root_;
  FileIo& io_;
  Clock& clock_;
  ObservationSink& sink_;
  std::vector<HostReading> last_;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_SOURCE_H_
