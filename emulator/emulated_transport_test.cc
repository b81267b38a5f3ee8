#include "emulator/emulated_transport.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/mpi/pages.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/fabric/fabric_loader.h"
#include "gtest/gtest.h"

// The virtual HBA as a driver sees it: frames in, frames and events out.
namespace sasd::emulator {
namespace {

using mpi::IocStatus;
using mpi::PhyReason;

constexpr char kDrive[] = "h0-x000-d001";

struct Heard {
  std::string what;  // "event", "lost", "reset", "ready"
  mpi::EventData data;
  uint32_t context = 0;
  bool ack_required = false;
  Bytes bytes;
};

class Listener : public transport::IocListener {
 public:
  void OnEvent(const transport::EventArrival& event) override {
    Heard heard;
    heard.what = "event";
    auto data = mpi::DecodeEvent(event.event, event.data);
    if (data.ok()) heard.data = *std::move(data);
    heard.context = event.context;
    heard.ack_required = event.ack_required;
    heard.bytes.assign(event.data.begin(), event.data.end());
    heard_.push_back(std::move(heard));
  }
  void OnEventsLost(uint32_t) override { heard_.push_back({"lost", {}, 0, false, {}}); }
  void OnResetBegin() override { heard_.push_back({"reset", {}, 0, false, {}}); }
  void OnReady() override { heard_.push_back({"ready", {}, 0, false, {}}); }
  void OnDelivered(Caller) override {}

  std::vector<Heard> Take() { return std::exchange(heard_, {}); }

 private:
  std::vector<Heard> heard_;
};

// The entries about `handle`, in the order in which they were reported.
std::vector<PhyReason> ReasonsOf(const std::vector<Heard>& heard, DevHandle handle) {
  std::vector<PhyReason> reasons;
  for (const Heard& one : heard) {
    const auto* list = std::get_if<mpi::TopologyChangeList>(&one.data);
    if (list == nullptr) continue;
    for (const auto& entry : list->entries) {
      if (entry.attached_handle == handle && entry.reason != PhyReason::kNoChange) {
        reasons.push_back(entry.reason);
      }
    }
  }
  return reasons;
}

class EmulatedTransportTest : public ::testing::Test {
 protected:
  void SetUp() override { Create(0, 1); }

  void Create(uint16_t report_missing_delay_s, uint64_t seed) {
    SyntheticFabricOptions fabric;
    fabric.expanders_per_host = 1;
    fabric.devices_per_expander = 3;
    fabric.report_missing_delay_s = report_missing_delay_s;
    Create(SyntheticFabric(fabric), seed);
  }
  void Create(FabricSpec fabric, uint64_t seed = 1) {
    EmulatorOptions options;
    options.seed = seed;
    auto emulator = Emulator::Create(std::move(fabric), options, clock_);
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    emulator_->transport(0).SetListener(&listener_);
  }
  ~EmulatedTransportTest() override { emulator_->transport(0).SetListener(nullptr); }

  EmulatedTransport& ioc() { return emulator_->transport(0); }
  VirtualFabric& fabric() { return emulator_->fabric(); }
  std::string HostId() const { return emulator_->HostId(0); }

  IocStatus StatusOf(const Bytes& frame, MutableByteSpan data_in = {}, Bytes* reply = nullptr) {
    transport::IocRequest request;
    request.frame = frame;
    request.data_in = data_in;
    const auto answer = ioc().Execute(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return IocStatus::kInternalError;
    if (reply != nullptr) *reply = answer->frame;
    return mpi::DecodeReplyHeader(answer->frame)->status;
  }
  void Init() {
    ASSERT_EQ(StatusOf(mpi::EncodeIocInitRequest({})), IocStatus::kSuccess);
    mpi::EventNotificationRequest events;
    events.masks = {0, 0, 0, 0};
    ASSERT_EQ(StatusOf(mpi::EncodeEventNotificationRequest(events)), IocStatus::kSuccess);
  }
  void Start() {
    Init();
    ASSERT_EQ(StatusOf(mpi::EncodePortEnableRequest()), IocStatus::kSuccess);
    listener_.Take();
  }
  IocStatus RemoveDevice(DevHandle handle) {
    mpi::SasControlRequest request;
    request.handle = handle;
    return StatusOf(mpi::EncodeSasControlRequest(request));
  }
  IocStatus ReadPage(const mpi::PageHeader& page, uint32_t address, Bytes& data) {
    mpi::ConfigRequest config;
    config.action = mpi::ConfigAction::kReadCurrent;
    config.page = page;
    config.address = address;
    data.resize(512);
    return StatusOf(mpi::EncodeConfigRequest(config), absl::MakeSpan(data));
  }
  IocStatus ReadDevicePage(uint32_t address, mpi::SasDevicePage0* page = nullptr) {
    Bytes data;
    const IocStatus status = ReadPage(mpi::SasDevicePage0::kHeader, address, data);
    if (status == IocStatus::kSuccess && page != nullptr) *page = *mpi::DecodeSasDevicePage0(data);
    return status;
  }
  // The handles that the host's phys lead to.
  std::vector<DevHandle> HandlesOfPhys() {
    Bytes data;
    EXPECT_EQ(ReadPage(mpi::SasIoUnitPage0::kHeader, 0, data), IocStatus::kSuccess);
    const auto page = mpi::DecodeSasIoUnitPage0(data);
    std::vector<DevHandle> handles;
    if (!page.ok()) return handles;
    for (const auto& phy : page->phys) handles.push_back(phy.attached_handle);
    return handles;
  }
  DevHandle HandleOf(const std::string& id) const {
    for (const TruthDevice& device : emulator_->Truth(0).devices) {
      if (device.id == id) return device.handle;
    }
    return DevHandle(0);
  }

  FakeClock clock_;
  Listener listener_;
  std::unique_ptr<Emulator> emulator_;
};

TEST_F(EmulatedTransportTest, FactsWorkBeforeInitAndPagesAfter) {
  Bytes reply;
  EXPECT_EQ(StatusOf(mpi::EncodeIocFactsRequest(), {}, &reply), IocStatus::kSuccess);
  EXPECT_GT(mpi::DecodeIocFactsReply(reply)->max_dev_handle, 0);
  EXPECT_EQ(ReadDevicePage(mpi::page_address::Next(mpi::page_address::kStart)),
            IocStatus::kInvalidState);
  Init();
  EXPECT_EQ(ReadDevicePage(mpi::page_address::Next(mpi::page_address::kStart)),
            IocStatus::kSuccess);
  EXPECT_EQ(StatusOf(mpi::EncodeIocInitRequest({})), IocStatus::kInvalidState);
  EXPECT_EQ(StatusOf(mpi::EncodeBareRequest(mpi::Function::kMessageUnitReset)),
            IocStatus::kSuccess);
  EXPECT_EQ(StatusOf(mpi::EncodeIocInitRequest({})), IocStatus::kSuccess);
}

TEST_F(EmulatedTransportTest, AnswersUnknownFunctionAndTornFrame) {
  Init();
  EXPECT_EQ(StatusOf(mpi::EncodeBareRequest(mpi::Function(0x7E))), IocStatus::kInvalidFunction);
  EXPECT_EQ(StatusOf(Bytes{0, 0}), IocStatus::kInvalidField);
  EXPECT_EQ(StatusOf(Bytes{0, 0, 0, 0x04}), IocStatus::kInvalidField);  // a CONFIG without a page
}

TEST_F(EmulatedTransportTest, PortEnableReportsDiscoveryBeforeItsReply) {
  Init();
  std::vector<Heard> heard_at_reply;
  transport::IocRequest request;
  const Bytes frame = mpi::EncodePortEnableRequest();
  request.frame = frame;
  ASSERT_TRUE(ioc().Submit(request, [&](auto) { heard_at_reply = listener_.Take(); }).ok());
  ASSERT_GE(heard_at_reply.size(), 3u);
  const auto* first = std::get_if<mpi::DiscoveryEvent>(&heard_at_reply.front().data);
  const auto* last = std::get_if<mpi::DiscoveryEvent>(&heard_at_reply.back().data);
  ASSERT_TRUE(first != nullptr && last != nullptr);
  EXPECT_EQ(first->reason, mpi::DiscoveryEvent::kStarted);
  EXPECT_EQ(last->reason, mpi::DiscoveryEvent::kCompleted);
  EXPECT_EQ(ReasonsOf(heard_at_reply, HandleOf(kDrive)),
            std::vector<PhyReason>{PhyReason::kTargetAdded});
}

TEST_F(EmulatedTransportTest, AMaskedEventIsNotSent) {
  ASSERT_EQ(StatusOf(mpi::EncodeIocInitRequest({})), IocStatus::kSuccess);
  mpi::EventNotificationRequest events;  // everything is masked
  events.Unmask(mpi::EventCode::kSasDiscovery);
  ASSERT_EQ(StatusOf(mpi::EncodeEventNotificationRequest(events)), IocStatus::kSuccess);
  ASSERT_EQ(StatusOf(mpi::EncodePortEnableRequest()), IocStatus::kSuccess);
  const std::vector<Heard> heard = listener_.Take();
  EXPECT_EQ(heard.size(), 2u);
  for (const Heard& one : heard) {
    EXPECT_TRUE(std::holds_alternative<mpi::DiscoveryEvent>(one.data));
  }
}

TEST_F(EmulatedTransportTest, NextPagesListEveryDeviceOnce) {
  Start();
  std::vector<SasAddress> listed;
  uint16_t handle = mpi::page_address::kStart;
  mpi::SasDevicePage0 page;
  while (ReadDevicePage(mpi::page_address::Next(handle), &page) == IocStatus::kSuccess) {
    EXPECT_NE(page.handle.value(), handle);
    handle = page.handle.value();
    listed.push_back(page.address);
    ASSERT_LT(listed.size(), 100u);
  }
  EXPECT_EQ(ReadDevicePage(mpi::page_address::Next(handle)), IocStatus::kConfigInvalidPage);
  for (const TruthDevice& device : emulator_->Truth(0).devices) {
    EXPECT_EQ(std::count(listed.begin(), listed.end(), device.address), 1) << device.id;
    EXPECT_EQ(ReadDevicePage(mpi::page_address::Device(device.handle), &page), IocStatus::kSuccess);
    EXPECT_EQ(page.address, device.address);
  }
  EXPECT_EQ(ReadDevicePage(mpi::page_address::Device(DevHandle(0xFFF))),
            IocStatus::kConfigInvalidPage);
}

TEST_F(EmulatedTransportTest, AHandleIsReusedOnlyAfterTheRemovalHandshake) {
  Start();
  const DevHandle old_handle = HandleOf(kDrive);
  EXPECT_EQ(RemoveDevice(old_handle), IocStatus::kInvalidState) << "it is there";
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_EQ(ReasonsOf(listener_.Take(), old_handle),
            std::vector<PhyReason>{PhyReason::kTargetNotResponding});
  mpi::SasDevicePage0 page;
  EXPECT_EQ(ReadDevicePage(mpi::page_address::Device(old_handle), &page), IocStatus::kSuccess);
  EXPECT_EQ(page.flags & mpi::device_flags::kPresent, 0) << "it awaits the handshake";
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  EXPECT_NE(HandleOf(kDrive), old_handle);
  EXPECT_EQ(RemoveDevice(old_handle), IocStatus::kSuccess);
  EXPECT_EQ(RemoveDevice(old_handle), IocStatus::kInvalidField) << "it is free";
  EXPECT_EQ(ReadDevicePage(mpi::page_address::Device(old_handle)), IocStatus::kConfigInvalidPage);
  const DevHandle second = HandleOf(kDrive);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_EQ(RemoveDevice(second), IocStatus::kSuccess);
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  EXPECT_EQ(HandleOf(kDrive), old_handle) << "the lowest that is free";
}

TEST_F(EmulatedTransportTest, DriveBackWithinMissingDelayKeepsItsHandle) {
  Create(5, 1);
  Start();
  const DevHandle handle = HandleOf(kDrive);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_EQ(ReasonsOf(listener_.Take(), handle),
            std::vector<PhyReason>{PhyReason::kDelayNotResponding});
  clock_.Advance(absl::Seconds(4));
  emulator_->RunTimers();
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  clock_.Advance(absl::Seconds(4));
  emulator_->RunTimers();
  for (const PhyReason reason : ReasonsOf(listener_.Take(), handle)) {
    EXPECT_NE(reason, PhyReason::kTargetNotResponding);
  }
  EXPECT_EQ(HandleOf(kDrive), handle);
  EXPECT_EQ(ReadDevicePage(mpi::page_address::Device(handle)), IocStatus::kSuccess);
}

// mpt3sas takes a phy with a handle for one that is up, at 1.5 Gbit/s where the page says down
// (_scsih_sas_host_refresh), and would never remove it.
TEST_F(EmulatedTransportTest, DownLaneOfAReturnedExpanderHasNoHandle) {
  Create(*LoadFabric("judge"));  // its first four phys lead to an expander
  Start();
  std::vector<DevHandle> handles = HandlesOfPhys();
  ASSERT_EQ(handles.at(0), handles.at(3));
  for (const uint32_t phy : {0, 1, 2, 3}) ASSERT_TRUE(fabric().SetPhy("hba0", phy, false).ok());
  ASSERT_TRUE(fabric().SetPhy("hba0", 1, true).ok());
  handles[0] = handles[2] = handles[3] = DevHandle(0);
  EXPECT_EQ(HandlesOfPhys(), handles);
}

TEST_F(EmulatedTransportTest, DriveIsGoneAfterTheMissingDelay) {
  Create(5, 1);
  Start();
  const DevHandle handle = HandleOf(kDrive);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  listener_.Take();
  clock_.Advance(absl::Seconds(4));
  emulator_->RunTimers();
  EXPECT_TRUE(listener_.Take().empty());
  clock_.Advance(absl::Seconds(1));
  emulator_->RunTimers();
  EXPECT_EQ(ReasonsOf(listener_.Take(), handle),
            std::vector<PhyReason>{PhyReason::kTargetNotResponding});
}

// The lists about expanders, in the order in which they were reported.
std::vector<mpi::TopologyChangeList> ExpanderLists(const std::vector<Heard>& heard) {
  std::vector<mpi::TopologyChangeList> lists;
  for (const Heard& one : heard) {
    const auto* list = std::get_if<mpi::TopologyChangeList>(&one.data);
    if (list != nullptr && list->status != mpi::ExpanderStatus::kNoExpander) lists.push_back(*list);
  }
  return lists;
}

TEST_F(EmulatedTransportTest, LostCascadeIsReportedInTheHostsOrder) {
  for (const bool deepest_first : {false, true}) {
    FabricSpec spec = *LoadFabric("judge");
    spec.hosts[0].report_missing_delay_s = 0;
    spec.hosts[0].removes_deepest_first = deepest_first;
    Create(std::move(spec));
    Start();
    std::vector<DevHandle> expected;  // jbod1-a, and jbod2-a behind it
    for (const TruthExpander& expander : emulator_->Truth(0).expanders) {
      if (expander.id != "jbod3-a") expected.push_back(expander.handle);
    }
    if (deepest_first) std::reverse(expected.begin(), expected.end());
    for (const uint32_t phy : {0, 1, 2, 3}) ASSERT_TRUE(fabric().SetPhy("hba0", phy, false).ok());
    std::vector<DevHandle> lost;
    for (const mpi::TopologyChangeList& list : ExpanderLists(listener_.Take())) {
      if (list.status == mpi::ExpanderStatus::kNotResponding) lost.push_back(list.expander_handle);
    }
    EXPECT_EQ(lost, expected) << deepest_first;
  }
}

TEST_F(EmulatedTransportTest, SmallReplyFrameSplitsAnExpandersEvent) {
  FabricSpec spec = *LoadFabric("judge");
  spec.hosts[0].reply_frame_dwords = 32;  // room for 22 phys
  Create(std::move(spec));
  Init();
  ASSERT_EQ(StatusOf(mpi::EncodePortEnableRequest()), IocStatus::kSuccess);
  const std::vector<mpi::TopologyChangeList> lists = ExpanderLists(listener_.Take());
  ASSERT_GE(lists.size(), 2u);
  EXPECT_EQ(lists[0].phy_count, 41);
  EXPECT_EQ(lists[0].entries.size(), 22u);
  EXPECT_EQ(lists[0].status, mpi::ExpanderStatus::kAdded);
  EXPECT_EQ(lists[1].expander_handle, lists[0].expander_handle);
  EXPECT_EQ(lists[1].start_phy, PhyId(22));
  EXPECT_EQ(lists[1].entries.size(), 19u);
  EXPECT_EQ(lists[1].status, mpi::ExpanderStatus::kResponding);
}

TEST_F(EmulatedTransportTest, DevicePageNamesDrivesAsRealFirmwareDoes) {
  FabricSpec spec = *LoadFabric("judge");
  for (DeviceSpec& device : spec.devices) device.connector = kNoConnector;
  Create(std::move(spec));
  Start();
  for (const TruthDevice& device : emulator_->Truth(0).devices) {
    Bytes data;
    const uint32_t address = mpi::page_address::Device(device.handle);
    ASSERT_EQ(ReadPage(mpi::SasDevicePage0::kHeader, address, data), IocStatus::kSuccess);
    EXPECT_EQ(mpi::DecodeSasDevicePage0(data)->device_name,
              device.sata ? device.name : device.address);
    if (device.is_ses) continue;
    const std::string text(data.begin(), data.end());
    constexpr size_t kConnectorNameAt = 0x30;  // mpi2_cnfg.h, MPI2_CONFIG_PAGE_SAS_DEV_0
    EXPECT_EQ(text.substr(kConnectorNameAt, 4), "    ") << device.id;
  }
}

// mpi2_cnfg.h: the high nibble is the maximum, the low one the minimum; 8: 1.5, 9: 3, A: 6, B: 12.
TEST_F(EmulatedTransportTest, PagesShowTheRatesOfEachPhy) {
  const auto fabric = ParseFabric(R"(
      host { id: "h" address: "500605b00ab01230" phys: 4
             phy_rates { first_phy: 1 last_phy: 2 programmed_min_gbps: 3 }
             phy_rates { first_phy: 2 last_phy: 2 hardware_min_gbps: 3 hardware_max_gbps: 6
                         programmed_min_gbps: 6 } }
      expander { id: "x" address: "5000ccab0300113f" phys: 2 rate_gbps: 6
                 phy_rates { first_phy: 1 last_phy: 1 programmed_max_gbps: 3 } }
      link { a: "h" a_phy: 1 b: "x" b_phy: 0 })",
                                  "f");
  ASSERT_TRUE(fabric.ok()) << fabric.status();
  Create(*fabric);
  Start();
  const uint8_t expected[4][2] = {{0xB8, 0xB8}, {0xB9, 0xB8}, {0xAA, 0xA9}, {0xB8, 0xB8}};
  Bytes data;
  ASSERT_EQ(ReadPage(mpi::SasIoUnitPage1::kHeader, 0, data), IocStatus::kSuccess);
  const auto unit = *mpi::DecodeSasIoUnitPage1(data);
  ASSERT_EQ(unit.phys.size(), 4u);
  for (uint8_t phy = 0; phy < 4; ++phy) {
    ASSERT_EQ(ReadPage(mpi::SasPhyPage0::kHeader, mpi::page_address::Phy(PhyId(phy)), data),
              IocStatus::kSuccess);
    const mpi::SasPhyPage0 page = *mpi::DecodeSasPhyPage0(data);
    EXPECT_EQ(page.programmed_rate, expected[phy][0]) << int{phy};
    EXPECT_EQ(page.hardware_rate, expected[phy][1]) << int{phy};
    EXPECT_EQ(unit.phys[phy].max_min_rate, expected[phy][0]) << int{phy};
  }
  const DevHandle expander = HandlesOfPhys()[1];
  for (uint8_t phy = 0; phy < 2; ++phy) {
    ASSERT_EQ(ReadPage(mpi::ExpanderPage1::kHeader,
                       mpi::page_address::ExpanderPhy(expander, PhyId(phy)), data),
              IocStatus::kSuccess);
    const mpi::ExpanderPage1 page = *mpi::DecodeExpanderPage1(data);
    EXPECT_EQ(page.programmed_rate, phy == 1 ? 0x98 : 0xA8);
    EXPECT_EQ(page.hardware_rate, 0xA8);
  }
}

// As mpt3sas does for a write to /sys/class/sas_phy/*/minimum_linkrate.
TEST_F(EmulatedTransportTest, RatesWrittenToIoUnitPage1HoldFromTheNextReset) {
  Start();
  const auto read = [this] {
    Bytes data;
    EXPECT_EQ(ReadPage(mpi::SasIoUnitPage1::kHeader, 0, data), IocStatus::kSuccess);
    return *mpi::DecodeSasIoUnitPage1(data);
  };
  const auto negotiated = [this] {
    Bytes data;
    EXPECT_EQ(ReadPage(mpi::SasPhyPage0::kHeader, mpi::page_address::Phy(PhyId(0)), data),
              IocStatus::kSuccess);
    return mpi::DecodeSasPhyPage0(data)->negotiated_rate & 0xF;
  };
  mpi::SasIoUnitPage1 page = read();
  const auto write = [&](uint8_t rates) {
    page.phys[0].max_min_rate = rates;
    mpi::ConfigRequest config;
    config.action = mpi::ConfigAction::kWriteCurrent;
    const Bytes data = mpi::EncodeSasIoUnitPage1(page);
    config.page = mpi::SasIoUnitPage1::kHeader;
    transport::IocRequest request;
    const Bytes frame = mpi::EncodeConfigRequest(config);
    request.frame = frame;
    request.data_out = data;
    ASSERT_TRUE(ioc().Execute(request).ok());
  };
  write(0xA9);
  EXPECT_EQ(read().phys[0].max_min_rate, 0xA9);
  EXPECT_EQ(negotiated(), 0xB);
  mpi::SasControlRequest reset;
  reset.operation = mpi::SasControlOp::kPhyLinkReset;
  EXPECT_EQ(StatusOf(mpi::EncodeSasControlRequest(reset)), IocStatus::kSuccess);
  EXPECT_EQ(negotiated(), 0xA);
  for (const uint8_t no_rates : {0x00, 0x9A, 0xC8}) {
    write(no_rates);
    EXPECT_EQ(read().phys[0].max_min_rate, 0xA9) << int{no_rates};
  }
}

TEST_F(EmulatedTransportTest, TheSeedDecidesRenumberingAtAReset) {
  const auto handles_after_reset = [this](uint64_t seed) {
    Create(0, seed);
    Start();
    EXPECT_TRUE(fabric().ResetHost(HostId()).ok());
    Start();
    std::vector<DevHandle> handles;
    for (const TruthDevice& device : emulator_->Truth(0).devices) handles.push_back(device.handle);
    return handles;
  };
  const std::vector<DevHandle> first = handles_after_reset(1);
  EXPECT_EQ(handles_after_reset(1), first);
  bool differs = false;
  for (uint64_t seed = 2; seed < 6; ++seed) differs |= handles_after_reset(seed) != first;
  EXPECT_TRUE(differs);
}

// Else the kernel's scan after a reset fails to add an expander that came during the reset: "Could
// not find parent sas_address", and it never tries again.
TEST_F(EmulatedTransportTest, HandlesOfACascadeAscendAfterAReset) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Create(*LoadFabric("judge"), seed);
    Start();
    ASSERT_TRUE(fabric().ResetHost(HostId()).ok());
    Start();
    for (const TruthExpander& expander : emulator_->Truth(0).expanders) {
      Bytes data;
      const uint32_t address = mpi::page_address::Expander(expander.handle);
      ASSERT_EQ(ReadPage(mpi::ExpanderPage0::kHeader, address, data), IocStatus::kSuccess);
      EXPECT_LT(mpi::DecodeExpanderPage0(data)->parent_handle, expander.handle) << "seed " << seed;
    }
  }
}

TEST_F(EmulatedTransportTest, TheSameCallsGiveTheSameBytes) {
  const auto story = [this] {
    Create(0, 7);
    Init();
    EXPECT_EQ(StatusOf(mpi::EncodePortEnableRequest()), IocStatus::kSuccess);
    EXPECT_TRUE(fabric().Pull(kDrive).ok());
    EXPECT_TRUE(fabric().Insert(kDrive, "OTHER").ok());
    EXPECT_TRUE(fabric().SetPhy(HostId(), 0, false).ok());
    std::vector<Bytes> bytes;
    for (Heard& heard : listener_.Take()) bytes.push_back(std::move(heard.bytes));
    return bytes;
  };
  const std::vector<Bytes> first = story();
  EXPECT_GT(first.size(), 5u);
  EXPECT_EQ(story(), first);
}

TEST_F(EmulatedTransportTest, ALostEventIsReportedWithTheNext) {
  Start();
  ASSERT_TRUE(fabric().InjectFault(HostId(), FaultKind::kEventLost, 1).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(HostId(), 1, "lost").ok());
  ASSERT_TRUE(fabric().InjectLogEntry(HostId(), 2, "heard").ok());
  const std::vector<Heard> heard = listener_.Take();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].what, "lost");
  EXPECT_EQ(heard[1].what, "event");
}

TEST_F(EmulatedTransportTest, EventsAreDuplicatedAndTruncatedOnRequest) {
  Start();
  ASSERT_TRUE(fabric().InjectFault(HostId(), FaultKind::kEventDuplicated, 1).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(HostId(), 1, "twice").ok());
  const std::vector<Heard> twice = listener_.Take();
  ASSERT_EQ(twice.size(), 2u);
  EXPECT_EQ(twice[0].bytes, twice[1].bytes);
  ASSERT_TRUE(fabric().InjectLogEntry(HostId(), 1, "whole").ok());
  const size_t whole = listener_.Take().at(0).bytes.size();
  ASSERT_TRUE(fabric().InjectFault(HostId(), FaultKind::kEventTruncated, 1).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(HostId(), 1, "whole").ok());
  EXPECT_LT(listener_.Take().at(0).bytes.size(), whole);
}

TEST_F(EmulatedTransportTest, PagesFailTheRequestedNumberOfTimes) {
  Start();
  const uint32_t address = mpi::page_address::Device(HandleOf(kDrive));
  ASSERT_TRUE(fabric().InjectFault(HostId(), FaultKind::kPageReadFails, 2).ok());
  EXPECT_NE(ReadDevicePage(address), IocStatus::kSuccess);
  EXPECT_NE(ReadDevicePage(address), IocStatus::kSuccess);
  EXPECT_EQ(ReadDevicePage(address), IocStatus::kSuccess);
}

TEST_F(EmulatedTransportTest, HeldMessagesAreReleasedInAnyOrder) {
  Start();
  ioc().Hold();
  ASSERT_TRUE(fabric().InjectLogEntry(HostId(), 1, "first").ok());
  ASSERT_TRUE(fabric().InjectLogEntry(HostId(), 2, "second").ok());
  EXPECT_TRUE(listener_.Take().empty());
  const std::vector<HeldMessage> held = ioc().Held();
  ASSERT_EQ(held.size(), 2u);
  ASSERT_TRUE(ioc().Release(held[1].id).ok());
  const uint32_t second = listener_.Take().at(0).context;
  EXPECT_EQ(ioc().Release(held[1].id).code(), absl::StatusCode::kNotFound);
  ioc().ReleaseAll();
  EXPECT_NE(listener_.Take().at(0).context, second);
}

TEST_F(EmulatedTransportTest, AHeldReplyKeepsItsFrameInUse) {
  Start();
  ioc().SetRequestCredit(1);
  ioc().Hold();
  const Bytes frame = mpi::EncodeIocFactsRequest();
  transport::IocRequest request;
  request.frame = frame;
  int completed = 0;
  ASSERT_TRUE(ioc().Submit(request, [&](auto) { ++completed; }).ok());
  EXPECT_EQ(ioc().Submit(request, [&](auto) { ++completed; }).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(completed, 0);
  ioc().ReleaseAll();
  EXPECT_EQ(completed, 1);
  EXPECT_EQ(ioc().requests_in_flight(), 0u);
}

TEST_F(EmulatedTransportTest, AResetAbortsRequestsInFlight) {
  Start();
  ioc().Hold();
  const Bytes frame = mpi::EncodeIocFactsRequest();
  transport::IocRequest request;
  request.frame = frame;
  absl::Status status;
  ASSERT_TRUE(ioc().Submit(request, [&](auto reply) { status = reply.status(); }).ok());
  ASSERT_TRUE(fabric().ResetHost(HostId()).ok());
  EXPECT_EQ(ioc().Submit(request, [](auto) {}).code(), absl::StatusCode::kUnavailable);
  ioc().ReleaseAll();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  const std::vector<Heard> heard = listener_.Take();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].what, "reset");
  EXPECT_EQ(heard[1].what, "ready");
}

TEST_F(EmulatedTransportTest, AFaultLastsForItsDelay) {
  Start();
  ASSERT_TRUE(fabric().InjectFault(HostId(), FaultKind::kIocFault, 1, absl::Seconds(3)).ok());
  EXPECT_EQ(listener_.Take().at(0).what, "reset");
  clock_.Advance(absl::Seconds(2));
  emulator_->RunTimers();
  EXPECT_TRUE(listener_.Take().empty());
  clock_.Advance(absl::Seconds(1));
  emulator_->RunTimers();
  EXPECT_EQ(listener_.Take().at(0).what, "ready");
}

TEST_F(EmulatedTransportTest, AnEventStaysUnacknowledgedUntilItsAck) {
  Start();
  const size_t before = ioc().unacknowledged_events();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  size_t wanted = 0;
  for (const Heard& heard : listener_.Take()) wanted += heard.ack_required;
  EXPECT_EQ(ioc().unacknowledged_events(), before + wanted);
}

}  // namespace
}  // namespace sasd::emulator
