#ifndef RPC_CONNECTION_TABLE_H_
#define RPC_CONNECTION_TABLE_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "rpc/peer.h"

namespace sasd::rpc {

// Whose connection has which descriptor. gRPC names a connection that was handed to it "fd:N", and
// nothing else: N is the only way from a call to its peer. An entry is set before gRPC gets the
// descriptor, and removed after gRPC has closed it. `DescriptorNumbers` keeps a number from being
// used again soon. Thread-safe.
class ConnectionTable {
 public:
  // Replaces no entry: one number has one connection at a time.
  void Set(int number, Peer peer) ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(int number) ABSL_LOCKS_EXCLUDED(mu_);

  // The peer of a call: `name` is ServerContextBase::peer(). Kind kUnknown if no connection has it.
  Peer Find(absl::string_view name) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;  // a leaf
  absl::flat_hash_map<int, Peer> peers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::rpc

#endif  // RPC_CONNECTION_TABLE_H_
