#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_ERRORS_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_ERRORS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sasd::mpt3ctl {

enum class CtlCall : uint8_t {
  kOpen,
  kAsk,      // IOCINFO, EVENTQUERY, EVENTENABLE
  kReport,   // EVENTREPORT
  kCommand,  // COMMAND
};

// The meaning and remedy of an errno of a control node (mpt3sas_ctl.c: _ctl_ioctl_main,
// _ctl_do_mpt_command, _ctl_eventreport). `where` begins the message: a path, or an IOC's name.
// Never OK. Pure, thread-safe.
//
//   kUnavailable         in reset, PCI recovery, loading or being removed; or not operational
//   kAborted             the command timed out there, and the driver has reset the HBA
//   kFailedPrecondition  the HBA is gone, from this node for good; kReport: no log yet
//   kNotFound            kOpen: there is no such node
//   kPermissionDenied    kOpen: the node's file mode
//   kInvalidArgument, kResourceExhausted, kUnimplemented, kInternal: as they say
absl::Status StatusOfErrno(CtlCall call, int error, absl::string_view where);

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_ERRORS_H_
