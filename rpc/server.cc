#include "rpc/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"

namespace sasd::rpc {
namespace {

constexpr absl::string_view kUnixPrefix = "unix:";
constexpr mode_t kSocketMode = 0660;  // the socket's owner and group
constexpr auto kShutdownGrace = std::chrono::seconds(1);
constexpr int kKeepaliveMs = 60'000;

// Whether a process accepts connections at a unix socket.
bool IsServed(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const absl::Cleanup close_fd = [fd] { close(fd); };
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

// Checks that a unix socket can be made: gRPC itself would report only that it could not.
absl::Status CheckUnixSocket(absl::string_view listen) {
  const std::string path(absl::StripPrefix(listen, kUnixPrefix));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot listen on ", listen,
                                                   ": the path of a socket has 1 to ",
                                                   sizeof(address.sun_path) - 1, " characters"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());

  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat info;
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return absl::NotFoundError(absl::StrCat("cannot listen on ", listen, ": there is no folder ",
                                            folder, "; create it, or choose with --listen"));
  }
  if (access(folder.c_str(), W_OK) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", listen, ": ", folder, ": ",
                                               strerror(errno),
                                               "; run as root, or choose with --listen"));
  }
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat("cannot listen on ", listen,
                                                 ": the file is there and is no socket; remove it, "
                                                 "or choose with --listen"));
  }
  if (IsServed(address)) {
    return absl::AlreadyExistsError(absl::StrCat("cannot listen on ", listen,
                                                 ": another process serves there; stop it, or "
                                                 "choose with --listen"));
  }
  return absl::OkStatus();  // left behind: gRPC replaces it
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::string& listen,
                                                      std::vector<ServedService> services) {
  auto server = absl::WrapUnique(new Server(std::move(services)));
  if (absl::Status s = server->Listen(listen); !s.ok()) return s;
  return server;
}

absl::Status Server::Listen(const std::string& listen) {
  const bool is_unix = absl::StartsWith(listen, kUnixPrefix);
  if (is_unix) {
    if (absl::Status s = CheckUnixSocket(listen); !s.ok()) return s;
  } else if (!absl::StrContains(listen, ':')) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on \"", listen, "\": give unix:PATH, or HOST:PORT"));
  }
  // Both act on all servers of the process, and are idempotent.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &port);
  // The server notices a subscriber whose machine has gone.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  for (const ServedService& served : services_) builder.RegisterService(served.service);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", listen,
        ": the address is in use or not this machine's; choose another with --listen"));
  }
  address_ = is_unix ? listen : absl::StrCat(listen.substr(0, listen.rfind(':') + 1), port);
  if (is_unix) chmod(address_.c_str() + kUnixPrefix.size(), kSocketMode);

  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  for (const ServedService& served : services_) health->SetServingStatus(served.name, true);
  return absl::OkStatus();
}

Server::~Server() {
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->SetServingStatus(false);
  for (const ServedService& served : services_) {
    if (served.shut_down) served.shut_down();
  }
  server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  server_->Wait();
}

}  // namespace sasd::rpc
