#ifndef DRIVER_LINUX_LIVE_FILE_IO_H_
#define DRIVER_LINUX_LIVE_FILE_IO_H_

#include "absl/strings/string_view.h"
#include "driver/linux/file_io.h"

namespace sasd::sysfs {

// The kernel's, of this machine: with the signatures that udev's database has, through libudev. No
// device is read. Stateless.
class LiveFileIo : public PosixFileIo {
 public:
  bool has_signatures() const override { return true; }
  BlockSignature SignatureOf(absl::string_view device) override;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_LINUX_LIVE_FILE_IO_H_
