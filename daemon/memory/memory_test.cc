#include "daemon/memory/memory.h"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/resources.h"
#include "daemon/service/event_encoder.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/watch_log.h"
#include "driver/base/clock.h"
#include "gtest/gtest.h"

namespace sasd::memory {
namespace {

// A run of sasd on a state directory, as far as it remembers.
class RunOfSasd {
 public:
  explicit RunOfSasd(const std::string& directory)
      : memory_(Open(directory)),
        registry_(RegistryOptions(*memory_)),
        encoder_(registry_.epoch()),
        log_(registry_),
        publisher_(log_, encoder_, {}, memory_->recorder()) {}

  // The event of a restart.
  void Begin() {
    registry_.BeginRestart(absl::Now());
    Publish();
  }
  void Observe(ObservationBatch batch) {
    registry_.Observe(std::move(batch));
    Publish();
  }
  bool Has(const registry::ResourceId& id) {
    return !registry::IsNull(registry_.Snapshot()->Get(id));
  }
  // What was published is in the files.
  void AwaitWritten() { EXPECT_TRUE(memory_->journal()->Read({}).ok()); }
  bool IsStale(HostKey key) {
    const auto host = registry_.Snapshot()->Get<registry::Host>(key);
    return host != nullptr && host->stale;
  }

 private:
  void Publish() {
    while (publisher_.PublishOnce()) {
    }
  }
  static std::unique_ptr<Memory> Open(const std::string& directory) {
    Memory::Options options;
    options.directory = directory;
    options.source = "live";
    // One for each test: the mark of a directory that is gone must not be taken for this one's.
    const std::string root = std::filesystem::path(directory).parent_path();
    const std::string epoch = absl::StrFormat("%016x", std::hash<std::string>()(root));
    auto memory = Memory::Open(options, epoch, SystemClock());
    EXPECT_TRUE(memory.ok()) << memory.status();
    return *std::move(memory);
  }
  static registry::Registry::Options RegistryOptions(Memory& memory) {
    registry::Registry::Options options;
    options.epoch = memory.epoch();
    options.start_revision = memory.start_revision();
    options.restored = memory.TakeRestored();
    return options;
  }

  std::unique_ptr<Memory> memory_;
  registry::Registry registry_;
  service::EventEncoder encoder_;
  watch::WatchLog log_;
  watch::Publisher publisher_;
};

class MemoryTest : public ::testing::Test {
 protected:
  MemoryTest() {
    std::string pattern = ::testing::TempDir() + "/memory.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(folder_ + "/0");
  }
  ~MemoryTest() override { std::filesystem::remove_all(folder_); }

  // What the run that goes on in `directory` would leave if it were killed now: a directory of its
  // own. What is in shared memory has the name of the first one: it must be written before.
  std::string Killed(RunOfSasd& run, const std::string& directory) {
    run.AwaitWritten();
    const std::string copy = directory + "0";
    std::filesystem::create_directory(copy);
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      const std::string name = entry.path().filename();
      if (name != "lock" && name.find("-shm") == std::string::npos) {
        std::filesystem::copy_file(entry.path(), copy + "/" + name);
      }
    }
    return copy;
  }

  std::string folder_;
};

registry::ResourceId HostId(HostKey host) { return registry::MakeId<registry::Host>(host); }

// A checkpoint says that the stored state is whole: also of what came before this run.
TEST_F(MemoryTest, ACheckpointAfterAKillKeepsWhatCameBeforeIt) {
  std::string directory = folder_ + "/0";
  {
    RunOfSasd first(directory);
    first.Observe(registry::Batch({registry::HostOf(registry::kHostA)}));
    ASSERT_TRUE(first.Has(HostId(registry::kHostA)));
    directory = Killed(first, directory);
  }
  {
    RunOfSasd second(directory);
    ASSERT_TRUE(second.Has(HostId(registry::kHostA)));
    second.Observe(registry::Batch({registry::HostOf(registry::kHostB)}, registry::kHostB));
  }  // ends well, with a checkpoint
  RunOfSasd third(directory);
  EXPECT_TRUE(third.Has(HostId(registry::kHostB)));
  EXPECT_TRUE(third.Has(HostId(registry::kHostA)));
}

// Twice in a row: no run has compared its host.
TEST_F(MemoryTest, KillsBeforeTheComparisonKeepThePictureOfBefore) {
  const registry::ResourceId drive =
      registry::MakeId<registry::EndDevice>(registry::Drive(registry::kHostA, 0x31).key);
  std::string directory = folder_ + "/0";
  {
    RunOfSasd first(directory);
    first.Observe(
        registry::Batch({registry::HostOf(registry::kHostA), registry::Settled(registry::kHostA),
                         registry::Drive(registry::kHostA, 0x31)}));
    ASSERT_TRUE(first.Has(drive));
    EXPECT_FALSE(first.IsStale(registry::kHostA));
    directory = Killed(first, directory);
  }
  for (int i = 0; i < 3; ++i) {
    RunOfSasd later(directory);
    later.Begin();
    EXPECT_TRUE(later.Has(drive)) << "run " << i;
    EXPECT_TRUE(later.IsStale(registry::kHostA)) << "run " << i;
    directory = Killed(later, directory);
  }
}

}  // namespace
}  // namespace sasd::memory
