#ifndef CLI_QUERY_RPC_ERROR_H_
#define CLI_QUERY_RPC_ERROR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

namespace sasd::cli {

// Exit codes of all commands except `health` and `doctor`.
constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;       // not found, refused, not settled in time
constexpr int kExitUsage = 2;        // invalid command line
constexpr int kExitUnreachable = 3;  // sasd does not answer

// Maps kInvalidArgument to usage and kUnavailable to unreachable. kDeadlineExceeded is unreachable
// too, unless sasd sent a reason. All other errors are kExitFailed.
int ExitCodeOf(const absl::Status& status);

// Where sasd serves, and the limit for one call.
struct Endpoint {
  std::string address;
  absl::Duration timeout;
};

// Converts the status of a call to one line with reason and remedy. ReasonOf() gives the reason of
// its ErrorInfo.
absl::Status FromRpc(const grpc::Status& status, const Endpoint& endpoint);

// The reason of an ErrorInfo, such as "REVISION_COMPACTED"; empty if the server sent none.
std::string ReasonOf(const absl::Status& status);

// Why sasd cannot resume a watch after `revision`, by the reason of its OUT_OF_RANGE, in words.
std::string WhyNotResumed(const absl::Status& status, int64_t revision);

// Connects to the unix socket at `path`, and closes the connection. Returns errno, or 0.
int ConnectErrno(const std::string& path);

// Explains why nothing answers at the address, and what to do. Examines a unix socket itself;
// `rpc_message` is the message of gRPC.
std::string DescribeUnreachable(absl::string_view address, absl::string_view rpc_message);

}  // namespace sasd::cli

#endif  // CLI_QUERY_RPC_ERROR_H_
