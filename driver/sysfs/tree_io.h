#ifndef DRIVER_SYSFS_TREE_IO_H_
#define DRIVER_SYSFS_TREE_IO_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "driver/sysfs/attribute.h"
#include "driver/sysfs/file_io.h"

namespace sasd::sysfs {

// An open folder of the tree, or none if it is missing or unreadable. Owns its descriptor; borrows
// the FileIo.
class Directory {
 public:
  Directory() = default;
  Directory(FileIo& io, int descriptor) : io_(&io), descriptor_(descriptor) {}
  Directory(Directory&& other) noexcept
      : io_(other.io_), descriptor_(std::exchange(other.descriptor_, -1)) {}
  Directory& operator=(Directory&& other) noexcept {
    std::swap(io_, other.io_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Directory() {
    if (descriptor_ >= 0) io_->Close(descriptor_);
  }

  explicit operator bool() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  FileIo* io_ = nullptr;
  int descriptor_ = -1;
};

enum class EntryKind : uint8_t { kOther, kDirectory, kLink };

// The names in one folder, without "." and "..".
class Listing {
 public:
  void Add(absl::string_view name, EntryKind kind);

  // The entries of `kind` whose names start with `prefix`, in natural order. They borrow the
  // listing.
  std::vector<absl::string_view> Names(EntryKind kind, absl::string_view prefix = "") const;

 private:
  struct Entry {
    uint32_t start;
    uint32_t length;
    EntryKind kind;
  };
  std::string names_;
  std::vector<Entry> entries_;
};

// Reads folders, attributes and links of a tree. A failed read counts as an absent object. But if
// descriptors or memory run out, status() becomes an error: the reading is then incomplete. Not
// thread-safe. Borrows `io`.
class TreeIo {
 public:
  explicit TreeIo(FileIo& io) : io_(io), buffer_(kBufferSize) {}

  FileIo& io() { return io_; }

  // Opens `path` below `at`. It must not have links or "..".
  Directory Open(const Directory& at, absl::string_view path);

  Listing List(const Directory& directory);

  // The attribute's bytes; empty if it cannot be read. Valid until the next call of this object.
  absl::string_view Read(const Directory& directory, Attribute attribute);

  // The text of the link; empty if it is not a link.
  std::string ReadLink(const Directory& directory, absl::string_view name);

  const absl::Status& status() const { return status_; }

 private:
  static constexpr size_t kBufferSize = 16 * 1024;

  void Note(int error, absl::string_view name);
  EntryKind KindOf(const Directory& directory, absl::string_view name, uint8_t type);

  FileIo& io_;
  std::vector<char> buffer_;
  absl::Status status_;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_TREE_IO_H_
