#include "driver/discovery/ioc_setup.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::discovery {
namespace {

// The events that the kernel driver unmasks (mpt3sas_base.c, _base_make_ioc_operational) and this
// driver uses.
constexpr mpi::EventCode kEvents[] = {
    mpi::EventCode::kLogEntryAdded,
    mpi::EventCode::kHardResetReceived,
    mpi::EventCode::kSasDeviceStatusChange,
    mpi::EventCode::kIrVolume,
    mpi::EventCode::kIrPhysicalDisk,
    mpi::EventCode::kIrConfigurationChangeList,
    mpi::EventCode::kSasDiscovery,
    mpi::EventCode::kSasBroadcastPrimitive,
    mpi::EventCode::kSasTopologyChangeList,
    mpi::EventCode::kSasEnclosureDeviceStatusChange,
    mpi::EventCode::kSasPhyCounter,
    mpi::EventCode::kTemperatureThreshold,
    mpi::EventCode::kSasDeviceDiscoveryError,
    mpi::EventCode::kActiveCableException,
};

// As long as the kernel's driver waits (mpt3sas_base.c, _base_send_ioc_init; _base_diag_reset may
// follow a message unit reset that fails, and takes minutes).
constexpr absl::Duration kInitTimeout = absl::Seconds(30), kResetTimeout = absl::Minutes(6);

absl::Status WithName(absl::string_view name, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(name, ": ", status.message()));
}

absl::StatusOr<Bytes> Ask(transport::IocTransport& ioc, absl::string_view name, const Bytes& frame,
                          absl::Duration timeout = absl::Seconds(10)) {
  transport::IocRequest request;
  request.frame = frame;
  request.timeout = timeout;
  absl::StatusOr<transport::IocReply> reply = ioc.Execute(request);
  if (!reply.ok()) return WithName(name, reply.status());
  const absl::StatusOr<mpi::ReplyHeader> header = mpi::DecodeReplyHeader(reply->frame);
  if (!header.ok()) return WithName(name, header.status());
  if (header->status != mpi::IocStatus::kSuccess) {
    const bool wrong_state = header->status == mpi::IocStatus::kInvalidState;
    return absl::Status(
        wrong_state ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kInternal,
        absl::StrCat(name, ": IOCStatus 0x",
                     absl::Hex(static_cast<uint16_t>(header->status), absl::kZeroPad4)));
  }
  return std::move(reply->frame);
}

}  // namespace

absl::StatusOr<mpi::IocFactsReply> SetUpIoc(transport::IocTransport& ioc, Clock& clock) {
  absl::StatusOr<Bytes> reply = Ask(ioc, "IOC facts", mpi::EncodeIocFactsRequest());
  if (!reply.ok()) return reply.status();
  absl::StatusOr<mpi::IocFactsReply> facts = mpi::DecodeIocFactsReply(*reply);
  if (!facts.ok()) return WithName("IOC facts", facts.status());
  if (!ioc.Info().owned) return facts;

  mpi::IocInitRequest init;
  init.message_version = facts->message_version;
  init.header_version = facts->header_version;
  init.timestamp_ms = static_cast<uint64_t>(absl::ToUnixMillis(clock.Now()));
  reply = Ask(ioc, "IOC init", mpi::EncodeIocInitRequest(init), kInitTimeout);
  if (absl::IsFailedPrecondition(reply.status())) {
    // It is operational already: takes it back to ready, as _base_make_ioc_ready() does.
    reply = Ask(ioc, "message unit reset", mpi::EncodeBareRequest(mpi::Function::kMessageUnitReset),
                kResetTimeout);
    if (!reply.ok()) return reply.status();
    reply = Ask(ioc, "IOC init", mpi::EncodeIocInitRequest(init), kInitTimeout);
  }
  if (!reply.ok()) return reply.status();

  mpi::EventNotificationRequest notification;
  for (mpi::EventCode event : kEvents) notification.Unmask(event);
  reply = Ask(ioc, "event notification", mpi::EncodeEventNotificationRequest(notification));
  if (!reply.ok()) return reply.status();
  return facts;
}

}  // namespace sasd::discovery
