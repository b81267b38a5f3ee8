#ifndef RPC_ACCEPTOR_H_
#define RPC_ACCEPTOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/base/unique_fd.h"
#include "rpc/connection_table.h"
#include "rpc/descriptor_numbers.h"
#include "rpc/limits.h"
#include "rpc/listening_socket.h"
#include "rpc/peer.h"

namespace sasd::rpc {

// Accepts connections, learns who connects, counts, and hands each to gRPC once it speaks.
//
//   accept -> GREETING --it began to speak--> SERVED --either side ended--> ENDING --gRPC closed
//                |                                                             its descriptor-->
//                gone
//                `--too slow, or no HTTP/2 (TLS)--> refused
//
// gRPC 1.51 does not report the end of a connection that was handed to it. So the acceptor keeps a
// duplicate of each: the kernel reports a hang-up there as soon as the peer closed or gRPC shut the
// connection down, and a shutdown() there ends the connection. The number that gRPC got stays
// reserved until gRPC has closed it.
//
// A connection beyond a limit gets an HTTP/2 GOAWAY that names the limit. When the process has no
// descriptor left, one in reserve lets it refuse connections instead of leaving them to a listener
// that spins or closes.
//
// One thread, or Step() in a test. Thread-safe where it says so.
class Acceptor {
 public:
  struct Options {
    std::pair<int, int> numbers = DescriptorNumbers::UpperHalf();
    absl::Duration number_rest = absl::Seconds(5);
  };
  // Takes a connection and its descriptor. Called by the acceptor's thread.
  using Handover = std::function<void(Peer::Kind kind, int listener, int fd)>;

  // Borrows clock, limits and table.
  Acceptor(Clock& clock, LimitBook& limits, ConnectionTable& table, const Options& options,
           Handover hand_over);
  // Stops. Connections that were not handed over end; the others are gRPC's.
  ~Acceptor();

  // Before Start(). kUnavailable: the system gives no descriptors.
  absl::Status Open();
  absl::Status Listen(ListeningSocket socket);
  void Start();

  // Accepts nobody any more, hands over those that were accepted and greet within 100 ms, ends the
  // thread, and closes the sockets. So a socket of the service manager loses no connection: who was
  // not accepted waits for the next process. Idempotent.
  void Stop();

  // A connection of this process to itself, which counts against no limit: hands one end over as
  // Peer::Kind::kSelf, and gives the other. Before Start().
  absl::StatusOr<UniqueFd> ConnectSelf();

  // One round: waits up to `timeout` for something to do, and does it.
  void Step(absl::Duration timeout);

  // Wakes the thread and waits until it begins a round: then it lives. False: it has not by then.
  // Thread-safe.
  bool AwaitRound(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);
  int64_t connections() const { return quota_.in_use(); }

 private:
  enum class State : uint8_t { kGreeting, kServed, kEnding };
  struct Connection {
    uint64_t id = 0;
    State state = State::kGreeting;
    UniqueFd ours;
    uint64_t inode = 0;  // of the socket
    int number = -1;     // of gRPC's descriptor
    int listener = -1;
    Peer peer;
    std::string key;
    absl::Duration deadline = absl::InfiniteDuration();
    absl::Duration look;  // kEnding: until the next
  };

  void Accept(size_t index);
  void TakeIn(size_t index, UniqueFd fd);
  void OnReady(Connection& connection, uint32_t events);
  void Greet(Connection& connection);
  bool HandOver(Connection& connection);
  // Whether gRPC still holds its descriptor.
  bool HeldByGrpc(const Connection& connection) const;
  void Finish(uint64_t id);
  void Refuse(const Connection& connection, Limit limit);
  // Refuses one connection with the descriptor in reserve. False: nobody waits, or nobody can.
  bool ShedOne(int listener);
  void Pause();
  void SetAccepting(bool accepting);
  void CheckDeadlines();
  void GreetTheLast();
  void Wake();
  absl::Status Register(int fd, uint64_t id, uint32_t events);
  int64_t Room() const;

  // Constant.
  Clock& clock_;
  LimitBook& limits_;
  ConnectionTable& table_;
  const Handover hand_over_;

  // Used by the thread alone.
  DescriptorNumbers numbers_;
  PeerQuota quota_;
  UniqueFd epoll_, wake_, reserve_;
  std::vector<ListeningSocket> sockets_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::multimap<absl::Duration, uint64_t> deadlines_;
  uint64_t next_id_;
  std::optional<absl::Duration> pause_until_;  // of accepting, when the system gives nothing
  absl::Duration next_sweep_ = absl::ZeroDuration();

  std::atomic<bool> stop_{false};
  absl::Mutex mu_;
  uint64_t rounds_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread thread_;
};

}  // namespace sasd::rpc

#endif  // RPC_ACCEPTOR_H_
