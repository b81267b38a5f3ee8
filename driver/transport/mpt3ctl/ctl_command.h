#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_COMMAND_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_COMMAND_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/endian.h"
#include "driver/transport/ioc_transport.h"
#include "driver/transport/mpt3ctl/ctl_codec.h"

namespace sasd::mpt3ctl {

// One COMMAND ioctl with all its memory. This is the only way to make one, so it decides what may
// be sent to an HBA that is not ours. Create() admits
//
//   IOC FACTS, PORT FACTS
//   CONFIG, actions header, read current, read default, read NVRAM
//   SMP PASSTHROUGH of the SMP functions that report or discover. PhysicalPort becomes 0xFF: the
//     IOC chooses.
//
// and refuses all other requests (kPermissionDenied; the message has the function and the reason).
// Thread-compatible.
class CtlCommand {
 public:
  // The driver resets the HBA when a command times out. So a command gets much longer than the
  // kernel's own config pages (15 s) and SMP requests (10 s).
  static constexpr absl::Duration kMinKernelTimeout = absl::Seconds(60);
  // The longest configuration page is 0xFFFF dwords.
  static constexpr size_t kMaxData = 0xFFFF * 4;

  // Copies the request. Errors: kPermissionDenied; kInvalidArgument: a frame whose size is not that
  // of its function, or more than kMaxData.
  static absl::StatusOr<CtlCommand> Create(uint32_t ioc_number,
                                           const transport::IocRequest& request);

  CtlCommand(CtlCommand&&) = default;
  CtlCommand& operator=(CtlCommand&&) = default;

  // For the ioctl, which writes nothing beyond this object's memory.
  MutableByteSpan Argument() { return absl::MakeSpan(argument_); }

  // After an ioctl that returned 0: the reply, a default reply if the IOC sent none. kAborted: a
  // host reset ended the command; the kernel returns 0 then, too, but writes nothing.
  absl::StatusOr<transport::IocReply> Reply() const;

  // The data read; IocReply::data_in_size bytes of it are valid.
  ByteSpan data_in() const { return data_in_; }

 private:
  CtlCommand(uint32_t ioc_number, const transport::IocRequest& request);

  uint8_t function_;
  Bytes reply_, data_in_, data_out_, argument_;
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_COMMAND_H_
