#include "emulator/firmware/firmware.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::emulator {
namespace {

using mpi::Function;
using mpi::IocState;
using mpi::IocStatus;

// mpi2_ioc.h, MPI2_IOCFACTS_CAPABILITY_*.
constexpr uint32_t kEventReplay = 0x00002000, kMsixIndex = 0x00008000, kTlr = 0x00000800;
constexpr uint32_t kCoredump = 0x00200000, kFastPath = 0x00020000, kTaskSetFull = 0x00000004;
constexpr uint16_t kScsiInitiator = 0x0002;               // MPI2_IOCFACTS_PROTOCOL_SCSI_INITIATOR
constexpr uint16_t kHeaderVersion = 0x3900;               // mpi2.h, MPI2_HEADER_VERSION
constexpr uint8_t kSasPhysicalPort = 0x30;                // MPI2_PORTFACTS_PORTTYPE_SAS_PHYSICAL
constexpr uint8_t kFirmwareFlashImage = 0x01;             // MPI2_FW_UPLOAD_ITYPE_FW_FLASH
constexpr uint32_t kFirmwareImageSignature = 0xEA000000;  // MPI2_FW_HEADER_SIGNATURE
constexpr uint32_t kFirmwareImageHeaderSize = 0x100;
constexpr size_t kFirmwareUploadRequestSize = 0x20, kFirmwareUploadReplySize = 0x18;
constexpr size_t kEventFrameOverhead = 0x1C + 0x0C;  // event reply and topology list before entries

// Encodes the delay as SAS IO unit page 1 does: seconds up to 127, else units of 16 s.
uint8_t EncodeMissingDelay(uint16_t seconds) {
  return seconds < 0x80 ? static_cast<uint8_t>(seconds) : static_cast<uint8_t>(0x80 | seconds / 16);
}

uint32_t EncodeFirmwareVersion(const std::string& text) {
  uint32_t version = 0;
  for (absl::string_view part : absl::StrSplit(text, '.')) {
    uint32_t number = 0;
    if (!absl::SimpleAtoi(part, &number)) number = 0;
    version = version << 8 | (number & 0xFF);
  }
  return version;
}

}  // namespace

const Firmware::Handler Firmware::kHandlers[] = {
    {Function::kScsiIo, &Firmware::ScsiIo, true},
    {Function::kTaskManagement, &Firmware::TaskManagement, true},
    {Function::kIocInit, &Firmware::IocInit, false},
    {Function::kIocFacts, &Firmware::IocFacts, false},
    {Function::kConfig, &Firmware::Config, true},
    {Function::kPortFacts, &Firmware::PortFacts, false},
    {Function::kPortEnable, &Firmware::PortEnable, true},
    {Function::kEventNotification, &Firmware::EventNotification, true},
    {Function::kEventAck, &Firmware::EventAck, true},
    {Function::kFirmwareUpload, &Firmware::FirmwareUpload, true},
    {Function::kSmpPassthrough, &Firmware::SmpPassthrough, true},
    {Function::kSasIoUnitControl, &Firmware::SasIoUnitControl, true},
    {Function::kMessageUnitReset, &Firmware::MessageUnitReset, false},
};

Firmware::Firmware(const FabricState& fabric, scsi::UnitMemory& memory, uint32_t host,
                   uint64_t seed)
    : memory_(memory), host_(host), seed_(seed), topology_(fabric, host) {
  settings_.report_missing_delay = EncodeMissingDelay(fabric.host(host).report_missing_delay_s);
  settings_.io_missing_delay = fabric.host(host).io_missing_delay_s;
}

FirmwareReply Firmware::Plain(Function function, IocStatus status) const {
  FirmwareReply reply;
  reply.frame = mpi::EncodeReplyHeader({function, status, 0});
  return reply;
}

FirmwareReply Firmware::Handle(const FabricState& fabric, const FirmwareRequest& request,
                               absl::Duration now) {
  const auto function = mpi::DecodeFunction(request.frame);
  if (!function.ok()) return Plain(Function::kScsiIo, IocStatus::kInvalidField);
  const auto handler = std::find_if(std::begin(kHandlers), std::end(kHandlers),
                                    [&](const Handler& h) { return h.function == *function; });
  if (handler == std::end(kHandlers)) return Plain(*function, IocStatus::kInvalidFunction);
  const bool usable = state_ == IocState::kOperational ||
                      (state_ == IocState::kReady && !handler->needs_operational);
  if (!usable) return Plain(*function, IocStatus::kInvalidState);
  const std::optional<IocStatus> fault = Faulted(*function, request.frame);
  if (fault) return Plain(*function, *fault);
  return (this->*handler->run)({fabric, request, now});
}

std::optional<IocStatus> Firmware::Faulted(Function function, ByteSpan frame) {
  const auto hook = hooks_.find(function);
  if (hook != hooks_.end()) {
    const std::optional<IocStatus> status = hook->second(frame);
    if (status) return status;
  }
  if (function == Function::kSmpPassthrough && TakeFault(FaultKind::kSmpTimeout)) {
    return IocStatus::kSasSmpRequestFailed;
  }
  return std::nullopt;
}

bool Firmware::TakeFault(FaultKind kind) {
  const auto it = faults_.find(kind);
  if (it == faults_.end() || it->second == 0) return false;
  --it->second;
  return true;
}

void Firmware::Inject(FaultKind kind, uint32_t count) {
  switch (kind) {
    case FaultKind::kPageReadFails:
    case FaultKind::kSmpTimeout:
      faults_[kind] += count;
      return;
    case FaultKind::kEventLost:
    case FaultKind::kEventDuplicated:
    case FaultKind::kEventTruncated:
    case FaultKind::kEventsReordered:
      events_.Inject(kind, count);
      return;
    case FaultKind::kIocFault:
      Fault();
      return;
  }
}

void Firmware::SetHook(Function function, RequestHook hook) {
  if (hook) {
    hooks_[function] = std::move(hook);
  } else {
    hooks_.erase(function);
  }
}

FirmwareReply Firmware::IocInit(const Call& call) {
  const auto request = mpi::DecodeIocInitRequest(call.request.frame);
  if (!request.ok()) return Plain(Function::kIocInit, IocStatus::kInvalidField);
  if (state_ != IocState::kReady) return Plain(Function::kIocInit, IocStatus::kInvalidState);
  who_init_ = request->who_init;
  state_ = IocState::kOperational;
  return Plain(Function::kIocInit, IocStatus::kSuccess);
}

FirmwareReply Firmware::IocFacts(const Call& call) {
  const HostSpec& host = call.fabric.host(host_);
  mpi::IocFactsReply facts;
  facts.header_version = kHeaderVersion;
  facts.max_chain_depth = 128;
  facts.who_init = who_init_;
  facts.port_count = 1;
  facts.request_credit = host.request_credit;
  facts.capabilities = kEventReplay | kMsixIndex | kTlr | kTaskSetFull;
  switch (host.generation) {
    case MpiGeneration::k2_0:
      facts.message_version = 0x0200;
      facts.max_msix_vectors = 1;
      facts.product_id = 0x2213;  // SAS, initiator; family SAS2008 (mpi2_image.h)
      break;
    case MpiGeneration::k2_5:
      facts.message_version = 0x0205;
      facts.max_msix_vectors = 8;
      facts.product_id = 0x2221;
      facts.capabilities |= kFastPath;
      break;
    case MpiGeneration::k2_6:
      facts.message_version = 0x0206;
      facts.capabilities |= kCoredump;
      facts.max_msix_vectors = 8;
      facts.product_id = 0x2231;
      facts.capabilities |= kFastPath;
      break;
  }
  facts.firmware_version = EncodeFirmwareVersion(host.firmware_version);
  facts.request_frame_dwords = 32;
  facts.max_chain_segment_size = 0;
  facts.max_initiators = 32;
  facts.max_targets = host.max_dev_handle;
  facts.max_expanders = 1024;
  facts.max_enclosures = 1024;
  facts.protocol_flags = kScsiInitiator;
  facts.high_priority_credit = 120;
  facts.max_reply_post_queue_depth = 65504;
  facts.reply_frame_dwords = host.reply_frame_dwords;
  facts.max_dev_handle = host.max_dev_handle;
  facts.max_persistent_entries = 128;
  facts.min_dev_handle = host.phy_count + 1;
  FirmwareReply reply;
  reply.frame = mpi::EncodeIocFactsReply(facts);
  return reply;
}

FirmwareReply Firmware::PortFacts(const Call&) {
  mpi::PortFactsReply facts;
  facts.port_type = kSasPhysicalPort;
  FirmwareReply reply;
  reply.frame = mpi::EncodePortFactsReply(facts);
  return reply;
}

FirmwareReply Firmware::PortEnable(const Call& call) {
  std::vector<mpi::EventData> events;
  DiscoveryRun discovery(call.fabric, topology_, DiscoveryOptions(call.fabric, call.now), events);
  discovery.RunFull();
  settings_.discovery_status = discovery.status();
  Post(events, call.now);
  FirmwareReply reply = Plain(Function::kPortEnable, IocStatus::kSuccess);
  reply.after_events = true;
  return reply;
}

FirmwareReply Firmware::EventNotification(const Call& call) {
  const auto request = mpi::DecodeEventNotificationRequest(call.request.frame);
  if (!request.ok()) return Plain(Function::kEventNotification, IocStatus::kInvalidField);
  events_.SetMasks(*request);
  // The kernel's driver expects the function's own reply, for the event "event change".
  mpi::EventNotificationReply answer;
  answer.event = static_cast<uint16_t>(mpi::EventCode::kEventChange);
  FirmwareReply reply;
  reply.frame = mpi::EncodeEventNotificationReply(answer);
  return reply;
}

FirmwareReply Firmware::EventAck(const Call& call) {
  const auto request = mpi::DecodeEventAckRequest(call.request.frame);
  const bool known = request.ok() && events_.Acknowledge(request->event, request->context);
  return Plain(Function::kEventAck, known ? IocStatus::kSuccess : IocStatus::kInvalidField);
}

FirmwareReply Firmware::MessageUnitReset(const Call&) {
  Reset();
  return Plain(Function::kMessageUnitReset, IocStatus::kSuccess);
}

// Answers with the header of the running image, which holds the versions (mpi2_image.h,
// MPI2_FW_IMAGE_HEADER). The request is MPI 2.5's (mpi2_ioc.h, MPI25_FW_UPLOAD_REQUEST): from
// MPI 2.5 on the kernel's driver reads the header.
FirmwareReply Firmware::FirmwareUpload(const Call& call) {
  const HostSpec& host = call.fabric.host(host_);
  const uint8_t image_type = Load8(call.request.frame, 0);
  if (host.generation == MpiGeneration::k2_0 || image_type != kFirmwareFlashImage ||
      call.request.frame.size() < kFirmwareUploadRequestSize) {
    return Plain(Function::kFirmwareUpload, IocStatus::kInvalidField);
  }
  Bytes image(kFirmwareImageHeaderSize);
  const MutableByteSpan out = absl::MakeSpan(image);
  const uint32_t version = EncodeFirmwareVersion(host.firmware_version);
  StoreLe32(out, 0x00, kFirmwareImageSignature);
  StoreLe32(out, 0x14, version);
  StoreLe32(out, 0x1C, version);  // the package's version
  StoreLe32(out, 0x2C, kFirmwareImageHeaderSize);
  const size_t offset = std::min<size_t>(LoadLe32(call.request.frame, 0x18), image.size());
  const size_t wanted = LoadLe32(call.request.frame, 0x1C);
  FirmwareReply reply;
  reply.data_in_size = std::min({image.size() - offset, wanted, call.request.data_in.size()});
  std::copy_n(image.begin() + static_cast<ptrdiff_t>(offset), reply.data_in_size,
              call.request.data_in.begin());
  reply.frame.resize(kFirmwareUploadReplySize);
  const Bytes header = mpi::EncodeReplyHeader({Function::kFirmwareUpload, IocStatus::kSuccess, 0});
  std::copy(header.begin(), header.end(), reply.frame.begin());
  const MutableByteSpan frame = absl::MakeSpan(reply.frame);
  Store8(frame, 0x00, image_type);
  Store8(frame, 0x02, kFirmwareUploadReplySize / 4);
  StoreLe32(frame, 0x14, kFirmwareImageHeaderSize);
  return reply;
}

void Firmware::Reset() {
  ++resets_;
  state_ = IocState::kReady;
  who_init_ = 0;
  topology_.Reset(seed_ * 0x9E3779B97F4A7C15 + host_ * 0x10001 + resets_);
  events_.Reset();
  actions_.clear();
  settings_.discovery_status = 0;
}

DiscoveryRun::Options Firmware::DiscoveryOptions(const FabricState& fabric,
                                                 absl::Duration now) const {
  DiscoveryRun::Options options;
  options.now = now;
  options.missing_delay = absl::Seconds(mpi::MissingDelaySeconds(settings_.report_missing_delay));
  const size_t frame = size_t{4} * fabric.host(host_).reply_frame_dwords;
  options.max_entries = std::max<size_t>(1, (frame - kEventFrameOverhead) / 4);
  options.deepest_first = fabric.host(host_).removes_deepest_first;
  return options;
}

void Firmware::Post(const std::vector<mpi::EventData>& events, absl::Duration now) {
  for (const mpi::EventData& event : events) events_.Post(event, now);
}

void Firmware::OnPhysChanged(const FabricState& fabric, absl::Span<const PhyRef> phys,
                             absl::Duration now) {
  if (state_ != IocState::kOperational || !topology_.discovered()) return;
  std::vector<mpi::EventData> events;
  DiscoveryRun discovery(fabric, topology_, DiscoveryOptions(fabric, now), events);
  discovery.Examine(phys);
  if (!events.empty()) settings_.discovery_status = discovery.status();
  Post(events, now);
}

void Firmware::RunTimers(const FabricState& fabric, absl::Duration now) {
  if (NextDeadline() > now || state_ != IocState::kOperational) return;
  std::vector<mpi::EventData> events;
  DiscoveryRun discovery(fabric, topology_, DiscoveryOptions(fabric, now), events);
  discovery.ExpireMissing();
  Post(events, now);
}

std::vector<FabricAction> Firmware::TakeActions() { return std::exchange(actions_, {}); }

}  // namespace sasd::emulator
