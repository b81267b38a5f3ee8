#include "driver/transport/mpt3ctl/posix_ctl_nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace sasd::mpt3ctl {
namespace {

TEST(PosixCtlNodesTest, ErrorsAreNegative) {
  PosixCtlNodes nodes;
  EXPECT_EQ(nodes.Open("/nonexistent/mpt3ctl"), -ENOENT);
  const int null = nodes.Open("/dev/null");
  ASSERT_GE(null, 0);
  Bytes argument(12);
  EXPECT_EQ(nodes.Ioctl(null, 0xC0204C15, absl::MakeSpan(argument)), -ENOTTY);
  nodes.Close(null);
  EXPECT_EQ(nodes.Ioctl(null, 0xC0204C15, absl::MakeSpan(argument)), -EBADF);
}

TEST(PosixCtlNodesTest, NodesAreReadOnlyAndNotInherited) {
  PosixCtlNodes nodes;
  const int null = nodes.Open("/dev/null");
  ASSERT_GE(null, 0);
  EXPECT_EQ(fcntl(null, F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_NE(fcntl(null, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(null, F_GETFD) & FD_CLOEXEC, 0);
  nodes.Close(null);
}

TEST(PosixCtlNodesTest, PollEndsOnDataTimeoutOrInterrupt) {
  PosixCtlNodes nodes;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(nodes.Poll({ends[0]}, absl::ZeroDuration()), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_EQ(nodes.Poll({ends[0]}, absl::InfiniteDuration()), 1);
  EXPECT_EQ(nodes.Poll({ends[0]}, absl::InfiniteDuration()), 1);  // level-triggered
  nodes.Interrupt();
  EXPECT_EQ(nodes.Poll({ends[0]}, absl::InfiniteDuration()), 0);
  EXPECT_EQ(nodes.Poll({ends[0]}, absl::InfiniteDuration()), 1);  // once
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(nodes.Poll({ends[0]}, absl::InfiniteDuration()), -EBADF);
}

}  // namespace
}  // namespace sasd::mpt3ctl
