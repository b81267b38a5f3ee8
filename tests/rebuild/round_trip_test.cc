// A recorded machine, made into a fabric and brought up as virtual HBAs: its firmware shows what
// the recording shows, in every field that firmware can know.
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/topology.h"
#include "driver/base/fake_clock.h"
#include "driver/discovery/hba.h"
#include "driver/observation/key_table.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/real_layouts.h"
#include "driver/sysfs/sysfs_source.h"
#include "driver/sysfs/unpacked_tree.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/rebuild/from_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using registry::Topology;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

// Trees of thousands of small files are unpacked in memory, where that can be.
const bool kInMemory = access("/dev/shm", W_OK) == 0 && setenv("TMPDIR", "/dev/shm", 1) == 0;

std::string Recording(const std::string& name) {
  return absl::StrCat("driver/sysfs/testdata/", name, ".sys.tar.gz");
}

// What the registry shows of the tree.
std::shared_ptr<const Topology> PictureOfTree(const std::string& path) {
  const auto tree = sysfs::UnpackedTree::Open(path);
  EXPECT_TRUE(tree.ok()) << tree.status();
  FakeClock clock;
  sysfs::PosixFileIo io;
  registry::SelfPublishingRegistry registry({"tree"});
  const auto source = sysfs::SysfsSource::Create(tree->root(), io, clock, registry);
  EXPECT_TRUE(source.ok()) << source.status();
  EXPECT_TRUE((*source)->Scan().ok());
  return registry.Snapshot();
}

// What the registry shows of the virtual HBAs, without a kernel.
std::shared_ptr<const Topology> PictureOfFabric(const std::string& text) {
  auto spec = emulator::ParseFabric(text, "rebuilt");
  EXPECT_TRUE(spec.ok()) << spec.status();
  FakeClock clock;
  auto emulator = emulator::Emulator::Create(*std::move(spec), {}, clock);
  EXPECT_TRUE(emulator.ok()) << emulator.status();
  registry::SelfPublishingRegistry registry({"fabric"});
  KeyTable keys;
  std::vector<PlacedHost> present;
  for (size_t i = 0; i < (*emulator)->host_count(); ++i) {
    const transport::IocInfo info = (*emulator)->transport(i).Info();
    present.push_back(
        {(*emulator)->Truth(i).address, HostLocation::Of(info.pci_address, info.name)});
  }
  keys.SetHosts(present);
  for (size_t i = 0; i < (*emulator)->host_count(); ++i) {
    discovery::Hba hba((*emulator)->transport(i), clock, registry, [](discovery::Hba::Caller) {},
                       PortNumbering::kByAddress, &keys);
    EXPECT_TRUE(hba.Start().ok());
    for (bool busy = true; busy;) {
      busy = hba.RunWorkerStep();
      busy = hba.RunAttachStep() || busy;
    }
    EXPECT_EQ(hba.Unfinished(), "");
    hba.Stop();
  }
  return registry.Snapshot();
}

// The objects of a picture by kind and name, with the fields that firmware can know. A field
// without a value is not known.
using Fields = std::map<std::string, std::string>;
using Picture = std::map<std::string, Fields>;

std::string Name(const NodeKey& key) {
  return absl::StrCat(ToText(key.host), "/", ToHex(key.address), "-", key.port.value());
}

template <typename T>
std::string Known(const std::optional<T>& value) {
  return value ? absl::StrCat(*value) : "";
}

std::string Known(LinkRate rate) { return IsLinkUp(rate) ? std::string(ToString(rate)) : ""; }

std::string Known(SasAddress address) { return address == SasAddress() ? "" : ToHex(address); }

std::string Known(EnclosureKey key) { return key == EnclosureKey() ? "" : ToText(key); }

Picture Draw(const Topology& topology) {
  Picture picture;
  for (const auto& host : topology.collection<registry::Host>()) {
    const HostFacts& facts = host->facts;
    picture[absl::StrCat("host ", ToText(facts.key))] = {
        {"board", facts.board_name},
        {"chip", facts.chip_name},
        {"firmware", facts.firmware_version},
        {"pci", facts.pci_address},
    };
  }
  for (const auto& expander : topology.collection<registry::Expander>()) {
    const registry::ExpanderRecord& facts = expander->facts;
    picture[absl::StrCat("expander ", Name(facts.key))] = {
        {"parent", Name(facts.parent)},
        {"enclosure", Known(facts.enclosure)},
        {"vendor", std::string(facts.vendor.view())},
        {"product", std::string(facts.product.view())},
        {"revision", std::string(facts.revision.view())},
        {"level", absl::StrCat(facts.level)},
        {"width", absl::StrCat(expander->link_width)},
        {"rate", Known(expander->link_rate)},
    };
  }
  for (const auto& phy : topology.collection<registry::Phy>()) {
    const registry::PhyRecord& facts = phy->facts;
    picture[absl::StrCat("phy ", Name(facts.key.owner), " ", facts.key.phy.value())] = {
        {"attached", Known(facts.attached)},
        {"rate", Known(facts.negotiated)},
        {"hardware min", Known(facts.hardware_min)},
        {"hardware max", Known(facts.hardware_max)},
        {"programmed min", Known(facts.programmed_min)},
        {"programmed max", Known(facts.programmed_max)},
    };
  }
  for (const auto& port : topology.collection<registry::Port>()) {
    std::vector<int> phys;
    for (const PhyId phy : port->phys) phys.push_back(phy.value());
    picture[absl::StrCat("port ", Name(port->id.owner), " ", ToHex(port->id.attached))] = {
        {"phys", absl::StrJoin(phys, " ")},
        {"width", absl::StrCat(port->width)},
        {"rate", Known(port->link_rate)},
    };
  }
  for (const auto& device : topology.collection<registry::EndDevice>()) {
    const registry::EndDeviceRecord& facts = device->facts;
    const std::string name = Name(facts.key);
    picture[absl::StrCat("device ", name)] = {
        {"parent", Name(facts.parent)},
        {"phy", facts.parent_phy ? absl::StrCat(facts.parent_phy->value()) : ""},
        {"enclosure", Known(facts.enclosure)},
        {"slot", Known(facts.slot)},
        {"device name", Known(facts.device_name)},
        {"protocols", absl::StrCat(facts.protocols.target)},
        {"rate", Known(device->link_rate)},
    };
    for (const registry::UnitPathPtr& unit : device->units) {
      picture[absl::StrCat("unit ", name, " lun ", unit->facts.lun >> 48)] = {
          {"type", absl::StrCat(unit->facts.peripheral_type)},
          {"wwid", std::string(unit->facts.wwid.view())},
          {"vendor", std::string(unit->facts.vendor.view())},
          {"model", std::string(unit->facts.model.view())},
          {"revision", std::string(unit->facts.revision.view())},
          {"serial", std::string(unit->facts.serial.view())},
          {"size", unit->facts.size_bytes == 0 ? "" : absl::StrCat(unit->facts.size_bytes)},
      };
    }
  }
  for (const auto& enclosure : topology.collection<registry::Enclosure>()) {
    picture[absl::StrCat("enclosure ", ToText(enclosure->id))] = {
        {"slots", enclosure->slot_count == 0 ? "" : absl::StrCat(enclosure->slot_count)},
        {"occupied", absl::StrCat(enclosure->occupied_slot_count)},
    };
  }
  for (const auto& slot : topology.collection<registry::Slot>()) {
    std::vector<std::string> devices;
    for (const auto& occupant : slot->occupants) devices.push_back(Name(occupant.device));
    if (devices.empty()) continue;  // sysfs lists the empty ones of few enclosures
    picture[absl::StrCat("slot ", ToText(slot->id.enclosure), " ", slot->id.slot)] = {
        {"devices", absl::StrJoin(devices, " ")}, {"serial", std::string(slot->serial.view())}};
  }
  return picture;
}

// Whether the rebuilt machine has more there than a recording can show. It may be trimmed; mpt3sas
// shows no port of an expander to what it hangs at; and sysfs shows the enclosure that an HBA forms
// only where a drive is in it.
bool IsBeyondSysfs(const std::string& name, const Picture& recorded, const Picture& rebuilt) {
  if (absl::StartsWith(name, "phy ")) return true;
  const std::vector<std::string> words = absl::StrSplit(name, ' ');
  if (words[0] == "port") {
    const auto expander = rebuilt.find("expander " + words[1]);
    return expander != rebuilt.end() &&
           absl::StrContains(expander->second.at("parent"), absl::StrCat("/", words[2], "-"));
  }
  for (const auto& [host, fields] : recorded) {
    if (words[0] == "enclosure" && absl::StartsWith(host, "host ") &&
        host.substr(5, 15) == words[1].substr(0, 15)) {
      return true;
    }
  }
  return false;
}

// What the recording shows and the rebuilt machine does not, and what only the latter has.
std::vector<std::string> Differences(const Picture& recorded, const Picture& rebuilt) {
  std::vector<std::string> lines;
  for (const auto& [name, fields] : recorded) {
    const auto it = rebuilt.find(name);
    if (it == rebuilt.end()) {
      lines.push_back(absl::StrCat(name, " is missing"));
      continue;
    }
    for (const auto& [field, value] : fields) {
      const std::string& other = it->second.at(field);
      if (value.empty() || value == other) continue;
      lines.push_back(absl::StrCat(name, ": ", field, " ", value, " became ", other));
    }
  }
  for (const auto& [name, fields] : rebuilt) {
    if (recorded.count(name) != 0 || IsBeyondSysfs(name, recorded, rebuilt)) continue;
    lines.push_back(absl::StrCat(name, " is new"));
  }
  return lines;
}

struct RoundTrip {
  emulator::FabricOfTree made;
  Picture recorded, rebuilt;
};

RoundTrip OfTree(const std::string& path) {
  RoundTrip trip;
  auto made = emulator::FabricFromTree(path);
  EXPECT_TRUE(made.ok()) << made.status();
  if (!made.ok()) return trip;
  trip.made = *std::move(made);
  trip.recorded = Draw(*PictureOfTree(path));
  trip.rebuilt = Draw(*PictureOfFabric(trip.made.text));
  return trip;
}

RoundTrip Of(const std::string& name) { return OfTree(Recording(name)); }

class RoundTripTest : public ::testing::TestWithParam<const char*> {};

TEST_P(RoundTripTest, VirtualHbaShowsTheRecordedMachine) {
  const RoundTrip trip = Of(GetParam());
  EXPECT_GT(trip.recorded.size(), 10u);
  EXPECT_THAT(Differences(trip.recorded, trip.rebuilt), IsEmpty())
      << trip.made.text << absl::StrJoin(trip.made.notes, "\n");
}

INSTANTIATE_TEST_SUITE_P(Recordings, RoundTripTest,
                         ::testing::Values("cases/dual-actuator", "cases/dup-wwn-two-ssds",
                                           "cases/md1220-no-encserv",
                                           "cases/two-hbas-one-address"));

// The recording is trimmed: two phys have a link, and what is behind them is not there.
TEST(RealMachineTest, VirtualHbaShowsAllButLinksToNothing) {
  const RoundTrip trip = Of("hgst-4u60-9400-8i8e");
  const std::string phy = "phy 500062b2047b51c4/5000ccab0200947e-0 ";
  EXPECT_THAT(
      Differences(trip.recorded, trip.rebuilt),
      UnorderedElementsAre(phy + "10: rate 6 Gbps became ", phy + "15: rate 12 Gbps became "))
      << trip.made.text;
  EXPECT_THAT(trip.made.notes,
              Contains("expander-11:0: the tree does not show what is behind phys 10, 15; the "
                       "fabric has nothing there"));
  // Three drives of the JBOD, one at the HBA; two expanders over four lanes each.
  EXPECT_EQ(trip.rebuilt.count("unit 500062b2047b51c4/5000cca26128b1f5-0 lun 0"), 1u);
  EXPECT_EQ(trip.rebuilt.at("expander 500062b2047b51c4/5003048001e8967f-0").at("width"), "4");
  EXPECT_EQ(trip.rebuilt.at("expander 500062b2047b51c4/5003048001e8967f-0").at("rate"), "6 Gbps");
}

std::string TextIn(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string text;
  std::getline(in, text);
  return text;
}

// Gives the phys of a tree that have one link rate other rates: minimum and maximum of the hardware
// and of the setting. Returns their number.
int SetRates(const std::string& root, const std::string& negotiated,
             const char* const (&rates)[4]) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::filesystem::path folder = entry.path().parent_path();
    if (entry.path().filename() != "negotiated_linkrate" || TextIn(entry.path()) != negotiated) {
      continue;
    }
    const char* const names[] = {"minimum_linkrate_hw", "maximum_linkrate_hw", "minimum_linkrate",
                                 "maximum_linkrate"};
    for (int i = 0; i < 4; ++i) std::ofstream(folder / names[i]) << rates[i] << " Gbit\n";
    ++count;
  }
  return count;
}

// The recording has phys of three link rates, at the HBA and at an expander.
TEST(RealMachineTest, EachPhyKeepsItsFourRates) {
  const auto tree = sysfs::UnpackedTree::Open(Recording("hgst-4u60-9400-8i8e"));
  ASSERT_TRUE(tree.ok()) << tree.status();
  ASSERT_GT(SetRates(tree->root(), "Unknown", {"3.0", "6.0", "3.0", "3.0"}), 1);
  ASSERT_GT(SetRates(tree->root(), "6.0 Gbit", {"1.5", "12.0", "6.0", "6.0"}), 1);
  const RoundTrip trip = OfTree(tree->root());
  const std::string phy = "phy 500062b2047b51c4/5000ccab0200947e-0 ";
  EXPECT_THAT(
      Differences(trip.recorded, trip.rebuilt),
      UnorderedElementsAre(phy + "10: rate 6 Gbps became ", phy + "15: rate 12 Gbps became "))
      << trip.made.text;
  const Fields& idle = trip.rebuilt.at(phy + "7");
  EXPECT_EQ(idle.at("hardware min"), "3 Gbps");
  EXPECT_EQ(idle.at("hardware max"), "6 Gbps");
  EXPECT_EQ(idle.at("programmed min"), "3 Gbps");
  EXPECT_EQ(idle.at("programmed max"), "3 Gbps");
}

TEST(RealMachineTest, RatesThatContradictEachOtherAreNoted) {
  const auto tree = sysfs::UnpackedTree::Open(Recording("hgst-4u60-9400-8i8e"));
  ASSERT_TRUE(tree.ok()) << tree.status();
  ASSERT_GT(SetRates(tree->root(), "6.0 Gbit", {"1.5", "12.0", "12.0", "12.0"}), 1);
  const auto made = emulator::FabricFromTree(tree->root());
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(made->notes,
              IsSupersetOf({"host11: the rates of phys 12, 13, 14, 15 contradict each "
                            "other; the fabric has 1.5 Gbps to 12 Gbps",
                            "expander-11:0: the rates of phys 2, 6, 10 contradict each "
                            "other; the fabric has 1.5 Gbps to 12 Gbps"}));
}

// What a fabric cannot have, and what it has that the tree does not show.
TEST(RealMachineTest, NotesNameWhatWasAssumed) {
  const auto made = emulator::FabricFromTree(Recording("hgst-4u60-9400-8i8e"));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(made->notes,
              IsSupersetOf({"expander-11:1: the tree does not show which of its phys lead to "
                            "host11; the fabric has phys 0, 1, 2, 3",
                            "enclosure-5000ccab020094ff: the tree does not show its number of "
                            "slots; the fabric has 59",
                            "end_device-11:2: the tree does not show its size; the fabric has 1 "
                            "GB"}));
}

// Two HBAs that share eight JBODs of 815 drives, behind SAS switches: what both show is there once.
TEST(RealMachineTest, SharedJbodsBecomeOne) {
  const std::string root =
      absl::StrCat(kInMemory ? "/dev/shm" : testing::TempDir(), "/rebuilt-oak-", getpid());
  const std::vector<sysfs::FakeHost> hosts = sysfs::OakInstallation();
  ASSERT_TRUE(sysfs::WriteFakeSysfs(root, hosts).ok());
  const auto made = emulator::FabricFromTree(root);
  std::filesystem::remove_all(root);
  ASSERT_TRUE(made.ok()) << made.status();
  const auto fabric = emulator::ParseFabric(made->text, "oak");
  ASSERT_TRUE(fabric.ok()) << fabric.status();
  EXPECT_EQ(fabric->hosts.size(), 2u);
  EXPECT_EQ(fabric->expanders.size(), 50u);
  EXPECT_EQ(fabric->links.size(), 400u);
  int drives = 0, dual = 0;
  for (const emulator::DeviceSpec& device : fabric->devices) {
    const auto type = fabric->models[device.model].type;
    if (type != emulator::DeviceModel::Type::kDisk) continue;
    ++drives;
    dual += device.port_count() == 2 ? 1 : 0;
  }
  EXPECT_EQ(drives, 815);
  EXPECT_EQ(dual, 815);
}

// `sasctl capture` on a machine without an HBA.
TEST(RealMachineTest, BundleWithoutATreeIsRefusedByItsName) {
  const std::string bundle = absl::StrCat(testing::TempDir(), "/bundle.tar.gz");
  const std::string make = absl::StrCat(
      "cd ", testing::TempDir(), " && echo x >capture.txt && tar -czf bundle.tar.gz capture.txt");
  ASSERT_EQ(std::system(make.c_str()), 0);
  const absl::Status status = emulator::FabricFromTree(bundle).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              ::testing::StartsWith(absl::StrCat("\"", bundle, "\" is not a sysfs tree")));
}

TEST(RealMachineTest, OtherFilesAreRefused) {
  EXPECT_TRUE(absl::IsNotFound(emulator::FabricFromTree("no-such-file").status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(emulator::FabricFromTree("tests/rebuild/round_trip_test").status()));
}

}  // namespace
}  // namespace sasd
