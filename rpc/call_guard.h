#ifndef RPC_CALL_GUARD_H_
#define RPC_CALL_GUARD_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"
#include "rpc/peer.h"

namespace sasd::rpc {

// Who made a call. A value.
struct Caller {
  Peer peer;
  Role role = Role::kNone;
  std::string key;  // KeyOf(peer)
};

// Lets a call in, or refuses it. Every method of every service asks first. Thread-safe.
class CallGuard {
 public:
  virtual ~CallGuard() = default;

  // `method` is "sas.v1.NodeService/GetNode". Fills in `caller` if that is not null. Errors:
  // UNAUTHENTICATED if nobody knows the peer, PERMISSION_DENIED if its role does not suffice or the
  // method is in no table; each with ErrorInfo{reason, {method, role, ...}}.
  virtual grpc::Status Admit(const grpc::ServerContextBase& context, absl::string_view method,
                             Caller* caller) = 0;

  // The client has cancelled a call within kSoon of its beginning: who cancels later has used it.
  virtual void NoteAbandoned(const grpc::ServerContextBase&) {}
  static constexpr absl::Duration kSoon = absl::Seconds(1);
};

// Lets every call in, for all of one peer. For tests, and for servers that have no roles.
class OpenGuard final : public CallGuard {
 public:
  grpc::Status Admit(const grpc::ServerContextBase&, absl::string_view, Caller* caller) override {
    if (caller != nullptr) {
      caller->peer.kind = Peer::Kind::kSelf;
      caller->role = Role::kAdmin;
      caller->key = KeyOf(caller->peer);
    }
    return grpc::Status::OK;
  }
};

}  // namespace sasd::rpc

#endif  // RPC_CALL_GUARD_H_
