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
    for (; reader.Next(size, &chunk); chunk.Clear()) {
      EXPECT_EQ(chunk.revision(), topology->revision());
      EXPECT_EQ(static_cast<size_t>(chunk.resources_size()),
                std::min(size, expected.size() - read.size()))
          << "a chunk is full, but the last one";
      for (const auto& resource : chunk.resources()) read.push_back(resource.SerializeAsString());
    }
    EXPECT_EQ(read, expected) << "chunks of " << size;
  }
}

}  // namespace
}  // namespace sasd::service
