#include "daemon/journal/posting_run.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "daemon/journal/checksum.h"
#include "daemon/journal/varint.h"

namespace sasd::journal {
namespace {

// With its header, a row of so many bytes fills a page of 4096.
constexpr size_t kChunkBytes = 3'900;

uint32_t ChunkChecksum(const PostingRun& run, int64_t key, absl::string_view bytes) {
  return Checksum({key, run.first, run.last}, {bytes});
}

// The postings of one object: its distance to the object before, their number, and for each the
// distance to the revision before, and the bits.
std::string EncodeObject(const Posting* begin, const Posting* end, int64_t first) {
  std::string out;
  PutVarint(static_cast<uint64_t>(end - begin), &out);
  for (const Posting* posting = begin; posting != end; ++posting) {
    PutVarint(static_cast<uint64_t>(posting->revision - first), &out);
    PutVarint(static_cast<uint64_t>(posting->bits), &out);
    first = posting->revision;
  }
  return out;
}

}  // namespace

std::vector<Chunk> EncodeRun(const PostingRun& run, std::vector<Posting> postings) {
  const auto before = [](const Posting& a, const Posting& b) {
    return a.object != b.object ? a.object < b.object : a.revision < b.revision;
  };
  if (!std::is_sorted(postings.begin(), postings.end(), before)) {
    std::sort(postings.begin(), postings.end(), before);
  }
  std::vector<Chunk> chunks(1);
  int64_t first_object = 0;  // of the chunk
  int64_t previous = 0;
  const auto finish = [&](int64_t next) {
    Chunk& chunk = chunks.back();
    chunk.key = ChunkKey(run.id, first_object);
    std::string head;
    PutVarint(static_cast<uint64_t>(next), &head);
    chunk.bytes.insert(0, head);
    chunk.checksum = ChunkChecksum(run, chunk.key, chunk.bytes);
  };
  const Posting* const end = postings.data() + postings.size();
  for (const Posting* at = postings.data(); at != end;) {
    const int64_t object = at->object;
    const Posting* const next =
        std::find_if(at, end, [&](const Posting& posting) { return posting.object != object; });
    const std::string encoded = EncodeObject(at, next, run.first);
    if (!chunks.back().bytes.empty() && chunks.back().bytes.size() + encoded.size() > kChunkBytes) {
      finish(object);
      chunks.emplace_back();
      previous = first_object = object;
    }
    PutVarint(static_cast<uint64_t>(object - previous), &chunks.back().bytes);
    chunks.back().bytes += encoded;
    previous = object;
    at = next;
  }
  finish(0);
  return chunks;
}

bool DecodeChunk(const PostingRun& run, int64_t key, int64_t checksum, absl::string_view bytes,
                 int64_t begin, int64_t end, std::vector<Posting>* out, int64_t* next) {
  uint64_t number = 0;
  if (RunOf(key) != run.id || ChunkChecksum(run, key, bytes) != checksum ||
      !GetVarint(&bytes, &number))
    return false;
  *next = static_cast<int64_t>(number);
  const size_t before = out->size();
  const auto damaged = [&] {
    out->resize(before);
    return false;
  };
  uint64_t object = static_cast<uint64_t>(key - ChunkKey(run.id, 0));
  while (!bytes.empty()) {
    uint64_t count = 0;
    if (!GetVarint(&bytes, &number) || !GetVarint(&bytes, &count)) return damaged();
    object += number;
    const bool wanted =
        object >= static_cast<uint64_t>(begin) && object < static_cast<uint64_t>(end);
    auto revision = static_cast<uint64_t>(run.first);
    for (; count > 0; --count) {
      uint64_t bits = 0;
      if (!GetVarint(&bytes, &number) || !GetVarint(&bytes, &bits)) return damaged();
      revision += number;
      if (wanted)
        out->push_back({static_cast<int64_t>(object), static_cast<int64_t>(revision),
                        static_cast<int64_t>(bits)});
    }
  }
  return true;
}

}  // namespace sasd::journal
