#include "rpc/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

using testing::HasSubstr;

class ListeningSocketTest : public testing::Test {
 protected:
  ListeningSocketTest() {
    char name[] = "/tmp/sasd-listen.XXXXXX";
    folder_ = mkdtemp(name);
    path_ = absl::StrCat(folder_, "/s.sock");
  }
  ~ListeningSocketTest() override { (void)!system(absl::StrCat("rm -r ", folder_).c_str()); }

  static absl::StatusOr<ListeningSocket> Bind(const std::string& address,
                                              ListeningSocket::Options options = {}) {
    return ListeningSocket::Bind(address, options);
  }
  std::string address() const { return absl::StrCat("unix:", path_); }
  bool Connects() const {
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un un = {};
    un.sun_family = AF_UNIX;
    std::strcpy(un.sun_path, path_.c_str());
    return connect(fd.get(), reinterpret_cast<sockaddr*>(&un), sizeof(un)) == 0;
  }
  bool Exists() const { return access(path_.c_str(), F_OK) == 0; }
  // A process that binds the path and ends without a word, as after kill -9.
  void BindAndDie() {
    const pid_t child = fork();
    if (child == 0) {
      const absl::StatusOr<ListeningSocket> socket = Bind(address());
      _exit(socket.ok() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
  }

  std::string folder_, path_;
};

TEST_F(ListeningSocketTest, ModeDoesNotDependOnTheUmask) {
  for (mode_t mask : {0, 022, 077}) {
    const mode_t before = umask(mask);
    const absl::StatusOr<ListeningSocket> socket = Bind(address());
    umask(before);
    ASSERT_TRUE(socket.ok()) << socket.status();
    struct stat info;
    ASSERT_EQ(lstat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0660u);
    EXPECT_TRUE(Connects());
  }
}

TEST_F(ListeningSocketTest, SecondOneIsRefusedAndRemovesNothing) {
  const absl::StatusOr<ListeningSocket> first = Bind(address());
  ASSERT_TRUE(first.ok());
  {
    const absl::StatusOr<ListeningSocket> second = Bind(address());
    EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
    EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process serves there"));
  }
  EXPECT_TRUE(Connects());
}

TEST_F(ListeningSocketTest, SocketOfADeadProcessIsReplaced) {
  BindAndDie();
  ASSERT_TRUE(Exists());
  const absl::StatusOr<ListeningSocket> socket = Bind(address());
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_TRUE(Connects());
}

// A start that was killed after it recorded its socket, and before that was at the path.
TEST_F(ListeningSocketTest, StartThatWasKilledHalfwayLocksNobodyOut) {
  BindAndDie();
  struct stat info;
  ASSERT_EQ(lstat(path_.c_str(), &info), 0);
  std::ofstream(absl::StrCat(path_, ".lock")) << info.st_ino << " " << info.st_ino + 1'000 << "\n";
  EXPECT_TRUE(Bind(address()).ok());
  BindAndDie();
  ASSERT_EQ(lstat(path_.c_str(), &info), 0);
  for (const std::string& record : {std::string("5 6\n"), std::string("x"), std::string()}) {
    std::ofstream(absl::StrCat(path_, ".lock")) << record;
    EXPECT_EQ(Bind(address()).status().code(), absl::StatusCode::kAlreadyExists) << record;
  }
}

TEST_F(ListeningSocketTest, ForeignSocketStays) {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  std::strcpy(un.sun_path, path_.c_str());
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&un), sizeof(un)), 0);
  // Bound, not listening yet: as another program's between the two calls.
  absl::StatusOr<ListeningSocket> socket = Bind(address());
  EXPECT_EQ(socket.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(socket.status().message()), HasSubstr("sasd did not make"));
  ASSERT_EQ(listen(fd.get(), 1), 0);
  socket = Bind(address());
  EXPECT_THAT(std::string(socket.status().message()), HasSubstr("another process serves there"));
  EXPECT_TRUE(Connects());
}

TEST_F(ListeningSocketTest, FullBacklogOfAStoppedProcessDoesNotHang) {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  std::strcpy(un.sun_path, path_.c_str());
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&un), sizeof(un)), 0);
  ASSERT_EQ(listen(fd.get(), 0), 0);
  const UniqueFd first(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ASSERT_EQ(connect(first.get(), reinterpret_cast<sockaddr*>(&un), sizeof(un)), 0);
  EXPECT_EQ(Bind(address()).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(ListeningSocketTest, OtherFilesStay) {
  std::ofstream(path_) << "text";
  EXPECT_THAT(std::string(Bind(address()).status().message()), HasSubstr("is no socket"));
  EXPECT_TRUE(Exists());
}

TEST_F(ListeningSocketTest, EndRemovesOnlyItsOwnSocket) {
  {
    const absl::StatusOr<ListeningSocket> socket = Bind(address());
    ASSERT_TRUE(socket.ok());
  }
  EXPECT_FALSE(Exists());
  EXPECT_EQ(access(absl::StrCat(path_, ".lock").c_str(), F_OK), 0);
  {
    const absl::StatusOr<ListeningSocket> socket = Bind(address());
    ASSERT_TRUE(socket.ok());
    ASSERT_EQ(unlink(path_.c_str()), 0);
    std::ofstream(path_) << "another's";
  }
  EXPECT_TRUE(Exists());
}

TEST_F(ListeningSocketTest, BadAddressesAreRefusedWithTheRemedy) {
  const struct {
    std::string address;
    absl::StatusCode code;
    std::string part;
  } kCases[] = {
      {"unix-abstract:x", absl::StatusCode::kInvalidArgument, "no permissions"},
      {"unix:", absl::StatusCode::kInvalidArgument, "1 to 103 characters"},
      {absl::StrCat("unix:/tmp/", std::string(200, 'x')), absl::StatusCode::kInvalidArgument,
       "1 to 103 characters"},
      {"unix:/no/such/folder/s.sock", absl::StatusCode::kNotFound, "there is no folder"},
      {"localhost", absl::StatusCode::kInvalidArgument, "HOST:PORT"},
      {":80", absl::StatusCode::kInvalidArgument, "HOST:PORT"},
      {"localhost:99999", absl::StatusCode::kInvalidArgument, "0 to 65535"},
      {"localhost:-1", absl::StatusCode::kInvalidArgument, "0 to 65535"},
      {"localhost:http", absl::StatusCode::kInvalidArgument, "0 to 65535"},
      {"0.0.0.0:0", absl::StatusCode::kPermissionDenied, "--insecure-listen"},
      {"[::]:0", absl::StatusCode::kPermissionDenied, "--insecure-listen"},
      {"192.0.2.1:0", absl::StatusCode::kPermissionDenied, "--listen-tls"},
  };
  for (const auto& each : kCases) {
    const absl::Status status = Bind(each.address).status();
    EXPECT_EQ(status.code(), each.code) << each.address << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(each.part)) << each.address;
  }
}

TEST_F(ListeningSocketTest, LoopbackTakesAFreePort) {
  const absl::StatusOr<ListeningSocket> socket = Bind("127.0.0.1:0");
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ(socket->kind(), Peer::Kind::kTcp);
  const absl::StatusOr<ListeningSocket> again = Bind(socket->address());
  EXPECT_EQ(again.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ListeningSocketTest, AdoptedSocketIsNotRemoved) {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  std::strcpy(un.sun_path, path_.c_str());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&un), sizeof(un)), 0);
  EXPECT_FALSE(ListeningSocket::Adopt(UniqueFd(dup(fd.get())), {}).ok()) << "does not listen";
  ASSERT_EQ(listen(fd.get(), 1), 0);
  {
    const absl::StatusOr<ListeningSocket> socket = ListeningSocket::Adopt(std::move(fd), {});
    ASSERT_TRUE(socket.ok()) << socket.status();
    EXPECT_EQ(socket->address(), address());
    EXPECT_EQ(socket->kind(), Peer::Kind::kUnix);
  }
  EXPECT_TRUE(Exists());
}

}  // namespace
}  // namespace sasd::rpc
