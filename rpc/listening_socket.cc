#include "rpc/listening_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sasd::rpc {
namespace {

constexpr absl::string_view kUnixPrefix = "unix:";

absl::Status Cannot(absl::StatusCode code, absl::string_view address, absl::string_view why) {
  return absl::Status(code, absl::StrCat("cannot listen on ", address, ": ", why));
}

absl::Status SystemRefused(absl::string_view address, absl::string_view what, int error) {
  return Cannot(absl::StatusCode::kUnavailable, address,
                absl::StrCat(what, ": ", strerror(error), "; choose another with --listen"));
}

absl::StatusOr<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("the path of a socket has 1 to ",
                                                   sizeof(address.sun_path) - 1, " characters"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Whether a process accepts connections at a unix socket. A full backlog is one that does.
bool IsServed(const sockaddr_un& address) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
         errno == EAGAIN;
}

// The lock file holds the inodes of sockets that its holders bound: of the one that may still be at
// the path, and of the one that takes its place. Between the two writes of a start either may be
// there. One write each, so that a process that is killed leaves the record of before or of after.
struct Inodes {
  uint64_t before = 0, now = 0;
};

Inodes RecordedInodes(int lock) {
  char text[64] = "";
  const ssize_t size = pread(lock, text, sizeof(text) - 1, 0);
  Inodes inodes;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(text, size < 0 ? 0 : static_cast<size_t>(size)),
                     absl::ByAnyChar(" \n"), absl::SkipEmpty());
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &inodes.before) ||
      !absl::SimpleAtoi(parts[1], &inodes.now)) {
    return {};
  }
  return inodes;
}

bool RecordInodes(int lock, const Inodes& inodes) {
  const std::string text = absl::StrFormat("%020u %020u\n", inodes.before, inodes.now);
  return pwrite(lock, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

// Nothing is at `path`, or what a process of ours left there: then the inode is the recorded one.
absl::Status CheckPath(const std::string& listen, const std::string& path,
                       const sockaddr_un& address, const Inodes& recorded) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return Cannot(absl::StatusCode::kAlreadyExists, listen,
                  "the file is there and is no socket; remove it, or choose with --listen");
  }
  if (IsServed(address)) {
    return Cannot(absl::StatusCode::kAlreadyExists, listen,
                  "another process serves there; stop it, or choose with --listen");
  }
  if (info.st_ino != recorded.before && info.st_ino != recorded.now) {
    return Cannot(absl::StatusCode::kAlreadyExists, listen,
                  absl::StrCat("a socket is there that sasd did not make, and nobody serves it; "
                               "remove it (rm ",
                               path, "), or choose with --listen"));
  }
  return absl::OkStatus();
}

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    return ntohl(in->sin_addr.s_addr) >> 24 == 127;
  }
  if (address->sa_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)) return true;
    return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && in6->sin6_addr.s6_addr[12] == 127;
  }
  return false;
}

int PortOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

ListeningSocket::~ListeningSocket() {
  if (!fd_.valid() || path_.empty()) return;  // moved from, or not ours to remove
  struct stat info;
  if (lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) unlink(path_.c_str());
}

absl::StatusOr<ListeningSocket> ListeningSocket::Bind(const std::string& address,
                                                      const Options& options) {
  if (absl::StartsWith(address, kUnixPrefix)) {
    return BindUnix(address.substr(kUnixPrefix.size()), options);
  }
  if (absl::StartsWith(address, "unix-abstract:")) {
    return Cannot(absl::StatusCode::kInvalidArgument, address,
                  "an abstract socket has no permissions; give unix:PATH");
  }
  return BindTcp(address, options);
}

absl::StatusOr<ListeningSocket> ListeningSocket::BindUnix(const std::string& path,
                                                          const Options& options) {
  const std::string listen = absl::StrCat(kUnixPrefix, path);
  // The socket is made beside its path, and then moved there.
  const std::string beside = absl::StrCat(path, ".new");
  const absl::StatusOr<sockaddr_un> longest = UnixAddress(beside);
  const absl::StatusOr<sockaddr_un> address = UnixAddress(path);
  if (!address.ok() || !longest.ok()) {
    return Cannot(absl::StatusCode::kInvalidArgument, listen,
                  absl::StrCat("the path of a socket has 1 to ",
                               sizeof(sockaddr_un::sun_path) - 1 - 4, " characters"));
  }
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat info;
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Cannot(
        absl::StatusCode::kNotFound, listen,
        absl::StrCat("there is no folder ", folder, "; create it, or choose with --listen"));
  }

  ListeningSocket out;
  const std::string lock_path = absl::StrCat(path, ".lock");
  out.lock_ = UniqueFd(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out.lock_.valid()) {
    return Cannot(
        absl::StatusCode::kUnavailable, listen,
        absl::StrCat(lock_path, ": ", strerror(errno), "; run as root, or choose with --listen"));
  }
  if (flock(out.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Cannot(absl::StatusCode::kAlreadyExists, listen,
                  "another process serves there; stop it, or choose with --listen");
  }
  const Inodes recorded = RecordedInodes(out.lock_.get());
  if (absl::Status s = CheckPath(listen, path, *address, recorded); !s.ok()) return s;
  const uint64_t there = lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;

  out.fd_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.fd_.valid()) return SystemRefused(listen, "socket", errno);
  unlink(beside.c_str());  // of a process that ended between bind and rename: we hold the lock
  // Nobody can connect before listen(): the mode is set by then.
  if (bind(out.fd_.get(), reinterpret_cast<const sockaddr*>(&*longest), sizeof(*longest)) != 0) {
    return SystemRefused(listen, "bind", errno);
  }
  if (chmod(beside.c_str(), options.mode) != 0 || lstat(beside.c_str(), &info) != 0 ||
      !RecordInodes(out.lock_.get(), {there, info.st_ino}) ||
      ::listen(out.fd_.get(), options.backlog) != 0 || rename(beside.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(beside.c_str());
    return SystemRefused(listen, "the socket's file", error);
  }
  out.address_ = listen;
  out.kind_ = Peer::Kind::kUnix;
  out.path_ = path;
  out.inode_ = info.st_ino;
  return out;
}

absl::StatusOr<ListeningSocket> ListeningSocket::BindTcp(const std::string& address,
                                                         const Options& options) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(absl::string_view(address).substr(colon + 1), &port) || port < 0 ||
      port > 65'535) {
    return Cannot(absl::StatusCode::kInvalidArgument, absl::StrCat("\"", address, "\""),
                  "give unix:PATH, or HOST:PORT with a port from 0 to 65535");
  }
  absl::string_view host = absl::string_view(address).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");

  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(std::string(host).c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (failed != 0) {
    return Cannot(absl::StatusCode::kNotFound, address,
                  absl::StrCat(gai_strerror(failed), "; choose another with --listen"));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, &freeaddrinfo);
  if (!options.tls && !options.allow_anonymous && !IsLoopback(found->ai_addr)) {
    return Cannot(
        absl::StatusCode::kPermissionDenied, address,
        "plain TCP is for loopback only, because anybody could call; use --listen-tls, or "
        "give --insecure-listen to serve everybody who can reach the address");
  }

  ListeningSocket out;
  out.fd_ = UniqueFd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.fd_.valid()) return SystemRefused(address, "socket", errno);
  const int on = 1;
  setsockopt(out.fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(out.fd_.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(out.fd_.get(), options.backlog) != 0) {
    return Cannot(absl::StatusCode::kUnavailable, address,
                  absl::StrCat("the address is in use or not this machine's (", strerror(errno),
                               "); choose another with --listen"));
  }
  out.address_ = absl::StrCat(address.substr(0, colon + 1), PortOf(out.fd_.get()));
  out.kind_ = options.tls ? Peer::Kind::kTls : Peer::Kind::kTcp;
  out.anonymous_ = !options.tls && !IsLoopback(found->ai_addr);
  return out;
}

absl::StatusOr<ListeningSocket> ListeningSocket::Adopt(UniqueFd fd, const Options& options) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  int listens = 0, type = 0;
  socklen_t int_size = sizeof(int);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) != 0 ||
      getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &int_size) != 0 || listens == 0 ||
      type != SOCK_STREAM) {
    return absl::InvalidArgumentError(
        absl::StrCat("descriptor ", fd.get(),
                     " of the service manager is no listening stream "
                     "socket; see ListenStream= in systemd.socket(5)"));
  }
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0 || fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("fcntl: ", strerror(errno)));
  }
  ListeningSocket out;
  if (address.ss_family == AF_UNIX) {
    const auto& un = reinterpret_cast<const sockaddr_un&>(address);
    out.address_ = absl::StrCat(kUnixPrefix, un.sun_path);
    out.kind_ = Peer::Kind::kUnix;
  } else {
    char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
    getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof(host), port,
                sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    out.address_ = address.ss_family == AF_INET6 ? absl::StrCat("[", host, "]:", port)
                                                 : absl::StrCat(host, ":", port);
    if (!options.tls && !options.allow_anonymous &&
        !IsLoopback(reinterpret_cast<const sockaddr*>(&address))) {
      return Cannot(absl::StatusCode::kPermissionDenied, out.address_,
                    "plain TCP is for loopback only; name the socket \"tls\" "
                    "(FileDescriptorName=), or give --insecure-listen");
    }
    out.kind_ = options.tls ? Peer::Kind::kTls : Peer::Kind::kTcp;
    out.anonymous_ = !options.tls && !IsLoopback(reinterpret_cast<const sockaddr*>(&address));
  }
  out.fd_ = std::move(fd);
  return out;
}

}  // namespace sasd::rpc
