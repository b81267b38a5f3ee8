#include "daemon/metrics/metrics_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sasd::metrics {
namespace {

class MetricsServerTest : public testing::Test {
 protected:
  void Start(MetricsServer::Options options = {}, std::string text = "sas_revision 7\n") {
    absl::StatusOr<rpc::ListeningSocket> socket = rpc::ListeningSocket::Bind("127.0.0.1:0", {});
    ASSERT_TRUE(socket.ok()) << socket.status();
    const std::string address = socket->address();
    ASSERT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port_));
    std::vector<rpc::ListeningSocket> sockets;
    sockets.push_back(*std::move(socket));
    auto server = MetricsServer::Start(
        std::move(sockets), [text = std::move(text)] { return text; }, options, SystemClock());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  UniqueFd Connect() {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port_));
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  static void Send(const UniqueFd& fd, const std::string& text) {
    EXPECT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // All until the server closes.
  static std::string Receive(const UniqueFd& fd) {
    std::string out;
    char buffer[4096];
    ssize_t count = 0;
    while ((count = recv(fd.get(), buffer, sizeof(buffer), 0)) > 0) {
      out.append(buffer, static_cast<size_t>(count));
    }
    return out;
  }

  std::string Ask(const std::string& request) {
    const UniqueFd fd = Connect();
    Send(fd, request);
    return Receive(fd);
  }

  int port_ = 0;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, AnswersAtMetrics) {
  Start();
  const std::string answer = Ask("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(absl::StrContains(answer, "Content-Type: text/plain; version=0.0.4")) << answer;
  EXPECT_TRUE(absl::StrContains(answer, "Content-Length: 15\r\n")) << answer;
  EXPECT_TRUE(absl::EndsWith(answer, "\r\n\r\nsas_revision 7\n")) << answer;
}

TEST_F(MetricsServerTest, RefusesWhatIsNotAScrape) {
  Start();
  EXPECT_TRUE(absl::StartsWith(Ask("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 "));
  EXPECT_TRUE(absl::StartsWith(Ask("POST /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 "));
  EXPECT_TRUE(absl::StartsWith(Ask("GET /" + std::string(9000, 'x')), "HTTP/1.1 431 "));
  EXPECT_TRUE(absl::EndsWith(Ask("HEAD /metrics HTTP/1.1\r\n\r\n"), "\r\n\r\n"));
}

TEST_F(MetricsServerTest, ARequestMayComeInPieces) {
  Start();
  const UniqueFd fd = Connect();
  for (const char c : std::string("GET /metrics HTTP/1.1\r\n\r\n")) Send(fd, std::string(1, c));
  EXPECT_TRUE(absl::EndsWith(Receive(fd), "sas_revision 7\n"));
}

TEST_F(MetricsServerTest, SilentClientsHoldUpNobody) {
  Start({absl::Milliseconds(300), 4});
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(Connect());
  EXPECT_TRUE(absl::StartsWith(Ask("GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 "));
  // Each is closed: the older ones for their number, the others in time.
  for (const UniqueFd& fd : silent) EXPECT_EQ(Receive(fd), "");
}

TEST_F(MetricsServerTest, AnAnswerLargerThanTheSocketIsWhole) {
  const std::string text(8 << 20, 'x');
  Start({absl::Seconds(60), 16}, text);
  const std::string answer = Ask("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, text.size());
}

TEST_F(MetricsServerTest, EndsWhileAClientWaits) {
  Start({absl::Hours(1), 4});
  const UniqueFd fd = Connect();
  server_.reset();
  EXPECT_EQ(Receive(fd), "");
}

}  // namespace
}  // namespace sasd::metrics
