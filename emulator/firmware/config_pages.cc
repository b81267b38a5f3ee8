#include "emulator/firmware/config_pages.h"

#include <algorithm>

#include "driver/wire/mpi/pages.h"

namespace sasd::emulator {
namespace {

using mpi::ExtPageType;
using mpi::IocStatus;
using mpi::PageHeader;
using mpi::PageType;

// Pages that the kernel's driver reads and whose content does not matter here. Sizes and versions:
// mpi2_cnfg.h (manufacturing 10 and 11: mpt3sas_base.h).
constexpr PageHeader kEmptyPages[] = {
    {0x00, 1, PageType::kManufacturing, ExtPageType::kNone, 65},
    {0x00, 10, PageType::kManufacturing, ExtPageType::kNone, 26},
    {0x00, 11, PageType::kManufacturing, ExtPageType::kNone, 23},
    {0x02, 0, PageType::kIoUnit, ExtPageType::kNone, 6},
    {0x04, 1, PageType::kIoUnit, ExtPageType::kNone, 2},
    {0x01, 3, PageType::kIoUnit, ExtPageType::kNone, 20},
    {0x00, 8, PageType::kIoUnit, ExtPageType::kNone, 10},
    {0x02, 0, PageType::kIoc, ExtPageType::kNone, 7},
    {0x05, 1, PageType::kIoc, ExtPageType::kNone, 6},
    {0x00, 8, PageType::kIoc, ExtPageType::kNone, 6},
    {0x04, 2, PageType::kBios, ExtPageType::kNone, 30},
    {0x01, 3, PageType::kBios, ExtPageType::kNone, 24},
    {0x01, 4, PageType::kBios, ExtPageType::kNone, 6},
};

PageResult Invalid() { return {IocStatus::kConfigInvalidPage, {}}; }

PageResult Found(Bytes page) { return {IocStatus::kSuccess, std::move(page)}; }

}  // namespace

std::pair<IocStatus, PageHeader> ConfigPages::Header(const PageHeader& page) const {
  // Pages with an address have the same length at every address.
  constexpr PageHeader kAddressed[] = {mpi::ExpanderPage0::kHeader,  mpi::ExpanderPage1::kHeader,
                                       mpi::SasDevicePage0::kHeader, mpi::SasPhyPage0::kHeader,
                                       mpi::SasPhyPage1::kHeader,    mpi::EnclosurePage0::kHeader};
  for (const PageHeader& known : kAddressed) {
    if (page.extended() && known.ext_type == page.ext_type && known.number == page.number) {
      return {IocStatus::kSuccess, known};
    }
  }
  const PageResult whole = Read(page, 0);
  if (whole.status != IocStatus::kSuccess) return {whole.status, page};
  const auto header = mpi::DecodePageHeader(whole.page);
  return header.ok() ? std::make_pair(IocStatus::kSuccess, *header)
                     : std::make_pair(IocStatus::kInternalError, page);
}

PageResult ConfigPages::Read(const PageHeader& page, uint32_t address) const {
  return page.extended() ? ReadExtended(page, address) : ReadPlain(page);
}

PageResult ConfigPages::ReadExtended(const PageHeader& page, uint32_t address) const {
  switch (page.ext_type) {
    case ExtPageType::kSasIoUnit:
      return page.number == 0 ? SasIoUnit0() : page.number == 1 ? SasIoUnit1() : Invalid();
    case ExtPageType::kSasExpander:
      return page.number == 0   ? Expander0(address)
             : page.number == 1 ? Expander1(address)
                                : Invalid();
    case ExtPageType::kSasDevice:
      return page.number == 0 ? Device0(address) : Invalid();
    case ExtPageType::kSasPhy:
      return page.number == 0 ? Phy0(address) : page.number == 1 ? Phy1(address) : Invalid();
    case ExtPageType::kEnclosure:
      return page.number == 0 ? Enclosure0(address) : Invalid();
    case ExtPageType::kNone:
    case ExtPageType::kLog:
      break;
  }
  return Invalid();
}

PageResult ConfigPages::ReadPlain(const PageHeader& page) const {
  if (page.type == PageType::kManufacturing && page.number == 0) return ManufacturingPage();
  const auto written = settings_.written.find({page.type, page.number});
  if (written != settings_.written.end()) return Found(written->second);
  for (const PageHeader& known : kEmptyPages) {
    if (known.type != page.type || known.number != page.number) continue;
    Bytes bytes = mpi::EncodeEmptyPage(known);
    // EEDPTagMode 1: with another value the kernel sets it and writes the page (mpt3sas_base.c).
    if (known.type == PageType::kManufacturing && known.number == 11) bytes[0x09] = 1;
    return Found(std::move(bytes));
  }
  return Invalid();  // no RAID volumes or disks exist here
}

PageResult ConfigPages::ManufacturingPage() const {
  mpi::ManufacturingPage0 page;
  page.chip_name = host_.chip_name;
  page.chip_revision = "C0";
  page.board_name = host_.board_name;
  page.board_assembly = host_.board_assembly;
  page.board_tracer_number = "V0000001";
  return Found(mpi::EncodeManufacturingPage0(page));
}

PageResult ConfigPages::SasIoUnit0() const {
  const ReportedNode& hba = *topology_.Node(kHbaHandle);
  mpi::SasIoUnitPage0 page;
  for (uint8_t i = 0; i < hba.phys.size(); ++i) {
    mpi::SasIoUnitPage0::Phy phy;
    phy.port = PhysicalPort(topology_.PortOf(i));
    if (fabric_.disabled({hba.ref, i})) phy.phy_flags = mpi::SasIoUnitPage0::kPhyFlagDisabled;
    phy.negotiated_rate = static_cast<uint8_t>(hba.phys[i].rate << 4 | hba.phys[i].rate);
    phy.controller_phy_device_info = DeviceInfo(*topology_.handles().Find(kHbaHandle));
    phy.attached_handle = DevHandle(hba.phys[i].handle);
    phy.controller_handle = DevHandle(kHbaHandle);
    phy.discovery_status = settings_.discovery_status;
    page.phys.push_back(phy);
  }
  return Found(mpi::EncodeSasIoUnitPage0(page));
}

PageResult ConfigPages::SasIoUnit1() const {
  const ReportedNode& hba = *topology_.Node(kHbaHandle);
  mpi::SasIoUnitPage1 page;
  page.report_missing_delay = settings_.report_missing_delay;
  page.io_missing_delay = settings_.io_missing_delay;
  for (uint8_t i = 0; i < hba.phys.size(); ++i) {
    mpi::SasIoUnitPage1::Phy phy;
    phy.port = PhysicalPort(topology_.PortOf(i));
    if (fabric_.disabled({hba.ref, i})) phy.phy_flags = mpi::SasIoUnitPage0::kPhyFlagDisabled;
    phy.max_min_rate = ProgrammedRates({hba.ref, i});
    phy.controller_phy_device_info = DeviceInfo(*topology_.handles().Find(kHbaHandle));
    page.phys.push_back(phy);
  }
  return Found(mpi::EncodeSasIoUnitPage1(page));
}

PageResult ConfigPages::Phy0(uint32_t address) const {
  const ReportedNode& hba = *topology_.Node(kHbaHandle);
  const uint32_t number = address & ~mpi::page_address::kFormMask;
  if (number >= hba.phys.size()) return Invalid();
  const PhyRef ref{hba.ref, static_cast<uint8_t>(number)};
  const ReportedPhy& phy = hba.phys[number];
  mpi::SasPhyPage0 page;
  page.owner_handle = DevHandle(kHbaHandle);
  page.attached_handle = DevHandle(phy.handle);
  page.attached_phy = AttachedPhy(ref, phy);
  page.programmed_rate = ProgrammedRates(ref);
  page.hardware_rate = HardwareRates(ref);
  page.change_count = fabric_.change_count(ref);
  page.phy_info = PhyInfo(ref);
  page.negotiated_rate = static_cast<uint8_t>(phy.rate << 4 | phy.rate);
  return Found(mpi::EncodeSasPhyPage0(page));
}

PageResult ConfigPages::Phy1(uint32_t address) const {
  const ReportedNode& hba = *topology_.Node(kHbaHandle);
  const uint32_t number = address & ~mpi::page_address::kFormMask;
  if (number >= hba.phys.size()) return Invalid();
  const PhyErrors errors = fabric_.errors({hba.ref, static_cast<uint8_t>(number)});
  mpi::SasPhyPage1 page;
  page.invalid_dword_count = errors.invalid_dwords;
  page.running_disparity_error_count = errors.disparity_errors;
  page.loss_of_dword_sync_count = errors.loss_of_sync;
  page.phy_reset_problem_count = errors.reset_problems;
  return Found(mpi::EncodeSasPhyPage1(page));
}

PageResult ConfigPages::Enclosure0(uint32_t address) const {
  const uint16_t given = static_cast<uint16_t>(address);
  const auto& all = topology_.enclosures();
  auto it = all.end();
  if ((address & mpi::page_address::kFormMask) == mpi::page_address::kFormEnclosure) {
    it = all.find(given);
  } else if (topology_.discovered()) {
    it = given == mpi::page_address::kStart ? all.begin() : all.upper_bound(given);
  }
  if (it == all.end()) return Invalid();
  mpi::EnclosurePage0 page;
  page.handle = EnclosureHandle(it->first);
  page.sep_handle = DevHandle(it->second.sep_handle);
  if (it->second.index == kNoIndex) {
    page.logical_id = host_.enclosure_logical_id;
    page.slot_count = host_.phy_count;
    page.flags = 0x0002;  // managed by the IOC over SGPIO
  } else {
    const EnclosureSpec& spec = fabric_.spec().enclosures[it->second.index];
    page.logical_id = spec.logical_id;
    page.slot_count = spec.slot_count;
    page.start_slot = spec.start_slot;
    page.flags = it->second.sep_handle != 0 ? 0x0004 : 0x0000;  // an SES enclosure, or unknown
    if (spec.level_valid) {
      page.flags |= mpi::EnclosurePage0::kFlagLevelValid;
      page.level = spec.level;
    }
  }
  return Found(mpi::EncodeEnclosurePage0(page));
}

}  // namespace sasd::emulator
