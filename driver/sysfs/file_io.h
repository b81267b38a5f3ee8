#ifndef DRIVER_SYSFS_FILE_IO_H_
#define DRIVER_SYSFS_FILE_IO_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace sasd::sysfs {

// What udev has found written on a block device (ID_FS_TYPE, ID_FS_LABEL of blkid). Empty: nothing.
struct BlockSignature {
  std::string type;   // "zfs_member"
  std::string label;  // of a zfs_member: the pool's name
};

// The system calls with which a tree is read: the seam at which tests count and fail them. A `name`
// is a single path component in the folder `at`, a `path` one or more below it; no symlink is ever
// followed. Results are as of the system call, but an error is given as -errno. Implementations are
// thread-safe.
class FileIo {
 public:
  virtual ~FileIo() = default;

  // Opens the folder at an absolute or relative `path`, which the user gave: links are followed.
  virtual int OpenRoot(const char* path) = 0;

  // A descriptor of the folder `path`, to be given back with Close().
  virtual int OpenDirectory(int at, const char* path) = 0;

  // Reads the start of the file `name`, up to `size` bytes: the only way to a file's content.
  virtual ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) = 0;

  // The text of the symlink `name`, without a final NUL.
  virtual ssize_t ReadLink(int at, const char* name, char* buffer, size_t size) = 0;

  // The next entries as getdents64(2) lays them out; 0 at the end.
  virtual ssize_t ListDirectory(int directory, char* buffer, size_t size) = 0;

  virtual void Close(int directory) = 0;

  // Whether SignatureOf() can know anything: a tree that is not this machine's has no signatures.
  virtual bool has_signatures() const { return false; }

  // Of the block device "8:16", as `dev` tells it.
  virtual BlockSignature SignatureOf(absl::string_view device) {
    (void)device;
    return {};
  }
};

// The kernel's. Stateless.
class PosixFileIo : public FileIo {
 public:
  int OpenRoot(const char* path) override;
  int OpenDirectory(int at, const char* path) override;
  ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) override;
  ssize_t ReadLink(int at, const char* name, char* buffer, size_t size) override;
  ssize_t ListDirectory(int directory, char* buffer, size_t size) override;
  void Close(int directory) override;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_FILE_IO_H_
