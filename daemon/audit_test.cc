#include "daemon/audit.h"

#include <string>
#include <vector>

#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() {
    caller_.peer.kind = rpc::Peer::Kind::kUnix;
    caller_.peer.uid = 1000;
    caller_.peer.pid = 4711;
    caller_.role = rpc::Role::kViewer;
  }

  FakeClock clock_;
  std::vector<std::string> lines_;
  AuditLog log_{clock_,
                [this](AuditLog::Level, const std::string& line) { lines_.push_back(line); }};
  rpc::Caller caller_;
};

TEST_F(AuditLogTest, ReadsThatAreAllowedLeaveNoLine) {
  log_.Record(caller_, "a.B/Get", rpc::Role::kViewer, true);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(AuditLogTest, VerbsAndRefusalsSayWhoAskedForWhat) {
  log_.Record(caller_, "a.B/Dismiss", rpc::Role::kOperator, false);
  caller_.role = rpc::Role::kOperator;
  log_.Record(caller_, "a.B/Dismiss", rpc::Role::kOperator, true);
  EXPECT_THAT(lines_, ElementsAre("audit: refused: uid 1000, pid 4711, role viewer: a.B/Dismiss",
                                  "audit: uid 1000, pid 4711, role operator: a.B/Dismiss"));
}

TEST_F(AuditLogTest, FloodIsCountedNotLogged) {
  for (int i = 0; i < 1'000; ++i) log_.Record(caller_, "a.B/X", rpc::Role::kOperator, false);
  EXPECT_THAT(lines_, SizeIs(10));
  clock_.Advance(absl::Seconds(1));
  log_.Record(caller_, "a.B/X", rpc::Role::kOperator, false);
  EXPECT_THAT(lines_.back(), testing::HasSubstr("990 earlier lines left out"));
}

}  // namespace
}  // namespace sasd
