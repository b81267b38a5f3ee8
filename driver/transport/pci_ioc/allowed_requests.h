#ifndef DRIVER_TRANSPORT_PCI_IOC_ALLOWED_REQUESTS_H_
#define DRIVER_TRANSPORT_PCI_IOC_ALLOWED_REQUESTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "driver/transport/ioc_transport.h"

namespace sasd::pci_ioc {

// How a request reaches the IOC.
enum class RequestPath : uint8_t {
  kDoorbell,      // IOC facts, port facts, IOC init, message unit reset
  kPosted,        // a request frame, default descriptor
  kHighPriority,  // task management
  kScsiIo,
};

// Decides what may be sent to an IOC that is ours. It admits
//
//   IOC FACTS, PORT FACTS, IOC INIT, MESSAGE UNIT RESET, PORT ENABLE
//   EVENT NOTIFICATION, EVENT ACK
//   CONFIG, actions header, read current, read default, read NVRAM
//   SMP PASSTHROUGH of the SMP functions that report or discover
//   SCSI IO of commands that only read a unit's identity and state
//   TASK MANAGEMENT, target reset, logical unit reset and queries
//   SAS IO UNIT CONTROL, remove device
//
// and refuses all other requests (kPermissionDenied; the message has the function and the reason):
// no firmware download, no flash, no writing of pages, no data of disks. kInvalidArgument: a frame
// whose size is not that of its function, fields that this project does not know (such as a chain
// or an address), or data that does not go with the frame. Pure.
absl::StatusOr<RequestPath> CheckAllowed(const transport::IocRequest& request);

// The length of a SCSI command in bytes, from its first one (SPC-5, 4.2.5.1); 0: it does not say.
uint8_t CdbLength(uint8_t operation_code);

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_ALLOWED_REQUESTS_H_
