#include "driver/transport/mpt3ctl/ctl_errors.h"

#include <errno.h>
#include <string.h>

#include "absl/strings/str_cat.h"

namespace sasd::mpt3ctl {
namespace {

using absl::StatusCode;

constexpr absl::string_view kLoad = "load the driver (modprobe mpt3sas)";

absl::Status Explain(StatusCode code, absl::string_view where, absl::string_view what, int error) {
  return absl::Status(code, absl::StrCat(where, ": ", what, " (", strerror(error), ")"));
}

absl::Status StatusOfOpen(int error, absl::string_view path) {
  switch (error) {
    case ENOENT:
      return Explain(StatusCode::kNotFound, path, absl::StrCat("no such node: ", kLoad), error);
    case ENODEV:
    case ENXIO:
      return Explain(StatusCode::kNotFound, path,
                     absl::StrCat("nothing answers at this node: ", kLoad), error);
    case EACCES:
    case EPERM:
      return Explain(StatusCode::kPermissionDenied, path,
                     absl::StrCat("run as root, or give a group access (it can then also flash "
                                  "firmware): chgrp GROUP ",
                                  path, " && chmod g+r ", path),
                     error);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Explain(StatusCode::kResourceExhausted, path,
                     "cannot be opened: raise the limit of open files", error);
    default:
      return Explain(StatusCode::kInternal, path, "cannot be opened", error);
  }
}

absl::Status StatusOfCommand(int error, absl::string_view where) {
  switch (error) {
    case EFAULT:
      return Explain(StatusCode::kUnavailable, where,
                     "the IOC was not operational for 10 s; the driver will reset it", error);
    case EINVAL:
      return Explain(StatusCode::kInvalidArgument, where,
                     "the driver refuses the request: a bad handle, or a device that is being "
                     "removed",
                     error);
    case ENODATA:
      return Explain(StatusCode::kAborted, where,
                     "the firmware did not answer in time, and the driver has reset the HBA",
                     error);
    default:
      return Explain(StatusCode::kInternal, where, "the command failed", error);
  }
}

}  // namespace

absl::Status StatusOfErrno(CtlCall call, int error, absl::string_view where) {
  if (call == CtlCall::kOpen) return StatusOfOpen(error, where);
  switch (error) {
    case EAGAIN:
      return Explain(StatusCode::kUnavailable, where,
                     "in reset, PCI recovery, loading or being removed; try again", error);
    case ETIME:
      return Explain(StatusCode::kUnavailable, where, "the driver is still loading; try again",
                     error);
    case EINTR:
      return Explain(StatusCode::kUnavailable, where, "interrupted; try again", error);
    case ENODEV:
    case ENXIO:
      return Explain(StatusCode::kFailedPrecondition, where,
                     "the HBA is gone: unplugged, unbound from its driver, or at another node",
                     error);
    case ENOMEM:
      return Explain(StatusCode::kResourceExhausted, where,
                     "the kernel has no memory for the transfer; try again", error);
    case EPERM:
    case EACCES:
      return Explain(StatusCode::kPermissionDenied, where, "the driver refuses the call", error);
    case ENOTTY:
      return Explain(
          StatusCode::kUnimplemented, where,
          "the driver does not know this ioctl: the version differs, or this is no mpt3sas node",
          error);
    default:
      break;
  }
  if (call == CtlCall::kCommand) return StatusOfCommand(error, where);
  if (call == CtlCall::kReport && error == ENODATA) {
    return Explain(StatusCode::kFailedPrecondition, where, "events were never enabled", error);
  }
  return Explain(StatusCode::kInternal, where, "the ioctl failed", error);
}

}  // namespace sasd::mpt3ctl
