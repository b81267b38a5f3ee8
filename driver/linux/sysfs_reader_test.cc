#include "driver/linux/sysfs_reader.h"

#include <map>
#include <string>
#include <variant>

#include "driver/linux/fake_sysfs.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

constexpr uint64_t kHost = 0x500605b00ab01230, kExpander = 0x5000ccab0300113f;

// A host with an expander behind four lanes, one of which is at `rate`.
FakeHost WithLane(const std::string& rate) {
  FakeHost host;
  host.number = 5;
  host.address = kHost;
  for (int i = 0; i < 4; ++i) host.phys.push_back({i, i == 1 ? rate : "12.0 Gbit"});
  FakeExpander expander;
  expander.name = "expander-5:0";
  expander.address = kExpander;
  FakePort port;
  port.name = "port-5:0";
  port.phys = {0, 1, 2, 3};
  port.expander = {expander};
  host.ports = {port};
  return host;
}

struct Lanes {
  int width = 0;
  std::map<int, SasAddress> attached;  // by phy of the host
};

Lanes Read(const std::string& rate) {
  const std::string root = testing::TempDir() + "/sysfs-reader";
  EXPECT_TRUE(WriteFakeSysfs(root, {WithLane(rate)}).ok());
  PosixFileIo io;
  const auto readings = ReadTree(root, io);
  Lanes lanes;
  if (!readings.ok() || readings->size() != 1) {
    ADD_FAILURE() << readings.status();
    return lanes;
  }
  for (const Observation& observation : readings->front().observations) {
    if (const auto* port = std::get_if<PortFacts>(&observation)) lanes.width = port->width;
    const auto* phy = std::get_if<PhyFacts>(&observation);
    if (phy != nullptr && phy->key.owner.address == SasAddress(kHost)) {
      lanes.attached[phy->key.phy.value()] = phy->attached;
    }
  }
  return lanes;
}

TEST(SysfsReaderTest, AWidePortsLanesAreItsPhys) {
  const Lanes lanes = Read("12.0 Gbit");
  EXPECT_EQ(lanes.width, 4);
  EXPECT_EQ(lanes.attached.at(1), SasAddress(kExpander));
}

// mpt3sas never takes a phy that went down out of its port: "Unknown" at its rate is all there is.
TEST(SysfsReaderTest, APhyThatIsDownIsNoLaneOfItsPort) {
  for (const char* rate : {"Unknown", "Phy disabled", "Link Rate failed"}) {
    const Lanes lanes = Read(rate);
    EXPECT_EQ(lanes.width, 3) << rate;
    EXPECT_EQ(lanes.attached.at(0), SasAddress(kExpander));
    EXPECT_EQ(lanes.attached.at(1), SasAddress()) << rate;
  }
}

}  // namespace
}  // namespace sasd::sysfs
