#ifndef DAEMON_JOURNAL_JOURNAL_READER_H_
#define DAEMON_JOURNAL_JOURNAL_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/journal/journal_row.h"
#include "daemon/journal/posting_run.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {

struct Query {
  // Bounds, exclusive; 0: none. To resume: after = the last revision that was seen. A trimmed
  // `after` is an error; without one, reading begins at the oldest row.
  int64_t after = 0;
  int64_t until = 0;
  bool newest_first = false;
  size_t limit = 1000;            // rows, at least 1
  size_t max_bytes = 4 << 20;     // of payloads; at least one row comes
  size_t max_examined = 500'000;  // rows or index entries; a page may end early, without rows
  bool with_objects = false;      // fill EventRow::objects (by id; no order of the event's own)

  // Filters: all must hold.
  std::vector<std::string> objects;  // names: about any of these
  uint64_t changes = 0;              // bits 1 << ObjectChange::change, of these objects; 0: any
  uint64_t causes = 0;               // bits 1 << cause; 0: any
  uint8_t minimum_severity = 0;
  int64_t start_nanos = 0;  // inclusive; 0: none
  int64_t end_nanos = 0;    // exclusive; 0: none
};

struct Page {
  std::vector<EventRow> rows;  // in the order of the query
  // Gaps that overlap what was examined, in the order of the query: declared ones, and what is
  // damaged or missing. A resume `after` a revision inside a gap means that it was lost. A search
  // with filters does not examine what the spans and the index let it skip.
  std::vector<Gap> gaps;
  // More may follow: continue with `after` (newest_first: `until`) = next.
  bool more = false;
  int64_t next = 0;
  int64_t oldest = 0;   // what a reader may find: the first revision that is not trimmed
  int64_t trimmed = 0;  // all revisions up to this one are trimmed
};

// A connection that reads. Thread-compatible. Each call sees one snapshot.
class JournalReader {
 public:
  static absl::StatusOr<std::unique_ptr<JournalReader>> Open(const std::string& path,
                                                             const std::string& vfs);
  ~JournalReader();
  JournalReader(const JournalReader&) = delete;
  JournalReader& operator=(const JournalReader&) = delete;

  // See Journal.
  //
  // Read and FindGap: DATA_LOSS, where not even the damage can be delimited.
  absl::StatusOr<Page> Read(const Query& query, Interrupted interrupted = NeverInterrupted);
  absl::StatusOr<std::optional<Gap>> FindGap(int64_t revision);
  absl::StatusOr<std::optional<StateRow>> FindState(const std::string& name);
  absl::StatusOr<int64_t> VisitState(const std::function<void(StateRow)>& visit,
                                     bool only_gone = false,
                                     Interrupted interrupted = NeverInterrupted);

 private:
  struct Statements;
  class Collector;
  struct Interval {
    int64_t first;
    int64_t last;
  };

  explicit JournalReader(Database db);
  absl::Status Prepare();
  absl::StatusOr<int64_t> ObjectId(const std::string& name);  // 0: unknown
  absl::StatusOr<Page> ReadSnapshot(const Query& query);
  absl::StatusOr<std::vector<Interval>> Intervals(const Query& query, Interval all);
  absl::Status ReadAll(const std::vector<int64_t>& ids, Interval interval, Collector& out);
  absl::Status ReadObjects(const std::vector<int64_t>& ids, Interval interval, Collector& out);
  // The runs that overlap the interval, in order. DATA_LOSS: they overlap each other.
  absl::StatusOr<std::vector<PostingRun>> Runs(Interval interval);
  // Of one object; DATA_LOSS: the run is damaged.
  absl::Status FindPostings(const PostingRun& run, int64_t id, std::vector<Posting>* out);
  absl::Status ReadRun(const std::vector<int64_t>& ids, const PostingRun& run, Interval interval,
                       Collector& out);
  // Reads the row of a revision; that it is missing or cannot be read is damage.
  absl::Status AddEvent(int64_t revision, const std::vector<int64_t>& ids, Collector& out);
  absl::Status AddRow(const Statement& row, const std::vector<int64_t>& ids, Collector& out);
  absl::Status AddGaps(Interval examined, const Collector& out, Page& page);
  absl::StatusOr<std::optional<Gap>> GapEndingAt(int64_t last);

  Database db_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_JOURNAL_READER_H_
