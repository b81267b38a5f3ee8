// The transport step by step, without a thread, on the virtual HBA. Time stands still.
#include "driver/transport/pci_ioc/pci_ioc_transport.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>  // NOLINT: one test's
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/base/fake_clock.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "driver/transport/pci_ioc/fake_pacer.h"
#include "driver/transport/pci_ioc/system_interface.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/mpi/pages.h"
#include "driver/wire/scsi/scsi.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/pci/pci_identity.h"
#include "gtest/gtest.h"

namespace sasd::pci_ioc {
namespace {

using emulator::FaultKind;
using emulator::MpiGeneration;
using mpi::Function;
using mpi::IocStatus;
using transport::IocReply;
using transport::IocRequest;

constexpr absl::Duration kNow = absl::ZeroDuration();

// Writes down what happens, in order.
class Recorder : public transport::IocListener {
 public:
  void OnEvent(const transport::EventArrival& event) override {
    log.push_back("event");
    events.push_back(event);
    events.back().data = {};
    if (on_event) on_event(event);
  }
  void OnEventsLost(uint32_t) override { log.push_back("lost"); }
  void OnResetBegin() override { log.push_back("reset"); }
  void OnReady() override { log.push_back("ready"); }
  void OnDelivered(Caller caller) override { EXPECT_EQ(caller, Caller::kMayNotWait); }

  size_t Count(const std::string& what) const {
    return static_cast<size_t>(std::count(log.begin(), log.end(), what));
  }

  std::vector<std::string> log;
  std::vector<transport::EventArrival> events;
  std::function<void(const transport::EventArrival&)> on_event;
};

class PciIocTransportTest : public ::testing::Test {
 protected:
  void Plug(MpiGeneration generation, uint16_t credit = 1024) {
    Plug(generation, emulator::pci::IdentityOf(generation), credit);
  }
  void Plug(MpiGeneration generation, const emulator::pci::PciIdentity& chip,
            uint16_t credit = 1024) {
    emulator::SyntheticFabricOptions synthetic;
    synthetic.expanders_per_host = 1;
    synthetic.devices_per_expander = 3;
    emulator::FabricSpec fabric = emulator::SyntheticFabric(synthetic);
    fabric.hosts[0].generation = generation;
    fabric.hosts[0].request_credit = credit;
    fabric.hosts[0].reply_frame_dwords = reply_frame_dwords_;
    emulator::EmulatorOptions options;
    options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t) {
      hba_ = &hba;
      return slot_.Plug(hba, clock_, chip);
    };
    auto emulator = emulator::Emulator::Create(std::move(fabric), options, clock_);
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
  }

  absl::Status Create(FakeFrontEndBus::Options options = {}, bool threaded = false) {
    auto bus = std::make_unique<FakeFrontEndBus>(slot_, std::move(options));
    bus_ = bus.get();
    PciIocOptions ioc;
    ioc.threaded = threaded;
    ioc.pacer = threaded ? nullptr : &pacer_;
    ioc.vectors = QueueLayout::kMaxQueues;
    ioc.on_gone = [this](const absl::Status& why) { gone_ = why; };
    auto made = PciIocTransport::Create(std::move(bus), clock_, std::move(ioc));
    if (!made.ok()) return made.status();
    ioc_ = *std::move(made);
    return absl::OkStatus();
  }

  // An IOC that operates and has reported its devices.
  void Start(MpiGeneration generation = MpiGeneration::k2_6, uint16_t credit = 1024) {
    Plug(generation, credit);
    ASSERT_TRUE(Create().ok());
    ioc_->SetListener(&recorder_);
    Operate();
  }
  // As Start(), with 16 vectors, on what is plugged. Every write to a register goes to `written_`.
  void StartRecording() {
    FakeFrontEndBus::Options options;
    options.max_vectors = 16;
    options.on_write = [this](uint32_t offset, uint64_t, size_t size) { written_[offset] = size; };
    ASSERT_TRUE(Create(std::move(options)).ok());
    ioc_->SetListener(&recorder_);
    Operate();
  }
  void Operate() {
    ASSERT_EQ(StatusOf(Ask(mpi::EncodeIocInitRequest({}))), IocStatus::kSuccess);
    mpi::EventNotificationRequest events;
    events.masks = {0, 0, 0, 0};
    ASSERT_EQ(StatusOf(Ask(mpi::EncodeEventNotificationRequest(events))), IocStatus::kSuccess);
    ASSERT_EQ(StatusOf(Ask(mpi::EncodePortEnableRequest())), IocStatus::kSuccess);
  }

  absl::StatusOr<IocReply> Ask(const Bytes& frame, MutableByteSpan in = {}, const Bytes& out = {}) {
    IocRequest request;
    request.frame = frame;
    request.data_in = in;
    request.data_out = out;
    return ioc_->Execute(request);
  }
  // Sends, and counts the completion by its code.
  absl::Status Submit(const Bytes& frame, absl::Duration timeout = absl::Seconds(10)) {
    kept_.push_back(frame);
    IocRequest request;
    request.frame = kept_.back();
    request.timeout = timeout;
    return ioc_->Submit(request, [this](const absl::StatusOr<IocReply>& reply) {
      recorder_.log.push_back(reply.ok() ? "reply" : "failed");
      last_ = reply.status();
    });
  }
  static IocStatus StatusOf(const absl::StatusOr<IocReply>& reply) {
    EXPECT_TRUE(reply.ok()) << reply.status();
    if (!reply.ok()) return IocStatus::kFailure;
    const auto header = mpi::DecodeReplyHeader(reply->frame);
    return header.ok() ? header->status : IocStatus::kFailure;
  }
  static Bytes Scsi(DevHandle handle, const mpi::Cdb& cdb, uint32_t size) {
    mpi::ScsiIoRequest scsi;
    scsi.handle = handle;
    scsi.cdb = cdb;
    scsi.data_size = size;
    scsi.sense_size = 96;
    scsi.direction = size == 0 ? mpi::DataDirection::kNone : mpi::DataDirection::kRead;
    return mpi::EncodeScsiIoRequest(scsi);
  }
  DevHandle Drive() { return DevHandle(emulator_->Truth(0).devices.front().handle); }
  QueueLayout LayoutNow(size_t queues) {
    const auto facts = mpi::DecodeIocFactsReply(
        *Handshake(*bus_, pacer_, mpi::EncodeIocFactsRequest(), absl::Seconds(1)));
    return *LayOutQueues(*facts, queues, bus_->arena().bytes.size());
  }
  void ExpectEveryKindOfRequest();
  void FillEveryRing(size_t queues);
  void Look() {
    clock_.Advance(PciIocOptions().look_interval);
    ioc_->RunStep(kNow);
  }

  FakeClock clock_;
  FakePacer pacer_{clock_};
  FakeSlot slot_;
  emulator::VirtualHba* hba_ = nullptr;
  uint8_t reply_frame_dwords_ = 32;
  std::unique_ptr<emulator::Emulator> emulator_;
  FakeFrontEndBus* bus_ = nullptr;  // the transport's
  Recorder recorder_;
  std::deque<Bytes> kept_;
  absl::Status last_, gone_;
  std::map<uint32_t, size_t>
      written_;  // register -> size of the last write; ioc_ writes up to its end
  std::unique_ptr<PciIocTransport> ioc_;
};

TEST_F(PciIocTransportTest, OnlyTheDoorbellWorksBeforeInit) {
  Plug(MpiGeneration::k2_5);
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(ioc_->Info().name, "pci:0000:03:00.0");
  EXPECT_TRUE(ioc_->Info().owned);
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
  EXPECT_EQ(StatusOf(Ask(mpi::EncodeIocFactsRequest())), IocStatus::kSuccess);
  EXPECT_EQ(StatusOf(Ask(mpi::EncodePortFactsRequest(0))), IocStatus::kSuccess);
  EXPECT_TRUE(absl::IsUnavailable(Submit(mpi::EncodePortEnableRequest())));
  Operate();
  EXPECT_TRUE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
  // As SetUpIoc() finds an IOC that another driver has left: INIT, reset, INIT.
  EXPECT_EQ(StatusOf(Ask(mpi::EncodeIocInitRequest({}))), IocStatus::kInvalidState);
  EXPECT_EQ(StatusOf(Ask(mpi::EncodeBareRequest(Function::kMessageUnitReset))),
            IocStatus::kSuccess);
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kReady);
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
  Operate();
  ioc_.reset();
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kReady);
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
}

// The messages that the doorbell carries, and the replies, as a logic analyzer shows them.
class DoorbellTap {
 public:
  FakeFrontEndBus::Options Options() {
    FakeFrontEndBus::Options options;
    options.on_write = [this](uint32_t offset, uint64_t value, size_t) {
      if (offset != system_interface::kDoorbell) return;
      if (left_ == 0) {
        left_ = value >> 16 & 0xFF;
        request_.clear();
        replied_ = 0;
        return;
      }
      request_.resize(request_.size() + 4);
      StoreLe32(absl::MakeSpan(request_), request_.size() - 4, static_cast<uint32_t>(value));
      if (--left_ == 0 && request_[3] == static_cast<uint8_t>(Function::kIocInit)) init_ = request_;
    };
    options.on_read = [this](uint32_t offset, uint32_t value) {
      const bool is_data = offset == system_interface::kDoorbell && left_ == 0 &&
                           (value & system_interface::kDoorbellUsed) != 0;
      if (!is_data) return value;
      const size_t at = 2 * replied_++;
      const bool is_init =
          !request_.empty() && request_[3] == static_cast<uint8_t>(Function::kIocInit);
      return is_init && at == kLogInfo ? value | init_log_info : value;
    };
    return options;
  }

  mpi::IocInitRequest init() const { return *mpi::DecodeIocInitRequest(init_); }

  uint16_t init_log_info = 0;  // of the replies to IOC INIT, low half

 private:
  static constexpr size_t kLogInfo = 0x10;

  size_t left_ = 0;  // dwords of the request
  size_t replied_ = 0;
  Bytes request_, init_;
};

TEST_F(PciIocTransportTest, InitDescribesTheHostAsTheKernelsDriverDoes) {
  for (const bool msix : {true, false}) {
    ioc_.reset();
    Plug(MpiGeneration::k2_6);
    DoorbellTap tap;
    FakeFrontEndBus::Options options = tap.Options();
    options.msix = msix;
    ASSERT_TRUE(Create(options).ok());
    Operate();
    const mpi::IocInitRequest init = tap.init();
    EXPECT_EQ(init.who_init, 0x04);
    EXPECT_EQ(init.host_page_size, 12);
    EXPECT_EQ(init.host_msix_vectors, msix ? 8 : 0);
    EXPECT_EQ(init.configuration_flags, system_interface::kInitCoredumpEnable);
    EXPECT_EQ(init.message_flags, 0);
    const DmaArena& arena = bus_->arena();
    EXPECT_EQ(init.reply_address_high, arena.address >> 32);
    EXPECT_EQ(init.sense_buffer_address_high, arena.address >> 32);
    for (const uint64_t address :
         {init.request_frame_base, init.reply_post_queue_address, init.reply_free_queue_address}) {
      EXPECT_GE(address, arena.address);
      EXPECT_LT(address, arena.address + arena.bytes.size());
    }
    ioc_.reset();  // before the tap
  }
}

// A warning in the log info of a success: the kernel's driver takes that for a failure, too.
TEST_F(PciIocTransportTest, AnInitWithLogInfoIsNone) {
  Plug(MpiGeneration::k2_5);
  DoorbellTap tap;
  tap.init_log_info = 0x0123;
  ASSERT_TRUE(Create(tap.Options()).ok());
  const absl::Status refused = Ask(mpi::EncodeIocInitRequest({})).status();
  EXPECT_TRUE(absl::IsInternal(refused)) << refused;
  EXPECT_NE(refused.message().find("log info 0x"), std::string::npos) << refused;
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
  // The look finds an IOC that operates by itself.
  tap.init_log_info = 0;
  Look();
  Operate();
  ioc_.reset();
}

void PciIocTransportTest::ExpectEveryKindOfRequest() {
  // Success without a frame.
  Bytes data(mpi::InquiryData::kSize, 0xEE);
  auto reply = Ask(Scsi(Drive(), mpi::InquiryCdb(mpi::InquiryData::kSize), mpi::InquiryData::kSize),
                   absl::MakeSpan(data));
  EXPECT_EQ(StatusOf(reply), IocStatus::kSuccess);
  EXPECT_TRUE(mpi::DecodeInquiryData(data).ok());
  EXPECT_EQ(data[0], 0);
  // A check condition, with sense.
  data.assign(252, 0);
  reply = Ask(Scsi(Drive(), mpi::VpdCdb(0xEE, 252), 252), absl::MakeSpan(data));
  ASSERT_TRUE(reply.ok()) << reply.status();
  const auto scsi = mpi::DecodeScsiIoReply(reply->frame);
  ASSERT_TRUE(scsi.ok());
  EXPECT_EQ(scsi->scsi_status, mpi::scsi_status::kCheckCondition);
  const auto sense = mpi::DecodeSense(reply->sense);
  ASSERT_TRUE(sense.ok()) << sense.status();
  EXPECT_EQ(sense->key, 5);
  // No such device.
  reply = Ask(Scsi(DevHandle(0x3F0), mpi::TestUnitReadyCdb(), 0));
  EXPECT_EQ(StatusOf(reply), IocStatus::kScsiInvalidDevHandle);
  // A page: its header, then its bytes.
  mpi::ConfigRequest config;
  config.page.ext_type = mpi::ExtPageType::kSasIoUnit;
  reply = Ask(mpi::EncodeConfigRequest(config));
  ASSERT_EQ(StatusOf(reply), IocStatus::kSuccess);
  EXPECT_EQ(reply->data_in_size, 0u);
  config.page = mpi::DecodeConfigReply(reply->frame)->page;
  config.action = mpi::ConfigAction::kReadCurrent;
  data.assign(size_t{4} * config.page.dwords + 8, 0xEE);
  reply = Ask(mpi::EncodeConfigRequest(config), absl::MakeSpan(data));
  ASSERT_EQ(StatusOf(reply), IocStatus::kSuccess);
  EXPECT_EQ(reply->data_in_size, size_t{4} * config.page.dwords);
  data.resize(reply->data_in_size);
  EXPECT_TRUE(mpi::DecodeSasIoUnitPage0(data).ok());
  // SMP: REPORT GENERAL of the expander.
  mpi::SmpPassthroughRequest smp;
  smp.request_size = 4;
  smp.address = emulator_->Truth(0).expanders.front().address;
  data.assign(64, 0);
  reply = Ask(mpi::EncodeSmpPassthroughRequest(smp), absl::MakeSpan(data), {0x40, 0, 0, 0});
  ASSERT_EQ(StatusOf(reply), IocStatus::kSuccess);
  EXPECT_GE(reply->data_in_size, 8u);
  EXPECT_EQ(data[0], 0x41);
  // Task management has high priority.
  mpi::TaskManagementRequest task;
  task.handle = Drive();
  reply = Ask(mpi::EncodeTaskManagementRequest(task));
  EXPECT_EQ(StatusOf(reply), IocStatus::kSuccess);
  EXPECT_TRUE(mpi::DecodeTaskManagementReply(reply->frame).ok());
  EXPECT_EQ(ioc_->requests_in_flight(), 0u);
  EXPECT_EQ(ioc_->stats().rejected, 0u);
  EXPECT_EQ(slot_.front_end().dma_counts().not_mapped, 0u);
}

TEST_F(PciIocTransportTest, EveryKindOfRequestInEveryGeneration) {
  for (const MpiGeneration generation :
       {MpiGeneration::k2_0, MpiGeneration::k2_5, MpiGeneration::k2_6}) {
    ioc_.reset();
    Start(generation);
    ExpectEveryKindOfRequest();
  }
}

// More replies than a ring holds: the IOC waits for host indexes that it does not get.
void PciIocTransportTest::FillEveryRing(size_t queues) {
  ASSERT_EQ(ioc_->stats().queues, queues);
  const Bytes frame = Scsi(Drive(), mpi::TestUnitReadyCdb(), 0);
  const QueueLayout layout = LayoutNow(queues);
  for (size_t i = 0; i < queues * (layout.reply_post_depth + size_t{1}); ++i) {
    ASSERT_EQ(StatusOf(Ask(frame)), IocStatus::kSuccess) << i;
  }
  EXPECT_EQ(slot_.Read32(system_interface::kInterruptStatus), 0u);
  EXPECT_EQ(ioc_->stats().rejected, 0u);
  EXPECT_EQ(slot_.front_end().dma_counts().not_mapped, 0u);
}

TEST_F(PciIocTransportTest, SixteenQueuesHaveTwoHostIndexRegisters) {
  Plug(MpiGeneration::k2_5, emulator::pci::ManyVectorsIdentity());
  StartRecording();
  FillEveryRing(16);
  EXPECT_EQ(written_.count(system_interface::kReplyPostHostIndex), 0u);
  EXPECT_EQ(written_.count(system_interface::kSupplementalPostHostIndex), 1u);
  EXPECT_EQ(written_.count(system_interface::kSupplementalPostHostIndex + 0x10), 1u);
  EXPECT_EQ(written_.count(system_interface::kSupplementalPostHostIndex + 0x20), 0u);
  EXPECT_EQ(written_.count(system_interface::kAtomicRequestPost), 0u);
}

TEST_F(PciIocTransportTest, EightQueuesHaveOneHostIndexRegister) {
  Plug(MpiGeneration::k2_6);
  StartRecording();
  FillEveryRing(8);
  EXPECT_EQ(written_.count(system_interface::kReplyPostHostIndex), 1u);
  EXPECT_EQ(written_.count(system_interface::kSupplementalPostHostIndex), 0u);
  EXPECT_EQ(written_[system_interface::kRequestPost], 8u);  // in one store
}

TEST_F(PciIocTransportTest, AtomicDescriptorsCarryEveryKindOfRequest) {
  Plug(MpiGeneration::k2_6, emulator::pci::AeroIdentity());
  StartRecording();
  FillEveryRing(16);
  ExpectEveryKindOfRequest();
  EXPECT_EQ(written_[system_interface::kAtomicRequestPost], 4u);
  EXPECT_EQ(written_.count(system_interface::kRequestPost), 0u);
}

TEST_F(PciIocTransportTest, EventsComeBeforeTheReplyThatFollowsThem) {
  Plug(MpiGeneration::k2_6);
  ASSERT_TRUE(Create().ok());
  ioc_->SetListener(&recorder_);
  ASSERT_EQ(StatusOf(Ask(mpi::EncodeIocInitRequest({}))), IocStatus::kSuccess);
  mpi::EventNotificationRequest events;
  events.masks = {0, 0, 0, 0};
  ASSERT_EQ(StatusOf(Ask(mpi::EncodeEventNotificationRequest(events))), IocStatus::kSuccess);
  recorder_.log.clear();
  ASSERT_TRUE(Submit(mpi::EncodePortEnableRequest()).ok());
  EXPECT_TRUE(recorder_.log.empty());
  ioc_->RunStep(kNow);
  ASSERT_GT(recorder_.log.size(), 3u);
  EXPECT_EQ(recorder_.log.back(), "reply");
  EXPECT_EQ(recorder_.Count("reply"), 1u);
}

TEST_F(PciIocTransportTest, EventsAreAcknowledgedFromTheListener) {
  Start();
  const size_t before = hba_->unacknowledged_events();
  bool wanted = false;
  recorder_.on_event = [&](const transport::EventArrival& event) {
    if (!event.ack_required) return;
    wanted = true;
    EXPECT_TRUE(Submit(mpi::EncodeEventAckRequest({event.event, event.context})).ok());
  };
  ASSERT_TRUE(emulator_->fabric().InjectLogEntry("h0", 1, "text").ok());
  for (int i = 0; i < 3; ++i) ioc_->RunStep(kNow);
  EXPECT_TRUE(wanted);
  EXPECT_EQ(hba_->unacknowledged_events(), before);
}

// 72 bytes of a log entry in frames of 64.
TEST_F(PciIocTransportTest, AnEventThatFitsNoFrameIsCutAndAcknowledged) {
  reply_frame_dwords_ = 16;
  Start();
  const size_t before = hba_->unacknowledged_events();
  recorder_.log.clear();
  std::vector<size_t> sizes;
  recorder_.on_event = [&](const transport::EventArrival& event) {
    sizes.push_back(event.data.size());
    ASSERT_TRUE(event.ack_required);
    EXPECT_TRUE(Submit(mpi::EncodeEventAckRequest({event.event, event.context})).ok());
  };
  ASSERT_TRUE(emulator_->fabric().InjectLogEntry("h0", 1, "text").ok());
  ASSERT_TRUE(emulator_->fabric().InjectLogEntry("h0", 2, "text").ok());
  for (int i = 0; i < 3; ++i) ioc_->RunStep(kNow);
  EXPECT_EQ(sizes, (std::vector<size_t>{36, 36}));
  EXPECT_EQ(recorder_.Count("lost"), 0u);
  EXPECT_EQ(hba_->unacknowledged_events(), before);
}

TEST_F(PciIocTransportTest, AllFramesInUseIsNotAnEnd) {
  Start(MpiGeneration::k2_5, 2);
  ASSERT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0)).ok());
  ASSERT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0)).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0))));
  mpi::TaskManagementRequest task;
  task.handle = Drive();
  EXPECT_TRUE(Submit(mpi::EncodeTaskManagementRequest(task)).ok());  // has credit of its own
  ioc_->RunStep(kNow);
  EXPECT_EQ(recorder_.Count("reply"), 3u);
  EXPECT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0)).ok());
}

TEST_F(PciIocTransportTest, RefusedRequestsNeverReachTheIoc) {
  Start();
  const uint64_t accesses = bus_->accesses();
  EXPECT_TRUE(
      absl::IsPermissionDenied(Submit(mpi::EncodeBareRequest(Function::kFirmwareDownload, 0x1C))));
  Bytes data(QueueLayout::kLargeDataSize + 4);
  mpi::ConfigRequest config;
  config.action = mpi::ConfigAction::kReadCurrent;
  EXPECT_TRUE(absl::IsInvalidArgument(
      Ask(mpi::EncodeConfigRequest(config), absl::MakeSpan(data)).status()));
  EXPECT_EQ(bus_->accesses(), accesses);
}

// What the IOC answers too late is nobody's: the caller's memory is its own again.
TEST_F(PciIocTransportTest, AGivenUpRequestKeepsItsPlace) {
  Start(MpiGeneration::k2_5, 8);
  slot_.Unplug();  // the posted descriptor is lost
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0), absl::Milliseconds(1)).ok());
  }
  slot_.Plug();
  clock_.Advance(absl::Milliseconds(1));
  ioc_->RunStep(kNow);
  EXPECT_EQ(recorder_.Count("failed"), 3u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(last_));
  EXPECT_EQ(ioc_->requests_in_flight(), 3u);
  EXPECT_EQ(ioc_->stats().timeouts, 3u);
  // More than half of them: the IOC is reset, and all are free again.
  slot_.Unplug();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0), absl::Milliseconds(1)).ok());
  }
  slot_.Plug();
  clock_.Advance(absl::Milliseconds(1));
  ioc_->RunStep(kNow);
  EXPECT_EQ(recorder_.Count("reset"), 1u);
  EXPECT_EQ(recorder_.Count("ready"), 1u);
  EXPECT_EQ(ioc_->requests_in_flight(), 0u);
  Operate();
}

TEST_F(PciIocTransportTest, ExecuteEndsAtItsTimeout) {
  Start();
  slot_.Unplug();
  Bytes data(36, 0xEE);
  const Bytes frame = Scsi(Drive(), mpi::InquiryCdb(36), 36);
  IocRequest request;
  request.frame = frame;
  request.data_in = absl::MakeSpan(data);
  request.timeout = absl::Milliseconds(20);
  EXPECT_TRUE(absl::IsDeadlineExceeded(ioc_->Execute(request).status()));
  slot_.Plug();
  EXPECT_EQ(data, Bytes(36, 0xEE));
  EXPECT_EQ(ioc_->requests_in_flight(), 1u);
}

TEST_F(PciIocTransportTest, AFaultAbortsAndRecovers) {
  Start(MpiGeneration::k2_6);  // with a core dump, which is waited for
  slot_.Unplug();
  ASSERT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0)).ok());
  slot_.Plug();
  ASSERT_TRUE(
      emulator_->fabric().InjectFault("h0", FaultKind::kIocFault, 1, absl::Seconds(1)).ok());
  recorder_.log.clear();
  ASSERT_EQ(slot_.ioc_state(), mpi::IocState::kCoredump);
  Look();
  EXPECT_EQ(recorder_.log, (std::vector<std::string>{"reset", "failed", "ready"}));
  EXPECT_TRUE(absl::IsAborted(last_));
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kReady);
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
  EXPECT_TRUE(absl::IsUnavailable(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0))));
  Operate();
}

TEST_F(PciIocTransportTest, AFaultBeforeInitRecovers) {
  Plug(MpiGeneration::k2_0);
  ASSERT_TRUE(Create().ok());
  ioc_->SetListener(&recorder_);
  ASSERT_TRUE(
      emulator_->fabric().InjectFault("h0", FaultKind::kIocFault, 1, absl::Seconds(1)).ok());
  Look();
  EXPECT_EQ(recorder_.log, (std::vector<std::string>{"reset", "ready"}));
  Operate();
}

TEST_F(PciIocTransportTest, ADoorbellThatHangsEndsInAReset) {
  Start();
  recorder_.log.clear();
  slot_.Write32(system_interface::kDoorbell, 0x42010000);  // announces a dword, and no more
  EXPECT_FALSE(Ask(mpi::EncodeIocFactsRequest()).ok());
  EXPECT_EQ(recorder_.log, (std::vector<std::string>{"reset", "ready"}));
  EXPECT_EQ(ioc_->stats().last_reset, "its doorbell hangs");
  Operate();
}

TEST_F(PciIocTransportTest, ResetEndsInReadyAndEndsRequests) {
  Start();
  recorder_.log.clear();
  ASSERT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0)).ok());
  ASSERT_TRUE(ioc_->Reset().ok());
  EXPECT_EQ(recorder_.log, (std::vector<std::string>{"reset", "failed", "ready"}));
  EXPECT_EQ(ioc_->stats().last_reset, "on request");
  Operate();
}

TEST_F(PciIocTransportTest, AnIocThatNeverBecomesReadyIsGone) {
  Plug(MpiGeneration::k2_0);
  bool stuck = false;
  FakeFrontEndBus::Options options;
  options.on_read = [&stuck](uint32_t, uint32_t value) { return stuck ? 0x40001234 : value; };
  ASSERT_TRUE(Create(options).ok());
  ioc_->SetListener(&recorder_);
  Operate();
  stuck = true;
  Look();
  EXPECT_FALSE(gone_.ok());
  EXPECT_EQ(recorder_.Count("reset"), 1u);
  EXPECT_EQ(recorder_.Count("ready"), 0u);
  const absl::Status refused = Submit(mpi::EncodePortEnableRequest());
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
}

TEST_F(PciIocTransportTest, ARemovalOfOneLookIsSurvived) {
  Start();
  slot_.Unplug();
  Look();
  slot_.Plug();
  Look();
  EXPECT_TRUE(gone_.ok());
  EXPECT_EQ(recorder_.Count("reset"), 0u);
  slot_.Unplug();
  Look();
  Look();
  EXPECT_TRUE(absl::IsNotFound(gone_)) << gone_;
}

TEST_F(PciIocTransportTest, LostDecodingOfMemoryIsRepaired) {
  Start();
  const uint32_t command = slot_.ReadConfig(kPciCommand, 2);
  slot_.WriteConfig(kPciCommand, command & ~(kPciCommandMemory | kPciCommandBusMaster), 2);
  Look();
  EXPECT_TRUE(gone_.ok());
  EXPECT_EQ(recorder_.Count("ready"), 1u);
  Operate();
}

// Only the look touches the function: a doorbell and a command register.
TEST_F(PciIocTransportTest, AResetByAnotherPathIsNoticedAtTheNextLook) {
  Start();
  recorder_.log.clear();
  slot_.Write32(system_interface::kDoorbell, 0x40u << 24);
  Look();
  EXPECT_EQ(recorder_.log, (std::vector<std::string>{"reset", "ready"}));
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
  Operate();
}

// The end comes before anybody has looked: what the next driver finds is READY all the same.
TEST_F(PciIocTransportTest, AFaultedIocIsHandedBackInReady) {
  Start(MpiGeneration::k2_6);
  ASSERT_TRUE(
      emulator_->fabric().InjectFault("h0", FaultKind::kIocFault, 1, absl::Seconds(1)).ok());
  ASSERT_EQ(slot_.ioc_state(), mpi::IocState::kCoredump);
  ioc_.reset();
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kReady);
  EXPECT_FALSE(slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster);
}

TEST_F(PciIocTransportTest, AnIdleIocIsLookedAtOnceASecond) {
  Start();
  const uint64_t accesses = bus_->accesses();
  for (int i = 0; i < 10; ++i) ioc_->RunStep(kNow);
  EXPECT_EQ(bus_->accesses(), accesses);
  Look();
  EXPECT_EQ(bus_->accesses(), accesses + 2);
}

TEST_F(PciIocTransportTest, CreateReportsAFunctionThatDoesNotAnswer) {
  Plug(MpiGeneration::k2_5);
  slot_.Unplug();
  const absl::Status status = Create();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_NE(status.message().find("0000:03:00.0"), std::string::npos);
}

TEST_F(PciIocTransportTest, CreateLetsGoOnTheSystemsRequest) {
  Plug(MpiGeneration::k2_5);
  slot_.WriteConfig(kPciCommand, kPciCommandMemory, 2);
  slot_.Write32(system_interface::kDoorbell, 0x42010000);  // the way to READY takes pauses
  FakeFrontEndBus::Options options;
  int accesses = 0;
  options.on_access = [&] {
    if (++accesses == 5) bus_->RequestRelease();
  };
  const absl::Status status = Create(options, true);
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

// -------------------------------------------------------------------------------- Hostile IOCs

class HostileTest : public PciIocTransportTest {
 protected:
  void FillRings(std::mt19937& random) {
    const MutableByteSpan arena = bus_->arena().bytes;
    const auto facts = mpi::DecodeIocFactsReply(Ask(mpi::EncodeIocFactsRequest())->frame);
    const QueueLayout layout = *LayOutQueues(*facts, 8, arena.size());
    const size_t entries = size_t{layout.reply_post_depth} * layout.queue_count;
    const auto frames = static_cast<uint32_t>(bus_->arena().address + layout.replies);
    for (size_t i = 0; i < entries; ++i) {
      uint64_t entry = random() | uint64_t{random()} << 32;
      // Half of them are nearly right.
      if (random() % 2 != 0) {
        entry = (random() % 2) | uint64_t{random() % 80} << 16 |
                uint64_t{frames + random() % 140 * static_cast<uint32_t>(layout.reply_size)} << 32;
      }
      StoreLe64(arena, layout.reply_post + 8 * i, entry);
    }
    for (size_t i = 0; i < layout.reply_size * layout.reply_count; ++i) {
      arena[layout.replies + i] = static_cast<uint8_t>(random());
    }
  }
};

TEST_F(HostileTest, RingsFullOfLiesEndInAReset) {
  Start();
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    FillRings(random);
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(Submit(Scsi(Drive(), mpi::InquiryCdb(36), 0)).ok() || !absl::IsInternal(last_));
    }
    const uint64_t resets = ioc_->stats().resets;
    ioc_->RunStep(kNow);
    ASSERT_GT(ioc_->stats().resets, resets);
    EXPECT_EQ(ioc_->requests_in_flight(), 0u);
    Operate();
    EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kOperational);
  }
  EXPECT_GT(ioc_->stats().rejected, 1000u);
  EXPECT_GT(recorder_.Count("lost"), 0u);
}

TEST_F(HostileTest, AReplyOfAnotherFunctionIsAnError) {
  Start(MpiGeneration::k2_0);  // one queue
  ASSERT_TRUE(Submit(mpi::EncodeEventAckRequest({0x1C, 1})).ok());
  const MutableByteSpan arena = bus_->arena().bytes;
  // The reply is there, but not read. Its function is made another.
  const QueueLayout layout = LayoutNow(1);
  for (size_t i = 0; i < layout.reply_count; ++i) {
    uint8_t& function = arena[layout.replies + layout.reply_size * i + 3];
    if (function == static_cast<uint8_t>(Function::kEventAck)) function = 0x04;
  }
  ioc_->RunStep(kNow);
  EXPECT_TRUE(absl::IsInternal(last_)) << last_;
  EXPECT_EQ(ioc_->stats().rejected, 1u);
  EXPECT_EQ(ioc_->requests_in_flight(), 0u);
}

// ------------------------------------------------------------------------------- With a thread

TEST_F(PciIocTransportTest, NoCallComesAfterTheListenerIsRemoved) {
  Plug(MpiGeneration::k2_5);
  ASSERT_TRUE(Create({}, true).ok());
  {
    Recorder first;
    ioc_->SetListener(&first);
    Operate();
    EXPECT_GT(first.Count("event"), 0u);
    std::thread puller([this] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(emulator_->fabric().Pull("h0-x000-d001").ok());
        EXPECT_TRUE(emulator_->fabric().Insert("h0-x000-d001").ok());
      }
    });
    ioc_->SetListener(nullptr);
    first.log.clear();
    puller.join();
    EXPECT_EQ(StatusOf(Ask(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0))), IocStatus::kSuccess);
    EXPECT_TRUE(first.log.empty());
  }
}

TEST_F(PciIocTransportTest, ManyThreadsShareTheFrames) {
  Plug(MpiGeneration::k2_5, 4);
  ASSERT_TRUE(Create({}, true).ok());
  Operate();
  const Bytes frame = Scsi(Drive(), mpi::InquiryCdb(36), 36);
  std::atomic<int> replies{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200;) {
        Bytes data(36, 0xEE);
        const auto reply = Ask(frame, absl::MakeSpan(data));
        if (absl::IsResourceExhausted(reply.status())) continue;
        ++i;
        ASSERT_TRUE(reply.ok()) << reply.status();
        ASSERT_EQ(data[0], 0);
        ++replies;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(replies, 800);
  EXPECT_EQ(ioc_->requests_in_flight(), 0u);
}

// The reply is in memory, and nothing says so: it is read before anybody gives up.
TEST_F(PciIocTransportTest, ALostInterruptLosesNoReply) {
  Plug(MpiGeneration::k2_5);
  FakeFrontEndBus::Options options;
  options.loses_interrupts = true;
  ASSERT_TRUE(Create(options, true).ok());
  ASSERT_EQ(StatusOf(Ask(mpi::EncodeIocInitRequest({}))), IocStatus::kSuccess);
  const Bytes frame = Scsi(DevHandle(0x3F0), mpi::TestUnitReadyCdb(), 0);
  for (int i = 0; i < 200; ++i) {
    IocRequest request;
    request.frame = frame;
    request.timeout = absl::Milliseconds(2);
    EXPECT_EQ(StatusOf(ioc_->Execute(request)), IocStatus::kScsiInvalidDevHandle);
  }
  EXPECT_EQ(ioc_->stats().timeouts, 0u);
}

TEST_F(PciIocTransportTest, TheEndCancelsWhatIsOutstanding) {
  Start();
  slot_.Unplug();
  ASSERT_TRUE(Submit(Scsi(Drive(), mpi::TestUnitReadyCdb(), 0)).ok());
  slot_.Plug();
  recorder_.log.clear();
  ioc_.reset();
  EXPECT_EQ(recorder_.log, (std::vector<std::string>{"failed"}));
  EXPECT_TRUE(absl::IsCancelled(last_)) << last_;
  EXPECT_EQ(slot_.ioc_state(), mpi::IocState::kReady);
}

}  // namespace
}  // namespace sasd::pci_ioc
