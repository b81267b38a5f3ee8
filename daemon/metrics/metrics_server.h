#ifndef DAEMON_METRICS_METRICS_SERVER_H_
#define DAEMON_METRICS_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/base/unique_fd.h"
#include "rpc/listening_socket.h"

namespace sasd::metrics {

// Serves one text at GET /metrics, over HTTP/1.1, on a thread of its own. Each answer closes its
// connection. A client can hold a connection for `patience` and no longer; of more than
// `connections` at once, the oldest one is closed. Thread-safe.
//
// Not prometheus-cpp's Exposer: it binds its address itself, so it cannot take a socket of systemd,
// and sasd would need a network. Its server also starts threads that clients can hold.
class MetricsServer {
 public:
  struct Options {
    absl::Duration patience = absl::Seconds(2);
    size_t connections = 16;
  };

  // Serves on the sockets until the destructor. `text` makes the answer; it is called by the
  // server's thread alone. Borrows `clock` for its lifetime. Error: kUnavailable where the system
  // refuses a descriptor.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      std::vector<rpc::ListeningSocket> sockets, std::function<std::string()> text,
      const Options& options, Clock& clock);
  // Ends the thread; an answer that is being made is waited for.
  ~MetricsServer();

 private:
  struct Connection {
    UniqueFd fd;
    std::string request, answer;
    size_t sent = 0;
    absl::Duration deadline;  // Clock::Monotonic
  };

  MetricsServer(std::vector<rpc::ListeningSocket> sockets, std::function<std::string()> text,
                const Options& options, Clock& clock, UniqueFd stop)
      : sockets_(std::move(sockets)),
        text_(std::move(text)),
        options_(options),
        clock_(clock),
        stop_(std::move(stop)) {}

  void Run();
  void Accept(int fd);
  // Reads or writes what can be. False: the connection has ended.
  bool Step(Connection& connection);
  std::string Answer(absl::string_view request) const;

  // Constant.
  const std::vector<rpc::ListeningSocket> sockets_;
  const std::function<std::string()> text_;
  const Options options_;
  Clock& clock_;
  const UniqueFd stop_;  // an eventfd

  std::vector<Connection> connections_;  // of the thread, the oldest first
  std::thread thread_;
};

}  // namespace sasd::metrics

#endif  // DAEMON_METRICS_METRICS_SERVER_H_
