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

TEST(RpcErrorTest, AMissingSocketHasARemedy) {
  EXPECT_THAT(DescribeUnreachable("unix:/nonexistent/s", "anything"),
              AllOf(HasSubstr("cannot reach sasd at unix:/nonexistent/s"),
                    HasSubstr("no such socket"), HasSubstr("--addr or SASD_ADDR")));
}

TEST(RpcErrorTest, ATcpAddressShowsGrpcsLastError) {
  EXPECT_THAT(DescribeUnreachable("host:1", "failed to connect; last error: UNKNOWN: refused"),
              HasSubstr("cannot reach sasd at host:1: refused; is sasd listening there?"));
}

TEST(RpcErrorTest, ADeadlineNamesItsLengthAndTheOption) {
  EXPECT_THAT(Line(grpc::StatusCode::DEADLINE_EXCEEDED),
              AllOf(HasSubstr(kEndpoint.address), HasSubstr("30s"), HasSubstr("--timeout")));
}

TEST(RpcErrorTest, NamesHostsThatHaveNotSettled) {
  const absl::Status error =
      FromRpc(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "not settled: hosts/1: discovery",
                           Details("NOT_SETTLED", "hosts/1", "discovery")),
              kEndpoint);
  EXPECT_EQ(error.message(), "not settled: hosts/1: discovery; wait longer with --timeout");
  EXPECT_EQ(ExitCodeOf(error), kExitFailed);
  EXPECT_EQ(ExitCodeOf(FromRpc(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""), kEndpoint)),
            kExitUnreachable);
}

TEST(RpcErrorTest, AnUnknownCallSuggestsComparingVersions) {
  EXPECT_THAT(Line(grpc::StatusCode::UNIMPLEMENTED), HasSubstr("sasctl --version"));
}

TEST(RpcErrorTest, ACompactedRevisionNamesTheOldest) {
  const grpc::Status status(grpc::StatusCode::OUT_OF_RANGE, "revision 3 is compacted",
                            Details("REVISION_COMPACTED", "oldest", "17"));
  const absl::Status error = FromRpc(status, kEndpoint);
  EXPECT_THAT(std::string(error.message()), AllOf(HasSubstr("17"), HasSubstr("sasctl events")));
  EXPECT_EQ(ReasonOf(error), "REVISION_COMPACTED");
  EXPECT_EQ(error.code(), absl::StatusCode::kOutOfRange);
}

TEST(RpcErrorTest, AnotherEpochMeansWatchingWithoutFrom) {
  EXPECT_THAT(Line(grpc::StatusCode::OUT_OF_RANGE, "of epoch a", Details("EPOCH_CHANGED", "x", "")),
              HasSubstr("watch without --from"));
}

TEST(RpcErrorTest, AWatchThatCannotResumeSaysWhy) {
  const auto why = [](const char* reason) {
    const grpc::Status status(grpc::StatusCode::OUT_OF_RANGE, "refused", Details(reason, "x", ""));
    return WhyNotResumed(FromRpc(status, kEndpoint), 17);
  };
  EXPECT_EQ(why("REVISION_COMPACTED"), "the history moved past revision 17");
  EXPECT_EQ(why("REVISION_LOST"), "revision 17 was lost: a power loss, or a disk that hung");
  EXPECT_EQ(why("EPOCH_CHANGED"), "sasd began a new history after revision 17");
}

TEST(RpcErrorTest, AnEmptyMessageNamesTheAddress) {
  EXPECT_THAT(Line(grpc::StatusCode::INTERNAL), HasSubstr(kEndpoint.address));
}

TEST(RpcErrorTest, AMessageIsOneLine) {
  EXPECT_EQ(Line(grpc::StatusCode::NOT_FOUND, "a\nb\r\nc"), "a; b; c");
}

TEST(RpcErrorTest, LeavesOutUnreadableDetails) {
  EXPECT_EQ(DecodeDetails("\xff\xff garbage").reason, "");
  EXPECT_EQ(Line(grpc::StatusCode::NOT_FOUND, "gone", "\xff\xff"), "gone");
}

TEST(RpcErrorTest, ExitCodesSeparateUsageUnreachableAndFailed) {
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
