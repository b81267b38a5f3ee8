#ifndef DAEMON_JOURNAL_SHARED_FILE_H_
#define DAEMON_JOURNAL_SHARED_FILE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sasd::journal {

// A file of a tmpfs, mapped: what is stored in it outlives the process, but not the boot. Stores
// never wait for a disk. It belongs to a journal and a boot: another one's content is no content.
// Thread-compatible.
class SharedFile {
 public:
  // Maps a content of `size` bytes, at most 64 MiB; makes the file if it is missing. `magic` has 8
  // bytes: the form of the content. Errors: kPermissionDenied for a file of another user; others
  // are the system's.
  static absl::StatusOr<std::unique_ptr<SharedFile>> Open(const std::string& path, size_t size,
                                                          absl::string_view magic,
                                                          absl::string_view id,
                                                          absl::string_view boot_id);
  ~SharedFile();
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;

  // Whether an earlier process left a content of this form, journal and boot. Else it is zeros.
  bool found() const { return found_; }
  // Aligned to 8 bytes; valid as long as this.
  char* content() const { return content_; }

 private:
  SharedFile(void* memory, size_t mapped);

  void* const memory_;
  const size_t mapped_;
  char* const content_;
  bool found_ = false;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_SHARED_FILE_H_
