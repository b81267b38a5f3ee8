// Tests the parts of the front end with bytes laid out by hand.
#include <sys/mman.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: QEMU's
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/pci/config_space.h"
#include "emulator/pci/doorbell.h"
#include "emulator/pci/function_dma.h"
#include "emulator/pci/guest_memory.h"
#include "emulator/pci/link_codec.h"
#include "emulator/pci/qtest_channel.h"
#include "emulator/pci/reply_queues.h"
#include "emulator/pci/request_data.h"
#include "emulator/pci/scatter_gather.h"
#include "emulator/pci/vtd_iommu.h"
#include "gtest/gtest.h"

namespace sasd::emulator::pci {
namespace {

constexpr uint64_t kBase = 0x10000, kSize = 0x10000;

UniqueFd NewFile(uint64_t size) {
  UniqueFd file(memfd_create("memory", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(file.get(), static_cast<off_t>(size)), 0);
  return file;
}

absl::Status Map(GuestMemory& memory, const std::vector<MemoryRegion>& regions) {
  std::vector<UniqueFd> files;
  for (size_t i = 0; i < regions.size(); ++i) files.push_back(NewFile(kSize));
  return memory.Map(regions, std::move(files));
}

class WithMemory : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Map(memory_, {{kBase, kSize, 0}}).ok()); }
  void Put32(uint64_t address, uint32_t value) {
    uint8_t bytes[4];
    StoreLe32(absl::MakeSpan(bytes), 0, value);
    ASSERT_TRUE(memory_.Write(address, bytes));
  }
  GuestMemory memory_;
};

TEST(LinkCodec, HeaderByHand) {
  const Bytes bytes = {5, 0, 0, 0, 0xAA, 0xAA, 0xAA, 0xAA, 24, 0, 0, 0, 0, 0, 0, 0};
  const auto header = DecodeLinkHeader(bytes);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->command, LinkCommand::kBarRead);
  EXPECT_EQ(header->size, 24u);
}

TEST(LinkCodec, UnknownCommandsAndWrongSizesAreRefused) {
  EXPECT_FALSE(DecodeLinkHeader(Bytes{8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}).ok());
  EXPECT_FALSE(DecodeLinkHeader(Bytes{5, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0}).ok());
  EXPECT_FALSE(DecodeLinkHeader(Bytes{5, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0}).ok());
  EXPECT_FALSE(DecodeLinkHeader(Bytes(15)).ok());
}

TEST(LinkCodec, AccessByHand) {
  const Bytes bytes = {0xC0, 0, 0, 0xFE, 0, 0, 0, 0, 0x08, 0, 7, 0,
                       0,    0, 0, 0,    8, 0, 0, 0, 1,    0, 0, 0};
  const auto access = DecodeBarAccess(bytes);
  ASSERT_TRUE(access.ok());
  EXPECT_EQ(access->address, 0xFE0000C0u);
  EXPECT_EQ(access->value, 0x00070008u);
  EXPECT_EQ(access->size, 8u);
  EXPECT_TRUE(access->memory);
  Bytes odd = bytes;
  odd[16] = 3;
  EXPECT_FALSE(DecodeBarAccess(odd).ok());
  EXPECT_FALSE(DecodeConfigAccess(Bytes{0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0}).ok());
}

TEST(GuestMemoryMap, HostileRegionsAreRefused) {
  GuestMemory memory;
  ASSERT_TRUE(Map(memory, {{kBase, kSize, 0}}).ok());
  EXPECT_FALSE(Map(memory, {{0, 0x2000, 0}, {0x1000, 0x2000, 0}}).ok());  // overlap
  EXPECT_FALSE(Map(memory, {{~uint64_t{0} - 4, 0x1000, 0}}).ok());        // wraps around
  EXPECT_FALSE(Map(memory, {{0, kSize + 1, 0}}).ok());                    // beyond the file
  EXPECT_FALSE(Map(memory, {{0, 0x1000, ~uint64_t{0xFFF}}}).ok());
  EXPECT_FALSE(Map(memory, {{0, 0, 0}}).ok());
  EXPECT_FALSE(Map(memory, {{0, 0x1000, 5}}).ok());
  EXPECT_TRUE(memory.Contains(kBase, kSize));  // the map is unchanged
}

TEST(GuestMemoryMap, RangesSpanRegionsButNoHole) {
  GuestMemory memory;
  ASSERT_TRUE(Map(memory, {{0x2000, 0x1000, 0}, {0x1000, 0x1000, 0}, {0x4000, 0x1000, 0}}).ok());
  const Bytes bytes = {1, 2, 3, 4};
  EXPECT_TRUE(memory.Write(0x1FFE, bytes));
  Bytes read(4);
  EXPECT_TRUE(memory.Read(0x1FFE, absl::MakeSpan(read)));
  EXPECT_EQ(read, bytes);
  EXPECT_FALSE(memory.Write(0x2FFE, bytes));
  EXPECT_FALSE(memory.Write(0xFFE, bytes));
  EXPECT_FALSE(memory.Contains(~uint64_t{0} - 1, 4));
  EXPECT_FALSE(memory.StoreAtomic64(0x1004, 1));
  EXPECT_TRUE(memory.StoreAtomic64(0x1008, 1));
}

TEST(DoorbellHandshake, RaisesItsInterruptOnceMoreAtTheEnd) {
  Doorbell doorbell;
  EXPECT_FALSE(doorbell.Write(0x42010000).has_value());
  EXPECT_TRUE(doorbell.interrupt());
  doorbell.Acknowledge();
  EXPECT_FALSE(doorbell.interrupt());
  const auto request = doorbell.Write(0x03020100);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(*request, (Bytes{0, 1, 2, 3}));
  doorbell.Reply({0x11, 0x22, 0x33, 0x44});
  EXPECT_EQ(doorbell.Read(mpi::IocState::kReady, 0), 0x18002211u);
  doorbell.Acknowledge();
  EXPECT_EQ(doorbell.Read(mpi::IocState::kReady, 0), 0x18004433u);
  doorbell.Acknowledge();
  EXPECT_EQ(doorbell.Read(mpi::IocState::kReady, 0), 0x10000000u);
  EXPECT_TRUE(doorbell.interrupt());
  doorbell.Acknowledge();
  EXPECT_FALSE(doorbell.interrupt());
}

TEST(Diagnostic, NeedsItsKeysInOrder) {
  HostDiagnostic diagnostic;
  EXPECT_FALSE(diagnostic.Write(4));
  for (uint32_t key : {0x0, 0xF, 0x4, 0xB, 0x2, 0x7, 0xD}) diagnostic.WriteKey(key);
  EXPECT_EQ(diagnostic.Read(), 0x80u);
  EXPECT_TRUE(diagnostic.Write(0x84));
  diagnostic.WriteKey(0);
  EXPECT_EQ(diagnostic.Read() & 0x80, 0u);
}

TEST_F(WithMemory, MpiListByHand) {
  // 12 bytes from the host at 0x10100 (32 bits); a chain at 0x10200 with 8 bytes to it (64 bits).
  const Bytes sgl = {12, 0, 0, 0x14, 0x00, 0x01, 1, 0, 12, 0, 0, 0x30, 0x00, 0x02, 1, 0};
  Put32(0x10200, 0xD3000008);
  Put32(0x10204, 0x00010300);
  Put32(0x10208, 0);
  const auto segments = WalkSgl(SglFormat::kMpi, sgl, memory_);
  ASSERT_TRUE(segments.ok()) << segments.status();
  ASSERT_EQ(segments->size(), 2u);
  EXPECT_TRUE((*segments)[0].to_device);
  EXPECT_EQ((*segments)[0].address, 0x10100u);
  EXPECT_EQ((*segments)[0].size, 12u);
  EXPECT_FALSE((*segments)[1].to_device);
  EXPECT_EQ((*segments)[1].address, 0x10300u);
}

TEST_F(WithMemory, IeeeListByHand) {
  Bytes sgl(32);
  StoreLe64(absl::MakeSpan(sgl), 0, 0x10100);
  StoreLe32(absl::MakeSpan(sgl), 8, 512);
  StoreLe64(absl::MakeSpan(sgl), 16, 0x10200);
  StoreLe32(absl::MakeSpan(sgl), 24, 16);
  sgl[31] = 0x80;  // a chain
  Put32(0x10200, 0x10400);
  Put32(0x10208, 256);
  Put32(0x1020C, 0x40000000);  // the end
  const auto segments = WalkSgl(SglFormat::kIeee, sgl, memory_);
  ASSERT_TRUE(segments.ok()) << segments.status();
  ASSERT_EQ(segments->size(), 2u);
  EXPECT_EQ(TotalSize(*segments), 768u);
}

TEST_F(WithMemory, AListThatLoopsIsRefused) {
  Put32(0x10200, 0x10200);  // an IEEE chain element that leads to itself
  Put32(0x10208, 16);
  Put32(0x1020C, 0x80000000);
  Bytes sgl(16);
  ASSERT_TRUE(memory_.Read(0x10200, absl::MakeSpan(sgl)));
  EXPECT_FALSE(WalkSgl(SglFormat::kIeee, sgl, memory_).ok());
  Put32(0x10300, 0x30000008);  // MPI
  Put32(0x10304, 0x10300);
  Bytes mpi_sgl(8);
  ASSERT_TRUE(memory_.Read(0x10300, absl::MakeSpan(mpi_sgl)));
  EXPECT_FALSE(WalkSgl(SglFormat::kMpi, mpi_sgl, memory_).ok());
}

TEST_F(WithMemory, AListWithoutEndIsRefused) {
  EXPECT_FALSE(WalkSgl(SglFormat::kIeee, Bytes(16), memory_).ok());
  EXPECT_FALSE(WalkSgl(SglFormat::kMpi, Bytes{0, 0, 0, 0x10, 0, 0, 0, 0}, memory_).ok());
  EXPECT_FALSE(WalkSgl(SglFormat::kMpi, Bytes(16), memory_).ok());
}

// The request is the whole first element, even if mpt3sas gives a smaller size.
TEST_F(WithMemory, AnSmpRequestIsSplitBetweenElements) {
  mpi::SmpPassthroughRequest request;
  request.request_size = 12;
  Bytes frame = mpi::EncodeSmpPassthroughRequest(request);
  frame.resize(128);
  StoreLe64(absl::MakeSpan(frame), 0x20, 0x10100);
  StoreLe32(absl::MakeSpan(frame), 0x28, 40);
  StoreLe64(absl::MakeSpan(frame), 0x30, 0x10200);
  StoreLe32(absl::MakeSpan(frame), 0x38, 60);
  frame[0x3F] = 0x40;
  const auto data = FindRequestData(frame, true, memory_);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(TotalSize(data->out), 40u);
  EXPECT_EQ(TotalSize(data->in), 60u);
  EXPECT_EQ(data->message_size, 0x20u);
}

TEST_F(WithMemory, QueuesWrapAroundAndStopAtTheHostIndex) {
  mpi::IocInitRequest init;
  init.reply_free_queue_depth = 4;
  init.reply_free_queue_address = kBase;
  init.reply_post_queue_depth = 4;
  init.reply_post_queue_address = kBase + 0x100;
  ReplyQueues queues;
  queues.Configure(init, 8);
  EXPECT_FALSE(queues.HasFreeFrame());
  for (uint32_t i = 0; i < 4; ++i) Put32(kBase + 4 * i, 0x1000 * (i + 1));
  queues.SetFreeHostIndex(3);
  EXPECT_EQ(queues.TakeFreeFrame(memory_), 0x1000u);
  EXPECT_EQ(queues.TakeFreeFrame(memory_), 0x2000u);
  EXPECT_EQ(queues.TakeFreeFrame(memory_), 0x3000u);
  EXPECT_FALSE(queues.TakeFreeFrame(memory_).has_value());
  queues.SetFreeHostIndex(4);  // outside of the ring
  EXPECT_FALSE(queues.HasFreeFrame());
  queues.SetFreeHostIndex(1);
  EXPECT_EQ(queues.TakeFreeFrame(memory_), 0x4000u);
  EXPECT_EQ(queues.TakeFreeFrame(memory_), 0x1000u);

  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(queues.Post(memory_, 0, 7));
    EXPECT_TRUE(queues.Post(memory_, 0, 8));
    EXPECT_TRUE(queues.Post(memory_, 0, 9));
    EXPECT_FALSE(queues.Post(memory_, 0, 10));
    EXPECT_TRUE(queues.Pending(0));
    queues.SetPostHostIndex(0, (3u * (static_cast<uint32_t>(round) + 1)) % 4);
    EXPECT_FALSE(queues.Pending(0));
  }
  EXPECT_FALSE(queues.Post(memory_, 1, 7));  // no such queue
}

TEST_F(WithMemory, QueuesOutsideOfMemoryAreRefused) {
  mpi::IocInitRequest init;
  init.reply_free_queue_depth = init.reply_post_queue_depth = 0xFFFF;
  init.reply_free_queue_address = init.reply_post_queue_address = ~uint64_t{0} - 3;
  ReplyQueues queues;
  queues.Configure(init, 1);
  queues.SetFreeHostIndex(9);
  EXPECT_FALSE(queues.TakeFreeFrame(memory_).has_value());
  EXPECT_FALSE(queues.Post(memory_, 0, 7));
}

class FakeVtdRegisters : public VtdRegisters {
 public:
  std::optional<VtdState> Read() override { return state; }
  void SetMachineReset(bool) override {}
  std::optional<VtdState> state = VtdState{true, kBase};
};

// Tables by hand (VT-d 3.0, 9.1, 9.3 and 9.8): root table at kBase, context table, then three
// levels. IOVA 0x7F00000000 leads to kPageA, the page after it to kPageB.
class VtdIommuTest : public WithMemory {
 protected:
  static constexpr uint64_t kContexts = kBase + 0x1000, kLevel3 = kBase + 0x2000;
  static constexpr uint64_t kLevel2 = kBase + 0x3000, kLevel1 = kBase + 0x4000;
  static constexpr uint64_t kPageA = kBase + 0x8000, kPageB = kBase + 0x6000;
  static constexpr uint64_t kIova = 0x7F00000000;
  static constexpr uint8_t kFunction = 4 << 3;
  static constexpr uint64_t kContext = kContexts + 16 * kFunction;
  static constexpr uint64_t kEntry3 = kLevel3 + 8 * (kIova >> 30), kEntry2 = kLevel2;

  void SetUp() override {
    WithMemory::SetUp();
    Put64(kBase, kContexts | 1);
    Put64(kContext, kLevel3 | 1);
    Put64(kContext + 8, 0x101);  // domain 1, 39 bits
    Put64(kEntry3, kLevel2 | 3);
    Put64(kEntry2, kLevel1 | 3);
    Put64(kLevel1, kPageA | 3);
    Put64(kLevel1 + 8, kPageB | 3);
  }
  void Put64(uint64_t address, uint64_t value) {
    Put32(address, static_cast<uint32_t>(value));
    Put32(address + 4, static_cast<uint32_t>(value >> 32));
  }
  // The physical address; 0 if the access is blocked.
  uint64_t Find(uint64_t address, bool write = true) {
    const auto range = iommu_.Translate(memory_, address, write);
    return range.has_value() ? range->address : 0;
  }

  FakeVtdRegisters registers_;
  VtdIommu iommu_{registers_, 0, kFunction};
};

TEST_F(VtdIommuTest, WalksThreeLevels) {
  const auto range = iommu_.Translate(memory_, kIova + 0x123, true);
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->address, kPageA + 0x123);
  EXPECT_EQ(range->size, 0x1000u - 0x123);
  EXPECT_EQ(Find(kIova + 0x1FFF), kPageB + 0xFFF);
}

TEST_F(VtdIommuTest, UnmappedAddressesAreBlocked) {
  EXPECT_EQ(Find(kIova + 0x2000), 0u);
  EXPECT_EQ(Find(kIova + 0x200000), 0u);
  EXPECT_EQ(Find(kPageA), 0u);                // a physical address
  EXPECT_EQ(Find(kIova + (1ull << 39)), 0u);  // beyond 39 bits: it does not wrap around
  EXPECT_EQ(Find(~uint64_t{0}), 0u);
}

TEST_F(VtdIommuTest, EachLevelMustAllowTheAccess) {
  Put64(kLevel1, kPageA | 1);
  EXPECT_EQ(Find(kIova, false), kPageA);
  EXPECT_EQ(Find(kIova, true), 0u);
  Put64(kLevel1, kPageA | 3);
  Put64(kEntry2, kLevel1 | 2);
  EXPECT_EQ(Find(kIova, false), 0u);
  EXPECT_EQ(Find(kIova, true), kPageA);
}

TEST_F(VtdIommuTest, LargePagesEndTheWalk) {
  Put64(kEntry2, 0x40000000 | 0x83);
  EXPECT_EQ(Find(kIova + 0x12345), 0x40012345u);
  Put64(kEntry3, 0x80000000 | 0x83);
  EXPECT_EQ(Find(kIova + 0x12345678), 0x92345678u);
}

TEST_F(VtdIommuTest, FourLevelsBeginOneTableAbove) {
  constexpr uint64_t kLevel4 = kBase + 0x5000;
  Put64(kLevel4, kLevel3 | 3);
  Put64(kContext, kLevel4 | 1);
  Put64(kContext + 8, 0x102);
  EXPECT_EQ(Find(kIova), kPageA);
  Put64(kLevel4, kLevel3 | 0x83);  // no page is so large
  EXPECT_EQ(Find(kIova), 0u);
}

TEST_F(VtdIommuTest, PassThroughAndNoTranslationKeepTheAddress) {
  Put64(kContext, 0x8 | 1);
  EXPECT_EQ(Find(kPageA + 5), kPageA + 5);
  Put64(kContext, 0);
  EXPECT_EQ(Find(kPageA + 5), 0u);
  registers_.state = VtdState{false, 0};
  EXPECT_EQ(Find(kPageA + 5), kPageA + 5);
  registers_.state = std::nullopt;
  EXPECT_EQ(Find(kPageA + 5), 0u);
}

TEST_F(VtdIommuTest, FunctionsWithoutAContextAreBlocked) {
  VtdIommu other_function(registers_, 0, kFunction + 8), other_bus(registers_, 1, kFunction);
  EXPECT_FALSE(other_function.Translate(memory_, kIova, true).has_value());
  EXPECT_FALSE(other_bus.Translate(memory_, kIova, true).has_value());
}

TEST_F(VtdIommuTest, HostileTablesBlockAndEnd) {
  Put64(kEntry2, kLevel2 | 3);  // a table that is its own child: its entry 0 is the page
  EXPECT_EQ(Find(kIova), kLevel2);
  for (uint64_t hostile : {0x000FFFFFFFFFF003ull, 0x0000000000000003ull, 0xDEAD000000000003ull}) {
    Put64(kEntry2, hostile);  // a table outside of the memory
    EXPECT_EQ(Find(kIova), 0u) << std::hex << hostile;
  }
  Put64(kEntry2, kLevel1 | 3);
  for (uint64_t type : {0x4ull, 0xCull}) {  // with a device's TLB; reserved
    Put64(kContext, kLevel3 | type | 1);
    EXPECT_EQ(Find(kIova), type == 0x4 ? kPageA : 0u);
  }
  Put64(kContext, kLevel3 | 1);
  for (uint64_t width : {0, 4, 5, 6, 7}) {
    Put64(kContext + 8, 0x100 | width);
    EXPECT_EQ(Find(kIova), 0u) << width;
  }
  registers_.state = VtdState{true, kBase | 0x400};  // scalable mode
  EXPECT_EQ(Find(kIova), 0u);
  registers_.state = VtdState{true, ~uint64_t{0xFFF}};
  EXPECT_EQ(Find(kIova), 0u);
}

TEST_F(VtdIommuTest, TheRangeOfInterruptsIsNoMemory) {
  Put64(kLevel3 + 8 * 3, 0xC0000000 | 0x83);  // the fourth GiB, to the third
  EXPECT_EQ(Find(0xFED00000), 0xFED00000u);
  EXPECT_EQ(Find(0xFEE00000), 0u);
  EXPECT_EQ(Find(0xFEEFFFFF), 0u);
}

TEST_F(VtdIommuTest, DmaSpansPagesThatAreApart) {
  ConfigSpace config(IdentityOf(MpiGeneration::k2_5), true);
  config.Write(0x04, 0x6, 2);
  std::vector<std::string> faults;
  FunctionDma dma(memory_, config, &iommu_,
                  [&](const DmaFault& fault) { faults.push_back(Describe(fault)); });
  const Bytes bytes = {1, 2, 3, 4};
  ASSERT_TRUE(dma.Write(kIova + 0xFFE, bytes));
  Bytes read(4);
  ASSERT_TRUE(dma.Read(kIova + 0xFFE, absl::MakeSpan(read)));
  EXPECT_EQ(read, bytes);
  read.resize(2);
  ASSERT_TRUE(memory_.Read(kPageB, absl::MakeSpan(read)));
  EXPECT_EQ(read, (Bytes{3, 4}));
  ASSERT_TRUE(dma.StoreAtomic64(kIova + 8, 7));

  EXPECT_FALSE(dma.Write(kIova + 0x1FFE, bytes));  // in part
  ASSERT_TRUE(memory_.Read(kPageB + 0xFFE, absl::MakeSpan(read)));
  EXPECT_EQ(read, (Bytes{0, 0}));
  Put64(kLevel1, kPageA | 1);
  EXPECT_FALSE(dma.Write(kIova, bytes));
  EXPECT_TRUE(dma.Contains(kIova, 4));  // it can be read
  config.Write(0x04, 0x2, 2);
  EXPECT_FALSE(dma.Contains(kIova, 4));
  EXPECT_EQ(dma.counts().not_mapped, 2u);
  EXPECT_EQ(dma.counts().not_bus_master, 1u);
  EXPECT_EQ(faults,
            (std::vector<std::string>{"write of 4 bytes at 0x7f00001ffe: not mapped",
                                      "write of 4 bytes at 0x7f00000000: not mapped",
                                      "read of 4 bytes at 0x7f00000000: not a bus master"}));
}

// QEMU's side of a qtest channel: answers each line as `answer` says.
class FakeQtest {
 public:
  explicit FakeQtest(std::vector<std::string> answers) : answers_(std::move(answers)) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    own_ = UniqueFd(fds[0]);
    channel_ = std::make_unique<QtestChannel>(UniqueFd(fds[1]));
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeQtest() {
    channel_.reset();
    thread_.join();
  }
  QtestChannel& channel() { return *channel_; }
  std::string lines() const { return lines_; }

 private:
  void Serve() {
    size_t answered = 0;
    char byte = 0;
    while (recv(own_.get(), &byte, 1, 0) == 1) {
      lines_ += byte;
      if (byte != '\n' || answered == answers_.size()) continue;
      const std::string& answer = answers_[answered++];
      for (char part : answer) send(own_.get(), &part, 1, MSG_NOSIGNAL);  // in pieces
    }
  }

  UniqueFd own_;
  const std::vector<std::string> answers_;
  std::string lines_;
  std::unique_ptr<QtestChannel> channel_;
  std::thread thread_;
};

TEST(Qtest, LoadsAreAnsweredAmongOtherCommands) {
  FakeQtest qtest(
      {"OK\n", "OK 0x8000000000000000\n", "OK 0x0000000012345000\n", "FAIL\n", "OK 0x1\n"});
  qtest.channel().Store32(0xFEE00000, 0x41);
  FakeClock clock;
  QtestVtdRegisters registers(qtest.channel(), clock);
  for (int round = 0; round < 2; ++round) {  // the second is not asked for
    const auto state = registers.Read();
    ASSERT_TRUE(state.has_value());
    EXPECT_TRUE(state->translates);
    EXPECT_EQ(state->root_table, 0x12345000u);
  }
  clock.Advance(QtestVtdRegisters::kValid);
  EXPECT_FALSE(registers.Read().has_value());  // an error for one of the two
}

TEST(Qtest, AMachineInItsResetIsNotAwaited) {
  FakeQtest qtest({});
  FakeClock clock;
  QtestVtdRegisters registers(qtest.channel(), clock);
  std::optional<VtdState> state = VtdState{};
  std::thread reader([&] { state = registers.Read(); });
  registers.SetMachineReset(true);
  reader.join();
  EXPECT_FALSE(state.has_value());
}

}  // namespace
}  // namespace sasd::emulator::pci
