#ifndef DRIVER_SYSFS_LIVE_FILE_IO_H_
#define DRIVER_SYSFS_LIVE_FILE_IO_H_

#include "absl/strings/string_view.h"
#include "driver/sysfs/file_io.h"

namespace sasd::sysfs {

// The kernel's system calls on this machine, and the signatures in udev's database, through
// libudev. Reads no device. Stateless.
class LiveFileIo : public PosixFileIo {
 public:
  bool has_signatures() const override { return true; }
  BlockSignature SignatureOf(absl::string_view device) override;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_LIVE_FILE_IO_H_
