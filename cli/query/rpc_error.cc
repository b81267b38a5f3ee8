#include "cli/query/rpc_error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "cli/query/rpc_details.h"

namespace sasd::cli {
namespace {

constexpr char kReasonPayload[] = "sasd.dev/reason";

std::string UnixRemedy(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "no such socket; is sasd running? start it (systemctl start sasd, or sasd --fabric "
             "demo --listen ADDRESS), or give its address with --addr or SASD_ADDR";
    case ECONNREFUSED:
      return "nothing listens on this socket: sasd has stopped; start it again";
    case EACCES:
    case EPERM:
      return "permission denied; run as root, or join the socket's group (usermod -aG sasd $USER)";
    case 0:
      return "sasd closed the connection without an answer; did it stop? see its log";
    default:
      return strerror(error);
  }
}

// gRPC's message without its preamble.
absl::string_view LastError(absl::string_view message) {
  const size_t at = message.find("last error: ");
  if (at != absl::string_view::npos) message.remove_prefix(at + strlen("last error: "));
  absl::ConsumePrefix(&message, "UNKNOWN: ");
  absl::ConsumePrefix(&message, "UNAVAILABLE: ");
  return message;
}

std::string OutOfRange(const std::string& message, const RpcDetails& details) {
  const std::string text = message.empty() ? "that revision is no longer in the log" : message;
  if (details.reason == "EPOCH_CHANGED") {
    return absl::StrCat(text, "; watch without --from");
  }
  const auto oldest = details.metadata.find("oldest");
  if (oldest == details.metadata.end()) return absl::StrCat(text, "; watch without --from");
  const std::string limit = absl::StrContains(text, oldest->second)
                                ? ""
                                : absl::StrCat(" (oldest: ", oldest->second, ")");
  return absl::StrCat(text, limit,
                      "; watch without --from, or list what the log has with `sasctl events`");
}

std::string MessageOf(const grpc::Status& status, const RpcDetails& details,
                      const Endpoint& endpoint) {
  std::string message = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return DescribeUnreachable(endpoint.address, message);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      // With a reason, sasd itself has answered: the awaited state did not come.
      if (!details.reason.empty()) return absl::StrCat(message, "; wait longer with --timeout");
      return absl::StrCat("sasd at ", endpoint.address, " did not answer within ",
                          absl::FormatDuration(endpoint.timeout), "; wait longer with --timeout");
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::StrCat("sasd at ", endpoint.address, " does not offer this call",
                          message.empty() ? "" : absl::StrCat(" (", message, ")"),
                          "; is it older than this sasctl? see sasctl --version");
    case grpc::StatusCode::OUT_OF_RANGE:
      return OutOfRange(message, details);
    case grpc::StatusCode::INVALID_ARGUMENT:
      if (!details.violations.empty() && !absl::StrContains(message, details.violations)) {
        absl::StrAppend(&message, message.empty() ? "" : ": ", details.violations);
      }
      break;
    default:
      break;
  }
  if (message.empty()) {
    message = absl::StrCat("sasd at ", endpoint.address, " failed with code ", status.error_code());
  }
  return message;
}

}  // namespace

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kUnavailable:
      return kExitUnreachable;
    case absl::StatusCode::kDeadlineExceeded:
      return ReasonOf(status).empty() ? kExitUnreachable : kExitFailed;
    default:
      return kExitFailed;
  }
}

int ConnectErrno(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  // NOLINTNEXTLINE: the sockets API wants this cast.
  const int result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  const int error = result == 0 ? 0 : errno;
  close(fd);
  return error;
}

std::string DescribeUnreachable(absl::string_view address, absl::string_view rpc_message) {
  absl::string_view path = address;
  if (absl::ConsumePrefix(&path, "unix:")) {
    absl::ConsumePrefix(&path, "//");
    return absl::StrCat("cannot reach sasd at ", address, ": ",
                        UnixRemedy(ConnectErrno(std::string(path))));
  }
  return absl::StrCat("cannot reach sasd at ", address, ": ", LastError(rpc_message),
                      "; is sasd listening there? give another address with --addr or SASD_ADDR");
}

absl::Status FromRpc(const grpc::Status& status, const Endpoint& endpoint) {
  if (status.ok()) return absl::OkStatus();
  const RpcDetails details = DecodeDetails(status.error_details());
  const std::string line =
      absl::StrReplaceAll(MessageOf(status, details, endpoint), {{"\n", "; "}, {"\r", ""}});
  // gRPC and Abseil number their codes alike.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), line);
  if (!details.reason.empty()) result.SetPayload(kReasonPayload, absl::Cord(details.reason));
  return result;
}

std::string ReasonOf(const absl::Status& status) {
  const auto reason = status.GetPayload(kReasonPayload);
  return reason.has_value() ? std::string(*reason) : "";
}

std::string WhyNotResumed(const absl::Status& status, int64_t revision) {
  const std::string reason = ReasonOf(status);
  if (reason == "EPOCH_CHANGED")
    return absl::StrCat("sasd began a new history after revision ", revision);
  if (reason == "REVISION_LOST")
    return absl::StrCat("revision ", revision, " was lost: a power loss, or a disk that hung");
  return absl::StrCat("the history moved past revision ", revision);
}

}  // namespace sasd::cli
