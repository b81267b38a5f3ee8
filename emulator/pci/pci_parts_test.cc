// Tests the parts of the front end with bytes laid out by hand.
#include <sys/mman.h>

#include <vector>

#include "driver/wire/mpi/messages.h"
#include "emulator/pci/doorbell.h"
#include "emulator/pci/guest_memory.h"
#include "emulator/pci/link_codec.h"
#include "emulator/pci/reply_queues.h"
#include "emulator/pci/request_data.h"
#include "emulator/pci/scatter_gather.h"
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

}  // namespace
}  // namespace sasd::emulator::pci
