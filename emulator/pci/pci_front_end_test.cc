// The function as a guest sees it, over a real link.
#include "emulator/pci/pci_front_end.h"

#include <sys/socket.h>

#include <memory>
#include <thread>  // NOLINT: the link's

#include "driver/base/fake_clock.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/pci/fake_guest.h"
#include "emulator/pci/link_server.h"
#include "gtest/gtest.h"

namespace sasd::emulator::pci {
namespace {

using mpi::Function;
using mpi::IocStatus;

constexpr uint8_t kDefault = 0x08, kScsiIo = 0x00, kHighPriority = 0x06;
constexpr uint32_t kReady = 1, kOperational = 2, kFault = 4, kCoredump = 5;

class PciFrontEndTest : public ::testing::Test {
 protected:
  void Start(MpiGeneration generation = MpiGeneration::k2_5, bool msix = true) {
    SyntheticFabricOptions synthetic;
    synthetic.expanders_per_host = 1;
    synthetic.devices_per_expander = 4;
    synthetic.ses = false;
    FabricSpec fabric = SyntheticFabric(synthetic);
    fabric.hosts[0].generation = generation;
    EmulatorOptions options;
    options.make_front_end = [&](VirtualHba& hba, uint32_t) {
      auto made = std::make_unique<PciFrontEnd>(
          hba, clock_, PciFrontEnd::Options{IdentityOf(generation), msix}, interrupts_);
      front_end_ = made.get();
      return made;
    };
    auto emulator = Emulator::Create(std::move(fabric), options, clock_);
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    link_ = UniqueFd(fds[0]);
    guest_ = std::make_unique<FakeGuest>(UniqueFd(fds[1]));
    server_ = std::thread([this] { served_ = ServeLink(link_, *front_end_); });
    guest_->Start();
  }

  ~PciFrontEndTest() override {
    if (guest_ != nullptr) guest_->HangUp();
    if (server_.joinable()) server_.join();
  }

  // Runs until the end of the discovery. Returns the handles of the reported end devices.
  std::vector<uint16_t> Enumerate() {
    guest_->Init();
    mpi::EventNotificationRequest events;
    events.masks = {0, 0, 0, 0};
    guest_->Post(1, kDefault, mpi::EncodeEventNotificationRequest(events));
    EXPECT_TRUE(guest_->Take().has_value());
    guest_->Post(2, kDefault, mpi::EncodePortEnableRequest());
    std::vector<uint16_t> handles;
    while (const auto reply = guest_->Take()) {
      last_smid_ = reply->smid;
      AddHandles(*reply, handles);
    }
    return handles;
  }

  static void AddHandles(const FakeGuest::Reply& reply, std::vector<uint16_t>& handles) {
    const auto event = mpi::DecodeEventNotificationReply(reply.frame);
    if (!event.ok() || event->header.function != Function::kEventNotification) return;
    if (event->event != 0x1C || LoadLe16(event->data, 2) < 9) return;  // of an expander
    for (size_t i = 0; i < event->data[8]; ++i) {
      if ((event->data[0x0C + 4 * i + 3] & 0xF) == 1) {
        handles.push_back(LoadLe16(event->data, 0x0C + 4 * i));
      }
    }
  }

  // INQUIRY into FakeGuest::kData, with one IEEE element.
  Bytes Inquiry(uint16_t handle, uint64_t data_address, uint32_t size = 36) {
    mpi::ScsiIoRequest request;
    request.handle = DevHandle(handle);
    request.sense_size = 96;
    request.data_size = size;
    request.direction = mpi::DataDirection::kRead;
    request.cdb[0] = 0x12;
    request.cdb[4] = 36;
    Bytes frame = mpi::EncodeScsiIoRequest(request);
    frame.resize(FakeGuest::kFrameSize);
    StoreLe64(absl::MakeSpan(frame), 0x60, data_address);
    StoreLe32(absl::MakeSpan(frame), 0x68, size);
    frame[0x6F] = 0x40;
    return frame;
  }

  FakeClock clock_;
  FakeInterrupts interrupts_;
  std::unique_ptr<Emulator> emulator_;
  PciFrontEnd* front_end_ = nullptr;  // the emulator's
  UniqueFd link_;
  std::unique_ptr<FakeGuest> guest_;
  std::thread server_;
  absl::Status served_;
  uint16_t last_smid_ = 0;
};

TEST_F(PciFrontEndTest, ConfigurationSpaceIdentifiesTheBoard) {
  Start();
  EXPECT_EQ(guest_->ReadConfig(0x00, 4), 0x00971000u);
  EXPECT_EQ(guest_->ReadConfig(0x0A, 2), 0x0107u);
  guest_->WriteConfig(0x14, 0xFFFFFFFF, 4);
  EXPECT_EQ(guest_->ReadConfig(0x14, 4), 0xFFFF0000u);
  guest_->WriteConfig(0x28, 0xFFFFFFFF, 4);
  EXPECT_EQ(guest_->ReadConfig(0x28, 4), 0u);
  EXPECT_EQ(guest_->ReadConfig(0xFE, 4), 0xFFFFFFFFu);
  EXPECT_EQ(guest_->ReadConfig(0x1000, 4), 0xFFFFFFFFu);
}

TEST_F(PciFrontEndTest, CapabilitiesAreThoseOfTheBoard) {
  Start();
  std::vector<uint32_t> ids;
  for (uint32_t at = guest_->ReadConfig(0x34, 1); at != 0; at = guest_->ReadConfig(at + 1, 1)) {
    ids.push_back(guest_->ReadConfig(at, 1));
  }
  EXPECT_EQ(ids, (std::vector<uint32_t>{0x01, 0x10, 0x11}));         // power, express, MSI-X
  EXPECT_EQ(guest_->ReadConfig(0x6C, 4) & 0x10000000, 0x10000000u);  // function level reset
  EXPECT_EQ(guest_->ReadConfig(0x100, 4), 0x00020001u);              // error reporting
  EXPECT_EQ(guest_->ReadConfig(0x54, 4) & 0xFFFF, 0x0008u);          // D0, keeps its state
}

TEST_F(PciFrontEndTest, WithoutMsixThereIsNoCapability) {
  Start(MpiGeneration::k2_0, false);
  EXPECT_EQ(guest_->ReadConfig(0x00, 4), 0x00721000u);
  EXPECT_EQ(guest_->ReadConfig(0x69, 1), 0u);               // PCI Express is the last
  EXPECT_EQ(guest_->ReadConfig(0x6C, 4) & 0x10000000, 0u);  // no function level reset
}

TEST_F(PciFrontEndTest, AFunctionLevelResetForgetsHostAndBars) {
  Start();
  Enumerate();
  guest_->WriteConfig(0x70, 0x8000, 2);
  EXPECT_EQ(guest_->ReadConfig(0x04, 2), 0u);
  EXPECT_EQ(guest_->ReadConfig(0x14, 4), 0u);
  EXPECT_EQ(guest_->ReadConfig(0x70, 2) & 0x8000, 0u);
  guest_->Start();
  EXPECT_EQ(guest_->state(), kReady);
  EXPECT_EQ(Enumerate().size(), 4u);
}

TEST_F(PciFrontEndTest, ABoardWithoutFunctionLevelResetIgnoresIt) {
  Start(MpiGeneration::k2_0);
  Enumerate();
  guest_->WriteConfig(0x70, 0x8000, 2);
  EXPECT_EQ(guest_->state(), kOperational);
}

TEST_F(PciFrontEndTest, AFunctionAsleepIsGoneAndKeepsItsState) {
  Start();
  Enumerate();
  guest_->WriteConfig(0x54, 0x3, 2);  // D3hot
  EXPECT_EQ(guest_->Read(0x00), 0xFFFFFFFFu);
  guest_->WriteConfig(0x54, 0x0, 2);
  EXPECT_EQ(guest_->state(), kOperational);
}

TEST_F(PciFrontEndTest, WithoutBusMasterARequestFaultsTheIoc) {
  Start();
  Enumerate();
  guest_->WriteConfig(0x04, 0x2, 2);
  guest_->Post(3, kHighPriority, mpi::EncodePortEnableRequest());
  EXPECT_EQ(guest_->state(), kFault);
  EXPECT_EQ(guest_->Read(0x00) & 0xFFFF, uint32_t{PciFrontEnd::kGuestFault});
  EXPECT_EQ(front_end_->dma_counts().not_bus_master, 1u);
  EXPECT_EQ(front_end_->dma_counts().not_mapped, 0u);
}

// As after kill -9 of a driver in userspace: vfio and uio clear the bit, and the IOC still knows
// the addresses of memory that others have by now.
TEST_F(PciFrontEndTest, WithoutBusMasterAnEventReachesNoMemory) {
  Start();
  Enumerate();
  const MutableByteSpan memory = guest_->Memory(FakeGuest::kMemory, FakeGuest::kSize);
  const Bytes before(memory.begin(), memory.end());
  guest_->WriteConfig(0x04, 0x2, 2);
  for (const ElementState& element : emulator_->fabric().ListElements()) {
    if (element.kind != ElementKind::kDevice) continue;
    ASSERT_TRUE(emulator_->fabric().Pull(element.id).ok());
    break;
  }
  EXPECT_EQ(guest_->state(), kFault);
  guest_->WriteConfig(0x04, 0x6, 2);
  EXPECT_EQ(guest_->state(), kFault);
  EXPECT_EQ(Bytes(memory.begin(), memory.end()), before);
  guest_->DiagnosticReset();
  EXPECT_EQ(Enumerate().size(), 3u);
}

TEST_F(PciFrontEndTest, WithoutBusMasterNoMessageInterrupts) {
  Start();
  guest_->WriteConfig(0xC2, 0x8000, 2);
  guest_->Write(0xE000, 0xFEE00000);
  guest_->Write(0xE00C, 0);
  guest_->Init();
  guest_->Write(0x34, 0x40000009);
  guest_->Post(1, kDefault, mpi::EncodeEventNotificationRequest({}));
  guest_->WriteConfig(0x04, 0x2, 2);
  guest_->Write(0x34, 0x40000001);
  EXPECT_TRUE(interrupts_.messages.empty());
  guest_->WriteConfig(0x04, 0x6, 2);
  EXPECT_EQ(interrupts_.messages.size(), 1u);
}

TEST_F(PciFrontEndTest, AnOrdinaryStartReachesMappedMemoryOnly) {
  Start();
  EXPECT_EQ(Enumerate().size(), 4u);
  EXPECT_EQ(front_end_->dma_counts().not_mapped, 0u);
  EXPECT_EQ(front_end_->dma_counts().not_bus_master, 0u);
}

TEST_F(PciFrontEndTest, FactsComeOverTheDoorbell) {
  Start();
  EXPECT_EQ(guest_->state(), kReady);
  const Bytes reply = guest_->Handshake(mpi::EncodeIocFactsRequest());
  const auto facts = mpi::DecodeIocFactsReply(reply);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->message_version, 0x0205);
  EXPECT_EQ(facts->max_msix_vectors, 8);
}

TEST_F(PciFrontEndTest, PortEnableIsAnsweredAfterItsEvents) {
  Start();
  EXPECT_EQ(Enumerate().size(), 4u);
  EXPECT_EQ(guest_->state(), kOperational);
  EXPECT_EQ(last_smid_, 2);
}

TEST_F(PciFrontEndTest, ScsiIoSuccessHasNoFrame) {
  Start();
  const auto handles = Enumerate();
  ASSERT_FALSE(handles.empty());
  guest_->Post(3, kScsiIo, Inquiry(handles[0], FakeGuest::kData));
  const auto reply = guest_->Take();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->type, 0);
  EXPECT_EQ(reply->smid, 3);
  EXPECT_GE(guest_->Memory(FakeGuest::kData, 36)[4], 0x1F);  // ADDITIONAL LENGTH (SPC-4 6.4.2)
}

TEST_F(PciFrontEndTest, ScsiIoOfMpi20HasMpiElements) {
  Start(MpiGeneration::k2_0);
  const auto handles = Enumerate();
  ASSERT_FALSE(handles.empty());
  Bytes frame = Inquiry(handles[0], 0);
  StoreLe32(absl::MakeSpan(frame), 0x60, 0xD1000000 | 36);  // simple, last, end; 32 bits
  StoreLe32(absl::MakeSpan(frame), 0x64, static_cast<uint32_t>(FakeGuest::kData));
  frame[0x6F] = 0;
  guest_->Post(3, kScsiIo, frame);
  ASSERT_TRUE(guest_->Take().has_value());
  EXPECT_NE(guest_->Memory(FakeGuest::kData, 36)[4], 0);
}

TEST_F(PciFrontEndTest, AScsiIoThatFailsHasAFrame) {
  Start();
  Enumerate();
  guest_->Post(3, kScsiIo, Inquiry(0x300, FakeGuest::kData));
  const auto reply = guest_->Take();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->type, 1);
  const auto decoded = mpi::DecodeScsiIoReply(reply->frame);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->header.status, IocStatus::kScsiInvalidDevHandle);
}

TEST_F(PciFrontEndTest, TheFirmwareImageHoldsItsVersion) {
  Start();
  Enumerate();
  Bytes frame(FakeGuest::kFrameSize);
  frame[0x00] = 1;  // MPI2_FW_UPLOAD_ITYPE_FW_FLASH
  frame[0x03] = 0x12;
  StoreLe32(absl::MakeSpan(frame), 0x1C, 0x100);
  StoreLe64(absl::MakeSpan(frame), 0x20, FakeGuest::kData);
  StoreLe32(absl::MakeSpan(frame), 0x28, 0x100);
  frame[0x2F] = 0x40;
  guest_->Post(3, kDefault, frame);
  const auto reply = guest_->Take();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(mpi::DecodeReplyHeader(reply->frame)->status, IocStatus::kSuccess);
  const auto facts = mpi::DecodeIocFactsReply(guest_->Handshake(mpi::EncodeIocFactsRequest()));
  ASSERT_TRUE(facts.ok());
  EXPECT_NE(facts->firmware_version, 0u);
  EXPECT_EQ(LoadLe32(guest_->Memory(FakeGuest::kData, 0x100), 0x1C), facts->firmware_version);
}

TEST_F(PciFrontEndTest, DataOutsideOfMemoryIsRefused) {
  Start();
  const auto handles = Enumerate();
  ASSERT_FALSE(handles.empty());
  for (uint64_t address : {uint64_t{0}, FakeGuest::kMemory + FakeGuest::kSize - 8, ~uint64_t{0}}) {
    guest_->Post(3, kScsiIo, Inquiry(handles[0], address));
    const auto reply = guest_->Take();
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->type, 1);
    EXPECT_EQ(mpi::DecodeReplyHeader(reply->frame)->status, IocStatus::kInvalidSgl);
  }
  EXPECT_EQ(front_end_->dma_counts().not_mapped, 3u);
  EXPECT_EQ(guest_->state(), kOperational);
}

TEST_F(PciFrontEndTest, EventsWaitForFreeFrames) {
  Start();
  ASSERT_EQ(Enumerate().size(), 4u);
  std::vector<std::string> drives;
  for (const ElementState& element : emulator_->fabric().ListElements()) {
    if (element.kind == ElementKind::kDevice) drives.push_back(element.id);
  }
  for (int round = 0; round < 5; ++round) {
    for (const std::string& drive : drives) ASSERT_TRUE(emulator_->fabric().Pull(drive).ok());
    for (const std::string& drive : drives) ASSERT_TRUE(emulator_->fabric().Insert(drive).ok());
  }
  size_t taken = 0, removed = 0;
  while (true) {
    const auto reply = guest_->Take(true);
    if (!reply.has_value()) {
      if (taken == 0) break;
      taken = 0;
      guest_->GiveBack();
      continue;
    }
    ++taken;
    EXPECT_LE(taken, 8u);
    const auto event = mpi::DecodeEventNotificationReply(reply->frame);
    ASSERT_TRUE(event.ok());
    if (event->event != 0x1C) continue;
    for (size_t i = 0; i < event->data[8]; ++i)
      removed += (event->data[0x0C + 4 * i + 3] & 0xF) == 2;
  }
  EXPECT_EQ(removed, 20u);
}

TEST_F(PciFrontEndTest, MessageUnitResetForgetsTheHost) {
  Start();
  Enumerate();
  guest_->Write(0x00, 0x40u << 24);
  EXPECT_EQ(guest_->state(), kReady);
  guest_->Post(3, kHighPriority, mpi::EncodePortEnableRequest());
  EXPECT_FALSE(guest_->Take().has_value());
  EXPECT_EQ(Enumerate().size(), 4u);
}

TEST_F(PciFrontEndTest, AFaultLastsUntilTheDiagnosticReset) {
  Start();
  const auto before = Enumerate();
  ASSERT_TRUE(
      emulator_->fabric().InjectFault("h0", FaultKind::kIocFault, 1, absl::Seconds(1)).ok());
  clock_.Advance(absl::Minutes(1));
  emulator_->RunTimers();
  EXPECT_EQ(guest_->state(), kFault);
  EXPECT_EQ(guest_->Read(0x00) & 0xFFFF, uint32_t{PciFrontEnd::kInjectedFault});
  guest_->DiagnosticReset();
  EXPECT_EQ(guest_->state(), kReady);
  EXPECT_EQ(guest_->Read(0x08) & 0x84, 0u);
  const auto after = Enumerate();
  EXPECT_EQ(after.size(), before.size());
  EXPECT_NE(after, before);  // renumbered
}

TEST_F(PciFrontEndTest, AnEnabledCoreDumpPrecedesTheFault) {
  Start(MpiGeneration::k2_6);
  guest_->Init(16, 9, 0x0002);  // MPI26_IOCINIT_CFGFLAGS_COREDUMP_ENABLE
  ASSERT_TRUE(
      emulator_->fabric().InjectFault("h0", FaultKind::kIocFault, 1, absl::Seconds(0)).ok());
  EXPECT_EQ(guest_->state(), kCoredump);
  clock_.Advance(PciFrontEnd::kCoredumpTime);
  EXPECT_EQ(guest_->state(), kFault);
}

TEST_F(PciFrontEndTest, AResetWithoutTheWriteSequenceDoesNothing) {
  Start();
  Enumerate();
  guest_->Write(0x08, 0x4);
  for (uint32_t key : {0xF, 0x4, 0xB, 0x2, 0x7, 0xC}) guest_->Write(0x04, key);
  guest_->Write(0x08, 0x4);
  EXPECT_EQ(guest_->state(), kOperational);
}

TEST_F(PciFrontEndTest, ARequestFrameOutsideOfMemoryFaultsTheIoc) {
  Start();
  Enumerate();
  guest_->Write64(0xC0, uint64_t{0xFFFF} << 16 | kDefault);
  EXPECT_EQ(guest_->state(), kFault);
  EXPECT_EQ(guest_->Read(0x00) & 0xFFFF, uint32_t{PciFrontEnd::kGuestFault});
}

TEST_F(PciFrontEndTest, TheLineFollowsTheQueue) {
  Start(MpiGeneration::k2_5, false);
  guest_->Init();
  EXPECT_FALSE(interrupts_.line);
  guest_->Post(1, kDefault, mpi::EncodeEventNotificationRequest({}));
  EXPECT_TRUE(interrupts_.line);
  EXPECT_EQ(guest_->Read(0x30) & 8, 8u);
  EXPECT_TRUE(guest_->Take().has_value());
  EXPECT_FALSE(interrupts_.line);
  EXPECT_EQ(interrupts_.waits, 1);
}

TEST_F(PciFrontEndTest, AMessageIsSentOnceItsVectorIsUnmasked) {
  Start();
  guest_->WriteConfig(0xC2, 0x8000, 2);
  guest_->Write(0xE000, 0xFEE00000);
  guest_->Write(0xE008, 0x41);
  guest_->Init();
  guest_->Post(1, kDefault, mpi::EncodeEventNotificationRequest({}));
  EXPECT_TRUE(interrupts_.messages.empty());
  EXPECT_EQ(guest_->Read(0xF000), 1u);
  guest_->Write(0xE00C, 0);
  ASSERT_EQ(interrupts_.messages.size(), 1u);
  EXPECT_EQ(interrupts_.messages[0], std::make_pair(uint64_t{0xFEE00000}, 0x41u));
  EXPECT_EQ(guest_->Read(0xF000), 0u);
}

TEST_F(PciFrontEndTest, DeviceResetRestoresBarsAndTheIoc) {
  Start();
  Enumerate();
  guest_->Call(LinkCommand::kDeviceReset, {});
  EXPECT_EQ(guest_->ReadConfig(0x14, 4), 0u);
  EXPECT_EQ(guest_->Read(0x00), 0xFFFFFFFFu);
  guest_->Start();
  EXPECT_EQ(guest_->state(), kReady);
}

TEST_F(PciFrontEndTest, TheEndOfTheLinkIsNoError) {
  Start();
  guest_->HangUp();
  server_.join();
  EXPECT_TRUE(served_.ok()) << served_;
}

TEST_F(PciFrontEndTest, GarbageEndsTheLink) {
  Start();
  guest_->SendRaw(static_cast<LinkCommand>(99), Bytes(5), false);
  server_.join();
  EXPECT_EQ(served_.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sasd::emulator::pci
