// The parts that are pure, against the emulator's opposite parts.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "driver/base/unique_fd.h"
#include "driver/transport/pci_ioc/allowed_requests.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/queue_layout.h"
#include "driver/transport/pci_ioc/queue_registers.h"
#include "driver/transport/pci_ioc/reply_rings.h"
#include "driver/transport/pci_ioc/request_pool.h"
#include "driver/transport/pci_ioc/sgl_writer.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/pci/guest_memory.h"
#include "emulator/pci/reply_queues.h"
#include "emulator/pci/request_data.h"
#include "emulator/pci/scatter_gather.h"
#include "gtest/gtest.h"

namespace sasd::pci_ioc {
namespace {

using emulator::pci::AddressReplyDescriptor;
using emulator::pci::GuestMemory;
using emulator::pci::ReplyQueues;
using emulator::pci::ScsiIoSuccessDescriptor;
using mpi::Function;
using transport::IocRequest;

constexpr size_t kArena = size_t{2} << 20;
constexpr uint64_t kAddress = 0x7F00200000;

mpi::IocFactsReply Facts() {
  mpi::IocFactsReply facts;
  facts.message_version = 0x0205;
  facts.request_credit = 1024;
  facts.high_priority_credit = 120;
  facts.request_frame_dwords = 32;
  facts.reply_frame_dwords = 32;
  facts.max_reply_post_queue_depth = 65504;
  return facts;
}

// Memory that both sides have.
class Shared {
 public:
  Shared() : file_(memfd_create("arena", MFD_CLOEXEC)) {
    EXPECT_EQ(ftruncate(file_.get(), kArena), 0);
    bytes_ = MutableByteSpan(static_cast<uint8_t*>(mmap(nullptr, kArena, PROT_READ | PROT_WRITE,
                                                        MAP_SHARED, file_.get(), 0)),
                             kArena);
    std::vector<UniqueFd> files;
    files.emplace_back(dup(file_.get()));
    EXPECT_TRUE(device_.Map({{kAddress, kArena, 0}}, std::move(files)).ok());
  }
  ~Shared() { munmap(bytes_.data(), bytes_.size()); }

  MutableByteSpan bytes() { return bytes_; }
  GuestMemory& device() { return device_; }

 private:
  UniqueFd file_;
  MutableByteSpan bytes_;
  GuestMemory device_;
};

// -------------------------------------------------------------------------------- Queue layout

TEST(QueueLayoutTest, AsTheKernelCountsThem) {
  const auto layout = LayOutQueues(Facts(), 8, kArena);
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_EQ(layout->request_count, 64);
  EXPECT_EQ(layout->high_priority_count, 8);
  EXPECT_EQ(layout->reply_count, 72 + 64);
  EXPECT_EQ(layout->reply_post_depth, 224);  // 72 + 136 + 1, up to a multiple of 16
  EXPECT_EQ(layout->queue_count, 8);
  EXPECT_EQ(layout->request_size, 128u);
}

TEST(QueueLayoutTest, ASmallPostQueueLimitsTheRequests) {
  mpi::IocFactsReply facts = Facts();
  facts.max_reply_post_queue_depth = 100;
  facts.high_priority_credit = 1;
  const auto layout = LayOutQueues(facts, 1, kArena);
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_LE(layout->reply_post_depth, 100);
  EXPECT_GE(layout->reply_post_depth, layout->request_count + 1 + layout->reply_count + 1);
  EXPECT_EQ(layout->request_count, 14);
}

TEST(QueueLayoutTest, FactsThatNoDriverCanUseAreRefused) {
  const auto refused = [](void (*edit)(mpi::IocFactsReply&)) {
    mpi::IocFactsReply facts = Facts();
    edit(facts);
    return LayOutQueues(facts, 1, kArena).status().code() == absl::StatusCode::kFailedPrecondition;
  };
  EXPECT_TRUE(refused([](auto& facts) { facts.request_credit = 0; }));
  EXPECT_TRUE(refused([](auto& facts) { facts.request_frame_dwords = 27; }));
  EXPECT_TRUE(refused([](auto& facts) { facts.reply_frame_dwords = 15; }));
  EXPECT_TRUE(refused([](auto& facts) { facts.max_reply_post_queue_depth = 16; }));
  EXPECT_EQ(LayOutQueues(Facts(), 1, 4096).status().code(), absl::StatusCode::kResourceExhausted);
}

// For any facts: no two structures overlap, all are aligned, all are within the arena.
TEST(QueueLayoutTest, StructuresNeverOverlap) {
  std::mt19937 random(7);
  int laid_out = 0;
  for (int round = 0; round < 3000; ++round) {
    mpi::IocFactsReply facts;
    facts.request_credit = static_cast<uint16_t>(random() >> random() % 16);
    facts.high_priority_credit = static_cast<uint16_t>(random() >> random() % 16);
    facts.request_frame_dwords = static_cast<uint16_t>(random() % 0x10000 >> random() % 12);
    facts.reply_frame_dwords = static_cast<uint8_t>(random());
    facts.max_reply_post_queue_depth = static_cast<uint16_t>(random() >> random() % 16);
    const auto layout = LayOutQueues(facts, random() % 12, kArena);
    if (!layout.ok()) continue;
    ++laid_out;
    const QueueLayout& l = *layout;
    std::vector<std::pair<size_t, size_t>> pieces = {
        {l.requests, l.request_size * l.smid_count()},
        {l.replies, l.reply_size * l.reply_count},
        {l.reply_free, size_t{4} * l.reply_count},
        {l.reply_post, size_t{8} * l.reply_post_depth * l.queue_count},
        {l.sense, QueueLayout::kSenseSize * l.request_count},
        {l.data, QueueLayout::kDataSize * l.request_count},
        {l.large_data, QueueLayout::kLargeDataSize * l.large_data_count}};
    std::sort(pieces.begin(), pieces.end());
    size_t end = 0;
    for (const auto& [begin, size] : pieces) {
      EXPECT_GE(begin, end);
      EXPECT_EQ(begin % 16, 0u);
      end = begin + size;
    }
    EXPECT_LE(end, kArena);
    EXPECT_LE(l.request_count, facts.request_credit);
    EXPECT_GT(l.reply_post_depth, l.request_count + l.high_priority_count + l.reply_count);
  }
  EXPECT_GT(laid_out, 300);
}

// -------------------------------------------------------------------------------- Request pool

TEST(RequestPoolTest, EachSlotIsOneRequestsAlone) {
  const QueueLayout layout = *LayOutQueues(Facts(), 1, kArena);
  RequestPool pool(layout);
  std::set<uint16_t> smids;
  std::set<size_t> data;
  for (int i = 0; i < layout.request_count; ++i) {
    const auto slot = pool.Allocate(false, i < 4 ? QueueLayout::kLargeDataSize : 4096);
    ASSERT_TRUE(slot.ok()) << slot.status();
    EXPECT_NE(slot->smid, 0);
    EXPECT_TRUE(smids.insert(slot->smid).second);
    EXPECT_TRUE(data.insert(slot->data).second);
    EXPECT_FALSE(layout.is_high_priority(slot->smid));
    EXPECT_TRUE(pool.InUse(slot->smid));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(pool.Allocate(false, 0).status()));
  for (int i = 0; i < layout.high_priority_count; ++i) {
    const auto slot = pool.Allocate(true, 0);
    ASSERT_TRUE(slot.ok());
    EXPECT_TRUE(layout.is_high_priority(slot->smid));
    EXPECT_TRUE(smids.insert(slot->smid).second);
  }
  EXPECT_TRUE(absl::IsResourceExhausted(pool.Allocate(true, 0).status()));
  EXPECT_EQ(pool.in_use(), smids.size());
  for (const uint16_t smid : smids) pool.Free(smid);
  EXPECT_EQ(pool.in_use(), 0u);
  EXPECT_TRUE(pool.Allocate(false, QueueLayout::kLargeDataSize).ok());
}

TEST(RequestPoolTest, LargeBuffersAreFew) {
  RequestPool pool(*LayOutQueues(Facts(), 1, kArena));
  uint16_t smid = 0;
  for (int i = 0; i < QueueLayout::kLargeData; ++i) {
    smid = pool.Allocate(false, QueueLayout::kDataSize + 1)->smid;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(pool.Allocate(false, 60000).status()));
  EXPECT_TRUE(pool.Allocate(false, QueueLayout::kDataSize).ok());
  pool.Free(smid);
  pool.Free(smid);  // no second time
  EXPECT_TRUE(pool.Allocate(false, 60000).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(pool.Allocate(false, 60000).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(pool.Allocate(false, QueueLayout::kLargeDataSize + 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(pool.Allocate(true, 1).status()));
  pool.Free(0);
  pool.Free(0xFFFF);
}

// ----------------------------------------------------------------------------- Lists of elements

TEST(SglWriterTest, ElementsByHand) {
  Bytes list(32, 0xEE);
  EXPECT_EQ(WriteSgl(SglFormat::kMpi, {0, 0x7F12345678, 0, 0x24}, absl::MakeSpan(list)), 12u);
  EXPECT_EQ(LoadLe32(list, 0), 0xD3000024u);
  EXPECT_EQ(LoadLe64(list, 4), 0x7F12345678u);
  EXPECT_EQ(list[12], 0xEE);
  EXPECT_EQ(WriteSgl(SglFormat::kMpi, {0x1000, 0x2000, 40, 60}, absl::MakeSpan(list)), 24u);
  EXPECT_EQ(LoadLe32(list, 0), 0x56000028u);  // to the device, the end of its buffer
  EXPECT_EQ(LoadLe32(list, 12), 0xD300003Cu);
  EXPECT_EQ(WriteSgl(SglFormat::kMpi, {0x1000, 0, 40, 0}, absl::MakeSpan(list)), 12u);
  EXPECT_EQ(LoadLe32(list, 0), 0xD7000028u);
  EXPECT_EQ(WriteSgl(SglFormat::kMpi, {}, absl::MakeSpan(list)), 12u);
  EXPECT_EQ(LoadLe32(list, 0), 0xD3000000u);
  EXPECT_EQ(WriteSgl(SglFormat::kIeee, {0, 0x2000, 0, 60}, absl::MakeSpan(list)), 16u);
  EXPECT_EQ(LoadLe64(list, 0), 0x2000u);
  EXPECT_EQ(LoadLe32(list, 8), 60u);
  EXPECT_EQ(LoadLe32(list, 12), 0x40000000u);
}

TEST(SglWriterTest, AListThatDoesNotFitIsNotWritten) {
  Bytes list(23, 0xEE);
  EXPECT_EQ(WriteSgl(SglFormat::kMpi, {1, 2, 3, 4}, absl::MakeSpan(list)), 0u);
  EXPECT_EQ(WriteSgl(SglFormat::kIeee, {1, 2, 3, 4}, absl::MakeSpan(list)), 0u);
  EXPECT_EQ(WriteSgl(SglFormat::kNone, {1, 2, 3, 4}, absl::MakeSpan(list)), 0u);
  EXPECT_EQ(list, Bytes(23, 0xEE));
}

// The emulator, which walks the lists of the kernel's driver, finds the same pieces.
TEST(SglWriterTest, TheOtherSideFindsWhatWasWritten) {
  Shared memory;
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    DmaData data;
    if (random() % 3 != 0) data.out_size = 1 + random() % 4096;
    if (random() % 3 != 0) data.in_size = 1 + random() % 4096;
    if (data.out_size != 0) data.out_address = kAddress + random() % 0x10000;
    if (data.in_size != 0) data.in_address = kAddress + 0x20000 + random() % 0x10000;
    const bool ieee = random() % 2 != 0;
    Bytes list(64);
    ASSERT_NE(WriteSgl(ieee ? SglFormat::kIeee : SglFormat::kMpi, data, absl::MakeSpan(list)), 0u);
    const auto found = emulator::pci::WalkSgl(
        ieee ? emulator::pci::SglFormat::kIeee : emulator::pci::SglFormat::kMpi, list,
        memory.device());
    ASSERT_TRUE(found.ok()) << found.status();
    size_t at = 0;
    if (data.out_size != 0) {
      ASSERT_GT(found->size(), at);
      EXPECT_EQ((*found)[at].address, data.out_address);
      EXPECT_EQ((*found)[at].size, data.out_size);
      EXPECT_EQ((*found)[at++].to_device, !ieee);
    }
    if (data.in_size != 0) {
      ASSERT_GT(found->size(), at);
      EXPECT_EQ((*found)[at].address, data.in_address);
      EXPECT_EQ((*found)[at].size, data.in_size);
      EXPECT_FALSE((*found)[at++].to_device);
    }
    EXPECT_EQ(found->size(), at);
  }
}

// --------------------------------------------------------------------------------- Reply rings

class ReplyRingsTest : public ::testing::Test {
 protected:
  explicit ReplyRingsTest(size_t queues = 3)
      : layout_(*LayOutQueues(Facts(), queues, kArena)),
        rings_(layout_, memory_.bytes(), kAddress) {
    Restart();
  }

  void Restart() {
    rings_.Reset();
    mpi::IocInitRequest init;
    init.host_msix_vectors = static_cast<uint8_t>(layout_.queue_count);
    init.reply_free_queue_depth = layout_.reply_count;
    init.reply_post_queue_depth = layout_.reply_post_depth;
    init.reply_free_queue_address = kAddress + layout_.reply_free;
    init.reply_post_queue_address = kAddress + layout_.reply_post;
    init.reply_address_high = kAddress >> 32;
    device_.Configure(init, 8);
    WriteIndexes();
  }
  void WriteIndexes() {
    device_.SetFreeHostIndex(rings_.free_host_index());
    for (size_t i = 0; i < rings_.queue_count(); ++i) {
      device_.SetPostHostIndex(i, rings_.post_host_index(i));
    }
  }
  // The device answers `smid` with a frame whose 5th byte is `mark`. False: it has no room.
  bool Answer(size_t queue, uint16_t smid, uint8_t mark, uint8_t dwords = 8) {
    if (!device_.HasRoom(queue)) return false;
    const auto frame = device_.TakeFreeFrame(memory_.device());
    if (!frame.has_value()) return false;
    Bytes bytes(layout_.reply_size);
    bytes[2] = dwords;
    bytes[4] = mark;
    EXPECT_TRUE(memory_.device().Write(*frame, bytes));
    return device_.Post(
        memory_.device(), queue,
        AddressReplyDescriptor(static_cast<uint8_t>(queue), smid, static_cast<uint32_t>(*frame)));
  }
  std::vector<RingEntry> Take(size_t queue) {
    std::vector<RingEntry> entries;
    rings_.Take(queue, entries);
    return entries;
  }
  void PutDescriptor(size_t queue, size_t index, uint64_t value) {
    StoreLe64(memory_.bytes(), layout_.reply_post + 8 * (queue * layout_.reply_post_depth + index),
              value);
  }

  Shared memory_;
  const QueueLayout layout_;
  ReplyRings rings_;
  ReplyQueues device_;
};

TEST_F(ReplyRingsTest, EntriesComeInOrderWithTheirFrames) {
  EXPECT_TRUE(Take(0).empty());
  ASSERT_TRUE(Answer(0, 0, 7));
  ASSERT_TRUE(Answer(0, 5, 9, 255));
  ASSERT_TRUE(device_.Post(memory_.device(), 0, ScsiIoSuccessDescriptor(0, 6, false)));
  ASSERT_TRUE(device_.Post(memory_.device(), 0, ScsiIoSuccessDescriptor(0, 7, true)));
  const auto entries = Take(0);
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].kind, RingEntry::Kind::kEvent);
  EXPECT_EQ(entries[0].frame.size(), 32u);
  EXPECT_EQ(entries[0].frame[4], 7);
  EXPECT_EQ(entries[1].kind, RingEntry::Kind::kReply);
  EXPECT_EQ(entries[1].smid, 5);
  EXPECT_EQ(entries[1].frame.size(), layout_.reply_size);  // cut
  EXPECT_EQ(entries[2].kind, RingEntry::Kind::kSuccess);
  EXPECT_EQ(entries[3].kind, RingEntry::Kind::kSuccess);
  EXPECT_EQ(entries[3].smid, 7);
  EXPECT_TRUE(Take(0).empty());
}

// Against the emulator's queues: nothing is lost, doubled or reordered, however both sides
// interleave, and the frames never run out for good.
TEST_F(ReplyRingsTest, BothSidesAgreeAfterThousandsOfReplies) {
  std::mt19937 random(3);
  uint8_t sent[3] = {}, taken[3] = {};
  size_t answers = 0;
  for (int round = 0; round < 20000; ++round) {
    const size_t queue = random() % 3;
    if (random() % 16 != 0) {
      if (Answer(queue, static_cast<uint16_t>(1 + random() % 60), sent[queue])) {
        ++sent[queue];
        ++answers;
      }
      continue;
    }
    for (const RingEntry& entry : Take(queue)) {
      ASSERT_EQ(entry.kind, RingEntry::Kind::kReply);
      ASSERT_EQ(entry.frame[4], taken[queue]++);
    }
    WriteIndexes();
  }
  for (size_t queue = 0; queue < 3; ++queue) {
    for (const RingEntry& entry : Take(queue)) ASSERT_EQ(entry.frame[4], taken[queue]++);
    EXPECT_EQ(taken[queue], sent[queue]);
  }
  EXPECT_GT(answers, 8000u);
}

TEST_F(ReplyRingsTest, AHalfWrittenEntryIsNotThereYet) {
  PutDescriptor(0, 0, 0x00012345FFFFFFFF);
  EXPECT_TRUE(Take(0).empty());
  PutDescriptor(0, 0, 0xFFFFFFFF00050000);
  EXPECT_TRUE(Take(0).empty());
  PutDescriptor(0, 0, 0x0000000000050000);
  EXPECT_EQ(Take(0).size(), 1u);
}

TEST_F(ReplyRingsTest, LiesReachNoMemory) {
  const auto base = static_cast<uint32_t>(kAddress + layout_.replies);
  const auto size = static_cast<uint32_t>(layout_.reply_size);
  const uint32_t addresses[] = {0,
                                base - 1,
                                base - size,
                                base + 1,
                                base + size / 2,
                                base + size * layout_.reply_count,
                                0xFFFFFFFE,
                                static_cast<uint32_t>(kAddress)};
  size_t index = 0;
  for (const uint32_t address : addresses) {
    PutDescriptor(1, index++, AddressReplyDescriptor(1, 5, address));
  }
  for (const uint64_t type : {2, 3, 4, 5, 7, 8, 9, 14}) {
    PutDescriptor(1, index++, type | 5 << 16);
  }
  for (const uint16_t smid : {uint16_t{0}, layout_.smid_count(), uint16_t{0xFFFE}}) {
    PutDescriptor(1, index++, ScsiIoSuccessDescriptor(1, smid, false));
  }
  PutDescriptor(1, index++, AddressReplyDescriptor(1, layout_.smid_count(), base));
  const uint32_t free_before = rings_.free_host_index();
  const auto entries = Take(1);
  ASSERT_EQ(entries.size(), index);
  for (const RingEntry& entry : entries) {
    EXPECT_EQ(entry.kind, RingEntry::Kind::kRejected) << std::hex << entry.descriptor;
  }
  // The last one's frame is ours, so it is free again; no other is.
  EXPECT_EQ(rings_.free_host_index(), (free_before + 1) % layout_.reply_count);
}

TEST_F(ReplyRingsTest, AFullRingIsReadOnce) {
  for (size_t i = 0; i < layout_.reply_post_depth; ++i) {
    PutDescriptor(2, i, ScsiIoSuccessDescriptor(2, 3, false));
  }
  EXPECT_EQ(Take(2).size(), layout_.reply_post_depth);
  EXPECT_TRUE(Take(2).empty());
  EXPECT_TRUE(Take(99).empty());
}

// ---------------------------------------------------------------------------- Allowed requests

absl::StatusOr<RequestPath> Check(const Bytes& frame, const Bytes& out = {}, size_t in = 0) {
  Bytes data_in(in);
  IocRequest request;
  request.frame = frame;
  request.data_out = out;
  request.data_in = absl::MakeSpan(data_in);
  return CheckAllowed(request);
}

Bytes Config(mpi::ConfigAction action) {
  mpi::ConfigRequest request;
  request.action = action;
  return mpi::EncodeConfigRequest(request);
}

Bytes Scsi(uint8_t operation, uint8_t service_action, uint32_t size, mpi::DataDirection direction) {
  mpi::ScsiIoRequest request;
  request.handle = DevHandle(9);
  request.data_size = size;
  request.direction = direction;
  request.cdb[0] = operation;
  request.cdb[1] = service_action;
  return mpi::EncodeScsiIoRequest(request);
}

Bytes Smp(uint16_t size) {
  mpi::SmpPassthroughRequest request;
  request.request_size = size;
  return mpi::EncodeSmpPassthroughRequest(request);
}

TEST(AllowedRequestsTest, WhatTheDriverSendsIsAllowed) {
  EXPECT_EQ(*Check(mpi::EncodeIocFactsRequest()), RequestPath::kDoorbell);
  EXPECT_EQ(*Check(mpi::EncodePortFactsRequest(0)), RequestPath::kDoorbell);
  EXPECT_EQ(*Check(mpi::EncodeIocInitRequest({})), RequestPath::kDoorbell);
  EXPECT_EQ(*Check(mpi::EncodeBareRequest(Function::kMessageUnitReset)), RequestPath::kDoorbell);
  EXPECT_EQ(*Check(mpi::EncodePortEnableRequest()), RequestPath::kPosted);
  EXPECT_EQ(*Check(mpi::EncodeEventNotificationRequest({})), RequestPath::kPosted);
  EXPECT_EQ(*Check(mpi::EncodeEventAckRequest({0x1C, 7})), RequestPath::kPosted);
  EXPECT_EQ(*Check(Config(mpi::ConfigAction::kPageHeader)), RequestPath::kPosted);
  EXPECT_EQ(*Check(Config(mpi::ConfigAction::kReadCurrent), {}, 64), RequestPath::kPosted);
  EXPECT_EQ(*Check(Smp(4), {0x40, 0x10, 0, 0}, 56), RequestPath::kPosted);
  EXPECT_EQ(*Check(Scsi(0x12, 0, 36, mpi::DataDirection::kRead), {}, 36), RequestPath::kScsiIo);
  EXPECT_EQ(*Check(Scsi(0x9E, 0x10, 32, mpi::DataDirection::kRead), {}, 32), RequestPath::kScsiIo);
  EXPECT_EQ(*Check(Scsi(0x00, 0, 0, mpi::DataDirection::kNone)), RequestPath::kScsiIo);
  EXPECT_EQ(*Check(mpi::EncodeTaskManagementRequest({})), RequestPath::kHighPriority);
  EXPECT_EQ(*Check(mpi::EncodeSasControlRequest({})), RequestPath::kPosted);
}

TEST(AllowedRequestsTest, WritingRequestsAreRefused) {
  const auto denied = [](const absl::StatusOr<RequestPath>& path) {
    return absl::IsPermissionDenied(path.status());
  };
  for (const Function function :
       {Function::kFirmwareDownload, Function::kFirmwareUpload, Function::kRaidAction,
        Function::kToolbox, Function::kDiagBufferPost, Function::kSataPassthrough,
        Function::kNvmeEncapsulated, Function::kRaidScsiIo, Function::kHandshake}) {
    EXPECT_TRUE(denied(Check(mpi::EncodeBareRequest(function)))) << mpi::ToString(function);
  }
  EXPECT_TRUE(denied(Check(Config(mpi::ConfigAction::kWriteCurrent), Bytes(64))));
  EXPECT_TRUE(denied(Check(Config(mpi::ConfigAction::kWriteNvram), Bytes(64))));
  EXPECT_TRUE(denied(Check(Config(mpi::ConfigAction::kDefault))));
  EXPECT_TRUE(denied(Check(Config(mpi::ConfigAction::kReadCurrent), Bytes(4), 64)));
  EXPECT_TRUE(denied(Check(Smp(4), {0x40, 0x91, 0, 0}, 8)));                // PHY CONTROL
  EXPECT_TRUE(denied(Check(Scsi(0x2A, 0, 0, mpi::DataDirection::kNone))));  // WRITE(10)
  EXPECT_TRUE(denied(Check(Scsi(0x28, 0, 512, mpi::DataDirection::kRead), {}, 512)));
  EXPECT_TRUE(denied(Check(Scsi(0x04, 0, 0, mpi::DataDirection::kNone))));  // FORMAT UNIT
  EXPECT_TRUE(denied(Check(Scsi(0x3B, 0, 0, mpi::DataDirection::kNone))));  // WRITE BUFFER
  EXPECT_TRUE(denied(Check(Scsi(0x9E, 0x12, 32, mpi::DataDirection::kRead), {}, 32)));
  mpi::SasControlRequest control;
  control.operation = mpi::SasControlOp::kPhyHardReset;
  EXPECT_TRUE(denied(Check(mpi::EncodeSasControlRequest(control))));
  mpi::TaskManagementRequest task;
  task.type = mpi::TaskManagementType::kAbortTask;
  EXPECT_TRUE(denied(Check(mpi::EncodeTaskManagementRequest(task))));
}

TEST(AllowedRequestsTest, FieldsThatAreUnknownAreRefused) {
  const auto refused = [](const absl::StatusOr<RequestPath>& path) {
    return absl::IsInvalidArgument(path.status());
  };
  EXPECT_TRUE(refused(Check({})));
  EXPECT_TRUE(refused(Check(Bytes(3))));
  EXPECT_TRUE(refused(Check(mpi::EncodeBareRequest(Function::kPortEnable, 16))));
  EXPECT_TRUE(refused(Check(mpi::EncodePortEnableRequest(), Bytes(4))));
  Bytes frame = Config(mpi::ConfigAction::kReadCurrent);
  frame[2] = 7;  // a chain offset
  EXPECT_TRUE(refused(Check(frame, {}, 64)));
  frame = Config(mpi::ConfigAction::kReadCurrent);
  frame.resize(frame.size() + 12);  // a list of its own
  EXPECT_TRUE(refused(Check(frame, {}, 64)));
  frame = Smp(4);
  frame[0] = 0x80;  // immediate
  EXPECT_TRUE(refused(Check(frame, {0x40, 0x10, 0, 0}, 56)));
  EXPECT_TRUE(refused(Check(Smp(8), {0x40, 0x10, 0, 0}, 56)));
  EXPECT_TRUE(refused(Check(Smp(4), {0x40, 0x10, 0, 0})));
  frame = Scsi(0x12, 0, 36, mpi::DataDirection::kRead);
  StoreLe32(absl::MakeSpan(frame), 0x0C, 0x1000);  // a sense buffer
  EXPECT_TRUE(refused(Check(frame, {}, 36)));
  EXPECT_TRUE(refused(Check(Scsi(0x12, 0, 36, mpi::DataDirection::kRead), {}, 35)));
  EXPECT_TRUE(refused(Check(Scsi(0x12, 0, 36, mpi::DataDirection::kWrite), {}, 36)));
  EXPECT_TRUE(refused(Check(Scsi(0x12, 0, 36, mpi::DataDirection::kNone), {}, 36)));
  mpi::IocInitRequest init;
  init.request_frame_base = 0x1000;
  EXPECT_TRUE(refused(Check(mpi::EncodeIocInitRequest(init))));
}

TEST(AllowedRequestsTest, CommandLengthsFollowTheGroup) {
  EXPECT_EQ(CdbLength(0x12), 6);
  EXPECT_EQ(CdbLength(0x25), 10);
  EXPECT_EQ(CdbLength(0x4D), 10);
  EXPECT_EQ(CdbLength(0x9E), 16);
  EXPECT_EQ(CdbLength(0xA0), 12);
  EXPECT_EQ(CdbLength(0x7F), 0);
}

// ------------------------------------------------------------------------------ Queue registers

TEST(QueueRegistersTest, FollowFactsAndChipAsTheKernelsDriver) {
  struct Case {
    const char* name;
    uint16_t message_version, device_id;
    uint8_t revision, vectors;
    bool offers_atomic, combined, atomic;
  };
  constexpr Case kCases[] = {
      {"SAS2008", 0x0200, 0x0072, 0x03, 1, false, false, false},
      {"SAS2308 with many vectors", 0x0200, 0x0087, 0x05, 16, false, false, false},
      {"SAS3008, B0", 0x0205, 0x0097, 0x01, 96, false, false, false},
      {"SAS3008, C0", 0x0205, 0x0097, 0x02, 96, false, true, false},
      {"SAS3008 with few vectors", 0x0205, 0x0097, 0x02, 8, false, false, false},
      {"SAS3216", 0x0206, 0x00C9, 0x01, 9, false, true, false},
      {"SAS3508 with 16 vectors", 0x0206, 0x00AD, 0x01, 16, false, false, false},
      {"SAS3508", 0x0206, 0x00AD, 0x01, 128, false, true, false},
      {"SAS3508 that offers atomic ones", 0x0206, 0x00AD, 0x01, 128, true, true, false},
      {"SAS3616", 0x0206, 0x00D1, 0x00, 16, false, false, false},
      {"SAS3816", 0x0206, 0x00E2, 0x00, 128, true, true, true},
      {"SAS3916", 0x0206, 0x00E6, 0x00, 128, true, true, true},
      {"SAS3916 without atomic ones", 0x0206, 0x00E6, 0x00, 16, false, false, false},
  };
  for (const Case& test : kCases) {
    mpi::IocFactsReply facts = Facts();
    facts.message_version = test.message_version;
    facts.max_msix_vectors = test.vectors;
    if (test.offers_atomic) facts.capabilities |= 0x00080000;
    PciFunction function;
    function.device_id = test.device_id;
    function.revision = test.revision;
    const QueueRegisters registers(facts, function);
    EXPECT_EQ(registers.combined(), test.combined) << test.name;
    EXPECT_EQ(registers.atomic(), test.atomic) << test.name;
  }
}

}  // namespace
}  // namespace sasd::pci_ioc
