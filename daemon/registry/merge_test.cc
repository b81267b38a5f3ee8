#include "daemon/registry/merge.h"

#include <string>

#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

template <typename Record>
Record Merge(const Record& firmware, const Record& sysfs) {
  const SourceReport<Record> reports[] = {{Source::kFirmware, &firmware}, {Source::kSysfs, &sysfs}};
  return registry::Merge<Record>(NodeSources(), reports);
}

TEST(MergeTest, FirmwareValueHoldsWhereKnown) {
  EndDeviceRecord firmware, sysfs;
  firmware.handle = DevHandle(0x1F);
  firmware.device_name = SasAddress(0x5000C500A7B26110);
  sysfs.device_name = SasAddress(0x5000C500A7B26118);
  sysfs.protocols.target = Protocols::kSsp;
  sysfs.parent_phy = PhyId(3);
  const EndDeviceRecord merged = Merge(firmware, sysfs);
  EXPECT_EQ(merged.handle, DevHandle(0x1F));
  EXPECT_EQ(merged.device_name, firmware.device_name);
  EXPECT_EQ(merged.protocols, sysfs.protocols);
  EXPECT_EQ(merged.parent_phy, PhyId(3));
}

TEST(MergeTest, OperatingSystemNamesComeFromSysfs) {
  UnitRecord firmware, sysfs;
  firmware.block_device = "from the firmware";
  firmware.serial = "ZA100001";
  sysfs.block_device = "sdb";
  sysfs.scsi_address = "11:0:0:0";
  sysfs.generic_device = "sg3";
  sysfs.holders = {{"mpatha", "dm-0", HolderKind::kMultipath}};
  sysfs.serial = "ZA10";
  const UnitRecord merged = Merge(firmware, sysfs);
  EXPECT_EQ(merged.block_device, "sdb");
  EXPECT_EQ(merged.scsi_address, "11:0:0:0");
  EXPECT_EQ(merged.generic_device, "sg3");
  EXPECT_EQ(merged.holders, sysfs.holders);
  EXPECT_EQ(merged.serial, "ZA100001");

  HostFacts board, pci;
  board.board_name = "HBA 9400-8i8e";
  board.driver_name = "virtual";
  pci.driver_name = "mpt3sas";
  pci.pci_address = "0000:03:00.0";
  pci.os_name = "host11";
  const HostFacts host = Merge(board, pci);
  EXPECT_EQ(host.board_name, "HBA 9400-8i8e");
  EXPECT_EQ(host.driver_name, "mpt3sas");
  EXPECT_EQ(host.pci_address, "0000:03:00.0");
  EXPECT_EQ(host.os_name, "host11");
}

// A slot number is meaningful only in its enclosure.
TEST(MergeTest, EnclosureAndSlotComeFromOneSource) {
  EndDeviceRecord firmware, sysfs;
  firmware.enclosure = EnclosureKey(1);
  sysfs.enclosure = EnclosureKey(2);
  sysfs.slot = 4;
  EXPECT_EQ(Merge(firmware, sysfs).enclosure, EnclosureKey(2));
  EXPECT_EQ(Merge(firmware, sysfs).slot, 4);
  firmware.slot = 9;
  EXPECT_EQ(Merge(firmware, sysfs).enclosure, EnclosureKey(1));
  EXPECT_EQ(Merge(firmware, sysfs).slot, 9);
  sysfs.enclosure = EnclosureKey(0);
  firmware.slot.reset();
  EXPECT_EQ(Merge(firmware, sysfs).enclosure, EnclosureKey(1));
}

TEST(MergeTest, EndDeviceStateFollowsBothSources) {
  using S = DeviceState;
  const struct {
    S firmware, sysfs, merged;
  } kRows[] = {
      {S::kDiscovered, S::kAttached, S::kAttached}, {S::kAttaching, S::kAttached, S::kAttached},
      {S::kDiscovered, S::kBlocked, S::kBlocked},   {S::kBlocked, S::kAttached, S::kBlocked},
      {S::kDiscovered, S::kFailed, S::kFailed},     {S::kDiscovered, S::kDiscovered, S::kAttaching},
      {S::kFailed, S::kAttached, S::kFailed},       {S::kAttached, S::kDiscovered, S::kAttached},
      {S::kRemoving, S::kAttached, S::kRemoving},
  };
  for (const auto& row : kRows) {
    EndDeviceRecord firmware, sysfs;
    firmware.state = row.firmware;
    sysfs.state = row.sysfs;
    EXPECT_EQ(Merge(firmware, sysfs).state, row.merged)
        << static_cast<int>(row.firmware) << " and " << static_cast<int>(row.sysfs);
  }
}

// The firmware that reports a phy down, without an attached address, means that none is attached.
TEST(MergeTest, PhyDownInTheFirmwareIsDown) {
  PhyRecord firmware, sysfs;
  sysfs.negotiated = LinkRate::k12Gbps;
  sysfs.attached = SasAddress(0xE);
  sysfs.os_name = "phy-11:0:4";
  EXPECT_EQ(Merge(firmware, sysfs).negotiated, LinkRate::k12Gbps);
  EXPECT_EQ(Merge(firmware, sysfs).attached, SasAddress(0xE));
  firmware.negotiated = LinkRate::kDisabled;
  EXPECT_EQ(Merge(firmware, sysfs).negotiated, LinkRate::kDisabled);
  EXPECT_EQ(Merge(firmware, sysfs).attached, SasAddress(0));
  EXPECT_EQ(Merge(firmware, sysfs).os_name, "phy-11:0:4");
}

// mpt3sas keeps the rate of a phy whose device was pulled.
TEST(MergeTest, FirmwareDecidesTheRateOfKnownPhys) {
  PhyRecord firmware, sysfs;
  firmware.hardware_max = LinkRate::k12Gbps;
  sysfs.negotiated = LinkRate::k12Gbps;
  EXPECT_EQ(Merge(firmware, sysfs).negotiated, LinkRate::kUnknown);
}

TEST(MergeTest, LeastSettledSourceDecidesDiscovery) {
  using S = DiscoveryState;
  const S order[] = {S::kSettled, S::kIdle, S::kInProgress, S::kFailed, S::kRecovering};
  for (size_t i = 0; i < std::size(order); ++i) {
    for (size_t j = 0; j < std::size(order); ++j) {
      DiscoveryFacts firmware, sysfs;
      firmware.state = order[i];
      sysfs.state = order[j];
      firmware.reset_count = 3;
      EXPECT_EQ(Merge(firmware, sysfs).state, order[std::max(i, j)]);
      EXPECT_EQ(Merge(firmware, sysfs).reset_count, 3u);
    }
  }
}

TEST(MergeTest, EqualDiscoveryStatesAreTheFirmwares) {
  for (const DiscoveryState state : {DiscoveryState::kSettled, DiscoveryState::kFailed}) {
    DiscoveryFacts firmware, sysfs;
    firmware.state = sysfs.state = state;
    firmware.status = 0x40;
    firmware.status_text = "table overflow";
    EXPECT_EQ(Merge(firmware, sysfs).status, 0x40u);
    EXPECT_EQ(Merge(firmware, sysfs).status_text, "table overflow");
  }
}

// AddReport and WithdrawReport, on a record of two sources.
class ReportTest : public ::testing::Test {
 protected:
  static SlotRecord Labelled(const char* label) { return {label, Text()}; }
  void Report(Source source, const char* label) {
    AddReport(NodeSources(), source, Labelled(label), facts_, by_source_, sources_);
  }
  void Withdraw(Source source) {
    WithdrawReport(NodeSources(), source, facts_, by_source_, sources_);
  }
  std::string Last(Source source) const {
    const SlotRecord* report = ReportOf(source, facts_, by_source_, sources_);
    return report == nullptr ? "(nothing)" : report->label.str();
  }

  SlotRecord facts_;
  BySource<SlotRecord> by_source_;
  SourceSet sources_;
};

TEST_F(ReportTest, SingleReportIsTheRecord) {
  Report(Source::kSysfs, "one");
  Report(Source::kSysfs, "two");
  EXPECT_EQ(facts_.label, "two");
  EXPECT_FALSE(by_source_) << "one source reports it";
  EXPECT_EQ(Last(Source::kFirmware), "(nothing)");
  Withdraw(Source::kFirmware);
  EXPECT_EQ(facts_.label, "two");
}

TEST_F(ReportTest, EachSourceKeepsItsReport) {
  Report(Source::kSysfs, "of sysfs");
  Report(Source::kFirmware, "of the firmware");
  EXPECT_EQ(facts_.label, "of the firmware");
  Report(Source::kSysfs, "of sysfs, later");
  EXPECT_EQ(facts_.label, "of the firmware");
  EXPECT_EQ(Last(Source::kSysfs), "of sysfs, later");
  EXPECT_EQ(Last(Source::kFirmware), "of the firmware");
}

TEST_F(ReportTest, WithdrawalLeavesTheOtherReport) {
  Report(Source::kSysfs, "of sysfs");
  Report(Source::kFirmware, "of the firmware");
  Withdraw(Source::kFirmware);
  EXPECT_EQ(facts_.label, "of sysfs");
  EXPECT_EQ(Last(Source::kFirmware), "(nothing)");
  Withdraw(Source::kSysfs);
  EXPECT_TRUE(sources_.empty());
}

}  // namespace
}  // namespace sasd::registry
