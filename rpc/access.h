#ifndef RPC_ACCESS_H_
#define RPC_ACCESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "rpc/call_guard.h"
#include "rpc/connection_table.h"
#include "rpc/glob.h"
#include "rpc/limits.h"
#include "rpc/peer.h"

// Which peer has which role, and which role a method needs.
namespace sasd::rpc {

// Gives a role to peers.
struct RoleRule {
  enum class Subject : uint8_t { kUser, kGroup, kCertificate };

  Subject subject = Subject::kUser;
  uint32_t id = 0;   // kUser, kGroup: matches a unix peer's uid, or any of its groups
  Glob certificate;  // kCertificate: matches any name of a TLS peer's certificate
  Role role = Role::kNone;
};

// Reads "user:NAME", "user:UID", "group:NAME", "group:GID" or "certificate:GLOB". Users and groups
// are looked up once. Errors: kInvalidArgument for another form, kNotFound for an unknown name.
absl::StatusOr<RoleRule> ParseRoleRule(absl::string_view text, Role role);

struct AccessPolicy {
  std::vector<RoleRule> rules;  // of those that match, the highest role counts
  // The role of a peer that no rule matches.
  Role of_unix = Role::kOperator;  // whom the socket's group lets in
  Role of_tcp = Role::kViewer;
  Role of_tls = Role::kNone;
};

// The peer's role. Root, this process and its user are admin. Pure but for geteuid().
Role RoleOf(const AccessPolicy& policy, const Peer& peer);

// A method and the least role that may call it: {"sas.v1.NodeService/GetNode", kViewer}.
using MethodRole = std::pair<std::string, Role>;

// A CallGuard by connection, policy and table. Thread-safe.
class Access final : public CallGuard {
 public:
  // Reports what was let in or refused, in the thread of the call; must not wait.
  using Audit = std::function<void(const Caller& caller, absl::string_view method, Role needed,
                                   bool allowed)>;

  // Borrows both. `audit` may be empty.
  Access(ConnectionTable& connections, LimitBook& limits, AccessPolicy policy, Audit audit);

  // Adds methods. A method in no table is refused.
  void Add(const std::vector<MethodRole>& methods) ABSL_LOCKS_EXCLUDED(mu_);
  // Replaces the policy; holds for calls that come next.
  void SetPolicy(AccessPolicy policy) ABSL_LOCKS_EXCLUDED(mu_);

  grpc::Status Admit(const grpc::ServerContextBase& context, absl::string_view method,
                     Caller* caller) override ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the connection beyond the limit abandoned_calls.
  void NoteAbandoned(const grpc::ServerContextBase& context) override;

  // Who makes a call, whether it may or not.
  Caller Identify(const grpc::ServerContextBase& context) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Peer PeerOf(const grpc::ServerContextBase& context) const;

  ConnectionTable& connections_;
  LimitBook& limits_;
  const Audit audit_;

  absl::Mutex mu_;  // a leaf
  AccessPolicy policy_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, Role> methods_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::rpc

#endif  // RPC_ACCESS_H_
