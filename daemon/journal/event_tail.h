#ifndef DAEMON_JOURNAL_EVENT_TAIL_H_
#define DAEMON_JOURNAL_EVENT_TAIL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "daemon/journal/journal_row.h"
#include "daemon/journal/shared_file.h"

namespace sasd::journal {

// A row as bytes of the tail. Pure.
std::string EncodeRow(const EventRow& row);
// False: the bytes are no row. Total.
bool DecodeRow(absl::string_view bytes, EventRow* row);

// The events that journal.db does not have yet, in a ring in shared memory: they outlive the
// process, but not the boot, and adding one waits for no disk. Thread-safe.
class EventTail {
 public:
  static constexpr size_t kDefaultBytes = 1 << 20;

  // The tail of the journal `id` in `path` (on a tmpfs); of `bytes`, which are a multiple of 8.
  // Errors: as SharedFile::Open.
  static absl::StatusOr<std::unique_ptr<EventTail>> Open(const std::string& path,
                                                         absl::string_view id,
                                                         absl::string_view boot_id,
                                                         size_t bytes = kDefaultBytes);

  // What an earlier process of this boot left, oldest first.
  struct Left {
    std::vector<EventRow> rows;
    bool damaged = false;  // more was there than can be read
  };
  // Comes before Clear(). Until then a process that comes next finds it, too.
  Left ReadLeft() const;
  // Empties the tail. Comes before the first Add.
  void Clear() ABSL_LOCKS_EXCLUDED(mu_);

  // Adds rows, all or none. False: there is no room for them.
  bool Add(absl::Span<const EventRow> rows) ABSL_LOCKS_EXCLUDED(mu_);
  // Removes the rows up to a revision.
  void Forget(int64_t revision) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Layout;
  struct Piece {  // of a row
    uint32_t size = 0;
    uint32_t checksum = 0;
  };

  EventTail(std::unique_ptr<SharedFile> file, size_t bytes);
  // Where a piece of `size` bytes that comes at `position` begins: it is never cut in two.
  uint64_t PlaceFor(uint64_t position, size_t size) const;
  char* At(uint64_t position) const;
  void MakeEmpty() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::unique_ptr<SharedFile> file_;
  Layout& layout_;  // in the file
  char* const ring_;
  const size_t bytes_;

  absl::Mutex mu_;  // a leaf
  // The rows in the ring: their revisions, and where each ends.
  std::deque<std::pair<int64_t, uint64_t>> rows_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_EVENT_TAIL_H_
