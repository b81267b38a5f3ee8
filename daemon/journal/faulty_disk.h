#ifndef DAEMON_JOURNAL_FAULTY_DISK_H_
#define DAEMON_JOURNAL_FAULTY_DISK_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

struct sqlite3_vfs;

namespace sasd::journal {

// A VFS of SQLite on top of the system's, for tests: a disk that loses power, is full, is read-only
// or hangs. It keeps what each database and log had at its last sync, and what was written since.
//
// After a power loss a file has what was synced, and of the later writes any selection of sectors
// or pages. A truncation is an operation of the file system's own journal: if it is lost, so is
// what was written to the file after it.
//
// Thread-safe, but for PowerOn, which needs all files closed. Syncs cost nothing.
class FaultyDisk {
 public:
  explicit FaultyDisk(uint64_t seed = 1);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  const std::string& vfs() const { return name_; }

  // From the n-th write, truncation or sync on (0: the next one), all fail, and change nothing.
  void StopAfter(int64_t operations) ABSL_LOCKS_EXCLUDED(mu_);
  bool stopped() ABSL_LOCKS_EXCLUDED(mu_);
  enum class Kept {
    kAll,     // of what was written: a kill of the process
    kSynced,  // a power loss
  };
  // Goes on; the files hold what was kept.
  void GoOn(Kept kept) ABSL_LOCKS_EXCLUDED(mu_);

  // A full disk takes no write that makes a file larger.
  void set_full(bool full) ABSL_LOCKS_EXCLUDED(mu_);
  void set_read_only(bool read_only) ABSL_LOCKS_EXCLUDED(mu_);
  // Writes, truncations and syncs wait while it hangs.
  void set_hanging(bool hanging) ABSL_LOCKS_EXCLUDED(mu_);
  // Until an operation hangs.
  void WaitUntilHung() ABSL_LOCKS_EXCLUDED(mu_);

  int64_t reads() ABSL_LOCKS_EXCLUDED(mu_);
  int64_t operations() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Vfs;
  struct File;
  struct Operation {
    int64_t offset = -1;  // -1: a truncation to `size`
    int64_t size = 0;
    std::string data;
  };
  struct Content {
    uint64_t inode = 0;
    bool synced = false;  // ever
    std::string durable;
    std::vector<Operation> pending;
  };

  // SQLite's result code for a write that makes the file `size` bytes long (0: no matter).
  int Operate(int64_t size, int64_t old_size) ABSL_LOCKS_EXCLUDED(mu_);
  void Opened(const std::string& path, bool existed) ABSL_LOCKS_EXCLUDED(mu_);
  void Lose(const std::string& path, Content& content) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string name_;
  std::unique_ptr<Vfs> sqlite_;
  absl::Mutex mu_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, Content> contents_ ABSL_GUARDED_BY(mu_);
  int64_t left_ ABSL_GUARDED_BY(mu_) = -1;  // operations until the stop; -1: no stop
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool full_ ABSL_GUARDED_BY(mu_) = false;
  bool read_only_ ABSL_GUARDED_BY(mu_) = false;
  bool hanging_ ABSL_GUARDED_BY(mu_) = false;
  int hung_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t reads_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t operations_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_FAULTY_DISK_H_
