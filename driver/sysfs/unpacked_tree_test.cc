#include "driver/sysfs/unpacked_tree.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

using ::testing::HasSubstr;

std::string InTemp(const std::string& name) {
  return absl::StrCat(::testing::TempDir(), "/", name);
}

TEST(UnpackedTreeTest, ArchiveIsUnpackedWhileTheTreeLives) {
  std::filesystem::create_directories(InTemp("t/class"));
  std::ofstream(InTemp("t/class/x")) << "1";
  const std::string archive = InTemp("t.tar.gz");
  ASSERT_EQ(system(absl::StrCat("tar -czf ", archive, " -C ", InTemp("t"), " .").c_str()), 0);
  std::string root;
  {
    const auto tree = UnpackedTree::Open(archive);
    ASSERT_TRUE(tree.ok()) << tree.status();
    root = tree->root();
    EXPECT_TRUE(std::filesystem::exists(root + "/class/x"));
  }
  EXPECT_FALSE(std::filesystem::exists(root));
}

TEST(UnpackedTreeTest, FolderStaysAsItIs) {
  std::filesystem::create_directories(InTemp("folder"));
  {
    const auto tree = UnpackedTree::Open(InTemp("folder"));
    ASSERT_TRUE(tree.ok());
    EXPECT_EQ(tree->root(), InTemp("folder"));
  }
  EXPECT_TRUE(std::filesystem::exists(InTemp("folder")));
}

TEST(UnpackedTreeTest, OtherFilesAreRefused) {
  std::ofstream(InTemp("text")) << "no archive";
  const auto tree = UnpackedTree::Open(InTemp("text"));
  EXPECT_TRUE(absl::IsInvalidArgument(tree.status()));
  EXPECT_THAT(tree.status().message(), HasSubstr("not a .tar.gz"));
}

}  // namespace
}  // namespace sasd::sysfs
