#ifndef CLI_QUERY_RPC_ERROR_H_
#define CLI_QUERY_RPC_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

namespace sasd::cli {

// Exit codes of every command but `health` and `doctor`.
constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;       // not found, refused, not settled in time
constexpr int kExitUsage = 2;        // what was typed cannot be meant
constexpr int kExitUnreachable = 3;  // sasd does not answer

// kInvalidArgument is usage, kUnavailable unreachable, and so is kDeadlineExceeded unless sasd told
// a reason; all others failed.
int ExitCodeOf(const absl::Status& status);

// Which sasd was asked, and how long.
struct Endpoint {
  std::string address;
  absl::Duration timeout;
};

// The status of a call as one line with the reason and the remedy. ErrorInfo's reason is kept; see
// ReasonOf().
absl::Status FromRpc(const grpc::Status& status, const Endpoint& endpoint);

// "REVISION_COMPACTED" and the like; empty if the server told none.
std::string ReasonOf(const absl::Status& status);

// The errno of connecting to the unix socket at `path`; 0 if it can be done.
int ConnectErrno(const std::string& path);

// Why nothing answers at the address, and what to do: looks at the unix socket itself.
// `rpc_message` is what gRPC says.
std::string DescribeUnreachable(absl::string_view address, absl::string_view rpc_message);

}  // namespace sasd::cli

#endif  // CLI_QUERY_RPC_ERROR_H_
