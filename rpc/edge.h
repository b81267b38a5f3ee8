#ifndef RPC_EDGE_H_
#define RPC_EDGE_H_

#include <utility>

#include "rpc/access.h"
#include "rpc/connection_table.h"
#include "rpc/limits.h"

namespace sasd::rpc {

// What a server and its services share about the clients: who they are, what they may do, and how
// much. Outlives both. Thread-safe.
struct Edge {
  explicit Edge(AccessPolicy policy, Access::Audit audit = nullptr)
      : access(connections, limits, std::move(policy), std::move(audit)) {}

  LimitBook limits;
  ConnectionTable connections;
  Access access;
};

}  // namespace sasd::rpc

#endif  // RPC_EDGE_H_
