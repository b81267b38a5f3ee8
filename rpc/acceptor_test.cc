#include "rpc/acceptor.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Stands for gRPC: holds what is handed over.
class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest() {
    char name[] = "/tmp/sasd-accept.XXXXXX";
    folder_ = mkdtemp(name);
    path_ = absl::StrCat(folder_, "/s.sock");
    Acceptor::Options options;
    options.numbers = {600, 1000};
    options.number_rest = absl::Seconds(5);
    acceptor_ = std::make_unique<Acceptor>(
        clock_, limits_, table_, options, [this](Peer::Kind kind, int, int fd) {
          // The entry is there before gRPC has the descriptor.
          EXPECT_EQ(table_.Find(absl::StrCat("fd:", fd)).kind, kind);
          given_.emplace_back(fd);
        });
    EXPECT_TRUE(acceptor_->Open().ok());
    absl::StatusOr<ListeningSocket> socket =
        ListeningSocket::Bind(absl::StrCat("unix:", path_), ListeningSocket::Options());
    EXPECT_TRUE(socket.ok()) << socket.status();
    EXPECT_TRUE(acceptor_->Listen(*std::move(socket)).ok());
  }
  ~AcceptorTest() override { (void)!system(absl::StrCat("rm -r ", folder_).c_str()); }

  UniqueFd Connect() {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un un = {};
    un.sun_family = AF_UNIX;
    std::strcpy(un.sun_path, path_.c_str());
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&un), sizeof(un)), 0);
    return fd;
  }
  static void Send(const UniqueFd& fd, absl::string_view text) {
    ASSERT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What the peer reads without waiting; "end" at the end of the connection.
  static std::string Read(const UniqueFd& fd) {
    std::string out;
    char buffer[1024];
    while (true) {
      const ssize_t got = recv(fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got == 0) return absl::StrCat(out, "end");
      if (got < 0) return errno == EAGAIN ? out : absl::StrCat(out, "end");
      out.append(buffer, static_cast<size_t>(got));
    }
  }
  void Run() {
    for (int i = 0; i < 4; ++i) acceptor_->Step(absl::ZeroDuration());
  }
  UniqueFd Served() {
    UniqueFd fd = Connect();
    Send(fd, kPreface);
    Run();
    return fd;
  }
  std::string NameOf(size_t i) const { return absl::StrCat("fd:", given_[i].get()); }

  FakeClock clock_;
  LimitBook limits_;
  ConnectionTable table_{clock_};
  std::vector<UniqueFd> given_;
  std::string folder_, path_;
  std::unique_ptr<Acceptor> acceptor_;
};

TEST_F(AcceptorTest, PeerIsKnownByItsCredentials) {
  const UniqueFd peer = Served();
  ASSERT_THAT(given_, SizeIs(1));
  const Peer found = table_.Find(NameOf(0));
  EXPECT_EQ(found.kind, Peer::Kind::kUnix);
  EXPECT_EQ(found.uid, geteuid());
  EXPECT_EQ(found.gid, getegid());
  EXPECT_EQ(found.pid, getpid());
  // gRPC reads from the first byte on.
  char bytes[24];
  EXPECT_EQ(recv(given_[0].get(), bytes, sizeof(bytes), 0), 24);
  EXPECT_EQ(absl::string_view(bytes, 24), kPreface);
}

TEST_F(AcceptorTest, EndServesWhoWasAcceptedAndNobodyElse) {
  const UniqueFd accepted = Connect(), silent = Connect();
  Run();
  Send(accepted, kPreface);
  const UniqueFd late = Connect();
  Send(late, kPreface);
  acceptor_->Stop();
  EXPECT_THAT(given_, SizeIs(1));
  EXPECT_EQ(acceptor_->connections(), 2) << "the late one waits for the next process";
  acceptor_->Stop();
}

TEST_F(AcceptorTest, SilentConnectionIsNotHandedOver) {
  const UniqueFd peer = Connect();
  Send(peer, "PRI * HT");
  Run();
  EXPECT_THAT(given_, IsEmpty());
  clock_.Advance(absl::Seconds(9));
  Run();
  EXPECT_EQ(Read(peer), "");
  clock_.Advance(absl::Seconds(2));
  Run();
  EXPECT_THAT(Read(peer), HasSubstr("handshake_seconds is 10"));
  EXPECT_EQ(limits_.refused(Limit::kHandshakeSeconds), 1);
  EXPECT_EQ(acceptor_->connections(), 0);
}

TEST_F(AcceptorTest, PrefaceInPiecesIsHandedOver) {
  const UniqueFd peer = Connect();
  for (char c : kPreface) {
    EXPECT_THAT(given_, IsEmpty());
    Send(peer, absl::string_view(&c, 1));
    Run();
  }
  EXPECT_THAT(given_, SizeIs(1));
}

TEST_F(AcceptorTest, GarbageEndsTheConnection) {
  const UniqueFd peer = Connect();
  Send(peer, "GET / HTTP/1.1\r\n\r\n");
  Run();
  EXPECT_THAT(given_, IsEmpty());
  EXPECT_EQ(Read(peer), "end");
  EXPECT_EQ(acceptor_->connections(), 0);
}

TEST_F(AcceptorTest, ConnectionBeyondALimitLearnsWhich) {
  limits_.Set(Limit::kConnectionsPerPeer, 2);
  const UniqueFd first = Served(), second = Served(), third = Served();
  EXPECT_THAT(given_, SizeIs(2));
  EXPECT_THAT(Read(third), HasSubstr("the limit connections_per_peer is 2"));
  EXPECT_EQ(limits_.refused(Limit::kConnectionsPerPeer), 1);
  // One that ends makes room.
  given_[0].Close();
  shutdown(first.get(), SHUT_RDWR);
  Run();
  clock_.Advance(absl::Seconds(1));
  Run();
  const UniqueFd fourth = Served();
  EXPECT_THAT(given_, SizeIs(3));
}

TEST_F(AcceptorTest, ClientThatWasCutOffForCancellingIsRefusedForAWhile) {
  const UniqueFd peer = Served();
  ASSERT_FALSE(table_.NoteAbandoned(NameOf(0), 1));
  ASSERT_TRUE(table_.NoteAbandoned(NameOf(0), 1));
  const UniqueFd again = Served();
  EXPECT_THAT(given_, SizeIs(1));
  EXPECT_THAT(Read(again), HasSubstr("the limit abandoned_calls is"));
  EXPECT_EQ(limits_.refused(Limit::kAbandonedCalls), 1);
  clock_.Advance(ConnectionTable::kBarred);
  const UniqueFd later = Served();
  EXPECT_THAT(given_, SizeIs(2));
}

TEST_F(AcceptorTest, EntryStaysUntilGrpcHasClosed) {
  UniqueFd peer = Served();
  const std::string name = NameOf(0);
  peer.Close();
  Run();
  clock_.Advance(absl::Seconds(1));
  Run();
  EXPECT_EQ(table_.Find(name).kind, Peer::Kind::kUnix) << "a call may still run";
  EXPECT_EQ(acceptor_->connections(), 1);
  given_[0].Close();
  clock_.Advance(absl::Seconds(2));
  Run();
  EXPECT_EQ(table_.Find(name).kind, Peer::Kind::kUnknown);
  EXPECT_EQ(acceptor_->connections(), 0);
}

TEST_F(AcceptorTest, EndIsNoticedWhenGrpcShutsDown) {
  const UniqueFd peer = Served();
  // As gRPC ends a connection (ev_epoll1_linux.cc: fd_shutdown, then close).
  shutdown(given_[0].get(), SHUT_RDWR);
  given_[0].Close();
  Run();
  clock_.Advance(absl::Milliseconds(10));
  Run();
  EXPECT_EQ(acceptor_->connections(), 0);
  EXPECT_EQ(Read(peer), "end");
}

TEST_F(AcceptorTest, EndWithoutShutdownIsNoticedBySweep) {
  const UniqueFd peer = Served();
  given_[0].Close();
  clock_.Advance(absl::Seconds(6));
  Run();
  EXPECT_EQ(acceptor_->connections(), 0);
  EXPECT_EQ(Read(peer), "end");
}

// The kernel gives the lowest free number: without the rest, the second peer would have the first
// one's at once, and a late call of the first would speak for the second.
TEST_F(AcceptorTest, ReusedNumberNeverLendsAnIdentity) {
  for (int i = 0; i < 50; ++i) {
    UniqueFd peer = Served();
    const std::string name = NameOf(given_.size() - 1);
    const uint64_t connection = table_.Find(name).connection;
    peer.Close();
    given_.back().Close();
    Run();
    clock_.Advance(absl::Milliseconds(50));  // 50 connections within the rest
    Run();
    EXPECT_EQ(table_.Find(name).kind, Peer::Kind::kUnknown);
    const UniqueFd next = Served();
    EXPECT_EQ(table_.Find(name).kind, Peer::Kind::kUnknown) << "a late call of " << connection;
    given_.back().Close();
    shutdown(next.get(), SHUT_RDWR);
    Run();
    clock_.Advance(absl::Milliseconds(10));
    Run();
  }
}

TEST_F(AcceptorTest, OwnConnectionCountsAgainstNoLimit) {
  limits_.Set(Limit::kConnectionsPerPeer, 1);
  const absl::StatusOr<UniqueFd> self = acceptor_->ConnectSelf();
  ASSERT_TRUE(self.ok());
  EXPECT_EQ(table_.Find(NameOf(0)).kind, Peer::Kind::kSelf);
  EXPECT_EQ(acceptor_->connections(), 0);
  const UniqueFd peer = Served();
  EXPECT_THAT(given_, SizeIs(2));
}

TEST_F(AcceptorTest, WithoutDescriptorsConnectionsAreRefusedAndLaterServed) {
  const UniqueFd early = Served();
  std::vector<UniqueFd> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(Connect());
  // All numbers below the acceptor's are taken.
  rlimit before = {}, none = {};
  getrlimit(RLIMIT_NOFILE, &before);
  std::vector<UniqueFd> hogs;
  none = before;
  none.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  while (true) {
    UniqueFd hog(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!hog.valid()) break;
    hogs.push_back(std::move(hog));
  }
  Run();
  for (const UniqueFd& peer : peers) EXPECT_THAT(Read(peer), HasSubstr("no file descriptor left"));
  EXPECT_EQ(limits_.refused(Limit::kDescriptors), 3);
  EXPECT_EQ(Read(early), "") << "the earlier one is served on";
  hogs.clear();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd late = Served();
  EXPECT_THAT(given_, SizeIs(2));
}

}  // namespace
}  // namespace sasd::rpc
