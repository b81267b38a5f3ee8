#ifndef DAEMON_DIAGNOSIS_SCSI_HOST_CHECK_H_
#define DAEMON_DIAGNOSIS_SCSI_HOST_CHECK_H_

#include <vector>

#include "daemon/diagnosis/check.h"
#include "driver/observation/scsi_host.h"

namespace sasd {

// One check for each SAS host that cannot be read (HOST_UNREADABLE), for each host of SAS hardware
// that has no SAS transport (NO_SAS_TRANSPORT), and for each SAS host with devices that are no SAS
// objects (NO_SAS_OBJECT). Pure.
std::vector<DiagnosisCheck> CheckScsiHosts(const ScsiHosts& hosts);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_SCSI_HOST_CHECK_H_
