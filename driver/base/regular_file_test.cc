#include "driver/base/regular_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using ::testing::HasSubstr;

std::string InFolder(const std::string& name) { return testing::TempDir() + "/" + name; }

std::string Write(const std::string& name, const std::string& text) {
  const std::string path = InFolder(name);
  std::ofstream(path) << text;
  return path;
}

TEST(RegularFileTest, WholeFileUpToTheLimitIsRead) {
  const std::string text(200'000, 'x');
  const std::string path = Write("whole", text);
  EXPECT_EQ(*ReadRegularFile(path, text.size()), text);
  EXPECT_EQ(*ReadRegularFile(Write("empty", ""), 0), "");
}

TEST(RegularFileTest, OneByteTooManyIsRefused) {
  const std::string path = Write("large", std::string(101, 'x'));
  const absl::StatusOr<std::string> text = ReadRegularFile(path, 100);
  EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(text.status().message()), HasSubstr(path + ": larger than 100 bytes"));
}

// Files of /proc claim a size of 0.
TEST(RegularFileTest, TheLimitHoldsWithoutASize) {
  EXPECT_TRUE(ReadRegularFile("/proc/self/status", 1 << 20).ok());
  EXPECT_EQ(ReadRegularFile("/proc/self/status", 10).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RegularFileTest, WhatHasNoEndIsRefusedByItsKind) {
  const std::string fifo = InFolder("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::pair<std::string, std::string> kinds[] = {
      {fifo, "a FIFO"}, {"/dev/zero", "a device"}, {testing::TempDir(), "a folder"}};
  for (const auto& [path, kind] : kinds) {
    const absl::StatusOr<std::string> text = ReadRegularFile(path, 100);
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_THAT(std::string(text.status().message()), HasSubstr(path + ": " + kind));
  }
}

TEST(RegularFileTest, MissingFileIsNotFound) {
  const absl::StatusOr<std::string> text = ReadRegularFile("/nowhere/at/all", 100);
  EXPECT_EQ(text.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(text.status().message()), HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace sasd
