#ifndef DRIVER_WIRE_MPI_CONSTANTS_H_
#define DRIVER_WIRE_MPI_CONSTANTS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

// The numbers of MPI 2.x, with the names of mpi2.h, mpi2_ioc.h, mpi2_cnfg.h, mpi2_sas.h and
// mpi2_init.h (Linux 6.1, drivers/scsi/mpt3sas/mpi). An enumeration may hold a value that has no
// name here.
namespace sasd::mpi {

// mpi2.h, MPI2_FUNCTION_*.
enum class Function : uint8_t {
  kScsiIo = 0x00,
  kTaskManagement = 0x01,
  kIocInit = 0x02,
  kIocFacts = 0x03,
  kConfig = 0x04,
  kPortFacts = 0x05,
  kPortEnable = 0x06,
  kEventNotification = 0x07,
  kEventAck = 0x08,
  kFirmwareDownload = 0x09,
  kFirmwareUpload = 0x12,
  kRaidAction = 0x15,
  kRaidScsiIo = 0x16,
  kToolbox = 0x17,
  kEnclosureProcessor = 0x18,
  kSmpPassthrough = 0x1A,
  kSasIoUnitControl = 0x1B,
  kSataPassthrough = 0x1C,
  kDiagBufferPost = 0x1D,
  kDiagRelease = 0x1E,
  kNvmeEncapsulated = 0x33,
  kMessageUnitReset = 0x40,
  kHandshake = 0x42,
};
std::string ToString(Function function);

// mpi2.h, MPI2_IOCSTATUS_*, without the "log info available" bit.
enum class IocStatus : uint16_t {
  kSuccess = 0x0000,
  kInvalidFunction = 0x0001,
  kBusy = 0x0002,
  kInvalidSgl = 0x0003,
  kInternalError = 0x0004,
  kInvalidVpId = 0x0005,
  kInsufficientResources = 0x0006,
  kInvalidField = 0x0007,
  kInvalidState = 0x0008,
  kOpStateNotSupported = 0x0009,
  kInsufficientPower = 0x000A,
  kFailure = 0x000F,
  kConfigInvalidAction = 0x0020,
  kConfigInvalidType = 0x0021,
  kConfigInvalidPage = 0x0022,
  kConfigInvalidData = 0x0023,
  kConfigNoDefaults = 0x0024,
  kConfigCantCommit = 0x0025,
  kScsiRecoveredError = 0x0040,
  kScsiInvalidDevHandle = 0x0042,
  kScsiDeviceNotThere = 0x0043,
  kScsiDataOverrun = 0x0044,
  kScsiDataUnderrun = 0x0045,
  kScsiIoDataError = 0x0046,
  kScsiProtocolError = 0x0047,
  kScsiTaskTerminated = 0x0048,
  kScsiResidualMismatch = 0x0049,
  kScsiTaskManagementFailed = 0x004A,
  kScsiIocTerminated = 0x004B,
  kScsiExtTerminated = 0x004C,
  kEedpGuardError = 0x004D,
  kEedpReferenceTagError = 0x004E,
  kEedpApplicationTagError = 0x004F,
  kSasSmpRequestFailed = 0x0090,
  kSasSmpDataOverrun = 0x0091,
};
constexpr uint16_t kIocStatusMask = 0x7FFF;
std::string ToString(IocStatus status);

// mpi2.h, MPI2_IOC_STATE_*: the doorbell's top nibble.
enum class IocState : uint8_t {
  kReset = 0x0,
  kReady = 0x1,
  kOperational = 0x2,
  kFault = 0x4,
  kCoredump = 0x5,
};
std::string ToString(IocState state);

// mpi2_cnfg.h, MPI2_CONFIG_ACTION_*.
enum class ConfigAction : uint8_t {
  kPageHeader = 0x00,
  kReadCurrent = 0x01,
  kWriteCurrent = 0x02,
  kDefault = 0x03,
  kWriteNvram = 0x04,
  kReadDefault = 0x05,
  kReadNvram = 0x06,
  kGetChangeable = 0x07,
};
std::string ToString(ConfigAction action);

// mpi2_cnfg.h, MPI2_CONFIG_PAGETYPE_*, without the attribute bits.
enum class PageType : uint8_t {
  kIoUnit = 0x00,
  kIoc = 0x01,
  kBios = 0x02,
  kRaidVolume = 0x08,
  kManufacturing = 0x09,
  kRaidPhysicalDisk = 0x0A,
  kExtended = 0x0F,
};
constexpr uint8_t kPageTypeMask = 0x0F;
std::string ToString(PageType type);

// mpi2_cnfg.h, MPI2_CONFIG_EXTPAGETYPE_*. Types whose pages this room does not decode have a text
// only.
enum class ExtPageType : uint8_t {
  kNone = 0x00,
  kSasIoUnit = 0x10,
  kSasExpander = 0x11,
  kSasDevice = 0x12,
  kSasPhy = 0x13,
  kLog = 0x14,
  kEnclosure = 0x15,
};
std::string ToString(ExtPageType type);

// mpi2_ioc.h, MPI2_EVENT_*.
enum class EventCode : uint16_t {
  kNone = 0x00,
  kLogData = 0x01,
  kStateChange = 0x02,
  kHardResetReceived = 0x05,
  kEventChange = 0x0A,
  kSasDeviceStatusChange = 0x0F,
  kIrOperationStatus = 0x14,
  kSasDiscovery = 0x16,
  kSasBroadcastPrimitive = 0x17,
  kSasInitDeviceStatusChange = 0x18,
  kSasInitTableOverflow = 0x19,
  kSasTopologyChangeList = 0x1C,
  kSasEnclosureDeviceStatusChange = 0x1D,
  kIrVolume = 0x1E,
  kIrPhysicalDisk = 0x1F,
  kIrConfigurationChangeList = 0x20,
  kLogEntryAdded = 0x21,
  kSasPhyCounter = 0x22,
  kGpioInterrupt = 0x23,
  kHostBasedDiscoveryPhy = 0x24,
  kSasQuiesce = 0x25,
  kSasNotifyPrimitive = 0x26,
  kTemperatureThreshold = 0x27,
  kHostMessage = 0x28,
  kPowerPerformanceChange = 0x29,
  kPcieDeviceStatusChange = 0x30,
  kPcieEnumeration = 0x31,
  kPcieTopologyChangeList = 0x32,
  kPcieLinkCounter = 0x33,
  kActiveCableException = 0x34,
  kSasDeviceDiscoveryError = 0x35,
};
std::string ToString(EventCode event);

// mpi2_ioc.h, MPI2_EVENT_SAS_TOPO_ES_*.
enum class ExpanderStatus : uint8_t {
  kNoExpander = 0x00,
  kAdded = 0x01,
  kNotResponding = 0x02,
  kResponding = 0x03,
  kDelayNotResponding = 0x04,
};
std::string ToString(ExpanderStatus status);

// mpi2_ioc.h, MPI2_EVENT_SAS_TOPO_RC_*: the low nibble of a topology entry's PhyStatus.
enum class PhyReason : uint8_t {
  kTargetAdded = 0x01,
  kTargetNotResponding = 0x02,
  kPhyChanged = 0x03,
  kNoChange = 0x04,
  kDelayNotResponding = 0x05,
};
std::string ToString(PhyReason reason);
constexpr uint8_t kPhyReasonMask = 0x0F;
constexpr uint8_t kPhyStatusVacant = 0x80;

// mpi2_ioc.h, MPI2_EVENT_SAS_DEV_STAT_RC_*.
enum class DeviceStatusReason : uint8_t {
  kSmartData = 0x05,
  kUnsupported = 0x07,
  kInternalDeviceReset = 0x08,
  kTaskAbortInternal = 0x09,
  kAbortTaskSetInternal = 0x0A,
  kClearTaskSetInternal = 0x0B,
  kQueryTaskInternal = 0x0C,
  kAsyncNotification = 0x0D,
  kInternalDeviceResetComplete = 0x0E,
  kTaskAbortInternalComplete = 0x0F,
  kSataInitFailure = 0x10,
  kExpanderReducedFunctionality = 0x11,
  kExpanderReducedFunctionalityComplete = 0x12,
};
std::string ToString(DeviceStatusReason reason);

// mpi2_cnfg.h, MPI2_RAID_VOL_STATE_* and MPI2_RAID_PD_STATE_*, in words.
std::string VolumeStateText(uint8_t state);
std::string PhysicalDiskStateText(uint8_t state);

// mpi2_sas.h, MPI2_SASSTATUS_*: why an SMP passthrough failed, in words.
std::string SasStatusText(uint8_t status);

// mpi2_sas.h, MPI2_SAS_OP_*.
enum class SasControlOp : uint8_t {
  kClearAllPersistent = 0x02,
  kPhyLinkReset = 0x06,
  kPhyHardReset = 0x07,
  kPhyClearErrorLog = 0x08,
  kSendPrimitive = 0x0A,
  kForceFullDiscovery = 0x0B,
  kTransmitPortSelect = 0x0C,
  kRemoveDevice = 0x0D,
  kLookupMapping = 0x0E,
  kSetIocParameter = 0x0F,
};
std::string ToString(SasControlOp operation);

// mpi2_init.h, MPI2_SCSITASKMGMT_TASKTYPE_*.
enum class TaskManagementType : uint8_t {
  kAbortTask = 0x01,
  kAbortTaskSet = 0x02,
  kTargetReset = 0x03,
  kLogicalUnitReset = 0x05,
  kClearTaskSet = 0x06,
  kQueryTask = 0x07,
  kClearAca = 0x08,
  kQueryTaskSet = 0x09,
  kQueryAsyncEvent = 0x0A,
};
std::string ToString(TaskManagementType type);

// mpi2_init.h, MPI2_SCSITASKMGMT_RSP_*.
enum class TaskManagementResponse : uint8_t {
  kComplete = 0x00,
  kInvalidFrame = 0x02,
  kNotSupported = 0x04,
  kFailed = 0x05,
  kSucceeded = 0x08,
  kInvalidLun = 0x09,
  kOverlappedTag = 0x0A,
  kQueuedOnIoc = 0x80,
};
std::string ToString(TaskManagementResponse response);

// mpi2_sas.h, MPI2_SAS_DEVICE_INFO_*: the type of an attached device, and its protocols.
namespace device_info {
constexpr uint32_t kTypeMask = 0x00000007;
constexpr uint32_t kNoDevice = 0, kEndDevice = 1, kEdgeExpander = 2, kFanoutExpander = 3;
constexpr uint32_t kSataHost = 0x00000008;
constexpr uint32_t kSmpInitiator = 0x00000010, kStpInitiator = 0x00000020;
constexpr uint32_t kSspInitiator = 0x00000040;
constexpr uint32_t kSataDevice = 0x00000080;
constexpr uint32_t kSmpTarget = 0x00000100, kStpTarget = 0x00000200, kSspTarget = 0x00000400;
constexpr uint32_t kDirectAttach = 0x00000800, kLsiDevice = 0x00001000;
constexpr uint32_t kAtapiDevice = 0x00002000, kSep = 0x00004000;
}  // namespace device_info
// "end device, SSP target, direct attach"
std::string DeviceInfoText(uint32_t info);

// mpi2_cnfg.h, MPI2_SAS_DEVICE0_FLAGS_*.
namespace device_flags {
constexpr uint16_t kPresent = 0x0001, kEnclosureLevelValid = 0x0002, kPersistent = 0x0004;
constexpr uint16_t kUnsupported = 0x0100, kFastPathCapable = 0x2000, kUnauthorized = 0x8000;
}  // namespace device_flags
// "present, fast path capable"; empty for 0.
std::string DeviceFlagsText(uint16_t flags);

// mpi2_cnfg.h, MPI2_SAS_PHYINFO_*.
namespace phy_info {
constexpr uint32_t kVacant = 0x80000000, kVirtual = 0x00001000;
constexpr uint32_t kRoutingMask = 0x000000F0, kDirect = 0x00, kSubtractive = 0x10, kTable = 0x20;
}  // namespace phy_info
// "table routing, virtual", "vacant, direct routing"; always names the routing.
std::string PhyInfoText(uint32_t info);

// mpi2_cnfg.h, MPI2_SAS_DEVICE0_ASTATUS_*.
namespace access_status {
constexpr uint8_t kNoErrors = 0x00, kSataInitFailed = 0x01, kCapabilityFailed = 0x02;
constexpr uint8_t kAffiliationConflict = 0x03, kNeedsInitialization = 0x04;
constexpr uint8_t kRouteNotAddressable = 0x05, kSmpErrorNotAddressable = 0x06, kBlocked = 0x07;
}  // namespace access_status

// In words: "SATA initialization failed". A status without a text gives "access status 0x42".
std::string AccessStatusText(uint8_t status);

// The bits of DiscoveryStatus (mpi2_ioc.h, MPI2_EVENT_SAS_DISC_DS_*; mpi2_cnfg.h has the same for
// SAS IO unit page 0 and expander page 0) in words, joined by ", "; empty for 0.
std::string DiscoveryStatusText(uint32_t status);

// mpi2_cnfg.h, MPI2_SASIOUNIT1_REPORT_MISSING_*: the report-missing delay byte of SAS IO unit page
// 1 in seconds; bit 7 set: units of 16 s.
constexpr uint16_t MissingDelaySeconds(uint8_t byte) {
  return (byte & 0x80) ? static_cast<uint16_t>((byte & 0x7F) * 16) : byte;
}

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_MPI_CONSTANTS_H_
