#ifndef EMULATOR_PCI_FAKE_GUEST_H_
#define EMULATOR_PCI_FAKE_GUEST_H_

#include <sys/mman.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "driver/base/endian.h"
#include "driver/base/fake_clock.h"
#include "driver/base/unique_fd.h"
#include "driver/transport/pci_ioc/doorbell_handshake.h"
#include "driver/transport/pci_ioc/fake_pacer.h"
#include "driver/transport/pci_ioc/ioc_reset.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/queue_layout.h"
#include "driver/transport/pci_ioc/reply_rings.h"
#include "driver/transport/pci_ioc/system_interface.h"
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

// A guest's bus at the other end of a link, as QEMU's proxy device is. It has no interrupts.
// Thread-compatible.
class LinkBus : public pci_ioc::PciBus {
 public:
  static constexpr uint64_t kMemory = 0x100000;
  static constexpr uint32_t kBar = 0xFE000000;

  explicit LinkBus(UniqueFd socket) : socket_(std::move(socket)) {}
  ~LinkBus() override {
    if (!arena_.empty()) munmap(arena_.data(), arena_.size());
  }

  void HangUp() { socket_.Close(); }
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
  uint64_t Call(LinkCommand command, const Bytes& payload) {
    SendRaw(command, payload, false);
    uint8_t answer[kLinkHeaderSize + 8] = {};
    if (recv(socket_.get(), answer, sizeof(answer), MSG_WAITALL) != sizeof(answer)) return ~0ull;
    return LoadLe64(answer, kLinkHeaderSize);
  }

  // PciBus
  const pci_ioc::PciFunction& function() const override { return function_; }
  uint32_t ReadConfig(uint32_t offset, uint32_t size) override {
    return static_cast<uint32_t>(
        Call(LinkCommand::kConfigRead, EncodeConfigAccess({offset, 0, size})));
  }
  void WriteConfig(uint32_t offset, uint32_t value, uint32_t size) override {
    Call(LinkCommand::kConfigWrite, EncodeConfigAccess({offset, value, size}));
  }
  uint32_t Read32(uint32_t offset) override {
    return static_cast<uint32_t>(
        Call(LinkCommand::kBarRead, EncodeBarAccess({kBar + offset, 0, 4, true})));
  }
  void Write32(uint32_t offset, uint32_t value) override {
    Call(LinkCommand::kBarWrite, EncodeBarAccess({kBar + offset, value, 4, true}));
  }
  void Write64(uint32_t offset, uint64_t value) override {
    Call(LinkCommand::kBarWrite, EncodeBarAccess({kBar + offset, value, 8, true}));
  }
  // Maps memory; Share() gives it to the link.
  absl::StatusOr<pci_ioc::DmaArena> AllocateArena(size_t size) override {
    file_ = UniqueFd(memfd_create("guest", MFD_CLOEXEC));
    if (ftruncate(file_.get(), static_cast<off_t>(size)) != 0) {
      return absl::ResourceExhaustedError("ftruncate");
    }
    void* const bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (bytes == MAP_FAILED) return absl::ResourceExhaustedError("mmap");
    arena_ = MutableByteSpan(static_cast<uint8_t*>(bytes), size);
    return pci_ioc::DmaArena{arena_, kMemory};
  }
  void Share() {
    SendRaw(LinkCommand::kSyncSystemMemory, EncodeSyncSystemMemory({{kMemory, arena_.size(), 0}}),
            true);
  }
  absl::StatusOr<size_t> EnableInterrupts(pci_ioc::InterruptMode, size_t) override { return 0; }
  void DisableInterrupts() override {}
  void RearmInterrupt() override {}
  pci_ioc::WaitResult Wait(absl::Duration) override { return {}; }
  void Wake() override {}
  bool ReleaseRequested() const override { return false; }
  absl::Status error() const override { return absl::OkStatus(); }

 private:
  const pci_ioc::PciFunction function_;
  UniqueFd socket_, file_;
  MutableByteSpan arena_;
};

// A guest at the other end of a link, made of the parts of the driver in userspace, with a page of
// memory for each structure. Each call does one step of a driver. Thread-compatible.
class FakeGuest {
 public:
  static constexpr uint64_t kMemory = LinkBus::kMemory, kSize = 0x80000;
  static constexpr uint64_t kRequests = kMemory, kFrames = kMemory + 0x10000;
  static constexpr uint64_t kFreeRing = kMemory + 0x20000, kPostRing = kMemory + 0x30000;
  static constexpr uint64_t kData = kMemory + 0x50000;
  static constexpr uint32_t kBar = LinkBus::kBar;
  static constexpr uint32_t kFrameSize = 128, kReplySize = 512;

  explicit FakeGuest(UniqueFd socket) : bus_(std::move(socket)) {
    memory_ = bus_.AllocateArena(kSize)->bytes;
  }

  void HangUp() { bus_.HangUp(); }

  // The memory at a guest address.
  MutableByteSpan Memory(uint64_t address, size_t size) {
    return memory_.subspan(address - kMemory, size);
  }

  // Shares the memory and places the BAR.
  void Start() {
    bus_.Share();
    WriteConfig(0x14, kBar, 4);
    WriteConfig(0x04, 0x6, 2);
  }

  uint64_t Call(LinkCommand command, const Bytes& payload) { return bus_.Call(command, payload); }
  uint32_t ReadConfig(uint32_t address, uint32_t size) { return bus_.ReadConfig(address, size); }
  void WriteConfig(uint32_t address, uint32_t value, uint32_t size) {
    bus_.WriteConfig(address, value, size);
  }
  uint32_t Read(uint32_t offset) { return bus_.Read32(offset); }
  void Write(uint32_t offset, uint32_t value) { bus_.Write32(offset, value); }
  void Write64(uint32_t offset, uint64_t value) { bus_.Write64(offset, value); }
  void SendRaw(LinkCommand command, const Bytes& payload, bool with_memory) {
    bus_.SendRaw(command, payload, with_memory);
  }

  uint32_t state() { return Read(0x00) >> 28; }

  // Sends a request over the doorbell. Empty if the IOC broke the protocol.
  Bytes Handshake(ByteSpan request) {
    return pci_ioc::Handshake(bus_, pacer_, request, absl::Seconds(1)).value_or(Bytes());
  }

  // Sends IOC INIT with rings of these depths; `free_depth` reply frames are free.
  Bytes Init(uint16_t post_depth = 16, uint16_t free_depth = 9, uint16_t config_flags = 0) {
    pci_ioc::QueueLayout layout;
    layout.request_count = 256;
    layout.reply_count = free_depth;
    layout.reply_post_depth = post_depth;
    layout.queue_count = 1;
    layout.request_size = kFrameSize;
    layout.reply_size = kReplySize;
    layout.replies = kFrames - kMemory;
    layout.reply_free = kFreeRing - kMemory;
    layout.reply_post = kPostRing - kMemory;
    rings_ = pci_ioc::ReplyRings(layout, memory_, kMemory);
    rings_.Reset();
    taken_.clear();
    mpi::IocInitRequest init;
    init.request_frame_dwords = kFrameSize / 4;
    init.reply_post_queue_depth = post_depth;
    init.reply_free_queue_depth = free_depth;
    init.request_frame_base = kRequests;
    init.reply_post_queue_address = kPostRing;
    init.reply_free_queue_address = kFreeRing;
    init.configuration_flags = config_flags;
    const Bytes reply = Handshake(mpi::EncodeIocInitRequest(init));
    GiveBack();
    Write(0x34, pci_ioc::system_interface::kMaskAllButReplies);
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
    Bytes frame;  // of an address reply
  };
  // Takes the next reply of queue 0. Updates the host indexes unless `keep`.
  std::optional<Reply> Take(bool keep = false) {
    if (taken_.empty()) {
      std::vector<pci_ioc::RingEntry> entries;
      rings_.Take(0, entries);
      std::move(entries.begin(), entries.end(), std::back_inserter(taken_));
    }
    if (taken_.empty()) return std::nullopt;
    const pci_ioc::RingEntry entry = std::move(taken_.front());
    taken_.pop_front();
    if (!keep) GiveBack();
    return Reply{static_cast<uint8_t>(entry.descriptor & 0xF), entry.smid, entry.frame};
  }
  // Updates the host indexes: the IOC gets the frames of all taken replies back.
  void GiveBack() {
    Write(0x6C, rings_.post_host_index(0));
    Write(0x48, rings_.free_host_index());
  }

  void DiagnosticReset() {
    (void)pci_ioc::MakeReady(bus_, pacer_, pci_ioc::ResetWish::kDiagnostic);
  }

 private:
  LinkBus bus_;
  FakeClock time_;  // of the guest's waits
  pci_ioc::FakePacer pacer_{time_};
  MutableByteSpan memory_;
  pci_ioc::ReplyRings rings_;
  std::deque<pci_ioc::RingEntry> taken_;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_FAKE_GUEST_H_
