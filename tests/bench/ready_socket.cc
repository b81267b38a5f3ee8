#include "tests/bench/ready_socket.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sasd::bench {

absl::Status ReadySocket::Open(const std::string& path, absl::Duration timeout) {
  fd_ = UniqueFd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const timeval longest = absl::ToTimeval(timeout);
  // NOLINTNEXTLINE: the sockets API wants this cast.
  if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) == 0 &&
      setenv("NOTIFY_SOCKET", path.c_str(), /*overwrite=*/1) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("cannot make the notify socket ", path));
}

absl::Status ReadySocket::Await() const {
  while (true) {
    char message[4096];
    const ssize_t size = recv(fd_.get(), message, sizeof(message), 0);
    if (size < 0) return absl::DeadlineExceededError("sasd does not serve");
    if (absl::StartsWith({message, static_cast<size_t>(size)}, "READY=1")) return absl::OkStatus();
  }
}

void ReadySocket::Drain() const {
  char message[4096];
  while (recv(fd_.get(), message, sizeof(message), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace sasd::bench
