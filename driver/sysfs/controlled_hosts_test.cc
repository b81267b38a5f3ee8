#include "driver/sysfs/controlled_hosts.h"

#include <string>
#include <vector>

#include "driver/sysfs/fake_sysfs.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

FakeHost Host(int number, const std::string& driver, uint32_t unique_id) {
  FakeHost host;
  host.number = number;
  host.driver = driver;
  host.unique_id = unique_id;
  host.pci = "0000:0" + std::to_string(number) + ":00.0";
  host.address = 0x500605b00ab01230 + static_cast<uint64_t>(number);
  return host;
}

class ControlledHostsTest : public ::testing::Test {
 protected:
  std::vector<ControlledHost> Find(const std::vector<FakeHost>& hosts) {
    // Each test has its own tree.
    root_ = testing::TempDir() + "/controlled-hosts-" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    EXPECT_TRUE(WriteFakeSysfs(root_, hosts).ok());
    auto found = FindControlledHosts(root_, io_);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : std::vector<ControlledHost>();
  }

  std::string root_;
  PosixFileIo io_;
};

// One driver names its hosts after their generation, and counts each generation separately.
TEST_F(ControlledHostsTest, GenerationDecidesTheControlNode) {
  const auto hosts = Find({Host(1, "mpt3sas", 0), Host(2, "mpt2sas", 0), Host(3, "mpt3sas", 1)});
  ASSERT_EQ(hosts.size(), 3u);
  EXPECT_EQ(hosts[0].ctl.node, "/dev/mpt3ctl");
  EXPECT_EQ(hosts[0].ctl.ioc_number, 0u);
  EXPECT_EQ(hosts[1].ctl.node, "/dev/mpt2ctl");
  EXPECT_EQ(hosts[1].ctl.ioc_number, 0u);
  EXPECT_EQ(hosts[2].ctl.node, "/dev/mpt3ctl");
  EXPECT_EQ(hosts[2].ctl.ioc_number, 1u);
}

TEST_F(ControlledHostsTest, HostHasItsFactsFromSysfs) {
  const auto hosts = Find({Host(5, "mpt3sas", 2)});
  ASSERT_EQ(hosts.size(), 1u);
  const mpt3ctl::CtlHost& ctl = hosts[0].ctl;
  EXPECT_EQ(ctl.os_name, "host5");
  EXPECT_EQ(ctl.pci_address, "0000:05:00.0");
  EXPECT_EQ(ctl.driver_name, "mpt3sas");
  EXPECT_EQ(ctl.board_name, "SAS9300-8e");
  EXPECT_EQ(ctl.chip_name, "LSISAS3008");
  EXPECT_EQ(ctl.sas_address, SasAddress(0x500605b00ab01235));
}

TEST_F(ControlledHostsTest, HostsOfOtherDriversHaveNoNode) {
  EXPECT_TRUE(Find({Host(1, "mpi3mr", 0), Host(2, "smartpqi", 0), Host(3, "mptsas", 0)}).empty());
}

TEST_F(ControlledHostsTest, ResetCountIsReadOnEachCall) {
  FakeHost fake = Host(4, "mpt3sas", 0);
  fake.reset_count = 3;
  const auto hosts = Find({fake});
  ASSERT_EQ(hosts.size(), 1u);
  const auto count = ResetCountOf(hosts[0], root_, io_);
  EXPECT_EQ(count(), 3u);
  fake.reset_count = 4;
  ASSERT_TRUE(WriteFakeSysfs(root_, {fake}).ok());
  EXPECT_EQ(count(), 4u);
  EXPECT_EQ(ResetCountOf(hosts[0], root_ + "/gone", io_)(), std::nullopt);
}

TEST_F(ControlledHostsTest, MissingFolderIsAnError) {
  EXPECT_EQ(FindControlledHosts("/nonexistent", io_).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sasd::sysfs
