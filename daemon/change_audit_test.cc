#include "daemon/change_audit.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

rpc::AuditedCall Call(uint32_t uid, StatusCode code = StatusCode::OK, std::string message = "") {
  rpc::AuditedCall call;
  call.caller.peer.kind = rpc::Peer::Kind::kUnix;
  call.caller.peer.uid = uid;
  call.caller.peer.pid = 7;
  call.caller.key = rpc::KeyOf(call.caller.peer);
  call.caller.role = rpc::Role::kOperator;
  call.method = "sas.v1.BaselineService/Dismiss";
  call.request = "object: \"x\"";
  call.status = grpc::Status(code, std::move(message));
  return call;
}

class ChangeAuditTest : public testing::Test {
 protected:
  ChangeAuditTest()
      : audit_(clock_, [this](registry::AuditRecord record, std::string text) {
          records_.push_back(std::move(record));
          texts_.push_back(std::move(text));
        }) {}

  FakeClock clock_;
  std::vector<registry::AuditRecord> records_;
  std::vector<std::string> texts_;
  ChangeAudit audit_;
};

TEST_F(ChangeAuditTest, RecordHasCallerCallAndResult) {
  audit_.Record(Call(1000));
  audit_.Record(Call(1000, StatusCode::NOT_FOUND, "no object\n\"x\""));
  EXPECT_THAT(texts_,
              ElementsAre("uid 1000, pid 7, role operator, called sas.v1.BaselineService/Dismiss "
                          "{object: \"x\"}: done",
                          "uid 1000, pid 7, role operator, called sas.v1.BaselineService/Dismiss "
                          "{object: \"x\"}: NOT_FOUND: no object\\x0a\"x\""));
  ASSERT_THAT(records_, SizeIs(2));
  EXPECT_EQ(records_[1].code, StatusCode::NOT_FOUND);
  EXPECT_FALSE(records_[1].refused) << "the caller was let in";
}

TEST_F(ChangeAuditTest, RefusedCallIsMarked) {
  audit_.Record(Call(1000, StatusCode::PERMISSION_DENIED, "needs the role operator"));
  ASSERT_THAT(records_, SizeIs(1));
  EXPECT_TRUE(records_[0].refused);
}

TEST_F(ChangeAuditTest, EveryDoneCallHasARecord) {
  for (int i = 0; i < 1000; ++i) audit_.Record(Call(1000));
  EXPECT_THAT(records_, SizeIs(1000));
}

TEST_F(ChangeAuditTest, FailuresOfOnePeerAreCountedBeyondTen) {
  for (int i = 0; i < 50; ++i) audit_.Record(Call(1000, StatusCode::NOT_FOUND, "no"));
  EXPECT_THAT(records_, SizeIs(10));
  audit_.Record(Call(2000, StatusCode::NOT_FOUND, "no"));
  ASSERT_THAT(records_, SizeIs(11)) << "another peer has its own";
  EXPECT_EQ(records_[10].left_out, 40);
}

TEST_F(ChangeAuditTest, FailuresOfManyPeersAreCountedBeyondSixty) {
  for (uint32_t uid = 1; uid <= 100; ++uid) audit_.Record(Call(uid, StatusCode::NOT_FOUND, "no"));
  EXPECT_THAT(records_, SizeIs(60));
  clock_.Advance(absl::Minutes(1));
  audit_.Record(Call(1, StatusCode::NOT_FOUND, "no"));
  ASSERT_THAT(records_, SizeIs(61));
  EXPECT_EQ(records_[60].left_out, 40);
}

TEST_F(ChangeAuditTest, LastFailuresAreCountedWithoutALaterCall) {
  for (int i = 0; i < 12; ++i) audit_.Record(Call(1000, StatusCode::NOT_FOUND, "no"));
  audit_.Look();
  EXPECT_THAT(records_, SizeIs(10)) << "the minute is not over";
  clock_.Advance(absl::Minutes(1));
  audit_.Look();
  audit_.Look();
  ASSERT_THAT(records_, SizeIs(11));
  EXPECT_EQ(texts_[10], "2 failed calls before it have no record");
  for (int i = 0; i < 11; ++i) audit_.Record(Call(1000, StatusCode::NOT_FOUND, "no"));
  audit_.Finish();
  ASSERT_THAT(records_, SizeIs(22));
  EXPECT_EQ(texts_[21], "1 failed call before it has no record");
}

TEST_F(ChangeAuditTest, LongTextsAreCut) {
  rpc::AuditedCall call = Call(1000, StatusCode::NOT_FOUND, std::string(100'000, 'x'));
  call.caller.peer.kind = rpc::Peer::Kind::kTls;
  call.caller.peer.certificate_names = {std::string(100'000, '\xc3')};
  audit_.Record(call);
  ASSERT_THAT(texts_, SizeIs(1));
  // Not even half a character of UTF-8.
  EXPECT_LT(texts_[0].size(), 2000u);
}

TEST_F(ChangeAuditTest, NothingIsRecordedWithoutACall) {
  audit_.Look();
  audit_.Finish();
  EXPECT_THAT(records_, IsEmpty());
}

}  // namespace
}  // namespace sasd
