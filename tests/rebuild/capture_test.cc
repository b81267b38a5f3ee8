// What `sasctl capture` packs is what sasd reads: each recorded tree, captured, gives the same
// readings; and `--anonymous` leaves nothing of its names.
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/capture/disguise.h"
#include "cli/capture/sysfs_copy.h"
#include "cli/capture/tar_writer.h"
#include "driver/sysfs/attribute.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/scsi_host_reader.h"
#include "driver/sysfs/sysfs_reader.h"
#include "driver/sysfs/unpacked_tree.h"
#include "emulator/rebuild/from_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

// Trees of thousands of small files are unpacked in memory, where that can be.
const bool kInMemory = access("/dev/shm", W_OK) == 0 && setenv("TMPDIR", "/dev/shm", 1) == 0;

std::vector<std::string> Recordings() {
  std::vector<std::string> paths;
  for (const char* folder : {"driver/sysfs/testdata", "driver/sysfs/testdata/cases"}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string path = entry.path();
      if (absl::EndsWith(path, ".tar.gz")) paths.push_back(path);
    }
  }
  return paths;
}

sysfs::UnpackedTree Unpack(const std::string& path) {
  auto tree = sysfs::UnpackedTree::Open(path);
  EXPECT_TRUE(tree.ok()) << tree.status();
  return *std::move(tree);
}

cli::SysfsCopy CopyOf(const sysfs::UnpackedTree& tree) {
  auto copy = cli::CopySysfs(tree.root());
  EXPECT_TRUE(copy.ok()) << copy.status();
  return *std::move(copy);
}

// Packs the copy, as sasctl does.
std::string Pack(const cli::SysfsCopy& copy) {
  const std::string path = testing::TempDir() + "/captured.tar.gz";
  const auto writer = cli::TarWriter::Create(path, absl::UnixEpoch());
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const cli::CopiedEntry& entry : copy.entries) {
    const std::string inside = "sys/" + entry.path;
    switch (entry.kind) {
      case cli::CopiedEntry::Kind::kFile:
        (*writer)->AddFile(inside, entry.content);
        break;
      case cli::CopiedEntry::Kind::kLink:
        (*writer)->AddLink(inside, entry.content);
        break;
      case cli::CopiedEntry::Kind::kFolder:
        (*writer)->AddFolder(inside);
        break;
    }
  }
  EXPECT_TRUE((*writer)->Finish().ok());
  return path;
}

struct Read {
  std::vector<sysfs::HostReading> readings;
  ScsiHosts others;
};

Read ReadOf(const sysfs::UnpackedTree& tree) {
  sysfs::PosixFileIo io;
  auto readings = sysfs::ReadTree(tree.root(), io);
  auto others = sysfs::ReadScsiHosts(tree.root(), io);
  EXPECT_TRUE(readings.ok() && others.ok()) << readings.status() << others.status();
  return {*std::move(readings), *std::move(others)};
}

template <typename T, typename = void>
struct Compares : std::false_type {};
template <typename T>
struct Compares<T, std::void_t<decltype(std::declval<T>() == std::declval<T>())>> : std::true_type {
};

bool Same(const Observation& a, const Observation& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&b](const auto& facts) {
        using Facts = std::decay_t<decltype(facts)>;
        if constexpr (Compares<Facts>::value) return facts == std::get<Facts>(b);
        return false;  // a reading has no removals
      },
      a);
}

TEST(CaptureTest, CapturedTreesGiveTheSameReadings) {
  for (const std::string& recording : Recordings()) {
    const sysfs::UnpackedTree tree = Unpack(recording);
    const Read before = ReadOf(tree), after = ReadOf(Unpack(Pack(CopyOf(tree))));
    EXPECT_EQ(before.others, after.others) << recording;
    ASSERT_EQ(before.readings.size(), after.readings.size()) << recording;
    for (size_t i = 0; i < before.readings.size(); ++i) {
      const auto &a = before.readings[i].observations, &b = after.readings[i].observations;
      ASSERT_EQ(a.size(), b.size()) << recording;
      for (size_t n = 0; n < a.size(); ++n) {
        EXPECT_TRUE(Same(a[n], b[n])) << recording << ", observation " << n;
      }
    }
  }
}

// The driver's list says why each of them sends no command; sasctl must not know the driver.
TEST(CaptureTest, FilesAreThoseThatTheDriverReads) {
  const std::set<std::string> read(sysfs::kAttributeNames.begin(), sysfs::kAttributeNames.end());
  EXPECT_EQ(cli::CopiedFileNames(), read);
}

// Its other files send commands to the enclosure; and under mptsas each read of one is a request.
TEST(CaptureTest, FilesThatSendCommandsStayClosed) {
  const std::string root = testing::TempDir() + "/commands";
  const std::string host = root + "/devices/pci0000:00/0000:03:00.0/host5";
  const std::string unit = host + "/port-5:0/end_device-5:0/target5:0:0/5:0:0:0";
  const auto put = [](const std::string& path) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << "mptsas\n";
  };
  fs::create_directories(root + "/class/sas_host");
  fs::create_directory_symlink("../../devices/pci0000:00/0000:03:00.0/host5/sas_host/host5",
                               root + "/class/sas_host/host5");
  put(host + "/scsi_host/host5/proc_name");
  put(host + "/scsi_host/host5/BRM_status");
  put(host + "/port-5:0/end_device-5:0/sas_device/end_device-5:0/enclosure_identifier");
  put(host + "/port-5:0/end_device-5:0/sas_device/end_device-5:0/sas_address");
  put(host + "/phy-5:0/sas_phy/phy-5:0/invalid_dword_count");
  put(unit + "/enclosure/5:0:0:0/Slot 01/slot");
  put(unit + "/enclosure/5:0:0:0/Slot 01/status");
  put(unit + "/enclosure/5:0:0:0/Slot 01/locate");
  const auto copy = cli::CopySysfs(root);
  ASSERT_TRUE(copy.ok()) << copy.status();
  std::set<std::string> names;
  for (const cli::CopiedEntry& entry : copy->entries) {
    if (entry.kind == cli::CopiedEntry::Kind::kFolder) continue;
    names.insert(fs::path(entry.path).filename());
  }
  EXPECT_EQ(names, (std::set<std::string>{"host5", "proc_name", "sas_address", "slot"}));
}

TEST(CaptureTest, AnonymousTreesHaveNoneOfTheNames) {
  for (const std::string& recording : Recordings()) {
    std::set<std::string> names;
    const sysfs::UnpackedTree tree = Unpack(recording);
    const Read before = ReadOf(tree);
    for (const sysfs::HostReading& reading : before.readings) {
      for (const Observation& observation : reading.observations) {
        if (const auto* unit = std::get_if<LogicalUnitFacts>(&observation)) {
          if (unit->serial.size() >= 4) names.insert(unit->serial);
          names.insert(unit->wwid.substr(unit->wwid.find('.') + 1));
          if (unit->device.address.value() >> 56 != 0x44) {  // all HBAs number SATA drives so
            names.insert(ToHex(unit->device.address));
          }
        }
        if (const auto* host = std::get_if<HostFacts>(&observation)) {
          names.insert(ToHex(host->key.address));
        }
      }
    }
    names.erase("");
    cli::SysfsCopy copy = CopyOf(tree);
    cli::Disguise disguise;
    disguise.Apply(copy);
    for (const cli::CopiedEntry& entry : copy.entries) {
      for (const std::string& name : names) {
        const std::string text = absl::AsciiStrToLower(entry.path + " " + entry.content);
        EXPECT_FALSE(absl::StrContains(text, absl::AsciiStrToLower(name)))
            << recording << " " << entry.path << " has " << name;
      }
    }
    // The machine keeps its shape.
    const Read after = ReadOf(Unpack(Pack(copy)));
    ASSERT_EQ(before.readings.size(), after.readings.size()) << recording;
    for (size_t i = 0; i < before.readings.size(); ++i) {
      const auto &a = before.readings[i].observations, &b = after.readings[i].observations;
      ASSERT_EQ(a.size(), b.size()) << recording;
      for (size_t n = 0; n < a.size(); ++n) EXPECT_EQ(a[n].index(), b[n].index()) << recording;
    }
  }
}

// A reporter's machine can be rebuilt of what he sends.
TEST(CaptureTest, FabricsCanBeMadeOfAnonymousCaptures) {
  cli::SysfsCopy copy = CopyOf(Unpack("driver/sysfs/testdata/hgst-4u60-9400-8i8e.sys.tar.gz"));
  EXPECT_THAT(copy.unread, IsEmpty());
  cli::Disguise disguise;
  disguise.Apply(copy);
  const auto made = emulator::FabricFromTree(Pack(copy));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(absl::StrContains(made->text, "product: \"4U60_STOR_ENCL\"")) << made->text;
  EXPECT_FALSE(absl::StrContains(made->text, "500062b2047b51c4"));
}

TEST(CaptureTest, OtherFoldersAreRefused) {
  EXPECT_TRUE(absl::IsNotFound(cli::CopySysfs(testing::TempDir() + "/nothing").status()));
}

}  // namespace
}  // namespace sasd
