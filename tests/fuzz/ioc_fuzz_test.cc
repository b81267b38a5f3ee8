// A hostile IOC. The input is what its registers read and what it writes into the driver's memory:
// the driver in userspace may give it up or reset it, but accesses nothing outside of its arena,
// and answers each request once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "driver/base/endian.h"
#include "driver/base/fake_clock.h"
#include "driver/transport/pci_ioc/allowed_requests.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "driver/transport/pci_ioc/pacer.h"
#include "driver/transport/pci_ioc/pci_ioc_transport.h"
#include "driver/transport/pci_ioc/queue_layout.h"
#include "driver/transport/pci_ioc/reply_rings.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "tests/fuzz/properties.h"

namespace sasd::pci_ioc {
namespace {

using fuzz::Check;
using transport::IocReply;
using transport::IocRequest;

constexpr size_t kArena = PciBus::kMaxArena;
constexpr uint64_t kAddress = 0x7F00000000;

// Bytes of the input, then zeros.
class Input {
 public:
  explicit Input(ByteSpan bytes) : bytes_(bytes) {}

  bool over() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_[0];
    bytes_.remove_prefix(1);
    return byte;
  }
  uint64_t Number(int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= uint64_t{Byte()} << 8 * i;
    return value;
  }

 private:
  ByteSpan bytes_;
};

// Time passes so fast that registers which never change end every wait soon.
class FastPacer : public Pacer {
 public:
  explicit FastPacer(FakeClock& clock) : clock_(clock) {}
  absl::Duration Monotonic() override { return clock_.Monotonic(); }
  absl::Status Pause(absl::Duration duration) override {
    clock_.Advance(std::max(100 * duration, absl::Seconds(1)));
    return absl::OkStatus();
  }

 private:
  FakeClock& clock_;
};

class CountingListener : public transport::IocListener {
 public:
  void OnEvent(const transport::EventArrival& event) override {
    for (const uint8_t byte : event.data) sum_ = static_cast<uint8_t>(sum_ + byte);
  }
  void OnEventsLost(uint32_t) override {}
  void OnResetBegin() override {
    Check(!in_reset_, "a reset begins once");
    in_reset_ = true;
  }
  void OnReady() override {
    Check(in_reset_, "ready follows a reset");
    in_reset_ = false;
  }
  void OnDelivered(Caller) override {}

 private:
  bool in_reset_ = false;
  uint8_t sum_ = 0;
};

class Machine {
 public:
  explicit Machine(ByteSpan bytes) : input_(bytes) {
    emulator::SyntheticFabricOptions synthetic;
    synthetic.expanders_per_host = 1;
    synthetic.devices_per_expander = 2;
    emulator::FabricSpec fabric = emulator::SyntheticFabric(synthetic);
    const emulator::MpiGeneration generations[] = {emulator::MpiGeneration::k2_0,
                                                   emulator::MpiGeneration::k2_5,
                                                   emulator::MpiGeneration::k2_6};
    const auto generation = generations[input_.Byte() % 3];
    fabric.hosts[0].generation = generation;
    emulator::EmulatorOptions options;
    options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t) {
      return slot_.Plug(hba, clock_, generation);
    };
    auto emulator = emulator::Emulator::Create(std::move(fabric), options, clock_);
    if (!emulator.ok()) std::abort();
    emulator_ = *std::move(emulator);
  }

  void Run() {
    FakeFrontEndBus::Options options;
    options.on_read = [this](uint32_t, uint32_t value) { return Read(value); };
    auto bus = std::make_unique<FakeFrontEndBus>(slot_, std::move(options));
    bus_ = bus.get();
    PciIocOptions ioc;
    ioc.threaded = false;
    ioc.pacer = &pacer_;
    ioc.vectors = 1 + input_.Byte() % 8;
    auto made = PciIocTransport::Create(std::move(bus), clock_, std::move(ioc));
    if (!made.ok()) return fuzz::CheckError(made.status());
    ioc_ = *std::move(made);
    ioc_->SetListener(&listener_);
    for (int step = 0; step < 24; ++step) Step(step);
    ioc_.reset();
    Check(accepted_ == completed_, "each request completes once");
    // Registers that lie within a handshake make half a message of two. Queues that lie do not.
    Check(lied_ || slot_.front_end().dma_counts().not_mapped == 0, "DMA stays within the arena");
  }

 private:
  // A byte of input decides about a read: mostly the truth.
  uint32_t Read(uint32_t value) {
    if (input_.over()) return value;
    const uint8_t choice = input_.Byte();
    if (choice < 0xE0) return value;
    lied_ = true;
    if (choice < 0xF0) return value ^ static_cast<uint32_t>(1u << (input_.Byte() % 32));
    return choice == 0xFF ? 0xFFFFFFFF : static_cast<uint32_t>(input_.Number(4));
  }

  void Submit(Bytes frame, size_t in, Bytes out = {}) {
    kept_.push_back({std::move(frame), std::move(out), Bytes(in)});
    Kept& kept = kept_.back();
    IocRequest request;
    request.frame = kept.frame;
    request.data_out = kept.out;
    request.data_in = absl::MakeSpan(kept.in);
    const absl::Status sent = ioc_->Submit(request, [this, in](absl::StatusOr<IocReply> reply) {
      ++completed_;
      if (!reply.ok()) return fuzz::CheckError(reply.status());
      Check(reply->data_in_size <= in, "no more data than there is room");
      Check(reply->sense.size() <= 96, "no more sense than was asked for");
    });
    if (sent.ok()) ++accepted_;
  }

  // The IOC writes where it may: reply frames and post queues.
  void Scribble() {
    const auto layout = LayOutQueues(facts_, 1, kArena);
    const MutableByteSpan arena = bus_->arena().bytes;
    for (uint8_t count = input_.Byte() % 8; count > 0; --count) {
      const size_t at = 8 * (input_.Number(2) % (layout->reply_size * layout->reply_count / 8));
      if (input_.Byte() % 2 == 0) {
        StoreLe64(arena, layout->replies + at, input_.Number(8));
        continue;
      }
      const size_t entry = 8 * (input_.Byte() % layout->reply_post_depth);
      // Mostly what a reply looks like.
      uint64_t value = input_.Byte() % 2 | input_.Number(2) % 80 << 16;
      value |=
          (kAddress + layout->replies + input_.Byte() % layout->reply_count * layout->reply_size)
          << 32;
      if (input_.Byte() % 8 == 0) value = input_.Number(8);
      StoreLe64(arena, layout->reply_post + entry, value);
    }
  }

  void Step(int step) {
    switch (step % 8) {
      case 0:
        Submit(mpi::EncodeIocInitRequest({}), 0);
        break;
      case 1: {
        mpi::EventNotificationRequest events;
        events.masks = {0, 0, 0, 0};
        Submit(mpi::EncodeEventNotificationRequest(events), 0);
        Submit(mpi::EncodePortEnableRequest(), 0);
        break;
      }
      case 2: {
        mpi::ScsiIoRequest scsi;
        scsi.handle = DevHandle(static_cast<uint16_t>(9 + input_.Byte() % 8));
        scsi.cdb[0] = 0x12;
        scsi.cdb[4] = 36;
        scsi.data_size = 36;
        scsi.sense_size = 96;
        scsi.direction = mpi::DataDirection::kRead;
        Submit(mpi::EncodeScsiIoRequest(scsi), 36);
        break;
      }
      case 3: {
        mpi::ConfigRequest config;
        config.action = mpi::ConfigAction::kReadCurrent;
        config.page.ext_type = mpi::ExtPageType::kSasIoUnit;
        Submit(mpi::EncodeConfigRequest(config), input_.Byte() * size_t{32});
        break;
      }
      case 4: {
        mpi::SmpPassthroughRequest smp;
        smp.request_size = 4;
        Submit(mpi::EncodeSmpPassthroughRequest(smp), 64, {0x40, 0, 0, 0});
        Submit(mpi::EncodeTaskManagementRequest({}), 0);
        break;
      }
      case 5:
        clock_.Advance(absl::Seconds(input_.Byte() % 16));
        break;
      case 6:
        if (input_.Byte() % 4 == 3) {
          (void)emulator_->fabric().InjectFault("h0", emulator::FaultKind::kIocFault, 1,
                                                absl::ZeroDuration());
        }
        break;
      default:
        Submit(mpi::EncodeIocFactsRequest(), 0);
    }
    Scribble();
    ioc_->RunStep(absl::ZeroDuration());
  }

  struct Kept {
    Bytes frame, out, in;
  };

  Input input_;
  FakeClock clock_;
  FastPacer pacer_{clock_};
  FakeSlot slot_;
  std::unique_ptr<emulator::Emulator> emulator_;
  FakeFrontEndBus* bus_ = nullptr;  // the transport's
  // The virtual HBA's facts, as far as they decide about the layout of one queue.
  const mpi::IocFactsReply facts_ = [] {
    mpi::IocFactsReply facts;
    facts.request_credit = 1024;
    facts.high_priority_credit = 120;
    facts.request_frame_dwords = 32;
    facts.reply_frame_dwords = 128;
    facts.max_reply_post_queue_depth = 65504;
    return facts;
  }();
  CountingListener listener_;
  std::deque<Kept> kept_;
  int accepted_ = 0, completed_ = 0;
  bool lied_ = false;
  std::unique_ptr<PciIocTransport> ioc_;
};

// The queues of an IOC with any facts, and any bytes in them. The arena ends where the queues end,
// so that asan sees an access beyond.
void ReadQueues(ByteSpan bytes) {
  const auto facts = mpi::DecodeIocFactsReply(bytes);
  if (!facts.ok()) return;
  const auto layout = LayOutQueues(*facts, bytes.size() % 10, kArena);
  if (!layout.ok()) return fuzz::CheckError(layout.status());
  Check(layout->total <= kArena, "the queues fit the arena");
  std::vector<uint64_t> memory((layout->total + 7) / 8);
  const MutableByteSpan arena(static_cast<uint8_t*>(static_cast<void*>(memory.data())),
                              memory.size() * 8);
  ReplyRings rings(*layout, arena, kAddress);
  rings.Reset();
  for (size_t i = 0; i < arena.size() - layout->replies; ++i) {
    const bool written =
        i < layout->reply_size * layout->reply_count ||
        (layout->replies + i >= layout->reply_post && layout->replies + i < layout->sense);
    if (written) arena[layout->replies + i] = bytes[i % bytes.size()];
  }
  std::vector<RingEntry> entries;
  for (size_t queue = 0; queue < 9; ++queue) rings.Take(queue, entries);
  Check(entries.size() <= size_t{layout->reply_post_depth} * layout->queue_count,
        "no entry is taken twice");
  for (const RingEntry& entry : entries) {
    Check(entry.frame.size() <= layout->reply_size, "a frame is no longer than its place");
    Check(entry.kind == RingEntry::Kind::kRejected || entry.smid < layout->smid_count(),
          "a SMID is in range");
  }
  Check(rings.free_host_index() < layout->reply_count, "the free index stays in its ring");
}

void CheckList(ByteSpan bytes) {
  Bytes in(bytes.empty() ? 0 : bytes[0] * size_t{4});
  IocRequest request;
  request.frame = bytes;
  request.data_in = absl::MakeSpan(in);
  for (size_t out = 0; out < 2; ++out) {
    request.data_out = bytes.subspan(0, out * std::min<size_t>(bytes.size(), 16));
    const auto path = CheckAllowed(request);
    if (!path.ok()) fuzz::CheckError(path.status());
    if (!path.ok() || bytes.size() < 4) continue;
    const auto function = static_cast<mpi::Function>(bytes[3]);
    Check(function != mpi::Function::kFirmwareDownload && function != mpi::Function::kToolbox,
          "no request that writes firmware");
    Check(function != mpi::Function::kConfig || bytes[0] == 0 || bytes[0] == 1 || bytes[0] == 5 ||
              bytes[0] == 6,
          "no request that writes pages");
  }
}

}  // namespace
}  // namespace sasd::pci_ioc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sasd::ByteSpan bytes(data, size);
  if (size == 0) return 0;
  sasd::pci_ioc::ReadQueues(bytes);
  sasd::pci_ioc::CheckList(bytes);
  sasd::pci_ioc::Machine(bytes).Run();
  return 0;
}
