#include "driver/transport/mpt3ctl/ctl_errors.h"

#include <errno.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::mpt3ctl {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Case {
  CtlCall call;
  int error;
  StatusCode code;
  const char* text;  // the remedy, or the cause
};

constexpr Case kCases[] = {
    {CtlCall::kOpen, ENOENT, StatusCode::kNotFound, "modprobe mpt3sas"},
    {CtlCall::kOpen, ENODEV, StatusCode::kNotFound, "modprobe mpt3sas"},
    {CtlCall::kOpen, ENXIO, StatusCode::kNotFound, "modprobe mpt3sas"},
    {CtlCall::kOpen, EACCES, StatusCode::kPermissionDenied, "run as root"},
    {CtlCall::kOpen, EPERM, StatusCode::kPermissionDenied, "chmod g+r /dev/mpt3ctl"},
    {CtlCall::kOpen, EMFILE, StatusCode::kResourceExhausted, "open files"},
    {CtlCall::kOpen, EIO, StatusCode::kInternal, "cannot be opened"},
    {CtlCall::kAsk, EAGAIN, StatusCode::kUnavailable, "in reset"},
    {CtlCall::kReport, EAGAIN, StatusCode::kUnavailable, "in reset"},
    {CtlCall::kCommand, EAGAIN, StatusCode::kUnavailable, "in reset"},
    {CtlCall::kCommand, ETIME, StatusCode::kUnavailable, "loading"},
    {CtlCall::kCommand, EFAULT, StatusCode::kUnavailable, "not operational"},
    {CtlCall::kAsk, EFAULT, StatusCode::kInternal, "failed"},
    {CtlCall::kReport, EFAULT, StatusCode::kInternal, "failed"},
    {CtlCall::kAsk, ENODEV, StatusCode::kFailedPrecondition, "gone"},
    {CtlCall::kReport, ENODEV, StatusCode::kFailedPrecondition, "gone"},
    {CtlCall::kCommand, ENODEV, StatusCode::kFailedPrecondition, "gone"},
    {CtlCall::kCommand, EINVAL, StatusCode::kInvalidArgument, "bad handle"},
    {CtlCall::kReport, ENODATA, StatusCode::kFailedPrecondition, "never enabled"},
    {CtlCall::kCommand, ENODATA, StatusCode::kAborted, "has reset the HBA"},
    {CtlCall::kAsk, EINTR, StatusCode::kUnavailable, "interrupted"},
    {CtlCall::kCommand, ENOMEM, StatusCode::kResourceExhausted, "memory"},
    {CtlCall::kCommand, EPERM, StatusCode::kPermissionDenied, "refuses"},
    {CtlCall::kAsk, ENOTTY, StatusCode::kUnimplemented, "version"},
    {CtlCall::kCommand, EIO, StatusCode::kInternal, "failed"},
};

TEST(CtlErrorsTest, EachErrnoHasACauseAndARemedy) {
  for (const Case& c : kCases) {
    const absl::Status status = StatusOfErrno(c.call, c.error, "/dev/mpt3ctl");
    EXPECT_EQ(status.code(), c.code) << status;
    EXPECT_THAT(std::string(status.message()), StartsWith("/dev/mpt3ctl: "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.text));
  }
}

TEST(CtlErrorsTest, NoErrnoIsOk) {
  for (const CtlCall call : {CtlCall::kOpen, CtlCall::kAsk, CtlCall::kReport, CtlCall::kCommand}) {
    for (int error = -1; error < 140; ++error) {
      EXPECT_FALSE(StatusOfErrno(call, error, "x").ok()) << error;
    }
  }
}

}  // namespace
}  // namespace sasd::mpt3ctl
