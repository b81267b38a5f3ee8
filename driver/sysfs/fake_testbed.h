#ifndef DRIVER_SYSFS_FAKE_TESTBED_H_
#define DRIVER_SYSFS_FAKE_TESTBED_H_

#include <dlfcn.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace sasd::sysfs {

// A UMockdevTestbed (libumockdev): a private sysfs and netlink for this process.
// udev_monitor_test.sh preloads umockdev. The functions are looked up at run time, so that the
// build does not need umockdev.
class Testbed {
 public:
  Testbed() : library_(dlopen("libumockdev.so.0", RTLD_NOW)) {
    if (library_ == nullptr) return;
    testbed_ = Function<void*()>("umockdev_testbed_new")();
  }
  ~Testbed() {
    if (testbed_ != nullptr) Function<void(void*)>("g_object_unref")(testbed_);
  }

  explicit operator bool() const { return testbed_ != nullptr; }

  // `more`: further lines, in the format of umockdev-record.
  bool Add(const std::string& devpath, const std::string& subsystem, const std::string& more = "") {
    const std::string device =
        absl::StrCat("P: ", devpath, "\nE: SUBSYSTEM=", subsystem, "\n", more, "\n");
    return Function<int(void*, const char*, void*)>("umockdev_testbed_add_from_string")(
               testbed_, device.c_str(), nullptr) != 0;
  }
  void Send(const char* action, const std::string& devpath) {
    Function<void(void*, const char*, const char*)>("umockdev_testbed_uevent")(
        testbed_, absl::StrCat("/sys", devpath).c_str(), action);
  }

 private:
  template <typename F>
  F* Function(const char* name) {
    return reinterpret_cast<F*>(dlsym(library_, name));
  }

  void* const library_;
  void* testbed_ = nullptr;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_FAKE_TESTBED_H_
