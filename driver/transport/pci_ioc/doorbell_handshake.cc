#include "driver/transport/pci_ioc/doorbell_handshake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/transport/pci_ioc/system_interface.h"

namespace sasd::pci_ioc {
namespace {

using namespace system_interface;  // NOLINT: names of registers

constexpr absl::Duration kDwordTimeout = absl::Seconds(5);
constexpr int kZeroReads = 30;
// Looks without a pause, then with short pauses: the IOC usually answers within microseconds.
constexpr int kSpins = 20, kShortPauses = 20;
constexpr absl::Duration kShortPause = absl::Microseconds(50), kPause = absl::Milliseconds(1);

absl::Status CheckAlive(PciBus& bus) {
  const DoorbellValue doorbell = ReadDoorbell(bus);
  if (doorbell.gone) return absl::UnavailableError("the IOC does not answer (all ones)");
  if (doorbell.state == mpi::IocState::kFault || doorbell.state == mpi::IocState::kCoredump) {
    return absl::AbortedError(absl::StrCat("the IOC is in state ", ToString(doorbell)));
  }
  return absl::OkStatus();
}

// Looks until `done(value of the register)`.
template <typename Done>
absl::Status Await(PciBus& bus, Pacer& pacer, uint32_t offset, absl::Duration timeout,
                   absl::string_view what, Done done) {
  const absl::Duration deadline = pacer.Monotonic() + timeout;
  for (int look = 0;; ++look) {
    const uint32_t value = bus.Read32(offset);
    if (value == kAllOnes) return absl::UnavailableError("the IOC does not answer (all ones)");
    if (done(value)) return absl::OkStatus();
    if (look < kSpins) continue;
    if (absl::Status alive = CheckAlive(bus); !alive.ok()) return alive;
    if (pacer.Monotonic() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat(what, ": not within ", absl::FormatDuration(timeout)));
    }
    const absl::Duration pause = look < kSpins + kShortPauses ? kShortPause : kPause;
    if (absl::Status paused = pacer.Pause(pause); !paused.ok()) return paused;
  }
}

absl::Status AwaitInterrupt(PciBus& bus, Pacer& pacer, absl::Duration timeout) {
  return Await(bus, pacer, kInterruptStatus, timeout, "the doorbell's interrupt",
               [](uint32_t status) { return (status & kDoorbellInterrupt) != 0; });
}

absl::Status AwaitTaken(PciBus& bus, Pacer& pacer, absl::Duration timeout) {
  return Await(bus, pacer, kInterruptStatus, timeout, "the IOC takes the doorbell",
               [](uint32_t status) { return (status & kDoorbellNotTaken) == 0; });
}

void Acknowledge(PciBus& bus) { bus.Write32(kInterruptStatus, 0); }

absl::Status SendRequest(PciBus& bus, Pacer& pacer, ByteSpan request) {
  if ((bus.Read32(kInterruptStatus) & kDoorbellInterrupt) != 0) Acknowledge(bus);  // an old one
  const auto function = static_cast<uint32_t>(mpi::Function::kHandshake);
  bus.Write32(kDoorbell, function << kDoorbellFunctionShift |
                             static_cast<uint32_t>(request.size() / 4) << kHandshakeDwordsShift);
  if (absl::Status s = AwaitInterrupt(bus, pacer, kDwordTimeout); !s.ok()) return s;
  Acknowledge(bus);
  if (absl::Status s = AwaitTaken(bus, pacer, kDwordTimeout); !s.ok()) return s;
  for (size_t at = 0; at < request.size(); at += 4) {
    bus.Write32(kDoorbell, LoadLe32(request, at));
    if (absl::Status s = AwaitTaken(bus, pacer, kDwordTimeout); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// The reply comes 16 bits at a time. Its third byte counts its dwords.
absl::StatusOr<Bytes> TakeReply(PciBus& bus, Pacer& pacer, absl::Duration timeout) {
  Bytes reply;
  size_t size = 4;
  while (reply.size() < size) {
    if (absl::Status s = AwaitInterrupt(bus, pacer, reply.empty() ? timeout : kDwordTimeout);
        !s.ok()) {
      return s;
    }
    const uint32_t value = bus.Read32(kDoorbell);
    if (value == kAllOnes) return absl::UnavailableError("the IOC does not answer (all ones)");
    reply.resize(reply.size() + 2);
    StoreLe16(absl::MakeSpan(reply), reply.size() - 2, static_cast<uint16_t>(value));
    Acknowledge(bus);
    if (reply.size() == 4) size = std::max<size_t>(4, size_t{4} * reply[2]);
  }
  return reply;
}

}  // namespace

DoorbellValue ReadDoorbell(PciBus& bus) {
  uint32_t value = 0;
  for (int i = 0; i < kZeroReads && value == 0; ++i) value = bus.Read32(kDoorbell);
  DoorbellValue doorbell;
  doorbell.gone = value == kAllOnes;
  doorbell.state = static_cast<mpi::IocState>(value >> 28);
  doorbell.used = (value & kDoorbellUsed) != 0;
  doorbell.code = static_cast<uint16_t>(value & kDoorbellData);
  return doorbell;
}

std::string ToString(const DoorbellValue& value) {
  if (value.gone) return "no answer (all ones)";
  const bool has_code =
      value.state == mpi::IocState::kFault || value.state == mpi::IocState::kCoredump;
  return absl::StrCat(mpi::ToString(value.state),
                      has_code ? absl::StrFormat(", code 0x%04x", value.code) : "",
                      value.used ? ", doorbell in use" : "");
}

absl::StatusOr<Bytes> Handshake(PciBus& bus, Pacer& pacer, ByteSpan request,
                                absl::Duration timeout) {
  if (request.empty() || request.size() % 4 != 0 || request.size() > 255 * 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("a request of ", request.size(), " bytes does not fit the doorbell"));
  }
  if (absl::Status alive = CheckAlive(bus); !alive.ok()) return alive;
  if (ReadDoorbell(bus).used) return absl::FailedPreconditionError("the doorbell is in use");
  if (absl::Status s = SendRequest(bus, pacer, request); !s.ok()) return s;
  absl::StatusOr<Bytes> reply = TakeReply(bus, pacer, timeout);
  if (!reply.ok()) return reply;
  // The last interrupt comes after the doorbell is free.
  if (absl::Status s = AwaitInterrupt(bus, pacer, kDwordTimeout); !s.ok()) return s;
  if (absl::Status s = Await(bus, pacer, kDoorbell, kDwordTimeout, "the doorbell is free",
                             [](uint32_t value) { return (value & kDoorbellUsed) == 0; });
      !s.ok()) {
    return s;
  }
  Acknowledge(bus);
  return reply;
}

absl::Status RingDoorbell(PciBus& bus, Pacer& pacer, mpi::Function function,
                          absl::Duration timeout) {
  if (absl::Status alive = CheckAlive(bus); !alive.ok()) return alive;
  bus.Write32(kDoorbell, static_cast<uint32_t>(function) << kDoorbellFunctionShift);
  return AwaitTaken(bus, pacer, timeout);
}

}  // namespace sasd::pci_ioc
