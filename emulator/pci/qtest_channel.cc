#include "emulator/pci/qtest_channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace sasd::emulator::pci {
namespace {

// False: the other side has closed.
bool SendAll(int socket, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

QtestChannel::QtestChannel(UniqueFd socket)
    : socket_(std::move(socket)), writer_([this] { Write(); }), reader_([this] { Read(); }) {}

QtestChannel::~QtestChannel() {
  shutdown(socket_.get(), SHUT_RDWR);  // ends both threads
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
  }
  writer_.join();
  reader_.join();
}

void QtestChannel::Queue(const std::string& line) {
  if (closed_) return;
  outgoing_ += line;
  ++queued_;
}

void QtestChannel::Store32(uint64_t address, uint32_t value) {
  absl::MutexLock lock(&mu_);
  Queue(absl::StrFormat("writel 0x%x 0x%x\n", address, value));
}

void QtestChannel::HoldPin(int pin, bool hold) {
  absl::MutexLock lock(&mu_);
  int& holders = holders_[pin];
  const bool before = holders > 0;
  holders += hold ? 1 : -1;
  if (before == (holders > 0)) return;
  Queue(absl::StrFormat("set_irq_in /machine/q35/ioapic unnamed-gpio-in %d %d\n", pin,
                        before ? 0 : 1));
}

void QtestChannel::Await() {
  absl::MutexLock lock(&mu_);
  const uint64_t mine = queued_;
  const auto answered = [this, mine]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return closed_ || answered_ >= mine;
  };
  mu_.Await(absl::Condition(&answered));
}

void QtestChannel::Write() {
  while (true) {
    std::string bytes;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &QtestChannel::HasWork));
      if (closed_) return;
      bytes = std::exchange(outgoing_, {});
    }
    if (SendAll(socket_.get(), bytes)) continue;
    absl::MutexLock lock(&mu_);
    closed_ = true;
    return;
  }
}

std::optional<std::vector<uint64_t>> QtestChannel::Load64(absl::Span<const uint64_t> addresses) {
  absl::MutexLock lock(&mu_);
  if (closed_ || abandon_) return std::nullopt;
  const uint64_t first = queued_ + 1;
  for (uint64_t address : addresses) {
    Queue(absl::StrFormat("readq 0x%x\n", address));
    loads_[queued_];
  }
  const uint64_t last = queued_;
  const auto answered = [this, last]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return closed_ || abandon_ || answered_ >= last;
  };
  mu_.Await(absl::Condition(&answered));
  std::vector<uint64_t> values;
  for (uint64_t number = first; number <= last; ++number) {
    const auto load = loads_.find(number);
    const std::optional<std::string> line = load->second;
    loads_.erase(load);
    uint64_t value = 0;
    if (!line.has_value() || !absl::StartsWith(*line, "OK ") ||
        !absl::SimpleHexAtoi(absl::string_view(*line).substr(3), &value)) {
      continue;
    }
    values.push_back(value);
  }
  if (values.size() != addresses.size()) return std::nullopt;
  return values;
}

void QtestChannel::AbandonLoads(bool abandon) {
  absl::MutexLock lock(&mu_);
  abandon_ = abandon;
}

void QtestChannel::TakeAnswer(absl::string_view line) {
  const auto load = loads_.find(++answered_);
  if (load != loads_.end()) load->second = std::string(line);
}

// QEMU answers each command with one line, and sends nothing else as no interrupt is intercepted.
void QtestChannel::Read() {
  char bytes[4096];
  std::string rest;  // of a line that has not ended
  while (true) {
    const ssize_t size = recv(socket_.get(), bytes, sizeof(bytes), 0);
    if (size < 0 && errno == EINTR) continue;
    absl::MutexLock lock(&mu_);
    if (size <= 0) {
      closed_ = true;
      return;
    }
    rest.append(bytes, static_cast<size_t>(size));
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      TakeAnswer(absl::string_view(rest).substr(0, end));
      rest.erase(0, end + 1);
    }
  }
}

QtestInterrupts::QtestInterrupts(QtestChannel& channel, int slot)
    : channel_(channel), pin_(16 + 4 + slot % 4) {}

void QtestInterrupts::SendMessage(uint64_t address, uint32_t data) {
  channel_.Store32(address, data);
}

void QtestInterrupts::SetLine(bool level) {
  absl::MutexLock lock(&mu_);
  if (level == level_) return;
  level_ = level;
  channel_.HoldPin(pin_, level);
}

// VT-d 3.0, 10.4: GCMD_REG and GSTS_REG at 0x18, RTADDR_REG at 0x20.
std::optional<VtdState> QtestVtdRegisters::Read() {
  constexpr uint64_t kUnit = 0xFED90000;  // q35's, hw/i386/intel_iommu.h
  constexpr uint64_t kTranslationEnabled = uint64_t{1} << 63;
  {
    absl::MutexLock lock(&mu_);
    if (last_.has_value() && clock_.Monotonic() - last_time_ < kValid) return last_;
  }
  const auto values = channel_.Load64({kUnit + 0x18, kUnit + 0x20});
  absl::MutexLock lock(&mu_);
  last_.reset();
  if (!values.has_value()) return std::nullopt;
  last_ = VtdState{((*values)[0] & kTranslationEnabled) != 0, (*values)[1]};
  last_time_ = clock_.Monotonic();
  return last_;
}

void QtestVtdRegisters::SetMachineReset(bool in_progress) {
  channel_.AbandonLoads(in_progress);
  absl::MutexLock lock(&mu_);
  last_.reset();
}

}  // namespace sasd::emulator::pci
