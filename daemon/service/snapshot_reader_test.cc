#include "daemon/service/snapshot_reader.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/service/convert.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

std::shared_ptr<const registry::Topology> MakeTopology() {
  static auto& registry = *new registry::SelfPublishingRegistry({"00000000000000aa", 0});
  std::vector<Observation> facts = {registry::HostOf(registry::kHostA)};
  for (uint64_t i = 0; i < 25; ++i) {
    facts.push_back(registry::Drive(registry::kHostA, 0x100 + i));
    facts.push_back(registry::Unit(registry::kHostA, 0x100 + i, "naa.5" + std::to_string(i)));
    facts.push_back(registry::PhyTo(NodeKey::Host(registry::kHostA), static_cast<int>(i),
                                    SasAddress(0x100 + i), -1, LinkRate::k12Gbps));
  }
  registry.Observe(registry::Batch(std::move(facts)));
  return registry.Snapshot();
}

using Found = SnapshotReader::Found;

// Chunks of any size hold every resource once, in one order.
TEST(SnapshotReaderTest, ChunksHoldEveryResourceOnce) {
  const std::shared_ptr<const registry::Topology> topology = MakeTopology();
  std::vector<std::string> expected;
  topology->VisitAll([&expected](const registry::ResourceRef& ref) {
    sas::v1::Resource resource;
    ToProto(ref, &resource);
    expected.push_back(resource.SerializeAsString());
  });
  ASSERT_GT(expected.size(), 100u);
  const watch::Filter everything;
  for (const size_t size : {1, 2, 7, 25, 26, 27, 200}) {
    SnapshotReader reader(topology, everything);
    std::vector<std::string> read;
    sas::v1::SnapshotChunk chunk;
    for (; reader.Next(size, 1'000, &chunk) == Found::kResources; chunk.Clear()) {
      EXPECT_EQ(chunk.revision(), topology->revision());
      EXPECT_EQ(static_cast<size_t>(chunk.resources_size()),
                std::min(size, expected.size() - read.size()))
          << "a chunk is full, but the last one";
      for (const auto& resource : chunk.resources()) read.push_back(resource.SerializeAsString());
    }
    EXPECT_EQ(read, expected) << "chunks of " << size;
  }
}

TEST(SnapshotReaderTest, FilterThatPassesLittleLooksAtFewAtATime) {
  const std::shared_ptr<const registry::Topology> topology = MakeTopology();
  const watch::Filter units({registry::ResourceKind::kLogicalUnit}, {});
  for (const size_t looks : {1, 7, 1'000}) {
    SnapshotReader reader(topology, units);
    size_t resources = 0, calls = 0;
    sas::v1::SnapshotChunk chunk;
    while (true) {
      const Found found = reader.Next(200, looks, &chunk);
      ++calls;
      if (found == Found::kEnd) break;
      EXPECT_EQ(found == Found::kResources, chunk.resources_size() > 0);
      EXPECT_LE(static_cast<size_t>(chunk.resources_size()), looks);
      resources += static_cast<size_t>(chunk.resources_size());
      chunk.Clear();
    }
    EXPECT_EQ(resources, 25u) << looks;
    EXPECT_GE(calls, topology->size() / looks) << looks;
  }
}

}  // namespace
}  // namespace sasd::service
