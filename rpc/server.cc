#include "rpc/server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "google/protobuf/message.h"
#include "grpc/grpc.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/server_posix.h"
#include "rpc/abandoned_calls.h"
#include "rpc/undecodable.h"

namespace sasd::rpc {
namespace {

constexpr auto kShutdownGrace = std::chrono::seconds(1);
constexpr int kKeepaliveMs = 60'000, kKeepaliveTimeoutMs = 20'000;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr int kTlsReloadSeconds = 5;

int Milliseconds(const LimitBook& limits, Limit seconds) {
  constexpr int64_t kMost = 2'000'000;  // in int milliseconds
  return static_cast<int>(std::min(limits.value(seconds), kMost) * 1000);
}

// Keeps gRPC's library until the process ends. The last object of gRPC would take it down, and that
// can wait 10 s for its poller of writes (run_poller() in gRPC 1.51's tcp_posix.cc).
void KeepLibrary() {
  static const bool kept = [] {
    grpc_init();
    return true;
  }();
  (void)kept;
}

absl::Status CheckFile(const std::string& path, absl::string_view what) {
  if (path.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("TLS needs ", what, "; see docs/security.md"));
  }
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (!fd.valid() || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::NotFoundError(absl::StrCat(
        path, ": ", fd.valid() ? "not a regular file" : strerror(errno), "; it is to be ", what));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const TlsFiles& files) {
  if (absl::Status s = CheckFile(files.certificate, "the server's certificate"); !s.ok()) return s;
  if (absl::Status s = CheckFile(files.key, "the server's key"); !s.ok()) return s;
  if (absl::Status s = CheckFile(files.client_ca, "the CA of the clients"); !s.ok()) return s;
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.key, files.certificate, files.client_ca, kTlsReloadSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Open(ServerOptions options, Edge& edge,
                                                     std::vector<ServedService> services,
                                                     Clock& clock) {
  KeepLibrary();
  auto server = absl::WrapUnique(new Server(edge, std::move(services), clock));
  if (absl::Status s = server->Listen(std::move(options)); !s.ok()) return s;
  return server;
}

absl::Status Server::BindAll(const ServerOptions& options, std::vector<ListeningSocket>& sockets) {
  ListeningSocket::Options how;
  how.allow_anonymous = options.allow_anonymous;
  for (const ServerOptions::Adopted& adopted : options.adopted) {
    how.tls = adopted.tls;
    absl::StatusOr<ListeningSocket> socket = ListeningSocket::Adopt(UniqueFd(adopted.fd), how);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  how.tls = false;
  for (const std::string& address : options.listen) {
    absl::StatusOr<ListeningSocket> socket = ListeningSocket::Bind(address, how);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  how.tls = true;
  for (const std::string& address : options.listen_tls) {
    absl::StatusOr<ListeningSocket> socket = ListeningSocket::Bind(address, how);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  if (sockets.empty()) return absl::InvalidArgumentError("no address to listen on; give --listen");
  return absl::OkStatus();
}

void Server::Build(const ServerOptions& options, grpc::ServerBuilder& builder) {
  const LimitBook& limits = edge_.limits;
  // The server notices a subscriber whose machine has gone.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(limits.value(Limit::kStreamsPerConnection)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             Milliseconds(limits, Limit::kIdleSeconds));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(limits, Limit::kHandshakeSeconds));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.value(Limit::kRequestBytes)));
  grpc::ResourceQuota quota("sasd");
  quota.Resize(static_cast<size_t>(limits.value(Limit::kMemoryBytes)));
  builder.SetResourceQuota(quota);
  absl::flat_hash_set<std::string> methods;
  absl::flat_hash_map<std::string, RequestForm> changes;
  for (const ServedService& served : services_) {
    builder.RegisterService(served.service);
    edge_.access.Add(served.roles);
    for (const MethodRole& each : served.roles) methods.insert(each.first);
    for (const std::string& method : served.changes) changes.emplace(method, served.form);
  }
  auto interceptors = UndecodableInterceptors(methods);
  interceptors.push_back(AbandonInterceptor(edge_.access, clock_, methods));
  if (options.timer) {
    interceptors.push_back(TimeInterceptor(clock_, std::move(methods), options.timer));
  }
  if (options.audit) {
    interceptors.push_back(AuditInterceptor(edge_.access, std::move(changes), options.audit));
  }
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  ping_method_ = options.ping_method;
}

absl::Status Server::Listen(ServerOptions options) {
  std::vector<ListeningSocket> sockets;
  if (absl::Status s = BindAll(options, sockets); !s.ok()) return s;
  // Both act on all servers of the process, and are idempotent.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // The reflection service finds descriptors that are linked, and gRPC has none of its own
  // services.
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();

  grpc::ServerBuilder builder;
  Build(options, builder);
  bool tls = false;
  for (const ListeningSocket& socket : sockets) tls = tls || socket.kind() == Peer::Kind::kTls;
  if (tls) {
    absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> credentials = Credentials(options.tls);
    if (!credentials.ok()) return credentials.status();
    tls_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        *std::move(credentials));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::UnavailableError("gRPC cannot start a server");

  acceptor_ = std::make_unique<Acceptor>(
      clock_, edge_.limits, edge_.connections, Acceptor::Options(),
      [this](Peer::Kind kind, int listener, int fd) {
        if (kind != Peer::Kind::kTls) return grpc::AddInsecureChannelFromFd(server_.get(), fd);
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
        parameters.listener_fd = listener;
        parameters.fd = fd;
        tls_->HandleNewConnection(&parameters);
      });
  if (absl::Status s = acceptor_->Open(); !s.ok()) return s;
  for (ListeningSocket& socket : sockets) {
    served_.push_back({socket.address(), socket.kind(), socket.anonymous()});
    if (absl::Status s = acceptor_->Listen(std::move(socket)); !s.ok()) return s;
  }
  if (!ping_method_.empty()) {
    absl::StatusOr<UniqueFd> self = acceptor_->ConnectSelf();
    if (!self.ok()) return self.status();
    self_ = grpc::CreateInsecureChannelFromFd("self", self->Release());
  }
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  for (const ServedService& served : services_) health->SetServingStatus(served.name, true);
  return absl::OkStatus();
}

void Server::Serve() { acceptor_->Start(); }

absl::Status Server::Ping(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  grpc::GenericStub stub(self_);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  const grpc::ByteBuffer request = [] {
    const grpc::Slice empty;
    return grpc::ByteBuffer(&empty, 1);
  }();
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  stub.UnaryCall(&context, ping_method_, {}, &request, &response, [&](grpc::Status s) {
    status = std::move(s);
    done.Notify();
  });
  done.WaitForNotification();
  if (!status.ok()) {
    return absl::UnavailableError(
        absl::StrCat("sasd does not answer its own call: ", status.error_message()));
  }
  if (!acceptor_->AwaitRound(deadline)) {
    return absl::UnavailableError("sasd accepts no connections");
  }
  return absl::OkStatus();
}

Server::~Server() {
  if (server_ == nullptr) return;
  if (acceptor_ != nullptr) acceptor_->Stop();
  server_->GetHealthCheckService()->SetServingStatus(false);
  for (const ServedService& served : services_) {
    if (served.shut_down) served.shut_down();
  }
  self_.reset();
  server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  server_->Wait();
}

}  // namespace sasd::rpc
