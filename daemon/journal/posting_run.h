#ifndef DAEMON_JOURNAL_POSTING_RUN_H_
#define DAEMON_JOURNAL_POSTING_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::journal {

// The index by object is a row of runs, which tile the revisions. A run has the postings of its
// revisions, by object, cut into chunks of about a page. So an event costs no write of its own, and
// a search reads one chunk of each run.

// That an event is about an object.
struct Posting {
  int64_t object = 0;  // its id: from 1, below 1 << 32
  int64_t revision = 0;
  int64_t bits = 0;  // EventBits
};

struct PostingRun {
  int64_t id = 0;  // from 1, below 1 << 31
  // Its revisions; some of them may have no event.
  int64_t first = 0, last = 0;
};

struct Chunk {
  int64_t key = 0;
  uint32_t checksum = 0;
  std::string bytes;
};

// The key of a chunk is its run and the first object that it may have: 0 in the first chunk of a
// run. So the chunk of an object is the last one that is not after ChunkKey(run, object).
constexpr int64_t ChunkKey(int64_t run, int64_t object) { return run << 32 | object; }
constexpr int64_t RunOf(int64_t key) { return key >> 32; }

// One chunk at least. The postings are of the run's revisions, in any order; one per object and
// revision.
std::vector<Chunk> EncodeRun(const PostingRun& run, std::vector<Posting> postings);

// Adds the postings of the objects from `begin` to below `end` that the chunk has, by object, then
// by revision. `next` is the first object of the next chunk; 0: it is the run's last one. False:
// the chunk is damaged, or of another run; then nothing is added.
bool DecodeChunk(const PostingRun& run, int64_t key, int64_t checksum, absl::string_view bytes,
                 int64_t begin, int64_t end, std::vector<Posting>* out, int64_t* next);

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_POSTING_RUN_H_
