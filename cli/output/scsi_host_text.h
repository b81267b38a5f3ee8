#ifndef CLI_OUTPUT_SCSI_HOST_TEXT_H_
#define CLI_OUTPUT_SCSI_HOST_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "sas/v1/node_service.pb.h"

// SCSI hosts and devices beside the topology, as text for people. Pure functions.
namespace sasd::cli {

// One line for the host and, beneath it, one for each device:
//   host1  megaraid_sas  0000:03:00.0  SCSI host without SAS transport: 12 disks, no topology
//     1:2:0:0  sda  disk  8.0TB  SEAGATE ST8000  RAID 1
std::string ScsiHostText(const sas::v1::ScsiHost& host);

// "scsi device 10:1:0:0", and beneath it "key:  value" for each field with a value.
std::string ScsiDeviceText(const sas::v1::ScsiHost& host, const sas::v1::ScsiDevice& device);

// Whether people may mean the device by this word: its SCSI address, block or generic device, WWID
// or serial.
bool IsCalled(const sas::v1::ScsiDevice& device, absl::string_view word);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_SCSI_HOST_TEXT_H_
