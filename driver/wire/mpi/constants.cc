#include "driver/wire/mpi/constants.h"

#include "absl/strings/str_cat.h"
#include "driver/wire/text.h"

namespace sasd::mpi {
namespace {

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
    {0x09, "firmware download"},
    {0x12, "firmware upload"},
    {0x15, "RAID action"},
    {0x16, "RAID SCSI IO"},
    {0x17, "toolbox"},
    {0x18, "enclosure processor"},
    {0x1A, "SMP passthrough"},
    {0x1B, "SAS IO unit control"},
    {0x1C, "SATA passthrough"},
    {0x1D, "diag buffer post"},
    {0x1E, "diag release"},
    {0x33, "NVMe encapsulated"},
    {0x40, "message unit reset"},
    {0x42, "handshake"},
};

constexpr Word kIocStatuses[] = {
    {0x00, "success"},
    {0x01, "invalid function"},
    {0x02, "busy"},
    {0x03, "invalid SGL"},
    {0x04, "internal error"},
    {0x05, "invalid VP ID"},
    {0x06, "insufficient resources"},
    {0x07, "invalid field"},
    {0x08, "invalid state"},
    {0x09, "not supported in this state"},
    {0x0A, "insufficient power"},
    {0x0F, "failure"},
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
    {0x4D, "EEDP: guard error"},
    {0x4E, "EEDP: reference tag error"},
    {0x4F, "EEDP: application tag error"},
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

constexpr Word kIocStates[] = {
    {0, "reset"}, {1, "ready"}, {2, "operational"}, {4, "fault"}, {5, "coredump"},
};

constexpr Word kConfigActions[] = {
    {0, "header"},      {1, "read current"}, {2, "write current"}, {3, "default"},
    {4, "write NVRAM"}, {5, "read default"}, {6, "read NVRAM"},    {7, "get changeable"},
};

constexpr Word kPageTypes[] = {
    {0x00, "IO unit"},     {0x01, "IOC"},           {0x02, "BIOS"},
    {0x08, "RAID volume"}, {0x09, "manufacturing"}, {0x0A, "RAID physical disk"},
    {0x0F, "extended"},
};

constexpr Word kExtPageTypes[] = {
    {0x10, "SAS IO unit"},
    {0x11, "SAS expander"},
    {0x12, "SAS device"},
    {0x13, "SAS phy"},
    {0x14, "log"},
    {0x15, "enclosure"},
    {0x16, "RAID config"},
    {0x17, "driver mapping"},
    {0x18, "SAS port"},
    {0x19, "Ethernet"},
    {0x1A, "ext manufacturing"},
    {0x1B, "PCIe IO unit"},
    {0x1C, "PCIe switch"},
    {0x1D, "PCIe device"},
    {0x1E, "PCIe link"},
};

constexpr Word kSasControlOps[] = {
    {0x02, "clear all persistent"}, {0x06, "phy link reset"}, {0x07, "phy hard reset"},
    {0x08, "phy clear error log"},  {0x0A, "send primitive"}, {0x0B, "force full discovery"},
    {0x0C, "transmit port select"}, {0x0D, "remove device"},  {0x0E, "lookup mapping"},
    {0x0F, "set IOC parameter"},
};

constexpr Word kTaskManagementTypes[] = {
    {0x01, "abort task"}, {0x02, "abort task set"}, {0x03, "target reset"},
    {0x05, "LUN reset"},  {0x06, "clear task set"}, {0x07, "query task"},
    {0x08, "clear ACA"},  {0x09, "query task set"}, {0x0A, "query async event"},
};

constexpr Word kTaskManagementResponses[] = {
    {0x00, "complete"},  {0x02, "invalid frame"}, {0x04, "not supported"},  {0x05, "failed"},
    {0x08, "succeeded"}, {0x09, "invalid LUN"},   {0x0A, "overlapped tag"}, {0x80, "queued on IOC"},
};

constexpr Word kDeviceTypes[] = {
    {0, "no device"},
    {1, "end device"},
    {2, "edge expander"},
    {3, "fanout expander"},
};

constexpr Word kDeviceInfoBits[] = {
    {0x0008, "SATA host"},     {0x0010, "SMP initiator"}, {0x0020, "STP initiator"},
    {0x0040, "SSP initiator"}, {0x0080, "SATA device"},   {0x0100, "SMP target"},
    {0x0200, "STP target"},    {0x0400, "SSP target"},    {0x0800, "direct attach"},
    {0x1000, "LSI device"},    {0x2000, "ATAPI device"},  {0x4000, "SEP"},
};

constexpr Word kDeviceFlags[] = {
    {0x0001, "present"},
    {0x0002, "enclosure level valid"},
    {0x0004, "persistent"},
    {0x0008, "port selector"},
    {0x0010, "SATA FUA"},
    {0x0020, "SATA NCQ"},
    {0x0040, "SATA SMART"},
    {0x0080, "SATA 48-bit LBA"},
    {0x0100, "unsupported"},
    {0x0200, "SATA software preserve"},
    {0x0400, "SATA asynchronous notification"},
    {0x0800, "partial power management"},
    {0x1000, "slumber power management"},
    {0x2000, "fast path capable"},
    {0x4000, "fast path enabled"},
    {0x8000, "unauthorized"},
};

constexpr Word kRoutings[] = {{0x00, "direct"}, {0x10, "subtractive"}, {0x20, "table"}};

constexpr Word kVolumeStates[] = {
    {0, "missing"}, {1, "failed"},   {2, "initializing"},
    {3, "online"},  {4, "degraded"}, {5, "optimal"},
};

constexpr Word kPhysicalDiskStates[] = {
    {0, "not configured"}, {1, "not compatible"}, {2, "offline"},    {3, "online"},
    {4, "hot spare"},      {5, "degraded"},       {6, "rebuilding"}, {7, "optimal"},
};

constexpr Word kSasStatuses[] = {
    {0x00, "success"},
    {0x01, "unknown error"},
    {0x02, "invalid frame"},
    {0x03, "bad destination"},
    {0x04, "break received"},
    {0x05, "connection rate not supported"},
    {0x06, "port layer request"},
    {0x07, "protocol not supported"},
    {0x08, "STP resources busy"},
    {0x09, "wrong destination"},
    {0x0A, "short information unit"},
    {0x0B, "long information unit"},
    {0x0C, "transfer ready: incorrect write data"},
    {0x0D, "transfer ready: request offset error"},
    {0x0E, "transfer ready not expected"},
    {0x0F, "incorrect data length"},
    {0x10, "too much read data"},
    {0x11, "data offset error"},
    {0x12, "NAK received"},
    {0x13, "connection failed"},
    {0x14, "initiator response timeout"},
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
  return BitsText(kDiscoveryBits, status, "status bits");
}

std::string ToString(IocState state) { return TextOf(kIocStates, Number(state), "IOC state"); }
std::string ToString(ConfigAction action) {
  return TextOf(kConfigActions, Number(action), "config action");
}
std::string ToString(PageType type) { return TextOf(kPageTypes, Number(type), "page type"); }
std::string ToString(ExtPageType type) {
  return TextOf(kExtPageTypes, Number(type), "extended page type");
}
std::string ToString(SasControlOp operation) {
  return TextOf(kSasControlOps, Number(operation), "operation");
}
std::string ToString(TaskManagementType type) {
  return TextOf(kTaskManagementTypes, Number(type), "task management type");
}
std::string ToString(TaskManagementResponse response) {
  return TextOf(kTaskManagementResponses, Number(response), "response");
}

std::string DeviceInfoText(uint32_t info) {
  const std::string type = TextOf(kDeviceTypes, info & device_info::kTypeMask, "device type");
  const std::string bits = BitsText(kDeviceInfoBits, info & ~device_info::kTypeMask, "bits");
  return absl::StrCat(type, bits.empty() ? "" : ", ", bits);
}

std::string DeviceFlagsText(uint16_t flags) { return BitsText(kDeviceFlags, flags, "bits"); }

std::string PhyInfoText(uint32_t info) {
  return absl::StrCat((info & phy_info::kVacant) != 0 ? "vacant, " : "",
                      TextOf(kRoutings, info & phy_info::kRoutingMask, "routing attribute"),
                      " routing", (info & phy_info::kVirtual) != 0 ? ", virtual" : "");
}

std::string VolumeStateText(uint8_t state) { return TextOf(kVolumeStates, state, "state"); }
std::string PhysicalDiskStateText(uint8_t state) {
  return TextOf(kPhysicalDiskStates, state, "state");
}
std::string SasStatusText(uint8_t status) { return TextOf(kSasStatuses, status, "SAS status"); }

}  // namespace sasd::mpi
