#ifndef RPC_CONNECTION_TABLE_H_
#define RPC_CONNECTION_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "rpc/peer.h"

namespace sasd::rpc {

// Whose connection has which descriptor. gRPC names a connection that was handed to it "fd:N", and
// nothing else: N is the only way from a call to its peer. With TLS it names the peer's address. An
// entry is set before gRPC gets the descriptor, and removed after gRPC has closed it.
// `DescriptorNumbers` keeps a number from being used again soon. Thread-safe.
class ConnectionTable {
 public:
  // Borrows the clock.
  explicit ConnectionTable(Clock& clock = SystemClock()) : clock_(clock) {}

  // Replaces no entry: one number has one connection at a time. `name`: how gRPC names its calls
  // (ServerContextBase::peer()), if not "fd:N".
  void Set(int number, Peer peer, std::string name = "") ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(int number) ABSL_LOCKS_EXCLUDED(mu_);

  // The peer of a call: `name` is ServerContextBase::peer(). Kind kUnknown if no connection has it.
  Peer Find(absl::string_view name) const ABSL_LOCKS_EXCLUDED(mu_);

  // Counts a call that was cancelled soon after it began. A connection that has more than `most` of
  // them within a second is shut down; true then, once. The end of a connection cancels its calls,
  // too: those do not count.
  //
  // gRPC 1.51 has one thread for what its other threads leave, in one queue for all connections: a
  // client that begins and cancels without end fills that queue, and nobody else is answered.
  bool NoteAbandoned(absl::string_view name, int64_t most) ABSL_LOCKS_EXCLUDED(mu_);
  // Whether a connection of the same process (at a unix socket) or address was shut down so within
  // the last kBarred: a client that connects again at once would go on.
  bool IsBarred(const Peer& peer) ABSL_LOCKS_EXCLUDED(mu_);
  static constexpr absl::Duration kBarred = absl::Seconds(5);

 private:
  struct Entry {
    Peer peer;
    std::string name;
    absl::Duration second = -absl::InfiniteDuration();  // where it began
    int64_t abandoned = 0;                              // within it
    bool ended = false;
  };

  std::optional<int> NumberOf(absl::string_view name) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  Clock& clock_;
  mutable absl::Mutex mu_;  // a leaf
  absl::flat_hash_map<int, Entry> entries_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, int> numbers_ ABSL_GUARDED_BY(mu_);  // by the name
  // Until when, by Describe().
  absl::flat_hash_map<std::string, absl::Duration> barred_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::rpc

#endif  // RPC_CONNECTION_TABLE_H_
