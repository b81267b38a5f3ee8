#include "cli/query/rpc_error.h"

#include <string>

#include "cli/query/rpc_details.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const Endpoint kEndpoint{"unix:/run/sasd/sasd.sock", absl::Seconds(30)};

std::string Line(grpc::StatusCode code, const std::string& message = "",
                 const std::string& details = "") {
  return std::string(FromRpc(grpc::Status(code, message, details), kEndpoint).message());
}

std::string Details(const std::string& reason, const std::string& key, const std::string& value) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  (*info.mutable_metadata())[key] = value;
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  return status.SerializeAsString();
}

TEST(RpcErrorTest, AMissingSocketIsToldWithTheRemedy) {
  EXPECT_THAT(DescribeUnreachable("unix:/nonexistent/s", "anything"),
              AllOf(HasSubstr("cannot reach sasd at unix:/nonexistent/s"),
                    HasSubstr("no such socket"), HasSubstr("--addr or SASD_ADDR")));
}

TEST(RpcErrorTest, ATcpAddressIsToldInGrpcsLastWords) {
  EXPECT_THAT(DescribeUnreachable("host:1", "failed to connect; last error: UNKNOWN: refused"),
              HasSubstr("cannot reach sasd at host:1: refused; is sasd listening there?"));
}

TEST(RpcErrorTest, ADeadlineNamesItsLengthAndTheOption) {
  EXPECT_THAT(Line(grpc::StatusCode::DEADLINE_EXCEEDED),
              AllOf(HasSubstr(kEndpoint.address), HasSubstr("30s"), HasSubstr("--timeout")));
}

TEST(RpcErrorTest, WhatHasNotSettledInTimeIsNamed) {
  const absl::Status told =
      FromRpc(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "not settled: hosts/1: discovery",
                           Details("NOT_SETTLED", "hosts/1", "discovery")),
              kEndpoint);
  EXPECT_EQ(told.message(), "not settled: hosts/1: discovery; --timeout waits longer");
  EXPECT_EQ(ExitCodeOf(told), kExitFailed);
  EXPECT_EQ(ExitCodeOf(FromRpc(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""), kEndpoint)),
            kExitUnreachable);
}

TEST(RpcErrorTest, AnUnknownCallAsksForVersions) {
  EXPECT_THAT(Line(grpc::StatusCode::UNIMPLEMENTED), HasSubstr("sasctl --version"));
}

TEST(RpcErrorTest, ACompactedRevisionSaysWhatIsLeft) {
  const grpc::Status status(grpc::StatusCode::OUT_OF_RANGE, "revision 3 is compacted",
                            Details("REVISION_COMPACTED", "oldest", "17"));
  const absl::Status told = FromRpc(status, kEndpoint);
  EXPECT_THAT(std::string(told.message()), AllOf(HasSubstr("17"), HasSubstr("sasctl events")));
  EXPECT_EQ(ReasonOf(told), "REVISION_COMPACTED");
  EXPECT_EQ(told.code(), absl::StatusCode::kOutOfRange);
}

TEST(RpcErrorTest, AnotherEpochMeansToStartAnew) {
  EXPECT_THAT(Line(grpc::StatusCode::OUT_OF_RANGE, "of epoch a", Details("EPOCH_CHANGED", "x", "")),
              HasSubstr("watch anew without --from"));
}

TEST(RpcErrorTest, AnEmptyMessageStillNamesThePeer) {
  EXPECT_THAT(Line(grpc::StatusCode::INTERNAL), HasSubstr(kEndpoint.address));
}

TEST(RpcErrorTest, AMessageIsOneLine) {
  EXPECT_EQ(Line(grpc::StatusCode::NOT_FOUND, "a\nb\r\nc"), "a; b; c");
}

TEST(RpcErrorTest, DetailsThatAreGarbageAreLeftOut) {
  EXPECT_EQ(DecodeDetails("\xff\xff garbage").reason, "");
  EXPECT_EQ(Line(grpc::StatusCode::NOT_FOUND, "gone", "\xff\xff"), "gone");
}

TEST(RpcErrorTest, ExitCodesTellUsageFromUnreachableFromFailed) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::OutOfRangeError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), 3);
  EXPECT_TRUE(FromRpc(grpc::Status::OK, kEndpoint).ok());
}

}  // namespace
}  // namespace sasd::cli
