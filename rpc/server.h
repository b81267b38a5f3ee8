#ifndef RPC_SERVER_H_
#define RPC_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"

namespace sasd::rpc {

// A service as a Server serves it.
struct ServedService {
  grpc::Service* service = nullptr;  // borrowed; outlives the server
  std::string name;                  // of the health service: "sas.v1.TopologyService"
  // Ends the calls that wait or stream, and every later one. Called once, before the server shuts
  // down. Empty: every call of the service ends by itself.
  std::function<void()> shut_down;
};

// A gRPC server: the services given, the standard health service ("" and each service by name), and
// reflection. Knows no service. Thread-safe.
class Server {
 public:
  // Serves at `listen` from the return on: "unix:PATH" (mode 0660), or "HOST:PORT" (without
  // encryption: for a trusted network only; port 0 takes a free one). Errors name the address and
  // the remedy: kInvalidArgument for an address of another form, kNotFound for a socket in a folder
  // that does not exist, kAlreadyExists for one that another process serves, kUnavailable where it
  // cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& listen,
                                                       std::vector<ServedService> services);

  // Ends every call; those that wait or stream with UNAVAILABLE.
  ~Server();

  // The address, with the port that was bound.
  const std::string& address() const { return address_; }

 private:
  explicit Server(std::vector<ServedService> services) : services_(std::move(services)) {}

  absl::Status Listen(const std::string& listen);

  const std::vector<ServedService> services_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace sasd::rpc

#endif  // RPC_SERVER_H_
