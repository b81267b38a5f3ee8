#include "rpc/acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sasd::rpc {
namespace {

// RFC 9113, clause 3.4.
constexpr absl::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// The content type of a TLS record that begins a handshake (RFC 8446, clause 5.1).
constexpr char kTlsHandshake = 22;

constexpr uint64_t kWakeId = std::numeric_limits<uint64_t>::max();
constexpr int kMaxSockets = 64;  // their ids are 0 to 63; those of connections follow
constexpr int kAcceptsPerRound = 64;
constexpr absl::Duration kFirstLook = absl::Milliseconds(5), kLastLook = absl::Seconds(1);
constexpr absl::Duration kSweepInterval = absl::Seconds(5), kPause = absl::Milliseconds(100);
// What a connection gets beyond its age, so that its calls end first.
constexpr absl::Duration kAgeGrace = absl::Seconds(30);
// The end waits so long for those who have connected and said nothing yet. Of the real clock.
constexpr auto kLastGreetings = std::chrono::milliseconds(100);
// Descriptors that connections must leave to the rest of the process.
constexpr int64_t kKeptDescriptors = 64;

uint64_t InodeOf(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

// An HTTP/2 frame (RFC 9113, clause 4.1) on stream 0.
std::string Frame(uint8_t type, absl::string_view payload) {
  const size_t size = payload.size();
  std::string out;
  for (int shift : {16, 8, 0}) out.push_back(static_cast<char>(size >> shift));
  out.push_back(static_cast<char>(type));
  out.append(5, '\0');  // no flags, stream 0
  return absl::StrCat(out, payload);
}

// An empty SETTINGS, and a GOAWAY with ENHANCE_YOUR_CALM that carries `text`.
std::string GoAway(absl::string_view text) {
  constexpr uint8_t kSettings = 4, kGoAway = 7;
  constexpr absl::string_view kNoStream("\0\0\0\0", 4), kEnhanceYourCalm("\0\0\0\x0b", 4);
  return absl::StrCat(Frame(kSettings, ""),
                      Frame(kGoAway, absl::StrCat(kNoStream, kEnhanceYourCalm, text)));
}

void SetUnixPeer(int fd, Peer& peer) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    peer.kind = Peer::Kind::kUnknown;
    return;
  }
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  peer.pid = credentials.pid;
  size = 0;
  getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size);  // ERANGE: how many there are
  peer.groups.resize(size / sizeof(uint32_t));
  if (peer.groups.empty()) return;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) != 0) {
    peer.groups.clear();
  }
}

std::string AddressOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(address).sin_addr, text, sizeof(text));
    return text;
  }
  const auto& in6 = reinterpret_cast<sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&in6)) {
    inet_ntop(AF_INET, &in6.s6_addr[12], text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, &in6, text, sizeof(text));
  }
  return text;
}

// The name that gRPC gives to the calls of a TLS connection: "ipv4:192.0.2.7:4711",
// "ipv6:%5B2001:db8::1%5D:4711".
// `address`: AddressOf() it.
std::string GrpcNameOf(int fd, absl::string_view address) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "";
  // At the same place in both kinds of address.
  const int port = ntohs(reinterpret_cast<sockaddr_in&>(peer).sin_port);
  return absl::StrContains(address, ':') ? absl::StrCat("ipv6:%5B", address, "%5D:", port)
                                         : absl::StrCat("ipv4:", address, ":", port);
}

}  // namespace

Acceptor::Acceptor(Clock& clock, LimitBook& limits, ConnectionTable& table, const Options& options,
                   Handover hand_over)
    : clock_(clock),
      limits_(limits),
      table_(table),
      hand_over_(std::move(hand_over)),
      numbers_(clock, options.numbers.first, options.numbers.second, options.number_rest),
      quota_(limits, Limit::kConnections, Limit::kConnectionsPerPeer),
      next_id_(kMaxSockets) {
  // Of each connection's two descriptors one is in the range of numbers.
  limits_.Set(Limit::kDescriptors, options.numbers.second);
}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Stop() {
  stop_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
  if (sockets_.empty()) return;
  GreetTheLast();
  sockets_.clear();
}

absl::Status Acceptor::Register(int fd, uint64_t id, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("epoll_ctl: ", strerror(errno)));
}

absl::Status Acceptor::Open() {
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  reserve_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!epoll_.valid() || !wake_.valid() || !reserve_.valid()) {
    return absl::UnavailableError(absl::StrCat("cannot accept connections: ", strerror(errno)));
  }
  return Register(wake_.get(), kWakeId, EPOLLIN);
}

absl::Status Acceptor::Listen(ListeningSocket socket) {
  if (sockets_.size() == kMaxSockets) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxSockets, " addresses"));
  }
  if (absl::Status s = Register(socket.fd(), sockets_.size(), EPOLLIN); !s.ok()) return s;
  sockets_.push_back(std::move(socket));
  return absl::OkStatus();
}

void Acceptor::Start() {
  thread_ = std::thread([this] {
    while (!stop_) Step(absl::Seconds(1));
  });
}

void Acceptor::GreetTheLast() {
  SetAccepting(false);
  const auto is_greeting = [](const auto& entry) {
    return entry.second->state == State::kGreeting;
  };
  const auto end = std::chrono::steady_clock::now() + kLastGreetings;
  while (std::any_of(connections_.begin(), connections_.end(), is_greeting) &&
         std::chrono::steady_clock::now() < end) {
    Step(absl::Milliseconds(10));
  }
}

void Acceptor::Wake() {
  const uint64_t one = 1;
  if (wake_.valid()) (void)!write(wake_.get(), &one, sizeof(one));
}

bool Acceptor::AwaitRound(absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  const uint64_t before = rounds_;
  Wake();
  const auto is_over = [this, before]()
                           ABSL_SHARED_LOCKS_REQUIRED(mu_) { return rounds_ > before; };
  return mu_.AwaitWithDeadline(absl::Condition(&is_over), deadline);
}

absl::StatusOr<UniqueFd> Acceptor::ConnectSelf() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return absl::UnavailableError(absl::StrCat("socketpair: ", strerror(errno)));
  }
  UniqueFd client(ends[0]);
  auto connection = std::make_unique<Connection>();
  connection->id = next_id_++;
  connection->ours = UniqueFd(ends[1]);
  connection->inode = InodeOf(ends[1]);
  connection->peer.kind = Peer::Kind::kSelf;
  connection->peer.connection = connection->id;
  if (absl::Status s = Register(ends[1], connection->id, EPOLLRDHUP | EPOLLET); !s.ok()) return s;
  if (!HandOver(*connection)) return absl::UnavailableError("no descriptor is left");
  const uint64_t id = connection->id;
  connections_.emplace(id, std::move(connection));
  return client;
}

int64_t Acceptor::Room() const {
  const int64_t descriptors = limits_.value(Limit::kDescriptors);
  return std::max<int64_t>(4, (descriptors - kKeptDescriptors) / 2);
}

void Acceptor::Step(absl::Duration timeout) {
  {
    absl::MutexLock lock(&mu_);
    ++rounds_;
  }
  const absl::Duration now = clock_.Monotonic();
  if (!deadlines_.empty()) timeout = std::min(timeout, deadlines_.begin()->first - now);
  if (pause_until_.has_value()) timeout = std::min(timeout, *pause_until_ - now);
  timeout = std::max(timeout, absl::ZeroDuration());
  epoll_event events[128];
  const int count = epoll_wait(
      epoll_.get(), events, std::size(events),
      static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)))));
  for (int i = 0; i < count; ++i) {
    const uint64_t id = events[i].data.u64;
    if (id == kWakeId) {
      uint64_t ignored;
      (void)!read(wake_.get(), &ignored, sizeof(ignored));
    } else if (id < kMaxSockets) {
      if (id < sockets_.size()) Accept(id);
    } else if (const auto it = connections_.find(id); it != connections_.end()) {
      OnReady(*it->second, events[i].events);
    }
  }
  CheckDeadlines();
}

void Acceptor::Accept(size_t index) {
  for (int i = 0; i < kAcceptsPerRound && !pause_until_.has_value(); ++i) {
    UniqueFd fd(accept4(sockets_[index].fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.valid()) {
      TakeIn(index, std::move(fd));
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return;
      case EMFILE:
      case ENFILE:
        // accept(2) reports it even if nobody waits.
        if (!ShedOne(sockets_[index].fd())) return;
        break;
      case ENOMEM:
      case ENOBUFS:
        return Pause();
      default:
        break;  // the connection ended before it was accepted (accept(2))
    }
  }
}

void Acceptor::Pause() {
  pause_until_ = clock_.Monotonic() + kPause;
  SetAccepting(false);
}

void Acceptor::SetAccepting(bool accepting) {
  for (size_t i = 0; i < sockets_.size(); ++i) {
    epoll_event event = {};
    event.events = accepting ? uint32_t{EPOLLIN} : 0;
    event.data.u64 = i;
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, sockets_[i].fd(), &event);
  }
}

bool Acceptor::ShedOne(int listener) {
  reserve_.Close();
  bool more = false;
  {
    const UniqueFd refused(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (refused.valid()) {
      const std::string text =
          GoAway("sasd has no file descriptor left (LimitNOFILE); try again later");
      (void)!send(refused.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      limits_.CountRefusal(Limit::kDescriptors);
      more = true;
    } else if (errno != EAGAIN) {
      Pause();  // somebody else took the descriptor
    }
  }
  reserve_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return more;
}

void Acceptor::TakeIn(size_t index, UniqueFd fd) {
  if (!reserve_.valid()) reserve_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto connection = std::make_unique<Connection>();
  Connection& taken = *connection;
  taken.id = next_id_++;
  taken.ours = std::move(fd);
  taken.inode = InodeOf(taken.ours.get());
  taken.listener = sockets_[index].fd();
  taken.peer.kind = sockets_[index].kind();
  taken.peer.connection = taken.id;
  if (taken.peer.kind == Peer::Kind::kUnix) {
    SetUnixPeer(taken.ours.get(), taken.peer);
  } else {
    taken.peer.address = AddressOf(taken.ours.get());
    const int on = 1;
    setsockopt(taken.ours.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  taken.key = KeyOf(taken.peer);
  if (taken.peer.kind == Peer::Kind::kUnknown) return;
  if (table_.IsBarred(taken.peer)) {
    limits_.CountRefusal(Limit::kAbandonedCalls);
    return Refuse(taken, Limit::kAbandonedCalls);
  }
  if (!taken.peer.privileged() && quota_.in_use() >= Room()) {
    limits_.CountRefusal(Limit::kDescriptors);
    return Refuse(taken, Limit::kDescriptors);
  }
  if (const std::optional<Limit> limit = quota_.Take(taken.key, taken.peer.privileged())) {
    return Refuse(taken, *limit);
  }
  taken.deadline = clock_.Monotonic() + absl::Seconds(limits_.value(Limit::kHandshakeSeconds));
  deadlines_.emplace(taken.deadline, taken.id);
  if (!Register(taken.ours.get(), taken.id, EPOLLIN | EPOLLRDHUP | EPOLLET).ok()) {
    return quota_.Release(taken.key);
  }
  connections_.emplace(taken.id, std::move(connection));
}

void Acceptor::Refuse(const Connection& connection, Limit limit) {
  if (connection.peer.kind == Peer::Kind::kTls) return;  // it would not understand
  const std::string text = GoAway(absl::StrCat("sasd refuses ", connection.key, ": the limit ",
                                               InfoOf(limit).name, " is ", limits_.value(limit)));
  // What the peer sent is read first: unread bytes would turn the end into a reset.
  char ignored[4096];
  while (recv(connection.ours.get(), ignored, sizeof(ignored), MSG_DONTWAIT) > 0) {
  }
  (void)!send(connection.ours.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(connection.ours.get(), SHUT_WR);
}

void Acceptor::OnReady(Connection& connection, uint32_t events) {
  switch (connection.state) {
    case State::kGreeting:
      return Greet(connection);
    case State::kServed:
      // The peer alone closed: gRPC reads the end and closes, too.
      if ((events & (EPOLLHUP | EPOLLERR)) == 0) return;
      connection.state = State::kEnding;
      connection.look = kFirstLook;
      connection.deadline = clock_.Monotonic() + connection.look;
      deadlines_.emplace(connection.deadline, connection.id);
      return;
    case State::kEnding:
      return;
  }
}

void Acceptor::Greet(Connection& connection) {
  char bytes[24];
  static_assert(sizeof(bytes) == 24, "the length of the preface");
  const ssize_t got = recv(connection.ours.get(), bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return Finish(connection.id);
  const absl::string_view text(bytes, static_cast<size_t>(got));
  if (connection.peer.kind == Peer::Kind::kTls) {
    if (text.front() != kTlsHandshake) return Finish(connection.id);
  } else {
    if (!absl::StartsWith(kHttp2Preface, text)) return Finish(connection.id);
    if (text.size() < kHttp2Preface.size()) {
      if (got == 0) Finish(connection.id);
      return;
    }
  }
  epoll_event event = {};
  event.events = EPOLLRDHUP | EPOLLET;
  event.data.u64 = connection.id;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.ours.get(), &event);
  if (!HandOver(connection)) {
    limits_.CountRefusal(Limit::kDescriptors);
    Refuse(connection, Limit::kDescriptors);
    Finish(connection.id);
  }
}

bool Acceptor::HandOver(Connection& connection) {
  absl::StatusOr<UniqueFd> given = numbers_.Duplicate(connection.ours.get());
  if (!given.ok()) return false;
  connection.number = given->get();
  connection.state = State::kServed;
  connection.deadline = absl::InfiniteDuration();
  const Peer::Kind kind = connection.peer.kind;
  if (kind == Peer::Kind::kTcp || kind == Peer::Kind::kTls) {
    connection.deadline =
        clock_.Monotonic() + kAgeGrace + absl::Seconds(limits_.value(Limit::kConnectionAgeSeconds));
    deadlines_.emplace(connection.deadline, connection.id);
  }
  // Before gRPC can make a call of it.
  table_.Set(
      connection.number, connection.peer,
      kind == Peer::Kind::kTls ? GrpcNameOf(connection.number, connection.peer.address) : "");
  // From here on gRPC closes it.
  const int number = given->Release();
  hand_over_(kind, connection.listener, number);
  return true;
}

bool Acceptor::HeldByGrpc(const Connection& connection) const {
  return connection.number >= 0 && InodeOf(connection.number) == connection.inode;
}

void Acceptor::CheckDeadlines() {
  const absl::Duration now = clock_.Monotonic();
  if (!stop_ && pause_until_.has_value() && *pause_until_ <= now) {
    pause_until_.reset();
    SetAccepting(true);
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const uint64_t id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    const auto it = connections_.find(id);
    if (it == connections_.end() || it->second->deadline > now) continue;
    Connection& connection = *it->second;
    switch (connection.state) {
      case State::kGreeting:
        limits_.CountRefusal(Limit::kHandshakeSeconds);
        Refuse(connection, Limit::kHandshakeSeconds);
        Finish(id);
        break;
      case State::kServed:  // too old
        limits_.CountRefusal(Limit::kConnectionAgeSeconds);
        connection.deadline = absl::InfiniteDuration();
        shutdown(connection.ours.get(), SHUT_RDWR);
        break;
      case State::kEnding: {
        if (!HeldByGrpc(connection)) {
          Finish(id);
          break;
        }
        // A call that still runs keeps the connection: look again, ever less often.
        connection.look = std::min(2 * connection.look, kLastLook);
        connection.deadline = now + connection.look;
        deadlines_.emplace(connection.deadline, id);
        break;
      }
    }
  }
  if (now < next_sweep_) return;
  // In case gRPC closed a descriptor without a shutdown, which the duplicate would not show.
  next_sweep_ = now + kSweepInterval;
  std::vector<uint64_t> gone;
  for (const auto& [id, connection] : connections_) {
    if (connection->state == State::kServed && !HeldByGrpc(*connection)) gone.push_back(id);
  }
  for (uint64_t id : gone) Finish(id);
}

void Acceptor::Finish(uint64_t id) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  const std::unique_ptr<Connection> connection = std::move(it->second);
  connections_.erase(it);
  if (connection->number >= 0) {
    table_.Remove(connection->number);
    numbers_.Retire(connection->number);
  }
  if (!connection->key.empty()) quota_.Release(connection->key);
}

}  // namespace sasd::rpc
