#ifndef EMULATOR_PCI_FAKE_GUEST_H_
#define EMULATOR_PCI_FAKE_GUEST_H_

#include <sys/mman.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "driver/base/endian.h"
#include "driver/base/unique_fd.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/pci/interrupts.h"
#include "emulator/pci/link_codec.h"

namespace sasd::emulator::pci {

// Counts interrupts.
class FakeInterrupts : public Interrupts {
 public:
  void SendMessage(uint64_t address, uint32_t data) override {
    messages.push_back({address, data});
  }
  void SetLine(bool level) override { line = level; }
  void AwaitLine() override { ++waits; }

  std::vector<std::pair<uint64_t, uint32_t>> messages;
  bool line = false;
  int waits = 0;
};

// A guest at the other end of a link, with a page of memory for each structure. Each call does one
// step of what the kernel's mpt3sas does at the start. Thread-compatible.
class FakeGuest {
 public:
  static constexpr uint64_t kMemory = 0x100000, kSize = 0x80000;
  static constexpr uint64_t kRequests = kMemory, kFrames = kMemory + 0x10000;
  static constexpr uint64_t kFreeRing = kMemory + 0x20000, kPostRing = kMemory + 0x30000;
  static constexpr uint64_t kSense = kMemory + 0x40000, kData = kMemory + 0x50000;
  static constexpr uint32_t kBar = 0xFE000000;
  static constexpr uint32_t kFrameSize = 128, kReplySize = 512;

  explicit FakeGuest(UniqueFd socket)
      : socket_(std::move(socket)), file_(memfd_create("guest", MFD_CLOEXEC)) {
    if (ftruncate(file_.get(), kSize) != 0) return;
    bytes_ = static_cast<uint8_t*>(
        mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0));
  }
  ~FakeGuest() { munmap(bytes_, kSize); }

  void HangUp() { socket_.Close(); }

  // The memory at a guest address.
  MutableByteSpan Memory(uint64_t address, size_t size) {
    return MutableByteSpan(bytes_ + (address - kMemory), size);
  }

  // Shares the memory and places the BAR.
  void Start() {
    SendRaw(LinkCommand::kSyncSystemMemory, EncodeSyncSystemMemory({{kMemory, kSize, 0}}), true);
    WriteConfig(0x14, kBar, 4);
    WriteConfig(0x04, 0x6, 2);
  }

  uint64_t Call(LinkCommand command, const Bytes& payload) {
    SendRaw(command, payload, false);
    uint8_t answer[kLinkHeaderSize + 8] = {};
    if (recv(socket_.get(), answer, sizeof(answer), MSG_WAITALL) != sizeof(answer)) return ~0ull;
    return LoadLe64(answer, kLinkHeaderSize);
  }
  uint32_t ReadConfig(uint32_t address, uint32_t size) {
    return static_cast<uint32_t>(
        Call(LinkCommand::kConfigRead, EncodeConfigAccess({address, 0, size})));
  }
  void WriteConfig(uint32_t address, uint32_t value, uint32_t size) {
    Call(LinkCommand::kConfigWrite, EncodeConfigAccess({address, value, size}));
  }
  uint32_t Read(uint32_t offset) {
    return static_cast<uint32_t>(
        Call(LinkCommand::kBarRead, EncodeBarAccess({kBar + offset, 0, 4, true})));
  }
  void Write(uint32_t offset, uint32_t value) {
    Call(LinkCommand::kBarWrite, EncodeBarAccess({kBar + offset, value, 4, true}));
  }
  void Write64(uint32_t offset, uint64_t value) {
    Call(LinkCommand::kBarWrite, EncodeBarAccess({kBar + offset, value, 8, true}));
  }

  uint32_t state() { return Read(0x00) >> 28; }

  // Sends a request over the doorbell. Empty if the IOC broke the protocol.
  Bytes Handshake(ByteSpan request) {
    Write(0x30, 0);
    Write(0x00, 0x42u << 24 | static_cast<uint32_t>(request.size() / 4) << 16);
    if ((Read(0x30) & 1) == 0 || (Read(0x00) & kUsed) == 0) return {};
    Write(0x30, 0);
    for (size_t i = 0; i < request.size(); i += 4) Write(0x00, LoadLe32(request, i));
    Bytes reply;
    size_t size = 4;
    while (reply.size() < size) {
      if ((Read(0x30) & 1) == 0) return {};
      reply.resize(reply.size() + 2);
      StoreLe16(absl::MakeSpan(reply), reply.size() - 2, static_cast<uint16_t>(Read(0x00)));
      Write(0x30, 0);
      if (reply.size() == 4) size = 4u * reply[2];
    }
    // The last interrupt, after the doorbell is free.
    if ((Read(0x30) & 1) == 0 || (Read(0x00) & kUsed) != 0) return {};
    Write(0x30, 0);
    return reply;
  }

  // Sends IOC INIT with rings of these depths; `frames` reply frames are free.
  Bytes Init(uint16_t post_depth = 16, uint16_t free_depth = 9, uint16_t config_flags = 0) {
    post_depth_ = post_depth;
    free_depth_ = free_depth;
    post_index_ = 0;
    std::memset(Memory(kPostRing, 8u * post_depth).data(), 0xFF, 8u * post_depth);
    for (uint32_t i = 0; i < free_depth; ++i) {
      StoreLe32(Memory(kFreeRing, 0x1000), 4 * i, static_cast<uint32_t>(kFrames + i * kReplySize));
    }
    mpi::IocInitRequest init;
    init.request_frame_dwords = kFrameSize / 4;
    init.reply_post_queue_depth = post_depth;
    init.reply_free_queue_depth = free_depth;
    init.request_frame_base = kRequests;
    init.reply_post_queue_address = kPostRing;
    init.reply_free_queue_address = kFreeRing;
    init.configuration_flags = config_flags;
    const Bytes reply = Handshake(mpi::EncodeIocInitRequest(init));
    free_index_ = free_depth - 1u;
    Write(0x48, free_index_);
    Write(0x6C, 0);
    Write(0x34, 0x40000001);
    return reply;
  }

  void Post(uint16_t smid, uint8_t flags, ByteSpan frame) {
    const MutableByteSpan to = Memory(kRequests + smid * kFrameSize, kFrameSize);
    std::fill(to.begin(), to.end(), 0);
    std::copy(frame.begin(), frame.end(), to.begin());
    Write64(0xC0, flags | uint64_t{smid} << 16);
  }

  struct Reply {
    uint8_t type = 0;  // of the descriptor
    uint16_t smid = 0;
    Bytes frame;  // kReplySize for an address reply
  };
  // Takes the next reply of queue 0. Frees its frame and updates the host index unless `keep`.
  std::optional<Reply> Take(bool keep = false) {
    const MutableByteSpan at = Memory(kPostRing + 8 * post_index_, 8);
    const uint64_t descriptor = LoadLe64(at, 0);
    if ((descriptor & 0xF) == 0xF) return std::nullopt;
    Reply reply;
    reply.type = descriptor & 0xF;
    reply.smid = static_cast<uint16_t>(descriptor >> 16);
    StoreLe64(at, 0, ~uint64_t{0});
    post_index_ = (post_index_ + 1) % post_depth_;
    if (reply.type == 1) {
      const uint32_t address = static_cast<uint32_t>(descriptor >> 32);
      const MutableByteSpan frame = Memory(address, kReplySize);
      reply.frame.assign(frame.begin(), frame.end());
      kept_.push_back(address);
    }
    if (!keep) GiveBack();
    return reply;
  }
  // Frees the kept frames and updates the host index.
  void GiveBack() {
    Write(0x6C, post_index_);
    for (uint32_t address : std::exchange(kept_, {})) {
      free_index_ = (free_index_ + 1) % free_depth_;
      StoreLe32(Memory(kFreeRing, 0x1000), 4 * free_index_, address);
      Write(0x48, free_index_);
    }
  }

  void DiagnosticReset() {
    for (uint32_t key : {0x0, 0xF, 0x4, 0xB, 0x2, 0x7, 0xD}) Write(0x04, key);
    Write(0x08, Read(0x08) | 0x4);
  }

  void SendRaw(LinkCommand command, const Bytes& payload, bool with_memory) {
    Bytes bytes = EncodeLinkHeader({command, static_cast<uint32_t>(payload.size())});
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    iovec piece{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (with_memory) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* const c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof(int));
      const int fd = file_.get();
      std::memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    (void)sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  }

 private:
  static constexpr uint32_t kUsed = 0x08000000;

  UniqueFd socket_;
  const UniqueFd file_;
  uint8_t* bytes_ = nullptr;
  uint32_t post_depth_ = 0, free_depth_ = 0, post_index_ = 0, free_index_ = 0;
  std::vector<uint32_t> kept_;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_FAKE_GUEST_H_
