#include "emulator/pci/qtest_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

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

// QEMU answers each command with one line, and sends nothing else as no interrupt is intercepted.
void QtestChannel::Read() {
  char bytes[4096];
  while (true) {
    const ssize_t size = recv(socket_.get(), bytes, sizeof(bytes), 0);
    if (size < 0 && errno == EINTR) continue;
    absl::MutexLock lock(&mu_);
    if (size <= 0) {
      closed_ = true;
      return;
    }
    answered_ += static_cast<uint64_t>(std::count(bytes, bytes + size, '\n'));
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

}  // namespace sasd::emulator::pci
