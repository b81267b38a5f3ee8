// The services' contracts (proto/sas/v1) as a client sees them: a whole sasd on the demo fabric.
#include "daemon/daemon.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "driver/base/clock.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sysfs.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"
#include "sas/v1/history_service.grpc.pb.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd {
namespace {

using grpc::StatusCode;
using sas::v1::TopologyService;
using ::testing::HasSubstr;

constexpr size_t kLogEvents = 50;

class DaemonTest : public ::testing::Test {
 protected:
  // One daemon for all tests. Each test leaves the fabric unchanged.
  static void SetUpTestSuite() {
    ASSERT_NE(mkdtemp(folder_), nullptr);
    DaemonOptions options;
    options.fabric = "demo";
    options.server.listen = {absl::StrCat("unix:", folder_, "/s")};
    options.log.max_events = kLogEvents;
    absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(options, SystemClock());
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = daemon->release();
  }
  static void TearDownTestSuite() {
    delete daemon_;
    rmdir(folder_);
  }

  void SetUp() override {
    channel_ = grpc::CreateChannel(daemon_->address(), grpc::InsecureChannelCredentials());
    topology_ = TopologyService::NewStub(channel_);
    node_ = sas::v1::NodeService::NewStub(channel_);
    history_ = sas::v1::HistoryService::NewStub(channel_);
    watch_ = sas::v1::WatchService::NewStub(channel_);
    emulator_ = sas::emulator::v1::EmulatorService::NewStub(channel_);
    Settle();
  }

  void Settle() {
    grpc::ClientContext context;
    sas::v1::WaitSettledResponse response;
    const grpc::Status status = node_->WaitSettled(&context, {}, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.hosts_size(), 2);
  }

  // Takes a lane down and up `count` times. sasd gets these events while the call returns.
  void Flap(uint32_t count) {
    sas::emulator::v1::FlapPhyRequest request;
    request.set_element("hba0");
    request.set_phy(0);
    request.set_count(count);
    grpc::ClientContext context;
    sas::emulator::v1::FlapPhyResponse response;
    ASSERT_TRUE(emulator_->FlapPhy(&context, request, &response).ok());
  }

  // The position of a watch that begins now.
  sas::v1::Synced Now() {
    grpc::ClientContext context;
    sas::v1::WatchRequest request;
    request.set_skip_snapshot(true);
    const auto stream = watch_->Watch(&context, request);
    sas::v1::WatchResponse response;
    EXPECT_TRUE(stream->Read(&response));
    EXPECT_TRUE(response.has_synced());
    context.TryCancel();
    return response.synced();
  }

  // Makes so many events that the log drops all earlier ones.
  void FillTheLog() {
    grpc::ClientContext context;
    sas::v1::WatchRequest request;
    request.set_skip_snapshot(true);
    const auto stream = watch_->Watch(&context, request);
    sas::v1::WatchResponse response;
    ASSERT_TRUE(stream->Read(&response));
    Flap(kLogEvents);
    ASSERT_TRUE(daemon_->backend().WaitIdle(absl::Minutes(1)).ok());
    const int64_t last = daemon_->registry().revision();
    for (int64_t revision = 0; revision < last;) {
      ASSERT_TRUE(stream->Read(&response));
      for (const sas::v1::Event& event : response.events().events()) revision = event.revision();
      if (response.has_synced()) revision = response.synced().revision();  // had fallen behind
    }
    context.TryCancel();
  }

  static char folder_[];
  static Daemon* daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<TopologyService::Stub> topology_;
  std::unique_ptr<sas::v1::NodeService::Stub> node_;
  std::unique_ptr<sas::v1::HistoryService::Stub> history_;
  std::unique_ptr<sas::v1::WatchService::Stub> watch_;
  std::unique_ptr<sas::emulator::v1::EmulatorService::Stub> emulator_;
};

char DaemonTest::folder_[] = "/tmp/daemon_test.XXXXXX";
Daemon* DaemonTest::daemon_ = nullptr;

// A call holds a thread of the server as long as it flaps.
TEST_F(DaemonTest, FlapsForHoursAreRefused) {
  for (const auto& [count, seconds] : {std::pair(INT32_MAX, 0), {INT32_MAX, 1}, {301, 1}}) {
    sas::emulator::v1::FlapPhyRequest request;
    request.set_element("hba0");
    request.set_count(count);
    request.mutable_interval()->set_seconds(seconds);
    grpc::ClientContext context;
    sas::emulator::v1::FlapPhyResponse response;
    const grpc::Status status = emulator_->FlapPhy(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << count;
    EXPECT_NE(status.error_message().find("10m in all"), std::string::npos)
        << status.error_message();
  }
}

// ------------------------------------------------------------------------------- List and Get

// Lists a collection in pages of `page_size`, gets each of it, and returns the names.
#define LIST_AND_GET(Plural, plural, Singular, singular)                                        \
  [this](int page_size) {                                                                       \
    std::vector<std::string> names;                                                             \
    sas::v1::List##Plural##Request request;                                                     \
    request.set_page_size(page_size);                                                           \
    int64_t total = 0;                                                                          \
    do {                                                                                        \
      grpc::ClientContext context;                                                              \
      sas::v1::List##Plural##Response page;                                                     \
      const grpc::Status status = topology_->List##Plural(&context, request, &page);            \
      EXPECT_TRUE(status.ok()) << status.error_message();                                       \
      EXPECT_LE(page.plural##_size(), page_size);                                               \
      total = page.total_size();                                                                \
      for (const auto& resource : page.plural()) {                                              \
        names.push_back(resource.name());                                                       \
        sas::v1::Get##Singular##Request get;                                                    \
        get.set_name(resource.name());                                                          \
        grpc::ClientContext get_context;                                                        \
        sas::v1::Get##Singular##Response got;                                                   \
        EXPECT_TRUE(topology_->Get##Singular(&get_context, get, &got).ok()) << resource.name(); \
        EXPECT_EQ(got.singular().name(), resource.name());                                      \
      }                                                                                         \
      request.set_page_token(page.next_page_token());                                           \
    } while (!request.page_token().empty());                                                    \
    EXPECT_EQ(static_cast<int64_t>(names.size()), total);                                       \
    return names;                                                                               \
  }

TEST_F(DaemonTest, PagesAddUpAndEachNameCanBeGot) {
  const std::pair<const char*, std::function<std::vector<std::string>(int)>> collections[] = {
      {"hosts", LIST_AND_GET(Hosts, hosts, Host, host)},
      {"phys", LIST_AND_GET(Phys, phys, Phy, phy)},
      {"ports", LIST_AND_GET(Ports, ports, Port, port)},
      {"expanders", LIST_AND_GET(Expanders, expanders, Expander, expander)},
      {"endDevices", LIST_AND_GET(EndDevices, end_devices, EndDevice, end_device)},
      {"logicalUnits", LIST_AND_GET(LogicalUnits, logical_units, LogicalUnit, logical_unit)},
      {"enclosures", LIST_AND_GET(Enclosures, enclosures, Enclosure, enclosure)},
      {"slots", LIST_AND_GET(Slots, slots, Slot, slot)},
  };
  for (const auto& [what, list] : collections) {
    const std::vector<std::string> whole = list(1000);
    EXPECT_FALSE(whole.empty()) << what;
    EXPECT_EQ(std::set<std::string>(whole.begin(), whole.end()).size(), whole.size()) << what;
    EXPECT_EQ(list(3), whole) << what;
  }
}

TEST_F(DaemonTest, PageTokenOfAnotherListIsRefused) {
  sas::v1::ListPhysRequest phys;
  phys.set_page_size(2);
  sas::v1::ListPhysResponse page;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(topology_->ListPhys(&context, phys, &page).ok());
  }
  sas::v1::ListSlotsRequest slots;
  slots.set_page_token(page.next_page_token());
  sas::v1::ListSlotsResponse response;
  grpc::ClientContext other, nonsense;
  const grpc::Status foreign = topology_->ListSlots(&other, slots, &response);
  EXPECT_EQ(foreign.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(foreign.error_message(), HasSubstr("page_token"));
  slots.set_page_token("nonsense");
  EXPECT_EQ(topology_->ListSlots(&nonsense, slots, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(DaemonTest, NegativePageSizeIsRefused) {
  sas::v1::ListHostsRequest request;
  request.set_page_size(-1);
  sas::v1::ListHostsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = topology_->ListHosts(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("page_size"));
}

TEST_F(DaemonTest, BasicViewIsSmallerThanFullView) {
  sas::v1::ListEndDevicesRequest request;
  sas::v1::ListEndDevicesResponse basic, full;
  grpc::ClientContext first, second;
  ASSERT_TRUE(topology_->ListEndDevices(&first, request, &basic).ok());
  request.set_view(sas::v1::VIEW_FULL);
  ASSERT_TRUE(topology_->ListEndDevices(&second, request, &full).ok());
  ASSERT_EQ(basic.end_devices_size(), full.end_devices_size());
  EXPECT_LT(basic.ByteSizeLong(), full.ByteSizeLong());
  EXPECT_EQ(basic.end_devices(0).sas_address(), full.end_devices(0).sas_address());
}

TEST_F(DaemonTest, FiltersCombineAndTotalsCountMatches) {
  sas::v1::ListEndDevicesRequest request;
  request.set_page_size(1);
  sas::v1::Condition& sata_only = *request.mutable_filter()->add_conditions();
  sata_only.set_field("target_protocols");
  sata_only.set_operator_(sas::v1::OPERATOR_EQUAL);
  sata_only.add_values("SATA");
  sas::v1::ListEndDevicesResponse sata;
  grpc::ClientContext first, second;
  ASSERT_TRUE(topology_->ListEndDevices(&first, request, &sata).ok());
  EXPECT_EQ(sata.total_size(), 4);  // fabrics/demo.textproto
  ASSERT_EQ(sata.end_devices_size(), 1);
  EXPECT_FALSE(sata.next_page_token().empty());
  sas::v1::Condition& serial = *request.mutable_filter()->add_conditions();
  serial.set_field("serial");
  serial.set_operator_(sas::v1::OPERATOR_EQUAL);
  serial.add_values("no such");
  sas::v1::ListEndDevicesResponse none;
  ASSERT_TRUE(topology_->ListEndDevices(&second, request, &none).ok());
  EXPECT_EQ(none.total_size(), 0);
  EXPECT_TRUE(none.next_page_token().empty());
}

TEST_F(DaemonTest, MissingResourceIsNotFoundWrongNameInvalid) {
  sas::v1::GetExpanderRequest request;
  sas::v1::GetExpanderResponse response;
  grpc::ClientContext gone, wrong;
  request.set_name("hosts/500605b00ab01230/expanders/5000ccab0300000f");
  EXPECT_EQ(topology_->GetExpander(&gone, request, &response).error_code(), StatusCode::NOT_FOUND);
  request.set_name("hosts/500605b00ab01230/phys/1");
  const grpc::Status status = topology_->GetExpander(&wrong, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("hosts/500605b00ab01230/phys/1"));
}

TEST_F(DaemonTest, ResourcesAreFoundByTheirSerial) {
  sas::v1::FindResourcesRequest request;
  sas::v1::FindResourcesResponse found, close;
  grpc::ClientContext first, second;
  request.set_query("S7M1B68Y");  // the boot drive's serial
  ASSERT_TRUE(topology_->FindResources(&first, request, &found).ok());
  EXPECT_GT(found.resources_size(), 0);
  request.set_query("S7M1B68Z");
  ASSERT_TRUE(topology_->FindResources(&second, request, &close).ok());
  EXPECT_EQ(close.resources_size(), 0);
  EXPECT_THAT(close.suggestions(), ::testing::Contains(HasSubstr("S7M1B68Y")));
}

TEST_F(DaemonTest, WaitingForAMissingHostIsRefused) {
  sas::v1::WaitSettledRequest request;
  request.add_hosts("hosts/0000000000000001");
  sas::v1::WaitSettledResponse response;
  grpc::ClientContext context;
  const grpc::Status status = node_->WaitSettled(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("hosts/0000000000000001"));
}

// The newest records of the audit, the oldest first.
std::vector<sas::v1::Event> Audited(sas::v1::HistoryService::Stub& history, int count) {
  grpc::ClientContext context;
  sas::v1::ListEventsRequest request;
  request.add_cause_kinds(sas::v1::CAUSE_KIND_AUDIT);
  request.set_newest_count(count);
  sas::v1::ListEventsResponse response;
  EXPECT_TRUE(history.ListEvents(&context, request, &response).ok());
  return {response.events().begin(), response.events().end()};
}

TEST_F(DaemonTest, ChangesAreAuditedBehindWhatTheyChanged) {
  Flap(1);
  grpc::ClientContext context;
  sas::emulator::v1::PullRequest pull;
  pull.set_element("nobody");
  sas::emulator::v1::PullResponse response;
  EXPECT_EQ(emulator_->Pull(&context, pull, &response).error_code(), StatusCode::NOT_FOUND);
  grpc::ClientContext listing;
  sas::emulator::v1::ListElementsResponse elements;
  ASSERT_TRUE(emulator_->ListElements(&listing, {}, &elements).ok());  // no change
  // The answer does not wait for the record.
  std::vector<sas::v1::Event> events;
  for (;;) {
    const int64_t revision = daemon_->registry().revision();
    events = Audited(*history_, 2);
    if (!events.empty() && absl::EndsWith(events.back().audit().method(), "/Pull")) break;
    ASSERT_TRUE(daemon_->registry().WaitForRevision(revision + 1, absl::Minutes(1)).ok());
  }
  ASSERT_EQ(events.size(), 2u);
  const sas::v1::Audit& flap = events[0].audit();
  EXPECT_EQ(flap.caller(), absl::StrCat("uid ", getuid(), ", pid ", getpid()));
  EXPECT_EQ(flap.role(), "admin");
  EXPECT_EQ(flap.method(), "sas.emulator.v1.EmulatorService/FlapPhy");
  EXPECT_THAT(flap.request(), HasSubstr("element: \"hba0\""));
  EXPECT_EQ(flap.code(), 0);
  EXPECT_EQ(events[1].audit().method(), "sas.emulator.v1.EmulatorService/Pull");
  EXPECT_EQ(events[1].audit().code(), StatusCode::NOT_FOUND);
  EXPECT_NE(events[1].audit().message(), "");
  EXPECT_THAT(events[1].cause().text(), HasSubstr("NOT_FOUND"));
  EXPECT_EQ(events[1].severity(), sas::v1::SEVERITY_INFO);
}

TEST_F(DaemonTest, DiagnosisNamesTheBackend) {
  grpc::ClientContext context;
  sas::v1::DiagnoseResponse response;
  ASSERT_TRUE(node_->Diagnose(&context, {}, &response).ok());
  ASSERT_EQ(response.checks_size(), 1);
  const sas::v1::Check& check = response.checks(0);
  EXPECT_EQ(check.status(), sas::v1::CHECK_STATUS_OK);
  EXPECT_EQ(check.subject(), "backend");
  EXPECT_THAT(check.message(), HasSubstr("virtual HBA, fabric demo"));
}

// Uses a daemon of its own on a tree without uevents and without drivers of its hosts.
TEST_F(DaemonTest, DiagnosisNamesTheLimitedHost) {
  const std::string tree = ::testing::TempDir() + "/tree";
  ASSERT_TRUE(sysfs::WriteFakeSysfs(tree, {sysfs::Machine()}).ok());
  DaemonOptions options;
  options.live.root = tree;
  options.server.listen = {absl::StrCat("unix:", folder_, "/live")};
  const absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(options, SystemClock());
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  const auto stub = sas::v1::NodeService::NewStub(
      grpc::CreateChannel((*daemon)->address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  sas::v1::DiagnoseResponse response;
  ASSERT_TRUE(stub->Diagnose(&context, {}, &response).ok());
  const auto host =
      std::find_if(response.checks().begin(), response.checks().end(),
                   [](const sas::v1::Check& check) { return check.subject() == "host5"; });
  ASSERT_NE(host, response.checks().end());
  EXPECT_EQ(host->resource(), "hosts/500605b00ab01230");
  EXPECT_EQ(host->status(), sas::v1::CHECK_STATUS_LIMITED);
  EXPECT_THAT(host->reason(), HasSubstr("CONTROL_NODE_"));
  EXPECT_THAT(host->message(), HasSubstr("/dev/mpt3ctl"));
  EXPECT_FALSE(host->remedy().empty());
}

// Nodes with a state directory, which end and start again.
class StateDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(folder_), nullptr); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string state() const { return absl::StrCat(folder_, "/state"); }
  // The reasons of the checks of a node that serves the fabric, each with a remedy, and its
  // findings.
  std::vector<std::string> Wrong(const std::string& fabric) {
    DaemonOptions options;
    options.fabric = fabric;
    options.server.listen = {absl::StrCat("unix:", folder_, "/s")};
    options.memory.directory = state();
    options.memory.source = absl::StrCat("fabric ", fabric);
    const absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(options, SystemClock());
    EXPECT_TRUE(daemon.ok()) << daemon.status();
    const auto stub = sas::v1::NodeService::NewStub(
        grpc::CreateChannel((*daemon)->address(), grpc::InsecureChannelCredentials()));
    std::vector<std::string> reasons;
    {
      grpc::ClientContext context;
      sas::v1::DiagnoseResponse response;
      EXPECT_TRUE(stub->Diagnose(&context, {}, &response).ok());
      for (const sas::v1::Check& check : response.checks()) {
        if (check.status() == sas::v1::CHECK_STATUS_OK) continue;
        reasons.push_back(absl::StrCat("check ", check.reason()));
        EXPECT_THAT(check.message(), ::testing::Not(::testing::IsEmpty()));
        EXPECT_THAT(check.remedy(), ::testing::Not(::testing::IsEmpty())) << check.reason();
      }
    }
    grpc::ClientContext context;
    sas::v1::ListFindingsResponse response;
    EXPECT_TRUE(stub->ListFindings(&context, {}, &response).ok());
    for (const sas::v1::Finding& finding : response.findings()) {
      if (absl::StartsWith(finding.reason(), "JOURNAL") ||
          absl::StartsWith(finding.reason(), "BASELINE")) {
        reasons.push_back(absl::StrCat("finding ", finding.reason()));
      }
    }
    return reasons;
  }

  char folder_[32] = "/tmp/daemon_state.XXXXXX";
};

TEST_F(StateDirectoryTest, WhatIsLostComesWithItsCure) {
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  EXPECT_THAT(Wrong("demo"), IsEmpty()) << "a first start";
  EXPECT_THAT(Wrong("demo"), IsEmpty()) << "a restart";
  EXPECT_THAT(Wrong("judge"), ElementsAre("check JOURNAL_REFUSED", "finding JOURNAL_REFUSED"));
  EXPECT_THAT(Wrong("demo"), IsEmpty()) << "its files are untouched";
  std::filesystem::remove(state() + "/journal.db");
  EXPECT_THAT(Wrong("demo"), ElementsAre("check JOURNAL_LOSS"));
  std::filesystem::remove(state() + "/state.db");
  EXPECT_THAT(Wrong("demo"),
              ::testing::IsSupersetOf({"check BASELINE_LOST", "finding BASELINE_LOST"}));
}

// ------------------------------------------------------------------------------------- Watch

using Stream = std::unique_ptr<grpc::ClientReader<sas::v1::WatchResponse>>;

TEST_F(DaemonTest, WatchBeginsWithSnapshotThenSynced) {
  grpc::ClientContext context;
  const Stream stream = watch_->Watch(&context, {});
  sas::v1::WatchResponse response;
  int resources = 0;
  int64_t revision = 0;
  while (stream->Read(&response) && response.has_snapshot()) {
    resources += response.snapshot().resources_size();
    if (revision != 0) {
      EXPECT_EQ(response.snapshot().revision(), revision);
    }
    revision = response.snapshot().revision();
  }
  ASSERT_TRUE(response.has_synced());
  EXPECT_EQ(response.synced().revision(), revision);
  EXPECT_FALSE(response.synced().resume_token().empty());
  EXPECT_GT(resources, 200);
  context.TryCancel();
}

TEST_F(DaemonTest, ResumedStreamHasNoHoleInRevisions) {
  const sas::v1::Synced before = Now();
  Flap(2);

  grpc::ClientContext context;
  sas::v1::WatchRequest request;
  request.set_resume_token(before.resume_token());
  const Stream stream = watch_->Watch(&context, request);
  sas::v1::WatchResponse response;
  int64_t revision = before.revision();
  // The missed events, SYNCED, and the events since then.
  bool synced = false;
  for (int events = 0; events < 8 || !synced;) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_FALSE(response.has_snapshot());
    if (response.has_synced()) {
      synced = true;
      EXPECT_EQ(response.synced().revision(), revision);
    }
    for (const sas::v1::Event& event : response.events().events()) {
      EXPECT_EQ(event.revision(), ++revision);
      ++events;
    }
  }
  context.TryCancel();
}

TEST_F(DaemonTest, TokenOlderThanLogIsOutOfRange) {
  sas::v1::WatchRequest request;
  request.set_resume_token(Now().resume_token());
  FillTheLog();

  grpc::ClientContext context;
  const Stream refused = watch_->Watch(&context, request);
  sas::v1::WatchResponse response;
  EXPECT_FALSE(refused->Read(&response));
  const grpc::Status status = refused->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_details(), HasSubstr("REVISION_COMPACTED"));
}

TEST_F(DaemonTest, FilteredWatchGetsOnlyItsKinds) {
  grpc::ClientContext context;
  sas::v1::WatchRequest request;
  request.mutable_filter()->add_kinds(sas::v1::RESOURCE_KIND_EXPANDER);
  const Stream stream = watch_->Watch(&context, request);
  sas::v1::WatchResponse response;
  int expanders = 0;
  while (stream->Read(&response) && response.has_snapshot()) {
    for (const sas::v1::Resource& resource : response.snapshot().resources()) {
      EXPECT_TRUE(resource.has_expander());
      ++expanders;
    }
  }
  EXPECT_EQ(expanders, 4);
  context.TryCancel();
}

TEST_F(DaemonTest, EventsOfTheLogAreListedInPages) {
  FillTheLog();
  sas::v1::ListEventsRequest request;
  request.set_page_size(7);
  std::vector<int64_t> revisions;
  do {
    grpc::ClientContext context;
    sas::v1::ListEventsResponse page;
    ASSERT_TRUE(history_->ListEvents(&context, request, &page).ok());
    for (const sas::v1::Event& event : page.events()) revisions.push_back(event.revision());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(revisions.size(), kLogEvents);
  for (size_t i = 1; i < revisions.size(); ++i) EXPECT_EQ(revisions[i], revisions[i - 1] + 1);

  sas::v1::ListEventsRequest too_early;
  too_early.set_after_revision(1);
  grpc::ClientContext context;
  sas::v1::ListEventsResponse response;
  EXPECT_EQ(history_->ListEvents(&context, too_early, &response).error_code(),
            StatusCode::OUT_OF_RANGE);
}

// By default a client refuses a message of more than 4 MB.
TEST(LargeEventTest, ArrivesInPartsMarkedContinued) {
  constexpr int kDevices = 5'000;
  char folder[] = "/tmp/sasd-large-event.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  DaemonOptions options;
  options.fabric = "synthetic:1x50x100";
  options.server.listen = {absl::StrCat("unix:", folder, "/s")};
  const auto daemon = Daemon::Start(options, SystemClock());
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  const auto channel =
      grpc::CreateChannel((*daemon)->address(), grpc::InsecureChannelCredentials());
  const auto watch = sas::v1::WatchService::NewStub(channel);
  ASSERT_TRUE((*daemon)->backend().WaitIdle(absl::Minutes(2)).ok());
  registry::Registry& registry = (*daemon)->registry();
  ASSERT_TRUE(registry.WaitForRevision(registry.committed_revision(), absl::Minutes(2)).ok());

  grpc::ClientContext stream_context;
  sas::v1::WatchRequest from_now;
  from_now.set_skip_snapshot(true);
  const auto stream = watch->Watch(&stream_context, from_now);
  sas::v1::WatchResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const int64_t before = response.synced().revision();

  // A reset gives every device another handle, in one event.
  grpc::ClientContext context;
  sas::emulator::v1::ResetHostRequest reset;
  reset.set_element("h0");
  sas::emulator::v1::ResetHostResponse none;
  ASSERT_TRUE(
      sas::emulator::v1::EmulatorService::NewStub(channel)->ResetHost(&context, reset, &none).ok());
  std::vector<sas::v1::Event> parts;
  int changes = 0;
  while (parts.empty() ? changes < kDevices : parts.back().continued()) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_LT(response.ByteSizeLong(), 2u << 20);
    for (const sas::v1::Event& event : response.events().events()) {
      if (!parts.empty() || event.continued()) parts.push_back(event);
      changes += event.changes_size();
    }
  }
  stream_context.TryCancel();
  ASSERT_GE(parts.size(), 2u);
  for (const sas::v1::Event& part : parts) {
    const bool is_last = &part == &parts.back();
    EXPECT_EQ(part.continued(), !is_last);
    EXPECT_EQ(part.resume_token().empty(), !is_last);
    EXPECT_EQ(part.revision(), parts[0].revision());
    EXPECT_EQ(part.cause().text(), parts[0].cause().text());
  }

  // Pages of the log have the same parts.
  sas::v1::ListEventsRequest request;
  request.set_after_revision(before);
  const auto history = sas::v1::HistoryService::NewStub(channel);
  size_t i = 0;
  do {
    grpc::ClientContext page_context;
    sas::v1::ListEventsResponse page;
    const grpc::Status status = history->ListEvents(&page_context, request, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_LT(page.ByteSizeLong(), 2u << 20);
    for (const sas::v1::Event& event : page.events()) {
      if (event.revision() != parts[0].revision()) continue;
      ASSERT_LT(i, parts.size());
      EXPECT_EQ(event.SerializeAsString(), parts[i++].SerializeAsString());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(i, parts.size());
  rmdir(folder);
}

TEST_F(DaemonTest, SyntheticFabricBeyondLimitsIsRefused) {
  for (const char* fabric : {"synthetic:1x1000x100", "synthetic:1x100", "synthetic:17x1x1"}) {
    DaemonOptions options;
    options.fabric = fabric;
    options.server.listen = {absl::StrCat("unix:", folder_, "/other")};
    const auto daemon = Daemon::Start(options, SystemClock());
    ASSERT_FALSE(daemon.ok()) << fabric;
    EXPECT_EQ(daemon.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(daemon.status().message()), HasSubstr(fabric));
  }
}

}  // namespace
}  // namespace sasd
