#ifndef RPC_SERVER_H_
#define RPC_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "rpc/acceptor.h"
#include "rpc/access.h"
#include "rpc/call_audit.h"
#include "rpc/call_times.h"
#include "rpc/edge.h"
#include "rpc/listening_socket.h"

namespace sasd::rpc {

// A service as a Server serves it.
struct ServedService {
  grpc::Service* service = nullptr;  // borrowed; outlives the server
  std::string name;                  // of the health service: "sas.v1.TopologyService"
  // Ends the calls that wait or stream, and every later one. Called once, before the server shuts
  // down. Empty: every call of the service ends by itself.
  std::function<void()> shut_down;
  std::vector<MethodRole> roles;  // of all its methods
  // Those of its methods that change something, for the audit: "sas.v1.BaselineService/Dismiss".
  std::vector<std::string> changes;
  // How gRPC hands the requests of `changes` over.
  RequestForm form = RequestForm::kMessage;
};

// The files of mutual TLS, in PEM. Read again when they change.
struct TlsFiles {
  std::string certificate;  // with the intermediate ones
  std::string key;
  std::string client_ca;  // who signs the certificates of clients
};

struct ServerOptions {
  std::vector<std::string> listen;      // "unix:PATH" or "HOST:PORT", plain
  std::vector<std::string> listen_tls;  // "HOST:PORT"
  TlsFiles tls;                         // for listen_tls
  bool allow_anonymous = false;         // plain TCP beyond loopback
  // Descriptors of sockets that the service manager bound (sd_listen_fds(3)). Open() takes them.
  struct Adopted {
    int fd = -1;
    bool tls = false;
  };
  std::vector<Adopted> adopted;
  // The method that Ping() calls, of one of the services, with an empty request:
  // "/sas.v1.NodeService/GetNode". Empty: none.
  std::string ping_method;
  // Takes each call of a method that changes something, see AuditInterceptor(). May be empty.
  CallAudit audit;
  // Takes how long each unary call took, see TimeInterceptor(). May be empty.
  CallTimer timer;
};

// A gRPC server: the services given, the standard health service ("" and each service by name), and
// reflection. It accepts connections itself (Acceptor), so that it knows the peers. Knows no
// service. Thread-safe.
class Server {
 public:
  // Binds the addresses. Connections wait for Serve(). Borrows `edge` and `clock`. Errors name the
  // address and the remedy: those of ListeningSocket::Bind(), and kInvalidArgument or kNotFound for
  // the files of TLS.
  static absl::StatusOr<std::unique_ptr<Server>> Open(ServerOptions options, Edge& edge,
                                                      std::vector<ServedService> services,
                                                      Clock& clock);

  // Accepts connections from here on. Call it once, when everything that a call may ask is in
  // place: a client may already wait, and its first call comes before this returns.
  void Serve();

  // Ends every call; those that wait or stream with UNAVAILABLE.
  ~Server();

  struct Address {
    std::string text;  // with the port that was bound
    Peer::Kind kind = Peer::Kind::kUnknown;
    bool anonymous = false;  // plain TCP beyond loopback
  };
  // Constant: at least one.
  const std::vector<Address>& served() const { return served_; }
  const std::string& address() const { return served_.front().text; }

  // Whether the server accepts connections and answers: calls itself over a connection that counts
  // against no limit. Waits up to `timeout`.
  absl::Status Ping(absl::Duration timeout);

 private:
  class TlsAcceptor;

  Server(Edge& edge, std::vector<ServedService> services, Clock& clock)
      : edge_(edge), clock_(clock), services_(std::move(services)) {}

  absl::Status Listen(ServerOptions options);
  absl::Status BindAll(const ServerOptions& options, std::vector<ListeningSocket>& sockets);
  void Build(const ServerOptions& options, grpc::ServerBuilder& builder);

  Edge& edge_;
  Clock& clock_;
  const std::vector<ServedService> services_;
  std::string ping_method_;
  std::vector<Address> served_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> tls_;  // null without TLS
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Acceptor> acceptor_;  // hands connections to server_
  std::shared_ptr<grpc::Channel> self_;
};

}  // namespace sasd::rpc

#endif  // RPC_SERVER_H_
