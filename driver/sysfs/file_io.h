#ifndef DRIVER_SYSFS_FILE_IO_H_
#define DRIVER_SYSFS_FILE_IO_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace sasd::sysfs {

// The signature that udev found on a block device (ID_FS_TYPE, ID_FS_LABEL of blkid). Empty: none.
struct BlockSignature {
  std::string type;   // "zfs_member"
  std::string label;  // of a zfs_member: the pool's name
};

// The system calls that read a tree. Tests count them, and make them fail. A `name` is a single
// path component in the folder `at`; a `path` is one or more components below it. Symlinks are
// never followed. Results are those of the system call, with errors as -errno. Implementations are
// thread-safe.
class FileIo {
 public:
  virtual ~FileIo() = default;

  // Opens the folder at an absolute or relative `path`. It follows links: the user chose the path.
  virtual int OpenRoot(const char* path) = 0;

  // A descriptor of the folder `path`. The caller closes it with Close().
  virtual int OpenDirectory(int at, const char* path) = 0;

  // Reads the start of the file `name`, up to `size` bytes. No other call reads file content.
  virtual ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) = 0;

  // The text of the symlink `name`, without a final NUL.
  virtual ssize_t ReadLink(int at, const char* name, char* buffer, size_t size) = 0;

  // The next entries, in the layout of getdents64(2); 0 at the end.
  virtual ssize_t ListDirectory(int directory, char* buffer, size_t size) = 0;

  virtual void Close(int directory) = 0;

  // True if SignatureOf() can find signatures. Only this machine's own tree has them.
  virtual bool has_signatures() const { return false; }

  // The signature of the block device "8:16" (the content of its attribute `dev`).
  virtual BlockSignature SignatureOf(absl::string_view device) {
    (void)device;
    return {};
  }
};

// The kernel's system calls. Stateless.
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
