#include "cli/capture/tar_writer.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(TarWriterTest, TarUnpacksWhatWasAdded) {
  const std::string path = testing::TempDir() + "/a.tar.gz", out = testing::TempDir() + "/out";
  const std::string deep = "sys/" + std::string(60, 'a') + "/" + std::string(90, 'b') + "/file";
  const std::string target = "../" + std::string(150, 'c');
  const std::string binary("\0\xff", 2), block(1024, 'x');
  {
    const auto writer = TarWriter::Create(path, absl::FromUnixSeconds(1'700'000'000));
    ASSERT_TRUE(writer.ok()) << writer.status();
    (*writer)->AddFile("short", binary);
    (*writer)->AddFile("empty", "");
    (*writer)->AddFile("block", block);
    (*writer)->AddFile(deep, "deep");
    (*writer)->AddLink("link", "short");
    (*writer)->AddLink(deep + "-link", target);
    (*writer)->AddFolder("sys/folder");
    ASSERT_TRUE((*writer)->Finish().ok());
  }
  struct stat about = {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  std::filesystem::create_directories(out);
  ASSERT_EQ(system(absl::StrCat("tar -xzf ", path, " -C ", out).c_str()), 0);
  EXPECT_EQ(Content(out + "/short"), binary);
  EXPECT_EQ(Content(out + "/empty"), "");
  EXPECT_TRUE(std::filesystem::is_directory(out + "/sys/folder"));
  EXPECT_EQ(Content(out + "/block"), block);
  EXPECT_EQ(Content(out + "/" + deep), "deep");
  EXPECT_EQ(std::filesystem::read_symlink(out + "/link"), "short");
  EXPECT_EQ(std::filesystem::read_symlink(out + "/" + deep + "-link"), target);
}

TEST(TarWriterTest, UnfinishedFileIsDeleted) {
  const std::string path = testing::TempDir() + "/b.tar.gz";
  {
    const auto writer = TarWriter::Create(path, absl::Now());
    ASSERT_TRUE(writer.ok());
    (*writer)->AddFile("a", "a");
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(TarWriter::Create("/no-such-folder/x", absl::Now()).ok());
}

}  // namespace
}  // namespace sasd::cli
