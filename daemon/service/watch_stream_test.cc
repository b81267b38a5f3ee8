#include "daemon/service/watch_stream.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: yield
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/fake_history.h"
#include "daemon/service/open_calls.h"
#include "daemon/service/watch_service.h"
#include "daemon/watch/event_archive.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/resume_token.h"
#include "daemon/watch/watch_log.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::service {
namespace {

using ::testing::ElementsAre;

constexpr char kEpoch[] = "00000000000000aa";

// Has every event. A read may take as long as a test wants.
class SlowArchive : public watch::EventArchive {
 public:
  struct Hold {
    absl::Notification began, go_on;
  };

  // The n-th read from now on waits.
  std::shared_ptr<Hold> HoldRead(int n) {
    absl::MutexLock lock(&mu_);
    reads_until_hold_ = n;
    return hold_ = std::make_shared<Hold>();
  }
  void Add(watch::EncodedEventPtr event) {
    absl::MutexLock lock(&mu_);
    events_.push_back(std::move(event));
  }
  void Lose(size_t i) {
    absl::MutexLock lock(&mu_);
    events_.erase(events_.begin() + static_cast<ptrdiff_t>(i));
  }

  absl::StatusOr<Page> ReadAfter(int64_t after, int64_t until, size_t max_events, size_t) override {
    std::shared_ptr<Hold> hold;
    {
      absl::MutexLock lock(&mu_);
      if (--reads_until_hold_ == 0) hold = hold_;
    }
    if (hold != nullptr) {
      hold->began.Notify();
      hold->go_on.WaitForNotification();
    }
    absl::MutexLock lock(&mu_);
    Page page;
    for (const watch::EncodedEventPtr& event : events_) {
      if (event->revision() <= after || event->revision() >= until) continue;
      if (page.events.size() < max_events) page.events.push_back(event);
    }
    return page;
  }
  absl::StatusOr<std::optional<Gap>> FindGap(int64_t revision) override {
    if (revision < 100) return std::optional<Gap>();
    return Gap{100, 200};
  }

 private:
  absl::Mutex mu_;
  std::vector<watch::EncodedEventPtr> events_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Hold> hold_ ABSL_GUARDED_BY(mu_);
  int reads_until_hold_ ABSL_GUARDED_BY(mu_) = 0;
};

class ArchivingEncoder : public watch::RegistryEventEncoder {
 public:
  explicit ArchivingEncoder(SlowArchive& archive) : archive_(archive) {}
  watch::EncodedBytes Encode(const registry::RegistryEvent& event) override {
    watch::EncodedBytes encoded = encoder_.Encode(event);
    archive_.Add(std::make_shared<const watch::EncodedEvent>(event, encoded));
    return encoded;
  }

 private:
  SlowArchive& archive_;
  EventEncoder encoder_{kEpoch};
};

// A call of Watch.
class Call {
 public:
  Call(sas::v1::WatchService::Stub& stub, const sas::v1::WatchRequest& request)
      : reader_(stub.Watch(&context_, request)) {}
  ~Call() {
    if (finished_) return;
    context_.TryCancel();
    sas::v1::WatchResponse response;
    while (reader_->Read(&response)) {
    }
    (void)reader_->Finish();
  }

  // What comes up to SYNCED, or up to so many events, or the end: "2 3 RESYNC SNAPSHOT SYNCED 7".
  std::vector<std::string> Read(int events = 1000) {
    std::vector<std::string> out;
    sas::v1::WatchResponse response;
    while (reader_->Read(&response)) {
      for (const sas::v1::Event& event : response.events().events()) {
        out.push_back(absl::StrCat(event.revision()));
        --events;
      }
      if (response.has_resync()) {
        out.push_back(absl::StrCat("RESYNC after ", response.resync().sent_revision()));
      }
      if (response.has_snapshot()) out.push_back("SNAPSHOT");
      if (response.has_synced()) {
        out.push_back(absl::StrCat("SYNCED ", response.synced().revision()));
        return out;
      }
      if (events <= 0) return out;
    }
    status_ = reader_->Finish();
    finished_ = true;
    return out;
  }
  const grpc::Status& status() const { return status_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<sas::v1::WatchResponse>> reader_;
  grpc::Status status_;
  bool finished_ = false;
};

class WatchStreamTest : public ::testing::Test {
 protected:
  WatchStreamTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = sas::v1::WatchService::NewStub(server_->InProcessChannel(grpc::ChannelArguments()));
    Happen(6);
  }
  ~WatchStreamTest() override {
    service_.Shutdown();
    server_->Shutdown();
  }

  // This thread is the pump.
  void Happen(int count) {
    for (int i = 0; i < count; ++i) {
      Observe();
      EXPECT_TRUE(publisher_.PublishOnce());
    }
  }
  void Observe() {
    HostFacts facts;
    facts.key = registry::kHostA;
    facts.os_name = absl::StrCat("host", ++names_);
    registry_.Observe(registry::Batch({facts}));
  }
  std::unique_ptr<Call> Resume(int64_t revision) {
    sas::v1::WatchRequest request;
    request.set_resume_token(watch::EncodeResumeToken(kEpoch, revision));
    return std::make_unique<Call>(*stub_, request);
  }
  std::unique_ptr<Call> Follow() {
    sas::v1::WatchRequest request;
    request.set_skip_snapshot(true);
    return std::make_unique<Call>(*stub_, request);
  }

  SlowArchive archive_;
  ArchivingEncoder encoder_{archive_};
  registry::Registry registry_{{kEpoch, 0}};
  watch::WatchLog log_{registry_, {16 << 20, 2, &archive_}};
  watch::Publisher publisher_{log_, encoder_};
  OpenCalls open_;
  FakeHistory history_;
  WatchService service_{registry_, log_, history_, open_.calls};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<sas::v1::WatchService::Stub> stub_;
  int names_ = 0;
};

TEST_F(WatchStreamTest, OldTokenResumesFromTheArchive) {
  EXPECT_THAT(Resume(2)->Read(), ElementsAre("3", "4", "5", "6", "SYNCED 6"));
}

TEST_F(WatchStreamTest, ResumedStreamKnowsWhereWhatIsGoneHung) {
  const auto publish = [this](std::vector<Observation> observations) {
    registry_.Observe(registry::Batch(std::move(observations)));
    EXPECT_TRUE(publisher_.PublishOnce());
  };
  // A drive at the host, not behind the expander.
  LogicalUnitFacts unit = registry::Unit(registry::kHostA, 0x32, "naa.2");
  publish({registry::ExpanderOn(registry::kHostA), registry::Drive(registry::kHostA, 0x32), unit});
  const int64_t token = registry_.revision();
  unit.serial = "Z2";
  publish({unit});
  publish({EndDeviceGone{{registry::kHostA, SasAddress(0x32), PhysicalPort(0)}}});
  history_.Add(absl::StrCat("revision: ", registry_.revision(), R"(
    changes { kind: CHANGE_KIND_REMOVED resource { end_device {
      name: "hosts/000000000000000a/endDevices/0000000000000032"
      host: "hosts/000000000000000a" parent: "hosts/000000000000000a" } } })"));
  sas::v1::WatchRequest request;
  request.set_resume_token(watch::EncodeResumeToken(kEpoch, token));
  request.mutable_filter()->add_kinds(sas::v1::RESOURCE_KIND_LOGICAL_UNIT);
  request.mutable_filter()->add_behind("hosts/000000000000000a/expanders/000000000000000e");
  EXPECT_THAT(Call(*stub_, request).Read(),
              ElementsAre(absl::StrCat("SYNCED ", registry_.revision())));
  // A history that cannot be read is no reason to guess.
  history_.Fail(absl::DataLossError("the disk is gone"));
  Call refused(*stub_, request);
  EXPECT_THAT(refused.Read(), ElementsAre());
  EXPECT_EQ(refused.status().error_code(), grpc::StatusCode::DATA_LOSS);
}

// Of the reads of a resumed call, the first is for its token, the second for its events.
TEST_F(WatchStreamTest, LiveCallsGoOnWhileTheArchiveIsSlow) {
  for (const int read : {1, 2}) {
    const int64_t newest = registry_.revision();
    const auto live = Follow();
    EXPECT_THAT(live->Read(), ElementsAre(absl::StrCat("SYNCED ", newest)));
    const auto hold = archive_.HoldRead(read);
    const auto late = Resume(newest - 4);
    hold->began.WaitForNotification();
    Happen(3);
    const auto next = [&](int i) { return absl::StrCat(newest + i); };
    std::vector<std::string> got = live->Read(3);
    while (got.size() < 3) got.push_back(live->Read(1)[0]);
    EXPECT_THAT(got, ElementsAre(next(1), next(2), next(3)));
    EXPECT_THAT(Follow()->Read(), ElementsAre("SYNCED " + next(3)));
    service_.SendBookmarks();
    hold->go_on.Notify();
    EXPECT_THAT(late->Read(), ElementsAre(next(-3), next(-2), next(-1), next(0), next(1), next(2),
                                          next(3), "SYNCED " + next(3)));
  }
}

// Many events at once trim the memory before the call is woken.
TEST_F(WatchStreamTest, PumpNeverWaitsForTheArchive) {
  const auto live = Follow();
  EXPECT_THAT(live->Read(), ElementsAre("SYNCED 6"));
  while (log_.idle_count() == 0) std::this_thread::yield();  // it has answered the client
  const auto hold = archive_.HoldRead(1);
  for (int i = 0; i < 5; ++i) Observe();
  EXPECT_TRUE(publisher_.PublishOnce()) << "it returns during the read";
  hold->began.WaitForNotification();
  hold->go_on.Notify();
  std::vector<std::string> got = live->Read(5);
  while (got.size() < 5) got.push_back(live->Read(1)[0]);
  EXPECT_THAT(got, ElementsAre("7", "8", "9", "10", "11"));
}

TEST_F(WatchStreamTest, CallMayEndWhileTheArchiveIsRead) {
  for (const int read : {1, 2}) {
    const auto hold = archive_.HoldRead(read);
    auto late = Resume(2);
    hold->began.WaitForNotification();
    late.reset();
    hold->go_on.Notify();
  }
  Happen(1);
  EXPECT_THAT(Resume(5)->Read(), ElementsAre("6", "7", "SYNCED 7"));
}

// A filter that takes long is looked at by other threads than the pump's.
TEST_F(WatchStreamTest, HeavyFilterMissesNothing) {
  sas::v1::WatchRequest request;
  for (int i = 0; i < 9; ++i) {
    sas::v1::Condition* const condition = request.mutable_filter()->add_conditions();
    condition->set_field("os_name");
    condition->set_operator_(sas::v1::OPERATOR_NOT_EQUAL);
    condition->add_values("*none*");
  }
  request.set_skip_snapshot(true);
  const auto live = std::make_unique<Call>(*stub_, request);
  EXPECT_THAT(live->Read(), ElementsAre("SYNCED 6"));
  std::vector<std::string> expected, got;
  for (int revision = 7; revision < 90; ++revision) {
    Happen(1);
    expected.push_back(absl::StrCat(revision));
    // Now and then it is idle, and now and then the memory is trimmed before it looks.
    if (revision % 7 != 0) continue;
    while (got.size() < expected.size()) {
      for (std::string& each : live->Read(1)) got.push_back(std::move(each));
    }
  }
  while (got.size() < expected.size()) {
    for (std::string& each : live->Read(1)) got.push_back(std::move(each));
  }
  EXPECT_EQ(got, expected);
  request.set_skip_snapshot(false);
  EXPECT_THAT(std::make_unique<Call>(*stub_, request)->Read(),
              ElementsAre("SNAPSHOT", "SYNCED 89"));
  request.set_resume_token(watch::EncodeResumeToken(kEpoch, 80));
  EXPECT_EQ(std::make_unique<Call>(*stub_, request)->Read().size(), 10u);
}

// While its snapshot, the archive or what its filter looks at is read apart, or waits for its turn.
TEST_F(WatchStreamTest, StreamMayEndAtAnyMoment) {
  sas::v1::WatchRequest all, resumed, heavy;
  resumed.set_resume_token(watch::EncodeResumeToken(kEpoch, 2));
  for (int i = 0; i < 9; ++i) {
    sas::v1::Condition* const condition = heavy.mutable_filter()->add_conditions();
    condition->set_field("os_name");
    condition->set_operator_(sas::v1::OPERATOR_NOT_EQUAL);
    condition->add_values("*none*");
  }
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 300; ++i) {
    for (const sas::v1::WatchRequest& request : {all, resumed, heavy}) {
      calls.push_back(std::make_unique<Call>(*stub_, request));
    }
    if (i % 10 == 0) Happen(1);
    if (i % 3 == 0) calls.back()->Read();
    if (i % 7 == 0) calls.clear();
  }
  // The rest ends with the server, and wake-ups come on.
  service_.Shutdown();
  server_->Shutdown();
  Happen(3);
  calls.clear();
  EXPECT_EQ(log_.stats().subscribers, 0u);
}

// The pump may hold it when the last reference of the service's goes.
TEST_F(WatchStreamTest, WakeUpMayComeAfterTheService) {
  auto service = std::make_unique<WatchService>(registry_, log_, history_, open_.calls);
  const auto stream = std::make_shared<WatchStream>(*service, kEpoch, WatchStream::Peer());
  stream->End(grpc::Status::CANCELLED);
  service.reset();
  stream->OnReady();
}

TEST_F(WatchStreamTest, PatternsOfAWatchAreFew) {
  sas::v1::WatchRequest request;
  sas::v1::Condition* const condition = request.mutable_filter()->add_conditions();
  condition->set_field("name");
  condition->set_operator_(sas::v1::OPERATOR_NOT_EQUAL);
  for (int i = 0; i < 2; ++i) condition->add_values(std::string(256, 'x') + "*");
  for (std::string& value : *condition->mutable_values()) value.erase(0, 1);
  const auto call = std::make_unique<Call>(*stub_, request);
  EXPECT_THAT(call->Read(), ElementsAre("SNAPSHOT", "SYNCED 6"));
  condition->add_values("*");
  const auto refused = std::make_unique<Call>(*stub_, request);
  EXPECT_THAT(refused->Read(), ElementsAre());
  EXPECT_EQ(refused->status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(absl::StrContains(refused->status().error_message(), "at most 512"));
}

TEST_F(WatchStreamTest, DamagedHistoryEndsInAResync) {
  archive_.Lose(3);
  EXPECT_THAT(Resume(1)->Read(), ElementsAre("2", "3", "RESYNC after 3", "SNAPSHOT", "SYNCED 6"));
}

TEST_F(WatchStreamTest, TokenInAGapIsRefused) {
  const auto call = Resume(150);
  EXPECT_THAT(call->Read(), ElementsAre());
  EXPECT_EQ(call->status().error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_TRUE(absl::StrContains(call->status().error_details(), "REVISION_LOST"));
  const auto future = Resume(50);
  EXPECT_THAT(future->Read(), ElementsAre());
  EXPECT_EQ(future->status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace sasd::service
