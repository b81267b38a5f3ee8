#include "emulator/pci/doorbell.h"

#include <iterator>
#include <utility>

namespace sasd::emulator::pci {
namespace {

constexpr uint32_t kUsed = 0x08000000;  // MPI2_DOORBELL_USED
constexpr uint32_t kKeys[] = {0xF, 0x4, 0xB, 0x2, 0x7, 0xD};
constexpr uint32_t kWriteEnable = 0x80, kResetHistory = 0x20, kResetAdapter = 0x04;

}  // namespace

uint32_t Doorbell::Read(mpi::IocState state, uint16_t code) const {
  uint32_t value = static_cast<uint32_t>(state) << 28;
  if (phase_ != Phase::kIdle) value |= kUsed;
  if (phase_ == Phase::kReply) return value | LoadLe16(buffer_, position_);
  const bool shows_code = state == mpi::IocState::kFault || state == mpi::IocState::kCoredump;
  return shows_code ? value | code : value;
}

std::optional<Bytes> Doorbell::Write(uint32_t value) {
  if (phase_ == Phase::kIdle) {
    const size_t dwords = value >> 16 & 0xFF;
    if (DoorbellFunction(value) != mpi::Function::kHandshake || dwords == 0) return std::nullopt;
    buffer_.clear();
    expected_ = 4 * dwords;
    phase_ = Phase::kRequest;
    interrupt_ = true;
    return std::nullopt;
  }
  if (phase_ != Phase::kRequest) return std::nullopt;
  buffer_.resize(buffer_.size() + 4);
  StoreLe32(absl::MakeSpan(buffer_), buffer_.size() - 4, value);
  if (buffer_.size() < expected_) return std::nullopt;
  phase_ = Phase::kBusy;
  return std::exchange(buffer_, {});
}

void Doorbell::Reply(Bytes frame) {
  if (phase_ != Phase::kBusy || frame.size() < 2) return;
  frame.resize(frame.size() & ~size_t{1});
  buffer_ = std::move(frame);
  position_ = 0;
  phase_ = Phase::kReply;
  interrupt_ = true;
}

void Doorbell::Acknowledge() {
  interrupt_ = false;
  if (phase_ != Phase::kReply) return;
  position_ += 2;
  interrupt_ = true;
  if (position_ >= buffer_.size()) phase_ = Phase::kIdle;
}

void HostDiagnostic::WriteKey(uint32_t value) {
  value &= 0xF;
  if (value == kKeys[keys_]) {
    ++keys_;
  } else {
    keys_ = value == kKeys[0] ? 1 : 0;
    writable_ = false;
  }
  if (keys_ < std::size(kKeys)) return;
  keys_ = 0;
  writable_ = true;
}

uint32_t HostDiagnostic::Read() const {
  return (writable_ ? kWriteEnable : 0) | (reset_history_ ? kResetHistory : 0);
}

bool HostDiagnostic::Write(uint32_t value) {
  if (!writable_) return false;
  if ((value & kResetHistory) == 0) reset_history_ = false;
  return (value & kResetAdapter) != 0;
}

}  // namespace sasd::emulator::pci
