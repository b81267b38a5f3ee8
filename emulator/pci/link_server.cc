#include "emulator/pci/link_server.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "emulator/pci/link_codec.h"

namespace sasd::emulator::pci {
namespace {

absl::Status Failed() {
  return absl::UnavailableError(absl::StrCat("link: ", std::strerror(errno)));
}

// Takes the file descriptors that were sent with the bytes.
void TakeFiles(msghdr& message, std::vector<UniqueFd>& files) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      files.emplace_back(fd);
    }
  }
}

// Fills `out`. False if the other side closed the link before the first byte.
absl::StatusOr<bool> Receive(int socket, MutableByteSpan out, std::vector<UniqueFd>& files) {
  size_t at = 0;
  while (at < out.size()) {
    iovec piece{out.data() + at, out.size() - at};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxLinkFds * sizeof(int))> control;
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ECONNRESET && at == 0) return false;
    if (size < 0) return Failed();
    TakeFiles(message, files);
    if (size == 0 && at == 0) return false;
    if (size == 0) return absl::InvalidArgumentError("link: it ends within a message");
    at += static_cast<size_t>(size);
  }
  return true;
}

absl::Status Send(int socket, const Bytes& bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t size = send(socket, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EPIPE) return absl::OkStatus();  // the next read reports the end
    if (size < 0) return Failed();
    at += static_cast<size_t>(size);
  }
  return absl::OkStatus();
}

struct Message {
  LinkCommand command = LinkCommand::kReturn;
  Bytes payload;
  std::vector<UniqueFd> files;
};

absl::Status SyncMemory(Message message, PciFrontEnd& front_end) {
  const auto regions = DecodeSyncSystemMemory(message.payload, message.files.size());
  if (!regions.ok()) return regions.status();
  return front_end.MapMemory(*regions, std::move(message.files));
}

absl::StatusOr<uint64_t> AccessConfig(const Message& message, PciFrontEnd& front_end) {
  const auto access = DecodeConfigAccess(message.payload);
  if (!access.ok()) return access.status();
  if (message.command == LinkCommand::kConfigRead) return front_end.ReadConfig(*access);
  front_end.WriteConfig(*access);
  return 0;
}

absl::StatusOr<uint64_t> AccessBar(const Message& message, PciFrontEnd& front_end) {
  const auto access = DecodeBarAccess(message.payload);
  if (!access.ok()) return access.status();
  if (message.command == LinkCommand::kBarRead) return front_end.ReadBar(*access);
  front_end.WriteBar(*access);
  return 0;
}

// The value to return; nullopt: the message has no answer.
absl::StatusOr<std::optional<uint64_t>> Handle(Message message, PciFrontEnd& front_end) {
  switch (message.command) {
    case LinkCommand::kSyncSystemMemory: {
      if (absl::Status s = SyncMemory(std::move(message), front_end); !s.ok()) return s;
      return std::nullopt;
    }
    case LinkCommand::kSetIrqFd:  // KVM's; interrupts take another way here
      return std::nullopt;
    case LinkCommand::kConfigRead:
    case LinkCommand::kConfigWrite:
      return AccessConfig(message, front_end);
    case LinkCommand::kBarRead:
    case LinkCommand::kBarWrite:
      return AccessBar(message, front_end);
    case LinkCommand::kDeviceReset:
      front_end.ResetDevice();
      return uint64_t{0};
    case LinkCommand::kReturn:
      break;
  }
  return absl::InvalidArgumentError("link: an answer without a request");
}

}  // namespace

absl::Status ServeLink(const UniqueFd& socket, PciFrontEnd& front_end) {
  while (true) {
    Message message;
    Bytes bytes(kLinkHeaderSize);
    absl::StatusOr<bool> open = Receive(socket.get(), absl::MakeSpan(bytes), message.files);
    if (!open.ok() || !*open) return open.status();
    const absl::StatusOr<LinkHeader> header = DecodeLinkHeader(bytes);
    if (!header.ok()) return header.status();
    message.command = header->command;
    message.payload.resize(header->size);
    open = Receive(socket.get(), absl::MakeSpan(message.payload), message.files);
    if (!open.ok()) return open.status();
    if (!*open) return absl::InvalidArgumentError("link: it ends within a message");
    const auto answer = Handle(std::move(message), front_end);
    if (!answer.ok()) return answer.status();
    if (!answer->has_value()) continue;
    if (absl::Status s = Send(socket.get(), EncodeReturn(**answer)); !s.ok()) return s;
  }
}

}  // namespace sasd::emulator::pci
