#ifndef DAEMON_MEMORY_MEMORY_H_
#define DAEMON_MEMORY_MEMORY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/health/store.h"
#include "daemon/journal/directory_lock.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/state_store.h"
#include "daemon/memory/recorder.h"
#include "daemon/registry/enclosure_copies.h"
#include "daemon/registry/restored.h"
#include "driver/base/clock.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/key_table.h"

namespace sasd::memory {

// What the node keeps beyond a restart: its state directory, opened. Thread-safe once it is open.
class Memory {
 public:
  struct Options {
    std::string directory;  // empty: nothing is kept
    std::string source;     // what the node serves: "live", "fabric judge"
    bool new_epoch = false;
    int64_t max_bytes = int64_t{1} << 30;
    absl::Duration max_age = absl::Hours(24 * 90);
    Recorder::Options recorder;
  };

  // `fresh_epoch`: see registry::MakeEpoch. Borrows the clock for its lifetime. A journal that must
  // or cannot be used is no error: the node then serves from memory, and status() says why. Errors:
  // kAlreadyExists where another sasd uses the directory.
  static absl::StatusOr<std::unique_ptr<Memory>> Open(const Options& options,
                                                      std::string fresh_epoch, Clock& clock);
  // Calls Close().
  ~Memory();

  // Stores the state, and notes the clean end. Nothing uses recorder() any more; store() can still
  // be used. By one thread, when no other uses this; may be called again.
  void Close();

  const std::string& epoch() const { return epoch_; }
  // The revision before the first event, where nothing is restored.
  int64_t start_revision() const { return start_revision_; }
  // The picture of the last run; nullopt: this is the first one, or nothing is kept. Call it once.
  bool has_restored() const { return restored_.has_value(); }
  std::optional<registry::Restored> TakeRestored() { return std::move(restored_); }

  // Null where nothing is kept.
  journal::Journal* journal() { return journal_.get(); }
  watch::EventRecorder* recorder() { return recorder_.get(); }
  health::Store* store() { return store_.get(); }

  // Which of several hosts with one address has the plain name, and the numbers of several nodes
  // with one address behind a host. It is kept in state.db (collection "names"), at each change;
  // without a state directory, in memory. A journal of a sasd that kept none: each host of the
  // restored picture keeps its name at its PCI address, and each node at its path.
  KeyAssignments& keys() { return *keys_; }
  // Likewise, of several enclosures with one logical identifier: what was kept, and keeping more.
  // Thread-safe: KeepNames().
  const registry::EnclosureCopies& enclosure_copies() const { return enclosure_copies_; }
  absl::Status KeepNames(absl::Span<const KeyTable::Row> rows);
  // What operators call hosts and enclosures, by the names of these: as it was kept (collection
  // "aliases" of state.db), and keeping a change; nullopt deletes. Without a state directory
  // nothing is kept. Thread-safe: KeepAlias().
  std::vector<KeyTable::Row> Aliases();
  absl::Status KeepAlias(const std::string& resource, const std::optional<std::string>& value);

  const Options& options() const { return options_; }
  JournalStatus status() const;

 private:
  explicit Memory(const Options& options) : options_(options) {}

  absl::Status OpenFiles(const std::string& fresh_epoch, bool new_epoch, Clock& clock);
  absl::Status Restore();
  void LoadKeys();
  // The numbers that the nodes of the restored picture have.
  void LoadNodes(const registry::Tables& tables);

  const Options options_;
  std::string epoch_;
  int64_t start_revision_ = 0;
  std::optional<registry::Restored> restored_;
  JournalStatus refusal_;  // without a journal

  // Each uses those above it.
  std::optional<journal::DirectoryLock> lock_;
  std::unique_ptr<journal::StateStore> state_;
  std::unique_ptr<KeyTable> keys_;
  registry::EnclosureCopies enclosure_copies_;
  std::unique_ptr<health::Store> store_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Recorder> recorder_;
  bool closed_ = false;  // the journal is
};

}  // namespace sasd::memory

#endif  // DAEMON_MEMORY_MEMORY_H_
