#include "daemon/metrics/metrics_server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sasd::metrics {
namespace {

constexpr size_t kMaxRequest = 8 << 10;
constexpr char kText[] = "text/plain; version=0.0.4; charset=utf-8";

std::string Response(absl::string_view status, absl::string_view more, absl::string_view type,
                     absl::string_view body, bool head) {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nContent-Type: ", type,
                      "\r\nContent-Length: ", body.size(), "\r\nConnection: close\r\n", more,
                      "\r\n", head ? absl::string_view() : body);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    std::vector<rpc::ListeningSocket> sockets, std::function<std::string()> text,
    const Options& options, Clock& clock) {
  UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) {
    return absl::UnavailableError(absl::StrCat("no eventfd for metrics: ", strerror(errno)));
  }
  auto server = absl::WrapUnique(
      new MetricsServer(std::move(sockets), std::move(text), options, clock, std::move(stop)));
  server->thread_ = std::thread([raw = server.get()] { raw->Run(); });
  return server;
}

MetricsServer::~MetricsServer() {
  const uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

void MetricsServer::Run() {
  while (true) {
    std::vector<pollfd> polled = {{stop_.get(), POLLIN, 0}};
    for (const rpc::ListeningSocket& socket : sockets_) polled.push_back({socket.fd(), POLLIN, 0});
    const size_t first = polled.size();
    absl::Duration wait = absl::InfiniteDuration();
    const absl::Duration before = clock_.Monotonic();
    for (const Connection& connection : connections_) {
      const short events = connection.answer.empty() ? POLLIN : POLLOUT;  // NOLINT: poll's type
      polled.push_back({connection.fd.get(), events, 0});
      wait = std::min(wait, connection.deadline - before);
    }
    const int64_t milliseconds =
        wait == absl::InfiniteDuration()
            ? -1
            : std::max<int64_t>(0,
                                absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
    if (poll(polled.data(), polled.size(), static_cast<int>(milliseconds)) < 0 && errno != EINTR) {
      return;  // out of memory: nothing can be served
    }
    if (polled[0].revents != 0) return;
    const absl::Duration now = clock_.Monotonic();
    std::vector<Connection> left;
    for (size_t i = 0; i < connections_.size(); ++i) {
      Connection& connection = connections_[i];
      if (connection.deadline <= now) continue;
      if (polled[first + i].revents != 0 && !Step(connection)) continue;
      left.push_back(std::move(connection));
    }
    connections_ = std::move(left);
    for (size_t i = 1; i < first; ++i) {
      if (polled[i].revents != 0) Accept(polled[i].fd);
    }
  }
}

void MetricsServer::Accept(int fd) {
  UniqueFd accepted(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!accepted.valid()) return;
  if (connections_.size() >= options_.connections) connections_.erase(connections_.begin());
  Connection& connection = connections_.emplace_back();
  connection.fd = std::move(accepted);
  connection.deadline = clock_.Monotonic() + options_.patience;
}

bool MetricsServer::Step(Connection& connection) {
  if (connection.answer.empty()) {
    char buffer[4096];
    const ssize_t count = recv(connection.fd.get(), buffer, sizeof(buffer), 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    connection.request.append(buffer, static_cast<size_t>(count));
    const bool complete = absl::StrContains(connection.request, "\r\n\r\n");
    if (!complete && connection.request.size() < kMaxRequest) return true;
    connection.answer = complete ? Answer(connection.request)
                                 : Response("431 Request Header Fields Too Large", "", kText,
                                            "the request is too long\n", false);
  }
  while (connection.sent < connection.answer.size()) {
    const ssize_t count =
        send(connection.fd.get(), connection.answer.data() + connection.sent,
             connection.answer.size() - connection.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    connection.sent += static_cast<size_t>(count);
  }
  return false;
}

std::string MetricsServer::Answer(absl::string_view request) const {
  const absl::string_view line = request.substr(0, request.find("\r\n"));
  const bool head = absl::StartsWith(line, "HEAD ");
  if (!head && !absl::StartsWith(line, "GET ")) {
    return Response("405 Method Not Allowed", "Allow: GET, HEAD\r\n", kText, "only GET\n", false);
  }
  absl::string_view path = line.substr(line.find(' ') + 1);
  path = path.substr(0, path.find_first_of(" ?"));
  if (path != "/metrics") {
    return Response("404 Not Found", "", kText, "metrics are at /metrics\n", head);
  }
  return Response("200 OK", "", kText, text_(), head);
}

}  // namespace sasd::metrics
