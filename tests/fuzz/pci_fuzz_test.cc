// A hostile guest. The input is a program of register accesses, memory contents and messages of the
// link. The guest can neither crash the front end nor reach beyond its own memory.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "driver/base/endian.h"
#include "driver/base/fake_clock.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/pci/guest_memory.h"
#include "emulator/pci/interrupts.h"
#include "emulator/pci/link_codec.h"
#include "emulator/pci/pci_front_end.h"
#include "emulator/pci/request_data.h"
#include "emulator/pci/scatter_gather.h"
#include "tests/fuzz/properties.h"

namespace sasd::emulator::pci {
namespace {

constexpr uint64_t kMemory = 0x10000, kSize = 0x8000;
constexpr uint32_t kBar = 0xFE000000;
// One byte of input selects one of these registers.
constexpr uint32_t kRegisters[] = {0x00, 0x04, 0x08,  0x30,  0x34,   0x48,   0x6C,   0xC0,
                                   0xC4, 0xC8, 0x30C, 0x31C, 0xE000, 0xE00C, 0xF000, 0xFFFC};

class NoInterrupts : public Interrupts {
 public:
  void SendMessage(uint64_t, uint32_t) override {}
  void SetLine(bool) override {}
  void AwaitLine() override {}
};

class Machine {
 public:
  explicit Machine(MpiGeneration generation) {
    SyntheticFabricOptions synthetic;
    synthetic.expanders_per_host = 1;
    synthetic.devices_per_expander = 2;
    FabricSpec fabric = SyntheticFabric(synthetic);
    fabric.hosts[0].generation = generation;
    EmulatorOptions options;
    options.make_front_end = [&](VirtualHba& hba, uint32_t) {
      auto made = std::make_unique<PciFrontEnd>(
          hba, clock_, PciFrontEnd::Options{IdentityOf(generation), true}, interrupts_);
      front_end_ = made.get();
      return made;
    };
    auto emulator = Emulator::Create(std::move(fabric), options, clock_);
    if (!emulator.ok()) std::abort();
    emulator_ = *std::move(emulator);
    file_ = UniqueFd(memfd_create("fuzz", MFD_CLOEXEC));
    if (ftruncate(file_.get(), kSize) != 0) std::abort();
    std::vector<UniqueFd> files;
    files.emplace_back(dup(file_.get()));
    if (!front_end_->MapMemory({{kMemory, kSize, 0}}, std::move(files)).ok()) std::abort();
    front_end_->WriteConfig({0x14, kBar, 4});
    front_end_->WriteConfig({0x04, 0x6, 2});
    Init();
  }

  // Makes the IOC operational, with its rings in the first 16 KiB and requests after them.
  void Init() {
    mpi::IocInitRequest init;
    init.request_frame_dwords = 32;
    init.reply_post_queue_depth = init.reply_free_queue_depth = 16;
    init.request_frame_base = kMemory + 0x4000;
    init.reply_post_queue_address = kMemory;
    init.reply_free_queue_address = kMemory + 0x1000;
    const Bytes frame = mpi::EncodeIocInitRequest(init);
    Write(0x00, 0x42u << 24 | static_cast<uint32_t>(frame.size() / 4) << 16);
    for (size_t i = 0; i < frame.size(); i += 4) Write(0x00, LoadLe32(frame, i));
    Write(0x48, 15);
  }

  void Write(uint32_t offset, uint64_t value, uint32_t size = 4) {
    front_end_->WriteBar({kBar + offset, value, size, true});
  }

  void Run(ByteSpan program) {
    while (program.size() >= 10) {
      const uint8_t step = program[0];
      const uint32_t reg = kRegisters[program[1] % (sizeof(kRegisters) / sizeof(kRegisters[0]))];
      const uint64_t value = LoadLe64(program, 2);
      program.remove_prefix(10);
      switch (step % 6) {
        case 0:
          Write(reg, value);
          break;
        case 1:
          Write(reg, value, 8);
          break;
        case 2:
          (void)front_end_->ReadBar({kBar + reg, 0, 4, true});
          break;
        case 3:
          if (reg != 0x04) front_end_->WriteConfig({reg & 0xFF, static_cast<uint32_t>(value), 4});
          break;
        case 4: {  // the next bytes are a request
          Bytes frame(128);
          const size_t size = std::min(program.size(), frame.size());
          std::copy_n(program.begin(), size, frame.begin());
          program.remove_prefix(size);
          if (pwrite(file_.get(), frame.data(), frame.size(), 0x4000) != 128) std::abort();
          Write(0xC0, value & 0xFF, 8);
          break;
        }
        default:
          (void)emulator_->fabric().SetPhy("h0", program.size() % 8, (value & 1) != 0);
      }
    }
  }

 private:
  FakeClock clock_;
  NoInterrupts interrupts_;
  PciFrontEnd* front_end_ = nullptr;
  UniqueFd file_;
  std::unique_ptr<Emulator> emulator_;
};

void DecodeLink(ByteSpan bytes) {
  if (bytes.size() >= kLinkHeaderSize) {
    fuzz::CheckCodec(DecodeLinkHeader, EncodeLinkHeader, bytes.subspan(0, kLinkHeaderSize),
                     "link header");
  }
  for (size_t files = 0; files <= kMaxLinkFds; ++files) {
    fuzz::CheckCodec([files](ByteSpan payload) { return DecodeSyncSystemMemory(payload, files); },
                     EncodeSyncSystemMemory, bytes, "memory regions");
  }
  fuzz::CheckCodec(DecodeConfigAccess, EncodeConfigAccess, bytes, "config access");
  fuzz::CheckCodec(DecodeBarAccess, EncodeBarAccess, bytes, "BAR access");
}

void WalkLists(ByteSpan bytes) {
  GuestMemory memory;
  UniqueFd file(memfd_create("fuzz", MFD_CLOEXEC));
  if (ftruncate(file.get(), kSize) != 0) std::abort();
  const size_t size = std::min<size_t>(bytes.size(), kSize);
  if (pwrite(file.get(), bytes.data(), size, 0) != static_cast<ssize_t>(size)) std::abort();
  std::vector<UniqueFd> files;
  files.push_back(std::move(file));
  if (!memory.Map({{0, kSize, 0}}, std::move(files)).ok()) std::abort();
  for (SglFormat format : {SglFormat::kMpi, SglFormat::kIeee}) {
    const auto segments = WalkSgl(format, bytes, memory);
    if (!segments.ok()) continue;
    Bytes data(std::min<uint64_t>(TotalSize(*segments), 0x1000));
    if (!Gather(memory, *segments, absl::MakeSpan(data)))
      std::abort();  // WalkSgl has checked all segments
  }
  (void)FindRequestData(bytes, true, memory);
  (void)FindRequestData(bytes, false, memory);
  (void)FindSenseBuffer(bytes);
}

}  // namespace
}  // namespace sasd::emulator::pci

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace pci = sasd::emulator::pci;
  const sasd::ByteSpan bytes(data, size);
  if (size == 0) return 0;
  pci::DecodeLink(bytes);
  pci::WalkLists(bytes);
  const sasd::emulator::MpiGeneration generations[] = {sasd::emulator::MpiGeneration::k2_0,
                                                       sasd::emulator::MpiGeneration::k2_5,
                                                       sasd::emulator::MpiGeneration::k2_6};
  pci::Machine(generations[bytes[0] % 3]).Run(bytes.subspan(1));
  return 0;
}
