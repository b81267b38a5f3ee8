// Which phys of an expander lead upwards, and which rates are real, where mpt3sas shows neither.
#include <filesystem>  // NOLINT: of C++17
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sink.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/sysfs_reader.h"
#include "driver/sysfs/sysfs_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Machine() with upward phys of the expander at these numbers.
FakeHost WithUplink(const std::vector<int>& phys) {
  FakeHost host = Machine();
  for (int phy : phys) ExpanderOf(host).phys.push_back({phy, "12.0 Gbit"});
  return host;
}

// As mpt3sas does: the port and its device go, the phy and its rate stay.
FakeHost Pull(FakeHost host, size_t drive) {
  std::vector<FakePort>& ports = ExpanderOf(host).ports;
  ports.erase(ports.begin() + static_cast<ptrdiff_t>(drive));
  return host;
}

class UpwardPhysTest : public ::testing::Test {
 protected:
  void Write(const std::vector<FakeHost>& hosts) {
    std::filesystem::remove_all(root_);
    ASSERT_TRUE(WriteFakeSysfs(root_, hosts).ok());
  }

  static std::vector<int> UpwardIn(const HostReading& reading) {
    std::vector<int> phys;
    for (const Observation& observation : reading.observations) {
      const auto* phy = std::get_if<PhyFacts>(&observation);
      if (phy == nullptr || phy->key.owner.is_host()) continue;
      if (phy->attached == reading.host.address) phys.push_back(phy->key.phy.value());
    }
    return phys;
  }
  static std::map<int, LinkRate> RatesIn(const HostReading& reading) {
    std::map<int, LinkRate> rates;
    for (const Observation& observation : reading.observations) {
      const auto* phy = std::get_if<PhyFacts>(&observation);
      if (phy == nullptr || phy->key.owner.is_host()) continue;
      rates[phy->key.phy.value()] = phy->negotiated;
    }
    return rates;
  }
  HostReading Read() {
    auto readings = ReadTree(root_, io_);
    EXPECT_TRUE(readings.ok() && !readings->empty());
    return readings->front();
  }

  const std::string root_ = testing::TempDir() + "/upward-phys";
  PosixFileIo io_;
};

// Machine() has two lanes to its expander.
TEST_F(UpwardPhysTest, PhysWithoutPortLeadUpIfTheirNumberFits) {
  Write({WithUplink({20, 21})});
  EXPECT_THAT(UpwardIn(Read()), ElementsAre(20, 21));
}

TEST_F(UpwardPhysTest, StalePhyOfAPulledDriveIsNotCounted) {
  Write({Pull(WithUplink({20, 21}), 1)});
  EXPECT_THAT(UpwardIn(Read()), ElementsAre(20, 21));
}

TEST_F(UpwardPhysTest, TwoEqualRunsTellNothing) {
  FakeHost host = Pull(Pull(WithUplink({20, 21}), 2), 1);  // phys 5 and 6 are stale
  Write({host});
  EXPECT_THAT(UpwardIn(Read()), IsEmpty());
}

TEST_F(UpwardPhysTest, EarlierReadingKnowsWhatLeadsUp) {
  FakeClock clock;
  FakeSink sink;
  Write({WithUplink({7, 20}), OtherMachine()});  // phy 7 is next to the drives
  auto source = SysfsSource::Create(root_, io_, clock, sink);
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE((*source)->Scan().ok());
  EXPECT_THAT(UpwardIn((*source)->last()[0]), ElementsAre(7, 20));
  Write({Pull(WithUplink({7, 20}), 2), OtherMachine()});
  EXPECT_THAT(UpwardIn(Read()), ElementsAre(6, 7)) << "alone, the run 6 to 7 looks like it";
  ASSERT_TRUE((*source)->ScanHost("host5", SysfsSource::ScanCause()).ok());
  EXPECT_THAT(UpwardIn((*source)->last()[0]), ElementsAre(7, 20));
}

// _scsih_scan_for_devices_after_reset() writes the constant over the rates of end devices.
TEST_F(UpwardPhysTest, RateAfterAResetIsNotKnown) {
  FakeHost host = WithUplink({20, 21});
  for (FakePhy& phy : ExpanderOf(host).phys) {
    if (phy.id == 4) phy.rate = "1.5 Gbit";
  }
  Write({host});
  EXPECT_EQ(RatesIn(Read()).at(4), LinkRate::k1_5Gbps) << "a real one";
  host.reset_count = 1;
  Write({host});
  EXPECT_EQ(RatesIn(Read()).at(4), LinkRate::kUnknown);
  EXPECT_EQ(RatesIn(Read()).at(5), LinkRate::k12Gbps);
  EXPECT_EQ(RatesIn(Read()).at(20), LinkRate::k12Gbps);
  host.driver = "pm80xx";
  Write({host});
  EXPECT_EQ(RatesIn(Read()).at(4), LinkRate::k1_5Gbps) << "only mpt3sas invents it";
}

TEST_F(UpwardPhysTest, UnknownRateIsNoDifferenceAtEachLook) {
  FakeHost host = Machine();
  host.reset_count = 1;
  for (FakePhy& phy : ExpanderOf(host).phys) phy.rate = "1.5 Gbit";
  Write({host});
  FakeClock clock;
  FakeSink sink;
  auto source = SysfsSource::Create(root_, io_, clock, sink);
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE((*source)->Scan().ok());
  EXPECT_EQ((*source)->LookAtLinks("host5", 0, 1000).difference, "");
}

}  // namespace
}  // namespace sasd::sysfs
