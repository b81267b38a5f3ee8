#include "rpc/connection_table.h"

#include <sys/socket.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "driver/base/fake_clock.h"
#include "driver/base/unique_fd.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

class ConnectionTableTest : public ::testing::Test {
 protected:
  ConnectionTableTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    ours_ = UniqueFd(ends[0]);
    peers_ = UniqueFd(ends[1]);
    name_ = absl::StrCat("fd:", ours_.get());
  }
  // What the peer sees.
  bool IsShutDown() {
    char byte;
    return recv(peers_.get(), &byte, 1, 0) == 0;
  }

  FakeClock clock_;
  ConnectionTable table_{clock_};
  UniqueFd ours_, peers_;
  std::string name_;
};

TEST_F(ConnectionTableTest, TooManyAbandonedCallsInASecondEndTheConnectionOnce) {
  table_.Set(ours_.get(), Peer());
  for (int second = 0; second < 3; ++second) {
    EXPECT_FALSE(table_.NoteAbandoned(name_, 2));
    EXPECT_FALSE(table_.NoteAbandoned(name_, 2));
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_FALSE(IsShutDown());
  EXPECT_FALSE(table_.NoteAbandoned(name_, 2));
  EXPECT_FALSE(table_.NoteAbandoned(name_, 2));
  EXPECT_TRUE(table_.NoteAbandoned(name_, 2));
  EXPECT_TRUE(IsShutDown());
  EXPECT_FALSE(table_.NoteAbandoned(name_, 2));
}

TEST_F(ConnectionTableTest, CallsThatEndWithTheirConnectionDoNotCount) {
  table_.Set(ours_.get(), Peer());
  ASSERT_EQ(send(peers_.get(), "x", 1, 0), 1);  // not read yet
  peers_.Close();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(table_.NoteAbandoned(name_, 2));
  EXPECT_FALSE(table_.IsBarred(Peer()));
}

TEST_F(ConnectionTableTest, ItsProcessMayNotConnectAgainForAWhile) {
  Peer peer, other;
  peer.kind = other.kind = Peer::Kind::kUnix;
  peer.pid = 4711;
  other.pid = 4712;
  table_.Set(ours_.get(), peer);
  EXPECT_FALSE(table_.IsBarred(peer));
  EXPECT_TRUE(table_.NoteAbandoned(name_, 0));
  EXPECT_TRUE(table_.IsBarred(peer));
  EXPECT_FALSE(table_.IsBarred(other));
  clock_.Advance(ConnectionTable::kBarred);
  EXPECT_FALSE(table_.IsBarred(peer));
}

TEST_F(ConnectionTableTest, AConnectionOfTlsIsFoundByThePeersAddress) {
  table_.Set(ours_.get(), Peer(), "ipv4:192.0.2.7:4711");
  EXPECT_FALSE(table_.NoteAbandoned("ipv4:192.0.2.7:4712", 0));
  EXPECT_TRUE(table_.NoteAbandoned("ipv4:192.0.2.7:4711", 0));
  EXPECT_TRUE(IsShutDown());
}

TEST_F(ConnectionTableTest, ARemovedConnectionIsLeftAlone) {
  table_.Set(ours_.get(), Peer(), "ipv4:192.0.2.7:4711");
  table_.Remove(ours_.get());
  EXPECT_FALSE(table_.NoteAbandoned(name_, 0));
  EXPECT_FALSE(table_.NoteAbandoned("ipv4:192.0.2.7:4711", 0));
  EXPECT_FALSE(IsShutDown());
}

}  // namespace
}  // namespace sasd::rpc
