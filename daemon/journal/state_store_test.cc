#include "daemon/journal/state_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/journal/directory_lock.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {
namespace {

class StateStoreTest : public testing::Test {
 protected:
  StateStoreTest() {
    std::string pattern = testing::TempDir() + "/state.XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~StateStoreTest() override { std::filesystem::remove_all(directory_); }

  absl::StatusOr<std::unique_ptr<StateStore>> Open(const std::string& machine = "m1",
                                                   const std::string& source = "live",
                                                   bool new_epoch = false) {
    return StateStore::Open({directory_, machine, source, new_epoch, ""});
  }
  std::string file() const { return directory_ + "/state.db"; }

  std::string directory_;
};

TEST_F(StateStoreTest, KeepsValuesAcrossRestarts) {
  {
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE(
        (*store)->Write({{{"baseline", "b", "2"}, {"baseline", "a", std::string("\0x", 2)}}}).ok());
    ASSERT_TRUE((*store)->Write({{{"names", "n", "3"}}}).ok());
    EXPECT_FALSE((*store)->was_lost());
  }
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  auto read = (*store)->Read("baseline");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, (std::vector<StateStore::Entry>{{"a", std::string("\0x", 2)}, {"b", "2"}}));
  EXPECT_EQ((*store)->Get("names", "n")->value(), "3");
  EXPECT_FALSE((*store)->Get("names", "other")->has_value());
}

TEST_F(StateStoreTest, EditsReplaceAndDelete) {
  auto store = Open();
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->Write({{{"c", "a", "1"}, {"c", "b", "1"}}}).ok());
  ASSERT_TRUE((*store)->Write({{{"c", "a", "2"}, {"c", "b", std::nullopt}}}).ok());
  EXPECT_EQ(*(*store)->Read("c"), (std::vector<StateStore::Entry>{{"a", "2"}}));
}

TEST_F(StateStoreTest, RefusesAnotherMachineUnlessNewEpoch) {
  ASSERT_TRUE(Open("m1").ok());
  EXPECT_EQ(Open("m2").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Open("m2", "live", true).ok());
  EXPECT_TRUE(Open("m2").ok());
  EXPECT_EQ(Open("m1").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(StateStoreTest, RefusesAnotherSourceAlways) {
  ASSERT_TRUE(Open("m1", "live").ok());
  EXPECT_EQ(Open("m1", "fabric x", true).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(StateStoreTest, RefusesNewerSchemaAndLeavesTheFile) {
  ASSERT_TRUE(Open().ok());
  {
    auto db = Database::Open(file(), {});
    ASSERT_TRUE(db->Exec("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)").ok());
  }
  std::ifstream before(file(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(before)), {});
  absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  std::ifstream after(file(), std::ios::binary);
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(after)), {}), bytes);
}

TEST_F(StateStoreTest, MovesAsideAFileThatIsNoDatabase) {
  std::ofstream(file()) << std::string(10'000, 'x');
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->was_lost());
  EXPECT_TRUE(std::filesystem::exists((*store)->moved_aside()));
  ASSERT_TRUE((*store)->ClearLost().ok());
  *store = nullptr;
  store = Open();
  EXPECT_FALSE((*store)->was_lost());
}

TEST_F(StateStoreTest, IsLostWhenMissingBesideAJournal) {
  std::ofstream(directory_ + "/journal.db") << "x";
  EXPECT_TRUE((*Open())->was_lost());
  EXPECT_TRUE((*Open())->was_lost()) << "a restart must not forget the loss";
  ASSERT_TRUE((*Open())->ClearLost().ok());
  EXPECT_FALSE((*Open())->was_lost());
}

TEST_F(StateStoreTest, ADamagedRowIsALoss) {
  {
    auto store = Open();
    ASSERT_TRUE((*store)->Write({{{"c", "a", "1"}, {"c", "b", "2"}}}).ok());
    auto db = Database::Open(file(), {});
    ASSERT_TRUE(db->Exec("UPDATE entries SET value = x'39' WHERE key = 'a'").ok());
    EXPECT_EQ(*(*store)->Read("c"), (std::vector<StateStore::Entry>{{"b", "2"}}));
    EXPECT_TRUE((*store)->was_lost());
  }
  EXPECT_TRUE((*Open())->was_lost());
}

TEST_F(StateStoreTest, OneProcessHoldsTheDirectory) {
  auto lock = DirectoryLock::Acquire(directory_ + "/new");
  ASSERT_TRUE(lock.ok()) << lock.status();
  absl::Status second = DirectoryLock::Acquire(directory_ + "/new").status();
  EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(second.message().find(std::to_string(getpid())), std::string::npos) << second;
  { DirectoryLock gone = *std::move(lock); }
  EXPECT_TRUE(DirectoryLock::Acquire(directory_ + "/new").ok());
}

}  // namespace
}  // namespace sasd::journal
