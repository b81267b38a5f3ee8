#include "driver/wire/mpi/pages.h"

#include "driver/wire/test_bytes.h"
#include "gtest/gtest.h"

// The bytes are written by hand from mpi2_cnfg.h (Linux 6.1), not by the encoder. The comments give
// the offset of each line.
namespace sasd::mpi {
namespace {

const Bytes kSasDevice0 = FromHex(
    "09 00 00 0f  0e00 12 00"  // 00 header: version 9, page 0, extended; 14 dwords, SAS device
    "0700 0200"                // 08 Slot 7, EnclosureHandle 2
    "9d cc 3c e2 00 c5 00 50"  // 0C SASAddress 5000c500e23ccc9d
    "0900 0b 04"               // 14 ParentDevHandle, PhyNum, AccessStatus
    "1300 01 05"               // 18 DevHandle, AttachedPhyIdentifier, ZoneGroup
    "01040000"                 // 1C DeviceInfo: end device, SSP target
    "0720 03 02"               // 20 Flags 2007, PhysicalPort, MaxPortConnections
    "9c cc 3c e2 00 c5 00 50"  // 24 DeviceName
    "00 00 00 01"              // 2C PortGroups, DmaGroup, ControlGroup, EnclosureLevel
    "43302020 00000000");      // 30 ConnectorName "C0  ", reserved

TEST(SasDevicePage0Test, FieldsMatchTheKernelHeaders) {
  const absl::StatusOr<SasDevicePage0> page = DecodeSasDevicePage0(kSasDevice0);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->slot, 7);
  EXPECT_EQ(page->enclosure_handle, EnclosureHandle(2));
  EXPECT_EQ(page->address, SasAddress(0x5000c500e23ccc9d));
  EXPECT_EQ(page->parent_handle, DevHandle(9));
  EXPECT_EQ(page->phy, PhyId(11));
  EXPECT_EQ(page->access_status, access_status::kNeedsInitialization);
  EXPECT_EQ(page->handle, DevHandle(0x13));
  EXPECT_EQ(page->attached_phy, PhyId(1));
  EXPECT_EQ(page->device_info, device_info::kEndDevice | device_info::kSspTarget);
  EXPECT_EQ(page->flags, device_flags::kPresent | device_flags::kEnclosureLevelValid |
                             device_flags::kPersistent | device_flags::kFastPathCapable);
  EXPECT_EQ(page->port, PhysicalPort(3));
  EXPECT_EQ(page->max_port_connections, 2);
  EXPECT_EQ(page->device_name, SasAddress(0x5000c500e23ccc9c));
  EXPECT_EQ(page->enclosure_level, 1);
  EXPECT_EQ(page->connector_name, "C0");
}

TEST(SasDevicePage0Test, OlderPageDecodesItsMissingFieldsAsZero) {
  // MPI 2.0 firmware has no enclosure level. The kernel's driver accepts its shorter page too.
  const ByteSpan older = ByteSpan(kSasDevice0).first(0x2C);
  const absl::StatusOr<SasDevicePage0> page = DecodeSasDevicePage0(older);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->device_name, SasAddress(0x5000c500e23ccc9c));
  EXPECT_EQ(page->enclosure_level, 0);
  EXPECT_EQ(page->connector_name, "");
  ExpectDecodesFrom(DecodeSasDevicePage0, kSasDevice0, 0x24);
}

TEST(SasDevicePage0Test, LongerPageDecodes) {
  Bytes longer = kSasDevice0;
  longer.resize(0x44, 0xEE);
  EXPECT_TRUE(DecodeSasDevicePage0(longer).ok());
}

TEST(SasDevicePage0Test, EncodesTheBytesItDecodes) {
  Bytes expected = kSasDevice0;
  expected[0x1B] = 0;                      // the zone group is not decoded
  expected[0x32] = expected[0x33] = 0x00;  // trailing blanks of a name are not kept
  EXPECT_EQ(EncodeSasDevicePage0(*DecodeSasDevicePage0(kSasDevice0)), expected);
}

TEST(SasDevicePage0Test, TextShowsDeviceTypeAndAccessStatus) {
  const std::string text = ToString(*DecodeSasDevicePage0(kSasDevice0));
  EXPECT_NE(text.find("5000c500e23ccc9d handle 0x0013 parent 0x0009 phy 11"), std::string::npos)
      << text;
  EXPECT_NE(text.find("end device, SSP target"), std::string::npos) << text;
  EXPECT_NE(text.find("SATA needs initialization"), std::string::npos) << text;
}

const Bytes kExpander0 = FromHex(
    "06 00 00 0f  0f00 11 00"  // 00 header: 15 dwords, SAS expander
    "01 07 0400"               // 08 PhysicalPort, ReportGenLength, EnclosureHandle
    "3f 10 00 82 40 e0 00 50"  // 0C SASAddress 5000e0408200103f
    "00080000"                 // 14 DiscoveryStatus: unsupported device
    "0a00 0900"                // 18 DevHandle, ParentDevHandle
    "2301 0004"                // 1C ExpanderChangeCount 0123, ExpanderRouteIndexes 0400
    "25 02 8100"               // 20 NumPhys 37, SASLevel 2, Flags 0081
    "0000 0000 0000 0000"      // 24 STP limits, MaxNumRoutedSasAddresses
    "00000000 00000000"        // 2C ActiveZoneManagerSASAddress
    "0000 0000 00 00 00 00");  // 34 ... 3C

TEST(ExpanderPage0Test, FieldsMatchTheKernelHeaders) {
  const absl::StatusOr<ExpanderPage0> page = DecodeExpanderPage0(kExpander0);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->port, PhysicalPort(1));
  EXPECT_EQ(page->enclosure_handle, EnclosureHandle(4));
  EXPECT_EQ(page->address, SasAddress(0x5000e0408200103f));
  EXPECT_EQ(page->discovery_status, 0x800u);
  EXPECT_EQ(page->handle, DevHandle(10));
  EXPECT_EQ(page->parent_handle, DevHandle(9));
  EXPECT_EQ(page->change_count, 0x0123);
  EXPECT_EQ(page->route_indexes, 0x0400);
  EXPECT_EQ(page->phy_count, 37);
  EXPECT_EQ(page->sas_level, 2);
  EXPECT_EQ(page->flags, 0x0081);
  ExpectDecodesFrom(DecodeExpanderPage0, kExpander0, 0x24);
}

TEST(ExpanderPage0Test, EncodesTheBytesItDecodes) {
  Bytes expected = kExpander0;
  expected[0x09] = 0;  // ReportGenLength
  EXPECT_EQ(EncodeExpanderPage0(*DecodeExpanderPage0(kExpander0)), expected);
  EXPECT_EQ(expected.size(), size_t{4} * ExpanderPage0::kHeader.dwords);
}

const Bytes kExpander1 = FromHex(
    "02 00 01 0f  0b00 11 00"  // 00 header: page 1, 11 dwords
    "01 00 0000"               // 08 PhysicalPort
    "25 0c 0000"               // 0C NumPhys, Phy, NumTableEntriesProgrammed
    "b8 c9 1300"               // 10 ProgrammedLinkRate, HwLinkRate, AttachedDevHandle
    "20100080"                 // 14 PhyInfo: vacant, virtual, table routing
    "01040000"                 // 18 AttachedDeviceInfo
    "0a00 5a 0b"               // 1C ExpanderDevHandle, ChangeCount, NegotiatedLinkRate
    "0c 01 00 02"              // 20 PhyIdentifier, AttachedPhyIdentifier, -, DiscoveryInfo
    "00000000 00 00 0000");    // 24 AttachedPhyInfo, ZoneGroup, SelfConfigStatus

TEST(ExpanderPage1Test, FieldsMatchTheKernelHeaders) {
  const absl::StatusOr<ExpanderPage1> page = DecodeExpanderPage1(kExpander1);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->port, PhysicalPort(1));
  EXPECT_EQ(page->phy_count, 37);
  EXPECT_EQ(page->phy, PhyId(12));
  EXPECT_EQ(page->programmed_rate, 0xb8);
  EXPECT_EQ(page->hardware_rate, 0xc9);
  EXPECT_EQ(page->attached_handle, DevHandle(0x13));
  EXPECT_EQ(page->phy_info, phy_info::kVacant | phy_info::kVirtual | phy_info::kTable);
  EXPECT_EQ(page->attached_device_info, 0x401u);
  EXPECT_EQ(page->expander_handle, DevHandle(10));
  EXPECT_EQ(page->change_count, 0x5a);
  EXPECT_EQ(LinkRateFromNibble(page->negotiated_rate), LinkRate::k12Gbps);
  EXPECT_EQ(page->phy_identifier, PhyId(12));
  EXPECT_EQ(page->attached_phy, PhyId(1));
  ExpectDecodesFrom(DecodeExpanderPage1, kExpander1, 0x20);
}

TEST(ExpanderPage1Test, EncodesTheBytesItDecodes) {
  Bytes expected = kExpander1;
  expected[0x23] = 0;  // DiscoveryInfo
  EXPECT_EQ(EncodeExpanderPage1(*DecodeExpanderPage1(kExpander1)), expected);
}

TEST(LinkRateRangeTest, MaximumIsTheHighNibble) {
  const LinkRateRange range = DecodeLinkRateRange(0xb8);
  EXPECT_EQ(range.minimum, LinkRate::k1_5Gbps);
  EXPECT_EQ(range.maximum, LinkRate::k12Gbps);
  EXPECT_EQ(EncodeLinkRateRange(range), 0xb8);
}

const Bytes kPhy0 = FromHex(
    "03 00 00 0f  0800 13 00"  // 00 header: 8 dwords, SAS phy
    "0100 0000"                // 08 OwnerDevHandle
    "0a00 0f 00"               // 0C AttachedDevHandle, AttachedPhyIdentifier
    "44332211"                 // 10 AttachedPhyInfo
    "b8 c9 05 01"              // 14 ProgrammedLinkRate, HwLinkRate, ChangeCount, Flags
    "00000100"                 // 18 PhyInfo: reason power on, direct routing
    "0a 00 0000");             // 1C NegotiatedLinkRate

TEST(SasPhyPage0Test, FieldsMatchTheKernelHeaders) {
  const absl::StatusOr<SasPhyPage0> page = DecodeSasPhyPage0(kPhy0);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->owner_handle, DevHandle(1));
  EXPECT_EQ(page->attached_handle, DevHandle(10));
  EXPECT_EQ(page->attached_phy, PhyId(15));
  EXPECT_EQ(page->attached_phy_info, 0x11223344u);
  EXPECT_EQ(page->programmed_rate, 0xb8);
  EXPECT_EQ(page->hardware_rate, 0xc9);
  EXPECT_EQ(page->change_count, 5);
  EXPECT_EQ(page->flags, 1);
  EXPECT_EQ(page->phy_info, 0x00010000u);
  EXPECT_EQ(page->negotiated_rate, 0x0a);
  EXPECT_EQ(EncodeSasPhyPage0(*page), kPhy0);
  ExpectDecodesFrom(DecodeSasPhyPage0, kPhy0, 0x1D);
}

TEST(SasPhyPage1Test, CountersAreInTheKernelHeadersOrder) {
  const Bytes bytes = FromHex(
      "01 00 01 0f  0700 13 00  00000000"  // 00 header: page 1, 7 dwords; 08 reserved
      "04030201 08070605"                  // 0C InvalidDwordCount, RunningDisparityErrorCount
      "0c0b0a09 100f0e0d");                // 14 LossDwordSynchCount, PhyResetProblemCount
  const absl::StatusOr<SasPhyPage1> page = DecodeSasPhyPage1(bytes);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->invalid_dword_count, 0x01020304u);
  EXPECT_EQ(page->running_disparity_error_count, 0x05060708u);
  EXPECT_EQ(page->loss_of_dword_sync_count, 0x090a0b0cu);
  EXPECT_EQ(page->phy_reset_problem_count, 0x0d0e0f10u);
  EXPECT_EQ(EncodeSasPhyPage1(*page), bytes);
  ExpectDecodesFrom(DecodeSasPhyPage1, bytes, bytes.size());
}

TEST(EnclosurePage0Test, FieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex(
      "04 00 00 0f  0a00 15 00  00000000"  // 00 header: 10 dwords, enclosure; 08 reserved
      "3e 10 00 82 40 e0 00 50"            // 0C EnclosureLogicalID
      "3400 0200"                          // 14 Flags: SES, level and chassis slot valid; handle
      "3c00 0100"                          // 18 NumSlots 60, StartSlot 1
      "07 02 1900"                         // 1C ChassisSlot, EnclosureLevel, SEPDevHandle
      "00000000 00000000");                // 20 OEMRD and reserved
  const absl::StatusOr<EnclosurePage0> page = DecodeEnclosurePage0(bytes);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->logical_id, SasAddress(0x5000e0408200103e));
  EXPECT_EQ(page->flags,
            EnclosurePage0::kFlagLevelValid | EnclosurePage0::kFlagChassisSlotValid | 4);
  EXPECT_EQ(page->handle, EnclosureHandle(2));
  EXPECT_EQ(page->slot_count, 60);
  EXPECT_EQ(page->start_slot, 1);
  EXPECT_EQ(page->chassis_slot, 7);
  EXPECT_EQ(page->level, 2);
  EXPECT_EQ(page->sep_handle, DevHandle(0x19));
  EXPECT_EQ(EncodeEnclosurePage0(*page), bytes);
  ExpectDecodesFrom(DecodeEnclosurePage0, bytes, 0x20);
}

// Two phys: each takes 20 bytes (MPI2_SAS_IO_UNIT0_PHY_DATA ends with a reserved dword).
const Bytes kIoUnit0 = FromHex(
    "05 00 00 0f  0e00 10 00  00000000"  // 00 header: 14 dwords, SAS IO unit; 08 reserved
    "02 00 0000"                         // 0C NumPhys
    "00 09 00 0b  51080000"              // 10 Port, PortFlags, PhyFlags, rate; DeviceInfo
    "0a00 0100  10000000 00000000"       // 18 AttachedDevHandle, ControllerDevHandle, status
    "01 00 08 01  02000000"              // 24 the second phy: disabled
    "0000 0200  00000000 00000000");     // 2C

TEST(SasIoUnitPage0Test, PhysAreTwentyBytesApart) {
  const absl::StatusOr<SasIoUnitPage0> page = DecodeSasIoUnitPage0(kIoUnit0);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->phys.size(), 2u);
  const SasIoUnitPage0::Phy& first = page->phys[0];
  EXPECT_EQ(first.port, PhysicalPort(0));
  EXPECT_TRUE(first.port_flags & SasIoUnitPage0::kPortFlagDiscoveryInProgress);
  EXPECT_EQ(first.phy_flags, 0);
  EXPECT_EQ(first.negotiated_rate, 0x0b);
  EXPECT_EQ(first.controller_phy_device_info, 0x851u);
  EXPECT_EQ(first.attached_handle, DevHandle(10));
  EXPECT_EQ(first.controller_handle, DevHandle(1));
  EXPECT_EQ(first.discovery_status, 0x10u);
  const SasIoUnitPage0::Phy& second = page->phys[1];
  EXPECT_EQ(second.port, PhysicalPort(1));
  EXPECT_TRUE(second.phy_flags & SasIoUnitPage0::kPhyFlagDisabled);
  EXPECT_EQ(second.negotiated_rate, 0x01);
  EXPECT_EQ(second.controller_handle, DevHandle(2));
  EXPECT_EQ(EncodeSasIoUnitPage0(*page), kIoUnit0);
}

TEST(SasIoUnitPage0Test, PageShorterThanItsPhyCountIsAnError) {
  ExpectDecodesFrom(DecodeSasIoUnitPage0, kIoUnit0, kIoUnit0.size());
  Bytes liar = kIoUnit0;
  liar[0x0C] = 3;
  EXPECT_EQ(DecodeSasIoUnitPage0(liar).status().message(),
            "SAS IO unit page 0: 3 phys need 76 bytes, 56 are there");
}

TEST(SasIoUnitPage1Test, FieldsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex(
      "09 00 01 0f  0800 10 00"  // 00 header: page 1, 8 dwords
      "0102 0304 0506 0708"      // 08 ControlFlags, SASNarrow.., AdditionalControlFlags, SASWide..
      "01 20 82 0f"              // 10 NumPhys, SATAMaxQDepth, ReportDeviceMissingDelay, IO..
      "00 01 02 b8  01020304"    // 14 Port, PortFlags, PhyFlags, MaxMinLinkRate, DeviceInfo
      "0a0b 0000");              // 1C MaxTargetPortConnectTime
  const absl::StatusOr<SasIoUnitPage1> page = DecodeSasIoUnitPage1(bytes);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->control_flags, 0x0201);
  EXPECT_EQ(page->sas_narrow_max_queue_depth, 0x0403);
  EXPECT_EQ(page->additional_control_flags, 0x0605);
  EXPECT_EQ(page->sas_wide_max_queue_depth, 0x0807);
  EXPECT_EQ(page->sata_max_queue_depth, 32);
  EXPECT_EQ(MissingDelaySeconds(page->report_missing_delay), 32);
  EXPECT_EQ(page->io_missing_delay, 15);
  ASSERT_EQ(page->phys.size(), 1u);
  EXPECT_EQ(page->phys[0].port_flags, 1);
  EXPECT_EQ(page->phys[0].phy_flags, 2);
  EXPECT_EQ(page->phys[0].max_min_rate, 0xb8);
  EXPECT_EQ(page->phys[0].controller_phy_device_info, 0x04030201u);
  EXPECT_EQ(page->phys[0].max_target_port_connect_time, 0x0b0a);
  EXPECT_EQ(EncodeSasIoUnitPage1(*page), bytes);
  ExpectDecodesFrom(DecodeSasIoUnitPage1, bytes, bytes.size());
}

TEST(ManufacturingPage0Test, StringsMatchTheKernelHeaders) {
  const Bytes bytes = FromHex(
      "00 13 00 09"                          // 00 header: 19 dwords, manufacturing
      "53415333333038 000000000000000000"    // 04 ChipName "SAS3308"
      "43302020 20202020"                    // 14 ChipRevision "C0" and blanks
      "3934303500000000 0000000000000000"    // 1C BoardName "9405"
      "30332d3235363938 2d30314100000000"    // 2C BoardAssembly "03-25698-01A"
      "53505a31323334 ff0000000000000000");  // 3C BoardTracerNumber "SPZ1234" and noise
  const absl::StatusOr<ManufacturingPage0> page = DecodeManufacturingPage0(bytes);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->chip_name, "SAS3308");
  EXPECT_EQ(page->chip_revision, "C0");
  EXPECT_EQ(page->board_name, "9405");
  EXPECT_EQ(page->board_assembly, "03-25698-01A");
  EXPECT_EQ(page->board_tracer_number, "SPZ1234");
  ExpectDecodesFrom(DecodeManufacturingPage0, bytes, bytes.size());
}

TEST(ManufacturingPage0Test, StringThatFillsItsFieldHasNoNul) {
  ManufacturingPage0 page;
  page.board_name = "0123456789abcdefTOO LONG";
  const Bytes bytes = EncodeManufacturingPage0(page);
  EXPECT_EQ(bytes.size(), 0x4Cu);
  EXPECT_EQ(DecodeManufacturingPage0(bytes)->board_name, "0123456789abcdef");
  EXPECT_EQ(DecodeManufacturingPage0(bytes)->board_assembly, "");
}

TEST(RaidPagesTest, FieldsMatchTheKernelHeaders) {
  Bytes volume0(0x28);
  volume0[0x03] = 0x08;
  volume0[0x04] = 0x5d;
  volume0[0x05] = 0x01;
  volume0[0x06] = 4;     // VolumeState: degraded
  volume0[0x07] = 2;     // VolumeType: RAID 1
  volume0[0x10] = 0xff;  // MaxLBA
  volume0[0x24] = 2;     // NumPhysDisks
  const absl::StatusOr<RaidVolumePage0> page0 = DecodeRaidVolumePage0(volume0);
  ASSERT_TRUE(page0.ok()) << page0.status();
  EXPECT_EQ(page0->handle, DevHandle(0x15d));
  EXPECT_EQ(page0->state, 4);
  EXPECT_EQ(page0->type, 2);
  EXPECT_EQ(page0->max_lba, 0xffu);
  EXPECT_EQ(page0->disk_count, 2);
  EXPECT_EQ(ToString(*page0), "volume 0x015d degraded, 2 disks");
  ExpectDecodesFrom(DecodeRaidVolumePage0, volume0, 0x25);

  Bytes volume1(0x40);
  volume1[0x04] = 0x5d;
  volume1[0x30] = 0x01;  // WWID
  volume1[0x37] = 0x60;
  const absl::StatusOr<RaidVolumePage1> page1 = DecodeRaidVolumePage1(volume1);
  ASSERT_TRUE(page1.ok()) << page1.status();
  EXPECT_EQ(page1->handle, DevHandle(0x5d));
  EXPECT_EQ(page1->wwid, SasAddress(0x6000000000000001));
  ExpectDecodesFrom(DecodeRaidVolumePage1, volume1, 0x38);

  Bytes disk(0x78);
  disk[0x04] = 0x0b;  // DevHandle
  disk[0x07] = 3;     // PhysDiskNum
  disk[0x50] = 6;     // PhysDiskState: rebuilding
  const absl::StatusOr<PhysicalDiskPage0> page = DecodePhysicalDiskPage0(disk);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->handle, DevHandle(11));
  EXPECT_EQ(page->number, 3);
  EXPECT_EQ(ToString(*page), "physical disk 3 handle 0x000b rebuilding");
  ExpectDecodesFrom(DecodePhysicalDiskPage0, disk, 0x51);
}

TEST(RaidPagesTest, DecodingReturnsTheEncodedPage) {
  RaidVolumePage0 volume0;
  volume0.handle = DevHandle(0x101);
  volume0.state = 5;
  volume0.type = 1;
  volume0.max_lba = 0x123456789a;
  volume0.disk_count = 4;
  EXPECT_EQ(DecodeRaidVolumePage0(EncodeRaidVolumePage0(volume0))->max_lba, 0x123456789au);
  RaidVolumePage1 volume1;
  volume1.wwid = SasAddress(0x600508e000000000);
  EXPECT_EQ(DecodeRaidVolumePage1(EncodeRaidVolumePage1(volume1))->wwid, volume1.wwid);
  PhysicalDiskPage0 disk;
  disk.number = 9;
  EXPECT_EQ(DecodePhysicalDiskPage0(EncodePhysicalDiskPage0(disk))->number, 9);
}

TEST(PageHeaderTest, PlainHeaderHasFourBytesAndEightBitLength) {
  const absl::StatusOr<PageHeader> header = DecodePageHeader(FromHex("0a 0b 01 18"));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->version, 0x0a);
  EXPECT_EQ(header->dwords, 11);
  EXPECT_EQ(header->number, 1);
  EXPECT_EQ(header->type, PageType::kRaidVolume);  // without the "changeable" attribute
  ExpectDecodesFrom(DecodePageHeader, FromHex("0a 0b 01 18"), 4);
}

TEST(PageHeaderTest, ExtendedHeaderHasEightBytesAndSixteenBitLength) {
  const Bytes bytes = FromHex("06 00 00 0f  2301 11 00");
  const absl::StatusOr<PageHeader> header = DecodePageHeader(bytes);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->dwords, 0x0123);
  EXPECT_EQ(header->ext_type, ExtPageType::kSasExpander);
  ExpectDecodesFrom(DecodePageHeader, bytes, 8);
  Bytes stored(8);
  StorePageHeader(*header, absl::MakeSpan(stored));
  EXPECT_EQ(stored, bytes);
}

TEST(PageHeaderTest, EncodersFillInThePageLength) {
  const auto check = [](const Bytes& page, const PageHeader& identity) {
    const absl::StatusOr<PageHeader> header = DecodePageHeader(page);
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(size_t{4} * header->dwords, page.size());
    EXPECT_EQ(header->type, identity.type);
    EXPECT_EQ(header->ext_type, identity.ext_type);
    EXPECT_EQ(header->number, identity.number);
    EXPECT_EQ(header->version, identity.version);
    if (identity.dwords != 0) {
      EXPECT_EQ(header->dwords, identity.dwords);
    }
  };
  check(EncodeManufacturingPage0({}), ManufacturingPage0::kHeader);
  check(EncodeSasIoUnitPage0({}), SasIoUnitPage0::kHeader);
  check(EncodeSasIoUnitPage1({}), SasIoUnitPage1::kHeader);
  check(EncodeExpanderPage0({}), ExpanderPage0::kHeader);
  check(EncodeExpanderPage1({}), ExpanderPage1::kHeader);
  check(EncodeSasDevicePage0({}), SasDevicePage0::kHeader);
  check(EncodeSasPhyPage0({}), SasPhyPage0::kHeader);
  check(EncodeSasPhyPage1({}), SasPhyPage1::kHeader);
  check(EncodeEnclosurePage0({}), EnclosurePage0::kHeader);
  check(EncodeRaidVolumePage0({}), RaidVolumePage0::kHeader);
  check(EncodeRaidVolumePage1({}), RaidVolumePage1::kHeader);
  check(EncodePhysicalDiskPage0({}), PhysicalDiskPage0::kHeader);
  check(EncodeEmptyPage({0x02, 0, PageType::kIoUnit, ExtPageType::kNone, 5}),
        {0x02, 0, PageType::kIoUnit, ExtPageType::kNone, 5});
}

// mpi2_cnfg.h, MPI2_SAS_DEVICE_PGAD_* and so on.
TEST(PageAddressTest, FormIsInTheTopNibble) {
  EXPECT_EQ(page_address::Next(page_address::kStart), 0x0000FFFFu);
  EXPECT_EQ(page_address::Device(DevHandle(0x13)), 0x20000013u);
  EXPECT_EQ(page_address::Expander(DevHandle(0x0a)), 0x2000000Au);
  EXPECT_EQ(page_address::ExpanderPhy(DevHandle(0x0a), PhyId(0xfe)), 0x10FE000Au);
  EXPECT_EQ(page_address::Enclosure(EnclosureHandle(2)), 0x10000002u);
  EXPECT_EQ(page_address::Volume(DevHandle(0x101)), 0x10000101u);
  EXPECT_EQ(page_address::Phy(PhyId(7)), 0x00000007u);
  EXPECT_EQ(page_address::PhyIndex(0x123), 0x10000123u);
  EXPECT_EQ(page_address::PhysicalDiskNext(0xFF), 0x000000FFu);
  EXPECT_EQ(page_address::PhysicalDiskNumber(3), 0x10000003u);
  EXPECT_EQ(page_address::PhysicalDisk(DevHandle(0x0b)), 0x2000000Bu);
}

TEST(PageTextTest, EveryPageHasText) {
  EXPECT_EQ(
      ToString(*DecodeSasPhyPage0(kPhy0)),
      "phy of 0x0001 attached 0x000a 6 Gbps, programmed 1.5 Gbps to 12 Gbps, hardware 3 Gbps to "
      "22.5 Gbps, direct routing");
  EXPECT_NE(ToString(*DecodeExpanderPage1(kExpander1)).find("vacant, table routing, virtual"),
            std::string::npos);
  EXPECT_EQ(
      ToString(*DecodeExpanderPage0(kExpander0)),
      "expander 5000e0408200103f handle 0x000a parent 0x0009 phys 37 level 2 enclosure 0x0004");
  EXPECT_NE(ToString(*DecodeSasIoUnitPage0(kIoUnit0)).find("2 phys, phy 0 port 0 attached 0x000a"),
            std::string::npos);
  EXPECT_FALSE(ToString(SasIoUnitPage1()).empty());
  EXPECT_FALSE(ToString(SasPhyPage1()).empty());
  EXPECT_FALSE(ToString(EnclosurePage0()).empty());
  EXPECT_FALSE(ToString(RaidVolumePage1()).empty());
  EXPECT_FALSE(ToString(ManufacturingPage0()).empty());
}

}  // namespace
}  // namespace sasd::mpi
