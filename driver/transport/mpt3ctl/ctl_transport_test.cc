#include "driver/transport/mpt3ctl/ctl_transport.h"

#include <errno.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "driver/base/fake_clock.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/smp/smp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// The control node's behaviour (mpt3sas_ctl.c) and the transport's reaction. Time stands still;
// FakeCtlNodes is the kernel's side.
namespace sasd::mpt3ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using transport::IocRequest;

constexpr uint16_t kLogEntryAdded = 0x21, kTopology = 0x1C, kPhyCounter = 0x22;
const FakeCtlNodes::Hba kHba{"/dev/mpt3ctl", 0};
const FakeCtlNodes::Hba kOther{"/dev/mpt2ctl", 0};  // the same number at the other node

// The calls heard, as texts: "event 0x21 #5", "lost 3", "reset", "ready".
class Recorder : public transport::IocListener {
 public:
  void OnEvent(const transport::EventArrival& event) override {
    last_data = Bytes(event.data.begin(), event.data.end());
    last_time = event.time;
    last_ack_required = event.ack_required;
    Note(absl::StrFormat("event 0x%02x #%d", event.event, event.context));
  }
  void OnEventsLost(uint32_t count) override { Note(absl::StrCat("lost ", count)); }
  void OnResetBegin() override { Note("reset"); }
  void OnReady() override { Note("ready"); }
  void OnDelivered(Caller) override {}

  // The first `count` texts, awaited in real time; fewer if they do not come.
  std::vector<std::string> Await(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return texts_.size() >= count; };
    mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Minutes(1));
    return texts_;
  }
  void Clear() {
    absl::MutexLock lock(&mu_);
    texts_.clear();
  }

  Bytes last_data;
  absl::Duration last_time;
  bool last_ack_required = true;

 private:
  void Note(std::string text) {
    absl::MutexLock lock(&mu_);
    texts_.push_back(std::move(text));
  }

  absl::Mutex mu_;
  std::vector<std::string> texts_ ABSL_GUARDED_BY(mu_);
};

class CtlTransportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    nodes_.Add(kHba, Info(3));
    nodes_.Add(kOther, Info(4));
    poller_ = std::make_unique<CtlPoller>(nodes_);
  }

  void TearDown() override {
    transport_.reset();
    poller_.reset();
    EXPECT_EQ(nodes_.overruns(), 0u);
    EXPECT_EQ(nodes_.open_descriptors(), 0u);
  }

  static CtlIocInfo Info(uint32_t bus) {
    CtlIocInfo info;
    info.pci_bus = bus;
    info.driver_version = "mpt3sas-43.100.00.00";
    return info;
  }

  static CtlHost Host(const FakeCtlNodes::Hba& hba = kHba) {
    CtlHost host;
    host.node = hba.first;
    host.ioc_number = hba.second;
    host.os_name = "host11";
    host.driver_name = "mpt3sas";
    host.board_name = "SAS9300-8e";
    return host;
  }

  absl::StatusOr<std::unique_ptr<CtlTransport>> Create(CtlHost host = Host()) {
    CtlOptions options;
    options.reset_count = [this] { return reset_count(); };
    options.on_gone = [this] { gone_.Notify(); };
    return CtlTransport::Create(std::move(host), nodes_, *poller_, clock_, std::move(options));
  }

  void Start() {
    auto transport = Create();
    ASSERT_TRUE(transport.ok()) << transport.status();
    transport_ = *std::move(transport);
    transport_->SetListener(&heard_);
    // All watchers were asked to look; two changes of listener show that the thread has looked.
    ASSERT_TRUE(nodes_.AwaitQuiet());
    for (int i = 0; i < 2; ++i) transport_->SetListener(&heard_);
  }

  absl::StatusOr<transport::IocReply> AskFacts() {
    const Bytes frame = mpi::EncodeIocFactsRequest();
    IocRequest request;
    request.frame = frame;
    request.timeout = absl::Minutes(1);
    return transport_->Execute(request);
  }

  // Another program with the node open.
  int OtherProgram() { return nodes_.Open(kHba.first.c_str()); }

  std::optional<uint32_t> reset_count() {
    absl::MutexLock lock(&mu_);
    const std::optional<uint32_t> count = reset_count_;
    if (late_by_ > 0 && --late_by_ == 0) ++*reset_count_;
    return count;
  }
  // The count rises after this number of reads.
  void RiseAfter(int reads) {
    absl::MutexLock lock(&mu_);
    late_by_ = reads;
  }
  void SetResetCount(std::optional<uint32_t> count) {
    absl::MutexLock lock(&mu_);
    reset_count_ = count;
  }

  FakeCtlNodes nodes_;
  FakeClock clock_;
  Recorder heard_;
  absl::Notification gone_;
  absl::Mutex mu_;
  std::optional<uint32_t> reset_count_ ABSL_GUARDED_BY(mu_) = 7;
  int late_by_ ABSL_GUARDED_BY(mu_) = 0;
  std::unique_ptr<CtlPoller> poller_;
  std::unique_ptr<CtlTransport> transport_;
};

// ------------------------------------------------------------------------------------- Opening

TEST_F(CtlTransportTest, InfoDescribesTheKernelsHba) {
  Start();
  const transport::IocInfo info = transport_->Info();
  EXPECT_FALSE(info.owned);
  EXPECT_EQ(info.name, "mpt3ctl:0");
  EXPECT_EQ(info.os_name, "host11");
  EXPECT_EQ(info.driver_name, "mpt3sas");
  EXPECT_EQ(info.pci_address, "0000:03:00.0");
  EXPECT_EQ(transport_->ioc_info().driver_version, "mpt3sas-43.100.00.00");
  EXPECT_EQ(transport_->Reset().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(CtlTransportTest, AbsentNodeErrorNamesTheModule) {
  CtlHost host = Host();
  host.node = "/dev/mpt9ctl";
  const absl::Status status = Create(host).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/dev/mpt9ctl"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("modprobe mpt3sas"));
}

TEST_F(CtlTransportTest, ForbiddenNodeErrorExplainsAccess) {
  nodes_.FailOpen(kHba.first, EACCES);
  const absl::Status status = Create().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("run as root"));
}

// Each generation counts its own numbers.
TEST_F(CtlTransportTest, IocNumbersBelongToTheirNode) {
  CtlHost host = Host(kOther);
  host.pci_address = "0000:04:00.0";
  EXPECT_TRUE(Create(host).ok());
  host.pci_address = "0000:03:00.0";
  EXPECT_EQ(Create(host).status().code(), absl::StatusCode::kFailedPrecondition);
  host.ioc_number = 1;
  EXPECT_EQ(Create(host).status().code(), absl::StatusCode::kFailedPrecondition);
}

// ------------------------------------------------------------------------------------- Requests

TEST_F(CtlTransportTest, RequestCarriesItsData) {
  nodes_.OnCommand(kHba, [](FakeCommand& command) {
    EXPECT_EQ(command.frame.size(), 0x20u);
    EXPECT_EQ(command.frame[0x01], 0xFF);  // PhysicalPort
    EXPECT_EQ(command.data_out, (Bytes{0x40, 0x00, 0, 0}));
    EXPECT_EQ(command.timeout_s, 60u);
    command.data_in = {1, 2, 3, 4, 5, 6, 7, 8};
    mpi::SmpPassthroughReply reply;
    reply.response_size = 4;
    return FakeCommandEnd{0, mpi::EncodeSmpPassthroughReply(reply), false};
  });
  Start();
  mpi::SmpPassthroughRequest smp;
  smp.port = PhysicalPort(0);
  const Bytes frame = mpi::EncodeSmpPassthroughRequest(smp), data_out = {0x40, 0x00, 0, 0};
  Bytes data_in(8);
  const auto reply = transport_->Execute({frame, data_out, absl::MakeSpan(data_in)});
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->data_in_size, 4u);
  EXPECT_EQ(data_in, (Bytes{1, 2, 3, 4, 0, 0, 0, 0}));
}

TEST_F(CtlTransportTest, SubmittedRequestCompletesOnce) {
  Start();
  absl::Notification done;
  const Bytes frame = mpi::EncodePortFactsRequest(0);
  const absl::Status sent = transport_->Submit({frame, {}, {}}, [&done](auto reply) {
    EXPECT_TRUE(reply.ok());
    done.Notify();
  });
  ASSERT_TRUE(sent.ok());
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Minutes(1)));
}

TEST_F(CtlTransportTest, WritingRequestNeverReachesTheNode) {
  Start();
  const Bytes frame = mpi::EncodeScsiIoRequest({});
  const absl::Status status = transport_->Execute({frame, {}, {}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("mpt3ctl:0: SCSI IO"));
  EXPECT_EQ(nodes_.commands(), 0u);
}

// The HBA's mutex is taken uninterruptibly, even if the descriptor is non-blocking.
TEST_F(CtlTransportTest, ExecuteTimesOutBeforeTheKernelDoes) {
  absl::Notification begun, go_on;
  nodes_.OnCommand(kHba, [&](FakeCommand&) {
    begun.Notify();
    go_on.WaitForNotification();
    return FakeCommandEnd{0, mpi::EncodeIocFactsReply({}), false};
  });
  Start();
  const Bytes frame = mpi::EncodeIocFactsRequest();
  IocRequest request;
  request.frame = frame;
  request.timeout = absl::Milliseconds(1);
  EXPECT_EQ(transport_->Execute(request).status().code(), absl::StatusCode::kDeadlineExceeded);
  begun.WaitForNotification();
  // A request that waits behind it and is late when its turn comes is not sent.
  absl::Status late;
  absl::Notification done;
  ASSERT_TRUE(transport_
                  ->Submit(request,
                           [&](auto reply) {
                             late = reply.status();
                             done.Notify();
                           })
                  .ok());
  clock_.Advance(absl::Seconds(1));
  transport_->SetListener(nullptr);  // does not wait for the ioctl
  go_on.Notify();
  done.WaitForNotification();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(nodes_.commands(), 1u);
}

TEST_F(CtlTransportTest, WaitingRequestsAreLimitedAndFinallyCancelled) {
  absl::Notification begun, go_on;
  nodes_.OnCommand(kHba, [&](FakeCommand&) {
    if (!begun.HasBeenNotified()) begun.Notify();
    go_on.WaitForNotification();
    return FakeCommandEnd{0, mpi::EncodeIocFactsReply({}), false};
  });
  Start();
  const Bytes frame = mpi::EncodeIocFactsRequest();
  std::atomic<int> answered{0}, cancelled{0};
  const auto submit = [&] {
    return transport_->Submit({frame, {}, {}}, [&](auto reply) {
      ++(absl::IsCancelled(reply.status()) ? cancelled : answered);
    });
  };
  ASSERT_TRUE(submit().ok());
  begun.WaitForNotification();
  for (size_t i = 0; i < CtlTransport::kMaxWaiting; ++i) ASSERT_TRUE(submit().ok());
  EXPECT_EQ(submit().code(), absl::StatusCode::kResourceExhausted);
  std::thread closing([this] { transport_.reset(); });
  go_on.Notify();
  closing.join();
  EXPECT_EQ(answered + cancelled, static_cast<int>(CtlTransport::kMaxWaiting) + 1);
  EXPECT_GE(answered, 1);
}

TEST_F(CtlTransportTest, InterruptedIoctlIsRetried) {
  Start();
  nodes_.FailNext(ioctl_number::kCommand, EINTR, 3);
  EXPECT_TRUE(AskFacts().ok());
}

TEST_F(CtlTransportTest, BadRequestCausesNoReset) {
  Start();
  nodes_.FailNext(ioctl_number::kCommand, EINVAL);
  EXPECT_EQ(AskFacts().status().code(), absl::StatusCode::kInvalidArgument);
  nodes_.FailNext(ioctl_number::kCommand, ENOMEM);
  EXPECT_EQ(AskFacts().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(AskFacts().ok());
  EXPECT_THAT(heard_.Await(0), IsEmpty());
}

// --------------------------------------------------------------------------------------- Events

TEST_F(CtlTransportTest, EventHasTheLogsContent) {
  clock_.Advance(absl::Seconds(5));
  Start();
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1, 2, 3});
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x21 #0"));
  EXPECT_EQ(heard_.last_data.size(), 192u);
  EXPECT_EQ(heard_.last_data[2], 3);
  EXPECT_EQ(heard_.last_time, absl::Seconds(5));
  EXPECT_FALSE(heard_.last_ack_required);  // the driver has acknowledged it
}

// An entry holds 192 bytes; the decoder of a longer list detects the cut.
TEST_F(CtlTransportTest, LongEventIsCutToItsEntry) {
  Start();
  nodes_.RaiseEvent(kHba, kTopology, Bytes(300, 0x11));
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x1c #0"));
  EXPECT_EQ(heard_.last_data, Bytes(192, 0x11));
}

// The log is never freed while the driver has the HBA: it may hold entries for another program.
TEST_F(CtlTransportTest, EarlierEntriesAreNotReported) {
  const int other = OtherProgram();
  Bytes enable = EncodeEventEnable(0, DefaultEvents());
  ASSERT_EQ(nodes_.Ioctl(other, ioctl_number::kEventEnable, absl::MakeSpan(enable)), 0);
  for (int i = 0; i < 250; ++i) nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  Start();
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x21 #250"));
  nodes_.Close(other);
}

// The log starts with the first mask, which is set before SetListener() returns.
TEST_F(CtlTransportTest, SetListenerReturnsWhileListening) {
  auto transport = Create();
  ASSERT_TRUE(transport.ok());
  EXPECT_FALSE(nodes_.is_logging(kHba));
  (*transport)->SetListener(&heard_);
  EXPECT_TRUE(nodes_.is_logging(kHba));
  EXPECT_EQ(nodes_.mask(kHba), DefaultEvents());
  (*transport)->SetListener(nullptr);
}

// ENABLE overwrites the mask of any other program.
TEST_F(CtlTransportTest, MasksOfOtherProgramsAreKept) {
  const int other = OtherProgram();
  EventMask theirs;
  theirs.Add(mpi::EventCode::kSasPhyCounter);
  Bytes enable = EncodeEventEnable(0, theirs);
  ASSERT_EQ(nodes_.Ioctl(other, ioctl_number::kEventEnable, absl::MakeSpan(enable)), 0);
  Start();
  EXPECT_EQ(nodes_.mask(kHba), DefaultEvents().Union(theirs));
  nodes_.RaiseEvent(kHba, kPhyCounter, Bytes{1});  // heard, too, because it is logged
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x22 #0"));
  nodes_.Close(other);
}

TEST_F(CtlTransportTest, OverwrittenMaskIsRestoredAndReportedAsGap) {
  Start();
  const int other = OtherProgram();
  EventMask theirs;
  theirs.Add(mpi::EventCode::kSasPhyCounter);
  Bytes enable = EncodeEventEnable(0, theirs);
  ASSERT_EQ(nodes_.Ioctl(other, ioctl_number::kEventEnable, absl::MakeSpan(enable)), 0);
  nodes_.RaiseEvent(kHba, kTopology, Bytes{1});  // masked, so it is lost
  nodes_.Tick();
  EXPECT_THAT(heard_.Await(1), ElementsAre("lost 0"));
  EXPECT_EQ(nodes_.mask(kHba), DefaultEvents().Union(theirs));
  nodes_.Close(other);
}

// The wake flag belongs to the HBA: another reader clears it.
TEST_F(CtlTransportTest, WakeUpTakenByAnotherReaderLosesNothing) {
  Start();
  const int other = OtherProgram();
  nodes_.HoldPolls(true);
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  Bytes report = EncodeEventReportRequest(0);
  ASSERT_EQ(nodes_.Ioctl(other, ioctl_number::kEventReport, absl::MakeSpan(report)), 0);
  nodes_.HoldPolls(false);
  nodes_.Tick();
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x21 #0"));
  nodes_.Close(other);
}

TEST_F(CtlTransportTest, TornEntryIsReadAgain) {
  Start();
  nodes_.HoldPolls(true);
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes(192, 0x5A));
  nodes_.TearNextReport(kHba);
  nodes_.HoldPolls(false);
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x21 #0"));
  EXPECT_EQ(heard_.last_data, Bytes(192, 0x5A));
}

TEST_F(CtlTransportTest, OverwrittenEntriesAreLostInOrder) {
  Start();
  nodes_.HoldPolls(true);
  for (int i = 0; i < 203; ++i) nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  nodes_.HoldPolls(false);
  const std::vector<std::string> heard = heard_.Await(201);
  ASSERT_EQ(heard.size(), 201u);
  EXPECT_EQ(heard.front(), "lost 3");
  EXPECT_EQ(heard[1], "event 0x21 #3");
  EXPECT_EQ(heard.back(), "event 0x21 #202");
}

TEST_F(CtlTransportTest, ContextWraps) {
  nodes_.SetNextContext(kHba, 0xFFFFFFFF);
  const int other = OtherProgram();
  Bytes enable = EncodeEventEnable(0, DefaultEvents());
  ASSERT_EQ(nodes_.Ioctl(other, ioctl_number::kEventEnable, absl::MakeSpan(enable)), 0);
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  Start();
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x21 #0"));
  nodes_.Close(other);
}

// poll() covers all HBAs of both nodes: with one unread log it would always return at once.
TEST_F(CtlTransportTest, HbaWithoutListenerIsStillRead) {
  auto other = Create(Host(kOther));
  ASSERT_TRUE(other.ok());
  (*other)->SetListener(&heard_);
  (*other)->SetListener(nullptr);
  nodes_.RaiseEvent(kOther, kLogEntryAdded, Bytes{1});
  EXPECT_TRUE(nodes_.AwaitQuiet());
  EXPECT_THAT(heard_.Await(0), IsEmpty());
  Start();
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x21 #0"));
}

// Another program's unread log keeps the nodes readable: the poller must neither spin nor stop.
TEST_F(CtlTransportTest, UnreadHbaDoesNotDelayOthers) {
  Start();
  const int other = nodes_.Open(kOther.first.c_str());
  Bytes enable = EncodeEventEnable(kOther.second, DefaultEvents());
  ASSERT_EQ(nodes_.Ioctl(other, ioctl_number::kEventEnable, absl::MakeSpan(enable)), 0);
  nodes_.RaiseEvent(kOther, kLogEntryAdded, Bytes{1});
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_THAT(heard_.Await(1), ElementsAre("event 0x21 #0"));
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_THAT(heard_.Await(2), ElementsAre("event 0x21 #0", "event 0x21 #1"));
  EXPECT_LT(nodes_.polls(), 50u);
  nodes_.Close(other);
}

// Adding an event that the driver has masked would make it send an EVENT NOTIFICATION to the
// firmware.
TEST_F(CtlTransportTest, DefaultEventsExcludeWhatTheDriverMasks) {
  for (const uint16_t event : {0x22, 0x26}) EXPECT_FALSE(DefaultEvents().Has(event)) << event;
  for (const uint16_t event :
       {0x0F, 0x16, 0x17, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x21, 0x27, 0x34, 0x35}) {
    EXPECT_TRUE(DefaultEvents().Has(event)) << event;
  }
}

// If there was no memory for the log, the driver sets the mask nevertheless.
TEST_F(CtlTransportTest, MaskWithoutALogIsSetAgain) {
  Start();
  nodes_.FailNext(ioctl_number::kEventReport, ENODATA);
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_THAT(heard_.Await(2), ElementsAre("lost 0", "event 0x21 #0"));
}

TEST_F(CtlTransportTest, RemovedListenerHearsNothing) {
  Start();
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  heard_.Await(1);
  transport_->SetListener(nullptr);
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_TRUE(nodes_.AwaitQuiet());
  EXPECT_EQ(heard_.Await(0).size(), 1u);
  // A new listener does not hear the events in between.
  Recorder next;
  transport_->SetListener(&next);
  nodes_.RaiseEvent(kHba, kLogEntryAdded, Bytes{1});
  EXPECT_THAT(next.Await(1), ElementsAre("event 0x21 #2"));
  transport_->SetListener(nullptr);
}

// --------------------------------------------------------------------------------------- Resets

TEST_F(CtlTransportTest, RisingResetCountIsAReset) {
  Start();
  SetResetCount(8);
  nodes_.Tick();
  EXPECT_THAT(heard_.Await(2), ElementsAre("reset", "ready"));
  EXPECT_TRUE(AskFacts().ok());
}

// Entries in the log when a reset is noticed may be newer than the reset.
TEST_F(CtlTransportTest, ResetPrecedesEventsFoundWithIt) {
  Start();
  nodes_.HoldPolls(true);
  SetResetCount(8);
  nodes_.RaiseEvent(kHba, kTopology, Bytes{1});
  nodes_.HoldPolls(false);
  EXPECT_THAT(heard_.Await(3), ElementsAre("reset", "event 0x1c #0", "ready"));
}

TEST_F(CtlTransportTest, HbaThatRefusesRequestsIsInReset) {
  Start();
  nodes_.SetInReset(kHba, true);
  EXPECT_EQ(AskFacts().status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(heard_.Await(1), ElementsAre("reset"));
  EXPECT_EQ(AskFacts().status().code(), absl::StatusCode::kUnavailable);
  // The driver counts after it takes requests again: that is no second reset.
  RiseAfter(1);
  nodes_.SetInReset(kHba, false);
  nodes_.Tick();
  ASSERT_TRUE(nodes_.AwaitQuiet());
  nodes_.Tick();
  EXPECT_THAT(heard_.Await(2), ElementsAre("reset", "ready"));
  EXPECT_TRUE(AskFacts().ok());
  nodes_.Tick();
  ASSERT_TRUE(nodes_.AwaitQuiet());
  EXPECT_TRUE(AskFacts().ok());
  EXPECT_THAT(heard_.Await(2), ElementsAre("reset", "ready"));
}

TEST_F(CtlTransportTest, ResetAbortsWaitingRequests) {
  absl::Notification begun, go_on;
  nodes_.OnCommand(kHba, [&](FakeCommand&) {
    if (begun.HasBeenNotified()) return FakeCommandEnd{0, mpi::EncodeIocFactsReply({}), false};
    begun.Notify();
    go_on.WaitForNotification();
    SetResetCount(8);
    return FakeCommandEnd{0, {}, true};
  });
  Start();
  const Bytes frame = mpi::EncodeIocFactsRequest();
  std::vector<absl::StatusCode> codes;
  absl::Notification both;
  const auto submit = [&] {
    return transport_->Submit({frame, {}, {}}, [&](auto reply) {
      codes.push_back(reply.status().code());
      if (codes.size() == 2) both.Notify();
    });
  };
  ASSERT_TRUE(submit().ok());
  begun.WaitForNotification();
  ASSERT_TRUE(submit().ok());
  go_on.Notify();
  both.WaitForNotification();
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kAborted, absl::StatusCode::kAborted));
  EXPECT_THAT(heard_.Await(2), ElementsAre("reset", "ready"));
}

// A timed-out command has reset the HBA before the ioctl returns; a non-operational HBA will be
// reset.
TEST_F(CtlTransportTest, FailedCommandsReportOneReset) {
  for (const int error : {ENODATA, EFAULT, ETIME, EAGAIN}) {
    heard_.Clear();
    Start();
    nodes_.OnCommand(kHba, [&](FakeCommand&) {
      nodes_.OnCommand(kHba, nullptr);
      SetResetCount(*reset_count() + 1);
      return FakeCommandEnd{error, {}, false};
    });
    EXPECT_EQ(AskFacts().status().code(), absl::StatusCode::kAborted) << error;
    EXPECT_THAT(heard_.Await(2), ElementsAre("reset", "ready")) << error;
    transport_.reset();
  }
}

// Without a count the transport does not wait for it.
TEST_F(CtlTransportTest, UncountedResetEndsWithAnAnsweredCommand) {
  SetResetCount(std::nullopt);
  Start();
  nodes_.SetInReset(kHba, true);
  nodes_.Tick();
  EXPECT_THAT(heard_.Await(1), ElementsAre("reset"));
  nodes_.SetInReset(kHba, false);
  nodes_.Tick();
  EXPECT_THAT(heard_.Await(2), ElementsAre("reset", "ready"));
}

TEST_F(CtlTransportTest, ListenerAddedDuringAResetLearnsOfIt) {
  auto transport = Create();
  ASSERT_TRUE(transport.ok());
  transport_ = *std::move(transport);
  nodes_.SetInReset(kHba, true);
  transport_->SetListener(&heard_);
  EXPECT_THAT(heard_.Await(1), ElementsAre("reset"));
  SetResetCount(8);
  nodes_.SetInReset(kHba, false);
  nodes_.Tick();
  EXPECT_THAT(heard_.Await(2), ElementsAre("reset", "ready"));
  EXPECT_EQ(nodes_.mask(kHba), DefaultEvents());
}

// ---------------------------------------------------------------------------------------- Gone

TEST_F(CtlTransportTest, UnboundHbaIsGoneForGood) {
  Start();
  nodes_.Remove(kHba);
  nodes_.Tick();
  ASSERT_TRUE(gone_.WaitForNotificationWithTimeout(absl::Minutes(1)));
  EXPECT_THAT(heard_.Await(1), ElementsAre("reset"));
  const absl::Status status = AskFacts().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("gone"));
  nodes_.Add(kHba, Info(3));
  nodes_.Tick();
  EXPECT_EQ(AskFacts().status().code(), absl::StatusCode::kFailedPrecondition);
  transport_->SetListener(nullptr);
}

TEST_F(CtlTransportTest, CommandDetectsAGoneHba) {
  Start();
  nodes_.HoldPolls(true);
  nodes_.Remove(kHba);
  EXPECT_EQ(AskFacts().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(gone_.WaitForNotificationWithTimeout(absl::Minutes(1)));
  nodes_.HoldPolls(false);
}

}  // namespace
}  // namespace sasd::mpt3ctl
