#include "driver/transport/pci_ioc/ioc_reset.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/transport/pci_ioc/doorbell_handshake.h"
#include "driver/transport/pci_ioc/system_interface.h"

namespace sasd::pci_ioc {
namespace {

using namespace system_interface;  // NOLINT: names of registers
using mpi::IocState;

constexpr absl::Duration kFromResetTimeout = absl::Seconds(10);
constexpr absl::Duration kMessageUnitResetTimeout = absl::Seconds(15);
constexpr absl::Duration kCoredumpTimeout = absl::Seconds(15);
constexpr absl::Duration kFactsTimeout = absl::Seconds(10);
constexpr absl::Duration kLook = absl::Milliseconds(100);
// The diagnostic reset (mpi2.h, MPI2_HARD_RESET_PCIE_*_READ_DELAY_MICRO_SEC).
constexpr int kKeyTries = 20;
constexpr absl::Duration kKeyDelay = absl::Milliseconds(100);
constexpr absl::Duration kFirstRead = absl::Milliseconds(50), kNextRead = absl::Milliseconds(256);
constexpr absl::Duration kAdapterResetTimeout = absl::Seconds(300);
constexpr absl::Duration kAfterResetTimeout = absl::Seconds(20);

absl::Status Gone() { return absl::UnavailableError("the IOC does not answer (all ones)"); }

// Waits until `done(value)`. Returns that value.
template <typename Done>
absl::StatusOr<DoorbellValue> AwaitState(PciBus& bus, Pacer& pacer, absl::Duration timeout,
                                         Done done) {
  const absl::Duration deadline = pacer.Monotonic() + timeout;
  while (true) {
    const DoorbellValue doorbell = ReadDoorbell(bus);
    if (doorbell.gone) return Gone();
    if (done(doorbell)) return doorbell;
    if (pacer.Monotonic() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat("the IOC stays in state ", ToString(doorbell),
                                                      " for ", absl::FormatDuration(timeout)));
    }
    if (absl::Status paused = pacer.Pause(kLook); !paused.ok()) return paused;
  }
}

bool IsReady(const DoorbellValue& doorbell) {
  return doorbell.state == IocState::kReady && !doorbell.used;
}

absl::Status MessageUnitReset(PciBus& bus, Pacer& pacer) {
  const auto facts = ReadIocFacts(bus, pacer);
  if (!facts.ok()) return facts.status();
  if ((facts->capabilities & kCapabilityEventReplay) == 0) {
    return absl::UnimplementedError("the firmware does not replay events");
  }
  if (absl::Status s =
          RingDoorbell(bus, pacer, mpi::Function::kMessageUnitReset, kMessageUnitResetTimeout);
      !s.ok()) {
    return s;
  }
  const auto ended = AwaitState(bus, pacer, kMessageUnitResetTimeout, [](const DoorbellValue& now) {
    return IsReady(now) || now.state == IocState::kFault || now.state == IocState::kCoredump;
  });
  if (!ended.ok()) return ended.status();
  if (!IsReady(*ended)) {
    return absl::AbortedError(absl::StrCat("the IOC is in state ", ToString(*ended)));
  }
  return absl::OkStatus();
}

// Opens the diagnostic register. Returns its value.
absl::StatusOr<uint32_t> EnableDiagnosticWrites(PciBus& bus, Pacer& pacer) {
  for (int attempt = 0; attempt < kKeyTries; ++attempt) {
    for (uint32_t key : kWriteKeys) bus.Write32(kWriteSequence, key);
    if (absl::Status paused = pacer.Pause(kKeyDelay); !paused.ok()) return paused;
    const uint32_t value = bus.Read32(kHostDiagnostic);
    if (value == kAllOnes) return Gone();
    if ((value & kDiagnosticWriteEnable) != 0) return value;
  }
  return absl::InternalError("the IOC refuses the keys of its diagnostic register");
}

absl::Status DiagnosticReset(PciBus& bus, Pacer& pacer) {
  const absl::StatusOr<uint32_t> opened = EnableDiagnosticWrites(bus, pacer);
  if (!opened.ok()) return opened.status();
  bus.Write32(kHostDiagnostic, *opened | kDiagnosticReset);
  const absl::Duration deadline = pacer.Monotonic() + kAdapterResetTimeout;
  uint32_t value = kDiagnosticReset;
  for (absl::Duration delay = kFirstRead; (value & kDiagnosticReset) != 0; delay = kNextRead) {
    if (pacer.Monotonic() >= deadline) {
      return absl::DeadlineExceededError(absl::StrFormat(
          "the diagnostic reset does not end (host diagnostic register 0x%08x)", value));
    }
    if (absl::Status paused = pacer.Pause(delay); !paused.ok()) return paused;
    value = bus.Read32(kHostDiagnostic);
    if (value == kAllOnes) return Gone();
  }
  bus.Write32(kHostDiagnostic, value & ~kDiagnosticHold);
  bus.Write32(kWriteSequence, kWriteKeys[0]);
  return AwaitState(bus, pacer, kAfterResetTimeout, IsReady).status();
}

}  // namespace

absl::StatusOr<mpi::IocFactsReply> ReadIocFacts(PciBus& bus, Pacer& pacer) {
  const auto reply = Handshake(bus, pacer, mpi::EncodeIocFactsRequest(), kFactsTimeout);
  if (!reply.ok()) return reply.status();
  const auto facts = mpi::DecodeIocFactsReply(*reply);
  if (!facts.ok())
    return absl::InternalError(absl::StrCat("IOC facts: ", facts.status().message()));
  if (facts->header.function != mpi::Function::kIocFacts ||
      facts->header.status != mpi::IocStatus::kSuccess) {
    return absl::InternalError(absl::StrCat("IOC facts: ", mpi::ToString(facts->header.function),
                                            " answered with ",
                                            mpi::ToString(facts->header.status)));
  }
  return facts;
}

absl::StatusOr<ResetKind> MakeReady(PciBus& bus, Pacer& pacer, ResetWish wish) {
  bus.Write32(kInterruptMask, kMaskAll);
  DoorbellValue doorbell = ReadDoorbell(bus);
  if (doorbell.gone) return Gone();
  if (doorbell.state == IocState::kReset) {
    const auto left = AwaitState(bus, pacer, kFromResetTimeout, [](const DoorbellValue& value) {
      return value.state != IocState::kReset;
    });
    // An IOC that hangs there is reset, too.
    if (!left.ok() && !absl::IsDeadlineExceeded(left.status())) return left.status();
    if (left.ok()) doorbell = *left;
  }
  if (IsReady(doorbell)) return ResetKind::kNone;
  if (doorbell.state == IocState::kCoredump) {
    const auto left = AwaitState(bus, pacer, kCoredumpTimeout, [](const DoorbellValue& value) {
      return value.state != IocState::kCoredump;
    });
    if (!left.ok() && !absl::IsDeadlineExceeded(left.status())) return left.status();
  }
  if (doorbell.state == IocState::kOperational && !doorbell.used && wish == ResetWish::kGentle) {
    const absl::Status reset = MessageUnitReset(bus, pacer);
    if (reset.ok()) return ResetKind::kMessageUnit;
    if (absl::IsCancelled(reset) || absl::IsUnavailable(reset)) return reset;
  }
  if (absl::Status reset = DiagnosticReset(bus, pacer); !reset.ok()) return reset;
  bus.Write32(kInterruptMask, kMaskAll);
  return ResetKind::kDiagnostic;
}

}  // namespace sasd::pci_ioc
