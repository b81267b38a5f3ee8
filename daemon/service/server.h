#ifndef DAEMON_SERVICE_SERVER_H_
#define DAEMON_SERVICE_SERVER_H_

#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "daemon/service/emulator_service.h"
#include "daemon/service/node_info.h"
#include "daemon/service/topology_service.h"
#include "daemon/service/watch_service.h"
#include "daemon/watch/watch_log.h"
#include "driver/base/clock.h"
#include "driver/emulator/virtual_fabric.h"
#include "grpcpp/grpcpp.h"

namespace sasd::service {

// The gRPC server: the services over a watch log, the standard health service ("" and each service
// by name), and reflection. Thread-safe.
class Server {
 public:
  struct Options {
    // "unix:/run/sasd/sasd.sock", or HOST:PORT (without encryption: for a trusted network only).
    std::string listen;
    absl::Duration bookmark_interval = absl::Seconds(10);
    absl::Duration attach_grace = absl::Seconds(30);  // registry::HealthOptions
    Clock* clock = &SystemClock();                    // borrowed
  };

  // Serves from the return on. Borrows the log; `fabric` is null without a virtual HBA, and then
  // there is no EmulatorService. Errors name the address and the remedy: kInvalidArgument for one
  // that is none, kNotFound for a socket in a folder that is not there, kAlreadyExists for one that
  // somebody serves, kUnavailable where it cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options, watch::WatchLog& log,
                                                       const NodeInfo& node,
                                                       emulator::VirtualFabric* fabric);

  // Ends every call; those that wait or stream with UNAVAILABLE.
  ~Server();

  // The address, with the port that was bound.
  const std::string& address() const { return address_; }

 private:
  Server(const Options& options, watch::WatchLog& log, const NodeInfo& node,
         emulator::VirtualFabric* fabric);

  absl::Status Listen(const Options& options);
  void SendBookmarks(absl::Duration interval);

  TopologyService topology_;
  WatchService watch_;
  std::unique_ptr<EmulatorService> emulator_;  // null without a virtual HBA
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  absl::Notification stop_;
  std::thread bookmarks_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SERVER_H_
