#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_HOST_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_HOST_H_

#include <cstdint>
#include <string>

#include "driver/base/sas_address.h"

namespace sasd::mpt3ctl {

// An HBA that the kernel's driver owns, and its place at a control node. Plain value.
struct CtlHost {
  std::string node;         // "/dev/mpt3ctl"
  uint32_t ioc_number = 0;  // the HBA's number at that node: scsi_host's unique_id
  std::string os_name;      // "host11"
  std::string pci_address;  // "0000:03:00.0"; empty if unknown
  std::string driver_name;  // proc_name: "mpt2sas" or "mpt3sas"
  std::string board_name;
  std::string chip_name;
  SasAddress sas_address;  // host_sas_address; 0 if unknown
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_HOST_H_
