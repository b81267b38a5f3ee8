#include "driver/mpi/constants.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "absl/types/span.h"

namespace sasd::mpi {
namespace {

struct Word {
  uint32_t value;
  absl::string_view text;
};

// The text of `value`, or "`what` 0x.." where it has none.
std::string TextOf(absl::Span<const Word> words, uint32_t value, absl::string_view what) {
  for (const Word& word : words) {
    if (word.value == value) return std::string(word.text);
  }
  return absl::StrFormat("%s 0x%02x", what, value);
}

constexpr Word kFunctions[] = {
    {0x00, "SCSI IO"},
    {0x01, "task management"},
    {0x02, "IOC init"},
    {0x03, "IOC facts"},
    {0x04, "config"},
    {0x05, "port facts"},
    {0x06, "port enable"},
    {0x07, "event notification"},
    {0x08, "event ack"},
    {0x1A, "SMP passthrough"},
    {0x1B, "SAS IO unit control"},
    {0x1C, "SATA passthrough"},
    {0x40, "message unit reset"},
};

constexpr Word kIocStatuses[] = {
    {0x00, "success"},
    {0x01, "invalid function"},
    {0x02, "busy"},
    {0x03, "invalid SGL"},
    {0x04, "internal error"},
    {0x06, "insufficient resources"},
    {0x07, "invalid field"},
    {0x08, "invalid state"},
    {0x20, "config: invalid action"},
    {0x21, "config: invalid type"},
    {0x22, "config: invalid page"},
    {0x23, "config: invalid data"},
    {0x24, "config: no defaults"},
    {0x25, "config: can't commit"},
    {0x40, "SCSI: recovered error"},
    {0x42, "SCSI: invalid device handle"},
    {0x43, "SCSI: device not there"},
    {0x44, "SCSI: data overrun"},
    {0x45, "SCSI: data underrun"},
    {0x46, "SCSI: IO data error"},
    {0x47, "SCSI: protocol error"},
    {0x48, "SCSI: task terminated"},
    {0x49, "SCSI: residual mismatch"},
    {0x4A, "SCSI: task management failed"},
    {0x4B, "SCSI: IOC terminated"},
    {0x4C, "SCSI: ext terminated"},
    {0x90, "SMP: request failed"},
    {0x91, "SMP: data overrun"},
};

constexpr Word kEvents[] = {
    {0x00, "none"},
    {0x01, "log data"},
    {0x02, "state change"},
    {0x05, "hard reset received"},
    {0x0A, "event change"},
    {0x0F, "device status change"},
    {0x14, "IR operation status"},
    {0x16, "discovery"},
    {0x17, "broadcast primitive"},
    {0x18, "initiator device status change"},
    {0x19, "initiator table overflow"},
    {0x1C, "topology change list"},
    {0x1D, "enclosure status change"},
    {0x1E, "IR volume"},
    {0x1F, "IR physical disk"},
    {0x20, "IR configuration change list"},
    {0x21, "log entry added"},
    {0x22, "phy counter"},
    {0x23, "GPIO interrupt"},
    {0x24, "host based discovery phy"},
    {0x25, "quiesce"},
    {0x26, "notify primitive"},
    {0x27, "temperature threshold"},
    {0x28, "host message"},
    {0x29, "power performance change"},
    {0x30, "PCIe device status change"},
    {0x31, "PCIe enumeration"},
    {0x32, "PCIe topology change list"},
    {0x33, "PCIe link counter"},
    {0x34, "active cable exception"},
    {0x35, "device discovery error"},
};

constexpr Word kExpanderStatuses[] = {
    {0, "no expander"},          {1, "added"}, {2, "not responding"}, {3, "responding"},
    {4, "delay not responding"},
};

constexpr Word kPhyReasons[] = {
    {1, "added"},     {2, "not responding"},       {3, "phy changed"},
    {4, "no change"}, {5, "delay not responding"},
};

constexpr Word kDeviceStatusReasons[] = {
    {0x05, "SMART: failure predicted"},
    {0x07, "device not supported"},
    {0x08, "internal device reset"},
    {0x09, "internal task abort"},
    {0x0A, "internal abort task set"},
    {0x0B, "internal clear task set"},
    {0x0C, "internal query task"},
    {0x0D, "asynchronous notification"},
    {0x0E, "internal device reset complete"},
    {0x0F, "internal task abort complete"},
    {0x10, "SATA initialization failed"},
    {0x11, "expander with reduced functionality"},
    {0x12, "expander with reduced functionality complete"},
};

constexpr Word kAccessStatuses[] = {
    {0x00, "no error"},
    {0x01, "SATA initialization failed"},
    {0x02, "SATA capability failed"},
    {0x03, "SATA affiliation conflict"},
    {0x04, "SATA needs initialization"},
    {0x05, "route not addressable"},
    {0x06, "SMP error, not addressable"},
    {0x07, "device blocked"},
    {0x10, "SATA initialization failed: unknown"},
    {0x11, "SATA initialization failed: affiliation conflict"},
    {0x12, "SATA initialization failed: diagnostics"},
    {0x13, "SATA initialization failed: identification"},
    {0x14, "SATA initialization failed: check power"},
    {0x15, "SATA initialization failed: PIO"},
    {0x16, "SATA initialization failed: MDMA"},
    {0x17, "SATA initialization failed: UDMA"},
    {0x18, "SATA initialization failed: zoning violation"},
    {0x19, "SATA initialization failed: not addressable"},
};

// mpi2_ioc.h, MPI2_EVENT_SAS_DISC_DS_*.
constexpr Word kDiscoveryBits[] = {
    {0x00000001, "loop detected"},
    {0x00000002, "unaddressable device"},
    {0x00000004, "multiple ports"},
    {0x00000010, "SMP timeout"},
    {0x00000020, "out of route entries"},
    {0x00000040, "route index does not exist"},
    {0x00000080, "SMP function failed"},
    {0x00000100, "SMP CRC error"},
    {0x00000200, "subtractive link"},
    {0x00000400, "table link"},
    {0x00000800, "unsupported device"},
    {0x00001000, "table-to-subtractive link"},
    {0x00002000, "multi-port domain"},
    {0x00004000, "expander with multiple subtractive ports"},
    {0x00008000, "multiple subtractive-to-subtractive links"},
    {0x08000000, "downstream initiator"},
    {0x10000000, "too many phys"},
    {0x20000000, "too many devices"},
    {0x40000000, "too many expanders"},
    {0x80000000, "too many enclosures"},
};

template <typename Enum>
uint32_t Number(Enum value) {
  return static_cast<uint32_t>(value);
}

}  // namespace

std::string ToString(Function function) { return TextOf(kFunctions, Number(function), "function"); }
std::string ToString(IocStatus status) {
  return TextOf(kIocStatuses, Number(status), "IOC status");
}
std::string ToString(EventCode event) { return TextOf(kEvents, Number(event), "event"); }
std::string ToString(ExpanderStatus status) {
  return TextOf(kExpanderStatuses, Number(status), "expander status");
}
std::string ToString(PhyReason reason) { return TextOf(kPhyReasons, Number(reason), "phy reason"); }
std::string ToString(DeviceStatusReason reason) {
  return TextOf(kDeviceStatusReasons, Number(reason), "device status");
}
std::string AccessStatusText(uint8_t status) {
  return TextOf(kAccessStatuses, status, "access status");
}

std::string DiscoveryStatusText(uint32_t status) {
  std::string text;
  const auto append = [&text](absl::string_view part) {
    if (!text.empty()) text += ", ";
    text.append(part.data(), part.size());
  };
  for (const Word& bit : kDiscoveryBits) {
    if (status & bit.value) append(bit.text);
    status &= ~bit.value;
  }
  if (status != 0) append(absl::StrFormat("status bits 0x%08x", status));
  return text;
}

}  // namespace sasd::mpi
