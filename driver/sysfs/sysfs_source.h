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
#include "driver/observation/key_assignments.h"
#include "driver/observation/key_table.h"
#include "driver/observation/observation.h"
#include "driver/observation/scsi_host.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/host_reading.h"
#include "driver/sysfs/link_look.h"

namespace sasd::sysfs {

// Reports the kernel's SAS objects to a sink: first all of them, later the differences. Not
// thread-safe: one caller at a time.
class SysfsSource {
 public:
  // Checks that `root` is a tree for ReadTree() (its errors); reads nothing yet. Borrows
  // `io`, `clock`, `sink` and `keys` for the source's lifetime. Without `keys` it remembers the
  // hosts' keys itself, as long as it lives.
  static absl::StatusOr<std::unique_ptr<SysfsSource>> Create(std::string root, FileIo& io,
                                                             Clock& clock, ObservationSink& sink,
                                                             KeyAssignments* keys = nullptr);

  // Reads the tree and emits one batch (source kSysfs) per host that is new, changed or gone. The
  // batch of a new host is complete; that of a known host has only the objects that differ. `cause`
  // goes into each batch: kScan, kUevent, or kResync after a gap. Only the first batch of a kResync
  // has its lost_events, so that they add up. A gap is always reported: if nothing differs, by an
  // empty batch of no host. On an error it emits nothing and keeps the earlier picture.
  absl::Status Scan(const Cause& cause);

  // The cause of a Scan() on request.
  static Cause ScanCause();
  absl::Status Scan() { return Scan(ScanCause()); }

  // As Scan(), but reads only the host `os_name` ("host11"). If that host is new, gone or another
  // one under the same number, it does a Scan(), because its identity depends on the other hosts. A
  // SCSI host that is not a SAS host reports nothing.
  absl::Status ScanHost(absl::string_view os_name, const Cause& cause);

  // The hosts, by os_name, that have disks under the block device ("dm-3"), now or at their last
  // report.
  std::vector<std::string> HostsUnder(absl::string_view block_device);

  // LookAtLinks() of the last reading of `os_name`. Reports nothing.
  LinkLook LookAtLinks(absl::string_view os_name, size_t first, size_t budget);

  // The readings reported last.
  const std::vector<HostReading>& last() const { return last_; }

  // What the last readings saw beside the SAS objects; never null. It is another object once
  // something in it has changed. Nothing of it goes to the sink.
  const std::shared_ptr<const ScsiHosts>& scsi_hosts() const { return scsi_hosts_; }

 private:
  SysfsSource(std::string root, FileIo& io, Clock& clock, ObservationSink& sink,
              KeyAssignments* keys);

  // The last reported reading of the host; end() if there is none.
  std::vector<HostReading>::iterator Known(absl::string_view os_name);
  void SetScsiHosts(ScsiHosts hosts);
  absl::Status ReadScsiHostAgain(absl::string_view os_name);
  void Emit(HostKey host, const Cause& cause, std::vector<Observation> observations);

  const std::string root_;
  FileIo& io_;
  Clock& clock_;
  ObservationSink& sink_;
  KeyTable own_keys_;
  KeyAssignments& keys_;
  std::vector<HostReading> last_;
  std::shared_ptr<const ScsiHosts> scsi_hosts_ = std::make_shared<const ScsiHosts>();
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_SOURCE_H_
