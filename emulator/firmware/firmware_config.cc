// CONFIG: reading and writing of configuration pages.
#include <algorithm>

#include "driver/wire/mpi/messages.h"
#include "driver/wire/mpi/pages.h"
#include "emulator/firmware/firmware.h"

namespace sasd::emulator {

using mpi::ConfigAction;
using mpi::Function;
using mpi::IocStatus;

FirmwareReply Firmware::Config(const Call& call) {
  const auto request = mpi::DecodeConfigRequest(call.request.frame);
  if (!request.ok()) return Plain(Function::kConfig, IocStatus::kInvalidField);
  const ConfigPages pages(call.fabric, topology_, settings_);
  mpi::ConfigReply reply;
  reply.action = request->action;
  FirmwareReply out;
  // The reply names the requested page even if it does not exist: else the kernel panics.
  std::tie(reply.header.status, reply.page) = pages.Header(request->page);
  const bool known = reply.header.status == IocStatus::kSuccess;
  switch (request->action) {
    case ConfigAction::kPageHeader:
      break;
    case ConfigAction::kReadCurrent:
    case ConfigAction::kReadDefault:
    case ConfigAction::kReadNvram: {
      if (!known) break;
      PageResult page = pages.Read(request->page, request->address);
      if (TakeFault(FaultKind::kPageReadFails)) page = {IocStatus::kInternalError, {}};
      reply.header.status = page.status;
      out.data_in_size = std::min(page.page.size(), call.request.data_in.size());
      std::copy_n(page.page.begin(), out.data_in_size, call.request.data_in.begin());
      break;
    }
    case ConfigAction::kWriteCurrent:
    case ConfigAction::kWriteNvram:
    case ConfigAction::kDefault:
      if (known) reply.header.status = WritePage(call, reply.page);
      break;
    default:
      reply.header.status = IocStatus::kConfigInvalidAction;
  }
  out.frame = mpi::EncodeConfigReply(reply);
  return out;
}

IocStatus Firmware::WritePage(const Call& call, const mpi::PageHeader& page) {
  if (call.request.data_out.size() < size_t{4} * page.dwords) return IocStatus::kConfigInvalidData;
  if (page.extended()) {
    const bool writable = page.ext_type == mpi::ExtPageType::kSasIoUnit && page.number == 1;
    if (!writable) return IocStatus::kConfigCantCommit;
    ApplySasIoUnit1(call);
    return IocStatus::kSuccess;
  }
  if (page.type == mpi::PageType::kManufacturing && page.number == 0) {
    return IocStatus::kConfigCantCommit;
  }
  const auto begin = call.request.data_out.begin();
  Bytes bytes(begin, begin + 4 * page.dwords);
  mpi::StorePageHeader(page, MutableByteSpan(bytes));
  settings_.written[{page.type, page.number}] = std::move(bytes);
  return IocStatus::kSuccess;
}

// The delays, the programmed rates of the HBA's phys, and which of them are disabled. As with SMP
// PHY CONTROL, rates count from a phy's next reset, and those that it does not have are left out.
void Firmware::ApplySasIoUnit1(const Call& call) {
  const auto page = mpi::DecodeSasIoUnitPage1(call.request.data_out);
  if (!page.ok()) return;
  settings_.report_missing_delay = page->report_missing_delay;
  settings_.io_missing_delay = page->io_missing_delay;
  const size_t count = std::min<size_t>(page->phys.size(), call.fabric.host(host_).phy_count);
  for (uint8_t i = 0; i < count; ++i) {
    const PhyRef phy{{true, host_}, i};
    const mpi::LinkRateRange rates = mpi::DecodeLinkRateRange(page->phys[i].max_min_rate);
    const bool sound = rates.minimum >= call.fabric.hardware_min(phy) &&
                       rates.minimum <= rates.maximum &&
                       rates.maximum <= call.fabric.hardware_max(phy);
    if (sound && (rates.minimum != call.fabric.programmed_min(phy) ||
                  rates.maximum != call.fabric.programmed_max(phy))) {
      actions_.push_back(PhyAction{phy, PhyActionKind::kNop, rates.minimum, rates.maximum});
    }
    const bool disable = page->phys[i].phy_flags & mpi::SasIoUnitPage0::kPhyFlagDisabled;
    if (disable == call.fabric.disabled(phy)) continue;
    actions_.push_back(
        PhyAction{phy, disable ? PhyActionKind::kDisable : PhyActionKind::kLinkReset});
  }
}

}  // namespace sasd::emulator
