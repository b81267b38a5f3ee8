#ifndef DAEMON_JOURNAL_VISIBLE_MARK_H_
#define DAEMON_JOURNAL_VISIBLE_MARK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/journal/shared_file.h"

namespace sasd::journal {

// The highest revisions of a boot, in shared memory: they outlive the process, but not the boot. So
// a start after a kill knows what was visible without the journal. Writes are plain stores.
// Thread-safe.
class VisibleMark {
 public:
  struct Values {
    int64_t written = 0;  // the journal has it
    int64_t visible = 0;  // clients may have seen it, or a later one that was written
  };

  // The mark of the journal `id` in `path` (on a tmpfs), made if it is missing or another
  // journal's. Errors: as SharedFile::Open.
  static absl::StatusOr<std::unique_ptr<VisibleMark>> Open(const std::string& path,
                                                           absl::string_view id,
                                                           absl::string_view boot_id);
  // Whether the mark was there, of this journal and this boot; then what it held.
  bool found() const { return file_->found(); }
  const Values& previous() const { return previous_; }

  // Raise only.
  void SetWritten(int64_t revision);
  void SetVisible(int64_t revision);

 private:
  struct Layout;
  explicit VisibleMark(std::unique_ptr<SharedFile> file);

  const std::unique_ptr<SharedFile> file_;
  Layout& layout_;  // in the file
  const Values previous_;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_VISIBLE_MARK_H_
