#ifndef DAEMON_JOURNAL_INDEX_MERGER_H_
#define DAEMON_JOURNAL_INDEX_MERGER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/journal/index_writer.h"
#include "daemon/journal/posting_run.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {

// Finds what is to be done about the index: small runs to merge, so that a search reads few, and
// events without a run (of an older schema, or damaged once). It only reads, so that no event
// waits; IndexWriter::Replace writes what it found. Thread-compatible, with its connection.
class IndexMerger {
 public:
  struct Work {
    int64_t first = 0, last = 0;
    RunLevel level = RunLevel::kSmall;
    std::vector<Posting> postings;
  };

  // `db` must outlive it.
  static absl::StatusOr<std::unique_ptr<IndexMerger>> Open(Database& db);
  ~IndexMerger();
  IndexMerger(const IndexMerger&) = delete;
  IndexMerger& operator=(const IndexMerger&) = delete;

  // A run to be written, of one or two megabytes at most; nullopt: there is none. What cannot be
  // read stays as it is. Errors: those of the disk.
  absl::StatusOr<std::optional<Work>> Next();

 private:
  struct Statements;
  struct Row {
    PostingRun run;
    RunLevel level;
    int64_t bytes;
  };

  explicit IndexMerger(Database& db);
  absl::Status Prepare();
  absl::StatusOr<std::vector<Row>> Rows();
  absl::StatusOr<int64_t> Number(Statement& statement);
  // False: it cannot be read.
  absl::StatusOr<bool> ReadEvents(int64_t first, int64_t last, Work* work);
  absl::StatusOr<bool> ReadRun(const PostingRun& run, Work* work);
  absl::StatusOr<std::optional<Work>> Build(const std::vector<Row>& rows);
  absl::StatusOr<std::optional<Work>> Merge(const std::vector<Row>& rows);

  Database& db_;
  std::unique_ptr<Statements> statements_;
  absl::flat_hash_set<int64_t> unreadable_;  // the first revisions of what cannot be read
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_INDEX_MERGER_H_
