#ifndef RPC_LISTENING_SOCKET_H_
#define RPC_LISTENING_SOCKET_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/unique_fd.h"
#include "rpc/peer.h"

namespace sasd::rpc {

// A socket that listens, and what holds its address. Move-only; thread-compatible.
class ListeningSocket {
 public:
  struct Options {
    mode_t mode = 0660;            // of a unix socket, whatever the umask says
    bool allow_anonymous = false;  // plain TCP on an address that is not loopback
    bool tls = false;              // what a TCP socket speaks
    int backlog = 512;
  };

  // Binds `address`: "unix:PATH" or "HOST:PORT" (port 0: any free one), and listens.
  //
  // A unix socket is held by a lock on PATH.lock, a file that is never removed: of two processes
  // one gets it. The socket appears at its path with its mode, in one step. One that a process of
  // ours left behind is replaced; the lock file says which that was. Any other file stays.
  //
  // Errors name the address and the remedy: kInvalidArgument for an address of another form,
  // kNotFound for a folder or host that does not exist, kAlreadyExists where another process holds
  // the lock or serves, or a file is in the way, kPermissionDenied for plain TCP beyond loopback
  // without `allow_anonymous`, kUnavailable where the system refuses.
  static absl::StatusOr<ListeningSocket> Bind(const std::string& address, const Options& options);

  // Takes over a socket that the service manager bound (sd_listen_fds(3)). It is never removed.
  static absl::StatusOr<ListeningSocket> Adopt(UniqueFd fd, const Options& options);

  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = default;
  // Removes the path of a unix socket that Bind() made, if it is still there and is that socket.
  ~ListeningSocket();

  int fd() const { return fd_.get(); }
  // "unix:PATH" or "HOST:PORT", with the port that was bound.
  const std::string& address() const { return address_; }
  // kUnix, kTcp or kTls: of what comes in here.
  Peer::Kind kind() const { return kind_; }
  // Plain TCP beyond loopback: anybody who reaches the address may connect.
  bool anonymous() const { return anonymous_; }

 private:
  ListeningSocket() = default;

  static absl::StatusOr<ListeningSocket> BindUnix(const std::string& path, const Options& options);
  static absl::StatusOr<ListeningSocket> BindTcp(const std::string& address,
                                                 const Options& options);

  UniqueFd fd_;
  UniqueFd lock_;
  std::string address_;
  Peer::Kind kind_ = Peer::Kind::kUnknown;
  bool anonymous_ = false;
  std::string path_;    // to remove; empty: none
  uint64_t inode_ = 0;  // of the path
};

}  // namespace sasd::rpc

#endif  // RPC_LISTENING_SOCKET_H_
