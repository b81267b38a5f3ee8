#include "daemon/service/baseline_service.h"

#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/health/monitor.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/service/open_calls.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/baseline_service.grpc.pb.h"

namespace sasd::service {
namespace {

using registry::Drive;
using registry::HostOf;
using registry::kHostA;
using registry::Settled;
using registry::Unit;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Publishes what the registry commits, on a thread of its own.
class Publishing {
 public:
  Publishing(registry::Registry& registry, health::Monitor& monitor)
      : registry_(registry), monitor_(monitor), thread_([this] { Run(); }) {}
  ~Publishing() {
    registry_.events().Close();
    thread_.join();
  }

 private:
  void Run() {
    while (registry_.events().WaitAndClaim()) {
      do {
        for (const registry::CommittedEvent& each : registry_.events().Take(1'000)) {
          monitor_.OnCommit(*each.event, *each.after);
          registry_.Publish({each});
        }
      } while (!registry_.events().Release());
    }
  }

  registry::Registry& registry_;
  health::Monitor& monitor_;
  std::thread thread_;
};

// A host with two drives, served in the process and at a TCP port.
class BaselineServiceTest : public ::testing::Test {
 protected:
  BaselineServiceTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = sas::v1::BaselineService::NewStub(server_->InProcessChannel(grpc::ChannelArguments()));
    Report({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1"),
            Drive(kHostA, 0x12), Unit(kHostA, 0x12, "naa.2")});
  }
  ~BaselineServiceTest() override { server_->Shutdown(); }

  void Report(std::vector<Observation> observations) {
    registry_.Observe(registry::Batch(std::move(observations)));
    registry_.events().Ask();
    ASSERT_TRUE(registry_.WaitForRevision(registry_.committed_revision(), absl::Seconds(30)).ok());
  }
  void PullDrive(uint64_t address) {
    Report({EndDeviceGone{{kHostA, SasAddress(address), PhysicalPort(0)}}});
  }
  sas::v1::ListBaselineResponse List(const sas::v1::ListBaselineRequest& request = {}) {
    grpc::ClientContext context;
    sas::v1::ListBaselineResponse response;
    const grpc::Status status = stub_->ListBaseline(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status Dismiss(const std::string& object, const std::string& reason = "sent back",
                       int64_t seconds = 0) {
    sas::v1::DismissRequest request;
    request.set_object(object);
    request.set_reason(reason);
    if (seconds != 0) request.mutable_duration()->set_seconds(seconds);
    grpc::ClientContext context;
    return stub_->Dismiss(&context, request, &dismissed_);
  }
  grpc::Status Undismiss(const std::string& object) {
    sas::v1::UndismissRequest request;
    request.set_object(object);
    grpc::ClientContext context;
    sas::v1::UndismissResponse response;
    return stub_->Undismiss(&context, request, &response);
  }
  grpc::Status Accept(const std::vector<std::string>& resources = {}) {
    sas::v1::AcceptBaselineRequest request;
    for (const std::string& resource : resources) request.add_resources(resource);
    grpc::ClientContext context;
    return stub_->AcceptBaseline(&context, request, &accepted_);
  }
  std::vector<std::string> Dismissals() {
    grpc::ClientContext context;
    sas::v1::ListDismissalsResponse response;
    EXPECT_TRUE(stub_->ListDismissals(&context, {}, &response).ok());
    std::vector<std::string> lines;
    for (const sas::v1::Dismissal& each : response.dismissals()) {
      lines.push_back(absl::StrCat(each.resource(), ": ", each.reason()));
    }
    return lines;
  }
  health::HealthStatus Health() { return StatusOf(*monitor_.Current(), {}).status; }

  FakeClock clock_;
  registry::Registry registry_{{"00000000000000aa", 0}};
  health::Monitor monitor_{{}, registry_, clock_};
  Publishing publishing_{registry_, monitor_};
  OpenCalls open_;
  ResourceFinder finder_{registry_};
  BaselineService service_{registry_, monitor_, finder_, open_.calls};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<sas::v1::BaselineService::Stub> stub_;
  sas::v1::DismissResponse dismissed_;
  sas::v1::AcceptBaselineResponse accepted_;
};

constexpr char kDrive[] = "logicalUnits/naa.1";

TEST_F(BaselineServiceTest, MissingObjectsComeFirst) {
  EXPECT_EQ(List().entries_size(), 5) << "a host, two drives, two paths";
  PullDrive(0x11);
  const sas::v1::ListBaselineResponse list = List();
  EXPECT_EQ(list.total_size(), 5);
  EXPECT_EQ(list.missing_count(), 2);
  EXPECT_EQ(list.revision(), registry_.revision());
  ASSERT_EQ(list.entries_size(), 5);
  EXPECT_TRUE(list.entries(0).missing());
  EXPECT_TRUE(list.entries(1).missing());
  EXPECT_FALSE(list.entries(2).missing());
  EXPECT_EQ(list.entries(1).resource(), kDrive);
  EXPECT_EQ(list.entries(1).missing_revision(), registry_.revision());
  EXPECT_EQ(list.entries(1).last_known().logical_unit().name(), kDrive);
}

TEST_F(BaselineServiceTest, PagesAreTheWholeList) {
  PullDrive(0x11);
  for (const bool missing : {false, true}) {
    sas::v1::ListBaselineRequest request;
    request.set_missing_only(missing);
    std::vector<std::string> all, paged;
    const sas::v1::ListBaselineResponse whole = List(request);
    for (const auto& entry : whole.entries()) all.push_back(entry.resource());
    EXPECT_THAT(all, SizeIs(missing ? 2 : 5));
    request.set_page_size(1);
    do {
      const sas::v1::ListBaselineResponse page = List(request);
      ASSERT_EQ(page.entries_size(), 1);
      paged.push_back(page.entries(0).resource());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty() && paged.size() < 10);
    EXPECT_EQ(paged, all);
  }
  sas::v1::ListBaselineRequest request;
  for (const char* token : {"x", "mm", "xlogicalUnits/naa.1"}) {
    request.set_page_token(token);
    grpc::ClientContext context;
    sas::v1::ListBaselineResponse response;
    EXPECT_EQ(stub_->ListBaseline(&context, request, &response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT)
        << token;
  }
}

TEST_F(BaselineServiceTest, AcceptForgetsADriveWithItsPath) {
  PullDrive(0x11);
  PullDrive(0x12);
  ASSERT_TRUE(Accept({kDrive}).ok());
  EXPECT_EQ(accepted_.removed_entries_size(), 2);
  EXPECT_EQ(accepted_.revision(), registry_.revision()) << "the event is visible";
  EXPECT_EQ(List().missing_count(), 2);
  EXPECT_EQ(Accept({kDrive}).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "not missing";
  EXPECT_EQ(Accept({"naa.2"}).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "no name";
  ASSERT_TRUE(Accept().ok());
  EXPECT_EQ(List().missing_count(), 0);
  EXPECT_EQ(Health(), health::HealthStatus::kOk);
}

TEST_F(BaselineServiceTest, AcceptIsRefusedWhileAHostIsNotSettled) {
  PullDrive(0x11);
  DiscoveryFacts discovery = Settled(kHostA);
  discovery.state = DiscoveryState::kInProgress;
  Report({discovery});
  const grpc::Status status = Accept();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_details(), HasSubstr("NOT_SETTLED"));
  EXPECT_EQ(List().missing_count(), 2);
}

TEST_F(BaselineServiceTest, DismissedDriveIsFoundByAnyName) {
  PullDrive(0x11);
  EXPECT_EQ(Health(), health::HealthStatus::kCritical);
  for (const char* name : {kDrive, "naa.1", "0000000000000011"}) {
    ASSERT_TRUE(Dismiss(name).ok()) << name;
    EXPECT_EQ(dismissed_.dismissal().resource(), kDrive) << name;
    EXPECT_FALSE(dismissed_.dismissal().has_expire_time());
    EXPECT_EQ(dismissed_.revision(), registry_.revision()) << "the event is visible";
    EXPECT_THAT(Dismissals(), ElementsAre("logicalUnits/naa.1: sent back"));
    EXPECT_EQ(Health(), health::HealthStatus::kOk) << name;
    ASSERT_TRUE(Undismiss(name).ok()) << name;
    EXPECT_THAT(Dismissals(), IsEmpty());
    EXPECT_EQ(Health(), health::HealthStatus::kCritical);
  }
}

TEST_F(BaselineServiceTest, ObjectsAreFoundWithTheIndex) {
  finder_.Step(absl::ZeroDuration());
  EXPECT_FALSE(finder_.has_index()) << "nobody has asked it";
  ASSERT_TRUE(Dismiss("naa.1").ok());
  finder_.Step(absl::ZeroDuration());
  EXPECT_TRUE(finder_.has_index());
  ASSERT_TRUE(Undismiss("naa.1").ok());
  EXPECT_THAT(Dismissals(), IsEmpty());
}

TEST_F(BaselineServiceTest, DismissalInAdvanceHoldsForItsTime) {
  ASSERT_TRUE(Dismiss("naa.1", "planned", 7200).ok());
  EXPECT_TRUE(dismissed_.dismissal().has_expire_time());
  PullDrive(0x11);
  EXPECT_EQ(Health(), health::HealthStatus::kOk);
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(Health(), health::HealthStatus::kCritical);
  EXPECT_THAT(Dismissals(), IsEmpty());
}

TEST_F(BaselineServiceTest, WrongRequestsDismissNothing) {
  EXPECT_EQ(Dismiss("").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Dismiss("naa.1", "").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Dismiss("naa.1", std::string(1001, 'x')).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Dismiss("naa.1", "r", -1).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Dismiss("naa.1", "r", 400 * 86'400).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Dismiss("naa.9").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Undismiss("naa.1").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(Dismissals(), IsEmpty());
}

TEST_F(BaselineServiceTest, DismissalNamesItsAuthor) {
  PullDrive(0x11);
  ASSERT_TRUE(Dismiss(kDrive).ok());
  EXPECT_EQ(dismissed_.dismissal().author(), "self") << "as OpenGuard calls every peer";
}

}  // namespace
}  // namespace sasd::service
