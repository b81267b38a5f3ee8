#include "driver/sysfs/sysfs_reader.h"

#include <algorithm>
#include <atomic>
#include <filesystem>  // NOLINT: of C++17
#include <map>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "driver/observation/key_table.h"
#include "driver/sysfs/fake_sysfs.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

constexpr uint64_t kHost = 0x500605b00ab01230, kExpander = 0x5000ccab0300113f;

// A host with an expander behind four lanes. One lane has `rate`.
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

TEST(SysfsReaderTest, LanesOfWidePortAreItsPhys) {
  const Lanes lanes = Read("12.0 Gbit");
  EXPECT_EQ(lanes.width, 4);
  EXPECT_EQ(lanes.attached.at(1), SasAddress(kExpander));
}

// mpt3sas leaves a phy that went down in its port. Only its rate, "Unknown", shows it.
TEST(SysfsReaderTest, DownPhyIsNoLaneOfItsPort) {
  for (const char* rate : {"Unknown", "Phy disabled", "Link Rate failed"}) {
    const Lanes lanes = Read(rate);
    EXPECT_EQ(lanes.width, 3) << rate;
    EXPECT_EQ(lanes.attached.at(0), SasAddress(kExpander));
    EXPECT_EQ(lanes.attached.at(1), SasAddress()) << rate;
  }
}

// Its key would be one that it has for a moment alone. A host that has phys, and no address, is
// one.
TEST(SysfsReaderTest, AHostThatStartsIsNotThereYet) {
  const std::string root = testing::TempDir() + "/sysfs-reader-start";
  PosixFileIo io;
  KeyTable keys;
  const auto hosts = [&](const FakeHost& host) {
    std::filesystem::remove_all(root);
    EXPECT_TRUE(WriteFakeSysfs(root, {host}).ok());
    const auto all = ReadTree(root, io, &keys);
    const auto one = ReadHost(root, "host5", io, keys);
    EXPECT_TRUE(all.ok() && one.ok()) << all.status() << one.status();
    EXPECT_EQ(all->size(), one->has_value() ? 1u : 0u);
    return all->size();
  };
  FakeHost host;
  host.number = 5;
  for (const char* driver : {"mpt2sas", "mpt3sas", "pm80xx", "hisi_sas_v3_hw"}) {
    host.driver = driver;
    EXPECT_EQ(hosts(host), 0u) << driver;
  }
  host.driver = "hpsa";
  EXPECT_EQ(hosts(host), 1u);
  host.driver = "mpt3sas";
  host.phys = {{0, "Unknown"}};
  EXPECT_EQ(hosts(host), 1u);
  host.phys.clear();
  host.address = kHost;
  EXPECT_EQ(hosts(host), 1u);
}

// sas_phy_add() makes the folder of a phy, and then its attributes: between, the phy would have no
// address, and neither would its host.
TEST(SysfsReaderTest, APhyWithoutAttributesIsNotThereYet) {
  const std::string root = testing::TempDir() + "/sysfs-reader-phy";
  FakeHost host;
  host.number = 5;
  host.address = kHost;
  host.phys = {{0, "12.0 Gbit"}, {1, "12.0 Gbit"}};
  std::filesystem::remove_all(root);
  ASSERT_TRUE(WriteFakeSysfs(root, {host}).ok());
  const std::string folder = root + "/devices/pci0000:00/" + host.pci + "/host5";
  PosixFileIo io;
  KeyTable keys;
  const auto phys = [&] {
    const auto hosts = ReadTree(root, io, &keys);
    if (!hosts.ok() || hosts->size() != 1) return -1;
    return static_cast<int>(
        std::count_if(hosts->front().observations.begin(), hosts->front().observations.end(),
                      [](const Observation& o) { return std::holds_alternative<PhyFacts>(o); }));
  };
  EXPECT_EQ(phys(), 2);
  std::filesystem::remove_all(folder + "/phy-5:1/sas_phy");
  EXPECT_EQ(phys(), 1);
  // mpt3sas asks for the host's own address after it has added the phys.
  std::filesystem::remove(folder + "/scsi_host/host5/host_sas_address");
  EXPECT_EQ(phys(), 1);
  std::filesystem::remove_all(folder + "/phy-5:0/sas_phy");
  EXPECT_EQ(phys(), -1);
}

// Counts the reads of an enclosure's `id`.
class IdCounter : public PosixFileIo {
 public:
  ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) override {
    if (absl::string_view(name) == "id") ++count_;
    return PosixFileIo::ReadFile(at, name, buffer, size);
  }
  int count() const { return count_; }

 private:
  std::atomic<int> count_{0};
};

struct Enclosures {
  int ids_read = 0, reported = 0;
};

// Reads a tree with one SES device. With `identifier`, its end device reports the enclosure.
Enclosures ReadSes(const std::string& driver, bool identifier) {
  const std::string root = testing::TempDir() + "/sysfs-reader-ses";
  FakeHost host = WithLane("12.0 Gbit");
  host.driver = driver;
  FakeEndDevice ses;
  ses.name = "end_device-5:0:0";
  ses.address = kExpander + 1;
  ses.enclosure = 0x5000ccab03001100;
  ses.units.emplace_back();
  ses.units[0].type = 13;
  ses.units[0].slots = {{"Slot 01", 1, ""}};
  FakePort port;
  port.name = "port-5:0:0";
  port.end_device = {ses};
  host.ports[0].expander[0].ports = {port};
  std::filesystem::remove_all(root);
  EXPECT_TRUE(WriteFakeSysfs(root, {host}).ok());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!identifier && entry.path().filename() == "enclosure_identifier") {
      std::filesystem::remove(entry.path());
    }
  }
  IdCounter io;
  const auto readings = ReadTree(root, io);
  Enclosures enclosures;
  enclosures.ids_read = io.count();
  if (!readings.ok() || readings->size() != 1) {
    ADD_FAILURE() << readings.status();
    return enclosures;
  }
  for (const Observation& observation : readings->front().observations) {
    enclosures.reported += std::holds_alternative<EnclosureFacts>(observation) ? 1 : 0;
  }
  return enclosures;
}

// ses.ko of Linux 6.1 dereferences null if `id` is read during the removal of an enclosure.
TEST(SysfsReaderTest, EnclosureIdIsReadOnlyIfNeeded) {
  const Enclosures known = ReadSes("mpt3sas", true);
  EXPECT_EQ(known.ids_read, 0);
  EXPECT_EQ(known.reported, 1);
  const Enclosures leaving = ReadSes("mpt3sas", false);
  EXPECT_EQ(leaving.ids_read, 0);
  EXPECT_EQ(leaving.reported, 0);
  const Enclosures other = ReadSes("hisi_sas_v3_hw", false);
  EXPECT_EQ(other.ids_read, 1);
  EXPECT_EQ(other.reported, 1);
}

}  // namespace
}  // namespace sasd::sysfs
