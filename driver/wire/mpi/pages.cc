#include "driver/wire/mpi/pages.h"

#include "absl/strings/str_cat.h"
#include "driver/wire/layout.h"
#include "driver/wire/text.h"

namespace sasd::mpi {
namespace {

constexpr size_t kPlainHeaderSize = 4, kExtendedHeaderSize = 8;

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_MAN_0: offset and length of its strings.
struct StringField {
  size_t at, size;
  std::string ManufacturingPage0::*member;
};
constexpr StringField kManufacturingStrings[] = {
    {0x04, 16, &ManufacturingPage0::chip_name},
    {0x14, 8, &ManufacturingPage0::chip_revision},
    {0x1C, 16, &ManufacturingPage0::board_name},
    {0x2C, 16, &ManufacturingPage0::board_assembly},
    {0x3C, 16, &ManufacturingPage0::board_tracer_number},
};

// mpi2_cnfg.h, MPI2_SAS_IO_UNIT0_PHY_DATA.
constexpr size_t kIoUnit0PhysOffset = 0x10, kIoUnit0PhySize = 0x14;
template <typename Io, typename P>
void IoUnit0PhyLayout(const Io& io, size_t at, P& p) {
  io(at + 0x00, p.port);
  io(at + 0x01, p.port_flags);
  io(at + 0x02, p.phy_flags);
  io(at + 0x03, p.negotiated_rate);
  io(at + 0x04, p.controller_phy_device_info);
  io(at + 0x08, p.attached_handle);
  io(at + 0x0A, p.controller_handle);
  io(at + 0x0C, p.discovery_status);
}

// mpi2_cnfg.h, MPI2_SAS_IO_UNIT1_PHY_DATA.
constexpr size_t kIoUnit1PhysOffset = 0x14, kIoUnit1PhySize = 0x0C;
template <typename Io, typename P>
void IoUnit1PhyLayout(const Io& io, size_t at, P& p) {
  io(at + 0x00, p.port);
  io(at + 0x01, p.port_flags);
  io(at + 0x02, p.phy_flags);
  io(at + 0x03, p.max_min_rate);
  io(at + 0x04, p.controller_phy_device_info);
  io(at + 0x08, p.max_target_port_connect_time);
}

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_SASIOUNIT_1, before its phys.
template <typename Io, typename P>
void IoUnit1Layout(const Io& io, P& p) {
  io(0x08, p.control_flags);
  io(0x0A, p.sas_narrow_max_queue_depth);
  io(0x0C, p.additional_control_flags);
  io(0x0E, p.sas_wide_max_queue_depth);
  io(0x11, p.sata_max_queue_depth);
  io(0x12, p.report_missing_delay);
  io(0x13, p.io_missing_delay);
}

// The pages of fixed size. `kSize`: encoded bytes. `kNeeded`: the fewest bytes that decode.
template <typename Page>
struct Flat;

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_EXPANDER_0.
template <>
struct Flat<ExpanderPage0> {
  static constexpr char kName[] = "SAS expander page 0";
  static constexpr size_t kNeeded = 0x24, kSize = 0x3C;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x08, p.port);
    io(0x0A, p.enclosure_handle);
    io(0x0C, p.address);
    io(0x14, p.discovery_status);
    io(0x18, p.handle);
    io(0x1A, p.parent_handle);
    io(0x1C, p.change_count);
    io(0x1E, p.route_indexes);
    io(0x20, p.phy_count);
    io(0x21, p.sas_level);
    io(0x22, p.flags);
  }
};

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_EXPANDER_1.
template <>
struct Flat<ExpanderPage1> {
  static constexpr char kName[] = "SAS expander page 1";
  static constexpr size_t kNeeded = 0x20, kSize = 0x2C;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x08, p.port);
    io(0x0C, p.phy_count);
    io(0x0D, p.phy);
    io(0x10, p.programmed_rate);
    io(0x11, p.hardware_rate);
    io(0x12, p.attached_handle);
    io(0x14, p.phy_info);
    io(0x18, p.attached_device_info);
    io(0x1C, p.expander_handle);
    io(0x1E, p.change_count);
    io(0x1F, p.negotiated_rate);
    io(0x20, p.phy_identifier);
    io(0x21, p.attached_phy);
  }
};

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_SAS_DEV_0, without the connector's name. Linux declares that as 16
// bytes, of which its driver reads 4; FreeBSD as 4 and a reserved dword, so that the page has 0x38
// bytes, as it had before there were connector names.
template <>
struct Flat<SasDevicePage0> {
  static constexpr char kName[] = "SAS device page 0";
  static constexpr size_t kNeeded = 0x24, kSize = 0x38;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x08, p.slot);
    io(0x0A, p.enclosure_handle);
    io(0x0C, p.address);
    io(0x14, p.parent_handle);
    io(0x16, p.phy);
    io(0x17, p.access_status);
    io(0x18, p.handle);
    io(0x1A, p.attached_phy);
    io(0x1C, p.device_info);
    io(0x20, p.flags);
    io(0x22, p.port);
    io(0x23, p.max_port_connections);
    io(0x24, p.device_name);
    io(0x2F, p.enclosure_level);
  }
};
constexpr size_t kConnectorNameOffset = 0x30, kConnectorNameSize = 4;

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_SAS_PHY_0.
template <>
struct Flat<SasPhyPage0> {
  static constexpr char kName[] = "SAS phy page 0";
  static constexpr size_t kNeeded = 0x1D, kSize = 0x20;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x08, p.owner_handle);
    io(0x0C, p.attached_handle);
    io(0x0E, p.attached_phy);
    io(0x10, p.attached_phy_info);
    io(0x14, p.programmed_rate);
    io(0x15, p.hardware_rate);
    io(0x16, p.change_count);
    io(0x17, p.flags);
    io(0x18, p.phy_info);
    io(0x1C, p.negotiated_rate);
  }
};

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_SAS_PHY_1.
template <>
struct Flat<SasPhyPage1> {
  static constexpr char kName[] = "SAS phy page 1";
  static constexpr size_t kNeeded = 0x1C, kSize = 0x1C;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x0C, p.invalid_dword_count);
    io(0x10, p.running_disparity_error_count);
    io(0x14, p.loss_of_dword_sync_count);
    io(0x18, p.phy_reset_problem_count);
  }
};

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_SAS_ENCLOSURE_0.
template <>
struct Flat<EnclosurePage0> {
  static constexpr char kName[] = "SAS enclosure page 0";
  static constexpr size_t kNeeded = 0x20, kSize = 0x28;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x0C, p.logical_id);
    io(0x14, p.flags);
    io(0x16, p.handle);
    io(0x18, p.slot_count);
    io(0x1A, p.start_slot);
    io(0x1C, p.chassis_slot);
    io(0x1D, p.level);
    io(0x1E, p.sep_handle);
  }
};

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_RAID_VOL_0.
template <>
struct Flat<RaidVolumePage0> {
  static constexpr char kName[] = "RAID volume page 0";
  static constexpr size_t kNeeded = 0x25, kSize = 0x28;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x04, p.handle);
    io(0x06, p.state);
    io(0x07, p.type);
    io(0x10, p.max_lba);
    io(0x24, p.disk_count);
  }
};

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_RAID_VOL_1.
template <>
struct Flat<RaidVolumePage1> {
  static constexpr char kName[] = "RAID volume page 1";
  static constexpr size_t kNeeded = 0x38, kSize = 0x40;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x04, p.handle);
    io(0x30, p.wwid);
  }
};

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_RD_PDISK_0.
template <>
struct Flat<PhysicalDiskPage0> {
  static constexpr char kName[] = "RAID physical disk page 0";
  static constexpr size_t kNeeded = 0x51, kSize = 0x78;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x04, p.handle);
    io(0x07, p.number);
    io(0x50, p.state);
  }
};

template <typename Page>
absl::StatusOr<Page> DecodeFlat(ByteSpan bytes) {
  if (absl::Status s = CheckSize(Flat<Page>::kName, bytes, Flat<Page>::kNeeded); !s.ok()) return s;
  // Older versions of a page end earlier. Their missing fields read as 0, as in the kernel's driver
  // (mpt3sas_config.c copies the received bytes over a zeroed page).
  Bytes padded;
  if (bytes.size() < Flat<Page>::kSize) {
    padded.assign(bytes.begin(), bytes.end());
    padded.resize(Flat<Page>::kSize);
    bytes = padded;
  }
  Page page;
  Flat<Page>::Visit(Loader(bytes), page);
  return page;
}

// A page of `size` bytes that starts with `header`, with its length filled in.
Bytes NewPage(PageHeader header, size_t size) {
  header.dwords = static_cast<uint16_t>(size / 4);
  Bytes page(size);
  StorePageHeader(header, absl::MakeSpan(page));
  return page;
}

template <typename Page>
Bytes EncodeFlat(const Page& page) {
  Bytes bytes = NewPage(Page::kHeader, Flat<Page>::kSize);
  Flat<Page>::Visit(Storer(absl::MakeSpan(bytes)), page);
  return bytes;
}

absl::Status CheckPhyCount(absl::string_view what, ByteSpan page, size_t count, size_t needed) {
  if (page.size() >= needed) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", count, " phys need ", needed,
                                                 " bytes, ", page.size(), " are there"));
}

}  // namespace

// mpi2_cnfg.h, MPI2_SAS_PRATE_* and MPI2_SAS_HWRATE_*.
LinkRateRange DecodeLinkRateRange(uint8_t byte) {
  return {LinkRateFromNibble(byte & 0xF), LinkRateFromNibble(byte >> 4)};
}
uint8_t EncodeLinkRateRange(LinkRateRange range) {
  return static_cast<uint8_t>(static_cast<uint8_t>(range.maximum) << 4 |
                              static_cast<uint8_t>(range.minimum));
}

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_HEADER and MPI2_CONFIG_EXTENDED_PAGE_HEADER.
void StorePageHeader(const PageHeader& header, MutableByteSpan page) {
  Store8(page, 0x00, header.version);
  Store8(page, 0x02, header.number);
  Store8(page, 0x03, static_cast<uint8_t>(header.type));
  if (header.extended()) {
    StoreLe16(page, 0x04, header.dwords);
    Store8(page, 0x06, static_cast<uint8_t>(header.ext_type));
  } else {
    Store8(page, 0x01, static_cast<uint8_t>(header.dwords));
  }
}

absl::StatusOr<PageHeader> DecodePageHeader(ByteSpan page) {
  if (absl::Status s = CheckSize("page header", page, kPlainHeaderSize); !s.ok()) return s;
  PageHeader header;
  header.version = Load8(page, 0x00);
  header.number = Load8(page, 0x02);
  header.type = static_cast<PageType>(Load8(page, 0x03) & kPageTypeMask);
  if (!header.extended()) {
    header.dwords = Load8(page, 0x01);
    return header;
  }
  if (absl::Status s = CheckSize("extended page header", page, kExtendedHeaderSize); !s.ok()) {
    return s;
  }
  header.dwords = LoadLe16(page, 0x04);
  header.ext_type = static_cast<ExtPageType>(Load8(page, 0x06));
  return header;
}

Bytes EncodeEmptyPage(const PageHeader& header) {
  return NewPage(header, size_t{4} * header.dwords);
}

absl::StatusOr<ManufacturingPage0> DecodeManufacturingPage0(ByteSpan page) {
  if (absl::Status s = CheckSize("manufacturing page 0", page, 0x4C); !s.ok()) return s;
  ManufacturingPage0 decoded;
  for (const StringField& field : kManufacturingStrings) {
    decoded.*field.member = LoadText(page, field.at, field.size);
  }
  return decoded;
}

Bytes EncodeManufacturingPage0(const ManufacturingPage0& page) {
  Bytes bytes = NewPage(ManufacturingPage0::kHeader, 0x4C);
  for (const StringField& field : kManufacturingStrings) {
    StoreText(page.*field.member, absl::MakeSpan(bytes), field.at, field.size);
  }
  return bytes;
}

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_SASIOUNIT_0.
absl::StatusOr<SasIoUnitPage0> DecodeSasIoUnitPage0(ByteSpan page) {
  if (absl::Status s = CheckSize("SAS IO unit page 0", page, kIoUnit0PhysOffset); !s.ok()) return s;
  const size_t count = Load8(page, 0x0C);
  if (absl::Status s = CheckPhyCount("SAS IO unit page 0", page, count,
                                     kIoUnit0PhysOffset + count * kIoUnit0PhySize);
      !s.ok()) {
    return s;
  }
  SasIoUnitPage0 decoded;
  decoded.phys.resize(count);
  for (size_t i = 0; i < count; ++i) {
    IoUnit0PhyLayout(Loader(page), kIoUnit0PhysOffset + i * kIoUnit0PhySize, decoded.phys[i]);
  }
  return decoded;
}

Bytes EncodeSasIoUnitPage0(const SasIoUnitPage0& page) {
  Bytes bytes =
      NewPage(SasIoUnitPage0::kHeader, kIoUnit0PhysOffset + page.phys.size() * kIoUnit0PhySize);
  Store8(absl::MakeSpan(bytes), 0x0C, static_cast<uint8_t>(page.phys.size()));
  for (size_t i = 0; i < page.phys.size(); ++i) {
    IoUnit0PhyLayout(Storer(absl::MakeSpan(bytes)), kIoUnit0PhysOffset + i * kIoUnit0PhySize,
                     page.phys[i]);
  }
  return bytes;
}

// mpi2_cnfg.h, MPI2_CONFIG_PAGE_SASIOUNIT_1.
absl::StatusOr<SasIoUnitPage1> DecodeSasIoUnitPage1(ByteSpan page) {
  if (absl::Status s = CheckSize("SAS IO unit page 1", page, kIoUnit1PhysOffset); !s.ok()) return s;
  const size_t count = Load8(page, 0x10);
  if (absl::Status s = CheckPhyCount("SAS IO unit page 1", page, count,
                                     kIoUnit1PhysOffset + count * kIoUnit1PhySize);
      !s.ok()) {
    return s;
  }
  SasIoUnitPage1 decoded;
  IoUnit1Layout(Loader(page), decoded);
  decoded.phys.resize(count);
  for (size_t i = 0; i < count; ++i) {
    IoUnit1PhyLayout(Loader(page), kIoUnit1PhysOffset + i * kIoUnit1PhySize, decoded.phys[i]);
  }
  return decoded;
}

Bytes EncodeSasIoUnitPage1(const SasIoUnitPage1& page) {
  Bytes bytes =
      NewPage(SasIoUnitPage1::kHeader, kIoUnit1PhysOffset + page.phys.size() * kIoUnit1PhySize);
  const Storer io(absl::MakeSpan(bytes));
  IoUnit1Layout(io, page);
  io(0x10, static_cast<uint8_t>(page.phys.size()));
  for (size_t i = 0; i < page.phys.size(); ++i) {
    IoUnit1PhyLayout(io, kIoUnit1PhysOffset + i * kIoUnit1PhySize, page.phys[i]);
  }
  return bytes;
}

absl::StatusOr<ExpanderPage0> DecodeExpanderPage0(ByteSpan page) {
  return DecodeFlat<ExpanderPage0>(page);
}
Bytes EncodeExpanderPage0(const ExpanderPage0& page) { return EncodeFlat(page); }

absl::StatusOr<ExpanderPage1> DecodeExpanderPage1(ByteSpan page) {
  return DecodeFlat<ExpanderPage1>(page);
}
Bytes EncodeExpanderPage1(const ExpanderPage1& page) { return EncodeFlat(page); }

absl::StatusOr<SasDevicePage0> DecodeSasDevicePage0(ByteSpan page) {
  absl::StatusOr<SasDevicePage0> decoded = DecodeFlat<SasDevicePage0>(page);
  if (decoded.ok() && page.size() >= kConnectorNameOffset + kConnectorNameSize) {
    decoded->connector_name = LoadText(page, kConnectorNameOffset, kConnectorNameSize);
  }
  return decoded;
}
Bytes EncodeSasDevicePage0(const SasDevicePage0& page) {
  Bytes bytes = EncodeFlat(page);
  StoreText(page.connector_name, absl::MakeSpan(bytes), kConnectorNameOffset, kConnectorNameSize);
  return bytes;
}

absl::StatusOr<SasPhyPage0> DecodeSasPhyPage0(ByteSpan page) {
  return DecodeFlat<SasPhyPage0>(page);
}
Bytes EncodeSasPhyPage0(const SasPhyPage0& page) { return EncodeFlat(page); }

absl::StatusOr<SasPhyPage1> DecodeSasPhyPage1(ByteSpan page) {
  return DecodeFlat<SasPhyPage1>(page);
}
Bytes EncodeSasPhyPage1(const SasPhyPage1& page) { return EncodeFlat(page); }

absl::StatusOr<EnclosurePage0> DecodeEnclosurePage0(ByteSpan page) {
  return DecodeFlat<EnclosurePage0>(page);
}
Bytes EncodeEnclosurePage0(const EnclosurePage0& page) { return EncodeFlat(page); }

absl::StatusOr<RaidVolumePage0> DecodeRaidVolumePage0(ByteSpan page) {
  return DecodeFlat<RaidVolumePage0>(page);
}
Bytes EncodeRaidVolumePage0(const RaidVolumePage0& page) { return EncodeFlat(page); }

absl::StatusOr<RaidVolumePage1> DecodeRaidVolumePage1(ByteSpan page) {
  return DecodeFlat<RaidVolumePage1>(page);
}
Bytes EncodeRaidVolumePage1(const RaidVolumePage1& page) { return EncodeFlat(page); }

absl::StatusOr<PhysicalDiskPage0> DecodePhysicalDiskPage0(ByteSpan page) {
  return DecodeFlat<PhysicalDiskPage0>(page);
}
Bytes EncodePhysicalDiskPage0(const PhysicalDiskPage0& page) { return EncodeFlat(page); }

}  // namespace sasd::mpi
