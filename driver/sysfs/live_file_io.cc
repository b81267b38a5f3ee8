#include "driver/sysfs/live_file_io.h"

#include <libudev.h>
#include <sys/sysmacros.h>

#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace sasd::sysfs {
namespace {

struct Unref {
  void operator()(udev* context) const { udev_unref(context); }
  void operator()(udev_device* device) const { udev_device_unref(device); }
};

std::string PropertyOf(udev_device* device, const char* name) {
  const char* value = udev_device_get_property_value(device, name);
  return value == nullptr ? "" : value;
}

}  // namespace

BlockSignature LiveFileIo::SignatureOf(absl::string_view device) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(device, absl::MaxSplits(':', 1));
  unsigned major_number = 0, minor_number = 0;
  if (!absl::SimpleAtoi(parts.first, &major_number) ||
      !absl::SimpleAtoi(parts.second, &minor_number)) {
    return {};
  }
  // Each call has its own context, because a libudev context belongs to one thread.
  const std::unique_ptr<udev, Unref> context(udev_new());
  if (context == nullptr) return {};
  const std::unique_ptr<udev_device, Unref> found(
      udev_device_new_from_devnum(context.get(), 'b', makedev(major_number, minor_number)));
  if (found == nullptr) return {};
  return {PropertyOf(found.get(), "ID_FS_TYPE"), PropertyOf(found.get(), "ID_FS_LABEL")};
}

}  // namespace sasd::sysfs
