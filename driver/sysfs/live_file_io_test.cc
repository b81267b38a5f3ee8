// LiveFileIo with the real libudev, on umockdev's sysfs. udev_monitor_test.sh runs it.
#include "driver/sysfs/live_file_io.h"

#include <string>

#include "driver/sysfs/fake_testbed.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

constexpr char kPartition[] = "/devices/pci0000:00/host5/target5:0:3/5:0:3:0/block/sdx/sdx1";

TEST(LiveFileIoTest, UdevKnowsTheSignatureOfADisk) {
  Testbed testbed;
  ASSERT_TRUE(testbed) << "libumockdev is missing";
  ASSERT_TRUE(
      testbed.Add(kPartition, "block",
                  "E: DEVNAME=/dev/sdx1\nE: MAJOR=8\nE: MINOR=177\nE: ID_FS_TYPE=zfs_member\n"
                  "E: ID_FS_LABEL=tank\nA: dev=8:177\n"));
  LiveFileIo io;
  EXPECT_TRUE(io.has_signatures());
  EXPECT_EQ(io.SignatureOf("8:177").type, "zfs_member");
  EXPECT_EQ(io.SignatureOf("8:177").label, "tank");
  for (const char* none : {"8:178", "", "8", "8:", ":", "x:y", "8:177:1"}) {
    EXPECT_EQ(io.SignatureOf(none).type, "") << none;
  }
}

}  // namespace
}  // namespace sasd::sysfs
