#include "driver/sysfs/uevent.h"

#include <optional>
#include <string>

#include "driver/sysfs/uevent_sequence.h"
#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

using Kind = UeventScope::Kind;

constexpr char kHba[] = "/devices/pci0000:00/0000:00:03.0/0000:03:00.0";

Uevent Of(const char* action, const std::string& path, const char* subsystem) {
  return {action, path, subsystem, 0};
}

TEST(UeventTest, PathLeadsToItsHost) {
  const std::string host = std::string(kHba) + "/host11";
  const std::string disk = host + "/port-11:0/expander-11:0/port-11:0:3/end_device-11:0:3";
  for (const auto& [path, subsystem] : {
           std::pair<std::string, const char*>{host + "/scsi_host/host11", "scsi_host"},
           {host + "/sas_host/host11", "sas_host"},
           {host + "/bsg/sas_host11", "bsg"},
           {host + "/phy-11:0/sas_phy/phy-11:0", "sas_phy"},
           {host + "/port-11:0/sas_port/port-11:0", "sas_port"},
           {disk + "/sas_device/end_device-11:0:3", "sas_device"},
           {disk + "/sas_end_device/end_device-11:0:3", "sas_end_device"},
           {disk + "/target11:0:3", "scsi"},
           {disk + "/target11:0:3/11:0:3:0/block/sdx", "block"},
           {disk + "/target11:0:3/11:0:3:0/scsi_generic/sg4", "scsi_generic"},
           {disk + "/target11:0:3/11:0:3:0/enclosure/11:0:3:0", "enclosure"},
       }) {
    const Uevent uevent = Of("add", path, subsystem);
    const UeventScope scope = ScopeOf(uevent);
    EXPECT_EQ(scope.kind, Kind::kHost) << path;
    EXPECT_EQ(scope.name, "host11") << path;
  }
}

// smartpqi puts its SAS objects beneath scsi_host/hostN. The outermost hostN counts.
TEST(UeventTest, OutermostHostCounts) {
  const Uevent uevent =
      Of("add", std::string(kHba) + "/host4/scsi_host/host4/port-4:1", "sas_port");
  EXPECT_EQ(ScopeOf(uevent).name, "host4");
}

TEST(UeventTest, PathWithoutHostMeansTheTree) {
  EXPECT_EQ(ScopeOf(Of("remove", kHba, "pci")).kind, Kind::kTree);
  EXPECT_EQ(ScopeOf(Of("add", "/devices/somewhere/expander-1:0", "sas_expander")).kind,
            Kind::kTree);
  EXPECT_EQ(ScopeOf(Of("add", "/devices/hostess/host/host1x/port", "sas_port")).kind, Kind::kTree);
  EXPECT_EQ(ScopeOf(Of("add", "", "scsi")).kind, Kind::kTree);
}

TEST(UeventTest, HolderMeansTheHostsOfItsDisks) {
  for (const char* name : {"dm-3", "md127"}) {
    const Uevent uevent = Of("change", std::string("/devices/virtual/block/") + name, "block");
    EXPECT_EQ(ScopeOf(uevent).kind, Kind::kHolder);
    EXPECT_EQ(ScopeOf(uevent).name, name);
  }
}

TEST(UeventTest, OtherSubsystemsMeanNothing) {
  EXPECT_EQ(ScopeOf(Of("add", "/devices/virtual/net/veth0", "net")).kind, Kind::kNothing);
  EXPECT_EQ(ScopeOf(Of("change", "/devices/virtual/block/loop3", "block")).kind, Kind::kNothing);
  EXPECT_EQ(ScopeOf(Of("add", std::string(kHba) + "/nvme/nvme0/nvme0n1", "block")).kind,
            Kind::kNothing);
  EXPECT_EQ(ScopeOf(Of("add", std::string(kHba) + "/host1", "")).kind, Kind::kNothing);
}

TEST(UeventTest, DescriptionPrefersTheDisk) {
  const Uevent disk = Of("remove", std::string(kHba) + "/host1/x/block/sdx", "block");
  EXPECT_EQ(Describe(disk), "remove block/sdx");
  EXPECT_LT(RankOf(disk), RankOf(Of("remove", "", "sas_end_device")));
  EXPECT_LT(RankOf(Of("remove", "", "sas_end_device")), RankOf(Of("remove", "", "bsg")));
  EXPECT_EQ(Describe(Of("add", "/x\n\x1b[2J", "scsi")), "add scsi/x??[2J");
}

TEST(UeventSequenceTest, GapWithoutOverrunIsNoLoss) {
  UeventSequence sequence(100);
  EXPECT_EQ(sequence.Next(101), std::nullopt);
  EXPECT_EQ(sequence.Next(110), std::nullopt) << "a uevent of another network namespace";
  EXPECT_EQ(sequence.Dry(120), std::nullopt);
}

TEST(UeventSequenceTest, GapsAfterAnOverrunAreCounted) {
  UeventSequence sequence(100);
  sequence.Overrun();
  EXPECT_EQ(sequence.Next(101), std::nullopt) << "was queued before the overrun";
  EXPECT_EQ(sequence.Next(105), 3u);
  EXPECT_EQ(sequence.Next(106), std::nullopt);
  EXPECT_EQ(sequence.Next(108), 1u);
  EXPECT_EQ(sequence.Dry(108), std::nullopt) << "all losses are counted";
  EXPECT_EQ(sequence.Next(120), std::nullopt) << "the overrun is over";
}

TEST(UeventSequenceTest, KernelNumberCountsLossesAtTheEnd) {
  UeventSequence sequence(100);
  sequence.Overrun();
  EXPECT_EQ(sequence.Next(101), std::nullopt);
  EXPECT_EQ(sequence.Dry(391), 290u);
  EXPECT_EQ(sequence.Next(392), std::nullopt);
}

TEST(UeventSequenceTest, OverrunIsAGapEvenIfUncounted) {
  UeventSequence sequence(0);
  sequence.Overrun();
  EXPECT_EQ(sequence.Dry(0), 0u);
  EXPECT_EQ(sequence.Dry(0), std::nullopt);
  sequence.Overrun();
  EXPECT_EQ(sequence.Next(7), std::nullopt) << "nothing to compare with";
  EXPECT_EQ(sequence.Dry(7), 0u);
}

TEST(UeventSequenceTest, RepeatedNumberIsNoGap) {
  UeventSequence sequence(100);
  sequence.Overrun();
  EXPECT_EQ(sequence.Dry(103), 3u);
  sequence.Overrun();
  EXPECT_EQ(sequence.Next(102), std::nullopt) << "came after the kernel's number was read";
  EXPECT_EQ(sequence.Next(104), std::nullopt);
}

}  // namespace
}  // namespace sasd::sysfs
