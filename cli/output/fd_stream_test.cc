#include "cli/output/fd_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <ostream>
#include <string>

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

TEST(FdStreamTest, WritesAllOfIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  FdStreambuf buffer(ends[1]);
  std::ostream out(&buffer);
  out << "abc" << 42 << std::flush;
  char text[10];
  EXPECT_EQ(std::string(text, static_cast<size_t>(read(ends[0], text, sizeof(text)))), "abc42");
  EXPECT_EQ(buffer.error(), 0);
  close(ends[0]);
  close(ends[1]);
}

TEST(FdStreamTest, RemembersWhyAWriteFailed) {
  const int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  FdStreambuf buffer(full);
  std::ostream out(&buffer);
  out << "abc";
  EXPECT_EQ(buffer.error(), 0);
  EXPECT_FALSE(out.flush());
  EXPECT_EQ(buffer.error(), ENOSPC);
  out << std::string(1 << 17, 'x');  // does not write again
  EXPECT_EQ(buffer.error(), ENOSPC);
  close(full);
}

}  // namespace
}  // namespace sasd::cli
