#include "daemon/journal/posting_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

namespace sasd::journal {
namespace {

constexpr int64_t kAll = int64_t{1} << 32;

std::vector<Posting> Random(const PostingRun& run, int count, int64_t objects) {
  std::mt19937_64 random(7);
  std::map<std::pair<int64_t, int64_t>, int64_t> postings;
  for (int i = 0; i < count; ++i) {
    const auto object = static_cast<int64_t>(1 + random() % static_cast<uint64_t>(objects));
    const auto revision =
        run.first +
        static_cast<int64_t>(random() % static_cast<uint64_t>(run.last - run.first + 1));
    postings[{object, revision}] = static_cast<int64_t>(random() % (1 << 18));
  }
  std::vector<Posting> out;
  for (const auto& [key, bits] : postings) out.push_back({key.first, key.second, bits});
  std::shuffle(out.begin(), out.end(), random);
  return out;
}

auto Key(const Posting& posting) {
  return std::tuple(posting.object, posting.revision, posting.bits);
}

std::vector<std::tuple<int64_t, int64_t, int64_t>> Keys(const std::vector<Posting>& postings) {
  std::vector<std::tuple<int64_t, int64_t, int64_t>> out;
  for (const Posting& posting : postings) out.push_back(Key(posting));
  std::sort(out.begin(), out.end());
  return out;
}

TEST(PostingRunTest, ReturnsWhatItWasMadeOf) {
  const PostingRun run = {77, 1'000'000'000'000, 1'000'000'070'000};
  for (int64_t objects : {1, 30, 5000, 100'000}) {
    const std::vector<Posting> postings = Random(run, 20'000, objects);
    const std::vector<Chunk> chunks = EncodeRun(run, postings);
    std::vector<Posting> decoded;
    int64_t next = 0;
    for (const Chunk& chunk : chunks) {
      EXPECT_EQ(chunk.key, ChunkKey(run.id, next));
      EXPECT_TRUE(objects < 5000 || chunk.bytes.size() <= 3'910) << chunk.bytes.size();
      ASSERT_TRUE(
          DecodeChunk(run, chunk.key, chunk.checksum, chunk.bytes, 0, kAll, &decoded, &next));
    }
    EXPECT_EQ(next, 0) << "the last chunk says so";
    EXPECT_EQ(Keys(decoded), Keys(postings));
  }
}

TEST(PostingRunTest, AnObjectIsInTheLastChunkNotAfterIt) {
  const PostingRun run = {3, 1, 5000};
  const std::vector<Posting> postings = Random(run, 5000, 2000);
  const std::vector<Chunk> chunks = EncodeRun(run, postings);
  ASSERT_GT(chunks.size(), 3u);
  for (int64_t object = 1; object <= 2001; ++object) {
    const Chunk* of = nullptr;
    for (const Chunk& chunk : chunks) {
      if (chunk.key <= ChunkKey(run.id, object)) of = &chunk;
    }
    std::vector<Posting> expected;
    for (const Posting& posting : postings) {
      if (posting.object == object) expected.push_back(posting);
    }
    std::vector<Posting> found;
    int64_t next = 0;
    ASSERT_TRUE(
        DecodeChunk(run, of->key, of->checksum, of->bytes, object, object + 1, &found, &next));
    EXPECT_TRUE(next == 0 || object < next);
    EXPECT_EQ(Keys(found), Keys(expected)) << object;
  }
}

TEST(PostingRunTest, ARunWithoutPostingsHasOneChunk) {
  const PostingRun run = {5, 10, 20};
  const std::vector<Chunk> chunks = EncodeRun(run, {});
  ASSERT_EQ(chunks.size(), 1u);
  std::vector<Posting> found;
  int64_t next = 1;
  EXPECT_TRUE(
      DecodeChunk(run, chunks[0].key, chunks[0].checksum, chunks[0].bytes, 0, kAll, &found, &next));
  EXPECT_EQ(next, 0);
  EXPECT_TRUE(found.empty());
}

TEST(PostingRunTest, RefusesDamageAndOtherRuns) {
  const PostingRun run = {5, 10, 600};
  const Chunk chunk = EncodeRun(run, Random(run, 200, 20)).front();
  std::vector<Posting> found;
  int64_t next = 0;
  for (size_t i = 0; i < chunk.bytes.size(); ++i) {
    std::string bytes = chunk.bytes;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x10);
    EXPECT_FALSE(DecodeChunk(run, chunk.key, chunk.checksum, bytes, 0, kAll, &found, &next));
  }
  for (const PostingRun& other :
       {PostingRun{6, 10, 600}, PostingRun{5, 11, 600}, PostingRun{5, 10, 601}})
    EXPECT_FALSE(
        DecodeChunk(other, chunk.key, chunk.checksum, chunk.bytes, 0, kAll, &found, &next));
  EXPECT_FALSE(
      DecodeChunk(run, chunk.key + 1, chunk.checksum, chunk.bytes, 0, kAll, &found, &next));
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace sasd::journal
