#include <deque>
#include <string>
#include <thread>  // NOLINT: the follower's caller
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "client/follower.h"
#include "client/mirror.h"
#include "client/watch_protocol.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::client {
namespace {

using sas::v1::ChangeKind;
using sas::v1::WatchResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kLong = absl::Seconds(30);

std::string Token(int64_t revision) { return absl::StrCat("token", revision); }

sas::v1::Resource Host(const std::string& name, const std::string& board = "") {
  sas::v1::Resource resource;
  resource.mutable_host()->set_name(name);
  resource.mutable_host()->set_board_name(board);
  return resource;
}

WatchResponse Snapshot(int64_t revision, const std::vector<std::string>& names) {
  WatchResponse response;
  response.mutable_snapshot()->set_revision(revision);
  for (const std::string& name : names) *response.mutable_snapshot()->add_resources() = Host(name);
  return response;
}

WatchResponse Synced(int64_t revision) {
  WatchResponse response;
  response.mutable_synced()->set_revision(revision);
  response.mutable_synced()->set_resume_token(Token(revision));
  return response;
}

// An event of one change; a part of it where `continued`.
WatchResponse Event(int64_t revision, ChangeKind kind, const sas::v1::Resource& resource,
                    bool continued = false) {
  WatchResponse response;
  sas::v1::Event& event = *response.mutable_events()->add_events();
  event.set_revision(revision);
  event.set_previous_revision(revision - 1);
  event.set_continued(continued);
  if (!continued) event.set_resume_token(Token(revision));
  event.add_changes()->set_kind(kind);
  *event.mutable_changes(0)->mutable_resource() = resource;
  return response;
}

std::vector<std::string> Names(const Mirror& mirror) {
  std::vector<std::string> names;
  for (const auto& [name, resource] : mirror.All()) names.push_back(name);
  return names;
}

class WatchProtocolTest : public ::testing::Test {
 protected:
  std::string Apply(const WatchResponse& response) {
    const absl::Status status = protocol_.Apply(response, mirror_);
    return status.ok() ? "" : std::string(status.message());
  }
  void Sync(int64_t revision, const std::vector<std::string>& names) {
    EXPECT_EQ(Apply(Snapshot(revision, names)), "");
    EXPECT_EQ(Apply(Synced(revision)), "");
  }

  WatchProtocol protocol_;
  Mirror mirror_;
};

TEST_F(WatchProtocolTest, MirrorFollowsTheChanges) {
  Sync(7, {"hosts/a", "hosts/b"});
  EXPECT_EQ(Apply(Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/c"))), "");
  EXPECT_EQ(Apply(Event(9, sas::v1::CHANGE_KIND_REMOVED, Host("hosts/a"))), "");
  EXPECT_EQ(Apply(Event(10, sas::v1::CHANGE_KIND_MODIFIED, Host("hosts/b", "new"))), "");
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/b", "hosts/c"));
  EXPECT_EQ(mirror_.Find("hosts/b")->host().board_name(), "new");
  EXPECT_EQ(mirror_.Find("hosts/a"), nullptr);
  EXPECT_EQ(mirror_.revision(), 10);
  EXPECT_EQ(protocol_.resume_token(), Token(10));
}

TEST_F(WatchProtocolTest, PartsOfAnEventAreAppliedTogether) {
  Sync(7, {"hosts/a"});
  EXPECT_EQ(Apply(Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"), true)), "");
  EXPECT_EQ(Apply(Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/c"), true)), "");
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/a"));
  EXPECT_EQ(protocol_.resume_token(), Token(7));
  EXPECT_EQ(Apply(Event(8, sas::v1::CHANGE_KIND_REMOVED, Host("hosts/a"))), "");
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/b", "hosts/c"));
}

TEST_F(WatchProtocolTest, PartsBeforeADisconnectionAreForgotten) {
  Sync(7, {"hosts/a"});
  EXPECT_EQ(Apply(Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"), true)), "");
  protocol_.Disconnected();
  EXPECT_EQ(protocol_.resume_token(), Token(7));
  EXPECT_EQ(Apply(Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"))), "");
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/a", "hosts/b"));
}

TEST_F(WatchProtocolTest, ReadersSeeNoHalfSnapshot) {
  Sync(7, {"hosts/a"});
  WatchResponse resync;
  resync.mutable_resync()->set_sent_revision(7);
  EXPECT_EQ(Apply(resync), "");
  EXPECT_EQ(Apply(Snapshot(20, {"hosts/x"})), "");
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/a"));
  EXPECT_EQ(Apply(Snapshot(20, {"hosts/y"})), "");
  EXPECT_EQ(Apply(Synced(20)), "");
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/x", "hosts/y"));
  EXPECT_EQ(protocol_.resyncs(), 1);
}

TEST_F(WatchProtocolTest, EmptyNodeReplacesThePicture) {
  Sync(7, {"hosts/a"});
  protocol_.StartOver();
  EXPECT_EQ(Apply(Synced(3)), "");
  EXPECT_THAT(Names(mirror_), IsEmpty());
}

TEST_F(WatchProtocolTest, SnapshotThatBrokeOffIsAskedForAgain) {
  EXPECT_EQ(Apply(Snapshot(7, {"hosts/a"})), "");
  protocol_.Disconnected();
  EXPECT_EQ(protocol_.resume_token(), "");
  Sync(9, {"hosts/a", "hosts/b"});
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/a", "hosts/b"));
}

TEST_F(WatchProtocolTest, DeclaredGapIsNoHole) {
  Sync(7, {});
  WatchResponse jump = Event(100, sas::v1::CHANGE_KIND_ADDED, Host("hosts/a"));
  sas::v1::Event& event = *jump.mutable_events()->mutable_events(0);
  event.set_previous_revision(7);
  EXPECT_THAT(Apply(jump), HasSubstr("no gap declares the jump from 7 to 100"));
  event.mutable_gap()->set_first_revision(8);
  event.mutable_gap()->set_last_revision(98);
  EXPECT_THAT(Apply(jump), HasSubstr("no gap"));
  event.mutable_gap()->set_last_revision(99);
  EXPECT_EQ(Apply(jump), "");
}

TEST_F(WatchProtocolTest, BrokenPromisesAreNamed) {
  EXPECT_EQ(Apply(Snapshot(7, {"hosts/a"})), "");
  EXPECT_THAT(Apply(Snapshot(7, {"hosts/a"})), HasSubstr("twice in a snapshot: hosts/a"));
  EXPECT_THAT(Apply(Snapshot(8, {})), HasSubstr("two revisions, 7 and 8"));
  EXPECT_THAT(Apply(Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"))),
              HasSubstr("revision 8 within a snapshot"));
  EXPECT_THAT(Apply(Synced(8)), HasSubstr("SYNCED at revision 8, the snapshot was of 7"));
  EXPECT_EQ(Apply(Synced(7)), "");
  EXPECT_THAT(Apply(Snapshot(7, {})), HasSubstr("a snapshot after SYNCED"));
  EXPECT_THAT(Apply(Event(7, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"))),
              HasSubstr("revision 7 after 7"));
  EXPECT_THAT(Apply(Event(9, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"))),
              HasSubstr("names 8 as the one before, the last was 7"));
  EXPECT_THAT(Apply(Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/a"))),
              HasSubstr("ADDED an existing resource: hosts/a in revision 8"));
  EXPECT_THAT(Apply(Event(8, sas::v1::CHANGE_KIND_REMOVED, Host("hosts/z"))),
              HasSubstr("REMOVED a missing resource: hosts/z"));
  EXPECT_THAT(Apply(WatchResponse()), HasSubstr("does not know"));
  WatchResponse bookmark;
  bookmark.mutable_bookmark()->set_revision(6);
  EXPECT_THAT(Apply(bookmark), HasSubstr("went back from 7 to 6"));
}

TEST(FilteredWatchProtocolTest, RevisionsMayBeLeftOut) {
  Mirror mirror;
  WatchProtocol protocol(WatchProtocol::Scope::kFiltered);
  ASSERT_TRUE(protocol.Apply(Snapshot(7, {}), mirror).ok());
  ASSERT_TRUE(protocol.Apply(Synced(7), mirror).ok());
  EXPECT_TRUE(protocol.Apply(Event(12, sas::v1::CHANGE_KIND_ADDED, Host("hosts/a")), mirror).ok());
  EXPECT_FALSE(protocol.Apply(Event(12, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b")), mirror).ok());
}

// A WatchService whose streams are scripted, one after the other.
class ScriptedService : public sas::v1::WatchService::Service {
 public:
  struct Stream {
    std::vector<WatchResponse> responses;
    grpc::Status end;
    bool stays_open = false;  // until Release()
  };

  void Add(Stream stream) {
    absl::MutexLock lock(&mu_);
    streams_.push_back(std::move(stream));
  }
  std::vector<sas::v1::WatchRequest> requests() {
    absl::MutexLock lock(&mu_);
    return requests_;
  }

  grpc::Status Watch(grpc::ServerContext*, const sas::v1::WatchRequest* request,
                     grpc::ServerWriter<WatchResponse>* writer) override {
    Stream stream;
    {
      absl::MutexLock lock(&mu_);
      requests_.push_back(*request);
      if (streams_.empty()) return {grpc::StatusCode::INTERNAL, "no further stream was expected"};
      stream = std::move(streams_.front());
      streams_.pop_front();
    }
    for (const WatchResponse& response : stream.responses) writer->Write(response);
    if (stream.stays_open) released_.WaitForNotification();
    return stream.end;
  }
  // Ends the streams that stay open. Call it once.
  void Release() { released_.Notify(); }

 private:
  absl::Notification released_;
  absl::Mutex mu_;
  std::deque<Stream> streams_ ABSL_GUARDED_BY(mu_);
  std::vector<sas::v1::WatchRequest> requests_ ABSL_GUARDED_BY(mu_);
};

class FollowerTest : public ::testing::Test {
 protected:
  FollowerTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = sas::v1::WatchService::NewStub(server_->InProcessChannel({}));
    options_.first_backoff = absl::Milliseconds(1);
  }
  ~FollowerTest() override { service_.Release(); }

  // Runs a follower until the mirror has the revision, then stops it. Returns what Run() returned.
  absl::Status FollowUntil(int64_t revision) {
    Follower follower(*stub_, options_, mirror_);
    absl::Status status;
    std::thread thread([&] { status = follower.Run(); });
    EXPECT_TRUE(mirror_.WaitForRevision(revision, kLong));
    follower.Stop();
    thread.join();
    return status;
  }

  ScriptedService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<sas::v1::WatchService::Stub> stub_;
  FollowerOptions options_;
  Mirror mirror_;
};

TEST_F(FollowerTest, LostConnectionIsResumedByToken) {
  service_.Add(
      {{Snapshot(7, {"hosts/a"}), Synced(7), Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"))},
       {grpc::StatusCode::UNAVAILABLE, "restarts"}});
  service_.Add({{Event(9, sas::v1::CHANGE_KIND_REMOVED, Host("hosts/a")), Synced(9)}, {}, true});
  std::vector<absl::StatusCode> reasons;
  options_.may_reconnect = [&](const absl::Status& why) {
    reasons.push_back(why.code());
    return true;
  };
  EXPECT_TRUE(FollowUntil(9).ok());
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/b"));
  ASSERT_EQ(service_.requests().size(), 2u);
  EXPECT_EQ(service_.requests()[1].resume_token(), Token(8));
  EXPECT_THAT(reasons, ElementsAre(absl::StatusCode::kUnavailable));
}

TEST_F(FollowerTest, RefusedTokenStartsOver) {
  service_.Add({{Snapshot(7, {"hosts/a"}), Synced(7)}, {}});
  service_.Add({{}, {grpc::StatusCode::OUT_OF_RANGE, "another epoch"}});
  service_.Add({{Snapshot(50, {"hosts/b"}), Synced(50)}, {}, true});
  EXPECT_TRUE(FollowUntil(50).ok());
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/b"));
  ASSERT_EQ(service_.requests().size(), 3u);
  EXPECT_EQ(service_.requests()[1].resume_token(), Token(7));
  EXPECT_EQ(service_.requests()[2].resume_token(), "");
}

TEST_F(FollowerTest, ErrorThatStaysIsReturned) {
  service_.Add({{}, {grpc::StatusCode::PERMISSION_DENIED, "viewer needed"}});
  Follower follower(*stub_, options_, mirror_);
  const absl::Status status = follower.Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message(), "viewer needed");
}

TEST_F(FollowerTest, BrokenPromiseEndsIt) {
  service_.Add({{Snapshot(7, {}), Synced(7), Event(9, sas::v1::CHANGE_KIND_ADDED, Host("hosts/a"))},
                {},
                true});
  Follower follower(*stub_, options_, mirror_);
  EXPECT_EQ(follower.Run().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(FollowerTest, TokenOfTheCallerIsResumed) {
  options_.resume_token = Token(8);
  options_.skip_snapshot = true;
  service_.Add({{Event(9, sas::v1::CHANGE_KIND_ADDED, Host("hosts/a")), Synced(9)}, {}, true});
  EXPECT_TRUE(FollowUntil(9).ok());
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/a"));
  ASSERT_EQ(service_.requests().size(), 1u);
  EXPECT_EQ(service_.requests()[0].resume_token(), Token(8));
  EXPECT_FALSE(service_.requests()[0].skip_snapshot());
}

TEST_F(FollowerTest, RefusedTokenOfTheCallerIsReturned) {
  options_.resume_token = Token(8);
  service_.Add({{}, {grpc::StatusCode::OUT_OF_RANGE, "compacted"}});
  Follower follower(*stub_, options_, mirror_);
  EXPECT_EQ(follower.Run().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(service_.requests().size(), 1u);
}

TEST_F(FollowerTest, ChangesAloneNeedNoSnapshot) {
  options_.skip_snapshot = true;
  service_.Add({{Synced(7), Event(8, sas::v1::CHANGE_KIND_ADDED, Host("hosts/b"))}, {}, true});
  EXPECT_TRUE(FollowUntil(8).ok());
  EXPECT_THAT(Names(mirror_), ElementsAre("hosts/b"));
  EXPECT_TRUE(service_.requests()[0].skip_snapshot());
}

TEST_F(FollowerTest, CallerDecidesAboutAnotherStream) {
  options_.may_reconnect = [](const absl::Status&) { return false; };
  service_.Add({{Snapshot(7, {"hosts/a"}), Synced(7)}, {grpc::StatusCode::UNAVAILABLE, "gone"}});
  Follower follower(*stub_, options_, mirror_);
  EXPECT_EQ(follower.Run().message(), "gone");
  EXPECT_EQ(follower.resume_token(), Token(7));
  EXPECT_EQ(follower.revision(), 7);
}

TEST_F(FollowerTest, StopBeforeRunEndsIt) {
  Follower follower(*stub_, options_, mirror_);
  follower.Stop();
  EXPECT_TRUE(follower.Run().ok());
  EXPECT_TRUE(service_.requests().empty());
}

}  // namespace
}  // namespace sasd::client
